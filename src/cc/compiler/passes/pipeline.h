/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 4: passes over LLVM IR for everything in the dialect that can't be expressed in a C header,
 * followed by LLVM's own optimization. The input is a module that clang generates for the bpf
 * target with debug info and its own passes disabled (-O2 -disable-llvm-passes), from a source that
 * begins with ebcc/dialect.h. The output is ready for emission by the target machine. The list of
 * passes is in pipeline.c.
 *
 * What the object tells its loader, besides what libbpf reads anyway:
 *
 * - Program sections: see ebcc_ir_section_name().
 * - Section .ebcc.meta: global variables that programs don't use.
 *   - __ebcc_event_NAME: its BTF type is a pointer to the type of the events that the source
 *     submits to the output map NAME (struct, union, array, integer ...). Absent when unknown.
 *   - __ebcc_table_NAME: char[], facts about the map NAME that libbpf can't carry, as lines
 *     "key=value"; read the symbol's bytes in the section. Absent for a plain map. Keys:
 *     "table", the type string of BPF_TABLE and similar as in the source ("histogram",
 *     "extern" for another module's table of the same name, "array_of_maps$INNER", "hash");
 *     "scope", shared or public;
 *     "pinned", the path to open the map from, or to pin it to.
 *   - __ebcc_kernel: char[], which kernel the object was compiled for, in the same form
 *     (types/kernel_record.h). Keys: "arch", a number of enum ebcc_arch_id; "cpus", the number
 *     of CPUs, if a program contains it as a constant; "kernel", "any" if nothing else in the
 *     object depends on the kernel. Otherwise: "release" and "version" as uname -r and -v,
 *     "build_id" in hexadecimal if known; "btf", a hash of the BTF, if the caller named its file
 *     ("btf_file", the name) or there is no build id; "modules", NAME:HASH of each kernel module
 *     whose types are used.
 *   - __ebcc_needs: char[], what a portable object takes from the kernel's types without a
 *     relocation, in lines (types/kernel_needs.h).
 * - Section .data.ebcc:
 *   - __ebcc_lost_NAME, counters of the events that the kernel refused, u64, one per CPU, 64 bytes
 *     apart; their number is that of the CPUs rounded up to a power of two (take it from the
 *     variable's size). Only maps that events are sent to have one. Each counter is followed by two
 *     numbers for perf buffers (struct ebcc_loss_slot in perf_cpus.h): how many events were refused
 *     because the CPU has no ring, and, in the first slot only, whether a reader is listening;
 *     without one, such refusals are not counted.
 *   - __ebcc_batch_NAME of a ring buffer, u64: the reader sets how many bytes, a power of two, must
 *     be waiting before it is woken. 0, the initial value: the kernel decides.
 * - Maps whose names begin with __ebcc_ are the dialect's own, not the source's tables. Only
 * objects that use one have it. __ebcc_usdt_specs: see bpf/ebcc/usdt_spec.h.
 */
#ifndef EBCC_COMPILER_PASSES_PIPELINE_H
#define EBCC_COMPILER_PASSES_PIPELINE_H

#include <stdbool.h>

#include <llvm-c/TargetMachine.h>
#include <llvm-c/Types.h>

#include "base/timing.h"
#include "compiler/compiler.h"

struct ebcc_ir_opts {
	enum ebcc_arch_id arch;		/* whose struct pt_regs and calling convention */
	enum ebcc_cc_pipeline pipeline; /* optimization after the dialect's own passes */
	unsigned flags;			/* enum ebcc_cc_flag */
	struct ebcc_timing *timing;	/* or NULL */
};

/*
 * Receives the diagnostics of the passes. @path is the source file ("" and @line 0 without a
 * location); @line and @column count from 1, @column may be 0. @message is one sentence without
 * location. The strings are borrowed for the call.
 */
typedef void (*ebcc_ir_report_fn)(void *context, enum ebcc_cc_severity severity, const char *path,
				  unsigned line, unsigned column, const char *message);

/*
 * Runs all passes on @module, in place, with @machine (a bpf target machine) for LLVM's own.
 * Returns false if at least one error was reported; the module may then only be disposed of, not
 * emitted. Keeps no state between calls.
 */
bool ebcc_ir_run(LLVMModuleRef module, LLVMTargetMachineRef machine,
		 const struct ebcc_ir_opts *opts, ebcc_ir_report_fn report, void *context);

/*
 * The ELF section of a program: libbpf's name if the prefix of @function tells the kind
 * ("kprobe__do_exit" -> "kprobe/do_exit"), otherwise derived from @context_type, the tag of the
 * struct that its first parameter points to ("pt_regs" -> "kprobe/FUNCTION", "xdp_md" -> "xdp",
 * which several programs may share, any other -> ".ebcc/CONTEXT/FUNCTION"; "void" for a void
 * pointer). Returns a string that the caller frees, or NULL when out of memory.
 */
char *ebcc_ir_section_name(const char *function, const char *context_type);

#endif /* EBCC_COMPILER_PASSES_PIPELINE_H */
