/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of stage 2: the state of a generation of kernel types, and the functions that
 * write the sections of the text.
 */
#ifndef EBCC_TYPES_KTYPES_INTERNAL_H
#define EBCC_TYPES_KTYPES_INTERNAL_H

#include "base/buf.h"
#include "base/hash.h"
#include "kernel/btf.h"
#include "types/ktypes.h"
#include "types/source_scan.h"

/* In the values of scan.names, in addition to enum ebcc_scan_use: where the name was found. */
enum ebcc_ktypes_found {
	FOUND_TAG = 1 << 16,	  /* in BTF, a struct, union or enum */
	FOUND_ORDINARY = 1 << 17, /* in BTF, a typedef or an enumerator */
	FOUND_MACRO = 1 << 18,	  /* in the table of macros */
};
#define FOUND_ANY (FOUND_TAG | FOUND_ORDINARY | FOUND_MACRO)

struct ebcc_ktypes {
	struct ebcc_scan scan;
	struct ebcc_kernel_info *kernel; /* borrowed */
	struct ebcc_kernel_btf *btf;	 /* NULL: kernel headers provide the types */
	char *tracefs_path;		 /* from the options; NULL: where it is mounted */
	bool portable;
	bool independent; /* ebcc_ktypes_independent() */
	struct ebcc_buf notes, inputs, unknown, constants;
};

/* Whether the kernel's struct, union or enum must be left out, because the source defines the tag.
 */
static inline bool ktypes_excludes_tag(unsigned uses)
{
	return (uses & EBCC_SCAN_DROPPED_TAG) ||
	       ((uses & EBCC_SCAN_DEFINES_TAG) && !(uses & EBCC_SCAN_ASKED));
}

/* The same for a typedef, an enumerator or a macro. */
static inline bool ktypes_excludes_ordinary(unsigned uses)
{
	return (uses & EBCC_SCAN_DROPPED_ORDINARY) ||
	       ((uses & (EBCC_SCAN_DEFINES_TYPEDEF | EBCC_SCAN_DEFINES_ENUMERATOR |
			 EBCC_SCAN_DEFINES_OBJECT)) &&
		!(uses & EBCC_SCAN_ASKED));
}

/*
 * ktypes_btf.c: marks the scan's names that BTF has (FOUND_TAG, FOUND_ORDINARY), and appends these
 * types as C, with all types that they need. @whole: all types.
 */
MUST_CHECK struct ebcc_error *ebcc_ktypes_print_btf(struct ebcc_ktypes *ktypes, bool whole,
						    struct ebcc_buf *text);

/*
 * ktypes_macros.c: finds the macros and functions that the source names (FOUND_MACRO), and adds the
 * names that these use to the scan, recursively. To be called before the types are printed.
 */
MUST_CHECK struct ebcc_error *ebcc_ktypes_expand_macros(struct ebcc_ktypes *ktypes);

/* ktypes_macros.c: appends them, except those whose name BTF has. To be called after the types are
 * printed. */
MUST_CHECK struct ebcc_error *ebcc_ktypes_print_macros(struct ebcc_ktypes *ktypes,
						       struct ebcc_buf *text);

/* ktypes_macros.c: the value of a constant of the table on a kernel, if it is a plain number or the
 * length of an array. */
bool ebcc_ktypes_macro_value(struct ebcc_kernel_info *kernel, struct ebcc_kernel_btf *btf,
			     const char *name, uint64_t *ret);

/* ktypes_macros.c: appends macros that report words which may be meant as attributes. In the text
 * for kernel headers they come after the headers. */
void ebcc_ktypes_print_unknown_attributes(struct ebcc_ktypes *ktypes, struct ebcc_buf *text);

#endif /* EBCC_TYPES_KTYPES_INTERNAL_H */
