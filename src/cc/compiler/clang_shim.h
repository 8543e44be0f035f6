/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the compiler library needs of clang and LLVM that their C interfaces lack: parsing
 * a source held in memory into an LLVM module, and single queries, one function each. Stage
 * 3 of the pipeline. Implemented in the project's only C++ file.
 */
#ifndef EBCC_COMPILER_CLANG_SHIM_H
#define EBCC_COMPILER_CLANG_SHIM_H

#include <llvm-c/Core.h>

#include "compiler/compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What both ways of running the front end take; everything is borrowed for the call. */
struct ebcc_clang_input {
	const struct ebcc_cc_request *request;
	const char *const *arguments; /* for clang -cc1, the source's path left out */
	size_t argument_count;
	const struct ebcc_cc_file *builtin; /* the embedded headers: files that always exist */
	size_t builtin_count;
};

/* Named metadata of a module: one node with one string, what the source's macro BPF_LICENSE stands
 * for at its end. Only where it is a macro without parameters. */
#define EBCC_CLANG_LICENSE "ebcc.license"

/*
 * Runs clang's front end over the request's source: one parse, unoptimized IR with debug info.
 * Diagnostics and dependencies are added to @answer, also when it fails.
 *
 * Returns the module, made in @context and owned by the caller, or NULL when the source
 * has errors.
 */
LLVMModuleRef ebcc_clang_parse(LLVMContextRef context, const struct ebcc_clang_input *input,
			       struct ebcc_cc_answer *answer);

/*
 * Parses the request's source, a file of headers, and writes the precompiled header to @ret
 * (malloc'ed, owned by the caller). Diagnostics and dependencies are added to @answer; false when
 * there are errors.
 */
bool ebcc_clang_precompile(const struct ebcc_clang_input *input, struct ebcc_cc_answer *answer,
			   char **ret, size_t *ret_size);

/*
 * Only preprocesses the request's source. Returns the text, malloc'ed and owned by the
 * caller, or NULL. Reports nothing: ebcc_clang_parse() tells of the same errors.
 */
char *ebcc_clang_preprocess(const struct ebcc_clang_input *input);

/*
 * Marks the module so that its object gets BTF but no DWARF: the DWARF would be thrown away, and
 * making it is a good part of emission.
 */
void ebcc_llvm_disable_dwarf(LLVMModuleRef module);

/*
 * Has all functions refer to the description of the main file that has its text: clang makes
 * another one, without, for places inside a macro's expansion, and then BTF, and with it the
 * verifier's log, would have line numbers without lines.
 */
void ebcc_llvm_complete_sources(LLVMModuleRef module);

/*
 * What a diagnostic of the backend says, without the location that LLVM-C's description begins
 * with, and where. @ret_path (malloc'ed), @ret_line and @ret_column are "", 0 and 0 where it has no
 * location. Returns the message, malloc'ed, or NULL without memory.
 */
char *ebcc_llvm_diagnostic_message(LLVMDiagnosticInfoRef info, char **ret_path, unsigned *ret_line,
				   unsigned *ret_column);

/* LLVM's version, "19.1.7". Static. */
const char *ebcc_llvm_version(void);

#ifdef __cplusplus
}
#endif

#endif /* EBCC_COMPILER_CLANG_SHIM_H */
