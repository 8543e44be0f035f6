/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings of what compiles and yet does nothing useful: formats that the kernel refuses when a
 * program runs, and reads of a process's memory that pass a missing page over as 0.
 */
#ifndef EBCC_ADVICE_SOURCE_WARNINGS_H
#define EBCC_ADVICE_SOURCE_WARNINGS_H

#include "advice/diagnostics.h"

/* Adds the warnings to what the compiler said. @path: the source's name. */
MUST_CHECK struct ebcc_error *ebcc_source_warnings(const struct ebcc_compiled *compiled,
						   const char *path, struct ebcc_cc_answer *answer);

/*
 * Whether a kernel takes a format of bpf_trace_printk(), as it stands between quotes in C.
 * @release: as uname gives it, or NULL: the newest. *@ret_length: of what it refuses, which is
 * returned; NULL: it takes all.
 */
const char *ebcc_refused_format(const char *text, size_t size, const char *release,
				size_t *ret_length);

#endif /* EBCC_ADVICE_SOURCE_WARNINGS_H */
