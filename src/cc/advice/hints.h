/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advice on compiler diagnostics that come from common mistakes in the dialect.
 */
#ifndef EBCC_ADVICE_HINTS_H
#define EBCC_ADVICE_HINTS_H

#include <stdbool.h>

#include "base/buf.h"

/* One diagnostic and its context. Everything is borrowed. */
struct ebcc_mistake {
	const char *source;   /* the whole text that the user wrote */
	const char *types;    /* the kernel types that it was compiled against, as C; or "" */
	const char *release;  /* of the kernel, or NULL */
	const char *message;  /* in the source's own terms, without internal names */
	const char *rendered; /* as clang prints it, with internal names */
	const char *line;     /* the source line, or ""; not NUL-terminated at its end */
	size_t line_length;
	unsigned number; /* of that line, from 1; 0: unknown */
	unsigned column; /* from 1; 0: unknown */
};

/* Appends one sentence of advice to @ret, without a full stop. Returns whether there was any. */
bool ebcc_hint(const struct ebcc_mistake *mistake, struct ebcc_buf *ret);

/* For mistakes that clang reports in a long and misleading way, appends a message that replaces
 * clang's: for a macro that the dialect doesn't have, with a name similar to one that it has; for a
 * table inside a function; for wrong arguments of a dialect macro. */
bool ebcc_hint_macro(const struct ebcc_mistake *mistake, struct ebcc_buf *ret);

/* Whether some table has a method called @name. */
bool ebcc_is_method(const char *name, size_t length);

/* Whether the source defines a macro of that name. */
bool ebcc_source_defines_macro(const char *source, const char *name);

/* Whether the source defines a static function of that name. */
bool ebcc_source_has_static_function(const char *source, const char *name);

#endif /* EBCC_ADVICE_HINTS_H */
