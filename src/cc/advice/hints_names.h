/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that may have been meant, found in C texts: the members of a struct, what a source declares
 * before a place, and the kernel's types.
 */
#ifndef EBCC_ADVICE_HINTS_NAMES_H
#define EBCC_ADVICE_HINTS_NAMES_H

#include "base/buf.h"
#include "base/near_names.h"

/* Behind the spaces, comments and strings of C that begin at @at. */
const char *ebcc_skip_comments(const char *at);

/* Sees one name. */
typedef void (*ebcc_name_fn)(void *ctx, const char *name);

/*
 * Calls @fn for each member of a struct or union, with those of members without a name, in order.
 * @type: "struct event", or a typedef's name. False: the text has no definition of it.
 */
bool ebcc_names_of_members(const char *text, const char *type, ebcc_name_fn fn, void *ctx);

/* Adds what the text seems to declare before @stop: variables, parameters, functions, tables,
 * macros. Names of types, and what is only used, are left out. */
void ebcc_near_declared(const char *text, const char *stop, struct ebcc_near_names *near);

/* Adds the tags of structs, unions or enums that the text defines; @keyword: "struct", ... */
void ebcc_near_tags(const char *text, const char *keyword, struct ebcc_near_names *near);

#endif /* EBCC_ADVICE_HINTS_NAMES_H */
