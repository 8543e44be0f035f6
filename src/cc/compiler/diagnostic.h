/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics of the stages behind clang, which know a file, line and column but have
 * no source at hand: rendered as clang renders its own.
 */
#ifndef EBCC_COMPILER_DIAGNOSTIC_H
#define EBCC_COMPILER_DIAGNOSTIC_H

#include "compiler/compiler.h"

/*
 * Adds a diagnostic to @answer. @line and @column count from 1; 0 where unknown. The source line
 * and a caret are shown where the text of @path is in the request. A repetition of an earlier
 * diagnostic (same severity, location and message: inlining multiplies code) is dropped.
 */
void ebcc_cc_diagnose(struct ebcc_cc_answer *answer, const struct ebcc_cc_request *request,
		      enum ebcc_cc_severity severity, const char *path, unsigned line,
		      unsigned column, const char *message);

/* A line of a file whose text the request carries, without its newline, or NULL. Borrowed. */
const char *ebcc_cc_source_line(const struct ebcc_cc_request *request, const char *path,
				unsigned line, size_t *ret_length);

#endif /* EBCC_COMPILER_DIAGNOSTIC_H */
