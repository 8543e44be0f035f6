/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns the verifier's log into an error in terms of the source: the reason, the source line, and
 * advice on common mistakes.
 */
#ifndef EBCC_ADVICE_VERIFIER_LOG_H
#define EBCC_ADVICE_VERIFIER_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct btf;

/* A helper number that no kernel has: where an instruction refers to something that the kernel
 * lacks, the loader puts a call of this number plus the index of a text that says what
 * (load/relocate.h). libbpf uses the same number. */
#define EBCC_UNRESOLVED_HELPER 195896080u

/* The rejected program. Everything is borrowed for the call. */
struct ebcc_rejection {
	const char *program;
	const char *section;	  /* the program's own, in the object */
	size_t instruction_count; /* of the program itself, without subprograms */
	const char *log;
	const char *object_bytes; /* the ELF object, for line info */
	size_t object_size;
	const struct btf *btf;
	char *const *unresolved; /* texts about what the kernel lacks */
	size_t unresolved_count;
};

/* What the verifier says about a program that it accepts; 0: it doesn't say. */
struct ebcc_verifier_statistics {
	uint64_t processed;    /* instructions that it followed, on all paths */
	uint64_t stack;	       /* bytes, of the program and its functions together */
	uint64_t microseconds; /* that it took */
};

/* Reads the statistics at the end of a log. */
void ebcc_verifier_statistics_read(const char *log, struct ebcc_verifier_statistics *ret);

/* An EBCC_ERROR_LOAD with the log's end in the details, or EBCC_ERROR_OTHER_KERNEL if the program
 * needs something that the kernel lacks. Never NULL. */
struct ebcc_error *ebcc_verifier_error(const struct ebcc_rejection *rejection);

#endif /* EBCC_ADVICE_VERIFIER_LOG_H */
