// SPDX-License-Identifier: Apache-2.0
/*
 * Maps get their source names back. The C name of a map is its constant table of methods; by
 * now its methods are direct calls, and what is left of its uses (`&NAME` given to a helper) means
 * the map itself. So the table's uses become the map's, the table goes, and the map takes the name,
 * for the ELF symbol and, with it, for BTF. A map of the dialect's own headers is static, so that
 * it is there only where it is used; libbpf wants it as visible as the others.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compiler/passes/util.h"

static void name_map(struct ebcc_ir *ir, LLVMValueRef map, const char *source_name)
{
	char *name AUTO_FREE = strdup(source_name);
	LLVMValueRef table;

	if (!name) {
		ebcc_ir_no_memory(ir);
		return;
	}
	table = LLVMGetNamedGlobal(ir->module, name);
	if (table) {
		LLVMReplaceAllUsesWith(table, map);
		LLVMDeleteGlobal(table);
	}
	LLVMSetValueName2(map, name, strlen(name));
	LLVMSetLinkage(map, LLVMExternalLinkage);
}

void ebcc_ir_maps(struct ebcc_ir *ir)
{
	for (LLVMValueRef map = LLVMGetFirstGlobal(ir->module), next; map; map = next) {
		const char *name = ebcc_ir_after_prefix(ebcc_ir_name(map), "__ebcc_map_");

		if (name)
			name_map(ir, map, name);
		next = LLVMGetNextGlobal(map); /* not before: name_map() deletes the table */
	}
}
