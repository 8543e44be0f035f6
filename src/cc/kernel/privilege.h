/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process may do: the capabilities that the kernel asks of who loads BPF.
 */
#ifndef EBCC_KERNEL_PRIVILEGE_H
#define EBCC_KERNEL_PRIVILEGE_H

#include <stdbool.h>

/* Whether this thread holds the capabilities for tracing, and with @packets those for programs on
 * packets, too. Root's user id says little: inside a container it often comes without. */
bool ebcc_privilege_holds(bool packets);

#endif /* EBCC_KERNEL_PRIVILEGE_H */
