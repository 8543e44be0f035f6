/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_LOAD_TABLE_SCOPE_H
#define EBCC_LOAD_TABLE_SCOPE_H

#include "load/module.h"

/*
 * Applies facts about tables for which libbpf has no place (compiler/passes/pipeline.h lists them).
 * Called before the maps are created: sets pin paths and inner maps, and replaces an extern table
 * by the published one.
 */
MUST_CHECK struct ebcc_error *ebcc_table_scope_prepare(struct ebcc_module *module);
/* Publishes shared and public tables for other modules, after load, and withdraws them. */
MUST_CHECK struct ebcc_error *ebcc_table_scope_publish(struct ebcc_module *module);
void ebcc_table_scope_withdraw(struct ebcc_module *module);

#endif /* EBCC_LOAD_TABLE_SCOPE_H */
