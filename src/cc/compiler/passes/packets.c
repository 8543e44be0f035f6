// SPDX-License-Identifier: Apache-2.0
/*
 * Packet access. The structs of bcc/proto.h describe headers in wire format, with bit fields in
 * network order. A cursor over them is an offset in the packet that looks like a pointer.
 * Attributes of these structs make clang mark each access with an intrinsic that names struct and
 * member, and tag the struct "ebcc_packet". Loads and stores of such members become packet loads
 * and bpf_skb_store_bytes() calls. Marked accesses to other structs are left to the backend, which
 * emits a relocation for each.
 */
#include <string.h>

#include "compiler/passes/util.h"

/* Operands of debug-info nodes. */
enum { DI_COMPOSITE_ELEMENTS = 4, DI_COMPOSITE_ANNOTATIONS = 13 };

/* A member's place; bits are counted in network order. */
struct field {
	LLVMValueRef offset; /* i64: offset of its first byte in the packet */
	unsigned first_bit;  /* in that byte, from the most significant one */
	unsigned bits;
	unsigned storage_shift; /* its lowest bit in the value that clang loads */
};

static bool is_packet_struct(LLVMValueRef type)
{
	LLVMValueRef annotations = ebcc_ir_operand(type, DI_COMPOSITE_ANNOTATIONS);

	for (unsigned i = 0;; i++) {
		LLVMValueRef annotation = ebcc_ir_operand(annotations, i);
		LLVMValueRef value = ebcc_ir_operand(annotation, 1);
		unsigned length;
		const char *text;

		if (!annotation)
			return false;
		text = value ? LLVMGetMDString(value, &length) : NULL;
		if (text && length == strlen("ebcc_packet") && !memcmp(text, "ebcc_packet", length))
			return true;
	}
}

static bool is_struct_access(const struct ebcc_ir *ir, LLVMValueRef value)
{
	return ebcc_ir_is_intrinsic(ir, value, EBCC_IR_STRUCT_ACCESS);
}

static LLVMTypeRef element_type(LLVMValueRef access)
{
	unsigned kind = LLVMGetEnumAttributeKindForName("elementtype", strlen("elementtype"));

	return LLVMGetTypeAttributeValue(LLVMGetCallSiteEnumAttribute(access, 1, kind));
}

static unsigned constant_operand(LLVMValueRef call, unsigned index)
{
	return LLVMConstIntGetZExtValue(LLVMGetOperand(call, index));
}

/* The access of a packet struct that a pointer is derived from, or NULL if it isn't a cursor's. */
static LLVMValueRef packet_access(const struct ebcc_ir *ir, LLVMValueRef pointer)
{
	for (;;) {
		if (is_struct_access(ir, pointer) &&
		    is_packet_struct(
			    ebcc_ir_strip_type(LLVMGetMetadata(pointer, ir->access_index_kind))))
			return pointer;
		if (ebcc_ir_is_access(ir, pointer) || LLVMIsAGetElementPtrInst(pointer))
			pointer = LLVMGetOperand(pointer, 0);
		else
			return NULL;
	}
}

static struct field locate(struct ebcc_ir *ir, LLVMValueRef pointer, LLVMTypeRef type)
{
	LLVMBuilderRef builder = ir->builder;
	LLVMValueRef access = packet_access(ir, pointer), member;
	uint64_t member_bit, storage_bit;
	struct field field = {.bits = LLVMSizeOfTypeInBits(ir->layout, type)};

	if (access != pointer) { /* an array element in the struct: whole bytes */
		field.offset = LLVMBuildPtrToInt(builder, pointer, ir->i64, "");
		return field;
	}
	member = ebcc_ir_operand(
		ebcc_ir_operand(ebcc_ir_strip_type(LLVMGetMetadata(access, ir->access_index_kind)),
				DI_COMPOSITE_ELEMENTS),
		constant_operand(access, 2));
	member_bit = LLVMDITypeGetOffsetInBits(LLVMValueAsMetadata(member));
	storage_bit =
		LLVMOffsetOfElement(ir->layout, element_type(access), constant_operand(access, 1)) *
		8;
	field.bits = LLVMDITypeGetSizeInBits(LLVMValueAsMetadata(member));
	field.first_bit = member_bit % 8;
	field.storage_shift = member_bit - storage_bit;
	field.offset = LLVMBuildAdd(
		builder, LLVMBuildPtrToInt(builder, LLVMGetOperand(access, 0), ir->i64, ""),
		LLVMConstInt(ir->i64, member_bit / 8, false), "");
	return field;
}

static LLVMValueRef build_packet_load(struct ebcc_ir *ir, LLVMValueRef context, LLVMValueRef offset,
				      unsigned bytes)
{
	static const char *const names[] = {
		[1] = "llvm.bpf.load.byte", [2] = "llvm.bpf.load.half", [4] = "llvm.bpf.load.word"};
	LLVMValueRef function = LLVMGetIntrinsicDeclaration(
		ir->module, LLVMLookupIntrinsicID(names[bytes], strlen(names[bytes])), NULL, 0);
	LLVMValueRef arguments[] = {context, offset};

	return LLVMBuildCall2(ir->builder, LLVMGlobalGetValueType(function), function, arguments, 2,
			      "");
}

/* Loads the bytes that contain the field, as a number in the machine's byte order. */
static LLVMValueRef build_bytes(struct ebcc_ir *ir, LLVMValueRef context, const struct field *field,
				unsigned bytes)
{
	LLVMBuilderRef builder = ir->builder;
	LLVMValueRef value = LLVMConstInt(ir->i64, 0, false);

	for (unsigned done = 0; done < bytes;) {
		unsigned part = bytes - done >= 4 ? 4 : bytes - done >= 2 ? 2 : 1;
		LLVMValueRef loaded =
			build_packet_load(ir, context,
					  LLVMBuildAdd(builder, field->offset,
						       LLVMConstInt(ir->i64, done, false), ""),
					  part);

		value = LLVMBuildShl(builder, value,
				     LLVMConstInt(ir->i64, (uint64_t)part * 8, false), "");
		value = LLVMBuildOr(builder, value, loaded, "");
		done += part;
	}
	return value;
}

static LLVMValueRef mask(struct ebcc_ir *ir, unsigned bits)
{
	return LLVMConstInt(ir->i64, bits >= 64 ? ~0ULL : (1ULL << bits) - 1, false);
}

/* The wider of i64 and the type that clang loads. */
static LLVMTypeRef wide_type(struct ebcc_ir *ir, LLVMTypeRef type)
{
	return LLVMGetIntTypeWidth(type) > 64 ? type : ir->i64;
}

static void lower_load(struct ebcc_ir *ir, LLVMValueRef context, LLVMValueRef load,
		       const struct field *field)
{
	LLVMBuilderRef builder = ir->builder;
	unsigned bytes = (field->first_bit + field->bits + 7) / 8;
	LLVMTypeRef type = LLVMTypeOf(load), wide = wide_type(ir, type);
	LLVMValueRef value = build_bytes(ir, context, field, bytes);

	value = LLVMBuildLShr(
		builder, value,
		LLVMConstInt(ir->i64, bytes * 8 - field->first_bit - field->bits, false), "");
	value = LLVMBuildAnd(builder, value, mask(ir, field->bits), "");
	value = LLVMBuildZExtOrBitCast(builder, value, wide, "");
	value = LLVMBuildShl(builder, value, LLVMConstInt(wide, field->storage_shift, false), "");
	ebcc_ir_replace(load, LLVMBuildTruncOrBitCast(builder, value, type, ""));
}

/* Writes the bytes that contain the field, keeping the other bits in them. */
static void lower_store(struct ebcc_ir *ir, LLVMValueRef function, LLVMValueRef store,
			const struct field *field)
{
	LLVMBuilderRef builder = ir->builder;
	LLVMValueRef context = LLVMGetParam(function, 0), value = LLVMGetOperand(store, 0);
	unsigned bytes = (field->first_bit + field->bits + 7) / 8;
	unsigned shift = bytes * 8 - field->first_bit - field->bits;
	LLVMTypeRef wide = wide_type(ir, LLVMTypeOf(value));
	LLVMValueRef slot = ebcc_ir_entry_alloca(ir, function, ir->i64);
	LLVMTypeRef swap_types[] = {ir->i64};
	LLVMValueRef swap = LLVMGetIntrinsicDeclaration(
		ir->module, LLVMLookupIntrinsicID("llvm.bswap", strlen("llvm.bswap")), swap_types,
		1);
	LLVMValueRef arguments[5];

	value = LLVMBuildZExtOrBitCast(builder, value, wide, "");
	value = LLVMBuildLShr(builder, value, LLVMConstInt(wide, field->storage_shift, false), "");
	value = LLVMBuildAnd(builder, LLVMBuildTruncOrBitCast(builder, value, ir->i64, ""),
			     mask(ir, field->bits), "");
	value = LLVMBuildShl(builder, value, LLVMConstInt(ir->i64, shift, false), "");
	if (field->bits != bytes * 8) {
		LLVMValueRef other_bits = LLVMConstInt(
			ir->i64, ~(LLVMConstIntGetZExtValue(mask(ir, field->bits)) << shift),
			false);

		value = LLVMBuildOr(builder, value,
				    LLVMBuildAnd(builder, build_bytes(ir, context, field, bytes),
						 other_bits, ""),
				    "");
	}
	/* The most significant of the bytes comes first in memory. */
	value = LLVMBuildShl(builder, value, LLVMConstInt(ir->i64, 64 - bytes * 8, false), "");
	value = LLVMBuildCall2(builder, LLVMGlobalGetValueType(swap), swap, &value, 1, "");
	LLVMBuildStore(builder, value, slot);
	arguments[0] = context;
	arguments[1] = LLVMBuildTrunc(builder, field->offset, ir->i32, "");
	arguments[2] = slot;
	arguments[3] = LLVMConstInt(ir->i32, bytes, false);
	arguments[4] = LLVMConstInt(ir->i64, 0, false);
	ebcc_ir_build_helper(ir, BPF_FUNC_skb_store_bytes, arguments, 5);
	LLVMInstructionEraseFromParent(store);
}

static void lower_access(struct ebcc_ir *ir, LLVMValueRef function, LLVMValueRef instruction,
			 LLVMValueRef pointer, LLVMTypeRef type)
{
	struct field field;

	LLVMPositionBuilderBefore(ir->builder, instruction);
	if (LLVMGetTypeKind(type) == LLVMIntegerTypeKind) {
		field = locate(ir, pointer, type);
		if (field.first_bit + field.bits <= 64) {
			if (LLVMIsALoadInst(instruction))
				lower_load(ir, LLVMGetParam(function, 0), instruction, &field);
			else
				lower_store(ir, function, instruction, &field);
			return;
		}
	}
	ebcc_ir_report_at(
		ir, EBCC_CC_ERROR, instruction,
		"this member of a packet can't be accessed as one value of at most 64 bits: "
		"use bpf_skb_load_bytes()");
}

static void lower_accesses(struct ebcc_ir *ir, LLVMValueRef function)
{
	for_each_block (block, function) {
		for_each_instruction (instruction, block) {
			if (LLVMIsALoadInst(instruction) &&
			    packet_access(ir, LLVMGetOperand(instruction, 0)))
				lower_access(ir, function, instruction,
					     LLVMGetOperand(instruction, 0),
					     LLVMTypeOf(instruction));
			else if (LLVMIsAStoreInst(instruction) &&
				 packet_access(ir, LLVMGetOperand(instruction, 1)))
				lower_access(ir, function, instruction,
					     LLVMGetOperand(instruction, 1),
					     LLVMTypeOf(LLVMGetOperand(instruction, 0)));
		}
	}
}

/* Builds the plain pointer arithmetic for an access. */
static LLVMValueRef plain_access(struct ebcc_ir *ir, LLVMValueRef access)
{
	LLVMValueRef base = LLVMGetOperand(access, 0), indices[16];
	unsigned count = 0;

	LLVMPositionBuilderBefore(ir->builder, access);
	if (is_struct_access(ir, access)) {
		indices[count++] = LLVMConstInt(ir->i32, 0, false);
		indices[count++] = LLVMGetOperand(access, 1);
	} else if (ebcc_ir_is_intrinsic(ir, access, EBCC_IR_ARRAY_ACCESS)) {
		unsigned dimension = constant_operand(access, 1);

		while (count < dimension && count < 15)
			indices[count++] = LLVMConstInt(ir->i32, 0, false);
		indices[count++] = LLVMGetOperand(access, 2);
	} else {
		return base; /* all members of a union begin where it does */
	}
	return LLVMBuildInBoundsGEP2(ir->builder, element_type(access), base, indices, count, "");
}

static void delete_accesses(struct ebcc_ir *ir, LLVMValueRef function)
{
	for_each_block (block, function)
		for_each_instruction (instruction, block)
			if (ebcc_ir_is_access(ir, instruction) && packet_access(ir, instruction))
				ebcc_ir_replace(instruction, plain_access(ir, instruction));
}

void ebcc_ir_packets(struct ebcc_ir *ir)
{
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function)) {
		if (!LLVMGetFirstBasicBlock(function))
			continue;
		if (LLVMCountParams(function))
			lower_accesses(ir, function);
		delete_accesses(ir, function);
	}
}
