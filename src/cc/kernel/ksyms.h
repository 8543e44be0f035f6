/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's symbol list as the rest of the runtime uses it: a list to find
 * addresses and names in, and a walk over /proc/kallsyms that keeps nothing.
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

struct ebcc_ksyms;

struct ebcc_ksym {
	const char *name;   /* borrowed until the next refresh */
	const char *module; /* "kernel" for the kernel itself, "bpf" for BPF programs */
	uint64_t address;   /* of the symbol's start */
	uint64_t offset;    /* of the looked-up address from the symbol's start */
};

/* Reads /proc/kallsyms. EBCC_ERROR_PERMISSION if the kernel hides addresses from this user. */
MUST_CHECK struct ebcc_error *ebcc_ksyms_create(struct ebcc_ksyms **ret);
/* Frees the symbols and their names. NULL is allowed. */
void ebcc_ksyms_destroy(struct ebcc_ksyms *ksyms);
/* Finds the symbol that contains @address, the first in the kernel's list if several start at the
 * same place. Returns false if there is none. */
bool ebcc_ksyms_find(struct ebcc_ksyms *ksyms, uint64_t address, struct ebcc_ksym *ret);
/* Finds the address of a name, in @module or, with NULL, anywhere. Returns false if there is none.
 */
bool ebcc_ksyms_find_name(struct ebcc_ksyms *ksyms, const char *module, const char *name,
			  uint64_t *ret);
/* Reads /proc/kallsyms again. If that fails, the symbols read before are kept. */
MUST_CHECK struct ebcc_error *ebcc_ksyms_refresh(struct ebcc_ksyms *ksyms);
/*
 * The same, but only if a module or a BPF program was loaded or unloaded since. Call it before
 * looking up addresses that may be newer than the list. It checks at most ten times a second, less
 * often if reading takes long.
 */
MUST_CHECK struct ebcc_error *ebcc_ksyms_update(struct ebcc_ksyms *ksyms);

/* Whether an address is in the kernel's own code. Other code may be unloaded, and its address
 * reused. */
bool ebcc_ksyms_is_permanent(const struct ebcc_ksyms *ksyms, uint64_t address);

/* Whether @type is the letter of a function. */
static inline bool ebcc_ksyms_is_function(char type)
{
	return type == 't' || type == 'T' || type == 'w' || type == 'W';
}

#endif /* EBCC_KERNEL_KSYMS_H */
