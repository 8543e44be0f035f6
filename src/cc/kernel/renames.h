/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Old names in the kernel: members, types, functions and tracepoints that were renamed or removed
 * but that sources and tools still use. tests/unit/kernel/test_renames.c compares the table with
 * kernels.
 */
#ifndef EBCC_KERNEL_RENAMES_H
#define EBCC_KERNEL_RENAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum ebcc_rename_kind {
	EBCC_RENAMED_MEMBER,	 /* scope: the struct */
	EBCC_RENAMED_TYPE,	 /* a struct */
	EBCC_RENAMED_FUNCTION,	 /* a traceable function */
	EBCC_RENAMED_TRACEPOINT, /* scope: the category */
};

/* A Linux version as a number, for comparisons. */
#define EBCC_LINUX(major, minor) ((major) << 16 | (minor))

struct ebcc_rename {
	enum ebcc_rename_kind kind;
	const char *scope; /* or NULL */
	const char *name;  /* the old name */
	/* The replacement. For a member: a member of the same struct, or "STRUCT.MEMBER"; for a
	 * tracepoint: "CATEGORY:EVENT"; for either, a function "NAME()". NULL: there is none. */
	const char *now;
	unsigned since, until; /* EBCC_LINUX(): the first version without the old name, and the
				* first one in which this is no longer the replacement, or 0 */
	const char *how;       /* the replacement in words, to end a sentence; NULL: @now */
};

/* A row of the table, in no particular order; NULL after the last one. */
const struct ebcc_rename *ebcc_rename_at(size_t index);

/*
 * Appends what became of a name that a kernel lacks, "since Linux 5.14 it is __state", without a
 * full stop.
 * @scope: NULL for kinds without one. @release: the kernel's, as uname() returns it, or NULL.
 * Returns false if nothing is known about the name.
 */
bool ebcc_rename_explain(enum ebcc_rename_kind kind, const char *scope, const char *name,
			 const char *release, struct ebcc_buf *ret);

/* The same for the running kernel, to be appended to an error message: "; since Linux 5.14 ...". */
bool ebcc_rename_tell(enum ebcc_rename_kind kind, const char *scope, const char *name,
		      struct ebcc_buf *ret);

#endif /* EBCC_KERNEL_RENAMES_H */
