// SPDX-License-Identifier: Apache-2.0
/*
 * Variable indexes into variables on the stack. The backend knows how the stack is aligned, and
 * where an index is small enough makes `address | index` of `address + index`: verifiers allow no
 * such arithmetic on pointers. Hiding the address from it, after optimization, keeps the addition.
 */
#include "compiler/passes/util.h"

static bool has_variable_index(LLVMValueRef access)
{
	for (int i = 1; i < LLVMGetNumOperands(access); i++)
		if (!LLVMIsAConstantInt(LLVMGetOperand(access, i)))
			return true;
	return false;
}

/* Whether a pointer is a place on the stack, by constant offsets from a variable. */
static bool is_on_stack(LLVMValueRef pointer)
{
	while (LLVMIsAGetElementPtrInst(pointer) && !has_variable_index(pointer))
		pointer = LLVMGetOperand(pointer, 0);
	return LLVMIsAAllocaInst(pointer);
}

/* The pointer, as the result of no instruction that anybody knows more of. */
static LLVMValueRef build_hidden(struct ebcc_ir *ir, LLVMValueRef pointer)
{
	static const char constraints[] = "=r,0";
	LLVMTypeRef type = LLVMFunctionType(ir->pointer, &ir->pointer, 1, false);
	LLVMValueRef nothing = LLVMGetInlineAsm(type, "", 0, constraints, sizeof(constraints) - 1,
						false, false, LLVMInlineAsmDialectATT, false);

	return LLVMBuildCall2(ir->builder, type, nothing, &pointer, 1, "");
}

void ebcc_ir_stack(struct ebcc_ir *ir)
{
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function)) {
		for_each_block (block, function) {
			for_each_instruction (instruction, block) {
				if (!LLVMIsAGetElementPtrInst(instruction) ||
				    !has_variable_index(instruction) ||
				    !is_on_stack(LLVMGetOperand(instruction, 0)))
					continue;
				LLVMPositionBuilderBefore(ir->builder, instruction);
				LLVMSetOperand(instruction, 0,
					       build_hidden(ir, LLVMGetOperand(instruction, 0)));
			}
		}
	}
}
