// SPDX-License-Identifier: Apache-2.0
/*
 * Records the types of events. An output method takes a void pointer. Its macro adds
 * __builtin_btf_type_id() of the argument, which clang turns into a call that carries the
 * debug-info type, and the method passes the result on to the marker __ebcc_event(map, id). After
 * inlining, this pass finds the map and the type together. It declares a variable __ebcc_event_MAP
 * of that type in section .ebcc.meta, which the backend describes in BTF, and removes the calls. An
 * event whose constant size is too large for the buffer is an error at its line.
 *
 * Sources written for libbpf call the helpers themselves. There the type is that of the variable
 * whose address is given, or of the one that holds what bpf_ringbuf_reserve() returned.
 */
#include <stdio.h>
#include <string.h>

#include "compiler/passes/util.h"

/* The largest event of a perf buffer; see bpf/ebcc/maps.h. */
#define PERF_EVENT_MAX 65516
/* BPF_F_CTXLEN_MASK. */
#define PACKET_LENGTH_SHIFT 32
#define PACKET_LENGTH_MAX 0xfffff

/* The type of the event, given that of the argument: a pointer to the event, or an array that holds
 * it. NULL if unknown. */
static LLVMValueRef event_type(LLVMValueRef argument_type)
{
	LLVMValueRef type = ebcc_ir_strip_type(argument_type);

	if (ebcc_ir_type_tag(type) != EBCC_TAG_POINTER)
		return type;
	type = ebcc_ir_base_type(type);
	return ebcc_ir_strip_type(type) ? type : NULL;
}

/* Operand of the debug-info node of a local variable. */
enum { DI_VARIABLE_TYPE = 3 };

/* The declared type of the variable of @function that @value is the address of (@intrinsic is
 * llvm.dbg.declare) or that holds it (llvm.dbg.value), with debug info in the form of intrinsics.
 */
static LLVMValueRef declared_type(LLVMValueRef function, const char *intrinsic, LLVMValueRef value)
{
	for_each_block (block, function) {
		for_each_instruction (instruction, block) {
			LLVMValueRef callee = ebcc_ir_callee(instruction);

			if (callee && !strcmp(ebcc_ir_name(callee), intrinsic) &&
			    ebcc_ir_operand(LLVMGetOperand(instruction, 0), 0) == value)
				return ebcc_ir_operand(LLVMGetOperand(instruction, 1),
						       DI_VARIABLE_TYPE);
		}
	}
	return NULL;
}

/* The type of the variable that @value points to, or that holds it; or NULL. */
static LLVMValueRef variable_type(LLVMValueRef value)
{
	const char *intrinsic = LLVMIsAAllocaInst(value) ? "llvm.dbg.declare" : "llvm.dbg.value";

	if (!LLVMIsAInstruction(value))
		return NULL;
	return declared_type(LLVMGetBasicBlockParent(LLVMGetInstructionParent(value)), intrinsic,
			     value);
}

/* Whether the variable that carries the type of the map's events is there; its name is in @name. */
static bool is_recorded(struct ebcc_ir *ir, LLVMValueRef map, char *name, size_t size)
{
	snprintf(name, size, "__ebcc_event_%s", ebcc_ir_name(map));
	return LLVMGetNamedGlobal(ir->module, name);
}

static void record_event_type(struct ebcc_ir *ir, LLVMValueRef map, LLVMValueRef type)
{
	LLVMDIBuilderRef builder;
	LLVMMetadataRef pointer, variable;
	LLVMValueRef global;
	char name[256];
	size_t length;

	if (is_recorded(ir, map, name, sizeof(name)))
		return; /* the first use in the source decides */
	length = strlen(name);
	builder = LLVMCreateDIBuilderDisallowUnresolved(ir->module);
	pointer =
		LLVMDIBuilderCreatePointerType(builder, LLVMValueAsMetadata(type), 64, 0, 0, "", 0);
	variable = LLVMDIBuilderCreateGlobalVariableExpression(
		builder, NULL, name, length, "", 0, NULL, 0, pointer, false,
		LLVMDIBuilderCreateExpression(builder, NULL, 0), NULL, 0);
	global = LLVMAddGlobal(ir->module, ir->pointer, name);
	LLVMSetInitializer(global, LLVMConstNull(ir->pointer));
	LLVMSetSection(global, ".ebcc.meta");
	LLVMGlobalSetMetadata(global, ir->dbg_kind, variable);
	LLVMDisposeDIBuilder(builder);
}

static void lower_event(struct ebcc_ir *ir, LLVMValueRef call)
{
	LLVMValueRef map = LLVMGetOperand(call, 0), data = LLVMGetOperand(call, 1);
	LLVMValueRef id = LLVMGetOperand(call, 2), type = NULL;

	if (ebcc_ir_is_intrinsic(ir, id, EBCC_IR_TYPE_ID))
		type = event_type(LLVMGetMetadata(id, ir->access_index_kind));
	if (!type && LLVMIsAAllocaInst(data))
		type = variable_type(data);
	if (type && LLVMIsAGlobalVariable(map))
		record_event_type(ir, map, type);
	LLVMInstructionEraseFromParent(call);
	if (LLVMIsACallInst(id) && !LLVMGetFirstUse(id))
		LLVMInstructionEraseFromParent(id);
}

/* Deletes the counters of maps that no event is sent to. */
static void delete_unused_variables(struct ebcc_ir *ir)
{
	for (LLVMValueRef global = LLVMGetFirstGlobal(ir->module), next; global; global = next) {
		const char *name = ebcc_ir_name(global);

		next = LLVMGetNextGlobal(global);
		if ((ebcc_ir_after_prefix(name, "__ebcc_lost_") ||
		     ebcc_ir_after_prefix(name, "__ebcc_batch_")) &&
		    !LLVMGetFirstUse(global))
			LLVMDeleteGlobal(global);
	}
}

static void check_size(struct ebcc_ir *ir, LLVMValueRef call, LLVMValueRef map,
		       unsigned long long size, unsigned long long max)
{
	if (size > max)
		ebcc_ir_report_at(ir, EBCC_CC_ERROR, call,
				  "an event of %llu bytes does not fit into the buffer '%s': the "
				  "limit is %llu bytes",
				  size, ebcc_ir_name(map), max);
}

static void lower_size(struct ebcc_ir *ir, LLVMValueRef call)
{
	LLVMValueRef size = LLVMGetOperand(call, 1);

	if (LLVMIsAConstantInt(size))
		check_size(ir, call, LLVMGetOperand(call, 0), LLVMConstIntGetZExtValue(size),
			   LLVMConstIntGetZExtValue(LLVMGetOperand(call, 2)));
	LLVMInstructionEraseFromParent(call);
}

/* Checks bpf_perf_event_output(context, map, flags, data, size) called by the source itself. The
 * flags include the number of packet bytes to append. */
static void check_output(struct ebcc_ir *ir, LLVMValueRef call)
{
	unsigned helper = ebcc_ir_helper_number(call);
	LLVMValueRef flags, size;
	uint64_t length = 0;

	if ((helper != BPF_FUNC_perf_event_output && helper != BPF_FUNC_skb_output &&
	     helper != BPF_FUNC_xdp_output) ||
	    LLVMGetNumArgOperands(call) != 5)
		return;
	flags = LLVMGetOperand(call, 2);
	size = LLVMGetOperand(call, 4);
	if (LLVMIsAConstantInt(flags))
		length = LLVMConstIntGetZExtValue(flags) >> PACKET_LENGTH_SHIFT & PACKET_LENGTH_MAX;
	if (LLVMIsAConstantInt(size))
		check_size(ir, call, LLVMGetOperand(call, 1),
			   LLVMConstIntGetZExtValue(size) + length, PERF_EVENT_MAX);
}

/* The type of the event that a call of a helper sends, and to which map; NULL if either is unknown.
 */
static LLVMValueRef sent_type(LLVMValueRef call, LLVMValueRef *ret_map)
{
	unsigned helper = ebcc_ir_helper_number(call);
	unsigned count = helper ? LLVMGetNumArgOperands(call) : 0;
	LLVMValueRef data, type;

	if (helper == BPF_FUNC_perf_event_output && count == 5) {
		*ret_map = LLVMGetOperand(call, 1);
		data = LLVMGetOperand(call, 3);
	} else if (helper == BPF_FUNC_ringbuf_output && count == 4) {
		*ret_map = LLVMGetOperand(call, 0);
		data = LLVMGetOperand(call, 1);
	} else if (helper == BPF_FUNC_ringbuf_reserve && count == 3) {
		*ret_map = LLVMGetOperand(call, 0);
		data = call;
	} else {
		return NULL;
	}
	if (!LLVMIsAGlobalVariable(*ret_map))
		return NULL;
	type = variable_type(data);
	/* A pointer holds the event's address, not the event. */
	return type && !LLVMIsAAllocaInst(data) ? event_type(type) : type;
}

/* Whether no call sends an event of another type to the map. */
static bool is_only_type(struct ebcc_ir *ir, LLVMValueRef map, LLVMValueRef type)
{
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function)) {
		for_each_block (block, function) {
			for_each_instruction (instruction, block) {
				LLVMValueRef to = NULL, other = sent_type(instruction, &to);

				if (other && to == map &&
				    ebcc_ir_strip_type(other) != ebcc_ir_strip_type(type))
					return false;
			}
		}
	}
	return true;
}

/* Records the type of an event that the source sends by calling a helper. */
static void infer_event(struct ebcc_ir *ir, LLVMValueRef call)
{
	LLVMValueRef map = NULL, type = sent_type(call, &map);
	char name[256];

	if (type && !is_recorded(ir, map, name, sizeof(name)) && is_only_type(ir, map, type))
		record_event_type(ir, map, type);
}

static void for_each_call(struct ebcc_ir *ir, void (*fn)(struct ebcc_ir *ir, LLVMValueRef call))
{
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function))
		for_each_block (block, function)
			for_each_instruction (instruction, block)
				fn(ir, instruction);
}

/* Replaces the calls of a marker in source order, which a use list doesn't have. */
static void lower_marker(struct ebcc_ir *ir, const char *name,
			 void (*lower)(struct ebcc_ir *ir, LLVMValueRef call))
{
	LLVMValueRef marker = LLVMGetNamedFunction(ir->module, name);

	if (!marker)
		return;
	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function))
		for_each_block (block, function)
			for_each_instruction (instruction, block)
				if (ebcc_ir_callee(instruction) == marker)
					lower(ir, instruction);
	LLVMDeleteFunction(marker);
}

/* Deletes what says where local variables are. Nothing needs it from here on, as an object's BTF
 * has no locals, but each of LLVM's passes would keep it up to date. */
static void drop_variables(struct ebcc_ir *ir)
{
	static const char *const intrinsics[] = {"llvm.dbg.declare", "llvm.dbg.value",
						 "llvm.dbg.assign", "llvm.dbg.label"};

	for (size_t i = 0; i < sizeof(intrinsics) / sizeof(*intrinsics); i++) {
		LLVMValueRef intrinsic = LLVMGetNamedFunction(ir->module, intrinsics[i]);

		if (!intrinsic)
			continue;
		for_each_use (use, intrinsic)
			LLVMInstructionEraseFromParent(LLVMGetUser(use));
		LLVMDeleteFunction(intrinsic);
	}
}

void ebcc_ir_events(struct ebcc_ir *ir)
{
	/* LLVM-C gives access to variables in the older form of debug info only. */
	LLVMBool records = LLVMIsNewDbgInfoFormat(ir->module);

	LLVMSetIsNewDbgInfoFormat(ir->module, false);
	for_each_call(ir, check_output);
	lower_marker(ir, "__ebcc_event_size", lower_size);
	lower_marker(ir, "__ebcc_event", lower_event);
	for_each_call(ir, infer_event);
	drop_variables(ir);
	LLVMSetIsNewDbgInfoFormat(ir->module, records);
	delete_unused_variables(ir);
}
