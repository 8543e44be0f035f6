// SPDX-License-Identifier: Apache-2.0
/*
 * Bit fields of relocated structs. For a bit field, clang loads a whole number and shifts it:
 *
 *	%field = call ptr @llvm.preserve.struct.access.index(%task, 0, 75)
 *	%0 = load i32, ptr %field
 *	%1 = lshr i32 %0, 5
 *	%2 = and i32 %1, 1
 *
 * The relocation corrects the address but not the shifts, so the value would be wrong on a kernel
 * that has the field at other bits. Here the load is replaced by code that gets the field from
 * wherever the kernel has it, by relocations of its own for the number's size and for the shifts
 * (enum field_info), and puts it where clang's shifts expect it, with zeros around it:
 *
 *	%size = call i32 @llvm.bpf.preserve.field.info(%field, BYTE_SIZE)
 *	%number = the number of %size bytes at %field, as u64
 *	%left = shl %number, @llvm.bpf.preserve.field.info(%field, LEFT_SHIFT)
 *	%value = lshr %left, @llvm.bpf.preserve.field.info(%field, RIGHT_SHIFT)
 *	%0 = shl %value, 5
 *
 * The loader's offset is that of the aligned number that has all bits of the field
 * (load/core_path.c: ebcc_core_find_place()).
 */
#include <string.h>

#include "compiler/passes/util.h"

/* What @llvm.bpf.preserve.field.info queries: enum bpf_core_relo_kind of linux/bpf.h. */
enum field_info {
	BYTE_SIZE = BPF_CORE_FIELD_BYTE_SIZE,
	LEFT_SHIFT = BPF_CORE_FIELD_LSHIFT_U64,
	RIGHT_SHIFT = BPF_CORE_FIELD_RSHIFT_U64,
};

enum { DI_COMPOSITE_ELEMENTS = 4 };

/* The debug info of the member that a marked access leads to, or NULL. */
static LLVMValueRef member_of(const struct ebcc_ir *ir, LLVMValueRef access)
{
	LLVMValueRef record;
	unsigned operand;

	if (ebcc_ir_is_intrinsic(ir, access, EBCC_IR_STRUCT_ACCESS))
		operand = 2;
	else if (ebcc_ir_is_intrinsic(ir, access, EBCC_IR_UNION_ACCESS))
		operand = 1;
	else
		return NULL;
	record = ebcc_ir_strip_type(LLVMGetMetadata(access, ir->access_index_kind));
	return ebcc_ir_operand(ebcc_ir_operand(record, DI_COMPOSITE_ELEMENTS),
			       LLVMConstIntGetZExtValue(LLVMGetOperand(access, operand)));
}

bool ebcc_ir_is_bit_field(const struct ebcc_ir *ir, LLVMValueRef pointer)
{
	LLVMValueRef member = member_of(ir, pointer);

	return member && LLVMDITypeGetFlags(LLVMValueAsMetadata(member)) & LLVMDIFlagBitField;
}

/* The lowest bit of the field in the number that clang loads. */
static unsigned first_bit(const struct ebcc_ir *ir, LLVMValueRef access)
{
	unsigned kind = LLVMGetEnumAttributeKindForName("elementtype", strlen("elementtype"));
	uint64_t bit = LLVMDITypeGetOffsetInBits(LLVMValueAsMetadata(member_of(ir, access)));
	LLVMTypeRef type;

	if (ebcc_ir_is_intrinsic(ir, access, EBCC_IR_UNION_ACCESS))
		return (unsigned)bit;
	type = LLVMGetTypeAttributeValue(LLVMGetCallSiteEnumAttribute(access, 1, kind));
	return (unsigned)(bit - LLVMOffsetOfElement(ir->layout, type,
						    (unsigned)LLVMConstIntGetZExtValue(
							    LLVMGetOperand(access, 1))) *
					8);
}

/* Builds a query. The backend requires a separate access for each query. */
static LLVMValueRef build_info(struct ebcc_ir *ir, LLVMValueRef access, enum field_info what)
{
	static const char name[] = "llvm.bpf.preserve.field.info";
	LLVMValueRef function = LLVMGetIntrinsicDeclaration(
		ir->module, LLVMLookupIntrinsicID(name, strlen(name)), &ir->pointer, 1);
	LLVMValueRef arguments[] = {LLVMInstructionClone(access),
				    LLVMConstInt(ir->i64, what, false)};
	LLVMTypeRef type = LLVMGlobalGetValueType(function);

	LLVMInsertIntoBuilder(ir->builder, arguments[0]);
	return LLVMBuildCall2(ir->builder, type, function, arguments, 2, "");
}

/*
 * The function that loads a number of 1, 2, 4 or 8 bytes from memory that the program may access.
 * The relocated size is a constant, so the verifier follows only one of the loads.
 */
static LLVMValueRef sized_load(struct ebcc_ir *ir)
{
	static const char name[] = "__ebcc_sized_load";
	unsigned always = LLVMGetEnumAttributeKindForName("alwaysinline", strlen("alwaysinline"));
	LLVMValueRef function = LLVMGetNamedFunction(ir->module, name), choice;
	LLVMBuilderRef builder;
	LLVMTypeRef parameters[] = {ir->pointer, ir->i32};

	if (function)
		return function;
	function =
		LLVMAddFunction(ir->module, name, LLVMFunctionType(ir->i64, parameters, 2, false));
	LLVMSetLinkage(function, LLVMInternalLinkage);
	LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(ir->context, always, 0));
	builder = LLVMCreateBuilderInContext(ir->context);
	LLVMPositionBuilderAtEnd(builder, LLVMAppendBasicBlockInContext(ir->context, function, ""));
	choice = LLVMBuildSwitch(builder, LLVMGetParam(function, 1),
				 LLVMAppendBasicBlockInContext(ir->context, function, ""), 3);
	for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
		LLVMBasicBlockRef block =
			bytes == 8 ? LLVMGetSwitchDefaultDest(choice)
				   : LLVMAppendBasicBlockInContext(ir->context, function, "");
		LLVMValueRef value;

		if (bytes < 8)
			LLVMAddCase(choice, LLVMConstInt(ir->i32, bytes, false), block);
		LLVMPositionBuilderAtEnd(builder, block);
		value = LLVMBuildLoad2(builder, LLVMIntTypeInContext(ir->context, bytes * 8),
				       LLVMGetParam(function, 0), "");
		LLVMBuildRet(builder, LLVMBuildZExtOrBitCast(builder, value, ir->i64, ""));
	}
	LLVMDisposeBuilder(builder);
	return function;
}

/* Builds the number that has the field, as u64. */
static LLVMValueRef build_number(struct ebcc_ir *ir, LLVMValueRef function, LLVMValueRef access,
				 unsigned helper)
{
	LLVMValueRef size = build_info(ir, access, BYTE_SIZE), slot, value, load;

	if (!helper) {
		LLVMValueRef arguments[] = {access, size};

		load = sized_load(ir);
		return LLVMBuildCall2(ir->builder, LLVMGlobalGetValueType(load), load, arguments, 2,
				      "");
	}
	slot = ebcc_ir_entry_alloca(ir, function, ir->i64);
	ebcc_ir_build_lifetime(ir, EBCC_IR_LIFETIME_START, slot, 8);
	LLVMBuildStore(ir->builder, LLVMConstInt(ir->i64, 0, false), slot);
	ebcc_ir_build_helper(ir, helper, (LLVMValueRef[]){slot, size, access}, 3);
	value = LLVMBuildLoad2(ir->builder, ir->i64, slot, "");
	ebcc_ir_build_lifetime(ir, EBCC_IR_LIFETIME_END, slot, 8);
	return value;
}

static LLVMValueRef build_shift(struct ebcc_ir *ir, LLVMValueRef access, enum field_info what)
{
	return LLVMBuildZExt(ir->builder, build_info(ir, access, what), ir->i64, "");
}

LLVMValueRef ebcc_ir_build_bit_field(struct ebcc_ir *ir, LLVMValueRef function, LLVMValueRef load,
				     unsigned helper)
{
	LLVMValueRef access = LLVMGetOperand(load, 0), value;

	value = build_number(ir, function, access, helper);
	value = LLVMBuildShl(ir->builder, value, build_shift(ir, access, LEFT_SHIFT), "");
	value = LLVMBuildLShr(ir->builder, value, build_shift(ir, access, RIGHT_SHIFT), "");
	value = LLVMBuildShl(ir->builder, value,
			     LLVMConstInt(ir->i64, first_bit(ir, access), false), "");
	return LLVMBuildTruncOrBitCast(ir->builder, value, LLVMTypeOf(load), "");
}
