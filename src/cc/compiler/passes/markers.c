// SPDX-License-Identifier: Apache-2.0
/*
 * Methods that C can't express. The headers declare them as undefined functions, whose calls are
 * replaced here, before anything is inlined:
 *   lookup_or_init	lookup_or_try_init; if that fails, the calling function returns 0
 *   increment		__ebcc_add with the number to add, which is 1 by default
 *   __ebcc_context	the first parameter of the calling function
 *   bpf_trace_printk	a helper call with the size of the format; up to three values are passed
 *			in registers, more in an array
 *   error markers	code that no program may reach: an error at its line
 */
#include <stdio.h>
#include <string.h>

#include "compiler/passes/util.h"

/* Builds a call of @function with the same attributes of arguments (how structs are passed) as
 * @call. Returns the new call; the old one stays. */
static LLVMValueRef call_instead(struct ebcc_ir *ir, LLVMValueRef call, LLVMValueRef function,
				 LLVMValueRef *arguments, unsigned count)
{
	LLVMAttributeRef attributes[32];
	LLVMValueRef result;

	LLVMPositionBuilderBefore(ir->builder, call);
	result = LLVMBuildCall2(ir->builder, LLVMGlobalGetValueType(function), function, arguments,
				count, "");
	/* Index 0 is the result. */
	for (unsigned i = 0; i <= LLVMGetNumArgOperands(call) && i <= count; i++) {
		unsigned n = LLVMGetCallSiteAttributeCount(call, i);

		if (n > sizeof(attributes) / sizeof(attributes[0]))
			continue;
		LLVMGetCallSiteAttributes(call, i, attributes);
		for (unsigned j = 0; j < n; j++)
			LLVMAddCallSiteAttribute(result, i, attributes[j]);
	}
	return result;
}

/* Makes the phis of @block name @to as a predecessor instead of @from. */
static void move_phis(struct ebcc_ir *ir, LLVMBasicBlockRef block, LLVMBasicBlockRef from,
		      LLVMBasicBlockRef to)
{
	for (LLVMValueRef phi = LLVMGetFirstInstruction(block), next; phi && LLVMIsAPHINode(phi);
	     phi = next) {
		LLVMValueRef replacement;

		next = LLVMGetNextInstruction(phi);
		LLVMPositionBuilderBefore(ir->builder, phi);
		replacement = LLVMBuildPhi(ir->builder, LLVMTypeOf(phi), "");
		for (unsigned i = 0; i < LLVMCountIncoming(phi); i++) {
			LLVMBasicBlockRef incoming = LLVMGetIncomingBlock(phi, i);
			LLVMValueRef value = LLVMGetIncomingValue(phi, i);

			if (incoming == from)
				incoming = to;
			LLVMAddIncoming(replacement, &value, &incoming, 1);
		}
		ebcc_ir_replace(phi, replacement);
	}
}

/* Splits the block after @instruction and returns the new block with the rest; the first one is
 * left without a terminator. LLVM-C has no function for this. */
static LLVMBasicBlockRef split_after(struct ebcc_ir *ir, LLVMValueRef instruction)
{
	LLVMBasicBlockRef block = LLVMGetInstructionParent(instruction);
	LLVMBasicBlockRef rest = LLVMInsertBasicBlockInContext(ir->context, block, "initialized");
	LLVMValueRef terminator;

	LLVMMoveBasicBlockAfter(rest, block);
	LLVMPositionBuilderAtEnd(ir->builder, rest);
	/* Otherwise the instructions would get the builder's location. */
	LLVMSetCurrentDebugLocation2(ir->builder, NULL);
	for (LLVMValueRef moved = LLVMGetNextInstruction(instruction), next; moved; moved = next) {
		next = LLVMGetNextInstruction(moved);
		LLVMInstructionRemoveFromParent(moved);
		LLVMInsertIntoBuilder(ir->builder, moved);
	}
	terminator = LLVMGetBasicBlockTerminator(rest);
	for (unsigned i = 0; i < LLVMGetNumSuccessors(terminator); i++)
		move_phis(ir, LLVMGetSuccessor(terminator, i), block, rest);
	return rest;
}

static void build_return_zero(struct ebcc_ir *ir, LLVMValueRef function)
{
	LLVMTypeRef type = LLVMGetReturnType(LLVMGlobalGetValueType(function));

	if (LLVMGetTypeKind(type) == LLVMVoidTypeKind)
		LLVMBuildRetVoid(ir->builder);
	else
		LLVMBuildRet(ir->builder, LLVMConstNull(type));
}

static void lower_lookup_or_init(struct ebcc_ir *ir, LLVMValueRef call, LLVMValueRef try_init)
{
	LLVMValueRef arguments[] = {LLVMGetOperand(call, 0), LLVMGetOperand(call, 1)};
	LLVMValueRef function = LLVMGetBasicBlockParent(LLVMGetInstructionParent(call));
	LLVMValueRef leaf = call_instead(ir, call, try_init, arguments, 2);
	LLVMBasicBlockRef block = LLVMGetInstructionParent(leaf), rest, fail;
	LLVMMetadataRef location = LLVMInstructionGetDebugLoc(call);

	ebcc_ir_replace(call, leaf);
	rest = split_after(ir, leaf);
	fail = LLVMAppendBasicBlockInContext(ir->context, function, "full");
	LLVMPositionBuilderAtEnd(ir->builder, block);
	LLVMSetCurrentDebugLocation2(ir->builder, location);
	LLVMBuildCondBr(ir->builder, LLVMBuildIsNull(ir->builder, leaf, ""), fail, rest);
	LLVMPositionBuilderAtEnd(ir->builder, fail);
	build_return_zero(ir, function);
}

/* The number follows the key, with the default promotions of variadic arguments. It is
 * sign-extended: -1 subtracts one from a leaf of any size. */
static void lower_increment(struct ebcc_ir *ir, LLVMValueRef call, LLVMValueRef add)
{
	unsigned keys = LLVMCountParams(add) - 1, given = LLVMGetNumArgOperands(call);
	LLVMValueRef arguments[4], number = LLVMConstInt(ir->i64, 1, false);

	if (keys >= sizeof(arguments) / sizeof(arguments[0]) || given < keys)
		return;
	for (unsigned i = 0; i < keys; i++)
		arguments[i] = LLVMGetOperand(call, i);
	if (given > keys + 1 ||
	    (given > keys &&
	     LLVMGetTypeKind(LLVMTypeOf(LLVMGetOperand(call, keys))) != LLVMIntegerTypeKind)) {
		ebcc_ir_report_at(ir, EBCC_CC_ERROR, call,
				  "increment() takes a key and, if it isn't 1, the integer to add");
		return;
	}
	if (given > keys) {
		LLVMPositionBuilderBefore(ir->builder, call);
		number = LLVMBuildIntCast2(ir->builder, LLVMGetOperand(call, keys), ir->i64, true,
					   "");
	}
	arguments[keys] = number;
	call_instead(ir, call, add, arguments, keys + 1);
	LLVMInstructionEraseFromParent(call);
}

struct marker {
	const char *prefix;  /* of the undefined function; the map's name follows */
	const char *becomes; /* prefix of the function that replaces it */
	void (*lower)(struct ebcc_ir *ir, LLVMValueRef call, LLVMValueRef function);
};

static const struct marker markers[] = {
	{"__ebcc_lookup_or_init__", "__ebcc_lookup_or_try_init__", lower_lookup_or_init},
	{"__ebcc_increment__", "__ebcc_add__", lower_increment},
	{"__ebcc_atomic_increment__", "__ebcc_atomic_add__", lower_increment},
};

static void lower_calls(struct ebcc_ir *ir, LLVMValueRef function, const struct marker *marker)
{
	const char *map = ebcc_ir_after_prefix(ebcc_ir_name(function), marker->prefix);
	LLVMValueRef target;
	char name[512];

	snprintf(name, sizeof(name), "%s%s", marker->becomes, map);
	target = LLVMGetNamedFunction(ir->module, name);
	for_each_use (use, function) {
		LLVMValueRef user = LLVMGetUser(use);

		if (target && ebcc_ir_callee(user) == function)
			marker->lower(ir, user, target);
	}
}

/* The string constant that a pointer points to the beginning of, or NULL. */
static LLVMValueRef literal(LLVMValueRef pointer)
{
	LLVMValueRef initializer;

	if (!LLVMIsAGlobalVariable(pointer) || !LLVMIsGlobalConstant(pointer))
		return NULL;
	initializer = LLVMGetInitializer(pointer);
	if (initializer && LLVMIsAConstantDataArray(initializer) &&
	    LLVMIsConstantString(initializer))
		return initializer;
	return NULL;
}

static unsigned count_conversions(LLVMValueRef string)
{
	size_t length;
	const char *text = LLVMGetAsString(string, &length);
	unsigned count = 0;

	for (size_t i = 0; i + 1 < length; i++) {
		if (text[i] != '%')
			continue;
		if (text[i + 1] == '%')
			i++;
		else
			count++;
	}
	return count;
}

/*
 * Finds the format's size. Returns it, with the index of the first value in @ret_first, or NULL.
 * The size of a literal is known. If the source passes it anyway, as for the kernel's helper, there
 * is one argument more than the format needs, and it equals the size.
 */
static LLVMValueRef format_size(struct ebcc_ir *ir, LLVMValueRef call, unsigned *ret_first)
{
	unsigned count = LLVMGetNumArgOperands(call);
	LLVMValueRef format = LLVMGetOperand(call, 0), string = literal(format), second, size;
	uint64_t bytes;

	*ret_first = 1;
	second = count > 1 ? LLVMGetOperand(call, 1) : NULL;
	if (string) {
		bytes = LLVMABISizeOfType(ir->layout, LLVMTypeOf(string));
		size = LLVMConstInt(ir->i32, bytes, false);
		if (second && LLVMIsAConstantInt(second) &&
		    LLVMConstIntGetZExtValue(second) == bytes &&
		    count - 1 == count_conversions(string) + 1)
			*ret_first = 2;
		return size;
	}
	if (second && LLVMGetTypeKind(LLVMTypeOf(second)) == LLVMIntegerTypeKind) {
		*ret_first = 2;
		return LLVMBuildIntCast2(ir->builder, second, ir->i32, false, "");
	}
	if (count == 1 && LLVMIsAAllocaInst(format))
		return LLVMConstInt(ir->i32,
				    LLVMABISizeOfType(ir->layout, LLVMGetAllocatedType(format)),
				    false);
	return NULL;
}

/* Converts a value to 64 bits, as the helper takes it. NULL if it can't be printed. */
static LLVMValueRef printable(struct ebcc_ir *ir, LLVMValueRef value)
{
	LLVMTypeRef type = LLVMTypeOf(value);

	switch (LLVMGetTypeKind(type)) {
	case LLVMPointerTypeKind:
		return LLVMBuildPtrToInt(ir->builder, value, ir->i64, "");
	case LLVMIntegerTypeKind:
		if (LLVMGetIntTypeWidth(type) > 64)
			return NULL;
		return LLVMBuildIntCast2(ir->builder, value, ir->i64, true, "");
	default:
		return NULL;
	}
}

enum { REGISTER_VALUES = 3, MAX_PRINTED = 12 };

static LLVMValueRef print_array(struct ebcc_ir *ir, LLVMValueRef function, LLVMValueRef format,
				LLVMValueRef size, LLVMValueRef *values, unsigned count)
{
	LLVMValueRef array = ebcc_ir_entry_alloca(ir, function, LLVMArrayType2(ir->i64, count));
	LLVMValueRef arguments[] = {format, size, array,
				    LLVMConstInt(ir->i32, count * sizeof(uint64_t), false)};
	LLVMValueRef result;

	ebcc_ir_build_lifetime(ir, EBCC_IR_LIFETIME_START, array, count * sizeof(uint64_t));
	for (unsigned i = 0; i < count; i++)
		LLVMBuildStore(ir->builder, values[i],
			       ebcc_ir_build_offset(ir, array, i * sizeof(uint64_t)));
	result = ebcc_ir_build_helper(ir, BPF_FUNC_trace_vprintk, arguments, 4);
	ebcc_ir_build_lifetime(ir, EBCC_IR_LIFETIME_END, array, count * sizeof(uint64_t));
	return result;
}

static void lower_printk(struct ebcc_ir *ir, LLVMValueRef call)
{
	LLVMValueRef function = LLVMGetBasicBlockParent(LLVMGetInstructionParent(call));
	LLVMValueRef arguments[2 + MAX_PRINTED], result;
	unsigned first, count;

	LLVMPositionBuilderBefore(ir->builder, call);
	arguments[0] = LLVMGetOperand(call, 0);
	arguments[1] = format_size(ir, call, &first);
	if (!arguments[1]) {
		ebcc_ir_report_at(
			ir, EBCC_CC_ERROR, call,
			"bpf_trace_printk() needs to know the size of its format: use a string "
			"literal, or give the size as the second argument");
		return;
	}
	count = LLVMGetNumArgOperands(call) - first;
	if (count > MAX_PRINTED) {
		ebcc_ir_report_at(
			ir, EBCC_CC_ERROR, call,
			"bpf_trace_printk() prints at most %d values, not %u: split the line",
			MAX_PRINTED, count);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		arguments[2 + i] = printable(ir, LLVMGetOperand(call, first + i));
		if (!arguments[2 + i]) {
			ebcc_ir_report_at(ir, EBCC_CC_ERROR, call,
					  "bpf_trace_printk() can't print value %u: only integers "
					  "of up to 64 bits and pointers",
					  i + 1);
			return;
		}
	}
	if (count <= REGISTER_VALUES)
		result = ebcc_ir_build_helper(ir, BPF_FUNC_trace_printk, arguments, 2 + count);
	else
		result =
			print_array(ir, function, arguments[0], arguments[1], arguments + 2, count);
	ebcc_ir_replace(call, LLVMBuildIntCast2(ir->builder, result, LLVMTypeOf(call), true, ""));
}

/* Replaces a call by the first parameter of the function that it is in: the program's context. */
static void lower_context(struct ebcc_ir *ir, LLVMValueRef call)
{
	LLVMValueRef function = LLVMGetBasicBlockParent(LLVMGetInstructionParent(call));

	if (LLVMCountParams(function) &&
	    LLVMTypeOf(LLVMGetParam(function, 0)) == LLVMTypeOf(call)) {
		ebcc_ir_replace(call, LLVMGetParam(function, 0));
		return;
	}
	ebcc_ir_report_at(ir, EBCC_CC_ERROR, call,
			  "incr_cksum_l3() and incr_cksum_l4() need the program's context: the "
			  "first parameter of the function that calls them");
}

static const struct {
	const char *name;
	void (*lower)(struct ebcc_ir *ir, LLVMValueRef call);
} functions[] = {
	{"__ebcc_trace_printk", lower_printk},
	{"__ebcc_context", lower_context},
};

static void lower_function(struct ebcc_ir *ir, size_t index)
{
	LLVMValueRef function = LLVMGetNamedFunction(ir->module, functions[index].name);

	if (!function)
		return;
	for_each_use (use, function) {
		LLVMValueRef user = LLVMGetUser(use);

		if (ebcc_ir_callee(user) == function)
			functions[index].lower(ir, user);
	}
}

void ebcc_ir_markers(struct ebcc_ir *ir)
{
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function))
		for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++)
			if (ebcc_ir_after_prefix(ebcc_ir_name(function), markers[i].prefix))
				lower_calls(ir, function, &markers[i]);
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		lower_function(ir, i);
}

static const struct {
	const char *function;
	const char *message;
} error_markers[] = {
	{"__ebcc_error__increment", "increment() needs a map whose leaf is an integer "
				    "(atomic_increment(): of 32 or 64 bits); look "
				    "the leaf up and change its member instead"},
};

void ebcc_ir_error_markers(struct ebcc_ir *ir)
{
	for (size_t i = 0; i < sizeof(error_markers) / sizeof(error_markers[0]); i++) {
		LLVMValueRef function = LLVMGetNamedFunction(ir->module, error_markers[i].function);

		if (!function)
			continue;
		for_each_use (use, function)
			ebcc_ir_report_at(ir, EBCC_CC_ERROR, LLVMGetUser(use), "%s",
					  error_markers[i].message);
	}
}
