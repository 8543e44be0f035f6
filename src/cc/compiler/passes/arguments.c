// SPDX-License-Identifier: Apache-2.0
/*
 * Arguments of traced functions. A program on a kernel function may declare the function's
 * arguments after its context, but the kernel passes it only the registers. So each such parameter
 * becomes a load from struct pt_regs, according to the architecture's calling convention. In a
 * program on a system call ("syscall__...") the parameters are the system call's arguments: the
 * kernel's wrapper gets them in another pt_regs, in foreign memory, to which its first argument
 * points. A program whose target the kernel describes by BTF (KFUNC_PROBE and similar) finds the
 * arguments, followed by the result, in an array of words. Programs without a return value return
 * 0.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/kinds.h"
#include "compiler/passes/util.h"

/* The array of a BTF-typed program: up to twelve arguments and the result. */
static const unsigned typed_offsets[] = {0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96};

/* Where the parameters of one program come from. */
struct source {
	const unsigned *offsets;
	unsigned count;
	unsigned next;		/* the next unused register */
	LLVMValueRef registers; /* pt_regs: the context, or the system call's own */
	bool foreign;		/* registers are read by probe reads */
};

/* Positions the builder after the allocas, which are static only if they come first in the first
 * block. */
static void position_after_allocas(struct ebcc_ir *ir, LLVMValueRef function)
{
	LLVMMetadataRef subprogram = LLVMGetSubprogram(function);
	LLVMValueRef instruction = LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(function));

	while (LLVMIsAAllocaInst(instruction))
		instruction = LLVMGetNextInstruction(instruction);
	LLVMPositionBuilderBefore(ir->builder, instruction);
	LLVMSetCurrentDebugLocation2(
		ir->builder, subprogram ? LLVMDIBuilderCreateDebugLocation(
						  ir->context, LLVMDISubprogramGetLine(subprogram),
						  0, subprogram, NULL)
					: NULL);
}

static LLVMValueRef next_register(struct ebcc_ir *ir, LLVMValueRef function, struct source *source)
{
	LLVMValueRef place =
		ebcc_ir_build_offset(ir, source->registers, source->offsets[source->next++]);

	if (source->foreign)
		return ebcc_ir_build_probe_read(ir, function, ir->i64, place,
						BPF_FUNC_probe_read_kernel);
	return LLVMBuildLoad2(ir->builder, ir->i64, place, "");
}

/* How many registers a parameter takes, or 0 if it isn't passed in registers. A struct of up to 16
 * bytes, in IR an array of words, takes two. */
static unsigned registers_of(struct ebcc_ir *ir, LLVMTypeRef type)
{
	switch (LLVMGetTypeKind(type)) {
	case LLVMPointerTypeKind:
		return 1;
	case LLVMIntegerTypeKind:
		return LLVMGetIntTypeWidth(type) <= 64;
	case LLVMArrayTypeKind:
		return LLVMGetElementType(type) == ir->i64 && LLVMGetArrayLength2(type) == 2 ? 2
											     : 0;
	default:
		return 0;
	}
}

/* Builds the value of a parameter. */
static LLVMValueRef build_parameter(struct ebcc_ir *ir, LLVMValueRef function, LLVMTypeRef type,
				    struct source *source)
{
	LLVMValueRef value = LLVMGetUndef(type);

	switch (LLVMGetTypeKind(type)) {
	case LLVMPointerTypeKind:
		return LLVMBuildIntToPtr(ir->builder, next_register(ir, function, source), type,
					 "");
	case LLVMIntegerTypeKind:
		return LLVMBuildIntCast2(ir->builder, next_register(ir, function, source), type,
					 false, "");
	default:
		for (unsigned i = 0; i < 2; i++)
			value = LLVMBuildInsertValue(ir->builder, value,
						     next_register(ir, function, source), i, "");
		return value;
	}
}

/* Whether a parameter is a struct too large for registers, passed as a pointer to a copy. */
static bool is_on_stack(LLVMValueRef function, unsigned parameter)
{
	unsigned kind = LLVMGetEnumAttributeKindForName("byval", strlen("byval"));

	return LLVMGetEnumAttributeAtIndex(function, parameter + 1, kind) != NULL;
}

static void build_parameters(struct ebcc_ir *ir, LLVMValueRef old, LLVMValueRef function,
			     bool typed)
{
	const struct ebcc_arch *arch = ebcc_arch_of_id(ir->opts->arch);
	bool foreign = !typed && !ebcc_ir_has_section(function) &&
		       ebcc_program_has_syscall_arguments(ebcc_ir_name(function));
	const struct ebcc_arch_convention *convention = foreign ? &arch->syscall : &arch->call;
	struct source source = {
		.offsets = typed ? typed_offsets : convention->offsets,
		.count = typed ? sizeof(typed_offsets) / sizeof(typed_offsets[0])
			       : convention->count,
		.registers = LLVMGetParam(function, 0),
		.foreign = foreign,
	};

	position_after_allocas(ir, function);
	if (foreign)
		source.registers = LLVMBuildLoad2(
			ir->builder, ir->pointer,
			ebcc_ir_build_offset(ir, source.registers, convention->offsets[0]), "");
	for (unsigned i = 1; i < LLVMCountParams(old); i++) {
		LLVMValueRef parameter = LLVMGetParam(old, i), value;
		unsigned registers =
			is_on_stack(old, i) ? 0 : registers_of(ir, LLVMTypeOf(parameter));

		if (!registers || source.next + registers > source.count) {
			ebcc_ir_report_at(
				ir, EBCC_CC_ERROR, function,
				"parameter %u of '%s' is not passed in a register: only the "
				"first %u integers and pointers of a function are",
				i, ebcc_ir_name(function), source.count);
			value = LLVMGetUndef(LLVMTypeOf(parameter));
		} else if (LLVMGetFirstUse(parameter)) {
			value = build_parameter(ir, function, LLVMTypeOf(parameter), &source);
		} else {
			source.next += registers; /* the optimizer would keep a probe read */
			value = LLVMGetUndef(LLVMTypeOf(parameter));
		}
		LLVMReplaceAllUsesWith(parameter, value);
	}
}

static void copy_attributes(LLVMValueRef from, LLVMValueRef to, LLVMAttributeIndex index)
{
	unsigned count = LLVMGetAttributeCountAtIndex(from, index);
	LLVMAttributeRef *attributes AUTO_FREE = calloc(count + 1, sizeof(*attributes));

	if (!attributes)
		return;
	LLVMGetAttributesAtIndex(from, index, attributes);
	for (unsigned i = 0; i < count; i++)
		LLVMAddAttributeAtIndex(to, index, attributes[i]);
}

/* Moves the blocks in order: allocas are static only in the first one. */
static void move_blocks(struct ebcc_ir *ir, LLVMValueRef from, LLVMValueRef to)
{
	/* LLVM-C can move a block to another function only after a block there. */
	LLVMBasicBlockRef first = LLVMAppendBasicBlockInContext(ir->context, to, "");
	LLVMBasicBlockRef last = first;

	for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(from), next; block; block = next) {
		next = LLVMGetNextBasicBlock(block);
		LLVMMoveBasicBlockAfter(block, last);
		last = block;
	}
	LLVMDeleteBasicBlock(first);
}

static void return_zero(struct ebcc_ir *ir, LLVMValueRef function)
{
	for_each_block (block, function) {
		LLVMValueRef terminator = LLVMGetBasicBlockTerminator(block);

		if (!terminator || !LLVMIsAReturnInst(terminator))
			continue;
		LLVMPositionBuilderBefore(ir->builder, terminator);
		LLVMBuildRet(ir->builder, LLVMConstInt(ir->i32, 0, false));
		LLVMInstructionEraseFromParent(terminator);
	}
}

/* Moves the program into a function that takes only the context and returns a number. */
static LLVMValueRef move_program(struct ebcc_ir *ir, LLVMValueRef old, bool keep_parameters)
{
	LLVMTypeRef old_type = LLVMGlobalGetValueType(old), type = LLVMGetReturnType(old_type);
	bool returns_nothing = LLVMGetTypeKind(type) == LLVMVoidTypeKind;
	char *name AUTO_FREE = strdup(ebcc_ir_name(old));
	LLVMMetadataRef subprogram = LLVMGetSubprogram(old);
	LLVMTypeRef *types AUTO_FREE = calloc(LLVMCountParams(old) + 1, sizeof(*types));
	LLVMValueRef function;

	if (!name || !types) {
		ebcc_ir_no_memory(ir);
		return NULL;
	}
	LLVMGetParamTypes(old_type, types);
	type = LLVMFunctionType(returns_nothing ? ir->i32 : type, types,
				keep_parameters ? LLVMCountParams(old) : 1, false);
	LLVMSetValueName2(old, "", 0);
	function = LLVMAddFunction(ir->module, name, type);
	copy_attributes(old, function, LLVMAttributeFunctionIndex);
	if (LLVMGetSection(old) && *LLVMGetSection(old))
		LLVMSetSection(function, LLVMGetSection(old));
	move_blocks(ir, old, function);
	LLVMSetSubprogram(old, NULL);
	LLVMSetSubprogram(function, subprogram);
	for (unsigned i = 0; i < LLVMCountParams(function); i++)
		LLVMReplaceAllUsesWith(LLVMGetParam(old, i), LLVMGetParam(function, i));
	if (returns_nothing)
		return_zero(ir, function);
	return function;
}

/* Reports parameters that this kind of program can't have. */
static void refuse_parameters(struct ebcc_ir *ir, LLVMValueRef program,
			      const struct ebcc_program_kind *kind)
{
	const char *macro = ebcc_ir_has_section(program) ? "BPF_PROG" : kind->macro;

	if (ebcc_program_kind_is_typed(kind))
		ebcc_ir_report_at(
			ir, EBCC_CC_ERROR, program,
			"'%s' has parameters besides its context, which it gets only if it is "
			"declared with %s(...): write %s and the parameters in its parentheses",
			ebcc_ir_name(program), macro, macro);
	else
		ebcc_ir_report_at(
			ir, EBCC_CC_ERROR, program,
			"'%s' has parameters besides its context: only a program whose first "
			"parameter is 'struct pt_regs *ctx' gets the arguments of a function",
			ebcc_ir_name(program));
}

static void lower(struct ebcc_ir *ir, LLVMValueRef program)
{
	const struct ebcc_program_kind *kind = ebcc_ir_program_kind(program);
	unsigned count = LLVMCountParams(program);
	LLVMTypeRef result = LLVMGetReturnType(LLVMGlobalGetValueType(program));
	bool returns_nothing = LLVMGetTypeKind(result) == LLVMVoidTypeKind;
	char context[128];
	bool arguments, kind_typed, typed;
	LLVMValueRef function;

	ebcc_ir_context_type(ir, program, context, sizeof(context));
	kind_typed = kind && ebcc_program_kind_is_typed(kind);
	/* The macros declare an array as the context of such programs, and BPF_PROG() also as that
	 * of raw tracepoints. */
	typed = (kind_typed || ebcc_ir_has_section(program)) && ebcc_ir_is_btf_context(context);
	arguments = count > 1 && (typed || (!kind_typed && !strcmp(context, "pt_regs")));
	if (count > 1 && !arguments && kind)
		refuse_parameters(ir, program, kind);
	if (!arguments && !returns_nothing)
		return;
	function = move_program(ir, program, !arguments);
	if (!function)
		return;
	if (arguments)
		build_parameters(ir, program, function, typed);
	/* llvm.used names programs with SEC(). */
	LLVMReplaceAllUsesWith(program, function);
	LLVMDeleteFunction(program);
}

void ebcc_ir_arguments(struct ebcc_ir *ir)
{
	struct ebcc_ir_list programs __attribute__((cleanup(ebcc_ir_list_deinit))) = {0};

	/* Lowering adds functions. */
	for (LLVMValueRef program = ebcc_ir_first_program(ir); program;
	     program = ebcc_ir_next_program(program))
		if (!ebcc_ir_list_push(&programs, program)) {
			ebcc_ir_no_memory(ir);
			return;
		}
	for (size_t i = 0; i < programs.count; i++)
		lower(ir, programs.items[i]);
}
