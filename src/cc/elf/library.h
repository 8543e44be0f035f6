/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the file that a user probe names: a path, a library or a program.
 */
#ifndef EBCC_ELF_LIBRARY_H
#define EBCC_ELF_LIBRARY_H

#include <stddef.h>

#include "base/error.h"

/*
 * Opens what a user probe names as its binary: a path as it is, else a library, else a program of
 * PATH. With a @pid above 0 as that process sees it, and within its root directory.
 * @ret_fd: owned by the caller. @ret_path: malloc'ed, as the process names the file.
 * Errors: EBCC_ERROR_NOT_FOUND, EBCC_ERROR_FORMAT for what is not a regular file.
 */
MUST_CHECK struct ebcc_error *ebcc_open_binary(const char *name, int pid, int *ret_fd,
					       char **ret_path);

/* The entry of a loader cache (the contents of ld.so.cache) for a library "c" or "libc.so.6", or
 * NULL. Borrowed from @cache, whose @size bytes may hold anything. */
const char *ebcc_library_in_cache(const char *cache, size_t size, const char *name);

#endif /* EBCC_ELF_LIBRARY_H */
