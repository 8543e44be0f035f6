/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings about code that compiles but doesn't work: formats that the kernel rejects when a
 * program runs, and reads of user memory that give 0 for a missing page.
 */
#ifndef EBCC_ADVICE_SOURCE_WARNINGS_H
#define EBCC_ADVICE_SOURCE_WARNINGS_H

#include "advice/diagnostics.h"

/* Adds the warnings to the compiler's answer. @path: the source's name. */
MUST_CHECK struct ebcc_error *ebcc_source_warnings(const struct ebcc_compiled *compiled,
						   const char *path, struct ebcc_cc_answer *answer);

/*
 * Checks a format of bpf_trace_printk(), as written between quotes in C. Returns the part that the
 * kernel rejects, with its length in *@ret_length, or NULL if it accepts everything. @release: as
 * in uname, or NULL for the newest kernel.
 */
const char *ebcc_refused_format(const char *text, size_t size, const char *release,
				size_t *ret_length);

#endif /* EBCC_ADVICE_SOURCE_WARNINGS_H */
