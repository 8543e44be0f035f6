/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compile may read: a list of directories, each with everything below it, and of single
 * files. The tracing program makes the list, from the source's location and the flags. The compiler
 * opens files through ebcc_read_scope_open() only, wherever it runs. In the helper process the
 * kernel, if it can, enforces the same list (confine.c).
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
 * Adds a directory or a file. Missing ones are ignored, and so is "/", which would allow
 * everything. The targets of links in the directory itself are added too, unless a link's owner
 * might not be able to read all of the target.
 */
MUST_CHECK struct ebcc_error *ebcc_read_scope_add(struct ebcc_read_scope *scope, const char *path);

/* Adds the directories that flags name (-I and similar), and the directories of files that flags
 * name. */
MUST_CHECK struct ebcc_error *ebcc_read_scope_add_flags(struct ebcc_read_scope *scope,
							const char *const *flags, size_t count);

/* Whether a path without links in it is in one of @paths. */
bool ebcc_read_scope_has(const char *const *paths, size_t count, const char *real);

/* Opens a regular file for reading. Returns -1 with errno set on failure. EXDEV: it exists, outside
 * of @paths. EINVAL: it is not a regular file. */
int ebcc_read_scope_open(const char *const *paths, size_t count, const char *path);

#endif /* EBCC_COMPILER_READ_SCOPE_H */
