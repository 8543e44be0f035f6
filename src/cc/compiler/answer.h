/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling in an answer of the compiler. Used by the compiler itself and by the decoder on
 * the other side of the pipe.
 */
#ifndef EBCC_COMPILER_ANSWER_H
#define EBCC_COMPILER_ANSWER_H

#include "compiler/compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Adds a diagnostic; all strings are copied, NULL is taken as "". Returns false without
 * memory; the answer stays valid.
 */
bool ebcc_cc_answer_add_diagnostic(struct ebcc_cc_answer *answer, enum ebcc_cc_severity severity,
				   const char *path, unsigned line, unsigned column,
				   const char *message, const char *rendered);

/* "error", "warning" ..., as clang says it. Static. */
const char *ebcc_cc_severity_name(enum ebcc_cc_severity severity);

/* Removes one diagnostic; the order of the others stays. */
void ebcc_cc_answer_remove_diagnostic(struct ebcc_cc_answer *answer, size_t index);

/* Adds a file read or missed; @path is copied. Returns false without memory. */
bool ebcc_cc_answer_add_dependency(struct ebcc_cc_answer *answer, const char *path, uint64_t hash,
				   bool missing);

#ifdef __cplusplus
}
#endif

#endif /* EBCC_COMPILER_ANSWER_H */
