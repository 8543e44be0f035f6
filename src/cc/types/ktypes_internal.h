/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of stage 2 share: the state of one generation of kernel types, and the
 * parts that write the text, section by section.
 */
#ifndef EBCC_TYPES_KTYPES_INTERNAL_H
#define EBCC_TYPES_KTYPES_INTERNAL_H

#include "base/buf.h"
#include "base/hash.h"
#include "kernel/btf.h"
#include "types/ktypes.h"
#include "types/source_scan.h"

/* Beside enum ebcc_scan_use in the values of scan.names: where BTF has the name. */
enum ebcc_ktypes_found {
	FOUND_TAG = 1 << 16,	  /* a struct, union or enum */
	FOUND_ORDINARY = 1 << 17, /* a typedef or an enumerator */
	FOUND_MACRO = 1 << 18,	  /* ktypes_macros.c has it */
};
#define FOUND_ANY (FOUND_TAG | FOUND_ORDINARY | FOUND_MACRO)

struct ebcc_ktypes {
	struct ebcc_scan scan;
	struct ebcc_kernel_info *kernel; /* borrowed */
	struct ebcc_kernel_btf *btf;	 /* NULL: kernel headers give the types */
	char *tracefs_path;		 /* as given; NULL: found by itself */
	bool core;
	bool independent; /* ebcc_ktypes_independent() */
	struct ebcc_buf notes, inputs, unknown;
};

/* Whether a tag of the kernel must keep out of the source's way. */
static inline bool ktypes_excludes_tag(unsigned uses)
{
	return (uses & EBCC_SCAN_DROPPED_TAG) ||
	       ((uses & EBCC_SCAN_DEFINES_TAG) && !(uses & EBCC_SCAN_ASKED));
}

/* The same for a typedef or an enumerator. */
static inline bool ktypes_excludes_ordinary(unsigned uses)
{
	return (uses & EBCC_SCAN_DROPPED_ORDINARY) ||
	       ((uses & (EBCC_SCAN_DEFINES_TYPEDEF | EBCC_SCAN_DEFINES_ENUMERATOR |
			 EBCC_SCAN_DEFINES_OBJECT)) &&
		!(uses & EBCC_SCAN_ASKED));
}

/*
 * ktypes_btf.c: marks in the scan's names what BTF has of them (FOUND_TAG, FOUND_ORDINARY), and
 * appends those types as C with all that they need. @whole: all types.
 */
MUST_CHECK struct ebcc_error *ebcc_ktypes_print_btf(struct ebcc_ktypes *ktypes, bool whole,
						    struct ebcc_buf *text);

/*
 * ktypes_macros.c: adds to the scan's names what the macros and functions that the source names
 * themselves name, however far; marks FOUND_MACRO. To be called before the types are printed.
 */
MUST_CHECK struct ebcc_error *ebcc_ktypes_expand_macros(struct ebcc_ktypes *ktypes);

/* ktypes_macros.c: appends them, but for those whose name BTF has. After the types. */
MUST_CHECK struct ebcc_error *ebcc_ktypes_print_macros(struct ebcc_ktypes *ktypes,
						       struct ebcc_buf *text);

/* ktypes_macros.c: appends what refuses words that may be meant as attributes. After headers. */
void ebcc_ktypes_print_doubts(struct ebcc_ktypes *ktypes, struct ebcc_buf *text);

#endif /* EBCC_TYPES_KTYPES_INTERNAL_H */
