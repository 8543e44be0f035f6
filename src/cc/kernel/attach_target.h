/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What BTF-typed programs (fentry, LSM hooks, iterators and their kin) are attached to: a type
 * number in the kernel's BTF, found by the name of the program's section. A search through
 * the BTF costs milliseconds, so what it finds is kept in the disk cache, per kernel.
 */
#ifndef EBCC_KERNEL_ATTACH_TARGET_H
#define EBCC_KERNEL_ATTACH_TARGET_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"

/* A module's name has at most 55 characters. */
#define EBCC_MODULE_NAME_SIZE 64

struct ebcc_target_kind; /* what a section's prefix says: "fentry/" */

struct ebcc_attach_target {
	const char *section;		     /* "fentry/vfs_read"; borrowed */
	const struct ebcc_target_kind *kind; /* or NULL */
	uint32_t id;			     /* its number; 0: not found */
	char module[EBCC_MODULE_NAME_SIZE];  /* whose BTF numbers it, or "": vmlinux */
};

/* What the names of the sections of such programs begin with ("fentry/"), one after the other; NULL
 * behind the last. */
const char *ebcc_attach_target_prefix(size_t index);

/* Begins a target with the name of a section, which is borrowed. Programs in a section that gives
 * it no kind have no target of this sort, and none is looked for here. */
void ebcc_attach_target_init(struct ebcc_attach_target *target, const char *section);

/* The type of program that a section's prefix means, and how it is attached. */
enum bpf_prog_type ebcc_attach_target_type(const struct ebcc_attach_target *target);
enum bpf_attach_type ebcc_attach_target_attach_type(const struct ebcc_attach_target *target);

/*
 * Finds the ids of targets that have none yet: from the disk cache, the rest by one walk through
 * the kernel's BTF. What isn't there keeps id 0, which is no error. EBCC_ERROR_KERNEL_TYPES where
 * the kernel has no BTF, EBCC_ERROR_FORMAT where it is malformed.
 */
MUST_CHECK struct ebcc_error *ebcc_attach_targets_find(struct ebcc_attach_target **targets,
						       size_t count, const struct ebcc_log *log);

/* The error for a target that was not found: what there isn't, and which names are near. */
struct ebcc_error *ebcc_attach_target_missing(const struct ebcc_attach_target *target);

/* A descriptor of the BTF that numbers a target: 0 for vmlinux, which the kernel takes for that;
 * else the caller closes it. EBCC_ERROR_NOT_FOUND: the module is gone. */
MUST_CHECK struct ebcc_error *ebcc_attach_target_btf(const struct ebcc_attach_target *target,
						     int *ret);

#endif /* EBCC_KERNEL_ATTACH_TARGET_H */
