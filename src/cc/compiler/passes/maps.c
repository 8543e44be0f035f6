// SPDX-License-Identifier: Apache-2.0
/*
 * Maps get their source names back. This file also explains how maps and their methods work, from
 * the macros in bpf/ebcc/maps.h to the helper calls. An example:
 *
 *	BPF_HASH(counts, u32, u64);
 *	int trace(struct pt_regs *ctx)
 *	{
 *		u32 key = 7;
 *		u64 *count = counts.lookup(&key);
 *
 *		if (count)
 *			counts.increment(key, *count);
 *		bpf_map_delete_elem(&counts, &key);
 *		return 0;
 *	}
 *
 * The macro declares two variables. One is the map, as libbpf expects it: a struct in section .maps
 * whose member types hold the map's type, key, value and size. The other has the name that the
 * source uses, and is a constant table of functions, so that `counts.lookup` is plain C:
 *
 *	struct {
 *		int (*type)[BPF_MAP_TYPE_HASH];
 *		typeof(u32) *key;
 *		typeof(u64) *value;
 *		int (*max_entries)[10240];
 *		...
 *	} __ebcc_map_counts __attribute__((section(".maps")));
 *	static inline u64 *__ebcc_lookup__counts(u32 *key)
 *	{
 *		return bpf_map_lookup_elem(&__ebcc_map_counts, key);
 *	}
 *	extern void __ebcc_increment__counts(u32 key, ...);
 *	...
 *	static const struct __ebcc_methods_counts {
 *		u64 *(*const lookup)(u32 *);
 *		void (*const increment)(u32, ...);
 *		...
 *	} counts = {.lookup = __ebcc_lookup__counts, .increment = __ebcc_increment__counts, ...};
 *
 * Clang checks the types of arguments, and errors are about the source as written. increment() has
 * an optional argument with a default, which C can't express, so its function has no body. From
 * here on pipeline.c has the steps:
 *
 * 1. LLVM's sroa and early-cse fold loads from the constant table into direct calls of its
 *    functions:
 *
 *	%call = call ptr @__ebcc_lookup__counts(ptr %key)
 *	call void (i32, ...) @__ebcc_increment__counts(i32 %0, i64 %1)
 *	call i64 3(ptr @counts, ptr %key)
 *
 *    (3 is the number of the helper bpf_map_delete_elem().) The table is now used only where the
 *    source takes its address, and there it means the map.
 *
 * 2. ebcc_ir_maps(), below: for each variable __ebcc_map_NAME, all uses of the table NAME are
 *    replaced by the map, the table is deleted, and the map gets its name. That is the name in the
 *    object's symbols and, through it, in BTF, so the map is called "counts" wherever users see it:
 *
 *	%call = call ptr 1(ptr @counts, ptr %key)        in @__ebcc_lookup__counts
 *	call i64 3(ptr @counts, ptr %key)
 *
 *    Maps of the dialect's own headers, such as that of USDT arguments (bpf/ebcc/usdt.h), are
 *    static, so that they exist only in objects that use them; libbpf requires them to be external.
 *
 * 3. ebcc_ir_markers() in markers.c replaces calls of functions without a body:
 *
 *	call void @__ebcc_add__counts(i32 %0, i64 %1)
 *
 *    where the number to add is 1 if the source passes none.
 *
 * 4. ebcc_ir_mark_inline() and LLVM's always-inline make everything part of the program, and
 *    globaldce removes the methods that it doesn't use. What remains are the helper calls: a lookup
 *    for lookup(), and for increment() a lookup, an update if there is no entry, and an addition.
 *
 * 5. Output maps need one thing more: the type of their events, see events.c.
 *
 * A method that is chosen at run time can't be folded in step 1. It remains a call through a
 * pointer, which ebcc_ir_undefined() reports as an error.
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
