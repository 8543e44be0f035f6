/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of CPUs as the kernel writes them.
 */
#ifndef EBCC_BASE_CPUS_H
#define EBCC_BASE_CPUS_H

#include <stddef.h>

#include "base/error.h"

/* The kernel's notation of CPUs, "0-3,5", in ascending order. @ret malloc'ed. EBCC_ERROR_FORMAT. */
MUST_CHECK struct ebcc_error *ebcc_parse_cpus(const char *text, int **ret, size_t *ret_count);

/* The online CPUs. @ret malloc'ed. */
MUST_CHECK struct ebcc_error *ebcc_online_cpus(int **ret, size_t *ret_count);

#endif /* EBCC_BASE_CPUS_H */
