// SPDX-License-Identifier: Apache-2.0
/*
 * Reads of foreign memory. A tracing program may follow kernel pointers as plain C does, but the
 * verifier lets it load only from memory that it knows: the stack, map values, the context. This
 * pass finds out where each pointer of a program can come from, and turns loads and copies through
 * pointers to other memory into probe reads.
 *
 * An example. The source follows a pointer of the kernel, and one into a map:
 *
 *	BPF_HASH(counts, int, u64);
 *	int trace(struct pt_regs *ctx)
 *	{
 *		struct task_struct *task = (struct task_struct *)bpf_get_current_task();
 *		int parent = task->real_parent->tgid;
 *		u64 *count = counts.lookup(&parent);
 *
 *		if (count)
 *			(*count)++;
 *		return 0;
 *	}
 *
 * When the pass begins, the methods of maps are helper calls (maps.c) and everything is inlined, so
 * all uses of a pointer are in one function. A helper call is a call of its number (35 is
 * bpf_get_current_task(), 1 is bpf_map_lookup_elem()). In the right column are the origins that
 * find_origins() computes for each value, a set of bits of enum origin:
 *
 *	%parent = alloca i32                             OWN
 *	%call = call i64 35()                            FOREIGN: the result of a helper
 *	%0 = inttoptr i64 %call to ptr                   FOREIGN: that of its operand
 *	%real_parent = getelementptr %0, 0, 2            FOREIGN
 *	%1 = load ptr, ptr %real_parent                  FOREIGN: loaded from foreign memory
 *	%tgid = getelementptr %1, 0, 1                   FOREIGN
 *	%2 = load i32, ptr %tgid                         FOREIGN
 *	store i32 %2, ptr %parent
 *	%count = call ptr 1(ptr @counts, ptr %parent)    OWN: see returns_own_memory()
 *	...
 *	%3 = load i64, ptr %count                        UNKNOWN: reloaded from own memory
 *	%inc = add i64 %3, 1                             UNKNOWN
 *	store i64 %inc, ptr %count
 *
 * Then lower_function() looks at the address of every access. needs_probe() is true for the loads
 * from %real_parent and %tgid. It is false for accesses through %count: what matters is the origin
 * of the address, not that of the value loaded. Stores to %parent and %count stay as they are. The
 * two loads become
 *
 *	%slot = alloca ptr
 *	call 4(ptr %slot, i32 8, ptr %real_parent)       bpf_probe_read()
 *	%2 = load ptr, ptr %slot
 *	...
 *	call 4(ptr %slot3, i32 4, ptr %tgid)
 *	%4 = load i32, ptr %slot3
 *
 * with lifetime markers around each slot, so that slots can share their place on the stack. If a
 * probe read fails, the kernel sets the slot to 0.
 *
 * How origins are found. Each instruction's origins are computed from those of its operands
 * (compute_origins()). They only ever grow: an instruction is computed again only if one of its
 * operands got a new bit, so the time is linear in the size of the program. Integers have origins
 * too, as addresses are often computed. A choice (phi, select) has the origins of all alternatives.
 * A pointer made from a number without any origin is an address in the kernel, hence FOREIGN.
 *
 * UNKNOWN is for values that the program has stored in its own memory, such as a pointer in a map.
 * It may be a pointer to that memory again. A load through it becomes a probe read, which can read
 * anything. A store through it is left to the verifier, while one through a pointer that can only
 * be FOREIGN is an error at its line.
 *
 * What is foreign depends on the kind of program, by the type of its context (lower_reads()):
 *
 * - Tracing programs: everything that is loaded from the context, and what helpers return.
 * - Programs on packets (__sk_buff, xdp_md and so on) follow their context's pointers as the
 *   verifier allows. Only pointers reached from the current task are foreign.
 * - Programs whose arguments the kernel describes by BTF (fentry, LSM, iterators): what is reached
 *   from an argument is TYPED, and the verifier itself follows it by type. What helpers return is
 *   foreign. There is much that the verifier doesn't follow: pointers to plain numbers, members of
 *   unions, elements with a variable index. The second pipeline therefore turns loads through TYPED
 *   pointers into probe reads too, except loads of a pointer that is passed to a helper: most
 *   helpers need one whose type the verifier knows.
 */
#include <stdio.h>
#include <string.h>

#include "base/kinds.h"
#include "compiler/passes/helper_numbers.h"
#include "compiler/passes/util.h"

enum origin {
	OWN = 1 << 0,	  /* stack, globals, map values, reserved records */
	CONTEXT = 1 << 1, /* the program's context */
	FOREIGN = 1 << 2, /* memory of the kernel or of a traced process */
	UNKNOWN = 1 << 3, /* reloaded from own memory */
	TYPED = 1 << 4,	  /* reached from a BTF-typed argument; the verifier knows its type */
};

/* How many casts and choices a pointer is followed through on its way to a helper. */
enum { MAX_HOPS = 4 };

struct reads {
	struct ebcc_ir *ir;
	LLVMValueRef function;
	LLVMValueRef context;  /* the first parameter of a program, NULL for a callback */
	bool packets;	       /* only what is reached from the current task is foreign */
	bool typed;	       /* the context is BTF-typed */
	bool probe_typed;      /* loads through TYPED pointers become probe reads too */
	bool readable_context; /* probe reads can read the context as the program sees it */
	unsigned helper;       /* that reads */
	struct ebcc_ir_values origins;
	struct ebcc_ir_list work;
};

/* Helpers whose result points to memory that the verifier lets programs access. */
static bool returns_own_memory(unsigned helper)
{
	switch (helper) {
	case BPF_FUNC_map_lookup_elem:
	case BPF_FUNC_get_local_storage:
	case BPF_FUNC_sk_storage_get:
	case BPF_FUNC_ringbuf_reserve:
	case BPF_FUNC_inode_storage_get:
	case BPF_FUNC_task_storage_get:
	case BPF_FUNC_map_lookup_percpu_elem:
	case BPF_FUNC_dynptr_data:
	case EBCC_FUNC_CGRP_STORAGE_GET:
		return true;
	default:
		return false;
	}
}

static unsigned origins_of(const struct reads *reads, LLVMValueRef value);

static unsigned constant_origins(const struct reads *reads, LLVMValueRef value)
{
	if (LLVMIsAGlobalVariable(value) || LLVMIsAFunction(value))
		return OWN;
	if (!LLVMIsAConstantExpr(value))
		return 0; /* numbers, null, undef */
	switch (LLVMGetConstOpcode(value)) {
	case LLVMIntToPtr: {
		unsigned origins = origins_of(reads, LLVMGetOperand(value, 0));

		return origins || reads->packets ? origins : FOREIGN;
	}
	default: {
		unsigned origins = 0;

		for (int i = 0; i < LLVMGetNumOperands(value); i++)
			origins |= origins_of(reads, LLVMGetOperand(value, i));
		return origins;
	}
	}
}

static unsigned origins_of(const struct reads *reads, LLVMValueRef value)
{
	if (LLVMIsAInstruction(value))
		return ebcc_ir_values_get(&reads->origins, value);
	if (LLVMIsAArgument(value))
		return value == reads->context ? CONTEXT : OWN;
	if (LLVMIsAConstant(value))
		return constant_origins(reads, value);
	return 0;
}

/* The origins of a value loaded through a pointer of these origins. */
static unsigned loaded_origins(const struct reads *reads, unsigned origins)
{
	unsigned loaded = 0;

	if (origins & (OWN | UNKNOWN))
		loaded |= UNKNOWN;
	if (origins & FOREIGN)
		loaded |= FOREIGN;
	if (origins & TYPED)
		loaded |= TYPED;
	if (origins & CONTEXT && !reads->packets)
		loaded |= reads->typed ? TYPED : FOREIGN;
	return loaded;
}

static unsigned operand_origins(const struct reads *reads, LLVMValueRef instruction, unsigned count)
{
	unsigned origins = 0;

	for (unsigned i = 0; i < count; i++)
		origins |= origins_of(reads, LLVMGetOperand(instruction, i));
	return origins;
}

static unsigned call_origins(const struct reads *reads, LLVMValueRef call)
{
	unsigned helper = ebcc_ir_helper_number(call);
	LLVMValueRef callee = ebcc_ir_callee(call);

	if (helper && reads->packets)
		return helper == BPF_FUNC_get_current_task ? FOREIGN : OWN;
	if (helper)
		return returns_own_memory(helper) ? OWN : FOREIGN;
	if (callee && LLVMGetIntrinsicID(callee)) {
		if (ebcc_ir_is_access(reads->ir, call))
			return origins_of(reads, LLVMGetOperand(call, 0));
		return operand_origins(reads, call, LLVMGetNumArgOperands(call));
	}
	if (callee && ebcc_ir_after_prefix(ebcc_ir_name(callee), EBCC_IR_ADDRESS_FUNCTION))
		return OWN;
	if (LLVMIsAInlineAsm(LLVMGetCalledValue(call)))
		return operand_origins(reads, call, LLVMGetNumArgOperands(call));
	return TYPED; /* a kernel function: the verifier knows what it returns */
}

static unsigned phi_origins(const struct reads *reads, LLVMValueRef phi)
{
	unsigned origins = 0;

	for (unsigned i = 0; i < LLVMCountIncoming(phi); i++)
		origins |= origins_of(reads, LLVMGetIncomingValue(phi, i));
	return origins;
}

static unsigned compute_origins(const struct reads *reads, LLVMValueRef instruction)
{
	LLVMValueRef base;

	switch (LLVMGetInstructionOpcode(instruction)) {
	case LLVMAlloca:
		return OWN;
	case LLVMLoad:
	case LLVMAtomicRMW:
	case LLVMAtomicCmpXchg:
		return loaded_origins(reads, origins_of(reads, LLVMGetOperand(instruction, 0)));
	case LLVMCall:
		return call_origins(reads, instruction);
	case LLVMPHI:
		return phi_origins(reads, instruction);
	case LLVMSelect:
		return origins_of(reads, LLVMGetOperand(instruction, 1)) |
		       origins_of(reads, LLVMGetOperand(instruction, 2));
	case LLVMGetElementPtr:
		base = LLVMGetOperand(instruction, 0);
		if (!LLVMIsAConstantPointerNull(base))
			return origins_of(reads, base);
		return operand_origins(reads, instruction, LLVMGetNumOperands(instruction));
	case LLVMICmp:
	case LLVMFCmp:
	case LLVMStore:
		return 0;
	default: /* casts, arithmetic, aggregates */
		return operand_origins(reads, instruction, LLVMGetNumOperands(instruction));
	}
}

static bool add_origins(struct reads *reads, LLVMValueRef instruction, unsigned origins)
{
	unsigned old = ebcc_ir_values_get(&reads->origins, instruction);

	if ((old | origins) == old)
		return true;
	if (!ebcc_ir_values_set(&reads->origins, instruction, old | origins))
		return false;
	for_each_use (use, instruction) {
		LLVMValueRef user = LLVMGetUser(use);

		if (LLVMIsAInstruction(user) && !ebcc_ir_list_push(&reads->work, user))
			return false;
	}
	return true;
}

static bool run_to_fixpoint(struct reads *reads)
{
	while (reads->work.count) {
		LLVMValueRef instruction = reads->work.items[--reads->work.count];

		if (!add_origins(reads, instruction, compute_origins(reads, instruction)))
			return false;
	}
	return true;
}

static bool find_origins(struct reads *reads)
{
	for_each_block (block, reads->function)
		for_each_instruction (instruction, block)
			if (!add_origins(reads, instruction, compute_origins(reads, instruction)))
				return false;
	if (!run_to_fixpoint(reads))
		return false;
	if (reads->packets)
		return true;
	/* A pointer made from a number without an origin is an address in the kernel. */
	for_each_block (block, reads->function)
		for_each_instruction (instruction, block)
			if (LLVMIsAIntToPtrInst(instruction) &&
			    !ebcc_ir_values_get(&reads->origins, instruction) &&
			    !add_origins(reads, instruction, FOREIGN))
				return false;
	return run_to_fixpoint(reads);
}

/* Whether a pointer is the context plus a constant offset. */
static bool is_fixed_place(const struct reads *reads, LLVMValueRef pointer)
{
	while (pointer != reads->context) {
		if (!LLVMIsAGetElementPtrInst(pointer) && !ebcc_ir_is_access(reads->ir, pointer))
			return false;
		for (int i = 1;
		     LLVMIsAGetElementPtrInst(pointer) && i < LLVMGetNumOperands(pointer); i++)
			if (!LLVMIsAConstantInt(LLVMGetOperand(pointer, i)))
				return false;
		if (ebcc_ir_is_intrinsic(reads->ir, pointer, EBCC_IR_ARRAY_ACCESS) &&
		    !LLVMIsAConstantInt(LLVMGetOperand(pointer, 2)))
			return false;
		pointer = LLVMGetOperand(pointer, 0);
	}
	return true;
}

static bool needs_probe(const struct reads *reads, LLVMValueRef pointer)
{
	unsigned origins = origins_of(reads, pointer);

	if (reads->packets)
		return origins & FOREIGN;
	/* The verifier follows TYPED pointers itself. It also follows pointers that such a program
	 * has stored in a map, since these are typed. */
	if (reads->typed)
		return origins & (reads->probe_typed ? FOREIGN | TYPED | UNKNOWN : FOREIGN);
	/* The verifier requires constant offsets into the context. At variable offsets, the context
	 * is read like any kernel memory. */
	if (origins & CONTEXT)
		return reads->readable_context &&
		       (origins != CONTEXT || !is_fixed_place(reads, pointer));
	return origins & (FOREIGN | UNKNOWN);
}

static bool is_foreign_only(const struct reads *reads, LLVMValueRef pointer)
{
	return origins_of(reads, pointer) == FOREIGN;
}

static void check_store(struct reads *reads, LLVMValueRef instruction, LLVMValueRef pointer)
{
	if (ebcc_ir_is_bit_field(reads->ir, pointer))
		ebcc_ir_report_at(
			reads->ir, EBCC_CC_ERROR, instruction,
			"cannot write to a bit field of a relocated struct, since other kernels "
			"have it at other bits: copy the value into a variable or a struct of your "
			"own");
	if (!is_foreign_only(reads, pointer))
		return;
	ebcc_ir_report_at(
		reads->ir, EBCC_CC_ERROR, instruction,
		"cannot write to kernel memory: this pointer leads to memory of the kernel or of "
		"the traced process, which a BPF program can only read; copy what it points to "
		"into a local variable or a map and write there");
}

static bool is_read(unsigned helper)
{
	switch (helper) {
	case BPF_FUNC_probe_read:
	case BPF_FUNC_probe_read_str:
	case BPF_FUNC_probe_read_user:
	case BPF_FUNC_probe_read_user_str:
	case BPF_FUNC_probe_read_kernel:
	case BPF_FUNC_probe_read_kernel_str:
		return true;
	default:
		return false;
	}
}

/* Whether the value, or the address of a part of what it points to, is passed to a helper. */
static bool reaches_helper(const struct ebcc_ir *ir, LLVMValueRef value, unsigned depth)
{
	for_each_use (use, value) {
		LLVMValueRef user = LLVMGetUser(use);
		unsigned helper = LLVMIsACallInst(user) ? ebcc_ir_helper_number(user) : 0;
		bool passes = LLVMIsACastInst(user) || LLVMIsAGetElementPtrInst(user) ||
			      LLVMIsAPHINode(user) || LLVMIsASelectInst(user) ||
			      ebcc_ir_is_access(ir, user);

		if ((helper && !is_read(helper)) ||
		    (passes && depth && reaches_helper(ir, user, depth - 1)))
			return true;
	}
	return false;
}

/* Whether a pointer is that of a relocated member of the context. The backend makes it an address
 * that the verifier allows no access through; only a load of a single number gets the offset
 * itself. */
static bool is_relocated_context(const struct reads *reads, LLVMValueRef pointer)
{
	if (origins_of(reads, pointer) != CONTEXT || !reads->readable_context)
		return false;
	while (LLVMIsAGetElementPtrInst(pointer))
		pointer = LLVMGetOperand(pointer, 0);
	return ebcc_ir_is_access(reads->ir, pointer);
}

/* Whether the offset of a relocated member won't be that of the load itself: the load is of a part
 * of the member, or the backend takes it apart, since the number may be at any address. */
static bool loads_part(const struct ebcc_ir *ir, LLVMValueRef load)
{
	return LLVMIsAGetElementPtrInst(LLVMGetOperand(load, 0)) ||
	       LLVMGetAlignment(load) < LLVMStoreSizeOfType(ir->layout, LLVMTypeOf(load));
}

static void lower_load(struct reads *reads, LLVMValueRef load)
{
	LLVMValueRef pointer = LLVMGetOperand(load, 0), value;

	if (ebcc_ir_is_bit_field(reads->ir, pointer)) {
		LLVMPositionBuilderBefore(reads->ir->builder, load);
		ebcc_ir_replace(load, ebcc_ir_build_bit_field(
					      reads->ir, reads->function, load,
					      needs_probe(reads, pointer) ? reads->helper : 0));
		return;
	}
	if (!needs_probe(reads, pointer) &&
	    !(is_relocated_context(reads, pointer) && loads_part(reads->ir, load)))
		return;
	/* Most helpers need a pointer whose type the verifier knows. */
	if (!(origins_of(reads, pointer) & FOREIGN) && reads->probe_typed &&
	    LLVMGetTypeKind(LLVMTypeOf(load)) == LLVMPointerTypeKind &&
	    reaches_helper(reads->ir, load, MAX_HOPS))
		return;
	LLVMPositionBuilderBefore(reads->ir->builder, load);
	value = ebcc_ir_build_probe_read(reads->ir, reads->function, LLVMTypeOf(load), pointer,
					 reads->helper);
	if (!ebcc_ir_values_set(&reads->origins, value, origins_of(reads, load)))
		ebcc_ir_no_memory(reads->ir);
	ebcc_ir_replace(load, value);
}

/* Whether a variable is never read, such as an unused part of a copied struct. The optimizer
 * removes a copy to it but would keep a probe read. */
static bool is_never_read(const struct ebcc_ir *ir, LLVMValueRef variable)
{
	if (!LLVMIsAAllocaInst(variable))
		return false;
	for_each_use (use, variable) {
		LLVMValueRef user = LLVMGetUser(use);
		bool writes = ebcc_ir_is_intrinsic(ir, user, EBCC_IR_MEMCPY) ||
			      ebcc_ir_is_intrinsic(ir, user, EBCC_IR_MEMSET);

		if (writes && LLVMGetOperand(user, 0) == variable &&
		    LLVMGetOperand(user, 1) != variable)
			continue;
		if (!ebcc_ir_is_intrinsic(ir, user, EBCC_IR_LIFETIME_START) &&
		    !ebcc_ir_is_intrinsic(ir, user, EBCC_IR_LIFETIME_END))
			return false;
	}
	return true;
}

static void lower_copy(struct reads *reads, LLVMValueRef copy)
{
	struct ebcc_ir *ir = reads->ir;
	LLVMValueRef arguments[3] = {LLVMGetOperand(copy, 0), NULL, LLVMGetOperand(copy, 1)};

	check_store(reads, copy, arguments[0]);
	if (!needs_probe(reads, arguments[2]) && !is_relocated_context(reads, arguments[2]))
		return;
	if (is_never_read(ir, arguments[0])) {
		LLVMInstructionEraseFromParent(copy);
		return;
	}
	LLVMPositionBuilderBefore(ir->builder, copy);
	arguments[1] = LLVMBuildIntCast2(ir->builder, LLVMGetOperand(copy, 2), ir->i32, false, "");
	ebcc_ir_build_helper(ir, reads->helper, arguments, 3);
	LLVMInstructionEraseFromParent(copy);
}

/* The backend expands memcmp() of a few bytes to loads, which is too late for this pass. So foreign
 * memory is copied first, and the copy is compared. */
static void lower_compare(struct reads *reads, LLVMValueRef call)
{
	struct ebcc_ir *ir = reads->ir;
	LLVMValueRef size = LLVMGetOperand(call, 2);
	uint64_t bytes = LLVMIsAConstantInt(size) ? LLVMConstIntGetZExtValue(size) : 0;

	for (unsigned i = 0; i < 2; i++) {
		LLVMValueRef pointer = LLVMGetOperand(call, i), copy;

		if (!needs_probe(reads, pointer))
			continue;
		if (!bytes || bytes > 256) {
			ebcc_ir_report_at(
				ir, EBCC_CC_ERROR, call,
				"memcmp() with kernel memory needs a constant size of at most 256 "
				"bytes");
			return;
		}
		copy = ebcc_ir_entry_alloca(ir, reads->function, LLVMArrayType2(ir->i8, bytes));
		LLVMPositionBuilderBefore(ir->builder, call);
		ebcc_ir_build_helper(
			ir, reads->helper,
			(LLVMValueRef[]){copy, LLVMConstInt(ir->i32, bytes, false), pointer}, 3);
		LLVMSetOperand(call, i, copy);
	}
}

static void lower_call(struct reads *reads, LLVMValueRef call)
{
	LLVMValueRef callee = ebcc_ir_callee(call);
	const char *name = callee ? ebcc_ir_name(callee) : "";

	if (ebcc_ir_is_intrinsic(reads->ir, call, EBCC_IR_MEMCPY) ||
	    ebcc_ir_is_intrinsic(reads->ir, call, EBCC_IR_MEMCPY_INLINE) ||
	    ebcc_ir_is_intrinsic(reads->ir, call, EBCC_IR_MEMMOVE))
		lower_copy(reads, call);
	else if (ebcc_ir_is_intrinsic(reads->ir, call, EBCC_IR_MEMSET))
		check_store(reads, call, LLVMGetOperand(call, 0));
	else if ((!strcmp(name, "memcmp") || !strcmp(name, "bcmp")) &&
		 LLVMGetNumArgOperands(call) == 3)
		lower_compare(reads, call);
}

static void lower_function(struct reads *reads)
{
	for_each_block (block, reads->function) {
		for_each_instruction (instruction, block) {
			switch (LLVMGetInstructionOpcode(instruction)) {
			case LLVMLoad:
				lower_load(reads, instruction);
				break;
			case LLVMStore:
				check_store(reads, instruction, LLVMGetOperand(instruction, 1));
				break;
			case LLVMAtomicRMW:
			case LLVMAtomicCmpXchg:
				check_store(reads, instruction, LLVMGetOperand(instruction, 0));
				break;
			case LLVMCall:
				lower_call(reads, instruction);
				break;
			default:
				break;
			}
		}
	}
}

static void lower_reads(struct ebcc_ir *ir, LLVMValueRef function, bool program)
{
	char context_type[128];
	struct reads reads = {.ir = ir, .function = function};

	if (program) {
		const struct ebcc_program_kind *kind = ebcc_ir_program_kind(function);
		const struct ebcc_context *context;

		ebcc_ir_context_type(ir, function, context_type, sizeof(context_type));
		context = ebcc_context_of(context_type);
		reads.packets = context && context->packets;
		reads.typed = kind && ebcc_ir_has_section(function)
				      ? ebcc_program_kind_is_typed(kind) ||
						kind->attach == EBCC_ATTACH_ITER
				      : ebcc_ir_is_btf_context(context_type);
		reads.probe_typed = ir->opts->pipeline == EBCC_CC_PIPELINE_PLAIN;
		/* The verifier rewrites accesses to this one. */
		reads.readable_context = strcmp(context_type, "bpf_perf_event_data");
		if (LLVMCountParams(function))
			reads.context = LLVMGetParam(function, 0);
	}
	/* Elsewhere nothing says whether an address is the kernel's or a process's. */
	reads.helper =
		reads.typed || reads.packets ? BPF_FUNC_probe_read_kernel : BPF_FUNC_probe_read;
	if (find_origins(&reads))
		lower_function(&reads);
	else
		ebcc_ir_no_memory(ir);
	ebcc_ir_values_deinit(&reads.origins);
	ebcc_ir_list_deinit(&reads.work);
}

void ebcc_ir_reads(struct ebcc_ir *ir)
{
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function))
		if (LLVMGetFirstBasicBlock(function))
			lower_reads(ir, function, LLVMGetLinkage(function) == LLVMExternalLinkage);
}
