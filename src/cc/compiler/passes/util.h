/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the IR passes share: the state of a run, diagnostics with source locations, walking
 * debug info through the generic metadata interface, and building the calls that
 * passes insert.
 */
#ifndef EBCC_COMPILER_PASSES_UTIL_H
#define EBCC_COMPILER_PASSES_UTIL_H

#include <stddef.h>
#include <stdint.h>

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>

#include "compiler/passes/pipeline.h"

/* Numbers of the kernel's helper functions that passes insert or know. */
enum ebcc_ir_helper {
	EBCC_HELPER_PROBE_READ = 4,
	EBCC_HELPER_TRACE_PRINTK = 6,
	EBCC_HELPER_PERF_EVENT_OUTPUT = 25,
	EBCC_HELPER_GET_CURRENT_TASK = 35,
	EBCC_HELPER_PROBE_READ_STR = 45,
	EBCC_HELPER_SKB_OUTPUT = 111,
	EBCC_HELPER_PROBE_READ_USER = 112,
	EBCC_HELPER_PROBE_READ_KERNEL = 113,
	EBCC_HELPER_PROBE_READ_USER_STR = 114,
	EBCC_HELPER_PROBE_READ_KERNEL_STR = 115,
	EBCC_HELPER_XDP_OUTPUT = 121,
	EBCC_HELPER_TRACE_VPRINTK = 177,
};

enum ebcc_ir_intrinsic {
	EBCC_IR_STRUCT_ACCESS,
	EBCC_IR_ARRAY_ACCESS,
	EBCC_IR_UNION_ACCESS,
	EBCC_IR_FIELD_INFO,
	EBCC_IR_STATIC_OFFSET,
	EBCC_IR_TYPE_ID,
	EBCC_IR_MEMCPY,
	EBCC_IR_MEMCPY_INLINE,
	EBCC_IR_MEMMOVE,
	EBCC_IR_MEMSET,
	EBCC_IR_LIFETIME_START,
	EBCC_IR_LIFETIME_END,
	EBCC_IR_INTRINSIC_COUNT,
};

/* DWARF tags of debug-info types. */
enum ebcc_ir_tag {
	EBCC_TAG_ARRAY = 0x01,
	EBCC_TAG_ENUM = 0x04,
	EBCC_TAG_POINTER = 0x0f,
	EBCC_TAG_STRUCT = 0x13,
	EBCC_TAG_TYPEDEF = 0x16,
	EBCC_TAG_UNION = 0x17,
	EBCC_TAG_BASE = 0x24,
	EBCC_TAG_CONST = 0x26,
	EBCC_TAG_VOLATILE = 0x35,
};

/* One run over one module. */
struct ebcc_ir {
	LLVMModuleRef module;
	LLVMContextRef context;
	LLVMTargetMachineRef machine;
	LLVMBuilderRef builder;
	LLVMTargetDataRef layout; /* the module's own */
	const struct ebcc_ir_opts *opts;
	ebcc_ir_report_fn report;
	void *report_context;
	bool failed; /* an error was reported */
	LLVMTypeRef i8, i16, i32, i64, pointer;
	unsigned intrinsics[EBCC_IR_INTRINSIC_COUNT];
	unsigned access_index_kind; /* metadata kind: the debug-info type of an access */
	unsigned dbg_kind;
};

/* Fills in what follows from @ir's module; the caller has set what comes from its own. */
void ebcc_ir_init(struct ebcc_ir *ir);
void ebcc_ir_deinit(struct ebcc_ir *ir);

/* How the names of functions begin that give the address which a number stands for. */
#define EBCC_IR_ADDRESS_FUNCTION "__ebcc_address"

/* The passes, in the order of pipeline.c. What each does is said in its file. */
void ebcc_ir_maps(struct ebcc_ir *ir);
void ebcc_ir_markers(struct ebcc_ir *ir);
void ebcc_ir_mark_inline(struct ebcc_ir *ir);
void ebcc_ir_error_markers(struct ebcc_ir *ir);
void ebcc_ir_events(struct ebcc_ir *ir);
void ebcc_ir_arguments(struct ebcc_ir *ir);
void ebcc_ir_packets(struct ebcc_ir *ir);
void ebcc_ir_library(struct ebcc_ir *ir);
void ebcc_ir_tables(struct ebcc_ir *ir);
void ebcc_ir_open_tables(struct ebcc_ir *ir);
void ebcc_ir_reads(struct ebcc_ir *ir);
void ebcc_ir_sections(struct ebcc_ir *ir);
void ebcc_ir_undefined(struct ebcc_ir *ir);
void ebcc_ir_stack(struct ebcc_ir *ir);
void ebcc_ir_constants(struct ebcc_ir *ir);
void ebcc_ir_drop_machine_code(struct ebcc_ir *ir);
void ebcc_ir_refuse_machine_code(struct ebcc_ir *ir);
void ebcc_ir_check_assembler(struct ebcc_ir *ir);

/* Reports a diagnostic at an instruction's source location (inlined: that of the innermost
 * source line), or at a function's; NULL: without a location. An error makes the run fail. */
void ebcc_ir_report_at(struct ebcc_ir *ir, enum ebcc_cc_severity severity, LLVMValueRef value,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The name of a global, function or instruction; "" for none. Borrowed. */
const char *ebcc_ir_name(LLVMValueRef value);
/* What follows @prefix in @name, or NULL. */
const char *ebcc_ir_after_prefix(const char *name, const char *prefix);

/* A defined function that is a program: the whole module's, in order, with
 * ebcc_ir_next_program(). NULL at the end. A pass may replace the current one if it asks for the
 * next first. */
LLVMValueRef ebcc_ir_first_program(struct ebcc_ir *ir);
LLVMValueRef ebcc_ir_next_program(LLVMValueRef program);

/* The function that a call calls if it is known, else NULL. */
LLVMValueRef ebcc_ir_callee(LLVMValueRef instruction);
/* Whether the instruction is a call of this intrinsic. */
bool ebcc_ir_is_intrinsic(const struct ebcc_ir *ir, LLVMValueRef instruction,
			  enum ebcc_ir_intrinsic intrinsic);
/* The number of the kernel helper that an instruction calls, or 0. */
unsigned ebcc_ir_helper_number(LLVMValueRef instruction);

/* Adds a GEP's constant offset to *@at, and what its variable indexes count in to *@step as its
 * greatest common divisor. */
bool ebcc_ir_gep_terms(const struct ebcc_ir *ir, LLVMValueRef gep, int64_t *at, uint64_t *step);
uint64_t ebcc_ir_gcd(uint64_t a, uint64_t b);

/* Metadata: operand @index of a node, NULL where there is none (or for a NULL node). */
LLVMValueRef ebcc_ir_operand(LLVMValueRef node, unsigned index);
/* Debug-info types, as metadata values. NULL stands for void and gives 0 or NULL. */
unsigned ebcc_ir_type_tag(LLVMValueRef type);
/* Not NUL-terminated in LLVM; copied into @buffer, cut to fit. "" for an anonymous type. */
const char *ebcc_ir_type_name(LLVMValueRef type, char *buffer, size_t size);
/* The type that a pointer points to, or that a typedef or qualifier stands for. */
LLVMValueRef ebcc_ir_base_type(LLVMValueRef type);
/* Without typedefs and qualifiers. */
LLVMValueRef ebcc_ir_strip_type(LLVMValueRef type);
/* The debug-info type of a parameter of a function, from 0; NULL: none. */
LLVMValueRef ebcc_ir_parameter_type(struct ebcc_ir *ir, LLVMValueRef function, unsigned index);

/* What a program's first parameter is, by debug info: the tag of the struct it points to, "void",
 * or the name of what it is ("int"; of what it points to: "unsigned long long"). Copied into
 * @buffer. */
const char *ebcc_ir_context_type(struct ebcc_ir *ir, LLVMValueRef function, char *buffer,
				 size_t size);
/* Whether the kernel describes the program's arguments by BTF, by the type of its context. */
bool ebcc_ir_is_btf_context(const char *context_type);
/* Whether the context is that of a program on packets, sockets or cgroups. */
bool ebcc_ir_is_packet_context(const char *context_type);

/* Building, before the builder's position. */
LLVMValueRef ebcc_ir_build_offset(struct ebcc_ir *ir, LLVMValueRef pointer, uint64_t offset);
LLVMValueRef ebcc_ir_build_helper(struct ebcc_ir *ir, unsigned helper, LLVMValueRef *arguments,
				  unsigned count);
void ebcc_ir_build_lifetime(struct ebcc_ir *ir, enum ebcc_ir_intrinsic which, LLVMValueRef slot,
			    uint64_t size);
/* A variable in the function's first block. The builder keeps its position. */
LLVMValueRef ebcc_ir_entry_alloca(struct ebcc_ir *ir, LLVMValueRef function, LLVMTypeRef type);
/* Reads a value of @type from foreign memory with helper @helper, through a stack slot. */
LLVMValueRef ebcc_ir_build_probe_read(struct ebcc_ir *ir, LLVMValueRef function, LLVMTypeRef type,
				      LLVMValueRef pointer, unsigned helper);
/* Takes instructions out, with replacement by @value (NULL: by an undefined one). */
void ebcc_ir_replace(LLVMValueRef instruction, LLVMValueRef value);

/* A set of bits per value: a hash table keyed by the value's address. */
struct ebcc_ir_values {
	struct {
		LLVMValueRef value;
		unsigned bits;
	} *slots;
	size_t capacity, count;
};
void ebcc_ir_values_deinit(struct ebcc_ir_values *values);
unsigned ebcc_ir_values_get(const struct ebcc_ir_values *values, LLVMValueRef value);
/* Returns false when there is no memory. */
bool ebcc_ir_values_set(struct ebcc_ir_values *values, LLVMValueRef value, unsigned bits);

/* A growing list of values, last in first out. */
struct ebcc_ir_list {
	LLVMValueRef *items;
	size_t capacity, count;
};
void ebcc_ir_list_deinit(struct ebcc_ir_list *list);
bool ebcc_ir_list_push(struct ebcc_ir_list *list, LLVMValueRef value);

/* Reports that memory ran out. */
void ebcc_ir_no_memory(struct ebcc_ir *ir);

#define for_each_block(block, function)                                                            \
	for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block;                    \
	     block = LLVMGetNextBasicBlock(block))

/* The body may erase @instruction, not its successor. */
#define for_each_instruction(instruction, block)                                                   \
	for (LLVMValueRef instruction = LLVMGetFirstInstruction(block),                            \
			  next_ = instruction ? LLVMGetNextInstruction(instruction) : NULL;        \
	     instruction; instruction = next_,                                                     \
			  next_ = instruction ? LLVMGetNextInstruction(instruction) : NULL)

/* The body may erase the use. */
#define for_each_use(use, value)                                                                   \
	for (LLVMUseRef use = LLVMGetFirstUse(value),                                              \
			next_use_ = use ? LLVMGetNextUse(use) : NULL;                              \
	     use; use = next_use_, next_use_ = use ? LLVMGetNextUse(use) : NULL)

#endif /* EBCC_COMPILER_PASSES_UTIL_H */
