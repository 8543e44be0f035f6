/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the verifier's log to an error in terms of the source: the reason, the line of the
 * source that it speaks of, and advice where a common mistake shows.
 */
#ifndef EBCC_ADVICE_VERIFIER_LOG_H
#define EBCC_ADVICE_VERIFIER_LOG_H

#include <stddef.h>

#include "base/error.h"

struct btf;

/* What was rejected. All borrowed for the call. */
struct ebcc_rejection {
	const char *program;
	const char *section;	  /* the program's own, in the object */
	size_t instruction_count; /* of the program itself, subprograms not counted */
	const char *log;
	const char *object_bytes; /* the ELF object, for line info */
	size_t object_size;
	const struct btf *btf;
};

/* An EBCC_ERROR_LOAD with the log's end in the details. Never NULL. */
struct ebcc_error *ebcc_verifier_error(const struct ebcc_rejection *rejection);

#endif /* EBCC_ADVICE_VERIFIER_LOG_H */
