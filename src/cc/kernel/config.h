/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration options of a kernel whose configuration may not be available, as in most
 * containers. Some options can be deduced from what the kernel shows; the others are reported as
 * unknown, which is different from not set.
 */
#ifndef EBCC_KERNEL_CONFIG_H
#define EBCC_KERNEL_CONFIG_H

#include <stdbool.h>

#include "kernel/btf.h"
#include "kernel/info.h"

/*
 * Returns the value of @symbol ("CONFIG_HZ") from the configuration (ebcc_kernel_config()), or else
 * deduces it. @btf may be NULL. If *ret is NULL, *ret_known tells whether the option is known not
 * to be set.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_option(struct ebcc_kernel_info *kernel,
						 const struct ebcc_kernel_btf *btf,
						 const char *symbol, char **ret, bool *ret_known);

#endif /* EBCC_KERNEL_CONFIG_H */
