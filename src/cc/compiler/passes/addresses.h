/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses in data, between the pass that finds where they are read (tables.c) and what puts
 * numbers in their place (addresses.c).
 */
#ifndef EBCC_COMPILER_PASSES_ADDRESSES_H
#define EBCC_COMPILER_PASSES_ADDRESSES_H

#include "compiler/passes/util.h"

#define EBCC_ADDRESS_SIZE 8

/* Where a variable holds an address, or the null pointer. */
struct ebcc_ir_slot {
	uint64_t offset;
	LLVMValueRef address; /* the constant of the initializer; NULL: null */
	LLVMValueRef base;    /* whose address it is; NULL: a mere number */
	int64_t addend;
};

/* A variable that begins with addresses in it. */
struct ebcc_ir_holder {
	LLVMValueRef global;
	uint64_t size;
	struct ebcc_ir_slot *slots;
	size_t slot_count, slot_capacity;
	unsigned depth; /* of holders that its addresses lead to */
	unsigned class; /* its own number, or that of several with the same shape; at most 63 */
};

/* The set of numbers that a load may find in place of addresses. */
struct ebcc_ir_choice {
	uint64_t classes; /* the key: where in which holders */
	uint64_t step;
	int64_t at;
	bool each;	       /* a place of its own in the code for each address */
	LLVMValueRef function; /* from the number to the address */
};

struct ebcc_ir_addresses {
	struct ebcc_ir *ir;
	struct ebcc_ir_holder *holders;
	size_t holder_count;
	uint64_t written;		 /* classes of which programs change something */
	struct ebcc_ir_values holder_of; /* a global: its number among them, from 1 */
	struct ebcc_ir_list merged;	 /* constants that become parts of one */
	uint64_t *merged_at;		 /* where in that one */
	struct ebcc_ir_values merged_of; /* a global: its number among them, from 1 */
	uint64_t end;			 /* of the last one */
	LLVMValueRef whole;		 /* the one */
	struct ebcc_ir_list others;	 /* addresses that get a number each */
	struct ebcc_ir_values other_of;
	struct ebcc_ir_choice *choices;
	size_t choice_count;
};

/* Finds the holders of a module. False: something was reported. */
bool ebcc_ir_addresses_init(struct ebcc_ir_addresses *ret, struct ebcc_ir *ir);
void ebcc_ir_addresses_deinit(struct ebcc_ir_addresses *addresses);

/* The holder that a global is, or NULL. */
const struct ebcc_ir_holder *ebcc_ir_holder_of(const struct ebcc_ir_addresses *addresses,
					       LLVMValueRef global);

/* The address that a slot holds, which may be one as a number. */
LLVMValueRef ebcc_ir_as_pointer(const struct ebcc_ir *ir, LLVMValueRef address);

/* Whether a slot is where a pointer to @at, and any number of @step away from it, may lead. */
bool ebcc_ir_slot_is_at(const struct ebcc_ir_slot *slot, int64_t at, uint64_t step);

/* Gives every address its number. Afterwards choices can be made. */
bool ebcc_ir_addresses_number(struct ebcc_ir_addresses *addresses);
/* The address that a number stands for which was read there; built before the builder's position.
 * @use is where an error belongs. NULL: there was one. */
LLVMValueRef ebcc_ir_build_address(struct ebcc_ir_addresses *addresses, LLVMValueRef number,
				   struct ebcc_ir_choice choice, LLVMValueRef use);
/* Puts the numbers into the variables. The last step. */
void ebcc_ir_addresses_encode(struct ebcc_ir_addresses *addresses);

#endif /* EBCC_COMPILER_PASSES_ADDRESSES_H */
