// SPDX-License-Identifier: Apache-2.0
/*
 * Functions that the IR passes share. LLVM's C interface has no accessors for most debug info, so
 * the operands of its nodes are read by position, which LLVM keeps stable (it is the order in the
 * bitcode format).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/kinds.h"
#include "compiler/passes/util.h"

/* Operands of debug-info nodes. */
enum {
	DI_TYPE_NAME = 2,
	DI_TYPE_BASE = 3,
	DI_SUBROUTINE_TYPES = 3,
	DI_SUBPROGRAM_TYPE = 4,
};

void ebcc_ir_init(struct ebcc_ir *ir)
{
	static const char *const names[EBCC_IR_INTRINSIC_COUNT] = {
		[EBCC_IR_STRUCT_ACCESS] = "llvm.preserve.struct.access.index",
		[EBCC_IR_ARRAY_ACCESS] = "llvm.preserve.array.access.index",
		[EBCC_IR_UNION_ACCESS] = "llvm.preserve.union.access.index",
		[EBCC_IR_FIELD_INFO] = "llvm.bpf.preserve.field.info",
		[EBCC_IR_STATIC_OFFSET] = "llvm.preserve.static.offset",
		[EBCC_IR_TYPE_ID] = "llvm.bpf.btf.type.id",
		[EBCC_IR_MEMCPY] = "llvm.memcpy",
		[EBCC_IR_MEMCPY_INLINE] = "llvm.memcpy.inline",
		[EBCC_IR_MEMMOVE] = "llvm.memmove",
		[EBCC_IR_MEMSET] = "llvm.memset",
		[EBCC_IR_LIFETIME_START] = "llvm.lifetime.start",
		[EBCC_IR_LIFETIME_END] = "llvm.lifetime.end",
	};
	static const char access_index[] = "llvm.preserve.access.index";

	ir->context = LLVMGetModuleContext(ir->module);
	ir->builder = LLVMCreateBuilderInContext(ir->context);
	ir->layout = LLVMGetModuleDataLayout(ir->module);
	ir->i8 = LLVMInt8TypeInContext(ir->context);
	ir->i16 = LLVMInt16TypeInContext(ir->context);
	ir->i32 = LLVMInt32TypeInContext(ir->context);
	ir->i64 = LLVMInt64TypeInContext(ir->context);
	ir->pointer = LLVMPointerTypeInContext(ir->context, 0);
	ir->access_index_kind =
		LLVMGetMDKindIDInContext(ir->context, access_index, strlen(access_index));
	ir->dbg_kind = LLVMGetMDKindIDInContext(ir->context, "dbg", strlen("dbg"));
	for (size_t i = 0; i < EBCC_IR_INTRINSIC_COUNT; i++)
		ir->intrinsics[i] = LLVMLookupIntrinsicID(names[i], strlen(names[i]));
}

void ebcc_ir_deinit(struct ebcc_ir *ir)
{
	LLVMDisposeBuilder(ir->builder);
}

static void __attribute__((format(printf, 6, 0)))
report(struct ebcc_ir *ir, enum ebcc_cc_severity severity, const char *path, unsigned line,
       unsigned column, const char *format, va_list args)
{
	char *message AUTO_FREE = NULL;

	if (severity >= EBCC_CC_ERROR)
		ir->failed = true;
	if (vasprintf(&message, format, args) < 0)
		message = NULL;
	ir->report(ir->report_context, severity, path, line, column,
		   message ? message : "out of memory");
}

void ebcc_ir_report_at(struct ebcc_ir *ir, enum ebcc_cc_severity severity, LLVMValueRef value,
		       const char *format, ...)
{
	unsigned length = 0, line = value ? LLVMGetDebugLocLine(value) : 0;
	unsigned column = value && LLVMIsAInstruction(value) ? LLVMGetDebugLocColumn(value) : 0;
	const char *file = value ? LLVMGetDebugLocFilename(value, &length) : NULL;
	char *path AUTO_FREE = file ? strndup(file, length) : NULL;
	va_list args;

	va_start(args, format);
	report(ir, severity, path ? path : "", line, column, format, args);
	va_end(args);
}

void ebcc_ir_no_memory(struct ebcc_ir *ir)
{
	ir->failed = true;
	ir->report(ir->report_context, EBCC_CC_FATAL, "", 0, 0, "out of memory");
}

const char *ebcc_ir_name(LLVMValueRef value)
{
	size_t length;

	return LLVMGetValueName2(value, &length);
}

const char *ebcc_ir_after_prefix(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(name, prefix, length) ? NULL : name + length;
}

static LLVMValueRef program_from(LLVMValueRef function)
{
	while (function && (!LLVMGetFirstBasicBlock(function) ||
			    LLVMGetLinkage(function) != LLVMExternalLinkage))
		function = LLVMGetNextFunction(function);
	return function;
}

LLVMValueRef ebcc_ir_first_program(struct ebcc_ir *ir)
{
	return program_from(LLVMGetFirstFunction(ir->module));
}

LLVMValueRef ebcc_ir_next_program(LLVMValueRef program)
{
	return program_from(LLVMGetNextFunction(program));
}

bool ebcc_ir_has_section(LLVMValueRef global)
{
	const char *section = LLVMGetSection(global);

	return section && *section;
}

const struct ebcc_program_kind *ebcc_ir_program_kind(LLVMValueRef program)
{
	if (ebcc_ir_has_section(program))
		return ebcc_section_of(LLVMGetSection(program)).kind;
	return ebcc_program_kind_of(ebcc_ir_name(program), NULL);
}

LLVMValueRef ebcc_ir_callee(LLVMValueRef instruction)
{
	if (!LLVMIsACallInst(instruction))
		return NULL;
	return LLVMIsAFunction(LLVMGetCalledValue(instruction));
}

bool ebcc_ir_is_intrinsic(const struct ebcc_ir *ir, LLVMValueRef instruction,
			  enum ebcc_ir_intrinsic intrinsic)
{
	LLVMValueRef callee = ebcc_ir_callee(instruction);

	return callee && LLVMGetIntrinsicID(callee) == ir->intrinsics[intrinsic];
}

bool ebcc_ir_is_access(const struct ebcc_ir *ir, LLVMValueRef instruction)
{
	return ebcc_ir_is_intrinsic(ir, instruction, EBCC_IR_STRUCT_ACCESS) ||
	       ebcc_ir_is_intrinsic(ir, instruction, EBCC_IR_ARRAY_ACCESS) ||
	       ebcc_ir_is_intrinsic(ir, instruction, EBCC_IR_UNION_ACCESS);
}

unsigned ebcc_ir_helper_number(LLVMValueRef instruction)
{
	LLVMValueRef callee;

	if (!LLVMIsACallInst(instruction))
		return 0;
	callee = LLVMGetCalledValue(instruction);
	if (!LLVMIsAConstantExpr(callee) || LLVMGetConstOpcode(callee) != LLVMIntToPtr)
		return 0;
	callee = LLVMGetOperand(callee, 0);
	return LLVMIsAConstantInt(callee) ? LLVMConstIntGetZExtValue(callee) : 0;
}

uint64_t ebcc_ir_gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

bool ebcc_ir_gep_terms(const struct ebcc_ir *ir, LLVMValueRef gep, int64_t *at, uint64_t *step)
{
	LLVMTypeRef type = LLVMGetGEPSourceElementType(gep);

	for (int i = 1; i < LLVMGetNumOperands(gep); i++) {
		LLVMValueRef index = LLVMGetOperand(gep, i);
		uint64_t size;

		if (i > 1 && LLVMGetTypeKind(type) == LLVMStructTypeKind) {
			unsigned element = LLVMConstIntGetZExtValue(index);

			*at += LLVMOffsetOfElement(ir->layout, type, element);
			type = LLVMStructGetTypeAtIndex(type, element);
			continue;
		}
		if (i > 1) {
			if (LLVMGetTypeKind(type) != LLVMArrayTypeKind)
				return false;
			type = LLVMGetElementType(type);
		}
		size = LLVMABISizeOfType(ir->layout, type);
		if (LLVMIsAConstantInt(index))
			*at += LLVMConstIntGetSExtValue(index) * (int64_t)size;
		else
			*step = ebcc_ir_gcd(*step, size);
	}
	return true;
}

LLVMValueRef ebcc_ir_operand(LLVMValueRef node, unsigned index)
{
	LLVMValueRef *operands AUTO_FREE = NULL;
	int count = node ? LLVMGetMDNodeNumOperands(node) : 0;

	if (count <= (int)index)
		return NULL;
	operands = calloc(count, sizeof(*operands));
	if (!operands)
		return NULL;
	LLVMGetMDNodeOperands(node, operands);
	return operands[index];
}

unsigned ebcc_ir_type_tag(LLVMValueRef type)
{
	return type ? LLVMGetDINodeTag(LLVMValueAsMetadata(type)) : 0;
}

const char *ebcc_ir_type_name(LLVMValueRef type, char *buffer, size_t size)
{
	LLVMValueRef name = ebcc_ir_operand(type, DI_TYPE_NAME);
	unsigned length = 0;
	const char *text = name ? LLVMGetMDString(name, &length) : NULL;

	snprintf(buffer, size, "%.*s", (int)length, text ? text : "");
	return buffer;
}

LLVMValueRef ebcc_ir_base_type(LLVMValueRef type)
{
	return ebcc_ir_operand(type, DI_TYPE_BASE);
}

LLVMValueRef ebcc_ir_strip_type(LLVMValueRef type)
{
	for (;;) {
		switch (ebcc_ir_type_tag(type)) {
		case EBCC_TAG_TYPEDEF:
		case EBCC_TAG_CONST:
		case EBCC_TAG_VOLATILE:
			type = ebcc_ir_base_type(type);
			break;
		default:
			return type;
		}
	}
}

LLVMValueRef ebcc_ir_parameter_type(struct ebcc_ir *ir, LLVMValueRef function, unsigned index)
{
	LLVMMetadataRef subprogram = LLVMGetSubprogram(function);
	LLVMValueRef type;

	if (!subprogram)
		return NULL;
	type = ebcc_ir_operand(LLVMMetadataAsValue(ir->context, subprogram), DI_SUBPROGRAM_TYPE);
	/* The list begins with the return type. */
	return ebcc_ir_operand(ebcc_ir_operand(type, DI_SUBROUTINE_TYPES), index + 1);
}

const char *ebcc_ir_context_type(struct ebcc_ir *ir, LLVMValueRef function, char *buffer,
				 size_t size)
{
	LLVMValueRef type = ebcc_ir_strip_type(ebcc_ir_parameter_type(ir, function, 0));

	if (ebcc_ir_type_tag(type) == EBCC_TAG_POINTER)
		type = ebcc_ir_strip_type(ebcc_ir_base_type(type));
	if (!type)
		snprintf(buffer, size, "void");
	else if (!*ebcc_ir_type_name(type, buffer, size))
		snprintf(buffer, size, "anonymous");
	return buffer;
}

bool ebcc_ir_is_btf_context(const char *context_type)
{
	return !strcmp(context_type, "unsigned long long") ||
	       !strncmp(context_type, "bpf_iter__", strlen("bpf_iter__"));
}

LLVMValueRef ebcc_ir_build_hidden(struct ebcc_ir *ir, LLVMValueRef value)
{
	static const char constraints[] = "=r,0";
	LLVMTypeRef value_type = LLVMTypeOf(value);
	LLVMTypeRef type = LLVMFunctionType(value_type, &value_type, 1, false);
	LLVMValueRef empty_asm = LLVMGetInlineAsm(type, "", 0, constraints, sizeof(constraints) - 1,
						  false, false, LLVMInlineAsmDialectATT, false);

	return LLVMBuildCall2(ir->builder, type, empty_asm, &value, 1, "");
}

LLVMValueRef ebcc_ir_build_offset(struct ebcc_ir *ir, LLVMValueRef pointer, uint64_t offset)
{
	LLVMValueRef index = LLVMConstInt(ir->i64, offset, false);

	return LLVMBuildGEP2(ir->builder, ir->i8, pointer, &index, 1, "");
}

LLVMValueRef ebcc_ir_build_helper(struct ebcc_ir *ir, unsigned helper, LLVMValueRef *arguments,
				  unsigned count)
{
	LLVMTypeRef types[5];
	LLVMTypeRef function_type;
	LLVMValueRef callee;

	for (unsigned i = 0; i < count; i++)
		types[i] = LLVMTypeOf(arguments[i]);
	function_type = LLVMFunctionType(ir->i64, types, count, false);
	callee = LLVMConstIntToPtr(LLVMConstInt(ir->i64, helper, false), ir->pointer);
	return LLVMBuildCall2(ir->builder, function_type, callee, arguments, count, "");
}

void ebcc_ir_build_lifetime(struct ebcc_ir *ir, enum ebcc_ir_intrinsic which, LLVMValueRef slot,
			    uint64_t size)
{
	LLVMValueRef function =
		LLVMGetIntrinsicDeclaration(ir->module, ir->intrinsics[which], &ir->pointer, 1);
	LLVMValueRef arguments[] = {LLVMConstInt(ir->i64, size, false), slot};

	LLVMBuildCall2(ir->builder, LLVMGlobalGetValueType(function), function, arguments, 2, "");
}

LLVMValueRef ebcc_ir_entry_alloca(struct ebcc_ir *ir, LLVMValueRef function, LLVMTypeRef type)
{
	LLVMBuilderRef builder = LLVMCreateBuilderInContext(ir->context);
	LLVMValueRef slot;

	LLVMPositionBuilderBefore(builder,
				  LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(function)));
	slot = LLVMBuildAlloca(builder, type, "slot");
	/* Aligned, so that one access is enough if the size allows it. */
	if (LLVMABISizeOfType(ir->layout, type) >= 8 && LLVMGetAlignment(slot) < 8)
		LLVMSetAlignment(slot, 8);
	LLVMDisposeBuilder(builder);
	return slot;
}

LLVMValueRef ebcc_ir_build_probe_read(struct ebcc_ir *ir, LLVMValueRef function, LLVMTypeRef type,
				      LLVMValueRef pointer, unsigned helper)
{
	uint64_t size = LLVMStoreSizeOfType(ir->layout, type);
	LLVMValueRef slot = ebcc_ir_entry_alloca(ir, function, type);
	LLVMValueRef arguments[] = {slot, LLVMConstInt(ir->i32, size, false), pointer};
	LLVMValueRef value;

	/* Lifetime markers let the slots of many reads share one place on the stack. */
	ebcc_ir_build_lifetime(ir, EBCC_IR_LIFETIME_START, slot, size);
	ebcc_ir_build_helper(ir, helper, arguments, 3);
	value = LLVMBuildLoad2(ir->builder, type, slot, "");
	ebcc_ir_build_lifetime(ir, EBCC_IR_LIFETIME_END, slot, size);
	return value;
}

void ebcc_ir_replace(LLVMValueRef instruction, LLVMValueRef value)
{
	if (LLVMGetFirstUse(instruction))
		LLVMReplaceAllUsesWith(instruction,
				       value ? value : LLVMGetUndef(LLVMTypeOf(instruction)));
	LLVMInstructionEraseFromParent(instruction);
}

static size_t slot_of(const struct ebcc_ir_values *values, LLVMValueRef value)
{
	uint64_t hash = (uint64_t)(uintptr_t)value * 0x9e3779b97f4a7c15ULL;
	size_t slot = (hash >> 32) & (values->capacity - 1);

	while (values->slots[slot].value && values->slots[slot].value != value)
		slot = (slot + 1) & (values->capacity - 1);
	return slot;
}

void ebcc_ir_values_deinit(struct ebcc_ir_values *values)
{
	free(values->slots);
}

unsigned ebcc_ir_values_get(const struct ebcc_ir_values *values, LLVMValueRef value)
{
	return values->capacity ? values->slots[slot_of(values, value)].bits : 0;
}

static bool grow(struct ebcc_ir_values *values)
{
	struct ebcc_ir_values larger = {.capacity = values->capacity ? values->capacity * 2 : 256};

	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < values->capacity; i++)
		if (values->slots[i].value)
			larger.slots[slot_of(&larger, values->slots[i].value)] = values->slots[i];
	larger.count = values->count;
	free(values->slots);
	*values = larger;
	return true;
}

bool ebcc_ir_values_set(struct ebcc_ir_values *values, LLVMValueRef value, unsigned bits)
{
	size_t slot;

	if (values->count * 2 >= values->capacity && !grow(values))
		return false;
	slot = slot_of(values, value);
	if (!values->slots[slot].value)
		values->count++;
	values->slots[slot].value = value;
	values->slots[slot].bits = bits;
	return true;
}

void ebcc_ir_list_deinit(struct ebcc_ir_list *list)
{
	free(list->items);
}

bool ebcc_ir_list_push(struct ebcc_ir_list *list, LLVMValueRef value)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 64;
		LLVMValueRef *items = reallocarray(list->items, capacity, sizeof(*items));

		if (!items)
			return false;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = value;
	return true;
}
