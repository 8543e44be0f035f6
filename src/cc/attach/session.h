/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of attaching one program to both entry and return of functions, which only links for many
 * places can do.
 */
#ifndef EBCC_ATTACH_SESSION_H
#define EBCC_ATTACH_SESSION_H

#include "attach/multi.h"

/* Whether a session can be attached. @what: the kind of functions; @since: the kernels. */
MUST_CHECK struct ebcc_error *ebcc_session_check(const struct ebcc_multi_kind *kind,
						 const struct ebcc_program *program, bool on_return,
						 const char *what, const char *since);

/* The error for a place that the kernel refuses: only links for many places have sessions. */
MUST_CHECK struct ebcc_error *ebcc_session_refused(const char *place);

#endif /* EBCC_ATTACH_SESSION_H */
