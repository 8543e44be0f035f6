/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attach targets of BTF-typed programs (fentry, LSM hooks, iterators and similar): a type id in
 * the kernel's BTF, found by the name of the program's section. Searching the BTF takes
 * milliseconds, so the results are kept in the disk cache, per kernel.
 */
#ifndef EBCC_KERNEL_ATTACH_TARGET_H
#define EBCC_KERNEL_ATTACH_TARGET_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"

/* A module's name is at most 55 characters long. */
#define EBCC_MODULE_NAME_SIZE 64

struct ebcc_program_kind; /* base/kinds.h */
struct ebcc_target_kind;  /* given by the prefix of the section's name: "fentry/" */

struct ebcc_attach_target {
	const char *section;		     /* "fentry/vfs_read"; borrowed */
	const struct ebcc_target_kind *kind; /* or NULL; then the next three are not set */
	const char *prefix, *name;	     /* "fentry/", "vfs_read"; name is a part of section */
	bool sleepable;
	uint32_t id;			    /* type id; 0: not found */
	char module[EBCC_MODULE_NAME_SIZE]; /* the module whose BTF has the id; "": vmlinux */
};

/* Initializes a target with the name of a section, which is borrowed. If the section's prefix is
 * not one of these, the target's kind is NULL: such a program is not attached by a BTF type id. */
void ebcc_attach_target_init(struct ebcc_attach_target *target, const char *section);

/* Whether a prefix ("fentry/") is of the sections of such programs. */
bool ebcc_attach_target_has(const char *prefix);

/* The kind of program, the program type and the attach type for the section. The target must have a
 * kind. */
const struct ebcc_program_kind *ebcc_attach_target_kind(const struct ebcc_attach_target *target);
enum bpf_prog_type ebcc_attach_target_type(const struct ebcc_attach_target *target);
enum bpf_attach_type ebcc_attach_target_attach_type(const struct ebcc_attach_target *target);

/*
 * Finds the ids of targets that have none yet, in the disk cache or else in the kernel's BTF. A
 * target that doesn't exist keeps id 0, which is not an error. EBCC_ERROR_KERNEL_TYPES if the
 * kernel has no BTF, EBCC_ERROR_FORMAT if it is malformed.
 */
MUST_CHECK struct ebcc_error *ebcc_attach_targets_find(struct ebcc_attach_target **targets,
						       size_t count, const struct ebcc_log *log);

/* Creates the error for a target that was not found: what is missing, and similar names. */
struct ebcc_error *ebcc_attach_target_missing(const struct ebcc_attach_target *target);

/* Opens the BTF that the target's id is in. *@ret is a descriptor that the caller closes, or 0 for
 * vmlinux: that is how the kernel's interface denotes it. EBCC_ERROR_NOT_FOUND if the module was
 * unloaded. */
MUST_CHECK struct ebcc_error *ebcc_attach_target_btf(const struct ebcc_attach_target *target,
						     int *ret);

#endif /* EBCC_KERNEL_ATTACH_TARGET_H */
