/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds names that the author may have meant in C texts: members of a struct, what a source
 * declares before a place, and kernel types.
 */
#ifndef EBCC_ADVICE_HINTS_NAMES_H
#define EBCC_ADVICE_HINTS_NAMES_H

#include "base/buf.h"
#include "base/near_names.h"

/* Skips white space, comments and strings of C. */
const char *ebcc_skip_comments(const char *at);

/* Sees one name. */
typedef void (*ebcc_name_fn)(void *ctx, const char *name);

/*
 * Calls @fn for each member of a struct or union, including those of anonymous members, in order.
 * @type: "struct event", or a typedef's name. Returns false if the text doesn't define it.
 */
bool ebcc_names_of_members(const char *text, const char *type, ebcc_name_fn fn, void *ctx);

/* Adds the variables, parameters, functions, tables and macros that the text seems to declare
 * before @stop, but not names of types or names that are only used. */
void ebcc_near_declared(const char *text, const char *stop, struct ebcc_near_names *near);

/* Adds the tags of structs, unions or enums that the text defines. @keyword: "struct" and so on. */
void ebcc_near_tags(const char *text, const char *keyword, struct ebcc_near_names *near);

#endif /* EBCC_ADVICE_HINTS_NAMES_H */
