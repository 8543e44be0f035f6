/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option structs of the public API. Each begins with its size, `sz`, so that a caller compiled for
 * an older or newer version of the library can be told from one that forgot to set it.
 */
#ifndef EBCC_BASE_OPTIONS_H
#define EBCC_BASE_OPTIONS_H

#include <stddef.h>

#include "base/error.h"

/*
 * Copies the caller's option struct @opts into @ret, a struct of @size bytes that holds the
 * defaults: members that an older caller's struct lacks keep theirs. @name is the struct's, for
 * messages. A NULL @opts leaves all defaults. EBCC_ERROR_INVALID_ARGUMENT: sz is not set, or a
 * newer caller's struct sets a member that this version of the library does not know.
 */
MUST_CHECK struct ebcc_error *ebcc_opts_read(void *ret, size_t size, const void *opts,
					     const char *name);

#endif /* EBCC_BASE_OPTIONS_H */
