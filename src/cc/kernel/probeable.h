/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kernel functions can be probed, according to the kernel's lists.
 */
#ifndef EBCC_KERNEL_PROBEABLE_H
#define EBCC_KERNEL_PROBEABLE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/hash.h"

/* A file in debugfs with the functions that kprobes must not be set in. */
#define EBCC_KPROBE_BLACKLIST "/sys/kernel/debug/kprobes/blacklist"

/* Since Linux 6.10 a function that allocates memory is a macro, which records the caller and calls
 * a function with this suffix (alloc_hooks() in include/linux/alloc_tag.h). */
#define EBCC_ALLOCATION_SUFFIX "_noprof"

/* Adds the functions that ftrace can trace to @names. *@ret_known: whether the list was readable
 * and not empty. */
MUST_CHECK struct ebcc_error *ebcc_read_traceable_functions(struct ebcc_hash *names,
							    bool *ret_known);

/* Adds the functions that kprobes must not be set in to @names; none if debugfs isn't readable. */
MUST_CHECK struct ebcc_error *ebcc_read_kprobe_blacklist(struct ebcc_hash *names);

/* Whether a name belongs to a part of a function or to padding, which the compiler generated, and
 * not to a function to probe. */
bool ebcc_is_function_piece(const char *name);

#endif /* EBCC_KERNEL_PROBEABLE_H */
