/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options that a kernel was built with, where its configuration may be out of reach, as in most
 * containers: what the kernel shows by itself is taken from there, and what stays unknown is told
 * from what is not set.
 */
#ifndef EBCC_KERNEL_CONFIG_H
#define EBCC_KERNEL_CONFIG_H

#include <stdbool.h>

#include "kernel/btf.h"
#include "kernel/info.h"

/*
 * The value of @symbol ("CONFIG_HZ") as ebcc_kernel_config() gives it, or else as the kernel shows
 * it. @btf may be NULL. *ret_known: whether a NULL in *ret means that the option is not set.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_option(struct ebcc_kernel_info *kernel,
						 const struct ebcc_kernel_btf *btf,
						 const char *symbol, char **ret, bool *ret_known);

#endif /* EBCC_KERNEL_CONFIG_H */
