// SPDX-License-Identifier: Apache-2.0
/*
 * Handles inline assembly of kernel headers, which is for the processor and not for BPF. The
 * preamble (bpf/ebcc/kernel_begin.h) turns each statement into one whose text is "#ebcc NUMBER
 * ORIGINAL", without operands. Statements that produce no value (a barrier, a warning's trap) are
 * dropped, since BPF programs don't need them. A statement that produces a value, or jumps, is an
 * error if it is still in a program after optimization.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compiler/passes/util.h"

#define MARK "#ebcc "
#define MARK_GOTO "#ebcc goto "

/* The text of an assembly statement from kernel headers, or NULL. Borrowed; not NUL-terminated. */
static const char *header_assembly(LLVMValueRef instruction, size_t *ret_size)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(instruction);
	LLVMValueRef callee;
	const char *text;

	if (opcode != LLVMCall && opcode != LLVMCallBr)
		return NULL;
	callee = LLVMGetCalledValue(instruction);
	if (!LLVMIsAInlineAsm(callee))
		return NULL;
	text = LLVMGetInlineAsmAsmString(callee, ret_size);
	if (*ret_size < strlen(MARK) || memcmp(text, MARK, strlen(MARK)))
		return NULL;
	return text;
}

/* The next colon outside strings and parentheses, or @end. */
static const char *find_colon(const char *text, const char *end)
{
	bool quoted = false;
	int depth = 0;

	for (; text < end; text++) {
		if (quoted && *text == '\\') {
			text++;
			continue;
		}
		if (*text == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		if (*text == '(' || *text == '[')
			depth++;
		else if (*text == ')' || *text == ']')
			depth--;
		else if (*text == ':' && depth <= 0)
			return text;
	}
	return end;
}

/* Whether the surrounding C sees no effect of the statement: it has no outputs and no labels. */
static bool has_no_effect(const char *text, size_t size)
{
	const char *end = text + size;
	const char *outputs;

	if (size >= strlen(MARK_GOTO) && !memcmp(text, MARK_GOTO, strlen(MARK_GOTO)))
		return false;
	outputs = find_colon(text, end);
	end = outputs < end ? find_colon(outputs + 1, end) : end;
	while (++outputs < end)
		if (!isspace((unsigned char)*outputs))
			return false;
	return true;
}

static void drop_ineffective(LLVMValueRef function)
{
	for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block;
	     block = LLVMGetNextBasicBlock(block)) {
		LLVMValueRef next;

		for (LLVMValueRef instruction = LLVMGetFirstInstruction(block); instruction;
		     instruction = next) {
			size_t size;
			const char *text = header_assembly(instruction, &size);

			next = LLVMGetNextInstruction(instruction);
			if (text && LLVMGetInstructionOpcode(instruction) == LLVMCall &&
			    has_no_effect(text, size))
				LLVMInstructionEraseFromParent(instruction);
		}
	}
}

/* Drops the headers' statements outside of functions, one per line. The source's own stay. */
static void drop_module_assembly(LLVMModuleRef module)
{
	size_t size, kept = 0;
	const char *text = LLVMGetModuleInlineAsm(module, &size);
	const char *end = text + size;
	char *rest AUTO_FREE = size ? malloc(size) : NULL;

	if (!rest)
		return;
	for (const char *line = text, *next; line < end; line = next) {
		const char *newline = memchr(line, '\n', end - line);

		next = newline ? newline + 1 : end;
		if ((size_t)(next - line) > strlen(MARK) && !memcmp(line, MARK, strlen(MARK)))
			continue;
		memcpy(rest + kept, line, next - line);
		kept += next - line;
	}
	LLVMSetModuleInlineAsm2(module, rest, kept);
}

/* Whether a variable was bound to a register, such as the stack pointer. */
static bool is_register_variable(LLVMValueRef global)
{
	const char *name = ebcc_ir_name(global);

	name += *name == '\1';
	return !strncmp(name, MARK, strlen(MARK));
}

static void drop_register_variables(LLVMModuleRef module)
{
	LLVMValueRef next;

	for (LLVMValueRef global = LLVMGetFirstGlobal(module); global; global = next) {
		next = LLVMGetNextGlobal(global);
		if (is_register_variable(global) && !LLVMGetFirstUse(global))
			LLVMDeleteGlobal(global);
	}
}

void ebcc_ir_drop_header_assembly(struct ebcc_ir *ir)
{
	drop_module_assembly(ir->module);
	drop_register_variables(ir->module);
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function))
		drop_ineffective(function);
}

static void refuse(struct ebcc_ir *ir, LLVMValueRef function, LLVMValueRef instruction)
{
	ebcc_ir_report_at(ir, EBCC_CC_ERROR, instruction,
			  "in function '%s': a BPF program can't run this inline function of the "
			  "kernel's headers, because it contains assembly for the processor",
			  ebcc_ir_name(function));
}

void ebcc_ir_refuse_header_assembly(struct ebcc_ir *ir)
{
	drop_register_variables(ir->module);
	for (LLVMValueRef global = LLVMGetFirstGlobal(ir->module); global;
	     global = LLVMGetNextGlobal(global)) {
		LLVMUseRef use = is_register_variable(global) ? LLVMGetFirstUse(global) : NULL;

		if (use)
			ebcc_ir_report_at(ir, EBCC_CC_ERROR, LLVMGetUser(use),
					  "a BPF program can't read a variable that the kernel's "
					  "headers bind to a register");
	}
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function)) {
		for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block;
		     block = LLVMGetNextBasicBlock(block)) {
			for (LLVMValueRef instruction = LLVMGetFirstInstruction(block); instruction;
			     instruction = LLVMGetNextInstruction(instruction)) {
				size_t size;

				if (header_assembly(instruction, &size)) {
					refuse(ir, function, instruction);
					return;
				}
			}
		}
	}
}
