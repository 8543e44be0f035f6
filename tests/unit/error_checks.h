/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of what a fallible function returns, for tests with Check. */
#ifndef ERROR_CHECKS_H
#define ERROR_CHECKS_H

#include <check.h>
#include <string.h>

#include "base/error.h"

/* The call succeeds; else its message is shown. */
#define ck_assert_ok(call)                                                                         \
	do {                                                                                       \
		struct ebcc_error *error_ = (call);                                                \
		ck_assert_msg(!error_, "%s", error_ ? ebcc_error_message(error_) : "");            \
	} while (0)

/* The call fails with this code, and its message has this in it. The error is destroyed. */
static inline void assert_fails(struct ebcc_error *error, enum ebcc_error_code code,
				const char *part)
{
	ck_assert_ptr_nonnull(error);
	ck_assert_msg(ebcc_error_code(error) == code && strstr(ebcc_error_message(error), part),
		      "code %d, not %d: \"%s\", which should have \"%s\"", ebcc_error_code(error),
		      code, ebcc_error_message(error), part);
	ebcc_error_destroy(error);
}

#endif /* ERROR_CHECKS_H */
