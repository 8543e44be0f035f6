/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU lists in the kernel's format.
 */
#ifndef EBCC_BASE_CPUS_H
#define EBCC_BASE_CPUS_H

#include <stddef.h>

#include "base/error.h"

/* Parses a CPU list such as "0-3,5". @ret is malloc'ed and in the order of the list.
 * EBCC_ERROR_FORMAT if the list is malformed or empty. */
MUST_CHECK struct ebcc_error *ebcc_parse_cpus(const char *text, int **ret, size_t *ret_count);

/* Returns the online CPUs. @ret is malloc'ed. */
MUST_CHECK struct ebcc_error *ebcc_online_cpus(int **ret, size_t *ret_count);

#endif /* EBCC_BASE_CPUS_H */
