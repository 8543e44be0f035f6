/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses in data: shared by the pass that finds where they are read (tables.c) and the code that
 * replaces them by numbers (addresses.c).
 */
#ifndef EBCC_COMPILER_PASSES_ADDRESSES_H
#define EBCC_COMPILER_PASSES_ADDRESSES_H

#include "compiler/passes/util.h"

#define EBCC_ADDRESS_SIZE 8

/* A place in a variable that holds an address or a null pointer. */
struct ebcc_ir_slot {
	uint64_t offset;
	LLVMValueRef address; /* the constant in the initializer; NULL: a null pointer */
	LLVMValueRef base;    /* whose address it is; NULL: a plain number */
	int64_t addend;
};

/* A variable whose initial value has addresses in it. */
struct ebcc_ir_holder {
	LLVMValueRef global;
	uint64_t size;
	struct ebcc_ir_slot *slots;
	size_t slot_count, slot_capacity;
	unsigned depth; /* how many levels of holders its addresses lead to */
	unsigned class; /* 0 to 63: its index, or shared with others of the same shape */
};

/* The set of numbers that a load may find in place of addresses. */
struct ebcc_ir_choice {
	uint64_t classes; /* the key: which holders, and where in them */
	uint64_t step;
	int64_t at;
	bool each;	       /* a case for each address */
	LLVMValueRef function; /* from the number to the address */
};

struct ebcc_ir_addresses {
	struct ebcc_ir *ir;
	struct ebcc_ir_holder *holders;
	size_t holder_count;
	uint64_t written;		 /* classes that programs write to */
	struct ebcc_ir_values holder_of; /* a global: its number among the holders, from 1 */
	struct ebcc_ir_list merged;	 /* constants that become parts of the whole */
	uint64_t *merged_at;		 /* their offsets in the whole */
	struct ebcc_ir_values merged_of; /* a global: its number in merged, from 1 */
	uint64_t end;			 /* of the last constant in the whole */
	LLVMValueRef whole;		 /* the constant that they are merged into */
	struct ebcc_ir_list others;	 /* all other addresses, each with its own number */
	struct ebcc_ir_values other_of;
	struct ebcc_ir_choice *choices;
	size_t choice_count;
};

/* Finds the holders in a module. Returns false if an error was reported. */
bool ebcc_ir_addresses_init(struct ebcc_ir_addresses *ret, struct ebcc_ir *ir);
void ebcc_ir_addresses_deinit(struct ebcc_ir_addresses *addresses);

/* The holder that a global is, or NULL. */
const struct ebcc_ir_holder *ebcc_ir_holder_of(const struct ebcc_ir_addresses *addresses,
					       LLVMValueRef global);

/* A slot's address as a pointer; the constant may be an integer. */
LLVMValueRef ebcc_ir_as_pointer(const struct ebcc_ir *ir, LLVMValueRef address);

/* Whether a slot is at @at plus or minus any multiple of @step. */
bool ebcc_ir_slot_is_at(const struct ebcc_ir_slot *slot, int64_t at, uint64_t step);

/* Gives every address its number. Afterwards choices can be made. */
bool ebcc_ir_addresses_number(struct ebcc_ir_addresses *addresses);
/* Builds, before the builder's position, the address that @number stands for, where @number was
 * read from one of the places of @choice. Errors are reported at @use; returns NULL after one. */
LLVMValueRef ebcc_ir_build_address(struct ebcc_ir_addresses *addresses, LLVMValueRef number,
				   struct ebcc_ir_choice choice, LLVMValueRef use);
/* Writes the numbers into the variables. The last step. */
void ebcc_ir_addresses_encode(struct ebcc_ir_addresses *addresses);

#endif /* EBCC_COMPILER_PASSES_ADDRESSES_H */
