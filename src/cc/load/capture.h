/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns what libbpf prints while it works into the text of an error.
 */
#ifndef EBCC_LOAD_CAPTURE_H
#define EBCC_LOAD_CAPTURE_H

#include "base/buf.h"
#include "base/log.h"

/* What libbpf printed during a call: the first reason is its best explanation. */
struct ebcc_capture {
	struct ebcc_log log;		/* goes to LOG_SCOPE() */
	const struct ebcc_log *forward; /* receives the messages too */
	struct ebcc_buf text;		/* lines, without "libbpf: " */
};

void ebcc_capture_init(struct ebcc_capture *capture, const struct ebcc_log *forward);
void ebcc_capture_deinit(struct ebcc_capture *capture);
#define AUTO_CAPTURE CLEANUP(ebcc_capture_deinit)

/* Appends the first line that libbpf printed about a map or program, in parentheses. Lines about
 * BTF are skipped: when the kernel refuses BTF, libbpf goes on without it. */
void ebcc_capture_reason(const struct ebcc_capture *capture, struct ebcc_buf *buf);

/* The error of a refused load, from errno and what libbpf printed; EPERM says what privilege
 * is missing. @what is what was to be loaded, such as "program 'f'". */
struct ebcc_error *ebcc_load_error(int errnum, const char *what,
				   const struct ebcc_capture *capture);

#endif /* EBCC_LOAD_CAPTURE_H */
