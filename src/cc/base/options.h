/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs of the public API, which later versions may add members to. Those with options begin with
 * their size, `sz`, so that a caller compiled for an older or newer version of the library can be
 * told from one that forgot to set it; for those with results the caller passes its size. Flags are
 * checked likewise: a bit that means nothing yet may mean something to a later version.
 */
#ifndef EBCC_BASE_OPTIONS_H
#define EBCC_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Copies the caller's option struct @opts into @ret, a struct of @size bytes that holds the
 * defaults. Members that an older caller's struct lacks keep their defaults, and so do all if
 * @opts is NULL. @name is the struct's name, for messages. EBCC_ERROR_INVALID_ARGUMENT if sz is not
 * set, or if a newer caller sets a member that this version of the library doesn't know.
 */
MUST_CHECK struct ebcc_error *ebcc_opts_read(void *ret, size_t size, const void *opts,
					     const char *name);

/* EBCC_ERROR_INVALID_ARGUMENT, which names the bits, if @flags has others than @known. @name is
 * that of the argument, for the message. */
MUST_CHECK struct ebcc_error *ebcc_flags_check(uint64_t flags, uint64_t known, const char *name);

/*
 * Checks a member or parameter of an enumeration that has the values from 0 to @last; the first is
 * the default. @name as in ebcc_flags_check().
 * Returns EBCC_ERROR_INVALID_ARGUMENT, with the value, for any other.
 */
MUST_CHECK struct ebcc_error *ebcc_choice_check(unsigned value, unsigned last, const char *name);

/*
 * Writes a result to the @size bytes that the caller has for it: an older caller gets the members
 * that it knows, a newer one zeroes for those that this version does not know.
 */
void ebcc_result_write(void *ret, size_t size, const void *result, size_t result_size);

#endif /* EBCC_BASE_OPTIONS_H */
