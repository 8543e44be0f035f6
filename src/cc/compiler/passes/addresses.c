// SPDX-License-Identifier: Apache-2.0
/*
 * Replaces addresses in data by numbers. Nothing relocates the data of a BPF object, so an address
 * in it would be 0 when programs run. Addresses in code, on the other hand, work. So data holds
 * numbers, and code turns them into addresses:
 *
 *	static const char *const names[] = {"one", "two", NULL};
 *
 * becomes
 *
 *	static const struct { char none[16], one[4], two[4], beyond[512]; } whole;
 *	static const u64 names[] = {16, 20, 0};
 *	number = names[i];
 *	address = !number ? NULL : (char *)&whole + (number > 20 ? 0 : number);
 *
 * To the verifier the address is one variable with a variable offset, however many entries there
 * are; with a switch that has a case for each entry it would have to follow the rest of the program
 * once per entry. What can't be part of the one constant (variables, maps, integers cast to
 * pointers) becomes a case of a switch, and so does every address that is passed to a helper that
 * requires a constant one.
 *
 * The choice stays a separate function until LLVM has optimized the module. Otherwise LLVM would
 * find out that the comparison with the largest number is always true, and remove the bound that
 * the verifier needs.
 */
#include "compiler/passes/addresses.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	WHOLE_BEGIN = 16, /* so that no number is 0 */
	WHOLE_BEYOND =
		512, /* for loops that the verifier follows past the end of the last string */
	MAX_CASES = 256,
	MAX_CLASSES = 64,
	MAX_DEPTH = 8,
};

/* The first number that is not an offset into the whole. */
#define FIRST_OTHER (1ULL << 32)

LLVMValueRef ebcc_ir_as_pointer(const struct ebcc_ir *ir, LLVMValueRef address)
{
	return LLVMTypeOf(address) == ir->pointer ? address
						  : LLVMConstIntToPtr(address, ir->pointer);
}

/* Splits a constant into the global whose address it is and an offset. Returns false if it is
 * computed from addresses in a way that no relocation can express. */
static bool resolve(const struct ebcc_ir *ir, LLVMValueRef value, LLVMValueRef *ret_base,
		    int64_t *ret_addend)
{
	uint64_t step = 0;

	*ret_addend = 0;
	while (LLVMIsAConstantExpr(value)) {
		switch (LLVMGetConstOpcode(value)) {
		case LLVMGetElementPtr:
			if (!ebcc_ir_gep_terms(ir, value, ret_addend, &step) || step)
				return false;
			break;
		case LLVMPtrToInt:
		case LLVMIntToPtr:
		case LLVMBitCast:
		case LLVMAddrSpaceCast:
			break;
		default:
			return false;
		}
		value = LLVMGetOperand(value, 0);
	}
	*ret_base = LLVMIsAGlobalValue(value);
	return true;
}

/* Whether a constant consists of plain numbers or zeros, so that its elements needn't be
 * searched. */
static bool is_plain(LLVMValueRef value)
{
	return LLVMIsNull(value) || LLVMIsUndef(value) || LLVMIsAConstantDataArray(value) ||
	       LLVMIsAConstantInt(value);
}

static unsigned element_count(LLVMTypeRef type)
{
	switch (LLVMGetTypeKind(type)) {
	case LLVMArrayTypeKind:
		return LLVMGetArrayLength2(type);
	case LLVMStructTypeKind:
		return LLVMCountStructElementTypes(type);
	default:
		return 0;
	}
}

static bool is_aggregate(LLVMTypeRef type)
{
	return LLVMGetTypeKind(type) == LLVMArrayTypeKind ||
	       LLVMGetTypeKind(type) == LLVMStructTypeKind;
}

static bool holds_address(const struct ebcc_ir *ir, LLVMValueRef value)
{
	LLVMTypeRef type = LLVMTypeOf(value);
	LLVMValueRef base;
	int64_t addend;

	if (is_plain(value))
		return false;
	for (unsigned i = 0; i < element_count(type); i++)
		if (holds_address(ir, LLVMGetAggregateElement(value, i)))
			return true;
	return !is_aggregate(type) && (!resolve(ir, value, &base, &addend) || base);
}

static bool holds_pointers(LLVMTypeRef type)
{
	switch (LLVMGetTypeKind(type)) {
	case LLVMPointerTypeKind:
		return true;
	case LLVMArrayTypeKind:
		return holds_pointers(LLVMGetElementType(type));
	case LLVMStructTypeKind:
		for (unsigned i = 0; i < element_count(type); i++)
			if (holds_pointers(LLVMStructGetTypeAtIndex(type, i)))
				return true;
		return false;
	default:
		return false;
	}
}

static bool add_slot(struct ebcc_ir *ir, struct ebcc_ir_holder *holder, LLVMValueRef value,
		     uint64_t offset)
{
	struct ebcc_ir_slot slot = {.offset = offset};

	if (!LLVMIsNull(value) && !LLVMIsUndef(value)) {
		slot.address = value;
		if (!resolve(ir, value, &slot.base, &slot.addend)) {
			ebcc_ir_report_at(ir, EBCC_CC_ERROR, holder->global,
					  "'%s' is initialized with a value computed from an "
					  "address, which BPF data can't hold: compute it in the "
					  "program",
					  ebcc_ir_name(holder->global));
			return false;
		}
	}
	if (holder->slot_count == holder->slot_capacity) {
		size_t capacity = holder->slot_capacity ? holder->slot_capacity * 2 : 16;
		struct ebcc_ir_slot *slots = reallocarray(holder->slots, capacity, sizeof(*slots));

		if (!slots) {
			ebcc_ir_no_memory(ir);
			return false;
		}
		holder->slots = slots;
		holder->slot_capacity = capacity;
	}
	holder->slots[holder->slot_count++] = slot;
	return true;
}

static uint64_t element_offset(const struct ebcc_ir *ir, LLVMTypeRef type, unsigned index)
{
	if (LLVMGetTypeKind(type) == LLVMStructTypeKind)
		return LLVMOffsetOfElement(ir->layout, type, index);
	return index * LLVMABISizeOfType(ir->layout, LLVMGetElementType(type));
}

static bool add_slots(struct ebcc_ir *ir, struct ebcc_ir_holder *holder, LLVMValueRef value,
		      uint64_t offset)
{
	LLVMTypeRef type = LLVMTypeOf(value);

	if (LLVMGetTypeKind(type) == LLVMPointerTypeKind)
		return add_slot(ir, holder, value, offset);
	if (is_plain(value) && !holds_pointers(type))
		return true;
	if (!is_aggregate(type))
		return !LLVMIsAConstantExpr(value) || add_slot(ir, holder, value, offset);
	for (unsigned i = 0; i < element_count(type); i++)
		if (!add_slots(ir, holder, LLVMGetAggregateElement(value, i),
			       offset + element_offset(ir, type, i)))
			return false;
	return true;
}

/* Data that only loaders read, and LLVM's own globals. */
static bool is_described_elsewhere(LLVMValueRef global)
{
	const char *section = LLVMGetSection(global);

	return ebcc_ir_after_prefix(ebcc_ir_name(global), "llvm.") ||
	       (section && (!strcmp(section, ".maps") || !strcmp(section, ".ebcc.meta") ||
			    ebcc_ir_after_prefix(section, "llvm.") ||
			    ebcc_ir_after_prefix(section, ".struct_ops")));
}

static bool is_holder(const struct ebcc_ir *ir, LLVMValueRef global)
{
	return !LLVMIsDeclaration(global) && !is_described_elsewhere(global) &&
	       holds_address(ir, LLVMGetInitializer(global));
}

static bool is_same_shape(const struct ebcc_ir_holder *a, const struct ebcc_ir_holder *b)
{
	if (a->size != b->size || a->slot_count != b->slot_count || a->depth != b->depth)
		return false;
	for (size_t i = 0; i < a->slot_count; i++)
		if (a->slots[i].offset != b->slots[i].offset)
			return false;
	return true;
}

/* If there are too many holders to tell them all apart, those of the same shape share a class. */
static void set_class(struct ebcc_ir_addresses *addresses, struct ebcc_ir_holder *holder)
{
	unsigned next = 0;

	if (addresses->holder_count <= MAX_CLASSES) {
		holder->class = holder - addresses->holders;
		return;
	}
	for (const struct ebcc_ir_holder *other = addresses->holders; other < holder; other++) {
		if (is_same_shape(holder, other)) {
			holder->class = other->class;
			return;
		}
		if (other->class >= next)
			next = other->class + 1;
	}
	holder->class = next < MAX_CLASSES ? next : MAX_CLASSES - 1;
}

static bool add_holder(struct ebcc_ir_addresses *addresses, LLVMValueRef global)
{
	struct ebcc_ir *ir = addresses->ir;
	struct ebcc_ir_holder *holder = &addresses->holders[addresses->holder_count++];

	*holder = (struct ebcc_ir_holder){
		.global = global,
		.size = LLVMABISizeOfType(ir->layout, LLVMGlobalGetValueType(global)),
	};
	if (!add_slots(ir, holder, LLVMGetInitializer(global), 0))
		return false;
	if (ebcc_ir_values_set(&addresses->holder_of, global, addresses->holder_count))
		return true;
	ebcc_ir_no_memory(ir);
	return false;
}

const struct ebcc_ir_holder *ebcc_ir_holder_of(const struct ebcc_ir_addresses *addresses,
					       LLVMValueRef global)
{
	unsigned number = ebcc_ir_values_get(&addresses->holder_of, global);

	return number ? &addresses->holders[number - 1] : NULL;
}

/* A table of tables may have the same shape as those tables, so depth tells them apart. Cyclic
 * lists are cut off at MAX_DEPTH. */
static void find_depths(struct ebcc_ir_addresses *addresses)
{
	bool changed = true;

	for (unsigned round = 0; changed && round < MAX_DEPTH; round++) {
		changed = false;
		for (size_t i = 0; i < addresses->holder_count; i++) {
			struct ebcc_ir_holder *holder = &addresses->holders[i];

			for (size_t j = 0; j < holder->slot_count; j++) {
				LLVMValueRef base = holder->slots[j].base;
				const struct ebcc_ir_holder *target =
					base ? ebcc_ir_holder_of(addresses, base) : NULL;

				if (!target || target->depth < holder->depth)
					continue;
				holder->depth = target->depth + 1;
				changed = true;
			}
		}
	}
}

/* Constants that could hold addresses count too: the last element of a linked list holds only
 * NULL. */
static bool is_like_holder(const struct ebcc_ir *ir, LLVMValueRef global)
{
	return is_holder(ir, global) ||
	       (!LLVMIsDeclaration(global) && !is_described_elsewhere(global) &&
		LLVMIsGlobalConstant(global) && holds_pointers(LLVMGlobalGetValueType(global)));
}

bool ebcc_ir_addresses_init(struct ebcc_ir_addresses *ret, struct ebcc_ir *ir)
{
	size_t count = 0, like = 0;

	*ret = (struct ebcc_ir_addresses){.ir = ir};
	for (LLVMValueRef global = LLVMGetFirstGlobal(ir->module); global;
	     global = LLVMGetNextGlobal(global)) {
		count += is_holder(ir, global);
		like += is_like_holder(ir, global);
	}
	if (!count)
		return true;
	ret->holders = calloc(like, sizeof(*ret->holders));
	if (!ret->holders) {
		ebcc_ir_no_memory(ir);
		return false;
	}
	for (LLVMValueRef global = LLVMGetFirstGlobal(ir->module); global;
	     global = LLVMGetNextGlobal(global))
		if (is_like_holder(ir, global) && !add_holder(ret, global))
			return false;
	find_depths(ret);
	for (size_t i = 0; i < ret->holder_count; i++)
		set_class(ret, &ret->holders[i]);
	return true;
}

void ebcc_ir_addresses_deinit(struct ebcc_ir_addresses *addresses)
{
	for (size_t i = 0; i < addresses->holder_count; i++)
		free(addresses->holders[i].slots);
	free(addresses->holders);
	free(addresses->merged_at);
	free(addresses->choices);
	ebcc_ir_values_deinit(&addresses->holder_of);
	ebcc_ir_values_deinit(&addresses->merged_of);
	ebcc_ir_values_deinit(&addresses->other_of);
	ebcc_ir_list_deinit(&addresses->merged);
	ebcc_ir_list_deinit(&addresses->others);
}

bool ebcc_ir_slot_is_at(const struct ebcc_ir_slot *slot, int64_t at, uint64_t step)
{
	int64_t distance = (int64_t)slot->offset - at;

	return step ? distance % (int64_t)step == 0 : !distance;
}

/* Whether the variable is declared volatile, by its debug info: the loader may set its value
 * (constants=). */
static bool is_volatile(const struct ebcc_ir *ir, LLVMValueRef global)
{
	enum { DI_EXPRESSION_VARIABLE = 0, DI_VARIABLE_TYPE = 3 };
	size_t count;
	LLVMValueMetadataEntry *entries = LLVMGlobalCopyAllMetadata(global, &count);
	bool found = false;

	for (size_t i = 0; i < count; i++) {
		LLVMValueRef expression = LLVMMetadataAsValue(
			ir->context, LLVMValueMetadataEntriesGetMetadata(entries, i));
		LLVMValueRef type = NULL;

		if (LLVMValueMetadataEntriesGetKind(entries, i) == ir->dbg_kind)
			type = ebcc_ir_operand(ebcc_ir_operand(expression, DI_EXPRESSION_VARIABLE),
					       DI_VARIABLE_TYPE);
		for (; type; type = ebcc_ir_base_type(type)) {
			unsigned tag = ebcc_ir_type_tag(type);

			found |= tag == EBCC_TAG_VOLATILE;
			if (tag != EBCC_TAG_VOLATILE && tag != EBCC_TAG_CONST &&
			    tag != EBCC_TAG_TYPEDEF && tag != EBCC_TAG_ARRAY)
				break;
		}
	}
	LLVMDisposeValueMetadataEntries(entries);
	return found;
}

static bool is_kept_by_llvm(LLVMValueRef value)
{
	for_each_use (use, value) {
		LLVMValueRef user = LLVMGetUser(use);

		if (LLVMIsAGlobalVariable(user)
			    ? !!ebcc_ir_after_prefix(ebcc_ir_name(user), "llvm.")
			    : LLVMIsAConstant(user) && is_kept_by_llvm(user))
			return true;
	}
	return false;
}

/* Whether nothing requires the variable to stay separate. */
static bool can_merge(const struct ebcc_ir *ir, LLVMValueRef base)
{
	if (!LLVMIsAGlobalVariable(base) || LLVMIsDeclaration(base) ||
	    !LLVMIsGlobalConstant(base) || LLVMIsThreadLocal(base))
		return false;
	if (LLVMGetLinkage(base) != LLVMPrivateLinkage &&
	    LLVMGetLinkage(base) != LLVMInternalLinkage)
		return false;
	return !ebcc_ir_has_section(base) && !is_volatile(ir, base) && !is_kept_by_llvm(base);
}

static uint64_t align_up(uint64_t offset, uint64_t alignment)
{
	return alignment ? (offset + alignment - 1) / alignment * alignment : offset;
}

static uint64_t alignment_of(const struct ebcc_ir *ir, LLVMValueRef global)
{
	uint64_t own = LLVMGetAlignment(global);

	return own ? own : LLVMPreferredAlignmentOfGlobal(ir->layout, global);
}

static bool merge(struct ebcc_ir_addresses *addresses, LLVMValueRef base)
{
	struct ebcc_ir *ir = addresses->ir;
	size_t count = addresses->merged.count;
	uint64_t *merged_at = reallocarray(addresses->merged_at, count + 1, sizeof(*merged_at));

	if (!merged_at)
		return false;
	addresses->merged_at = merged_at;
	merged_at[count] = align_up(addresses->end, alignment_of(ir, base));
	addresses->end =
		merged_at[count] + LLVMABISizeOfType(ir->layout, LLVMGlobalGetValueType(base));
	return ebcc_ir_list_push(&addresses->merged, base) &&
	       ebcc_ir_values_set(&addresses->merged_of, base, count + 1);
}

static bool number_slot(struct ebcc_ir_addresses *addresses, const struct ebcc_ir_slot *slot)
{
	if (!slot->address)
		return true;
	if (slot->base && can_merge(addresses->ir, slot->base))
		return ebcc_ir_values_get(&addresses->merged_of, slot->base) ||
		       merge(addresses, slot->base);
	if (ebcc_ir_values_get(&addresses->other_of, slot->address))
		return true;
	return ebcc_ir_list_push(&addresses->others, slot->address) &&
	       ebcc_ir_values_set(&addresses->other_of, slot->address, addresses->others.count);
}

static void declare_whole(struct ebcc_ir_addresses *addresses)
{
	struct ebcc_ir *ir = addresses->ir;

	/* The value is set last. */
	addresses->whole = LLVMAddGlobal(ir->module, ir->i64, "__ebcc_constants");
}

bool ebcc_ir_addresses_number(struct ebcc_ir_addresses *addresses)
{
	addresses->end = WHOLE_BEGIN;
	for (size_t i = 0; i < addresses->holder_count; i++) {
		const struct ebcc_ir_holder *holder = &addresses->holders[i];

		for (size_t j = 0; j < holder->slot_count; j++) {
			if (number_slot(addresses, &holder->slots[j]))
				continue;
			ebcc_ir_no_memory(addresses->ir);
			return false;
		}
	}
	declare_whole(addresses);
	return true;
}

static uint64_t number_of(const struct ebcc_ir_addresses *addresses,
			  const struct ebcc_ir_slot *slot)
{
	unsigned merged;

	if (!slot->address)
		return 0;
	merged = slot->base ? ebcc_ir_values_get(&addresses->merged_of, slot->base) : 0;
	if (merged)
		return addresses->merged_at[merged - 1] + slot->addend;
	return FIRST_OTHER + ebcc_ir_values_get(&addresses->other_of, slot->address);
}

/* The numbers of a choice, collected while its function is built. */
struct chooser {
	struct ebcc_ir_addresses *addresses;
	LLVMValueRef function, number;
	bool each;
	bool null;	  /* one of them is 0 */
	uint64_t largest; /* of the numbers that are offsets; 0 if there are none */
	LLVMValueRef cases;
	LLVMBasicBlockRef first_case;
	struct ebcc_ir_values seen; /* addresses that have a case already */
	size_t case_count;
};

static void return_from(struct ebcc_ir *ir, LLVMBasicBlockRef block, LLVMValueRef address)
{
	LLVMPositionBuilderAtEnd(ir->builder, block);
	LLVMBuildRet(ir->builder, address);
}

static LLVMBasicBlockRef append_block(struct chooser *chooser)
{
	return LLVMAppendBasicBlockInContext(chooser->addresses->ir->context, chooser->function,
					     "");
}

/* Adds a case for one address to the switch. */
static bool add_case(struct chooser *chooser, const struct ebcc_ir_slot *slot, uint64_t number)
{
	struct ebcc_ir *ir = chooser->addresses->ir;
	LLVMBasicBlockRef block;

	if (ebcc_ir_values_get(&chooser->seen, slot->address))
		return true;
	if (!ebcc_ir_values_set(&chooser->seen, slot->address, 1)) {
		ebcc_ir_no_memory(ir);
		return false;
	}
	if (++chooser->case_count > MAX_CASES)
		return true;
	block = append_block(chooser);
	if (!chooser->first_case)
		chooser->first_case = block;
	return_from(ir, block, ebcc_ir_as_pointer(ir, slot->address));
	LLVMAddCase(chooser->cases, LLVMConstInt(ir->i64, number, false), block);
	return true;
}

static bool add_number(struct chooser *chooser, const struct ebcc_ir_slot *slot)
{
	uint64_t number = number_of(chooser->addresses, slot);

	if (!number) {
		chooser->null = true;
		return true;
	}
	if (number >= FIRST_OTHER || chooser->each)
		return add_case(chooser, slot, number);
	if (number > chooser->largest)
		chooser->largest = number;
	return true;
}

static bool add_numbers(struct chooser *chooser, const struct ebcc_ir_choice *choice)
{
	const struct ebcc_ir_addresses *addresses = chooser->addresses;

	for (size_t i = 0; i < addresses->holder_count; i++) {
		const struct ebcc_ir_holder *holder = &addresses->holders[i];

		if (!(choice->classes >> holder->class & 1))
			continue;
		for (size_t j = 0; j < holder->slot_count; j++)
			if (ebcc_ir_slot_is_at(&holder->slots[j], choice->at, choice->step) &&
			    !add_number(chooser, &holder->slots[j]))
				return false;
	}
	return true;
}

/* Builds the default branch of the switch: the number is an offset, or 0. Other numbers can't
 * occur, but the verifier follows that path too, so they give a valid address. */
static void build_otherwise(struct chooser *chooser, LLVMBasicBlockRef block)
{
	struct ebcc_ir *ir = chooser->addresses->ir;
	LLVMValueRef zero = LLVMConstNull(ir->i64), bounded, too_large, address;

	if (!chooser->largest && chooser->first_case && !chooser->null) {
		LLVMPositionBuilderAtEnd(ir->builder, block);
		LLVMBuildBr(ir->builder, chooser->first_case);
		return;
	}
	if (!chooser->largest) {
		return_from(ir, block, LLVMConstNull(ir->pointer));
		return;
	}
	if (chooser->null) {
		LLVMBasicBlockRef null = append_block(chooser), next = append_block(chooser);

		LLVMPositionBuilderAtEnd(ir->builder, block);
		LLVMBuildCondBr(ir->builder,
				LLVMBuildICmp(ir->builder, LLVMIntEQ, chooser->number, zero, ""),
				null, next);
		return_from(ir, null, LLVMConstNull(ir->pointer));
		block = next;
	}
	LLVMPositionBuilderAtEnd(ir->builder, block);
	too_large = LLVMBuildICmp(ir->builder, LLVMIntUGT, chooser->number,
				  LLVMConstInt(ir->i64, chooser->largest, false), "");
	bounded = LLVMBuildSelect(ir->builder, too_large, zero, chooser->number, "");
	address = LLVMBuildInBoundsGEP2(ir->builder, ir->i8, chooser->addresses->whole, &bounded, 1,
					"");
	LLVMBuildRet(ir->builder, address);
}

static void set_attributes(struct ebcc_ir *ir, LLVMValueRef function)
{
	/* "memory" with the value 0: accesses no memory. */
	static const char *const names[] = {"noinline", "nounwind", "willreturn", "memory"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		LLVMAddAttributeAtIndex(
			function, LLVMAttributeFunctionIndex,
			LLVMCreateEnumAttribute(
				ir->context,
				LLVMGetEnumAttributeKindForName(names[i], strlen(names[i])), 0));
}

static LLVMValueRef build_function(struct ebcc_ir_addresses *addresses,
				   const struct ebcc_ir_choice *choice, LLVMValueRef use)
{
	struct ebcc_ir *ir = addresses->ir;
	LLVMBuilderRef builder = ir->builder;
	struct chooser chooser = {.addresses = addresses, .each = choice->each};
	LLVMBasicBlockRef entry, otherwise;
	bool ok;

	chooser.function = LLVMAddFunction(ir->module, EBCC_IR_ADDRESS_FUNCTION,
					   LLVMFunctionType(ir->pointer, &ir->i64, 1, false));
	chooser.number = LLVMGetParam(chooser.function, 0);
	LLVMSetLinkage(chooser.function, LLVMInternalLinkage);
	set_attributes(ir, chooser.function);
	entry = append_block(&chooser);
	otherwise = append_block(&chooser);
	ir->builder = LLVMCreateBuilderInContext(ir->context);
	LLVMPositionBuilderAtEnd(ir->builder, entry);
	chooser.cases = LLVMBuildSwitch(ir->builder, chooser.number, otherwise, 0);
	ok = add_numbers(&chooser, choice);
	build_otherwise(&chooser, otherwise);
	LLVMDisposeBuilder(ir->builder);
	ir->builder = builder;
	ebcc_ir_values_deinit(&chooser.seen);
	if (ok && chooser.case_count > MAX_CASES) {
		ebcc_ir_report_at(
			ir, EBCC_CC_ERROR, use,
			"this may be one of %zu addresses, but a program can choose among "
			"at most %d that aren't addresses of constants: use an index "
			"into an array instead",
			chooser.case_count, MAX_CASES);
		ok = false;
	}
	return ok ? chooser.function : NULL;
}

static bool is_same_choice(const struct ebcc_ir_choice *a, const struct ebcc_ir_choice *b)
{
	return a->classes == b->classes && a->step == b->step && a->at == b->at &&
	       a->each == b->each;
}

static LLVMValueRef function_for(struct ebcc_ir_addresses *addresses, struct ebcc_ir_choice *choice,
				 LLVMValueRef use)
{
	struct ebcc_ir_choice *choices;

	for (size_t i = 0; i < addresses->choice_count; i++)
		if (is_same_choice(&addresses->choices[i], choice))
			return addresses->choices[i].function;
	choices = reallocarray(addresses->choices, addresses->choice_count + 1, sizeof(*choices));
	if (!choices) {
		ebcc_ir_no_memory(addresses->ir);
		return NULL;
	}
	addresses->choices = choices;
	choice->function = build_function(addresses, choice, use);
	choices[addresses->choice_count++] = *choice;
	return choice->function;
}

LLVMValueRef ebcc_ir_build_address(struct ebcc_ir_addresses *addresses, LLVMValueRef number,
				   struct ebcc_ir_choice choice, LLVMValueRef use)
{
	LLVMValueRef function = function_for(addresses, &choice, use);

	if (!function)
		return NULL;
	return LLVMBuildCall2(addresses->ir->builder, LLVMGlobalGetValueType(function), function,
			      &number, 1, "");
}

/* A type with its pointers replaced by integers. */
static LLVMTypeRef encoded_type(struct ebcc_ir *ir, LLVMTypeRef type)
{
	unsigned count = element_count(type);
	LLVMTypeRef *elements AUTO_FREE = NULL, result = type;

	if (!holds_pointers(type))
		return type;
	if (LLVMGetTypeKind(type) == LLVMPointerTypeKind)
		return ir->i64;
	if (LLVMGetTypeKind(type) == LLVMArrayTypeKind)
		return LLVMArrayType2(encoded_type(ir, LLVMGetElementType(type)), count);
	elements = calloc(count, sizeof(*elements));
	if (!elements) {
		ebcc_ir_no_memory(ir);
		return type;
	}
	for (unsigned i = 0; i < count; i++)
		elements[i] = encoded_type(ir, LLVMStructGetTypeAtIndex(type, i));
	result = LLVMStructTypeInContext(ir->context, elements, count, LLVMIsPackedStruct(type));
	return result;
}

static LLVMValueRef encode(struct ebcc_ir_addresses *addresses, LLVMValueRef value);

static LLVMValueRef encode_elements(struct ebcc_ir_addresses *addresses, LLVMValueRef value,
				    unsigned count)
{
	struct ebcc_ir *ir = addresses->ir;
	LLVMTypeRef type = LLVMTypeOf(value);
	LLVMValueRef *elements AUTO_FREE = calloc(count ? count : 1, sizeof(*elements));

	if (!elements) {
		ebcc_ir_no_memory(ir);
		return LLVMConstNull(encoded_type(ir, type));
	}
	for (unsigned i = 0; i < count; i++)
		elements[i] = encode(addresses, LLVMGetAggregateElement(value, i));
	if (LLVMGetTypeKind(type) == LLVMArrayTypeKind)
		return LLVMConstArray2(encoded_type(ir, LLVMGetElementType(type)), elements, count);
	if (!holds_pointers(type) && LLVMGetStructName(type))
		return LLVMConstNamedStruct(type, elements, count);
	return LLVMConstStructInContext(ir->context, elements, count, LLVMIsPackedStruct(type));
}

static LLVMValueRef encode(struct ebcc_ir_addresses *addresses, LLVMValueRef value)
{
	struct ebcc_ir *ir = addresses->ir;
	LLVMTypeRef type = LLVMTypeOf(value);
	struct ebcc_ir_slot slot = {.address = value};

	if (LLVMIsNull(value) || LLVMIsUndef(value))
		return LLVMConstNull(encoded_type(ir, type));
	if (is_plain(value))
		return value;
	if (is_aggregate(type))
		return encode_elements(addresses, value, element_count(type));
	if (LLVMGetTypeKind(type) != LLVMPointerTypeKind && !LLVMIsAConstantExpr(value))
		return value;
	resolve(ir, value, &slot.base, &slot.addend);
	return LLVMConstInt(ir->i64, number_of(addresses, &slot), false);
}

/* Replaces a global by one that has the same properties except for the value. */
static LLVMValueRef replace_global(struct ebcc_ir *ir, LLVMValueRef old, LLVMValueRef value)
{
	LLVMValueRef new = LLVMAddGlobal(ir->module, LLVMTypeOf(value), "");
	LLVMValueMetadataEntry *entries;
	char *name AUTO_FREE = strdup(ebcc_ir_name(old));
	size_t count;

	if (!name) {
		ebcc_ir_no_memory(ir);
		return new;
	}
	LLVMSetInitializer(new, value);
	LLVMSetGlobalConstant(new, LLVMIsGlobalConstant(old));
	LLVMSetLinkage(new, LLVMGetLinkage(old));
	LLVMSetVisibility(new, LLVMGetVisibility(old));
	LLVMSetUnnamedAddress(new, LLVMGetUnnamedAddress(old));
	LLVMSetAlignment(new, alignment_of(ir, old));
	if (ebcc_ir_has_section(old))
		LLVMSetSection(new, LLVMGetSection(old));
	entries = LLVMGlobalCopyAllMetadata(old, &count);
	for (size_t i = 0; i < count; i++)
		LLVMGlobalSetMetadata(new, LLVMValueMetadataEntriesGetKind(entries, i),
				      LLVMValueMetadataEntriesGetMetadata(entries, i));
	LLVMDisposeValueMetadataEntries(entries);
	LLVMReplaceAllUsesWith(old, new);
	LLVMDeleteGlobal(old);
	LLVMSetValueName2(new, name, strlen(name));
	return new;
}

static void push_gap(struct ebcc_ir *ir, struct ebcc_ir_list *parts, uint64_t size)
{
	if (!ebcc_ir_list_push(parts, LLVMConstNull(LLVMArrayType2(ir->i8, size))))
		ebcc_ir_no_memory(ir);
}

/* All merged constants as one packed struct with explicit gaps. NULL if there are none. */
static LLVMValueRef encode_whole(struct ebcc_ir_addresses *addresses)
{
	struct ebcc_ir *ir = addresses->ir;
	struct ebcc_ir_list parts __attribute__((cleanup(ebcc_ir_list_deinit))) = {0};
	uint64_t at = 0;

	if (!addresses->merged.count)
		return NULL;
	for (size_t i = 0; i < addresses->merged.count; i++) {
		LLVMValueRef part = addresses->merged.items[i];

		push_gap(ir, &parts, addresses->merged_at[i] - at);
		if (!ebcc_ir_list_push(&parts, encode(addresses, LLVMGetInitializer(part))))
			ebcc_ir_no_memory(ir);
		at = addresses->merged_at[i] +
		     LLVMABISizeOfType(ir->layout, LLVMGlobalGetValueType(part));
	}
	push_gap(ir, &parts, WHOLE_BEYOND);
	if (ir->failed)
		return NULL;
	return LLVMConstStructInContext(ir->context, parts.items, parts.count, true);
}

static void define_whole(struct ebcc_ir_addresses *addresses, LLVMValueRef value)
{
	struct ebcc_ir *ir = addresses->ir;
	uint64_t alignment = EBCC_ADDRESS_SIZE;

	if (!value) {
		LLVMDeleteGlobal(addresses->whole);
		return;
	}
	for (size_t i = 0; i < addresses->merged.count; i++)
		if (alignment_of(ir, addresses->merged.items[i]) > alignment)
			alignment = alignment_of(ir, addresses->merged.items[i]);
	LLVMSetAlignment(addresses->whole, alignment);
	LLVMSetGlobalConstant(addresses->whole, true);
	LLVMSetLinkage(addresses->whole, LLVMInternalLinkage);
	addresses->whole = replace_global(ir, addresses->whole, value);
}

static void replace_merged(struct ebcc_ir_addresses *addresses)
{
	struct ebcc_ir *ir = addresses->ir;

	for (size_t i = 0; i < addresses->merged.count; i++) {
		LLVMValueRef offset = LLVMConstInt(ir->i64, addresses->merged_at[i], false);

		LLVMReplaceAllUsesWith(addresses->merged.items[i],
				       LLVMConstInBoundsGEP2(ir->i8, addresses->whole, &offset, 1));
		LLVMDeleteGlobal(addresses->merged.items[i]);
	}
}

/* Gives a variable its encoded value. If nothing writes to it, it is constant from now on. */
static void replace_holder(struct ebcc_ir_addresses *addresses, const struct ebcc_ir_holder *holder,
			   LLVMValueRef value)
{
	struct ebcc_ir *ir = addresses->ir;
	LLVMValueRef global;

	if (ebcc_ir_values_get(&addresses->merged_of, holder->global))
		return;
	global = replace_global(ir, holder->global, value);
	if (!(addresses->written >> holder->class & 1) && !ebcc_ir_has_section(global))
		LLVMSetGlobalConstant(global, true);
}

/*
 * All values are encoded first, because replacing a variable changes the addresses in the values of
 * others, and the numbers are found by those addresses. The whole is placed after the variables:
 * old verifiers lose some precision on bounded indexes, and an access that they believe to be past
 * a table then still falls on valid data.
 */
void ebcc_ir_addresses_encode(struct ebcc_ir_addresses *addresses)
{
	struct ebcc_ir *ir = addresses->ir;
	LLVMValueRef *values AUTO_FREE = calloc(addresses->holder_count, sizeof(*values));
	LLVMValueRef whole;

	if (!values) {
		ebcc_ir_no_memory(ir);
		return;
	}
	for (size_t i = 0; i < addresses->holder_count; i++)
		values[i] = encode(addresses, LLVMGetInitializer(addresses->holders[i].global));
	whole = encode_whole(addresses);
	for (size_t i = 0; i < addresses->holder_count && !ir->failed; i++)
		replace_holder(addresses, &addresses->holders[i], values[i]);
	if (ir->failed)
		return;
	define_whole(addresses, whole);
	replace_merged(addresses);
}
