/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of the kernel's functions, sorted by name, with their addresses and whether they can be
 * probed. It is made from /proc/kallsyms, ftrace's list and the kprobe blacklist. This takes tens
 * of milliseconds, so the list is kept in the process, and in the disk cache for the next one. It
 * is made again after a kernel module was loaded or unloaded, and after a reboot.
 */
#ifndef EBCC_KERNEL_FUNCTIONS_H
#define EBCC_KERNEL_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ebcc_kernel_function {
	uint64_t address;   /* 0: addresses are hidden from this user */
	uint32_t name;	    /* offset in names */
	uint32_t probeable; /* 1: a kprobe can be set, according to the kernel's lists */
};

struct ebcc_kernel_functions {
	const struct ebcc_kernel_function *functions; /* sorted by name, then by address */
	size_t count;
	const char *names; /* NUL-terminated, one after the other */
};

/*
 * Returns the list for the current state of the kernel. It is shared and must not be changed; the
 * caller releases it with ebcc_kernel_functions_put(). Thread-safe. Fails if /proc/kallsyms can't
 * be read.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_functions_get(const struct ebcc_kernel_functions **ret);
/* Releases a list; NULL is allowed. */
void ebcc_kernel_functions_put(const struct ebcc_kernel_functions *functions);

/* Returns the index of the first function whose name is not less than @name. If any names begin
 * with @name, it is the first of them. */
size_t ebcc_kernel_functions_search(const struct ebcc_kernel_functions *functions,
				    const char *name);

/* The name of the function at an index. */
static inline const char *ebcc_kernel_function_name(const struct ebcc_kernel_functions *functions,
						    size_t index)
{
	return functions->names + functions->functions[index].name;
}

#endif /* EBCC_KERNEL_FUNCTIONS_H */
