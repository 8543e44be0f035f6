/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hints on the dialect's macros: what each takes, and what is wrong with the arguments in the
 * source.
 */
#ifndef EBCC_ADVICE_HINTS_MACROS_H
#define EBCC_ADVICE_HINTS_MACROS_H

#include "advice/hints.h"
#include "base/near_names.h"

/* If the mistake's line begins with one of the macros and its arguments are wrong, appends a
 * message that replaces clang's. */
bool ebcc_hint_dialect_macro(const struct ebcc_mistake *mistake, struct ebcc_buf *ret);

/* If a line that begins with one of the macros is wrong for another reason, appends advice in
 * addition to clang's message. */
bool ebcc_hint_dialect_use(const struct ebcc_mistake *mistake, struct ebcc_buf *ret);

/* The line of a source with that number, counted from 1; "" if there is none. Borrowed; not
 * NUL-terminated after *ret_length. */
const char *ebcc_source_line(const char *source, unsigned number, size_t *ret_length);

/* Whether this is the name of a dialect macro that begins a declaration. */
bool ebcc_is_dialect_macro(const char *name);

/* Adds the names of those macros as candidates. */
void ebcc_near_dialect_macros(struct ebcc_near_names *near);

#endif /* EBCC_ADVICE_HINTS_MACROS_H */
