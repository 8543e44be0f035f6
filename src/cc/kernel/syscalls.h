/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel functions that implement system calls: __x64_sys_clone on one kernel,
 * __arm64_sys_clone on another.
 */
#ifndef EBCC_KERNEL_SYSCALLS_H
#define EBCC_KERNEL_SYSCALLS_H

#include "base/error.h"

/* Returns the kernel function that @name refers to. If it is that of a system call, with the prefix
 * of any kernel ("sys_clone"), this is its name in the running kernel; otherwise it is @name
 * itself.
 * @ret is malloc'ed. */
MUST_CHECK struct ebcc_error *ebcc_syscall_function(const char *name, char **ret);

#endif /* EBCC_KERNEL_SYSCALLS_H */
