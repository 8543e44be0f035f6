/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do about the compiler's diagnostics that come from common mistakes in the dialect.
 */
#ifndef EBCC_ADVICE_HINTS_H
#define EBCC_ADVICE_HINTS_H

#include <stdbool.h>

#include "base/buf.h"

/* One diagnostic, and what is known of its surroundings. All is borrowed. */
struct ebcc_mistake {
	const char *source;   /* the whole text that the user wrote */
	const char *types;    /* the kernel's types that it was compiled against, as C; or "" */
	const char *release;  /* of the kernel, or NULL */
	const char *message;  /* in the source's own terms, without internal names */
	const char *rendered; /* as clang prints it, with internal names */
	const char *line;     /* the source line, "" when there is none; not NUL-terminated there */
	size_t line_length;
	unsigned number; /* of that line, from 1; 0: unknown */
	unsigned column; /* from 1; 0: unknown */
};

/* Appends one sentence of advice to @ret, without a full stop. Returns whether there was any. */
bool ebcc_hint(const struct ebcc_mistake *mistake, struct ebcc_buf *ret);

/* For a mistake that clang tells of in many words that mislead, appends few: a macro that the
 * dialect doesn't have, where one of a near name exists; a table inside of a function; wrong
 * arguments of one of the dialect's macros. */
bool ebcc_hint_macro(const struct ebcc_mistake *mistake, struct ebcc_buf *ret);

/* Whether @name is the name of a method that some table has. */
bool ebcc_is_method(const char *name, size_t length);

/* Whether the source defines a macro of that name. */
bool ebcc_source_defines_macro(const char *source, const char *name);

/* Whether the source defines a static function of that name. */
bool ebcc_source_has_static_function(const char *source, const char *name);

#endif /* EBCC_ADVICE_HINTS_H */
