/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers that the oldest <linux/bpf.h> to build with, that of Linux 6.1, does not have in its enum
 * bpf_func_id. The numbers are from include/uapi/linux/bpf.h of the kernel that is named with each.
 */
#ifndef EBCC_COMPILER_PASSES_HELPER_NUMBERS_H
#define EBCC_COMPILER_PASSES_HELPER_NUMBERS_H

#define EBCC_FUNC_CGRP_STORAGE_GET 210 /* Linux 6.2 */

#endif /* EBCC_COMPILER_PASSES_HELPER_NUMBERS_H */
