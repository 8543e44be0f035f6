// SPDX-License-Identifier: Apache-2.0
/*
 * Indexes and sizes of 8 and 16 bits that a comparison bounds. Registers have 32 and 64 bits, so
 * the back end extends such a number wherever it is used, in each basic block anew:
 *
 *	u16 i = args->pid;			r2 = r1
 *	if (i < 6)				r2 &= 0xffff
 *						if r2 > 5 goto ...
 *		v = numbers[i];			r1 &= 0xffff
 *						... numbers + 4 * r1
 *
 * The comparison bounds r2, and the verifier knows nothing about r1. So the number is extended
 * once, where it is defined, and both comparison and use get the result:
 *
 *	%i = trunc i64 %pid to i16
 *	%once = asm "" (zext i16 %i to i64)	hidden, or the back end would see through it
 *	icmp ult i64 %once, 6			was: icmp slt i32 (zext i16 %i to i32), 6
 *	getelementptr ..., i64 %once		was: zext i16 %i to i64
 *
 * Either extension keeps the order of numbers of the same kind: a comparison of zero-extended
 * numbers is one of unsigned numbers, whatever its predicate was; and both signed and unsigned
 * comparisons of sign-extended numbers give what they gave before.
 *
 * The same is done with quotients and remainders of 32 bits that are extended to 64. The back end
 *knows that the processor clears the upper half of the register and adds no instruction for it, but
 *the verifiers of many kernels take all 64 bits of a quotient for unknown
 *(adjust_scalar_min_max_vals()). After a comparison of 32 bits, they would know the lower half
 *only.
 *
 * What is known about a hidden number is only what the verifier finds out, so loops over it are not
 * unrolled. The number of a loop, a phi, is left alone.
 */
#include "base/cleanup.h"
#include "compiler/passes/util.h"

#define AUTO_LIST CLEANUP(ebcc_ir_list_deinit)

static unsigned width(LLVMValueRef value)
{
	LLVMTypeRef type = LLVMTypeOf(value);

	return LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 0;
}

static bool is_narrow(LLVMValueRef value)
{
	return width(value) == 8 || width(value) == 16 || width(value) == 32;
}

/* Whether a value, or an extension of it, is compared. */
static bool is_compared(LLVMValueRef value)
{
	for_each_use (use, value) {
		LLVMValueRef user = LLVMGetUser(use);

		if (LLVMIsAICmpInst(user) ||
		    ((LLVMIsAZExtInst(user) || LLVMIsASExtInst(user)) && is_compared(user)))
			return true;
	}
	return false;
}

/* Whether an extended number is an index, or an argument of a function (a size, for one). */
static bool is_index(LLVMValueRef extended)
{
	for_each_use (use, extended) {
		LLVMValueRef user = LLVMGetUser(use);

		if (LLVMIsAGetElementPtrInst(user) || LLVMIsACallInst(user))
			return true;
	}
	return false;
}

/* The extension of a number that becomes an index, maybe after a further one; NULL if none does. */
static LLVMValueRef index_of(LLVMValueRef value)
{
	for_each_use (use, value) {
		LLVMValueRef user = LLVMGetUser(use);

		if ((LLVMIsAZExtInst(user) || LLVMIsASExtInst(user)) &&
		    (is_index(user) || index_of(user)))
			return user;
	}
	return NULL;
}

/* A number that was extended to 64 bits. */
struct once {
	LLVMValueRef extension;
	LLVMValueRef hidden; /* what is used instead of the number */
	bool sign;	     /* sign-extended */
};

static bool is_signed_order(LLVMIntPredicate predicate)
{
	return predicate >= LLVMIntSGT && predicate <= LLVMIntSLE;
}

/* The predicate of unsigned numbers for one of signed numbers. */
static LLVMIntPredicate unsigned_order(LLVMIntPredicate predicate)
{
	return is_signed_order(predicate) ? predicate - LLVMIntSGT + LLVMIntUGT : predicate;
}

/* Replaces a comparison of the number (@narrow), or of an extension of it. The other operand is
 * extended in the same way. A comparison that would have another result is left alone. */
static void compare_once(struct ebcc_ir *ir, LLVMValueRef comparison, LLVMValueRef compared,
			 const struct once *once, bool narrow)
{
	LLVMIntPredicate predicate = LLVMGetICmpPredicate(comparison);
	bool first = LLVMGetOperand(comparison, 0) == compared;
	LLVMValueRef other = LLVMGetOperand(comparison, first);

	/* The number itself has another order if it is taken for a signed one; its extension is not
	 * negative, but the other operand may be. */
	if (!once->sign && is_signed_order(predicate) &&
	    (narrow || !LLVMIsAConstantInt(other) || LLVMConstIntGetSExtValue(other) < 0))
		return;
	if (!once->sign)
		predicate = unsigned_order(predicate);
	LLVMPositionBuilderBefore(ir->builder, comparison);
	if (width(other) < 64)
		other = once->sign ? LLVMBuildSExt(ir->builder, other, ir->i64, "")
				   : LLVMBuildZExt(ir->builder, other, ir->i64, "");
	ebcc_ir_replace(comparison,
			LLVMBuildICmp(ir->builder, predicate, first ? once->hidden : other,
				      first ? other : once->hidden, ""));
}

/* Whether the user of a number, or of an extension of it, extends it in the same way. A number that
 * was zero-extended is not negative, so further extensions of either kind are the same. */
static bool extends(LLVMValueRef user, const struct once *once, bool narrow)
{
	if (user == once->extension)
		return false;
	if (LLVMIsASExtInst(user))
		return once->sign || !narrow;
	return LLVMIsAZExtInst(user) && (!once->sign || LLVMGetNNeg(user));
}

/* Replaces the comparisons and extensions of the number (@narrow), or of an extension of it. */
static void use_once(struct ebcc_ir *ir, LLVMValueRef value, const struct once *once, bool narrow)
{
	AUTO_LIST struct ebcc_ir_list comparisons = {0}, extensions = {0};

	for_each_use (use, value) {
		LLVMValueRef user = LLVMGetUser(use);
		struct ebcc_ir_list *list = NULL;

		if (LLVMIsAICmpInst(user) && LLVMGetOperand(user, 0) != LLVMGetOperand(user, 1))
			list = &comparisons;
		else if (extends(user, once, narrow))
			list = &extensions;
		if (list && !ebcc_ir_list_push(list, user)) {
			ebcc_ir_no_memory(ir);
			return;
		}
	}
	for (size_t i = 0; i < comparisons.count; i++)
		compare_once(ir, comparisons.items[i], value, once, narrow);
	for (size_t i = 0; i < extensions.count; i++) {
		LLVMValueRef extension = extensions.items[i];
		LLVMTypeRef type = LLVMTypeOf(extension);

		use_once(ir, extension, once, false);
		LLVMPositionBuilderBefore(ir->builder, extension);
		ebcc_ir_replace(extension,
				width(extension) == 64
					? once->hidden
					: LLVMBuildTrunc(ir->builder, once->hidden, type, ""));
	}
}

static void extend_once(struct ebcc_ir *ir, LLVMValueRef number)
{
	LLVMValueRef index = index_of(number);
	/* An extension of what is not negative is the same in either way; comparisons of signed
	 * numbers need this one. */
	struct once once = {.sign = index && (LLVMIsASExtInst(index) ||
					      (LLVMIsAZExtInst(index) && LLVMGetNNeg(index)))};

	LLVMPositionBuilderBefore(ir->builder, LLVMGetNextInstruction(number));
	once.extension = once.sign ? LLVMBuildSExt(ir->builder, number, ir->i64, "")
				   : LLVMBuildZExt(ir->builder, number, ir->i64, "");
	once.hidden = ebcc_ir_build_hidden(ir, once.extension);
	use_once(ir, number, &once, true);
}

/* Whether a value is a number that this pass is about. An extension of one is not: it is handled
 * with the number. */
static bool is_bounded_index(LLVMValueRef value)
{
	return is_narrow(value) && !LLVMIsAPHINode(value) && !LLVMIsAZExtInst(value) &&
	       !LLVMIsASExtInst(value) && is_compared(value) && index_of(value);
}

/* Whether a value is a quotient or remainder of 32 bits that is extended to 64. */
static bool is_extended_quotient(LLVMValueRef value)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(value);

	if ((opcode != LLVMUDiv && opcode != LLVMURem) || width(value) != 32)
		return false;
	for_each_use (use, value)
		if (LLVMIsAZExtInst(LLVMGetUser(use)))
			return true;
	return false;
}

void ebcc_ir_indexes(struct ebcc_ir *ir)
{
	AUTO_LIST struct ebcc_ir_list numbers = {0};

	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function)) {
		for_each_block (block, function) {
			for_each_instruction (instruction, block) {
				if ((is_bounded_index(instruction) ||
				     is_extended_quotient(instruction)) &&
				    !ebcc_ir_list_push(&numbers, instruction)) {
					ebcc_ir_no_memory(ir);
					return;
				}
			}
		}
	}
	for (size_t i = 0; i < numbers.count; i++)
		extend_once(ir, numbers.items[i]);
}
