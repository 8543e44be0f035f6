/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compile had to say, as a person who wrote the source wants to read it.
 */
#ifndef EBCC_ADVICE_DIAGNOSTICS_H
#define EBCC_ADVICE_DIAGNOSTICS_H

#include <stdbool.h>

#include "base/buf.h"
#include "compiler/compiler.h"

/* What a compile was about. All is borrowed. */
struct ebcc_compiled {
	const char *source;  /* the user's text */
	const char *types;   /* the kernel's types that it was compiled against, as C; or "" */
	const char *release; /* of the kernel, as uname gives it; or NULL */
};

/*
 * Appends the diagnostics of at least @severity with their notes, in clang's form: names and places
 * of the dialect's own headers left out, hints added as notes. The last line has no newline.
 */
void ebcc_diagnostics_render(const struct ebcc_cc_answer *answer,
			     const struct ebcc_compiled *compiled, enum ebcc_cc_severity severity,
			     struct ebcc_buf *ret);

/* One warning of the answer, likewise. Nothing is appended for one that tells a user nothing. */
void ebcc_diagnostics_render_warning(const struct ebcc_cc_answer *answer, size_t index,
				     const struct ebcc_compiled *compiled, struct ebcc_buf *ret);

/* Whether an error is about a name that the kernel's headers are likely to have and its BTF hasn't:
 * a macro or an inline function, of which nothing nearer is known. */
bool ebcc_diagnostic_wants_headers(const struct ebcc_cc_diagnostic *diagnostic,
				   const struct ebcc_compiled *compiled);

/* Whether the source doesn't compile because it is written for libbpf: SEC("...") and libbpf's
 * headers are not in the dialect. */
bool ebcc_diagnostics_speak_of_libbpf(const struct ebcc_cc_answer *answer,
				      const struct ebcc_compiled *compiled);

#endif /* EBCC_ADVICE_DIAGNOSTICS_H */
