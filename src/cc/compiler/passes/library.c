// SPDX-License-Identifier: Apache-2.0
/*
 * C library functions on strings and bytes, which BPF programs have no library for. If a bound is
 * known (a constant size, the length of a literal, the size of a variable), a call becomes a loop
 * up to that bound, and the reads pass sees its loads. Otherwise it is an error at its line. LLVM
 * unrolls and folds the loops over literals.
 */
#include <stdlib.h>
#include <string.h>

#include <llvm-c/IRReader.h>
#include <llvm-c/Linker.h>

#include "compiler/passes/util.h"

/* The largest bound of a byte loop. */
#define MAX_BOUND 4096

/* The largest memcmp() that the backend expands itself: see inline.c. */
#define COMPARED_IN_PLACE 1024

static const char functions_ir[] =
	"define internal i32 @__ebcc_compare(ptr %a, ptr %b, i64 %size, i1 %text) #0 {\n"
	"entry:\n"
	"  br label %check\n"
	"check:\n"
	"  %i = phi i64 [ 0, %entry ], [ %next, %more ]\n"
	"  %inside = icmp ult i64 %i, %size\n"
	"  br i1 %inside, label %read, label %same\n"
	"read:\n"
	"  %at.a = getelementptr i8, ptr %a, i64 %i\n"
	"  %at.b = getelementptr i8, ptr %b, i64 %i\n"
	"  %x = load i8, ptr %at.a\n"
	"  %y = load i8, ptr %at.b\n"
	"  %equal = icmp eq i8 %x, %y\n"
	"  br i1 %equal, label %end, label %differ\n"
	"end:\n"
	"  %zero = icmp eq i8 %x, 0\n"
	"  %ends = and i1 %zero, %text\n"
	"  br i1 %ends, label %same, label %more\n"
	"more:\n"
	"  %next = add nuw i64 %i, 1\n"
	"  br label %check\n"
	"differ:\n"
	"  %left = zext i8 %x to i32\n"
	"  %right = zext i8 %y to i32\n"
	"  %difference = sub nsw i32 %left, %right\n"
	"  ret i32 %difference\n"
	"same:\n"
	"  ret i32 0\n"
	"}\n"
	"define internal i64 @__ebcc_length(ptr %s, i64 %size) #0 {\n"
	"entry:\n"
	"  br label %check\n"
	"check:\n"
	"  %i = phi i64 [ 0, %entry ], [ %next, %more ]\n"
	"  %inside = icmp ult i64 %i, %size\n"
	"  br i1 %inside, label %read, label %end\n"
	"read:\n"
	"  %at = getelementptr i8, ptr %s, i64 %i\n"
	"  %c = load i8, ptr %at\n"
	"  %zero = icmp eq i8 %c, 0\n"
	"  br i1 %zero, label %end, label %more\n"
	"more:\n"
	"  %next = add nuw i64 %i, 1\n"
	"  br label %check\n"
	"end:\n"
	"  ret i64 %i\n"
	"}\n"
	/* With %fill, the rest after the end of the string becomes 0. */
	"define internal void @__ebcc_copy(ptr %to, ptr %from, i64 %size, i1 %fill) #0 {\n"
	"entry:\n"
	"  br label %check\n"
	"check:\n"
	"  %i = phi i64 [ 0, %entry ], [ %next, %more ]\n"
	"  %ended = phi i1 [ false, %entry ], [ %ends, %more ]\n"
	"  %inside = icmp ult i64 %i, %size\n"
	"  br i1 %inside, label %what, label %end\n"
	"what:\n"
	"  br i1 %ended, label %write, label %read\n"
	"read:\n"
	"  %at.from = getelementptr i8, ptr %from, i64 %i\n"
	"  %byte = load i8, ptr %at.from\n"
	"  br label %write\n"
	"write:\n"
	"  %c = phi i8 [ 0, %what ], [ %byte, %read ]\n"
	"  %at.to = getelementptr i8, ptr %to, i64 %i\n"
	"  store i8 %c, ptr %at.to\n"
	"  %ends = icmp eq i8 %c, 0\n"
	"  %stay = xor i1 %fill, true\n"
	"  %stops = and i1 %ends, %stay\n"
	"  br i1 %stops, label %end, label %more\n"
	"more:\n"
	"  %next = add nuw i64 %i, 1\n"
	"  br label %check\n"
	"end:\n"
	"  ret void\n"
	"}\n"
	"attributes #0 = { alwaysinline nounwind }\n";

/* The function of that name; the first call adds all of them to the module. */
static LLVMValueRef library_function(struct ebcc_ir *ir, const char *name)
{
	LLVMValueRef function = LLVMGetNamedFunction(ir->module, name);
	LLVMMemoryBufferRef buffer;
	LLVMModuleRef module;
	char *message = NULL;

	if (function && LLVMGetFirstBasicBlock(function))
		return function;
	buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(functions_ir, sizeof(functions_ir) - 1,
							   "library");
	if (LLVMParseIRInContext(ir->context, buffer, &module, &message)) {
		ir->failed = true;
		ir->report(ir->report_context, EBCC_CC_FATAL, "", 0, 0, message);
		LLVMDisposeMessage(message);
		return NULL;
	}
	LLVMSetDataLayout(module, LLVMGetDataLayoutStr(ir->module));
	LLVMSetTarget(module, LLVMGetTarget(ir->module));
	for (LLVMValueRef other = LLVMGetFirstFunction(module); other;
	     other = LLVMGetNextFunction(other))
		LLVMSetLinkage(other, LLVMExternalLinkage);
	if (LLVMLinkModules2(ir->module, module)) {
		ebcc_ir_no_memory(ir);
		return NULL;
	}
	for (LLVMValueRef other = LLVMGetFirstFunction(ir->module); other;
	     other = LLVMGetNextFunction(other))
		if (ebcc_ir_after_prefix(ebcc_ir_name(other), "__ebcc_compare") ||
		    ebcc_ir_after_prefix(ebcc_ir_name(other), "__ebcc_length") ||
		    ebcc_ir_after_prefix(ebcc_ir_name(other), "__ebcc_copy"))
			LLVMSetLinkage(other, LLVMInternalLinkage);
	return LLVMGetNamedFunction(ir->module, name);
}

/* The size of the string in a constant array, including its NUL; 0 if it has no end or isn't
 * known. */
static uint64_t text_size(LLVMValueRef global, uint64_t offset)
{
	LLVMValueRef value = LLVMGetInitializer(global);
	const char *text, *end;
	size_t size;

	if (!LLVMIsGlobalConstant(global) || !value)
		return 0;
	if (LLVMIsNull(value))
		return 1;
	if (!LLVMIsAConstantDataArray(value) || !LLVMIsConstantString(value))
		return 0;
	text = LLVMGetAsString(value, &size);
	end = offset < size ? memchr(text + offset, '\0', size - offset) : NULL;
	return end ? (uint64_t)(end + 1 - (text + offset)) : 0;
}

/* The string literal that a pointer points to the beginning of, NUL-terminated; NULL if it isn't
 * one. */
static const char *literal(LLVMValueRef pointer)
{
	size_t size;

	if (!LLVMIsAGlobalVariable(pointer) || text_size(pointer, 0) < 1 ||
	    LLVMIsNull(LLVMGetInitializer(pointer)))
		return NULL;
	return LLVMGetAsString(LLVMGetInitializer(pointer), &size);
}

/* For a pointer @offset bytes after the result of @gep, whose last variable index selects an array
 * or a struct (rows[i].name): the bytes up to the end of that. 0 for other elements: a pointer to
 * one of many characters says nothing about where the text ends. */
static uint64_t element_rest(const struct ebcc_ir *ir, LLVMValueRef gep, int64_t offset)
{
	LLVMTypeRef type = LLVMGetGEPSourceElementType(gep), element = type;
	int64_t at = offset, size;

	for (int i = 1; i < LLVMGetNumOperands(gep); i++) {
		LLVMValueRef index = LLVMGetOperand(gep, i);

		if (i > 1 && LLVMGetTypeKind(type) == LLVMStructTypeKind) {
			unsigned member = LLVMConstIntGetZExtValue(index);

			at += LLVMOffsetOfElement(ir->layout, type, member);
			type = LLVMStructGetTypeAtIndex(type, member);
			continue;
		}
		if (i > 1)
			type = LLVMGetElementType(type);
		size = LLVMABISizeOfType(ir->layout, type);
		if (LLVMIsAConstantInt(index)) {
			at += LLVMConstIntGetSExtValue(index) * size;
		} else {
			element = type;
			at = offset;
		}
	}
	size = LLVMABISizeOfType(ir->layout, element);
	if (LLVMGetTypeKind(element) != LLVMStructTypeKind &&
	    LLVMGetTypeKind(element) != LLVMArrayTypeKind)
		return 0;
	return at < 0 || at >= size ? 0 : size - at;
}

/* The most bytes that can be accessed through a pointer, up to the end of a variable, of its
 * element at a variable index or, with @text, of a constant string in it; 0 if unknown. */
static uint64_t known_size(const struct ebcc_ir *ir, LLVMValueRef pointer, bool text,
			   unsigned depth)
{
	int64_t offset = 0;
	uint64_t size = 0, step = 0, rest = 0;

	if (LLVMIsASelectInst(pointer) && depth) {
		uint64_t one = known_size(ir, LLVMGetOperand(pointer, 1), text, depth - 1);
		uint64_t other = known_size(ir, LLVMGetOperand(pointer, 2), text, depth - 1);

		return !one || !other ? 0 : one > other ? one : other;
	}
	while (LLVMIsAGetElementPtrInst(pointer) ||
	       (LLVMIsAConstantExpr(pointer) && LLVMGetConstOpcode(pointer) == LLVMGetElementPtr)) {
		int64_t after = offset;

		if (!ebcc_ir_gep_terms(ir, pointer, &offset, &step))
			return 0;
		if (step && !rest)
			rest = element_rest(ir, pointer, after);
		if (step && !rest)
			return 0;
		pointer = LLVMGetOperand(pointer, 0);
	}
	if (LLVMIsAAllocaInst(pointer))
		size = LLVMABISizeOfType(ir->layout, LLVMGetAllocatedType(pointer));
	else if (LLVMIsAGlobalVariable(pointer))
		size = LLVMABISizeOfType(ir->layout, LLVMGlobalGetValueType(pointer));
	if (rest)
		return size ? rest : 0;
	if (offset < 0 || (uint64_t)offset >= size)
		return 0;
	if (text && LLVMIsAGlobalVariable(pointer) && text_size(pointer, offset))
		return text_size(pointer, offset);
	return size - offset;
}

static uint64_t smaller_known(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* How deep sizes are searched through nested choices. */
enum { MAX_CHOICES = 3 };

/* The known size of an argument that is a string. */
static uint64_t known_argument_size(const struct ebcc_ir *ir, LLVMValueRef call, unsigned argument)
{
	return known_size(ir, LLVMGetOperand(call, argument), true, MAX_CHOICES);
}

static LLVMValueRef constant_i64(const struct ebcc_ir *ir, uint64_t value)
{
	return LLVMConstInt(ir->i64, value, false);
}

static void refuse(struct ebcc_ir *ir, LLVMValueRef call, const char *instead)
{
	ebcc_ir_report_at(ir, EBCC_CC_ERROR, call,
			  "'%s' needs a bound of at most %u bytes that is known at compile time: a "
			  "constant size, a literal, or an array variable; %s",
			  ebcc_ir_name(ebcc_ir_callee(call)), MAX_BOUND, instead);
}

/* Builds the smaller of the source's size and @bound (0: unknown). Returns NULL if the result has
 * no known bound, or one that is too large. */
static LLVMValueRef build_bounded(struct ebcc_ir *ir, LLVMValueRef size, uint64_t bound)
{
	LLVMValueRef limit, smaller;

	if (LLVMIsAConstantInt(size)) {
		bound = LLVMConstIntGetZExtValue(size)
				? smaller_known(LLVMConstIntGetZExtValue(size), bound)
				: 0;
		return bound <= MAX_BOUND ? constant_i64(ir, bound) : NULL;
	}
	if (!bound || bound > MAX_BOUND)
		return NULL;
	limit = constant_i64(ir, bound);
	size = LLVMBuildIntCast2(ir->builder, size, ir->i64, false, "");
	smaller = LLVMBuildICmp(ir->builder, LLVMIntULT, size, limit, "");
	return LLVMBuildSelect(ir->builder, smaller, size, limit, "");
}

static LLVMValueRef build_body_call(struct ebcc_ir *ir, const char *name, LLVMValueRef *arguments,
				    unsigned count)
{
	LLVMValueRef function = library_function(ir, name);

	return function ? LLVMBuildCall2(ir->builder, LLVMGlobalGetValueType(function), function,
					 arguments, count, "")
			: NULL;
}

static void replace_comparison(struct ebcc_ir *ir, LLVMValueRef call, LLVMValueRef size, bool text)
{
	LLVMValueRef arguments[] = {LLVMGetOperand(call, 0), LLVMGetOperand(call, 1), size,
				    LLVMConstInt(LLVMInt1TypeInContext(ir->context), text, false)};
	LLVMValueRef result;

	if (!size) {
		refuse(ir, call,
		       "compare byte by byte in a bounded loop, or use bpf_strncmp() (since Linux "
		       "5.17)");
		return;
	}
	result = build_body_call(ir, "__ebcc_compare", arguments, 4);
	if (result)
		ebcc_ir_replace(call, result);
}

static void replace_strcmp(struct ebcc_ir *ir, LLVMValueRef call)
{
	uint64_t bound =
		smaller_known(known_argument_size(ir, call, 0), known_argument_size(ir, call, 1));

	replace_comparison(ir, call, bound && bound <= MAX_BOUND ? constant_i64(ir, bound) : NULL,
			   true);
}

static void replace_strncmp(struct ebcc_ir *ir, LLVMValueRef call)
{
	uint64_t bound =
		smaller_known(known_argument_size(ir, call, 0), known_argument_size(ir, call, 1));

	replace_comparison(ir, call, build_bounded(ir, LLVMGetOperand(call, 2), bound), true);
}

/* The backend expands those of a small constant size other than 0. Zero bytes don't end the
 * comparison. */
static void replace_memcmp(struct ebcc_ir *ir, LLVMValueRef call)
{
	LLVMValueRef size = LLVMGetOperand(call, 2);
	uint64_t bound = smaller_known(known_size(ir, LLVMGetOperand(call, 0), false, MAX_CHOICES),
				       known_size(ir, LLVMGetOperand(call, 1), false, MAX_CHOICES));

	if (LLVMIsNull(size))
		ebcc_ir_replace(call, LLVMConstNull(LLVMTypeOf(call)));
	else if (!LLVMIsAConstantInt(size) || LLVMConstIntGetZExtValue(size) > COMPARED_IN_PLACE)
		replace_comparison(ir, call, build_bounded(ir, size, bound), false);
}

static void replace_length(struct ebcc_ir *ir, LLVMValueRef call, LLVMValueRef size)
{
	LLVMValueRef arguments[] = {LLVMGetOperand(call, 0), size}, result;

	if (!size) {
		refuse(ir, call,
		       "bpf_probe_read_kernel_str() and bpf_probe_read_user_str() return the "
		       "length of the string they copy, including its NUL");
		return;
	}
	result = build_body_call(ir, "__ebcc_length", arguments, 2);
	if (result)
		ebcc_ir_replace(
			call, LLVMBuildIntCast2(ir->builder, result, LLVMTypeOf(call), false, ""));
}

static void replace_strlen(struct ebcc_ir *ir, LLVMValueRef call)
{
	uint64_t bound = known_argument_size(ir, call, 0);

	replace_length(ir, call, bound && bound <= MAX_BOUND ? constant_i64(ir, bound) : NULL);
}

static void replace_strnlen(struct ebcc_ir *ir, LLVMValueRef call)
{
	replace_length(
		ir, call,
		build_bounded(ir, LLVMGetOperand(call, 1), known_argument_size(ir, call, 0)));
}

static bool build_copy(struct ebcc_ir *ir, LLVMValueRef call, LLVMValueRef size, bool fill)
{
	LLVMValueRef arguments[] = {LLVMGetOperand(call, 0), LLVMGetOperand(call, 1), size,
				    LLVMConstInt(LLVMInt1TypeInContext(ir->context), fill, false)};

	return build_body_call(ir, "__ebcc_copy", arguments, 4);
}

static const char copy_instead[] =
	"copy with bpf_probe_read_kernel_str() or bpf_probe_read_user_str() and the size of the "
	"destination";

static void replace_strcpy(struct ebcc_ir *ir, LLVMValueRef call)
{
	uint64_t bound = known_argument_size(ir, call, 1);

	if (!literal(LLVMGetOperand(call, 1)))
		bound = smaller_known(bound, known_argument_size(ir, call, 0));
	if (!bound || bound > MAX_BOUND)
		refuse(ir, call, copy_instead);
	else if (literal(LLVMGetOperand(call, 1)))
		LLVMBuildMemCpy(ir->builder, LLVMGetOperand(call, 0), 1, LLVMGetOperand(call, 1), 1,
				constant_i64(ir, bound));
	else
		build_copy(ir, call, constant_i64(ir, bound), false);
	if (!ir->failed)
		ebcc_ir_replace(call, LLVMGetOperand(call, 0));
}

/* As in C, the rest of the destination becomes 0. */
static void replace_strncpy(struct ebcc_ir *ir, LLVMValueRef call)
{
	LLVMValueRef to = LLVMGetOperand(call, 0), size = LLVMGetOperand(call, 2);
	uint64_t bytes = LLVMIsAConstantInt(size) ? LLVMConstIntGetZExtValue(size) : UINT64_MAX;
	const char *text = literal(LLVMGetOperand(call, 1));
	uint64_t copied = text ? strlen(text) + 1 : 0;

	if (bytes > MAX_BOUND) {
		refuse(ir, call, copy_instead);
		return;
	}
	if (copied > bytes)
		copied = bytes;
	if (!text) {
		build_copy(ir, call, constant_i64(ir, bytes), true);
	} else {
		LLVMBuildMemCpy(ir->builder, to, 1, LLVMGetOperand(call, 1), 1,
				constant_i64(ir, copied));
		LLVMBuildMemSet(ir->builder, ebcc_ir_build_offset(ir, to, copied),
				LLVMConstNull(ir->i8), constant_i64(ir, bytes - copied), 1);
	}
	if (!ir->failed)
		ebcc_ir_replace(call, to);
}

/* The literal that formatting gives, if the format has no conversions or is "%s" of a literal; else
 * NULL. */
static LLVMValueRef formatted_literal(LLVMValueRef call, unsigned format)
{
	const char *text = literal(LLVMGetOperand(call, format));
	unsigned values = LLVMGetNumArgOperands(call) - format - 1;

	if (text && !strchr(text, '%'))
		return LLVMGetOperand(call, format);
	if (text && !strcmp(text, "%s") && values == 1 && literal(LLVMGetOperand(call, format + 1)))
		return LLVMGetOperand(call, format + 1);
	return NULL;
}

/* Replaces snprintf(), or sprintf() if @room is NULL. */
static void replace_format(struct ebcc_ir *ir, LLVMValueRef call, unsigned format,
			   LLVMValueRef room)
{
	LLVMValueRef text = formatted_literal(call, format), to = LLVMGetOperand(call, 0);
	uint64_t size = text ? strlen(literal(text)) : 0, copied = size;

	if (!text || (room && !LLVMIsAConstantInt(room))) {
		ebcc_ir_report_at(
			ir, EBCC_CC_ERROR, call,
			"'%s' supports only literals without values, and a constant size: "
			"use bpf_snprintf() (since Linux 5.13), or format the values in "
			"user space",
			ebcc_ir_name(ebcc_ir_callee(call)));
		return;
	}
	if (room && copied >= LLVMConstIntGetZExtValue(room))
		copied = LLVMConstIntGetZExtValue(room) ? LLVMConstIntGetZExtValue(room) - 1 : 0;
	if (!room || LLVMConstIntGetZExtValue(room)) {
		LLVMBuildMemCpy(ir->builder, to, 1, text, 1, constant_i64(ir, copied));
		LLVMBuildStore(ir->builder, LLVMConstNull(ir->i8),
			       ebcc_ir_build_offset(ir, to, copied));
	}
	ebcc_ir_replace(call, LLVMConstInt(LLVMTypeOf(call), size, false));
}

static void replace_snprintf(struct ebcc_ir *ir, LLVMValueRef call)
{
	replace_format(ir, call, 2, LLVMGetOperand(call, 1));
}

static void replace_sprintf(struct ebcc_ir *ir, LLVMValueRef call)
{
	replace_format(ir, call, 1, NULL);
}

static void refuse_appending(struct ebcc_ir *ir, LLVMValueRef call)
{
	ebcc_ir_report_at(ir, EBCC_CC_ERROR, call,
			  "'%s' would write at an offset that is known only at run time, which a "
			  "BPF program can't do: put the parts into separate members or arrays",
			  ebcc_ir_name(ebcc_ir_callee(call)));
}

static const struct {
	const char *name;
	unsigned arguments; /* at least so many */
	void (*replace)(struct ebcc_ir *ir, LLVMValueRef call);
} functions[] = {
	{"strcmp", 2, replace_strcmp},	   {"strncmp", 3, replace_strncmp},
	{"memcmp", 3, replace_memcmp},	   {"bcmp", 3, replace_memcmp},
	{"strlen", 1, replace_strlen},	   {"strnlen", 2, replace_strnlen},
	{"strcpy", 2, replace_strcpy},	   {"strncpy", 3, replace_strncpy},
	{"snprintf", 3, replace_snprintf}, {"sprintf", 2, replace_sprintf},
	{"strcat", 2, refuse_appending},   {"strncat", 3, refuse_appending},
};

void ebcc_ir_library(struct ebcc_ir *ir)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		LLVMValueRef function = LLVMGetNamedFunction(ir->module, functions[i].name);

		if (!function || !LLVMIsDeclaration(function))
			continue;
		for_each_use (use, function) {
			LLVMValueRef call = LLVMGetUser(use);

			if (ebcc_ir_callee(call) != function ||
			    LLVMGetNumArgOperands(call) < functions[i].arguments)
				continue;
			LLVMPositionBuilderBefore(ir->builder, call);
			functions[i].replace(ir, call);
			if (ir->failed)
				return;
		}
	}
}
