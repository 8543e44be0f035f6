// SPDX-License-Identifier: Apache-2.0
#include "base/cpus.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/open_file.h"

/* More CPUs than any kernel supports: a longer list is malformed. */
#define CPU_LIMIT (1u << 16)

/* Parses one "N" or "N-M" at *@at, and advances past it and a following comma. */
static bool parse_range(const char **at, unsigned long *ret_first, unsigned long *ret_last)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*ret_first = *ret_last = strtoul(*at, &end, 10);
	if (*end == '-') {
		if (end[1] < '0' || end[1] > '9')
			return false;
		*ret_last = strtoul(end + 1, &end, 10);
	}
	if (*end == ',')
		end++;
	else if (*end)
		return false;
	*at = end;
	return *ret_first <= *ret_last && *ret_last < CPU_LIMIT;
}

struct ebcc_error *ebcc_parse_cpus(const char *text, int **ret, size_t *ret_count)
{
	AUTO_BUF struct ebcc_buf cpus = EBCC_BUF_INIT;
	const char *at = text;
	unsigned long first, last;
	size_t size;

	while (*at) {
		if (!parse_range(&at, &first, &last) || cpus.size / sizeof(int) >= CPU_LIMIT)
			return ebcc_error_create(EBCC_ERROR_FORMAT,
						 "\"%.40s\" is not a list of CPUs", text);
		for (unsigned long cpu = first; cpu <= last; cpu++) {
			int number = (int)cpu;

			ebcc_buf_append(&cpus, &number, sizeof(number));
		}
	}
	if (!cpus.size)
		return ebcc_error_create(EBCC_ERROR_FORMAT, "the list of CPUs is empty");
	TRY(ebcc_buf_take(&cpus, (char **)ret, &size));
	*ret_count = size / sizeof(int);
	return NULL;
}

struct ebcc_error *ebcc_online_cpus(int **ret, size_t *ret_count)
{
	char text[4096];

	if (!ebcc_read_small_file("/sys/devices/system/cpu/online", text, sizeof(text)))
		return ebcc_error_os(EBCC_ERROR_OS, errno,
				     "can't read /sys/devices/system/cpu/online");
	return ebcc_parse_cpus(text, ret, ret_count);
}
