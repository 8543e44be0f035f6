/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's symbol list as the rest of the runtime uses it: the public handle of
 * ebcc.h, and a walk over /proc/kallsyms that keeps nothing.
 */
#ifndef EBCC_KERNEL_KSYMS_H
#define EBCC_KERNEL_KSYMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct ebcc_ksyms_line {
	const char *name;   /* borrowed for the call */
	const char *module; /* "" for the kernel itself */
	uint64_t address;   /* 0 where addresses are hidden */
	char type;	    /* as nm shows it: t, T, w, W for functions */
};

/* Sees one symbol; returns false to end the walk. */
typedef bool (*ebcc_ksyms_line_fn)(void *ctx, const struct ebcc_ksyms_line *line);

/*
 * Calls @fn for each symbol of /proc/kallsyms in the kernel's order; addresses are
 * zero when they are hidden from this user. Lines that are not of its format are passed over.
 */
MUST_CHECK struct ebcc_error *ebcc_ksyms_walk(ebcc_ksyms_line_fn fn, void *ctx);

/* Whether an address is in the kernel's own code: what is not may be unloaded, and its address be
 * another's by now. */
bool ebcc_ksyms_is_permanent(const struct ebcc_ksyms *ksyms, uint64_t address);

/* Whether @type is a function's. */
static inline bool ebcc_ksyms_is_function(char type)
{
	return type == 't' || type == 'T' || type == 'w' || type == 'W';
}

#endif /* EBCC_KERNEL_KSYMS_H */
