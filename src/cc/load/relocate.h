/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relocations of portable objects ("compile once, run everywhere", CO-RE). An object records which
 * member of which kernel type each instruction is about; before it is loaded, the offsets, sizes
 * and values of the running kernel are written into the instructions.
 */
#ifndef EBCC_LOAD_RELOCATE_H
#define EBCC_LOAD_RELOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/btf.h"

/* What the kernel lacks of the things that an object refers to, as sentences: "struct task_struct
 * has no member 'state'". */
struct ebcc_unresolved {
	char **texts;
	size_t count;
};

void ebcc_unresolved_deinit(struct ebcc_unresolved *unresolved);
#define AUTO_UNRESOLVED CLEANUP(ebcc_unresolved_deinit)

/* Whether an object has relocations. False if it is not an object. */
bool ebcc_has_relocations(const char *bytes, size_t size);

/*
 * Copies an object without its relocations; the instructions stay as the compiler made them.
 * libbpf then opens it, to create its maps, without reading the kernel's BTF. *@ret is malloc'ed
 * and has @size bytes. EBCC_ERROR_FORMAT if the object is malformed.
 */
MUST_CHECK struct ebcc_error *ebcc_relocations_strip(const char *bytes, size_t size, char **ret);

/*
 * Copies an object, relocated for the kernel that @btf describes, and without its relocations. The
 * BTF of modules is opened if vmlinux lacks a type. *@ret is malloc'ed and has @size bytes.
 *
 * What can't be resolved may be in code that never runs on this kernel. The instruction is
 * replaced with a call that no verifier accepts, of helper EBCC_UNRESOLVED_HELPER plus the index of
 * a text in @unresolved, which is initialized by the call and owned by the caller.
 *
 * A line is appended to @inputs for what the result depends on besides the BTF of vmlinux:
 * "tracepoint CATEGORY EVENT HASH HASH" for a format that was read, "modules HASH HASH" if modules
 * were searched in vain (ebcc_kernel_btf_list_modules()), and "none" if it can't be told, since a
 * tracepoint doesn't exist or a type is a module's.
 *
 * EBCC_ERROR_FORMAT if the object is malformed, EBCC_ERROR_OTHER_KERNEL if types of the kernel
 * contradict each other or a value does not fit into its instruction.
 */
MUST_CHECK struct ebcc_error *ebcc_relocate(const char *bytes, size_t size,
					    struct ebcc_kernel_btf *btf,
					    struct ebcc_unresolved *unresolved,
					    struct ebcc_buf *inputs, char **ret);

#endif /* EBCC_LOAD_RELOCATE_H */
