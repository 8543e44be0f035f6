/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of a module's tables.
 */
#ifndef EBCC_LOAD_TABLES_H
#define EBCC_LOAD_TABLES_H

#include "load/module.h"

/* Fills module->tables from module->object; copies descriptors and sizes after load. */
MUST_CHECK struct ebcc_error *ebcc_tables_create(struct ebcc_module *module);
MUST_CHECK struct ebcc_error *ebcc_tables_loaded(struct ebcc_module *module);
void ebcc_tables_destroy(struct ebcc_module *module);

/* The name of a table, or of the section (".rodata") whose variables a map holds. Borrowed. */
const char *ebcc_map_name(const struct bpf_map *map);

/* The module's table or internal map (".rodata") of that name, or NULL. */
struct ebcc_table *ebcc_module_map(const struct ebcc_module *module, const char *name);

/* Sets the number of entries before the maps are created; see ebcc_module_set_max_entries(). */
MUST_CHECK struct ebcc_error *ebcc_table_resize(struct ebcc_table *table, uint32_t entries);

/*
 * Maps the single value of an internal table (".data.ebcc") into memory. The mapping lives as long
 * as the table. Fails with EBCC_ERROR_UNSUPPORTED on kernels without mapped arrays.
 */
MUST_CHECK struct ebcc_error *ebcc_table_map(struct ebcc_table *table, void **ret);

#endif /* EBCC_LOAD_TABLES_H */
