// SPDX-License-Identifier: Apache-2.0
/*
 * Drives stages 3 and 4: parse, lower, optimize, emit. Everything that goes wrong becomes a
 * diagnostic in the answer, in the same form as clang's own: location, message, source line, caret.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>

#include "compiler/clang_shim.h"
#include "base/cleanup.h"
#include "compiler/compiler.h"
#include "compiler/answer.h"
#include "compiler/diagnostic.h"
#include "compiler/flags.h"
#include "compiler/listing.h"
#include "elf/bpf_object.h"
#include "compiler/embedded.h"
#include "compiler/passes/pipeline.h"
#include "compiler/selection.h"

struct compilation {
	const struct ebcc_cc_request *request;
	struct ebcc_cc_answer *answer;
	struct ebcc_cc_arguments arguments;
	LLVMContextRef context;
	LLVMModuleRef module;
	LLVMTargetMachineRef machine;
	struct ebcc_timing timing;
	char *too_deep; /* LLVM's message about the last function whose stack is too large */
};

static bool fail(struct compilation *compilation, const char *what, const char *reason)
{
	char *message AUTO_FREE = NULL;

	if (asprintf(&message, "%s: %s", what, reason ? reason : "no reason given") < 0)
		message = NULL;
	ebcc_cc_diagnose(compilation->answer, compilation->request, EBCC_CC_FATAL, "", 0, 0,
			 message ? message : what);
	return false;
}

/* Whether the backend has said the same about another place in the function: it reports each
 * instruction beyond the end of the stack. */
static bool repeats_stack_error(struct compilation *compilation, const char *message, unsigned line)
{
	if (!line || !strstr(message, "BPF stack limit is exceeded"))
		return false;
	if (compilation->too_deep && !strcmp(compilation->too_deep, message))
		return true;
	free(compilation->too_deep);
	compilation->too_deep = strdup(message);
	return false;
}

/* The backend's own messages give advice that is useless here, and end in newlines. */
static const char *reword(char *message)
{
	size_t length = strlen(message);

	if (strstr(message, "BPF stack limit is exceeded"))
		return "the program needs more than the 512 bytes of stack that BPF has: put large "
		       "variables into a map, such as a BPF_PERCPU_ARRAY with one element";
	while (length && message[length - 1] == '\n')
		message[--length] = '\0';
	return message;
}

/* Reports errors and warnings of LLVM's passes and backend, such as a stack that is too large. */
static void on_llvm_diagnostic(LLVMDiagnosticInfoRef info, void *ctx)
{
	struct compilation *compilation = ctx;
	LLVMDiagnosticSeverity severity = LLVMGetDiagInfoSeverity(info);
	char *path AUTO_FREE = NULL, *message AUTO_FREE = NULL;
	const char *text = "out of memory";
	unsigned line, column;

	if (severity != LLVMDSError && severity != LLVMDSWarning)
		return;
	message = ebcc_llvm_diagnostic_message(info, &path, &line, &column);
	if (message && repeats_stack_error(compilation, message, line))
		return;
	if (message)
		text = reword(message);
	ebcc_cc_diagnose(compilation->answer, compilation->request,
			 severity == LLVMDSError ? EBCC_CC_ERROR : EBCC_CC_WARNING,
			 path ? path : "", line, column, text);
}

static bool has_severity(const struct ebcc_cc_answer *answer, enum ebcc_cc_severity least)
{
	for (size_t i = 0; i < answer->diagnostic_count; i++)
		if (answer->diagnostics[i].severity >= least)
			return true;
	return false;
}

static bool has_errors(const struct ebcc_cc_answer *answer)
{
	return has_severity(answer, EBCC_CC_ERROR);
}

static void initialize_llvm(void)
{
	static bool initialized;

	if (initialized)
		return;
	LLVMInitializeBPFTargetInfo();
	LLVMInitializeBPFTarget();
	LLVMInitializeBPFTargetMC();
	LLVMInitializeBPFAsmPrinter();
	LLVMInitializeBPFAsmParser();
	initialized = true;
}

static bool create_machine(struct compilation *compilation)
{
	char cpu[16], *error = NULL;
	LLVMTargetRef target;

	snprintf(cpu, sizeof(cpu), "v%u", compilation->request->cpu_version);
	if (LLVMGetTargetFromTriple("bpfel", &target, &error)) {
		fail(compilation, "LLVM has no BPF target", error);
		LLVMDisposeMessage(error);
		return false;
	}
	compilation->machine =
		LLVMCreateTargetMachine(target, "bpfel", cpu, "", LLVMCodeGenLevelDefault,
					LLVMRelocDefault, LLVMCodeModelDefault);
	return true;
}

static void on_ir_diagnostic(void *context, enum ebcc_cc_severity severity, const char *path,
			     unsigned line, unsigned column, const char *message)
{
	struct compilation *compilation = context;

	ebcc_cc_diagnose(compilation->answer, compilation->request, severity, path, line, column,
			 message);
}

static bool lower_and_optimize(struct compilation *compilation)
{
	const struct ebcc_cc_request *request = compilation->request;
	const struct ebcc_ir_opts opts = {
		.arch = request->arch,
		.pipeline = request->pipeline,
		.flags = request->flags,
		.timing = &compilation->timing,
	};

	return ebcc_ir_run(compilation->module, compilation->machine, &opts, on_ir_diagnostic,
			   compilation);
}

static bool emit(struct compilation *compilation, LLVMModuleRef module, LLVMCodeGenFileType type,
		 LLVMMemoryBufferRef *ret)
{
	char *error = NULL;

	if (LLVMTargetMachineEmitToMemoryBuffer(compilation->machine, module, type, &error, ret)) {
		fail(compilation, "emitting BPF code", error);
		LLVMDisposeMessage(error);
		return false;
	}
	return true;
}

/* Code generation changes the module, so the listing is made from a copy. */
static bool emit_assembly(struct compilation *compilation)
{
	LLVMModuleRef copy = LLVMCloneModule(compilation->module);
	LLVMMemoryBufferRef buffer;
	bool ok;

	LLVMSetTargetMachineAsmVerbosity(compilation->machine, true);
	ok = emit(compilation, copy, LLVMAssemblyFile, &buffer);
	LLVMSetTargetMachineAsmVerbosity(compilation->machine, false);
	LLVMDisposeModule(copy);
	if (!ok)
		return false;
	compilation->answer->assembly = ebcc_cc_listing(
		compilation->request, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
	LLVMDisposeMemoryBuffer(buffer);
	if (!compilation->answer->assembly)
		return fail(compilation, "the assembler listing", "out of memory");
	return true;
}

/* The last check: an address in initialized data would never be filled in, so no object with one
 * may pass. */
static bool check_relocations(struct compilation *compilation)
{
	const struct ebcc_cc_answer *answer = compilation->answer;
	const char *section = ebcc_elf_relocated_data(answer->object, answer->object_size);
	char *message AUTO_FREE = NULL;

	if (!section)
		return true;
	if (asprintf(&message,
		     "a global variable (in section %s) is initialized with an address in a way "
		     "that isn't supported: BPF data can't hold addresses when it is loaded; "
		     "assign the address in the program",
		     section) < 0)
		message = NULL;
	ebcc_cc_diagnose(compilation->answer, compilation->request, EBCC_CC_ERROR, "", 0, 0,
			 message ? message : "out of memory");
	return false;
}

static bool emit_object(struct compilation *compilation)
{
	struct ebcc_cc_answer *answer = compilation->answer;
	LLVMMemoryBufferRef buffer;
	TIME_STAGE(&compilation->timing, EMIT);

	ebcc_llvm_complete_sources(compilation->module);
	ebcc_llvm_disable_dwarf(compilation->module);
	if (!emit(compilation, compilation->module, LLVMObjectFile, &buffer))
		return false;
	answer->object_size = LLVMGetBufferSize(buffer);
	answer->object = malloc(answer->object_size);
	if (answer->object)
		memcpy(answer->object, LLVMGetBufferStart(buffer), answer->object_size);
	LLVMDisposeMemoryBuffer(buffer);
	if (!answer->object)
		return fail(compilation, "the object file", "out of memory");
	return check_relocations(compilation);
}

static bool keep_ir(struct compilation *compilation)
{
	char *text = LLVMPrintModuleToString(compilation->module);

	compilation->answer->ir = strdup(text);
	LLVMDisposeMessage(text);
	return compilation->answer->ir || fail(compilation, "the IR listing", "out of memory");
}

/* Parses the source with the given version of the embedded headers. */
static bool parse_with(struct compilation *compilation, const struct ebcc_cc_file *builtin)
{
	const struct ebcc_cc_request *request = compilation->request;
	struct ebcc_cc_answer *answer = compilation->answer;
	struct ebcc_clang_input input = {
		.request = request,
		.arguments = compilation->arguments.list,
		.argument_count = compilation->arguments.count,
		.builtin = builtin,
		.builtin_count = ebcc_embedded_file_count,
	};

	TIME_STAGE(&compilation->timing, PARSE);

	if (request->flags & EBCC_CC_WANT_PREPROCESSED)
		answer->preprocessed = ebcc_clang_preprocess(&input);
	compilation->module = ebcc_clang_parse(compilation->context, &input, answer);
	return compilation->module;
}

/* The embedded headers without what the request doesn't name. The caller frees the list; it points
 * into @texts. */
static struct ebcc_cc_file *select_builtin(const struct ebcc_cc_request *request,
					   struct ebcc_cc_selection *texts)
{
	size_t count = ebcc_embedded_file_count;
	struct ebcc_cc_file *list = malloc(count * sizeof(*list));
	struct ebcc_error *error;

	if (!list)
		return NULL;
	memcpy(list, ebcc_embedded_files, count * sizeof(*list));
	error = ebcc_cc_select(request, list, count, texts);
	if (!error)
		return list;
	ebcc_error_destroy(error);
	free(list);
	return NULL;
}

static bool parse(struct compilation *compilation)
{
	struct ebcc_cc_selection texts CLEANUP(ebcc_cc_selection_deinit) = {0};
	struct ebcc_cc_file *builtin AUTO_FREE = select_builtin(compilation->request, &texts);

	if (builtin) {
		bool ok = parse_with(compilation, builtin);

		if (!ebcc_cc_selection_lacks(compilation->answer))
			return ok;
		if (ok)
			LLVMDisposeModule(compilation->module);
		ebcc_cc_answer_deinit(compilation->answer);
	}
	return parse_with(compilation, ebcc_embedded_files);
}

static bool has_located_twin(const struct ebcc_cc_answer *answer, size_t index)
{
	for (size_t i = 0; i < answer->diagnostic_count; i++)
		if (i != index && answer->diagnostics[i].line &&
		    !strcmp(answer->diagnostics[i].message, answer->diagnostics[index].message))
			return true;
	return false;
}

/* The backend reports every affected instruction, and not all of them have a location. */
static void drop_repetitions(struct ebcc_cc_answer *answer)
{
	for (size_t i = 0; i < answer->diagnostic_count;) {
		if (!answer->diagnostics[i].line && has_located_twin(answer, i))
			ebcc_cc_answer_remove_diagnostic(answer, i);
		else
			i++;
	}
}

/* Answers the other kind of request: with a precompiled header. */
static enum ebcc_cc_status precompile(struct compilation *compilation)
{
	struct ebcc_cc_answer *answer = compilation->answer;
	struct ebcc_clang_input input = {
		.request = compilation->request,
		.builtin = ebcc_embedded_files,
		.builtin_count = ebcc_embedded_file_count,
	};

	TIME_STAGE(&compilation->timing, PARSE);

	if (!ebcc_cc_arguments_init(&compilation->arguments, compilation->request, answer))
		return EBCC_CC_SOURCE_ERROR;
	input.arguments = compilation->arguments.list;
	input.argument_count = compilation->arguments.count;
	return ebcc_clang_precompile(&input, answer, &answer->object, &answer->object_size)
		       ? EBCC_CC_OK
		       : EBCC_CC_SOURCE_ERROR;
}

static enum ebcc_cc_status compile(struct compilation *compilation)
{
	const struct ebcc_cc_request *request = compilation->request;
	struct ebcc_cc_answer *answer = compilation->answer;

	if (!ebcc_cc_arguments_init(&compilation->arguments, request, answer) ||
	    !parse(compilation))
		return EBCC_CC_SOURCE_ERROR;
	answer->parsed = true;
	LLVMContextSetDiagnosticHandler(compilation->context, on_llvm_diagnostic, compilation);
	if (!create_machine(compilation))
		return EBCC_CC_INTERNAL_ERROR;
	if (!lower_and_optimize(compilation) || has_errors(answer))
		return has_severity(answer, EBCC_CC_FATAL) ? EBCC_CC_INTERNAL_ERROR
							   : EBCC_CC_SOURCE_ERROR;
	if (request->flags & EBCC_CC_WANT_IR && !keep_ir(compilation))
		return EBCC_CC_INTERNAL_ERROR;
	if (request->flags & EBCC_CC_WANT_ASM && !emit_assembly(compilation))
		return EBCC_CC_INTERNAL_ERROR;
	if (!has_errors(answer) && !emit_object(compilation))
		return has_severity(answer, EBCC_CC_FATAL) ? EBCC_CC_INTERNAL_ERROR
							   : EBCC_CC_SOURCE_ERROR;
	return has_errors(answer) ? EBCC_CC_SOURCE_ERROR : EBCC_CC_OK;
}

/* Checks a request, which may come from another process, for values that would crash LLVM. */
static const char *find_fault(const struct ebcc_cc_request *request)
{
	if (!ebcc_arch_of_id(request->arch))
		return "unknown architecture";
	if (request->cpu_version < 1 || request->cpu_version > 4)
		return "unknown version of the BPF instruction set";
	if (request->pipeline != EBCC_CC_PIPELINE_O2 && request->pipeline != EBCC_CC_PIPELINE_PLAIN)
		return "unknown pipeline";
	if (!request->cpu_count)
		return "no CPUs";
	return NULL;
}

enum ebcc_cc_status ebcc_cc_compile(const struct ebcc_cc_request *request,
				    struct ebcc_cc_answer *answer)
{
	struct compilation compilation = {.request = request, .answer = answer};
	const char *fault = find_fault(request);

	memset(answer, 0, sizeof(*answer));
	if (fault) {
		fail(&compilation, "bad compile request", fault);
		return answer->status = EBCC_CC_INTERNAL_ERROR;
	}
	initialize_llvm();
	compilation.context = LLVMContextCreate();
	answer->status = request->flags & EBCC_CC_BUILD_PCH ? precompile(&compilation)
							    : compile(&compilation);
	drop_repetitions(answer);
	if (answer->status != EBCC_CC_OK) {
		free(answer->object);
		answer->object = NULL;
		answer->object_size = 0;
		if (!has_errors(answer))
			fail(&compilation, "compiling", "failed without a diagnostic");
	}
	if (compilation.module)
		LLVMDisposeModule(compilation.module);
	if (compilation.machine)
		LLVMDisposeTargetMachine(compilation.machine);
	LLVMContextDispose(compilation.context);
	ebcc_cc_arguments_deinit(&compilation.arguments);
	free(compilation.too_deep);
	memcpy(answer->times, compilation.timing.stages, sizeof(answer->times));
	return answer->status;
}

const char *ebcc_cc_identity(void)
{
	static char identity[128];

	if (!identity[0])
		snprintf(identity, sizeof(identity), "ebcc %s, LLVM %s, headers %s", EBCC_VERSION,
			 ebcc_llvm_version(), ebcc_embedded_hash);
	return identity;
}
