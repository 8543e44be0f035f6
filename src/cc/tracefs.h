/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracefs: finding where it is mounted, and reading its files within limits.
 */
#ifndef EBCC_TRACEFS_H
#define EBCC_TRACEFS_H

#include <stddef.h>

#include "buf.h"
#include "error.h"

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

#endif /* EBCC_TRACEFS_H */
