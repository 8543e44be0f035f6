/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the compiler library needs from clang and LLVM and their C interfaces lack: parsing a source
 * in memory into an LLVM module, and a few queries, one function each. Stage 3 of the pipeline,
 * implemented in the project's only C++ file.
 */
#ifndef EBCC_COMPILER_CLANG_SHIM_H
#define EBCC_COMPILER_CLANG_SHIM_H

#include <llvm-c/Core.h>

#include "compiler/compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The input of each front end run; everything is borrowed for the call. */
struct ebcc_clang_input {
	const struct ebcc_cc_request *request;
	const char *const *arguments; /* for clang -cc1, without the source's path */
	size_t argument_count;
	const struct ebcc_cc_file *builtin; /* the embedded headers: files that always exist */
	size_t builtin_count;
};

/* Named metadata of a module: one node with one string, the expansion of the macro BPF_LICENSE at
 * the end of the source. Absent unless the source defines that macro, without parameters. */
#define EBCC_CLANG_LICENSE "ebcc.license"

/* The same for what the source takes from the kernel's types without a relocation, as lines
 * (types/kernel_needs.h). Absent if there is nothing, or without EBCC_CC_PORTABLE. */
#define EBCC_CLANG_NEEDS "ebcc.needs"

/*
 * Runs clang's front end over the request's source: one parse, unoptimized IR with debug info.
 * Diagnostics and dependencies are added to @answer even when it fails.
 *
 * Returns the module, made in @context and owned by the caller, or NULL when the source has errors.
 */
LLVMModuleRef ebcc_clang_parse(LLVMContextRef context, const struct ebcc_clang_input *input,
			       struct ebcc_cc_answer *answer);

/*
 * Parses the request's source, which consists of headers, and writes the precompiled header to @ret
 * (malloc'ed, owned by the caller). Diagnostics and dependencies are added to @answer. Returns
 * false if there are errors.
 */
bool ebcc_clang_precompile(const struct ebcc_clang_input *input, struct ebcc_cc_answer *answer,
			   char **ret, size_t *ret_size);

/*
 * Only preprocesses the request's source. Returns the text, malloc'ed and owned by the caller, or
 * NULL. Reports no errors: ebcc_clang_parse() reports the same ones.
 */
char *ebcc_clang_preprocess(const struct ebcc_clang_input *input);

/*
 * Marks the module so that its object gets BTF but no DWARF: nothing uses the DWARF, and generating
 * it takes a good part of the emission time.
 */
void ebcc_llvm_disable_dwarf(LLVMModuleRef module);

/*
 * Makes all debug info scopes refer to the main file's entry that holds its text. For code inside
 * macro expansions clang makes a second entry without the text; BTF, and with it the verifier's
 * log, would then have line numbers but no source lines.
 */
void ebcc_llvm_complete_sources(LLVMModuleRef module);

/*
 * The message of a backend diagnostic, without the location that LLVM-C's description begins with,
 * and its location. @ret_path (malloc'ed), @ret_line and @ret_column are "", 0 and 0 if it has
 * none. Returns the message, malloc'ed, or NULL when out of memory.
 */
char *ebcc_llvm_diagnostic_message(LLVMDiagnosticInfoRef info, char **ret_path, unsigned *ret_line,
				   unsigned *ret_column);

/* LLVM's version, "19.1.7". Static. */
const char *ebcc_llvm_version(void);

#ifdef __cplusplus
}
#endif

#endif /* EBCC_COMPILER_CLANG_SHIM_H */
