/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's functions in order of their names, with their addresses, and which of them can be
 * probed: one list from what /proc/kallsyms, ftrace and the kprobe blacklist tell. Making it takes
 * tens of milliseconds, so the process keeps it, and the disk cache keeps it for the next
 * one. Loading or unloading a kernel module makes it anew, and so does a reboot.
 */
#ifndef EBCC_KERNEL_FUNCTIONS_H
#define EBCC_KERNEL_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ebcc_kernel_function {
	uint64_t address;   /* 0 where addresses are hidden from this user */
	uint32_t name;	    /* offset in names */
	uint32_t probeable; /* 1: a kprobe can be set at it, as far as the kernel tells */
};

struct ebcc_kernel_functions {
	const struct ebcc_kernel_function *functions; /* by name, then by address */
	size_t count;
	const char *names; /* NUL-terminated, one after the other */
};

/*
 * The list for the kernel as it is now. It is shared: the caller gives it back by
 * ebcc_kernel_functions_put(), and does not change it. Safe in several threads. Errors: those of
 * reading /proc/kallsyms.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_functions_get(const struct ebcc_kernel_functions **ret);
/* NULL is nothing. */
void ebcc_kernel_functions_put(const struct ebcc_kernel_functions *functions);

/* The place of the first function whose name is not before @name: one that begins with @name, if
 * there is any. */
size_t ebcc_kernel_functions_search(const struct ebcc_kernel_functions *functions,
				    const char *name);

/* The name of a function. */
static inline const char *ebcc_kernel_function_name(const struct ebcc_kernel_functions *functions,
						    size_t index)
{
	return functions->names + functions->functions[index].name;
}

#endif /* EBCC_KERNEL_FUNCTIONS_H */
