/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the IR passes share: the state of a run, diagnostics with source locations, access to debug
 * info through the generic metadata interface, and building the calls that passes insert.
 */
#ifndef EBCC_COMPILER_PASSES_UTIL_H
#define EBCC_COMPILER_PASSES_UTIL_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>

#include "compiler/passes/pipeline.h"

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

/* Fills in what depends on @ir's module. The caller has set module, machine, opts and report. */
void ebcc_ir_init(struct ebcc_ir *ir);
void ebcc_ir_deinit(struct ebcc_ir *ir);

/* The prefix of functions that turn a number into the address that it stands for. */
#define EBCC_IR_ADDRESS_FUNCTION "__ebcc_address"

/* The passes, each described in its own file; pipeline.c has the order. */
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
void ebcc_ir_indexes(struct ebcc_ir *ir);
void ebcc_ir_undefined(struct ebcc_ir *ir);
void ebcc_ir_stack(struct ebcc_ir *ir);
void ebcc_ir_constants(struct ebcc_ir *ir);
void ebcc_ir_drop_header_assembly(struct ebcc_ir *ir);
void ebcc_ir_refuse_header_assembly(struct ebcc_ir *ir);
void ebcc_ir_check_assembler(struct ebcc_ir *ir);

/* Reports a diagnostic at an instruction's source location (if inlined, that of the innermost
 * source line), or at a function's. With NULL it has no location. An error makes the run fail. */
void ebcc_ir_report_at(struct ebcc_ir *ir, enum ebcc_cc_severity severity, LLVMValueRef value,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The name of a global, function or instruction; "" if it has none. Borrowed. */
const char *ebcc_ir_name(LLVMValueRef value);
/* The rest of @name after @prefix, or NULL if it begins differently. */
const char *ebcc_ir_after_prefix(const char *name, const char *prefix);

/* Iterate over the module's programs, which are its external functions with a body, in order. NULL
 * at the end. A pass may replace the current one if it gets the next one first. */
LLVMValueRef ebcc_ir_first_program(struct ebcc_ir *ir);
LLVMValueRef ebcc_ir_next_program(LLVMValueRef program);

/* Whether the source says the section of a function or variable. */
bool ebcc_ir_has_section(LLVMValueRef global);

/* The kind of a program, by its section or else by its name; NULL if neither says it. */
const struct ebcc_program_kind *ebcc_ir_program_kind(LLVMValueRef program);

/* The function that an instruction calls directly, or NULL. */
LLVMValueRef ebcc_ir_callee(LLVMValueRef instruction);
/* Whether the instruction is a call of this intrinsic. */
bool ebcc_ir_is_intrinsic(const struct ebcc_ir *ir, LLVMValueRef instruction,
			  enum ebcc_ir_intrinsic intrinsic);
/* Whether the instruction is an access to a member or an element that clang marked, to be relocated
 * or lowered by a pass. */
bool ebcc_ir_is_access(const struct ebcc_ir *ir, LLVMValueRef instruction);
/* The number of the kernel helper (enum bpf_func_id) that an instruction calls, or 0. */
unsigned ebcc_ir_helper_number(LLVMValueRef instruction);

/* Adds a GEP's constant offset to *@at, and sets *@step to the greatest common divisor of itself
 * and the element sizes of the variable indexes. Returns false if the GEP is of another form. */
bool ebcc_ir_gep_terms(const struct ebcc_ir *ir, LLVMValueRef gep, int64_t *at, uint64_t *step);
uint64_t ebcc_ir_gcd(uint64_t a, uint64_t b);

/* Metadata: operand @index of a node; NULL if there is none, or for a NULL node. */
LLVMValueRef ebcc_ir_operand(LLVMValueRef node, unsigned index);
/* Debug-info types, as metadata values. NULL stands for void and gives 0 or NULL. */
unsigned ebcc_ir_type_tag(LLVMValueRef type);
/* Copied into @buffer, truncated to fit, since LLVM's string is not NUL-terminated. "" for an
 * anonymous type. */
const char *ebcc_ir_type_name(LLVMValueRef type, char *buffer, size_t size);
/* The type that a pointer points to, or that a typedef or qualifier stands for. */
LLVMValueRef ebcc_ir_base_type(LLVMValueRef type);
/* The type without typedefs and qualifiers. */
LLVMValueRef ebcc_ir_strip_type(LLVMValueRef type);
/* The debug-info type of a function's parameter, counted from 0; NULL if there is none. */
LLVMValueRef ebcc_ir_parameter_type(struct ebcc_ir *ir, LLVMValueRef function, unsigned index);

/* The type of a program's first parameter, or of what it points to, by debug info: a struct's tag,
 * "void", or the name of another type ("int", "unsigned long long"). Copied into @buffer. */
const char *ebcc_ir_context_type(struct ebcc_ir *ir, LLVMValueRef function, char *buffer,
				 size_t size);
/* Whether a program with this type of context has arguments that the kernel describes by BTF. */
bool ebcc_ir_is_btf_context(const char *context_type);

/* Build code before the builder's position. */
/* Passes a value through empty inline assembly, so that nothing is known about the result. */
LLVMValueRef ebcc_ir_build_hidden(struct ebcc_ir *ir, LLVMValueRef value);
LLVMValueRef ebcc_ir_build_offset(struct ebcc_ir *ir, LLVMValueRef pointer, uint64_t offset);
LLVMValueRef ebcc_ir_build_helper(struct ebcc_ir *ir, unsigned helper, LLVMValueRef *arguments,
				  unsigned count);
void ebcc_ir_build_lifetime(struct ebcc_ir *ir, enum ebcc_ir_intrinsic which, LLVMValueRef slot,
			    uint64_t size);
/* A variable in the function's first block. The builder keeps its position. */
LLVMValueRef ebcc_ir_entry_alloca(struct ebcc_ir *ir, LLVMValueRef function, LLVMTypeRef type);
/* Reads a value of @type from foreign memory with @helper, through a stack slot. */
LLVMValueRef ebcc_ir_build_probe_read(struct ebcc_ir *ir, LLVMValueRef function, LLVMTypeRef type,
				      LLVMValueRef pointer, unsigned helper);
/* Whether a pointer is the marked access of a bit field, which is relocated (bit_fields.c). */
bool ebcc_ir_is_bit_field(const struct ebcc_ir *ir, LLVMValueRef pointer);
/* Builds what replaces a load from such a pointer: a value of its type that has the field at the
 * same bits, and zeros elsewhere. @helper reads it; 0: it is in memory that programs may access. */
LLVMValueRef ebcc_ir_build_bit_field(struct ebcc_ir *ir, LLVMValueRef function, LLVMValueRef load,
				     unsigned helper);
/* Replaces all uses of an instruction by @value (NULL: an undefined value) and erases it. */
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
/* Returns false when out of memory. */
bool ebcc_ir_values_set(struct ebcc_ir_values *values, LLVMValueRef value, unsigned bits);

/* A growing list of values. */
struct ebcc_ir_list {
	LLVMValueRef *items;
	size_t capacity, count;
};
void ebcc_ir_list_deinit(struct ebcc_ir_list *list);
bool ebcc_ir_list_push(struct ebcc_ir_list *list, LLVMValueRef value);

/* Reports being out of memory. */
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
