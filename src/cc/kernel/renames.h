/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel called otherwise once: members of its structs, types, functions and tracepoints
 * that sources and tools still name. tests/unit/test_renames.c compares the table with kernels.
 */
#ifndef EBCC_KERNEL_RENAMES_H
#define EBCC_KERNEL_RENAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum ebcc_rename_kind {
	EBCC_RENAMED_MEMBER,	 /* of the struct that the scope names */
	EBCC_RENAMED_TYPE,	 /* a struct */
	EBCC_RENAMED_FUNCTION,	 /* that can be traced */
	EBCC_RENAMED_TRACEPOINT, /* in the category that the scope names */
};

/* A version of Linux as a number, for comparisons. */
#define EBCC_LINUX(major, minor) ((major) << 16 | (minor))

struct ebcc_rename {
	enum ebcc_rename_kind kind;
	const char *scope; /* or NULL */
	const char *name;  /* of old */
	/* What stands for it: for a member one of the same struct, else "STRUCT.MEMBER"; for a
	 * tracepoint "CATEGORY:EVENT"; for either "NAME()", a function; NULL: nothing does. */
	const char *now;
	unsigned since, until; /* EBCC_LINUX(): first version without it; first one where this is no
				* longer what stands for it, or 0 */
	const char *how;       /* as a sentence's end: "t->__state", or NULL: @now says it */
};

/* A row of the table, in no order; NULL behind the last. */
const struct ebcc_rename *ebcc_rename_at(size_t index);

/*
 * Appends what became of a name that a kernel lacks, "since Linux 5.14 it is __state", without a
 * full stop.
 * @scope: NULL for kinds without one. @release: of the kernel, as uname gives it, or NULL.
 * False: nothing is known of it.
 */
bool ebcc_rename_explain(enum ebcc_rename_kind kind, const char *scope, const char *name,
			 const char *release, struct ebcc_buf *ret);

/* The same of the running kernel, as the end of an error's sentence: "; since Linux 5.14 ...". */
bool ebcc_rename_tell(enum ebcc_rename_kind kind, const char *scope, const char *name,
		      struct ebcc_buf *ret);

#endif /* EBCC_KERNEL_RENAMES_H */
