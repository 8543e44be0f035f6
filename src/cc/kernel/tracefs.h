/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracefs: finding where it is mounted, reading its files up to a size limit, and listing trace
 * events.
 */
#ifndef EBCC_KERNEL_TRACEFS_H
#define EBCC_KERNEL_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Finds which of the two usual directories tracefs is mounted on. *@ret is static.
 * EBCC_ERROR_UNSUPPORTED if it is not mounted, EBCC_ERROR_PERMISSION if it can't be read; the
 * message says what to do.
 */
MUST_CHECK struct ebcc_error *ebcc_tracefs_find(const char **ret);

/*
 * Appends the contents of a file in @tracefs; NULL: in what ebcc_tracefs_find() returns.
 * @name: "events/sched/sched_switch/format". EBCC_ERROR_NOT_FOUND if there is no such file,
 * EBCC_ERROR_FORMAT if it has more than @limit bytes.
 */
MUST_CHECK struct ebcc_error *ebcc_tracefs_read(const char *tracefs, const char *name, size_t limit,
						struct ebcc_buf *text);

/* Returns the path of a file in tracefs, malloc'ed. Errors: those of ebcc_tracefs_find(). */
MUST_CHECK struct ebcc_error *ebcc_tracefs_path(const char *name, char **ret);

/* Called for one trace event; returns false to end the walk. The names are borrowed for the call.
 */
typedef bool (*ebcc_tracepoint_fn)(void *ctx, const char *category, const char *event);

/* The path of the file with a trace event's number. @ret malloc'ed. Errors: those of
 * ebcc_tracefs_find(). */
MUST_CHECK struct ebcc_error *ebcc_tracepoint_id_path(const char *category, const char *event,
						      char **ret);

/* Calls @fn for each trace event of this kernel. Fails if tracefs can't be read. */
MUST_CHECK struct ebcc_error *ebcc_tracepoints_walk(ebcc_tracepoint_fn fn, void *ctx);

#endif /* EBCC_KERNEL_TRACEFS_H */
