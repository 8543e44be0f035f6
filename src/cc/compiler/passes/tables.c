// SPDX-License-Identifier: Apache-2.0
/*
 * Finds where a program reads addresses from data: tables of strings, structs with pointers in
 * them, initialized pointers. addresses.c describes how they are replaced by numbers. This pass
 * reports an error for any use that it can't follow, because the program would see a number there.
 *
 * For every value it keeps a place: which variables that hold addresses it may point into (by
 * class), and where in them, as an offset plus or minus any multiple of a step. So in
 *
 *	static const struct { int id; const char *name; } table[] = {{1, "one"}, {2, "two"}};
 *
 * `&table[i]` is at 0 with a step of 16, and `&table[i].name` at 8 with the same step. A load from
 * the latter reads an address at every possible place, a load of `table[i].id` at none, and a copy
 * of 16 bytes from `&table[i]` contains one address, 8 bytes after its beginning. The pass repeats
 * until nothing changes; places only ever grow.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/passes/addresses.h"

/* How many casts and choices an address is followed through on its way to a helper. */
enum { MAX_HOPS = 4 };

struct place {
	uint64_t classes; /* 0: points to no such variable */
	int64_t at;
	uint64_t step; /* 0: exactly there */
	bool mixed;    /* or it may point elsewhere */
};

/* A load of an address, or a copy of memory with addresses in it. */
struct site {
	LLVMValueRef instruction;
	unsigned from; /* which operand leads there: what that is changes as sites are rewritten */
	bool is_copy;  /* to where operand 0 leads */
	struct place place;
	uint64_t size;
};

struct tables {
	struct ebcc_ir *ir;
	struct ebcc_ir_addresses addresses;
	struct ebcc_ir_values place_of; /* number in places, from 1 */
	struct place *places;
	size_t place_count, place_capacity;
	bool changed;
	bool settled; /* values without a place are known to have none */
	struct site *sites;
	size_t site_count, site_capacity;
};

enum coverage { NOTHING, ADDRESS, PART };

static struct place join_places(struct place a, struct place b)
{
	struct place result = a.classes ? a : b;

	result.mixed = a.mixed || b.mixed;
	if (!a.classes || !b.classes)
		return result;
	result.classes |= b.classes;
	result.step = ebcc_ir_gcd(a.step, b.step);
	result.step = ebcc_ir_gcd(result.step, a.at < b.at ? b.at - a.at : a.at - b.at);
	if (result.step)
		result.at = ((a.at % (int64_t)result.step) + (int64_t)result.step) %
			    (int64_t)result.step;
	return result;
}

static bool is_same_place(struct place a, struct place b)
{
	return a.classes == b.classes && a.at == b.at && a.step == b.step && a.mixed == b.mixed;
}

static struct place place_after_gep(const struct tables *tables, struct place place,
				    LLVMValueRef gep)
{
	if (!place.classes)
		return place;
	if (!ebcc_ir_gep_terms(tables->ir, gep, &place.at, &place.step))
		place.step = 1;
	return join_places(place, place);
}

static struct place place_of(const struct tables *tables, LLVMValueRef value)
{
	const struct ebcc_ir_holder *holder = ebcc_ir_holder_of(&tables->addresses, value);
	unsigned number;

	if (holder)
		return (struct place){.classes = 1ULL << holder->class};
	if (LLVMIsAConstantExpr(value) && LLVMGetConstOpcode(value) == LLVMGetElementPtr)
		return place_after_gep(tables, place_of(tables, LLVMGetOperand(value, 0)), value);
	number = ebcc_ir_values_get(&tables->place_of, value);
	return number ? tables->places[number - 1] : (struct place){0};
}

/* Whether a value is null or undefined, so that it may be an alternative to any place. */
static bool is_nowhere(LLVMValueRef value)
{
	return LLVMIsConstant(value) && (LLVMIsNull(value) || LLVMIsUndef(value));
}

static struct place choice_of(const struct tables *tables, struct place sum, LLVMValueRef value)
{
	struct place place = place_of(tables, value);

	if (!place.classes && tables->settled && !is_nowhere(value))
		sum.mixed = true;
	return join_places(sum, place);
}

/* How many offsets in a holder a place may refer to, counting those where an address fits. */
static uint64_t count_places(const struct ebcc_ir_holder *holder, struct place place)
{
	int64_t first = place.at, step = place.step;
	int64_t last = (int64_t)holder->size - EBCC_ADDRESS_SIZE;

	if (!step)
		return first >= 0 && first <= last;
	first = ((first % step) + step) % step;
	return first > last ? 0 : (last - first) / step + 1;
}

/* How much of a holder's addresses the @size bytes at a place contain. */
static enum coverage coverage_in(const struct ebcc_ir_holder *holder, struct place place,
				 uint64_t size, bool *some_plain)
{
	uint64_t exact = 0, places = count_places(holder, place);
	bool touched = false;

	for (size_t i = 0; i < holder->slot_count; i++) {
		int64_t distance = (int64_t)holder->slots[i].offset - place.at;
		int64_t step = place.step;

		exact += ebcc_ir_slot_is_at(&holder->slots[i], place.at, place.step);
		if (step) {
			distance = ((distance % step) + step) % step;
			touched |= distance < (int64_t)size || distance + EBCC_ADDRESS_SIZE > step;
		} else {
			touched |= distance < (int64_t)size && distance > -EBCC_ADDRESS_SIZE;
		}
	}
	if (!touched) {
		*some_plain |= places > 0;
		return NOTHING;
	}
	return size == EBCC_ADDRESS_SIZE && exact == places && exact &&
			       (!place.step || place.step >= EBCC_ADDRESS_SIZE)
		       ? ADDRESS
		       : PART;
}

/* ADDRESS: there is exactly one address at the place, whichever variable it is in. */
static enum coverage coverage(const struct tables *tables, struct place place, uint64_t size)
{
	enum coverage result = NOTHING;
	bool some_plain = false;

	for (size_t i = 0; i < tables->addresses.holder_count; i++) {
		const struct ebcc_ir_holder *holder = &tables->addresses.holders[i];
		enum coverage here;

		if (!(place.classes >> holder->class & 1))
			continue;
		here = coverage_in(holder, place, size, &some_plain);
		if (here > result)
			result = here;
	}
	return result == ADDRESS && some_plain ? PART : result;
}

/* The place that an address loaded from @from points to. */
static struct place loaded_place(const struct tables *tables, struct place from)
{
	struct place result = {0};
	bool elsewhere = from.mixed;

	for (size_t i = 0; from.classes && i < tables->addresses.holder_count; i++) {
		const struct ebcc_ir_holder *holder = &tables->addresses.holders[i];

		if (!(from.classes >> holder->class & 1))
			continue;
		for (size_t j = 0; j < holder->slot_count; j++) {
			const struct ebcc_ir_slot *slot = &holder->slots[j];
			struct place target;

			if (!slot->base || !ebcc_ir_slot_is_at(slot, from.at, from.step))
				continue;
			target = place_of(tables, slot->base);
			target.at = slot->addend;
			elsewhere |= !target.classes;
			result = join_places(result, target);
		}
	}
	result.mixed |= result.classes && elsewhere;
	return result;
}

static struct place phi_place(const struct tables *tables, LLVMValueRef phi)
{
	struct place result = {0};

	for (unsigned i = 0; i < LLVMCountIncoming(phi); i++)
		result = choice_of(tables, result, LLVMGetIncomingValue(phi, i));
	return result;
}

static struct place compute_place(const struct tables *tables, LLVMValueRef instruction)
{
	struct place result = {0};

	switch (LLVMGetInstructionOpcode(instruction)) {
	case LLVMGetElementPtr:
		return place_after_gep(tables, place_of(tables, LLVMGetOperand(instruction, 0)),
				       instruction);
	case LLVMPHI:
		result = phi_place(tables, instruction);
		break;
	case LLVMSelect:
		result = choice_of(tables, result, LLVMGetOperand(instruction, 1));
		result = choice_of(tables, result, LLVMGetOperand(instruction, 2));
		break;
	case LLVMFreeze:
	case LLVMBitCast:
	case LLVMAddrSpaceCast:
		return place_of(tables, LLVMGetOperand(instruction, 0));
	case LLVMLoad:
		if (LLVMGetTypeKind(LLVMTypeOf(instruction)) == LLVMPointerTypeKind)
			return loaded_place(tables,
					    place_of(tables, LLVMGetOperand(instruction, 0)));
		break;
	default:
		break;
	}
	return result.classes ? result : (struct place){0};
}

static bool add_place(struct tables *tables, LLVMValueRef instruction, struct place place)
{
	if (tables->place_count == tables->place_capacity) {
		size_t capacity = tables->place_capacity ? tables->place_capacity * 2 : 64;
		struct place *places = reallocarray(tables->places, capacity, sizeof(*places));

		if (!places)
			return false;
		tables->places = places;
		tables->place_capacity = capacity;
	}
	tables->places[tables->place_count++] = place;
	return ebcc_ir_values_set(&tables->place_of, instruction, tables->place_count);
}

static void update_place(struct tables *tables, LLVMValueRef instruction)
{
	struct place place = compute_place(tables, instruction);
	unsigned number = ebcc_ir_values_get(&tables->place_of, instruction);

	if (!place.classes)
		return;
	if (!number) {
		tables->changed = true;
		if (!add_place(tables, instruction, place))
			ebcc_ir_no_memory(tables->ir);
		return;
	}
	place = join_places(tables->places[number - 1], place);
	if (is_same_place(place, tables->places[number - 1]))
		return;
	tables->places[number - 1] = place;
	tables->changed = true;
}

static void for_all_instructions(struct tables *tables,
				 void (*visit)(struct tables *tables, LLVMValueRef instruction))
{
	for (LLVMValueRef function = LLVMGetFirstFunction(tables->ir->module); function;
	     function = LLVMGetNextFunction(function))
		for_each_block (block, function)
			for_each_instruction (instruction, block)
				visit(tables, instruction);
}

static void find_places(struct tables *tables)
{
	do {
		tables->changed = false;
		for_all_instructions(tables, update_place);
		if (!tables->changed && !tables->settled)
			tables->changed = tables->settled = true;
	} while (tables->changed && !tables->ir->failed);
}

/* The name of a variable in the source. */
static const char *source_name(LLVMValueRef global)
{
	const char *name = ebcc_ir_name(global), *dot = strrchr(name, '.');

	if (ebcc_ir_after_prefix(name, "switch.table"))
		return "a table that the compiler made from a switch";
	return dot && dot[1] ? dot + 1 : name;
}

static const char *name_at(const struct tables *tables, struct place place)
{
	for (size_t i = 0; i < tables->addresses.holder_count; i++)
		if (place.classes >> tables->addresses.holders[i].class & 1)
			return source_name(tables->addresses.holders[i].global);
	return "";
}

static void refuse_use(struct tables *tables, LLVMValueRef instruction, struct place place)
{
	ebcc_ir_report_at(tables->ir, EBCC_CC_ERROR, instruction,
			  "'%s' contains addresses, which only loads, and copies of a constant "
			  "size, in the program itself can read: copy what you need into a local "
			  "variable, and use that here",
			  name_at(tables, place));
}

/* An address that is copied, or loaded as an integer, is not followed any further. If it points to
 * data with addresses, the program would find numbers there. */
static bool refuse_further(struct tables *tables, LLVMValueRef instruction, struct place place)
{
	if (!loaded_place(tables, place).classes)
		return false;
	ebcc_ir_report_at(tables->ir, EBCC_CC_ERROR, instruction,
			  "'%s' contains addresses of data that contains addresses itself, which "
			  "can't be followed through a copy: read what you need from the original, "
			  "member by member",
			  name_at(tables, place));
	return true;
}

/* Addresses that are stored at run time can't be numbers, but the initial ones would be. */
static void refuse_store(struct tables *tables, LLVMValueRef instruction, struct place place)
{
	for (size_t i = 0; i < tables->addresses.holder_count; i++) {
		LLVMValueRef global = tables->addresses.holders[i].global;

		if (!(place.classes >> tables->addresses.holders[i].class & 1))
			continue;
		ebcc_ir_report_at(tables->ir, EBCC_CC_ERROR,
				  LLVMGetDebugLocLine(global) ? global : instruction,
				  "'%s' is initialized with an address and changed by a program, "
				  "but BPF data can't hold addresses when it is loaded: make the "
				  "variable const, or initialize it with NULL and assign the "
				  "address in a program",
				  source_name(global));
		return;
	}
}

static void add_site(struct tables *tables, struct site site)
{
	struct ebcc_ir *ir = tables->ir;

	if (site.place.mixed) {
		ebcc_ir_report_at(ir, EBCC_CC_ERROR, site.instruction,
				  "this pointer may point into '%s', which contains addresses, or "
				  "elsewhere, and the compiler must know which: read from each in "
				  "a statement of its own",
				  name_at(tables, site.place));
		return;
	}
	if (tables->site_count == tables->site_capacity) {
		size_t capacity = tables->site_capacity ? tables->site_capacity * 2 : 64;
		struct site *sites = reallocarray(tables->sites, capacity, sizeof(*sites));

		if (!sites) {
			ebcc_ir_no_memory(ir);
			return;
		}
		tables->sites = sites;
		tables->site_capacity = capacity;
	}
	tables->sites[tables->site_count++] = site;
}

/* Reports reading the address of a function. */
static bool refuse_functions(struct tables *tables, LLVMValueRef instruction, struct place place)
{
	for (size_t i = 0; i < tables->addresses.holder_count; i++) {
		const struct ebcc_ir_holder *holder = &tables->addresses.holders[i];

		if (!(place.classes >> holder->class & 1))
			continue;
		for (size_t j = 0; j < holder->slot_count; j++) {
			const struct ebcc_ir_slot *slot = &holder->slots[j];

			if (!slot->base || !LLVMIsAFunction(slot->base) ||
			    !ebcc_ir_slot_is_at(slot, place.at, place.step))
				continue;
			ebcc_ir_report_at(tables->ir, EBCC_CC_ERROR, instruction,
					  "'%s' holds the address of the function '%s', and a BPF "
					  "program can't call a function whose address it reads "
					  "from memory: choose with a switch, and call each "
					  "function by name",
					  source_name(holder->global), ebcc_ir_name(slot->base));
			return true;
		}
	}
	return false;
}

static void check_load(struct tables *tables, LLVMValueRef load, struct place place)
{
	LLVMTypeRef type = LLVMTypeOf(load);
	LLVMTypeKind kind = LLVMGetTypeKind(type);
	uint64_t size = LLVMStoreSizeOfType(tables->ir->layout, type);
	enum coverage covered = coverage(tables, place, size);

	if (covered == NOTHING)
		return;
	if (covered == PART || (kind != LLVMPointerTypeKind && kind != LLVMIntegerTypeKind)) {
		refuse_use(tables, load, place);
		return;
	}
	if (kind == LLVMIntegerTypeKind && refuse_further(tables, load, place))
		return;
	if (!refuse_functions(tables, load, place))
		add_site(tables, (struct site){
					 .instruction = load,
					 .place = place,
					 .size = size,
				 });
}

static void check_store(struct tables *tables, LLVMValueRef instruction, struct place place,
			uint64_t size)
{
	if (coverage(tables, place, size) != NOTHING)
		refuse_store(tables, instruction, place);
	tables->addresses.written |= place.classes;
}

static struct place at_distance(struct place place, uint64_t distance)
{
	place.at += distance;
	return join_places(place, place);
}

/* A copy of memory must contain each address as a whole. */
static void check_copy(struct tables *tables, LLVMValueRef copy, struct place place, unsigned from,
		       LLVMValueRef size)
{
	uint64_t bytes = LLVMIsAConstantInt(size) ? LLVMConstIntGetZExtValue(size) : 0;
	bool some = false;

	if (!LLVMIsAConstantInt(size)) {
		refuse_use(tables, copy, place);
		return;
	}
	for (uint64_t i = 0; i < bytes; i++) {
		if (coverage(tables, at_distance(place, i), 1) == NOTHING)
			continue;
		if (bytes - i < EBCC_ADDRESS_SIZE ||
		    coverage(tables, at_distance(place, i), EBCC_ADDRESS_SIZE) != ADDRESS) {
			refuse_use(tables, copy, place);
			return;
		}
		if (refuse_functions(tables, copy, at_distance(place, i)) ||
		    refuse_further(tables, copy, at_distance(place, i)))
			return;
		some = true;
		i += EBCC_ADDRESS_SIZE - 1;
	}
	if (some)
		add_site(tables, (struct site){.instruction = copy,
					       .from = from,
					       .is_copy = true,
					       .place = place,
					       .size = bytes});
}

static bool is_mem_intrinsic(const struct ebcc_ir *ir, LLVMValueRef call)
{
	return ebcc_ir_is_intrinsic(ir, call, EBCC_IR_MEMCPY) ||
	       ebcc_ir_is_intrinsic(ir, call, EBCC_IR_MEMCPY_INLINE) ||
	       ebcc_ir_is_intrinsic(ir, call, EBCC_IR_MEMMOVE) ||
	       ebcc_ir_is_intrinsic(ir, call, EBCC_IR_MEMSET);
}

static bool is_probe_read(LLVMValueRef call)
{
	unsigned helper = ebcc_ir_helper_number(call);

	return helper == BPF_FUNC_probe_read || helper == BPF_FUNC_probe_read_kernel;
}

static bool is_comparison(LLVMValueRef call)
{
	LLVMValueRef callee = ebcc_ir_callee(call);
	const char *name = callee ? ebcc_ir_name(callee) : "";

	return (!strcmp(name, "memcmp") || !strcmp(name, "bcmp")) &&
	       LLVMGetNumArgOperands(call) == 3;
}

static void check_call(struct tables *tables, LLVMValueRef call, unsigned index, struct place place)
{
	struct ebcc_ir *ir = tables->ir;
	LLVMValueRef size = LLVMGetNumArgOperands(call) > 2 ? LLVMGetOperand(call, 2) : NULL;
	uint64_t bytes =
		size && LLVMIsAConstantInt(size) ? LLVMConstIntGetZExtValue(size) : INT32_MAX;

	if (ebcc_ir_is_intrinsic(ir, call, EBCC_IR_LIFETIME_START) ||
	    ebcc_ir_is_intrinsic(ir, call, EBCC_IR_LIFETIME_END))
		return;
	if (is_mem_intrinsic(ir, call) && index == 1)
		check_copy(tables, call, place, index, size);
	else if (is_mem_intrinsic(ir, call) && index == 0)
		check_store(tables, call, place, bytes);
	else if (is_probe_read(call) && index == 2)
		check_copy(tables, call, place, index, LLVMGetOperand(call, 1));
	else if (!is_comparison(call) || coverage(tables, place, bytes) != NOTHING)
		refuse_use(tables, call, place);
}

/* Whether an address converted to an integer is only compared, or subtracted from another. */
static bool is_only_compared(LLVMValueRef number)
{
	for_each_use (use, number) {
		LLVMValueRef user = LLVMGetUser(use);

		if (!LLVMIsAICmpInst(user) &&
		    !(LLVMIsABinaryOperator(user) && LLVMGetInstructionOpcode(user) == LLVMSub))
			return false;
	}
	return true;
}

static uint64_t size_of_operand(const struct ebcc_ir *ir, LLVMValueRef instruction, unsigned index)
{
	return LLVMStoreSizeOfType(ir->layout, LLVMTypeOf(LLVMGetOperand(instruction, index)));
}

static void check_use(struct tables *tables, LLVMValueRef instruction, unsigned index,
		      struct place place)
{
	switch (LLVMGetInstructionOpcode(instruction)) {
	case LLVMLoad:
		check_load(tables, instruction, place);
		return;
	case LLVMStore:
		if (index == 1) {
			check_store(tables, instruction, place,
				    size_of_operand(tables->ir, instruction, 0));
			return;
		}
		break;
	case LLVMAtomicRMW:
	case LLVMAtomicCmpXchg:
		if (index == 0) {
			check_store(tables, instruction, place,
				    size_of_operand(tables->ir, instruction, 1));
			return;
		}
		break;
	case LLVMCall:
		check_call(tables, instruction, index, place);
		return;
	case LLVMPtrToInt:
		if (is_only_compared(instruction))
			return;
		break;
	case LLVMICmp:
	case LLVMGetElementPtr:
	case LLVMPHI:
	case LLVMSelect:
	case LLVMFreeze:
	case LLVMBitCast:
	case LLVMAddrSpaceCast:
		return;
	default:
		break;
	}
	refuse_use(tables, instruction, place);
}

/* The holder that a constant expression is computed from, or NULL. */
static LLVMValueRef mentioned_holder(const struct tables *tables, LLVMValueRef value)
{
	if (ebcc_ir_holder_of(&tables->addresses, value))
		return value;
	if (!LLVMIsAConstantExpr(value))
		return NULL;
	for (int i = 0; i < LLVMGetNumOperands(value); i++) {
		LLVMValueRef found = mentioned_holder(tables, LLVMGetOperand(value, i));

		if (found)
			return found;
	}
	return NULL;
}

static void check_instruction(struct tables *tables, LLVMValueRef instruction)
{
	for (int i = 0; i < LLVMGetNumOperands(instruction); i++) {
		LLVMValueRef operand = LLVMGetOperand(instruction, i), holder;
		struct place place = place_of(tables, operand);

		holder = place.classes ? NULL : mentioned_holder(tables, operand);
		if (place.classes)
			check_use(tables, instruction, i, place);
		else if (holder && !LLVMIsAICmpInst(instruction))
			refuse_use(tables, instruction, place_of(tables, holder));
		if (tables->ir->failed)
			return;
	}
}

/* Reports addresses of functions that no instruction reads: they would still be in the object. */
static void check_functions(struct tables *tables)
{
	for (size_t i = 0; i < tables->addresses.holder_count && !tables->ir->failed; i++) {
		const struct ebcc_ir_holder *holder = &tables->addresses.holders[i];

		for (size_t j = 0; j < holder->slot_count; j++) {
			const struct ebcc_ir_slot *slot = &holder->slots[j];

			if (!slot->base || !LLVMIsAFunction(slot->base))
				continue;
			ebcc_ir_report_at(tables->ir, EBCC_CC_ERROR, holder->global,
					  "'%s' holds the address of the function '%s', which BPF "
					  "data can't hold: call functions by name",
					  source_name(holder->global), ebcc_ir_name(slot->base));
			break;
		}
	}
}

/* Whether the value is passed to a helper that requires the address of a constant. */
static bool reaches_string_helper(LLVMValueRef value, unsigned depth)
{
	for_each_use (use, value) {
		LLVMValueRef user = LLVMGetUser(use);
		unsigned helper = ebcc_ir_helper_number(user);
		bool passes = LLVMIsAGetElementPtrInst(user) || LLVMIsAPHINode(user) ||
			      LLVMIsASelectInst(user);

		if ((helper == BPF_FUNC_strncmp || helper == BPF_FUNC_snprintf) &&
		    LLVMGetOperand(user, 2) == value)
			return true;
		if (passes && depth && reaches_string_helper(user, depth - 1))
			return true;
	}
	return false;
}

/* The address at a place if there is only one possible: a constant. Otherwise NULL. */
static LLVMValueRef only_address(const struct tables *tables, struct place place)
{
	LLVMValueRef only = NULL;

	for (size_t i = 0; i < tables->addresses.holder_count; i++) {
		const struct ebcc_ir_holder *holder = &tables->addresses.holders[i];

		if (!(place.classes >> holder->class & 1))
			continue;
		for (size_t j = 0; j < holder->slot_count; j++) {
			const struct ebcc_ir_slot *slot = &holder->slots[j];

			if (!ebcc_ir_slot_is_at(slot, place.at, place.step))
				continue;
			if (!slot->address || (only && only != slot->address))
				return NULL;
			only = slot->address;
		}
	}
	return only;
}

/* Builds the read of an address at a place, before the builder's position. */
static LLVMValueRef build_read(struct tables *tables, LLVMValueRef from, struct place place,
			       bool each, LLVMValueRef use)
{
	struct ebcc_ir *ir = tables->ir;
	LLVMValueRef number = only_address(tables, place);
	struct ebcc_ir_choice choice = {
		.classes = place.classes,
		.step = place.step,
		.at = place.at,
		.each = each,
	};

	if (number)
		return ebcc_ir_as_pointer(ir, number);
	number = LLVMBuildLoad2(ir->builder, ir->i64, from, "");
	return ebcc_ir_build_address(&tables->addresses, number, choice, use);
}

static void rewrite_load(struct tables *tables, const struct site *site)
{
	struct ebcc_ir *ir = tables->ir;
	LLVMValueRef load = site->instruction, address;

	LLVMPositionBuilderBefore(ir->builder, load);
	address = build_read(tables, LLVMGetOperand(load, site->from), site->place,
			     reaches_string_helper(load, MAX_HOPS), load);
	if (!address)
		return;
	if (LLVMGetTypeKind(LLVMTypeOf(load)) == LLVMIntegerTypeKind)
		address = LLVMBuildPtrToInt(ir->builder, address, LLVMTypeOf(load), "");
	ebcc_ir_replace(load, address);
}

/* After the copy, overwrites the numbers by the addresses. */
static void rewrite_copy(struct tables *tables, const struct site *site)
{
	struct ebcc_ir *ir = tables->ir;
	LLVMValueRef from = LLVMGetOperand(site->instruction, site->from);
	LLVMValueRef to = LLVMGetOperand(site->instruction, 0);

	LLVMPositionBuilderBefore(ir->builder, LLVMGetNextInstruction(site->instruction));
	LLVMSetCurrentDebugLocation2(ir->builder, LLVMInstructionGetDebugLoc(site->instruction));
	for (uint64_t i = 0; i + EBCC_ADDRESS_SIZE <= site->size; i++) {
		struct place place = at_distance(site->place, i);
		LLVMValueRef address;

		if (coverage(tables, place, EBCC_ADDRESS_SIZE) != ADDRESS)
			continue;
		address = build_read(tables, ebcc_ir_build_offset(ir, from, i), place, false,
				     site->instruction);
		if (!address)
			return;
		LLVMSetAlignment(
			LLVMBuildStore(ir->builder, address, ebcc_ir_build_offset(ir, to, i)), 1);
	}
}

static void rewrite(struct tables *tables)
{
	if (!ebcc_ir_addresses_number(&tables->addresses))
		return;
	for (size_t i = 0; i < tables->site_count && !tables->ir->failed; i++) {
		if (tables->sites[i].is_copy)
			rewrite_copy(tables, &tables->sites[i]);
		else
			rewrite_load(tables, &tables->sites[i]);
	}
	if (!tables->ir->failed)
		ebcc_ir_addresses_encode(&tables->addresses);
}

/* Whether memory is only read, apart from @copy. */
static bool is_only_read(const struct ebcc_ir *ir, LLVMValueRef pointer, LLVMValueRef copy)
{
	for_each_use (use, pointer) {
		LLVMValueRef user = LLVMGetUser(use);

		if (user == copy || LLVMIsALoadInst(user) || LLVMIsAICmpInst(user) ||
		    ebcc_ir_is_intrinsic(ir, user, EBCC_IR_LIFETIME_START) ||
		    ebcc_ir_is_intrinsic(ir, user, EBCC_IR_LIFETIME_END))
			continue;
		if (ebcc_ir_is_intrinsic(ir, user, EBCC_IR_MEMCPY) &&
		    LLVMGetOperand(user, 1) == pointer && LLVMGetOperand(user, 0) != pointer)
			continue;
		if (!LLVMIsAGetElementPtrInst(user) || LLVMGetOperand(user, 0) != pointer ||
		    !is_only_read(ir, user, copy))
			return false;
	}
	return true;
}

/* The table that a local variable is an unmodified copy of, or NULL. */
static LLVMValueRef original_of(const struct tables *tables, LLVMValueRef copy)
{
	const struct ebcc_ir *ir = tables->ir;
	const struct ebcc_ir_holder *holder;
	LLVMValueRef variable = LLVMGetOperand(copy, 0), size = LLVMGetOperand(copy, 2);

	holder = ebcc_ir_holder_of(&tables->addresses, LLVMGetOperand(copy, 1));
	if (!holder || !LLVMIsGlobalConstant(holder->global) || !LLVMIsAAllocaInst(variable) ||
	    !LLVMIsAConstantInt(size) || LLVMConstIntGetZExtValue(size) != holder->size ||
	    LLVMABISizeOfType(ir->layout, LLVMGetAllocatedType(variable)) != holder->size ||
	    !is_only_read(ir, variable, copy))
		return NULL;
	return holder->global;
}

/* Replaces a local table that is never modified by its original. */
static void use_original(struct tables *tables, LLVMValueRef instruction)
{
	const struct ebcc_ir *ir = tables->ir;
	LLVMValueRef variable, original;

	if (!ebcc_ir_is_intrinsic(ir, instruction, EBCC_IR_MEMCPY))
		return;
	original = original_of(tables, instruction);
	if (!original)
		return;
	variable = LLVMGetOperand(instruction, 0);
	for_each_use (use, variable) {
		LLVMValueRef user = LLVMGetUser(use);

		if (ebcc_ir_is_intrinsic(ir, user, EBCC_IR_LIFETIME_START) ||
		    ebcc_ir_is_intrinsic(ir, user, EBCC_IR_LIFETIME_END))
			LLVMSetOperand(user, 1, LLVMGetUndef(ir->pointer));
	}
	LLVMReplaceAllUsesWith(variable, original);
	LLVMInstructionEraseFromParent(instruction);
}

void ebcc_ir_tables(struct ebcc_ir *ir)
{
	struct tables tables = {.ir = ir};

	if (ebcc_ir_addresses_init(&tables.addresses, ir) && tables.addresses.holder_count) {
		for_all_instructions(&tables, use_original);
		find_places(&tables);
		if (!ir->failed)
			for_all_instructions(&tables, check_instruction);
		check_functions(&tables);
		if (!ir->failed)
			rewrite(&tables);
	}
	ebcc_ir_addresses_deinit(&tables.addresses);
	ebcc_ir_values_deinit(&tables.place_of);
	free(tables.places);
	free(tables.sites);
}

/* After optimization, lets the code that chooses addresses be inlined into the programs. */
void ebcc_ir_open_tables(struct ebcc_ir *ir)
{
	unsigned noinline = LLVMGetEnumAttributeKindForName("noinline", strlen("noinline"));
	unsigned always = LLVMGetEnumAttributeKindForName("alwaysinline", strlen("alwaysinline"));

	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function)) {
		if (!ebcc_ir_after_prefix(ebcc_ir_name(function), EBCC_IR_ADDRESS_FUNCTION))
			continue;
		LLVMRemoveEnumAttributeAtIndex(function, LLVMAttributeFunctionIndex, noinline);
		LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
					LLVMCreateEnumAttribute(ir->context, always, 0));
	}
}
