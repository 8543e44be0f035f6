/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's symbols, for internal use: additions to the public handle of ebcc.h, and a walk over
 * /proc/kallsyms that stores nothing.
 */
#ifndef EBCC_KERNEL_KSYMS_H
#define EBCC_KERNEL_KSYMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct ebcc_ksyms_line {
	const char *name;   /* borrowed for the call */
	const char *module; /* "" for the kernel itself */
	uint64_t address;   /* 0: addresses are hidden */
	char type;	    /* as in nm's output: t, T, w, W for functions */
};

/* Called for one symbol; returns false to end the walk. */
typedef bool (*ebcc_ksyms_line_fn)(void *ctx, const struct ebcc_ksyms_line *line);

/*
 * Calls @fn for each symbol of /proc/kallsyms, in the order of the file. Addresses are zero if they
 * are hidden from this user. Malformed lines are skipped.
 */
MUST_CHECK struct ebcc_error *ebcc_ksyms_walk(ebcc_ksyms_line_fn fn, void *ctx);

/* Whether an address is in the kernel's own code. Other code may be unloaded, and its address
 * reused. */
bool ebcc_ksyms_is_permanent(const struct ebcc_ksyms *ksyms, uint64_t address);

/* Whether @type is that of a function. */
static inline bool ebcc_ksyms_is_function(char type)
{
	return type == 't' || type == 'T' || type == 'w' || type == 'W';
}

#endif /* EBCC_KERNEL_KSYMS_H */
