/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_LOAD_TABLE_SCOPE_H
#define EBCC_LOAD_TABLE_SCOPE_H

#include "load/module.h"

/*
 * Facts about tables that libbpf can't carry (compiler/passes/pipeline.h lists them). Called before
 * the maps are created: sets pin paths and inner maps, and puts the published table in place of an
 * extern one.
 */
MUST_CHECK struct ebcc_error *ebcc_table_scope_prepare(struct ebcc_module *module);
/* Makes shared and public tables known to other modules, after load; and forgets them. */
MUST_CHECK struct ebcc_error *ebcc_table_scope_publish(struct ebcc_module *module);
void ebcc_table_scope_withdraw(struct ebcc_module *module);

#endif /* EBCC_LOAD_TABLE_SCOPE_H */
