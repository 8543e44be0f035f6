/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option structs of the public API. Each begins with its size, `sz`, which distinguishes a caller
 * compiled against an older or newer version of the library from one that forgot to set it.
 */
#ifndef EBCC_BASE_OPTIONS_H
#define EBCC_BASE_OPTIONS_H

#include <stddef.h>

#include "base/error.h"

/*
 * Copies the caller's option struct @opts into @ret, a struct of @size bytes that holds the
 * defaults. Members that an older caller's struct lacks keep their defaults, and so do all if
 * @opts is NULL. @name is the struct's name, for messages. EBCC_ERROR_INVALID_ARGUMENT if sz is not
 * set, or if a newer caller sets a member that this version of the library doesn't know.
 */
MUST_CHECK struct ebcc_error *ebcc_opts_read(void *ret, size_t size, const void *opts,
					     const char *name);

#endif /* EBCC_BASE_OPTIONS_H */
