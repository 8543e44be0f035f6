/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracefs: finding where it is mounted, reading its files within limits, and the list of trace
 * events.
 */
#ifndef EBCC_KERNEL_TRACEFS_H
#define EBCC_KERNEL_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * The directory that tracefs is mounted on, of the usual two. *@ret is static.
 * EBCC_ERROR_UNSUPPORTED where it is not mounted, EBCC_ERROR_PERMISSION where it may not be read;
 * the message says what to do.
 */
MUST_CHECK struct ebcc_error *ebcc_tracefs_find(const char **ret);

/*
 * Appends a file below @tracefs, or below the place that ebcc_tracefs_find() tells where that is
 * NULL.
 * @name: "events/sched/sched_switch/format". EBCC_ERROR_NOT_FOUND where there is none,
 * EBCC_ERROR_FORMAT above @limit bytes.
 */
MUST_CHECK struct ebcc_error *ebcc_tracefs_read(const char *tracefs, const char *name, size_t limit,
						struct ebcc_buf *text);

/* The path of a file in tracefs. @ret malloc'ed. Errors: those of ebcc_tracefs_find(). */
MUST_CHECK struct ebcc_error *ebcc_tracefs_path(const char *name, char **ret);

/* Sees one trace event; returns false to end the walk. The names are borrowed for the call. */
typedef bool (*ebcc_tracepoint_fn)(void *ctx, const char *category, const char *event);

/* Calls @fn for each trace event of this kernel. Fails where tracefs can't be read. */
MUST_CHECK struct ebcc_error *ebcc_tracepoints_walk(ebcc_tracepoint_fn fn, void *ctx);

#endif /* EBCC_KERNEL_TRACEFS_H */
