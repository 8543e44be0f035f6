/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns the verifier's log into an error in terms of the source: the reason, the source line, and
 * advice on common mistakes.
 */
#ifndef EBCC_ADVICE_VERIFIER_LOG_H
#define EBCC_ADVICE_VERIFIER_LOG_H

#include <stddef.h>

#include "base/error.h"

struct btf;

/* The rejected program. Everything is borrowed for the call. */
struct ebcc_rejection {
	const char *program;
	const char *section;	  /* the program's own, in the object */
	size_t instruction_count; /* of the program itself, without subprograms */
	const char *log;
	const char *object_bytes; /* the ELF object, for line info */
	size_t object_size;
	const struct btf *btf;
};

/* An EBCC_ERROR_LOAD with the log's end in the details. Never NULL. */
struct ebcc_error *ebcc_verifier_error(const struct ebcc_rejection *rejection);

#endif /* EBCC_ADVICE_VERIFIER_LOG_H */
