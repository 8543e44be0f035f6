/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The diagnostics of a compile, rendered for the author of the source.
 */
#ifndef EBCC_ADVICE_DIAGNOSTICS_H
#define EBCC_ADVICE_DIAGNOSTICS_H

#include <stdbool.h>

#include "base/buf.h"
#include "compiler/compiler.h"

/* The input of a compile. Everything is borrowed. */
struct ebcc_compiled {
	const char *source;  /* the user's text */
	const char *types;   /* the kernel types that it was compiled against, as C; or "" */
	const char *release; /* of the kernel, as uname gives it; or NULL */
};

/*
 * Appends the diagnostics of at least @severity with their notes, in clang's form: without names
 * and locations in the dialect's own headers, and with hints added as notes. The last line has no
 * newline.
 */
void ebcc_diagnostics_render(const struct ebcc_cc_answer *answer,
			     const struct ebcc_compiled *compiled, enum ebcc_cc_severity severity,
			     struct ebcc_buf *ret);

/* Appends one warning of the answer in the same form. Appends nothing if it is of no use to the
 * user. */
void ebcc_diagnostics_render_warning(const struct ebcc_cc_answer *answer, size_t index,
				     const struct ebcc_compiled *compiled, struct ebcc_buf *ret);

/* Whether an error is about a name that the kernel's headers are likely to define and its BTF
 * lacks: a macro or an inline function, if there is no better explanation. */
bool ebcc_diagnostic_needs_headers(const struct ebcc_cc_diagnostic *diagnostic,
				   const struct ebcc_compiled *compiled);

/* Whether the source doesn't compile because it uses SEC() and doesn't include the header that
 * defines it: clang's errors about that help nobody. */
bool ebcc_diagnostics_lack_sections(const struct ebcc_cc_answer *answer,
				    const struct ebcc_compiled *compiled);

#endif /* EBCC_ADVICE_DIAGNOSTICS_H */
