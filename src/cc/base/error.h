/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating errors. The public side (codes, accessors, destruction) is in ebcc.h.
 *
 * Every function that creates an error returns one that the caller owns, or the static
 * out-of-memory error if the allocation fails; none returns NULL.
 */
#ifndef EBCC_BASE_ERROR_H
#define EBCC_BASE_ERROR_H

#include <stddef.h>

#include "ebcc.h"

#define EBCC_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#define MUST_CHECK __attribute__((warn_unused_result))

/* The static out-of-memory error. Destroying it does nothing. */
struct ebcc_error *ebcc_error_no_memory(void);

/* Creates an error. Its message says in plain words what failed and what to do about it. */
struct ebcc_error *ebcc_error_create(enum ebcc_error_code code, const char *format, ...)
	EBCC_PRINTF(2, 3);

/*
 * Creates an error for a failed system call. @errnum is a positive errno; ": " and its
 * description are appended to the message. ENOMEM returns the static error; EPERM and EACCES
 * with EBCC_ERROR_OS become EBCC_ERROR_PERMISSION.
 */
struct ebcc_error *ebcc_error_os(enum ebcc_error_code code, int errnum, const char *format, ...)
	EBCC_PRINTF(3, 4);

/*
 * Sets the path, program, function or symbol that the error is about, and the details (clang's
 * formatted diagnostics, or the verifier's log). The string is copied; NULL changes nothing.
 * Both return @error, so that calls can be nested.
 */
struct ebcc_error *ebcc_error_with_subject(struct ebcc_error *error, const char *subject);
struct ebcc_error *ebcc_error_with_details(struct ebcc_error *error, const char *details);

/* Prepends "@format: " to the message. Returns @error. */
struct ebcc_error *ebcc_error_prefix(struct ebcc_error *error, const char *format, ...)
	EBCC_PRINTF(2, 3);

/* If @call fails, returns its error from the calling function. */
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
