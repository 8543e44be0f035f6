/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compile may read: a list of directories, each with all that is below it, and of single
 * files. The tracing program makes it, from the source's place and the flags; the compiler opens
 * files through ebcc_read_scope_open() only, wherever it runs. The helper process has the kernel
 * hold it to the same list where the kernel can (confine.c).
 */
#ifndef EBCC_COMPILER_READ_SCOPE_H
#define EBCC_COMPILER_READ_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct ebcc_read_scope {
	char **paths; /* without links in them */
	size_t count;
};

#define EBCC_READ_SCOPE_INIT (struct ebcc_read_scope){0}

void ebcc_read_scope_deinit(struct ebcc_read_scope *scope);

/*
 * Adds a directory, or a file. One that isn't there is left out, and so is "/", which would be
 * everything. What links in the directory itself lead to is added too, unless whoever made the link
 * may not be able to read all of it.
 */
MUST_CHECK struct ebcc_error *ebcc_read_scope_add(struct ebcc_read_scope *scope, const char *path);

/* Adds the directories that flags name (-I and similar), and those of the files that they do. */
MUST_CHECK struct ebcc_error *ebcc_read_scope_add_flags(struct ebcc_read_scope *scope,
							const char *const *flags, size_t count);

/* Whether a path without links in it is in one of @paths. */
bool ebcc_read_scope_has(const char *const *paths, size_t count, const char *real);

/* Opens a regular file for reading. -1 with an errno; EXDEV: it exists, outside of @paths; EINVAL:
 * it is not a regular file. */
int ebcc_read_scope_open(const char *const *paths, size_t count, const char *path);

#endif /* EBCC_COMPILER_READ_SCOPE_H */
