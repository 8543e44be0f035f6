// SPDX-License-Identifier: Apache-2.0
/*
 * Inlines everything that a program calls: so the reads pass sees where a helper function's
 * pointers come from, and the verifier doesn't have to follow calls. Functions whose address is
 * taken stay separate: they are callbacks of bpf_loop() and similar helpers, called by the kernel.
 * Recursive functions can neither be inlined nor run.
 */
#include <string.h>

#include "compiler/passes/util.h"

/* Whether a variable is a map, or a struct of callbacks of the kernel: the addresses in it are
 * those of programs. */
static bool holds_programs(LLVMValueRef variable)
{
	const char *section = LLVMGetSection(variable);

	return section &&
	       (!strcmp(section, ".maps") || ebcc_ir_after_prefix(section, ".struct_ops"));
}

/* Whether a use by @user takes the address of @function. llvm.used and similar don't count. */
static bool takes_address(LLVMValueRef user, LLVMValueRef function)
{
	if (LLVMIsAInstruction(user)) {
		if (ebcc_ir_callee(user) != function)
			return true;
		for (unsigned i = 0; i < LLVMGetNumArgOperands(user); i++)
			if (LLVMGetOperand(user, i) == function)
				return true;
		return false;
	}
	if (LLVMIsAGlobalVariable(user))
		return !ebcc_ir_after_prefix(ebcc_ir_name(user), "llvm.") && !holds_programs(user);
	for_each_use (use, user)
		if (takes_address(LLVMGetUser(use), function))
			return true;
	return false;
}

static bool is_callback(LLVMValueRef function)
{
	for_each_use (use, function)
		if (takes_address(LLVMGetUser(use), function))
			return true;
	return false;
}

static bool is_called(LLVMValueRef function)
{
	for_each_use (use, function)
		if (ebcc_ir_callee(LLVMGetUser(use)) == function)
			return true;
	return false;
}

static unsigned attribute_kind(const char *name)
{
	return LLVMGetEnumAttributeKindForName(name, strlen(name));
}

static bool is_marked_noinline(LLVMValueRef function)
{
	return LLVMGetEnumAttributeAtIndex(function, LLVMAttributeFunctionIndex,
					   attribute_kind("noinline"));
}

/* What stays separate besides callbacks: the dialect's own subprograms, known by their prefix, and
 * in sources that give sections (written for libbpf) the functions marked noinline. Neither loads
 * through pointers to foreign memory, so the reads pass needn't know where the pointers come from;
 * if a source does so nevertheless, the second pipeline inlines all of it. */
static bool is_subprogram(struct ebcc_ir *ir, LLVMValueRef function, bool sections)
{
	return ebcc_ir_after_prefix(ebcc_ir_name(function), "__ebcc_subprogram_") ||
	       is_callback(function) ||
	       (sections && ir->opts->pipeline != EBCC_CC_PIPELINE_PLAIN &&
		!ebcc_ir_has_section(function) && is_called(function) &&
		!ebcc_ir_program_kind(function) && is_marked_noinline(function));
}

/* Whether the source says what a program is by a section. */
static bool gives_sections(struct ebcc_ir *ir)
{
	for (LLVMValueRef program = ebcc_ir_first_program(ir); program;
	     program = ebcc_ir_next_program(program))
		if (ebcc_ir_has_section(program))
			return true;
	return false;
}

/* A function that others call and that can't be a program is a helper function that lacks "static":
 * the first parameter of a program is a pointer, and only programs with struct pt_regs have more
 * parameters. In a source that gives sections, so is any function without one that others call. */
static bool is_helper_function(struct ebcc_ir *ir, LLVMValueRef function, bool sections)
{
	unsigned count = LLVMCountParams(function);
	char context[128];

	if (sections && is_called(function) && !ebcc_ir_program_kind(function))
		return !ebcc_ir_has_section(function);
	if (!count || !is_called(function))
		return false;
	if (LLVMGetTypeKind(LLVMTypeOf(LLVMGetParam(function, 0))) != LLVMPointerTypeKind)
		return true;
	return count > 1 &&
	       strcmp(ebcc_ir_context_type(ir, function, context, sizeof(context)), "pt_regs");
}

static void set_inlining(struct ebcc_ir *ir, LLVMValueRef function, bool sections)
{
	static const char *const all[] = {"alwaysinline", "inlinehint", "noinline", "optnone"};
	bool subprogram = is_subprogram(ir, function, sections);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		LLVMRemoveEnumAttributeAtIndex(function, LLVMAttributeFunctionIndex,
					       attribute_kind(all[i]));
	LLVMAddAttributeAtIndex(
		function, LLVMAttributeFunctionIndex,
		LLVMCreateEnumAttribute(
			ir->context, attribute_kind(subprogram ? "noinline" : "alwaysinline"), 0));
	if (subprogram) {
		/* libbpf expects subprograms in .text; the kernel would verify global ones
		 * separately. */
		LLVMSetLinkage(function, LLVMInternalLinkage);
		LLVMSetSection(function, "");
	} else if (LLVMGetLinkage(function) != LLVMInternalLinkage) {
		/* A weak function can be inlined, too: nothing is linked with the object. */
		LLVMSetLinkage(function, is_helper_function(ir, function, sections)
						 ? LLVMInternalLinkage
						 : LLVMExternalLinkage);
	}
}

enum visit { UNSEEN, ON_PATH, DONE };

/* Searches calls depth first; a function met again on the current path is recursive. */
static void find_recursion(struct ebcc_ir *ir, struct ebcc_ir_values *visits, LLVMValueRef function)
{
	if (!ebcc_ir_values_set(visits, function, ON_PATH)) {
		ebcc_ir_no_memory(ir);
		return;
	}
	for_each_block (block, function) {
		for_each_instruction (instruction, block) {
			LLVMValueRef callee = ebcc_ir_callee(instruction);

			if (!callee || !LLVMGetFirstBasicBlock(callee))
				continue;
			if (ebcc_ir_values_get(visits, callee) == ON_PATH)
				ebcc_ir_report_at(ir, EBCC_CC_ERROR, instruction,
						  "'%s' calls itself, which BPF programs can't do: "
						  "use a bounded loop",
						  ebcc_ir_name(callee));
			else if (ebcc_ir_values_get(visits, callee) == UNSEEN)
				find_recursion(ir, visits, callee);
		}
	}
	ebcc_ir_values_set(visits, function, DONE);
}

void ebcc_ir_mark_inline(struct ebcc_ir *ir)
{
	struct ebcc_ir_values visits __attribute__((cleanup(ebcc_ir_values_deinit))) = {0};
	bool sections = gives_sections(ir);

	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function)) {
		if (!LLVMGetFirstBasicBlock(function))
			continue;
		set_inlining(ir, function, sections);
		if (ebcc_ir_values_get(&visits, function) == UNSEEN)
			find_recursion(ir, &visits, function);
	}
}

/* Whether neither the kernel (section .ksyms) nor the compiler will define a function. */
static bool is_undefined(LLVMValueRef function)
{
	const char *section = LLVMGetSection(function);

	return LLVMIsDeclaration(function) && !LLVMGetIntrinsicID(function) &&
	       !(section && *section) && strncmp(ebcc_ir_name(function), "__bpf_", 6);
}

/* The most loads that the backend expands a comparison to, of 8 bytes each. */
#define COMPARISON_LOADS 128

/* Whether a call is memcmp() of a constant size that the backend expands. */
static bool is_expanded(LLVMValueRef call)
{
	const char *name = ebcc_ir_name(ebcc_ir_callee(call));
	LLVMValueRef size;

	if ((strcmp(name, "memcmp") && strcmp(name, "bcmp")) || LLVMGetNumArgOperands(call) != 3)
		return false;
	size = LLVMGetOperand(call, 2);
	return LLVMIsAConstantInt(size) &&
	       LLVMConstIntGetZExtValue(size) <= COMPARISON_LOADS * sizeof(uint64_t);
}

/* Reports calls of functions, or of map methods, that are chosen at run time: no optimization could
 * resolve them. */
static void refuse_indirect_calls(struct ebcc_ir *ir, LLVMValueRef function)
{
	for_each_block (block, function) {
		for_each_instruction (instruction, block) {
			if (LLVMIsACallInst(instruction) &&
			    !LLVMIsAConstant(LLVMGetCalledValue(instruction)) &&
			    !LLVMIsAInlineAsm(LLVMGetCalledValue(instruction)))
				ebcc_ir_report_at(
					ir, EBCC_CC_ERROR, instruction,
					"a BPF program can't call through a pointer: the "
					"function, or the table whose method it is, must be known "
					"at compile time; choose with if or switch, and make each "
					"call there by name");
		}
	}
}

void ebcc_ir_undefined(struct ebcc_ir *ir)
{
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function))
		refuse_indirect_calls(ir, function);
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function)) {
		if (!is_undefined(function))
			continue;
		for_each_use (use, function) {
			LLVMValueRef user = LLVMGetUser(use);

			if (ebcc_ir_callee(user) == function && !is_expanded(user))
				ebcc_ir_report_at(ir, EBCC_CC_ERROR, user,
						  "'%s' is not defined: a program can call BPF "
						  "helpers and functions in its own source",
						  ebcc_ir_name(function));
		}
	}
}
