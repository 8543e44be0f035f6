/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What table.c and table_batch.c share. The operations are declared in ebcc.h.
 */
#ifndef EBCC_LOAD_TABLE_H
#define EBCC_LOAD_TABLE_H

#include "load/module.h"

/* A kernel-internal errno for "operation not supported", which leaks out of bpf(2). */
#define EBCC_ENOTSUPP 524

/* The error for a failed operation: "table 'x' (hash): can't @what: ...". */
struct ebcc_error *ebcc_table_error(const struct ebcc_table *table, int errnum, const char *what);

#endif /* EBCC_LOAD_TABLE_H */
