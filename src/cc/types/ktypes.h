/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 2: the kernel types text that a source is compiled against. It holds the basic typedefs,
 *the types of BTF that the source can reach, the constants, macros and small functions of kernel
 * headers that it names, and the structs of its tracepoints; it is complete C by itself.
 *
 * A text that turns out too small or too large is put right from the compiler's diagnostics:
 *
 *	ebcc_ktypes_create(...);
 *	do {
 *		ebcc_ktypes_generate(ktypes, false, &text);
 *		compile;
 *	} while (failed && ebcc_ktypes_learn(ktypes, diagnostics...) && few rounds);
 *	if (failed) once more with ebcc_ktypes_generate(ktypes, true, &text);
 *	if (failed) add ebcc_ktypes_notes() to the error.
 */
#ifndef EBCC_TYPES_KTYPES_H
#define EBCC_TYPES_KTYPES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "compiler/compiler.h"
#include "kernel/btf.h"
#include "kernel/info.h"
#include "types/source_scan.h"

struct ebcc_ktypes;

struct ebcc_ktypes_opts {
	const char *btf_path;	    /* BTF file, raw or in an ELF; NULL: the running kernel's */
	const char *module_btf_dir; /* BTF of modules; NULL: the running kernel's, "": none. A
				       btf_path alone implies none */
	const char *tracefs_path;   /* NULL: found by itself */
	bool core;		    /* records get preserve_access_index (EBCC_CC_CORE) */
	bool headers; /* kernel headers give the types and constants: the text has only what they
			 lack, the structs of tracepoints, and no BTF is opened */
};

/*
 * Opens the kernel's BTF. @scan is taken over (left empty) and extended by what is
 * learnt; @kernel is borrowed and must outlive the result; @opts may be NULL and is not kept.
 * EBCC_ERROR_KERNEL_TYPES when there is no BTF, EBCC_ERROR_FORMAT when it is malformed.
 */
MUST_CHECK struct ebcc_error *ebcc_ktypes_create(struct ebcc_scan *scan,
						 struct ebcc_kernel_info *kernel,
						 const struct ebcc_ktypes_opts *opts,
						 struct ebcc_ktypes **ret);
void ebcc_ktypes_destroy(struct ebcc_ktypes *ktypes);

/*
 * Appends the text. @whole: every type of the kernel (2-3 MB, for the last try), else
 * those that the source can reach. What the source defines itself is left out either way.
 */
MUST_CHECK struct ebcc_error *ebcc_ktypes_generate(struct ebcc_ktypes *ktypes, bool whole,
						   struct ebcc_buf *text);

/*
 * Learns from a failed compile which names to add or to leave out. Writes to @ret_learnt
 * whether the next text will differ. Warnings are looked at too: an implicitly declared
 * function may be a macro that was left out.
 */
MUST_CHECK struct ebcc_error *ebcc_ktypes_learn(struct ebcc_ktypes *ktypes,
						const struct ebcc_cc_diagnostic *diagnostics,
						size_t count, bool *ret_learnt);

/*
 * Whether a source that failed may compile against other kernel types, or against kernel headers.
 * Neither helps against errors behind the parse; types don't against those of form (a semicolon
 * that is missing) and of the dialect's own names, headers only where a macro may be what is
 * missing.
 */
bool ebcc_ktypes_may_help(const struct ebcc_cc_answer *answer);
bool ebcc_ktypes_headers_may_help(const struct ebcc_cc_answer *answer);

/* Sentences, one a line, on what the text had to leave out (a tracepoint that this kernel does
 * not have, tracefs not mounted), to be added to a compile error. "" when there are none. Borrowed
 * until the next generate. */
const char *ebcc_ktypes_notes(const struct ebcc_ktypes *ktypes);

/* The BTF that the text is made from, or NULL where kernel headers give the types. Borrowed. */
const struct ebcc_kernel_btf *ebcc_ktypes_btf(const struct ebcc_ktypes *ktypes);

/* Whether the last text had nothing of one kernel: no types but those of programs' contexts, whose
 * layout never changes, no constants, no tracepoints, no configuration. An object of such a
 * source depends on a kernel no more than the source itself does. */
bool ebcc_ktypes_independent(const struct ebcc_ktypes *ktypes);

/* Whether the source may name the number of CPUs, which is a constant in the object. */
bool ebcc_ktypes_names_cpu_count(const struct ebcc_ktypes *ktypes);

/* Names of the source, blanks between, that stand for something of the kernel's configuration and
 * were left undefined, since that was not found and the kernel does not show it. "" when there are
 * none. Borrowed until the next generate. */
const char *ebcc_ktypes_unknown(const struct ebcc_ktypes *ktypes);

/* What entered the last text beside the source, for a cache key: lines "btf PATH",
 * "module PATH", "tracepoint CAT:EV HASH", "config NAME VALUE", "unconfigured"; "unfound EV" for a
 * tracepoint that was looked for in vain, which may be there the next time. Borrowed until the next
 * generate.
 */
const char *ebcc_ktypes_inputs(const struct ebcc_ktypes *ktypes);

#endif /* EBCC_TYPES_KTYPES_H */
