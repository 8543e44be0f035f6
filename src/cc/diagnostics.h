/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compile had to say, as a person who wrote the source wants to read it.
 */
#ifndef EBCC_DIAGNOSTICS_H
#define EBCC_DIAGNOSTICS_H

#include <stdbool.h>

#include "buf.h"
#include "compiler.h"

/*
 * Appends the diagnostics of at least @severity with their notes, in clang's form: names and places
 * of the dialect's own headers left out, hints added as notes. @source is the user's text. The
 * last line has no newline.
 */
void ebcc_diagnostics_render(const struct ebcc_cc_answer *answer, const char *source,
			     enum ebcc_cc_severity severity, struct ebcc_buf *ret);

/* One warning of the answer, likewise. Nothing is appended for one that tells a user nothing. */
void ebcc_diagnostics_render_warning(const struct ebcc_cc_answer *answer, size_t index,
				     const char *source, struct ebcc_buf *ret);

/* Whether the rendering of a diagnostic tells what to do about it. */
bool ebcc_diagnostic_is_explained(const struct ebcc_cc_diagnostic *diagnostic, const char *source);

#endif /* EBCC_DIAGNOSTICS_H */
