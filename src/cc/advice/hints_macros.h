/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hints on the dialect's macros: what each takes, and what is wrong with the arguments that a
 * source gives it.
 */
#ifndef EBCC_ADVICE_HINTS_MACROS_H
#define EBCC_ADVICE_HINTS_MACROS_H

#include "advice/hints.h"
#include "base/near_names.h"

/* Where the mistake's line begins with one of the macros, and arguments of it are wrong: appends
 * what is, instead of clang's words. */
bool ebcc_hint_dialect_macro(const struct ebcc_mistake *mistake, struct ebcc_buf *ret);

/* Where a line that begins with one of the macros is wrong for another reason: appends advice
 * beside clang's words. */
bool ebcc_hint_dialect_use(const struct ebcc_mistake *mistake, struct ebcc_buf *ret);

/* The line of a source with that number, from 1; "" where there is none. Borrowed; not
 * NUL-terminated behind *ret_length. */
const char *ebcc_source_line(const char *source, unsigned number, size_t *ret_length);

/* Whether the dialect has a macro of that name, among those that begin a line. */
bool ebcc_is_dialect_macro(const char *name);

/* Adds the names of those macros as candidates. */
void ebcc_near_dialect_macros(struct ebcc_near_names *near);

#endif /* EBCC_ADVICE_HINTS_MACROS_H */
