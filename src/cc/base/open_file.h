/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening files that somebody else may have made: a traced process chooses its paths and what
 * lies there. Only regular files are opened, opening never blocks or has side effects on
 * devices, and a path inside a process's root stays inside it.
 */
#ifndef EBCC_BASE_OPEN_FILE_H
#define EBCC_BASE_OPEN_FILE_H

#include "base/error.h"

/* Opens a regular file for reading by a path relative to a directory's descriptor (or AT_FDCWD). -1
 * with an errno, EINVAL where there is something else. A link at the end of @path is followed. */
int ebcc_open_regular_at(int directory, const char *path);

/* The same for a path that is resolved as if the directory @root were "/": neither ".." nor links,
 * absolute ones included, lead out of it, and none of /proc's magic ones is followed. */
int ebcc_open_regular_in(int root, const char *path);

/* The error for an errno of these: EBCC_ERROR_NOT_FOUND, EBCC_ERROR_FORMAT (no regular file),
 * EBCC_ERROR_OS, EBCC_ERROR_PERMISSION. */
struct ebcc_error *ebcc_open_failure(const char *path, int errnum);

/* The root directory of a process as a descriptor, or -1 with an errno. */
int ebcc_open_process_root(int pid);

/* Reads a small file of sysfs or /proc into @text, without its last newline. What doesn't fit is
 * cut off. False, and errno: it can't be read. */
bool ebcc_read_small_file(const char *path, char *text, size_t size);

#endif /* EBCC_BASE_OPEN_FILE_H */
