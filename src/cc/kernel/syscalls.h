/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's functions of system calls: __x64_sys_clone on one kernel, __arm64_sys_clone on
 * another.
 */
#ifndef EBCC_KERNEL_SYSCALLS_H
#define EBCC_KERNEL_SYSCALLS_H

#include "base/error.h"

/* The function that @name means: for one of a system call, as any kernel may call it ("sys_clone"),
 * what the running kernel calls it; any other name stays. @ret is malloc'ed. */
MUST_CHECK struct ebcc_error *ebcc_syscall_function(const char *name, char **ret);

#endif /* EBCC_KERNEL_SYSCALLS_H */
