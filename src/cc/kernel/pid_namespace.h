/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PID namespace of this process. A process has a different PID in each namespace, and /proc
 * shows the PIDs of the namespace that it was mounted for.
 */
#ifndef EBCC_KERNEL_PID_NAMESPACE_H
#define EBCC_KERNEL_PID_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "bpf/ebcc/pid_layout.h"

/* The inode number of this process's PID namespace; 0 if /proc doesn't show it. */
uint32_t ebcc_pid_namespace_inode(void);

/* Whether this process's PID namespace is known not to be the initial one. */
bool ebcc_pid_namespace_is_inner(void);

/* EBCC_ERROR_UNSUPPORTED if /proc belongs to another PID namespace: a PID in it means a different
 * process. It is not an error if /proc is not mounted. */
MUST_CHECK struct ebcc_error *ebcc_pid_namespace_check(void);

/* What BPF programs have to know about this process's namespace and the running kernel.
 * EBCC_ERROR_UNSUPPORTED as for ebcc_process_pid_namespace(), and if the BTF lacks a member. */
MUST_CHECK struct ebcc_error *ebcc_pid_layout(struct ebcc_pid_layout *ret);

#endif /* EBCC_KERNEL_PID_NAMESPACE_H */
