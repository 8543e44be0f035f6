// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define STAT_LIMIT (64u << 10)

/* Returns /proc/PID/stat from the end of the second field on, ") S 1 ...", or NULL if there is no
 * such process. The second field is the command in parentheses, which may contain any character. */
static const char *read_stat(int pid, struct ebcc_buf *text)
{
	struct ebcc_error *error;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	error = ebcc_buf_read_file(text, path, STAT_LIMIT);
	if (error) {
		ebcc_error_destroy(error);
		return NULL;
	}
	return strrchr(ebcc_buf_string(text), ')');
}

static uint64_t start_time_in(const char *stat)
{
	for (int field = 2; stat && field < 22; field++)
		stat = strchr(stat + 1, ' ');
	return stat ? strtoull(stat, NULL, 10) : 0;
}

uint64_t ebcc_process_start_time(int pid)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	return start_time_in(read_stat(pid, &text));
}

bool ebcc_process_runs(int pid, uint32_t start_time)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	const char *stat = read_stat(pid, &text);

	return stat && strncmp(stat, ") Z", 3) && strncmp(stat, ") X", 3) &&
	       (uint32_t)start_time_in(stat) == start_time;
}
