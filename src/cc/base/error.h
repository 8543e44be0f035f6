/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building errors. The public side (codes, accessors, destruction) is in ebcc.h;
 * this is the one place of the library that makes them.
 *
 * Every maker returns an owned error, or the static out-of-memory error when there
 * is no memory for it; none returns NULL.
 */
#ifndef EBCC_BASE_ERROR_H
#define EBCC_BASE_ERROR_H

#include <stddef.h>

#include "ebcc.h"

#define EBCC_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#define MUST_CHECK __attribute__((warn_unused_result))

/* The static out-of-memory error. Destroying it does nothing. */
struct ebcc_error *ebcc_error_no_memory(void);

/* An error with a message in plain words: what failed, and what to do. */
struct ebcc_error *ebcc_error_create(enum ebcc_error_code code, const char *format, ...)
	EBCC_PRINTF(2, 3);

/*
 * An error of a system call. @errnum is a positive errno; ": " and its text are added
 * to the message. ENOMEM gives the static error; EPERM and EACCES with
 * EBCC_ERROR_OS become EBCC_ERROR_PERMISSION.
 */
struct ebcc_error *ebcc_error_os(enum ebcc_error_code code, int errnum, const char *format, ...)
	EBCC_PRINTF(3, 4);

/*
 * Attaches the path, program, function or symbol that the error speaks of, and the
 * details (clang's rendered diagnostics, or the verifier's log). Both are copied, both
 * may be NULL (left as they were). Return @error, so that calls nest.
 */
struct ebcc_error *ebcc_error_with_subject(struct ebcc_error *error, const char *subject);
struct ebcc_error *ebcc_error_with_details(struct ebcc_error *error, const char *details);

/* Puts "@format: " before the message. Returns @error. */
struct ebcc_error *ebcc_error_prefix(struct ebcc_error *error, const char *format, ...)
	EBCC_PRINTF(2, 3);

/* Returns from the calling function with the error of @call, if it failed. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		struct ebcc_error *try_error_ = (call);                                            \
		if (try_error_)                                                                    \
			return try_error_;                                                         \
	} while (0)

#define AUTO_ERROR CLEANUP(cleanup_error)
static inline void cleanup_error(struct ebcc_error **error)
{
	ebcc_error_destroy(*error);
}

#endif /* EBCC_BASE_ERROR_H */
