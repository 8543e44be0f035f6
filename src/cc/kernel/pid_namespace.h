/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PID namespace of this process: processes have other numbers in others, and /proc shows those
 * of the namespace that it was mounted for.
 */
#ifndef EBCC_KERNEL_PID_NAMESPACE_H
#define EBCC_KERNEL_PID_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "bpf/ebcc/pid_layout.h"

/* The inode number of this process's PID namespace; 0 where /proc does not tell. */
uint32_t ebcc_pid_namespace_inode(void);

/* Whether it is known not to be the initial one. */
bool ebcc_pid_namespace_is_inner(void);

/* EBCC_ERROR_UNSUPPORTED where /proc is that of another PID namespace: what it says of a process
 * is about another one than the user means. A /proc that isn't there is not an error. */
MUST_CHECK struct ebcc_error *ebcc_pid_namespace_check(void);

/* What programs have to know of this process's namespace and of the running kernel.
 * EBCC_ERROR_UNSUPPORTED as ebcc_pid_namespace(), and where BTF does not say it. */
MUST_CHECK struct ebcc_error *ebcc_pid_layout(struct ebcc_pid_layout *ret);

#endif /* EBCC_KERNEL_PID_NAMESPACE_H */
