// SPDX-License-Identifier: Apache-2.0
#include "base/options.h"

#include <string.h>

/* Larger than any option struct will ever be: a greater sz was not set by the caller. */
#define SIZE_LIMIT 4096

struct ebcc_error *ebcc_opts_read(void *ret, size_t size, const void *opts, const char *name)
{
	const char *bytes = opts;
	size_t sz;

	if (!opts)
		return NULL;
	memcpy(&sz, opts, sizeof(sz));
	if (sz < sizeof(sz) || sz > SIZE_LIMIT)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "%s.sz is not set: set it to sizeof(struct %s)", name,
					 name);
	for (size_t i = size; i < sz; i++)
		if (bytes[i])
			return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
						 "struct %s sets a member that this version of the "
						 "library (%d.%d.%d) does not know: the caller was "
						 "compiled for a newer version",
						 name, EBCC_VERSION_MAJOR, EBCC_VERSION_MINOR,
						 EBCC_VERSION_PATCH);
	memcpy(ret, opts, sz < size ? sz : size);
	memcpy(ret, &size, sizeof(size));
	return NULL;
}

struct ebcc_error *ebcc_flags_check(uint64_t flags, uint64_t known, const char *name)
{
	if (!(flags & ~known))
		return NULL;
	return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
				 "%s has bits that this version of the library (%d.%d.%d) does not "
				 "know: 0x%llx",
				 name, EBCC_VERSION_MAJOR, EBCC_VERSION_MINOR, EBCC_VERSION_PATCH,
				 (unsigned long long)(flags & ~known));
}

struct ebcc_error *ebcc_choice_check(unsigned value, unsigned last, const char *name)
{
	if (value <= last)
		return NULL;
	return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
				 "%s is %u, which this version of the library (%d.%d.%d) does not "
				 "know: its values end at %u",
				 name, value, EBCC_VERSION_MAJOR, EBCC_VERSION_MINOR,
				 EBCC_VERSION_PATCH, last);
}

void ebcc_result_write(void *ret, size_t size, const void *result, size_t result_size)
{
	size_t known = size < result_size ? size : result_size;

	memcpy(ret, result, known);
	memset((char *)ret + known, 0, size - known);
}
