/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the kernel's functions can be probed, as far as the kernel tells.
 */
#ifndef EBCC_KERNEL_PROBEABLE_H
#define EBCC_KERNEL_PROBEABLE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/hash.h"

/* What the kernel runs when a probe is hit, in debugfs. */
#define EBCC_KPROBE_BLACKLIST "/sys/kernel/debug/kprobes/blacklist"

/* Since Linux 6.10 a function that allocates memory is a macro, which notes who allocates, around a
 * function with this suffix (alloc_hooks() in include/linux/alloc_tag.h). */
#define EBCC_ALLOCATION_SUFFIX "_noprof"

/* Adds the functions that ftrace can trace to @names. *@ret_known: whether the kernel tells. */
MUST_CHECK struct ebcc_error *ebcc_read_traceable_functions(struct ebcc_hash *names,
							    bool *ret_known);

/* Adds the functions that kprobes must not be set in to @names: none where debugfs isn't readable.
 */
MUST_CHECK struct ebcc_error *ebcc_read_kprobe_blacklist(struct ebcc_hash *names);

/* Whether a name is that of a piece or pad that compilers make of a function, not of one to probe.
 */
bool ebcc_is_function_piece(const char *name);

#endif /* EBCC_KERNEL_PROBEABLE_H */
