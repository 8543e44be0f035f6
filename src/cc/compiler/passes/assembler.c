// SPDX-License-Identifier: Apache-2.0
/*
 * Assembler in the source. LLVM's assembler opens files by itself (.incbin, .include), past the
 * file system that clang is given, so directives are taken by a list. Their names must stand in the
 * text as they are: macros, operands and alternatives could put one together.
 */
#include <ctype.h>
#include <string.h>

#include "compiler/passes/util.h"

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Whether a directive, without its dot, is known to read nothing. */
static bool is_harmless(const char *name, size_t size)
{
	static const char *const names[] = {
		"2byte",   "4byte",	 "8byte",	"align", "ascii", "asciz",
		"balign",  "bss",	 "byte",	"data",	 "equ",	  "global",
		"globl",   "hidden",	 "ident",	"int",	 "local", "long",
		"p2align", "popsection", "previous",	"quad",	 "set",	  "short",
		"section", "size",	 "pushsection", "skip",	 "space", "text",
		"string",  "type",	 "weak",	"word",	 "zero",  "rodata",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == size && !memcmp(names[i], name, size))
			return true;
	return false;
}

/* The first directive in a text that is not on the list, or NULL. */
static const char *find_directive(const char *text, size_t size, size_t *ret_size)
{
	const char *end = text + size;

	for (const char *dot = text; (dot = memchr(dot, '.', end - dot)); dot++) {
		const char *word = dot + 1, *stop = word;

		/* In a name, or of a number or local label. */
		if ((dot > text && is_word(dot[-1])) || (word < end && *word == 'L'))
			continue;
		while (stop < end && is_word(*stop))
			stop++;
		if (stop > word && isdigit((unsigned char)*word) && !is_harmless(word, stop - word))
			continue;
		if (!is_harmless(word, stop - word) || (stop < end && *stop == '$')) {
			*ret_size = stop - dot;
			return dot;
		}
	}
	return NULL;
}

static void check(struct ebcc_ir *ir, LLVMValueRef instruction, const char *text, size_t size)
{
	size_t length;
	const char *directive = find_directive(text, size, &length);

	if (!directive)
		return;
	ebcc_ir_report_at(ir, EBCC_CC_ERROR, instruction,
			  "a BPF program's assembler can't have the directive '%.*s'", (int)length,
			  directive);
}

static void check_instruction(struct ebcc_ir *ir, LLVMValueRef instruction)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(instruction);
	const char *text;
	LLVMValueRef callee;
	size_t size;

	if (opcode != LLVMCall && opcode != LLVMCallBr)
		return;
	callee = LLVMGetCalledValue(instruction);
	if (!LLVMIsAInlineAsm(callee))
		return;
	text = LLVMGetInlineAsmAsmString(callee, &size);
	check(ir, instruction, text, size);
}

/* A name that the source chose (`int x asm("...")`) may be an operand where a statement of
 * assembler begins. Those that clang makes up have no directive in them. */
static void check_name(struct ebcc_ir *ir, LLVMValueRef global)
{
	static const char *const own[] = {".str", ".compoundliteral", ".L"};
	const char *name = ebcc_ir_name(global);

	name += *name == '\1';
	if (*name != '.')
		return;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!strncmp(name, own[i], strlen(own[i])))
			return;
	ebcc_ir_report_at(ir, EBCC_CC_ERROR, NULL, "'%s' is not a name for a variable or function",
			  name);
}

void ebcc_ir_check_assembler(struct ebcc_ir *ir)
{
	size_t size;
	const char *text = LLVMGetModuleInlineAsm(ir->module, &size);

	check(ir, NULL, text, size);
	for (LLVMValueRef global = LLVMGetFirstGlobal(ir->module); global;
	     global = LLVMGetNextGlobal(global))
		check_name(ir, global);
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function)) {
		check_name(ir, function);
		for_each_block (block, function)
			for_each_instruction (instruction, block)
				check_instruction(ir, instruction);
	}
}
