/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether this process has the capabilities that the kernel requires for loading BPF programs.
 */
#ifndef EBCC_KERNEL_PRIVILEGE_H
#define EBCC_KERNEL_PRIVILEGE_H

#include <stdbool.h>

/* Whether this thread has the capabilities for tracing and, with @packets, also those for programs
 * that process packets. The user id of root says little: inside a container root often lacks
 * them. */
bool ebcc_privilege_holds(bool packets);

#endif /* EBCC_KERNEL_PRIVILEGE_H */
