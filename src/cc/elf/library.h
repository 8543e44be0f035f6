/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the file that a user probe names: a path, a library or a program.
 */
#ifndef EBCC_ELF_LIBRARY_H
#define EBCC_ELF_LIBRARY_H

#include <stddef.h>

#include "base/error.h"

/*
 * Opens the binary that a user probe names: a path, else a library, else a program in PATH. If @pid
 * is above 0, it is opened as that process sees it, inside its root directory.
 * @ret_fd: owned by the caller. @ret_path: malloc'ed; the path as the process sees it.
 * Errors: EBCC_ERROR_NOT_FOUND; EBCC_ERROR_FORMAT if it is not a regular file.
 */
MUST_CHECK struct ebcc_error *ebcc_open_binary(const char *name, int pid, int *ret_fd,
					       char **ret_path);

/* Looks up a library ("c" or "libc.so.6") in a loader cache (the contents of ld.so.cache). Returns
 * its path, borrowed from @cache, or NULL. The @size bytes of @cache may be malformed. */
const char *ebcc_library_in_cache(const char *cache, size_t size, const char *name);

/* Searches PATH for a program. *@ret is malloc'ed; it stays as it is if there is none. */
MUST_CHECK struct ebcc_error *ebcc_find_program(const char *name, char **ret);

#endif /* EBCC_ELF_LIBRARY_H */
