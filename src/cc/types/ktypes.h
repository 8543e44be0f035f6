/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 2: the kernel types text that a source is compiled with. It contains the basic typedefs,
 * the types from BTF that the source can reach, the constants, macros and small functions of kernel
 * headers that it names, and the structs of its tracepoints. It is complete C on its own.
 *
 * If the text turns out to lack a name, or to have one that it shouldn't, the compiler's
 * diagnostics tell how to correct it:
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
	const char *module_btf_dir; /* BTF of modules; "": none. NULL: the running kernel's, or
				       none if there is a btf_path */
	const char *tracefs_path;   /* NULL: where it is mounted */
	bool portable; /* for an object that other kernels can load: accesses to records are
			* relocated (preserve_access_index), and what differs from kernel to
			* kernel otherwise is an error where it is used */
	bool headers;  /* kernel headers provide types and constants: the text has only the structs
			  of tracepoints, which they lack, and no BTF is opened */
};

/*
 * Opens the kernel's BTF. @scan is moved into the result (and left empty), and ebcc_ktypes_learn()
 * will extend it. @kernel is borrowed and must outlive the result. @opts may be NULL and is not
 * kept. EBCC_ERROR_KERNEL_TYPES if there is no BTF, EBCC_ERROR_FORMAT if it is malformed.
 */
MUST_CHECK struct ebcc_error *ebcc_ktypes_create(struct ebcc_scan *scan,
						 struct ebcc_kernel_info *kernel,
						 const struct ebcc_ktypes_opts *opts,
						 struct ebcc_ktypes **ret);
void ebcc_ktypes_destroy(struct ebcc_ktypes *ktypes);

/*
 * Appends the text, with the types that the source can reach, or with all types of the kernel if
 * @whole is set (2-3 MB, as a last resort). Names that the source defines itself are left out in
 * both cases.
 */
MUST_CHECK struct ebcc_error *ebcc_ktypes_generate(struct ebcc_ktypes *ktypes, bool whole,
						   struct ebcc_buf *text);

/*
 * Learns from a failed compile which names to add or to leave out. *@ret_learnt: whether the next
 * text will differ. Warnings count, too: an implicitly declared function may be a macro that was
 * left out.
 */
MUST_CHECK struct ebcc_error *ebcc_ktypes_learn(struct ebcc_ktypes *ktypes,
						const struct ebcc_cc_diagnostic *diagnostics,
						size_t count, bool *ret_learnt);

/*
 * Whether a source that failed to compile might compile with other kernel types, or with kernel
 * headers. Neither helps if it failed after it was parsed. Types don't help against syntax errors
 * (a missing semicolon) or misuse of the dialect's own names. Headers help against a syntax error
 * only if it may be due to a missing macro.
 */
bool ebcc_ktypes_may_help(const struct ebcc_cc_answer *answer);
bool ebcc_ktypes_headers_may_help(const struct ebcc_cc_answer *answer);

/* Sentences, one per line, about what the text had to leave out (a tracepoint that this kernel does
 * not have, tracefs not mounted), to be added to a compile error; "" if there are none. Borrowed
 * until the next call of ebcc_ktypes_generate(). */
const char *ebcc_ktypes_notes(const struct ebcc_ktypes *ktypes);

/* The BTF that the text is made from, borrowed; NULL if kernel headers provide the types. */
const struct ebcc_kernel_btf *ebcc_ktypes_btf(const struct ebcc_ktypes *ktypes);

/* Whether the last text had nothing that depends on the kernel: no constants, tracepoints or
 * configuration, and no types except those of program contexts, whose layout never changes. An
 * object compiled with such a text depends on the kernel no more than its source does. */
bool ebcc_ktypes_independent(const struct ebcc_ktypes *ktypes);

/* Whether the source may use the number of CPUs, which is a constant in the object. */
bool ebcc_ktypes_names_cpu_count(const struct ebcc_ktypes *ktypes);

/* Names in the source, separated by spaces, that depend on the kernel's configuration and were left
 * undefined, since the configuration was not found and the kernel doesn't show the value; "" if
 * there are none. Borrowed until the next call of ebcc_ktypes_generate(). */
const char *ebcc_ktypes_unknown(const struct ebcc_ktypes *ktypes);

/* The constants of the table that the last text defines, for a portable object: "NAME VALUE" in
 * lines, or "NAME -" if the value is not a plain number. Other kernels may have enumerators of
 * these names. Borrowed until the next call of ebcc_ktypes_generate(). */
const char *ebcc_ktypes_constants(const struct ebcc_ktypes *ktypes);

/* What the last text depended on besides the source, for a cache key: lines "btf PATH",
 * "module PATH", "tracepoint CAT:EV HASH", "config NAME VALUE", "unconfigured", and "unfound EV"
 * for a tracepoint that was not found but may exist the next time. Borrowed until the next call of
 * ebcc_ktypes_generate(). */
const char *ebcc_ktypes_inputs(const struct ebcc_ktypes *ktypes);

#endif /* EBCC_TYPES_KTYPES_H */
