/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler library: stages 3 and 4 as a pure function, from (source and headers, options) to
 * (ELF object, diagnostics). Only this part of the project knows LLVM and clang. It runs in the
 * helper process ebcc-cc (see compile/client.h), or in the calling program's own process. The same
 * input always gives the same answer, except times: it reads no kernel state, no environment
 * variables, and no files except headers that the source includes and the request allows.
 */
#ifndef EBCC_COMPILER_COMPILER_H
#define EBCC_COMPILER_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "base/timing.h"

/*
 * The virtual include tree. The caller's files appear at their paths; a file named
 * EBCC_CC_KERNEL_TYPES is included before everything else. Below EBCC_CC_KERNEL_INCLUDE, every path
 * `DIR/.../NAME.h` exists if DIR is one of linux, uapi, net, asm, asm-generic, trace and so on: as
 * the caller's file of that name, or else empty, since EBCC_CC_KERNEL_TYPES has the kernel types
 * and constants that the source needs. Headers in the source's own directory or in the directories
 * of its -I flags take precedence.
 */
#define EBCC_CC_ROOT "/ebcc-virtual"
#define EBCC_CC_KERNEL_TYPES EBCC_CC_ROOT "/kernel_types.h"
/* The annotation of the kernel's enums in it, if the object is to be portable. */
#define EBCC_CC_KERNEL_ENUM "ebcc_kernel"
#define EBCC_CC_KERNEL_INCLUDE EBCC_CC_ROOT "/kernel"
/* The dialect's embedded headers (src/cc/bpf): EBCC_CC_DIALECT_INCLUDE "/bcc/proto.h" and so on.
 * Its "ebcc/dialect.h" is included right after the kernel types. */
#define EBCC_CC_DIALECT_INCLUDE EBCC_CC_ROOT "/dialect"
/* With EBCC_CC_HEADERS: kernel headers, with what makes clang accept them, included before
 * everything else; and the same as a precompiled header, made by a request with EBCC_CC_BUILD_PCH
 * and used in its place. */
#define EBCC_CC_PREAMBLE EBCC_CC_ROOT "/preamble.h"
#define EBCC_CC_PREAMBLE_PCH EBCC_CC_ROOT "/preamble.pch"
/* Stand-ins for the C library's headers that existing sources include (src/cc/bpf/std). */
#define EBCC_CC_STD_INCLUDE EBCC_CC_ROOT "/std"

/* What libebcc-compiler.so exports. */
#define EBCC_CC_API __attribute__((visibility("default")))

/* The optimization pipeline. The second one is for programs that the verifier rejects after the
 * first, which uses LLVM's instcombine. */
enum ebcc_cc_pipeline {
	EBCC_CC_PIPELINE_O2 = 0,
	EBCC_CC_PIPELINE_PLAIN = 1,
};

enum ebcc_cc_flag {
	EBCC_CC_PORTABLE = 1 << 0, /* other kernels may load the object: what it depends on in the
				    * kernel's types, besides what is relocated, is recorded */
	EBCC_CC_WANT_IR = 1 << 1,  /* fill answer.ir */
	EBCC_CC_WANT_PREPROCESSED = 1 << 2, /* fill answer.preprocessed */
	EBCC_CC_HEADERS =
		1 << 3, /* kernel headers, not BTF: EBCC_CC_KERNEL_INCLUDE is not searched */
	EBCC_CC_WANT_ASM =
		1 << 4, /* fill answer.assembly: the programs in assembler, with source lines */
	EBCC_CC_BUILD_PCH = 1 << 5, /* the source is EBCC_CC_PREAMBLE: answer.object is its
				     * precompiled header */
};

struct ebcc_cc_file {
	const char *path; /* absolute; usually below EBCC_CC_ROOT */
	const char *text;
	size_t size;
};

struct ebcc_cc_request {
	const char *source;
	size_t source_size;
	const char *source_path; /* as diagnostics show it; its directory is searched for "..."
				    includes */
	const struct ebcc_cc_file *files;
	size_t file_count;
	const char *const *cflags; /* after the library's own flags */
	size_t cflag_count;
	enum ebcc_arch_id arch;
	unsigned cpu_version; /* BPF instruction set: 1 to 4 */
	unsigned cpu_count;   /* possible CPUs: sizes the counters of lost events */
	unsigned page_size;   /* in bytes, the unit of ring buffers; 0: not known, so 4096 */
	enum ebcc_cc_pipeline pipeline;
	unsigned flags; /* enum ebcc_cc_flag */
	/* Where relative paths begin, absolute; NULL: in the directory of this process. */
	const char *working_directory;
	/* The files that may be read, and directories with everything below them (read_scope.h). */
	const char *const *readable;
	size_t readable_count;
};

enum ebcc_cc_severity {
	EBCC_CC_NOTE = 1,
	EBCC_CC_WARNING = 2,
	EBCC_CC_ERROR = 3,
	EBCC_CC_FATAL = 4,
};

struct ebcc_cc_diagnostic {
	enum ebcc_cc_severity severity;
	char *path;    /* the file; "" if there is no location */
	unsigned line; /* from 1; 0: no location */
	unsigned column;
	char *message;	/* one sentence without location: "use of undeclared identifier 'x'" */
	char *rendered; /* as clang prints it: location, message, source line, caret; ends in \n */
};

/* A file that the compile read, outside the request's own files. */
struct ebcc_cc_dependency {
	char *path;
	uint64_t hash; /* XXH64 of its bytes, as read; 0 for a missing file */
	bool missing;  /* looked for and not found */
};

enum ebcc_cc_status {
	EBCC_CC_OK = 0,
	EBCC_CC_SOURCE_ERROR = 1,   /* diagnostics hold at least one error */
	EBCC_CC_INTERNAL_ERROR = 2, /* diagnostics say what went wrong in the compiler itself */
};

/* Everything in an answer is owned by it; ebcc_cc_answer_deinit() frees it. */
struct ebcc_cc_answer {
	enum ebcc_cc_status status;
	bool parsed; /* clang accepted the source; any failure came later */
	struct ebcc_cc_diagnostic *diagnostics;
	size_t diagnostic_count;
	struct ebcc_cc_dependency *dependencies;
	size_t dependency_count;
	char *object; /* ELF with BTF, or a precompiled header; NULL unless EBCC_CC_OK */
	size_t object_size;
	char *ir, *preprocessed, *assembly; /* NULL unless asked for */
	/* How long the compiler's stages took. */
	struct ebcc_stage_time times[EBCC_STAGE_COUNT];
};

/*
 * Compiles @request and returns @answer->status. @answer is initialized by the call and valid
 * whatever the result. Not thread-safe. LLVM's fatal errors end the process.
 */
EBCC_CC_API enum ebcc_cc_status ebcc_cc_compile(const struct ebcc_cc_request *request,
						struct ebcc_cc_answer *answer);

/* Frees the answer's contents; may be called on a zeroed answer and twice. Defined in answer.c,
 * which both ends of the pipe link. */
void ebcc_cc_answer_deinit(struct ebcc_cc_answer *answer);

/* Identity of the compiler: project version, LLVM version, hash of the embedded headers. Static. */
EBCC_CC_API const char *ebcc_cc_identity(void);

#endif /* EBCC_COMPILER_COMPILER_H */
