/* SPDX-License-Identifier: Apache-2.0 */
/* What is installed with the library: a moved or relocated installation finds its own files. */
#ifndef EBCC_BASE_BESIDE_LIBRARY_H
#define EBCC_BASE_BESIDE_LIBRARY_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

/*
 * Looks for a file or directory in places relative to the library's directory (that of the program,
 * if it is linked statically), or absolute ones. @mode is that of access(). *@ret is malloc'ed, or
 * NULL if there is none. EBCC_ERROR_OS if the library's directory can't be found out.
 */
MUST_CHECK struct ebcc_error *ebcc_find_beside_library(const char *const *places, size_t count,
						       int mode, char **ret);

#endif /* EBCC_BASE_BESIDE_LIBRARY_H */
