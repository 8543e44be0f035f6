// SPDX-License-Identifier: Apache-2.0
/*
 * Variable indexes into variables on the stack. The backend knows the alignment of the stack and,
 * if an index is small enough, turns `address + index` into `address | index`, which the verifier
 * doesn't allow on pointers. Hiding the address from the backend, after optimization, keeps the
 * addition.
 */
#include "compiler/passes/util.h"

static bool has_variable_index(LLVMValueRef access)
{
	for (int i = 1; i < LLVMGetNumOperands(access); i++)
		if (!LLVMIsAConstantInt(LLVMGetOperand(access, i)))
			return true;
	return false;
}

/* Whether a pointer is a stack variable plus constant offsets. */
static bool is_on_stack(LLVMValueRef pointer)
{
	while (LLVMIsAGetElementPtrInst(pointer) && !has_variable_index(pointer))
		pointer = LLVMGetOperand(pointer, 0);
	return LLVMIsAAllocaInst(pointer);
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
				LLVMSetOperand(
					instruction, 0,
					ebcc_ir_build_hidden(ir, LLVMGetOperand(instruction, 0)));
			}
		}
	}
}
