/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening files that another user may control: a traced process chooses its paths and what is
 * found there. Only regular files are opened, opening never blocks and has no side effects on
 * devices, and a path inside a process's root directory can't lead out of it.
 */
#ifndef EBCC_BASE_OPEN_FILE_H
#define EBCC_BASE_OPEN_FILE_H

#include "base/error.h"

/* Opens a regular file for reading. @path is relative to the descriptor @directory (or AT_FDCWD);
 * a symbolic link at its end is followed. Returns -1 and sets errno on failure; EINVAL: it is not a
 * regular file. */
int ebcc_open_regular_at(int directory, const char *path);

/* The same, but resolves @path as if the directory @root were "/": neither ".." nor symbolic links,
 * absolute ones included, lead out of it, and the magic links of /proc are not followed. */
int ebcc_open_regular_in(int root, const char *path);

/* Creates the error for an errno that one of these set: EBCC_ERROR_NOT_FOUND, EBCC_ERROR_FORMAT
 * (not a regular file), EBCC_ERROR_OS or EBCC_ERROR_PERMISSION. */
struct ebcc_error *ebcc_open_failure(const char *path, int errnum);

/* Opens the root directory of a process. Returns a descriptor, or -1 and sets errno. */
int ebcc_open_process_root(int pid);

/* Reads a small file of sysfs or /proc into @text, without its last newline. Longer text is
 * truncated. Returns false and sets errno if the file can't be read. */
bool ebcc_read_small_file(const char *path, char *text, size_t size);

#endif /* EBCC_BASE_OPEN_FILE_H */
