/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics of the stages after clang, which know the file, line and column but don't have the
 * source. Rendered in the same way as clang's own.
 */
#ifndef EBCC_COMPILER_DIAGNOSTIC_H
#define EBCC_COMPILER_DIAGNOSTIC_H

#include "compiler/compiler.h"

/*
 * Adds a diagnostic to @answer. @line and @column count from 1; 0 if unknown. The source line and a
 * caret are shown if the request has the text of @path. A diagnostic with the severity, location
 * and message of an earlier one is dropped: inlining duplicates code.
 */
void ebcc_cc_diagnose(struct ebcc_cc_answer *answer, const struct ebcc_cc_request *request,
		      enum ebcc_cc_severity severity, const char *path, unsigned line,
		      unsigned column, const char *message);

/* A line of one of the request's texts, without its newline, or NULL. Borrowed. */
const char *ebcc_cc_source_line(const struct ebcc_cc_request *request, const char *path,
				unsigned line, size_t *ret_length);

#endif /* EBCC_COMPILER_DIAGNOSTIC_H */
