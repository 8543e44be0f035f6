/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What table.c and table_batch.c share. The operations themselves are in ebcc.h.
 */
#ifndef EBCC_TABLE_H
#define EBCC_TABLE_H

#include "module.h"

/* The kernel's own number for "operation not supported", which leaks out of bpf(2). */
#define EBCC_ENOTSUPP 524

/* The error of a failed operation: "table 'x' (hash): can't @what: ...". */
struct ebcc_error *ebcc_table_error(const struct ebcc_table *table, int errnum, const char *what);

/*
 * Maps the one value of an internal table (".data.ebcc"). The mapping lives as long as
 * the table. EBCC_ERROR_UNSUPPORTED on kernels without mapped arrays.
 */
MUST_CHECK struct ebcc_error *ebcc_table_map(struct ebcc_table *table, void **ret);

#endif /* EBCC_TABLE_H */
