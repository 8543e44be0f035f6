// SPDX-License-Identifier: Apache-2.0
/*
 * The passes of stage 4, in order. A step is either one of our passes or a pipeline for LLVM's pass
 * manager. The dialect's passes see the code as clang generates it, cleaned up just enough to make
 * pointers and constants visible. LLVM optimizes it once nothing special to the dialect is left.
 */
#include <stdlib.h>
#include <string.h>

#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include "compiler/passes/util.h"

struct step {
	const char *llvm;		  /* passes of LLVM, or */
	void (*pass)(struct ebcc_ir *ir); /* one of ours */
};

static const struct step dialect_steps[] = {
	{.llvm = "function(sroa,early-cse)"}, /* tables of methods fold into direct calls */
	{.pass = ebcc_ir_maps},
	{.pass = ebcc_ir_markers},
	{.pass = ebcc_ir_mark_inline},
	{.llvm = "always-inline,globaldce,function(sroa,early-cse)"},
	{.pass = ebcc_ir_error_markers},
	{.pass = ebcc_ir_drop_header_assembly},
	{.pass = ebcc_ir_events},
	{.pass = ebcc_ir_arguments},
	{.pass = ebcc_ir_packets},
	{.pass = ebcc_ir_library},
	{.llvm = "always-inline"},
	{.pass = ebcc_ir_tables},
	{.pass = ebcc_ir_reads},
	{.pass = ebcc_ir_sections},
};

static const struct step optimize_steps[] = {
	{.llvm = "default<O2>"},
};

/* Leaves out instcombine, which separates range checks from the index that they guard: some
 * verifiers then lose track. "default<O0>" runs the backend's own passes for relocations. */
static const struct step plain_steps[] = {
	{.llvm = "default<O0>"},
	{.llvm = "function(sroa<modify-cfg>,early-cse<memssa>,simplifycfg,gvn,dse,adce,"
		 "simplifycfg),globaldce"},
	{.pass = ebcc_ir_indexes},
};

/* Run after either of them. */
static const struct step finishing_steps[] = {
	{.pass = ebcc_ir_tables}, /* for the tables that simplifycfg makes from switches */
	{.pass = ebcc_ir_open_tables},	   {.llvm = "always-inline"},
	{.pass = ebcc_ir_undefined},	   {.pass = ebcc_ir_stack},
	{.pass = ebcc_ir_constants},	   {.pass = ebcc_ir_refuse_header_assembly},
	{.pass = ebcc_ir_check_assembler},
};

static bool run_llvm(struct ebcc_ir *ir, const char *passes)
{
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef error = LLVMRunPasses(ir->module, passes, ir->machine, options);
	char *message;

	LLVMDisposePassBuilderOptions(options);
	if (!error)
		return true;
	message = LLVMGetErrorMessage(error);
	ir->failed = true;
	ir->report(ir->report_context, EBCC_CC_FATAL, "", 0, 0, message);
	LLVMDisposeErrorMessage(message);
	return false;
}

static bool run_steps(struct ebcc_ir *ir, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (steps[i].llvm)
			run_llvm(ir, steps[i].llvm);
		else
			steps[i].pass(ir);
		if (ir->failed)
			return false;
	}
	return true;
}

/* LLVM would abort later if the module were invalid. */
static bool verify(struct ebcc_ir *ir)
{
	char *message = NULL;
	bool broken = LLVMVerifyModule(ir->module, LLVMReturnStatusAction, &message);

	if (broken) {
		ir->failed = true;
		ir->report(ir->report_context, EBCC_CC_FATAL, "", 0, 0, message);
	}
	LLVMDisposeMessage(message);
	return !broken;
}

/* Whether the backend will emit relocations: what clang marked and no pass has lowered. */
static bool has_relocations(const struct ebcc_ir *ir)
{
	static const char *const prefixes[] = {"llvm.preserve.struct.", "llvm.preserve.array.",
					       "llvm.preserve.union.", "llvm.bpf.preserve."};

	for (LLVMValueRef function = LLVMGetFirstFunction(ir->module); function;
	     function = LLVMGetNextFunction(function))
		for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
			if (LLVMGetFirstUse(function) &&
			    ebcc_ir_after_prefix(ebcc_ir_name(function), prefixes[i]))
				return true;
	return false;
}

/*
 * LLVM's backend (19, BPFAbstractMemberAccess.cpp) keeps the relocated accesses of a module in a
 * table that outlives it. The next module with such accesses would use freed memory.
 */
static bool relocates_again(struct ebcc_ir *ir)
{
	static bool relocated;

	if (!has_relocations(ir))
		return false;
	if (relocated) {
		ir->failed = true;
		ir->report(ir->report_context, EBCC_CC_ERROR, "", 0, 0,
			   "LLVM can compile only one source with relocations (portable objects, "
			   "preserve_access_index, bpf_core_*()) per process, and this process has "
			   "done so already: let the helper process compile it");
	}
	relocated = true;
	return ir->failed;
}

#define RUN_STEPS(ir, steps) run_steps(ir, steps, sizeof(steps) / sizeof((steps)[0]))

static bool optimize(struct ebcc_ir *ir)
{
	TIME_STAGE(ir->opts->timing, OPTIMIZE);

	return ir->opts->pipeline == EBCC_CC_PIPELINE_PLAIN ? RUN_STEPS(ir, plain_steps)
							    : RUN_STEPS(ir, optimize_steps);
}

bool ebcc_ir_run(LLVMModuleRef module, LLVMTargetMachineRef machine,
		 const struct ebcc_ir_opts *opts, ebcc_ir_report_fn report, void *context)
{
	struct ebcc_ir ir = {
		.module = module,
		.machine = machine,
		.opts = opts,
		.report = report,
		.report_context = context,
	};

	TIME_STAGE(opts->timing, PASSES);

	ebcc_ir_init(&ir);
	if (RUN_STEPS(&ir, dialect_steps) && verify(&ir) && !relocates_again(&ir)) {
		if (optimize(&ir))
			RUN_STEPS(&ir, finishing_steps);
	}
	ebcc_ir_deinit(&ir);
	return !ir.failed;
}
