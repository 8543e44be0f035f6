/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the compiler's answer. Used by the compiler itself and by the decoder at the other end of
 * the pipe.
 */
#ifndef EBCC_COMPILER_ANSWER_H
#define EBCC_COMPILER_ANSWER_H

#include "compiler/compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Adds a diagnostic. All strings are copied; NULL counts as "". Returns false when out of memory;
 * the answer stays valid.
 */
bool ebcc_cc_answer_add_diagnostic(struct ebcc_cc_answer *answer, enum ebcc_cc_severity severity,
				   const char *path, unsigned line, unsigned column,
				   const char *message, const char *rendered);

/* "error", "warning" and so on, as clang prints them. Static. */
const char *ebcc_cc_severity_name(enum ebcc_cc_severity severity);

/* Removes one diagnostic and keeps the order of the others. */
void ebcc_cc_answer_remove_diagnostic(struct ebcc_cc_answer *answer, size_t index);

/* Adds a file that was read or not found; @path is copied. Returns false when out of memory. */
bool ebcc_cc_answer_add_dependency(struct ebcc_cc_answer *answer, const char *path, uint64_t hash,
				   bool missing);

#ifdef __cplusplus
}
#endif

#endif /* EBCC_COMPILER_ANSWER_H */
