// SPDX-License-Identifier: Apache-2.0
/*
 * Prepares the object for libbpf: puts each program into a section that says what it is, adds a
 * license, makes every path return a value, and puts constants where libbpf looks for them.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/kinds.h"
#include "compiler/clang_shim.h"
#include "compiler/passes/util.h"

/* A section of our own, which means nothing to libbpf. */
static char *own_section(const char *function, const char *context_type)
{
	char *section;

	if (asprintf(&section, ".ebcc/%s/%s", context_type, function) < 0)
		return NULL;
	for (char *c = section; *c; c++)
		if (*c == ' ')
			*c = '_';
	return section;
}

char *ebcc_ir_section_name(const char *function, const char *context_type)
{
	const char *target;
	const struct ebcc_program_kind *kind = ebcc_program_kind_of(function, &target);
	const struct ebcc_context *context = ebcc_context_of(context_type);

	if (kind && kind->attach != EBCC_ATTACH_BY_HAND &&
	    (kind->id != EBCC_KIND_TRACEPOINT || strstr(target, "__")))
		return ebcc_program_section(kind, target);
	if (!context || !context->section)
		return own_section(function, context_type);
	return strdup(context->section);
}

static void set_section(struct ebcc_ir *ir, LLVMValueRef program)
{
	const char *old = LLVMGetSection(program);
	char *section AUTO_FREE = NULL;
	char context[128];

	if (old && *old)
		return; /* the source sets it */
	ebcc_ir_context_type(ir, program, context, sizeof(context));
	section = ebcc_ir_section_name(ebcc_ir_name(program), context);
	/* The section's symbol has its name, so nothing else in the object may have it (int
	 * xdp(...)). */
	if (section && (LLVMGetNamedFunction(ir->module, section) ||
			LLVMGetNamedGlobal(ir->module, section))) {
		free(section);
		section = own_section(ebcc_ir_name(program), context);
	}
	if (section)
		LLVMSetSection(program, section);
	else
		ebcc_ir_no_memory(ir);
}

/* The verifier rejects a path without a return value. Clang has warned about it. */
static void define_returns(LLVMValueRef program)
{
	for_each_block (block, program) {
		LLVMValueRef terminator = LLVMGetBasicBlockTerminator(block), value;

		if (!terminator || !LLVMIsAReturnInst(terminator) ||
		    !LLVMGetNumOperands(terminator))
			continue;
		value = LLVMGetOperand(terminator, 0);
		if (LLVMIsUndef(value)) /* or poison */
			LLVMSetOperand(terminator, 0, LLVMConstNull(LLVMTypeOf(value)));
		for (unsigned i = 0; LLVMIsAPHINode(value) && i < LLVMCountIncoming(value); i++)
			if (LLVMIsUndef(LLVMGetIncomingValue(value, i)))
				LLVMSetOperand(value, i, LLVMConstNull(LLVMTypeOf(value)));
	}
}

/* Rejects the name "license": libbpf needs a section of that name, whose symbol has it too. */
static void refuse_license_name(struct ebcc_ir *ir)
{
	LLVMValueRef named = LLVMGetNamedFunction(ir->module, "license");

	if (!named)
		named = LLVMGetNamedGlobal(ir->module, "license");
	if (named)
		ebcc_ir_report_at(ir, EBCC_CC_ERROR, named,
				  "no function, table or variable can be called license: the "
				  "object uses this name for the license of its programs; choose "
				  "another name");
}

/* Strips white space and, if the whole text is in quotes, the quotes, since the kernel compares
 * licenses exactly. Moves *text to the beginning and returns the length. */
static size_t unquote(const char **text, size_t length)
{
	while (length && isspace((unsigned char)**text))
		(*text)++, length--;
	while (length && isspace((unsigned char)(*text)[length - 1]))
		length--;
	if (length >= 2 && **text == '"' && (*text)[length - 1] == '"') {
		(*text)++;
		length -= 2;
	}
	return length;
}

/* A text that clang_shim.cc attached to the module, not NUL-terminated; NULL if there is none. */
static const char *annotation(const struct ebcc_ir *ir, const char *name, unsigned *ret_length)
{
	LLVMValueRef node, string;

	if (LLVMGetNamedMetadataNumOperands(ir->module, name) != 1)
		return NULL;
	LLVMGetNamedMetadataOperands(ir->module, name, &node);
	string = ebcc_ir_operand(node, 0);
	return string ? LLVMGetMDString(string, ret_length) : NULL;
}

/* Makes a variable of the object from what a portable object needs of a kernel. */
static void set_needs(struct ebcc_ir *ir)
{
	unsigned length;
	const char *text = annotation(ir, EBCC_CLANG_NEEDS, &length);
	LLVMValueRef global;

	if (!text)
		return;
	global = LLVMAddGlobal(ir->module, LLVMArrayType2(ir->i8, length + 1), "__ebcc_needs");
	LLVMSetInitializer(global, LLVMConstStringInContext2(ir->context, text, length, false));
	LLVMSetSection(global, ".ebcc.meta");
}

/* The license that the source's macro defines, malloc'ed, or NULL. */
static char *defined_license(struct ebcc_ir *ir)
{
	const char *text;
	char *license;
	unsigned length;

	text = annotation(ir, EBCC_CLANG_LICENSE, &length);
	if (!text)
		return NULL;
	length = (unsigned)unquote(&text, length);
	license = strndup(text, length);
	if (!license)
		ebcc_ir_no_memory(ir);
	return license;
}

static LLVMValueRef license_variable(struct ebcc_ir *ir)
{
	LLVMValueRef global;

	for (global = LLVMGetFirstGlobal(ir->module); global; global = LLVMGetNextGlobal(global)) {
		const char *section = LLVMGetSection(global);

		if (section && !strcmp(section, "license"))
			return global;
	}
	return NULL;
}

/* The string in a variable, without quotes, or NULL if it has none. Borrowed, not
 * NUL-terminated. */
static const char *variable_text(LLVMValueRef global, size_t *ret_size, size_t *ret_length)
{
	LLVMValueRef value = LLVMGetInitializer(global);
	const char *text;

	if (!value || !LLVMIsConstantString(value))
		return NULL;
	text = LLVMGetAsString(value, ret_size);
	*ret_length = unquote(&text, strnlen(text, *ret_size));
	return text;
}

/* BPF_LICENSE("GPL") makes a variable with quotes in its value, which are removed here. The size
 * stays, since debug info has it. */
static void clean_license(struct ebcc_ir *ir, LLVMValueRef global)
{
	size_t size, length;
	const char *text = variable_text(global, &size, &length);
	char *clean AUTO_FREE = text ? calloc(1, size + 1) : NULL;

	if (!clean)
		return;
	memcpy(clean, text, length);
	LLVMSetInitializer(global, LLVMConstStringInContext2(ir->context, clean, size, true));
}

static void set_license(struct ebcc_ir *ir)
{
	LLVMValueRef global = license_variable(ir);
	char *license AUTO_FREE = defined_license(ir);
	const char *text;
	size_t size, length;

	if (license && !*license) {
		ir->failed = true;
		ir->report(ir->report_context, EBCC_CC_ERROR, "", 0, 0,
			   "BPF_LICENSE is defined without a license: write, for instance, "
			   "#define BPF_LICENSE GPL");
		return;
	}
	if (global) {
		clean_license(ir, global);
		text = license ? variable_text(global, &size, &length) : NULL;
		if (text && (length != strlen(license) || memcmp(text, license, length)))
			ebcc_ir_report_at(
				ir, EBCC_CC_ERROR, global,
				"this license differs from that of the macro BPF_LICENSE: "
				"leave one of the two out");
		return;
	}
	text = license ? license : "GPL";
	size = strlen(text) + 1;
	global = LLVMAddGlobal(ir->module, LLVMArrayType2(ir->i8, size), "_license");
	LLVMSetInitializer(global, LLVMConstStringInContext2(ir->context, text, size, true));
	LLVMSetSection(global, "license");
}

void ebcc_ir_sections(struct ebcc_ir *ir)
{
	for (LLVMValueRef program = ebcc_ir_first_program(ir); program;
	     program = ebcc_ir_next_program(program)) {
		set_section(ir, program);
		define_returns(program);
	}
	refuse_license_name(ir);
	set_license(ir);
	set_needs(ir);
}

/*
 * Keeps string literals, and tables made by the optimizer, out of mergeable sections: libbpf would
 * make a map from each of these. Runs after optimization.
 */
void ebcc_ir_constants(struct ebcc_ir *ir)
{
	for (LLVMValueRef global = LLVMGetFirstGlobal(ir->module); global;
	     global = LLVMGetNextGlobal(global)) {
		const char *section = LLVMGetSection(global);

		if (LLVMIsGlobalConstant(global) && !LLVMIsDeclaration(global) &&
		    (!section || !*section))
			LLVMSetUnnamedAddress(global, LLVMNoUnnamedAddr);
	}
}
