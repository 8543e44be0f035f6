/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading BTF-typed programs by the BTF id of their target.
 */
#ifndef EBCC_LOAD_PROGRAM_TARGET_H
#define EBCC_LOAD_PROGRAM_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/attach_target.h"

/* Whether libbpf lets us load programs by the BTF id of their target. */
bool ebcc_target_loads(void);

/* Makes a copy of an object (malloc'ed, of the same size) in which a section has the name for which
 * libbpf calls our handler. */
MUST_CHECK struct ebcc_error *ebcc_target_object(const char *bytes, size_t size,
						 const char *section, char **ret);

/* Sets the target of this thread's next load; NULL afterwards. Both are borrowed. */
void ebcc_target_enter(const struct ebcc_attach_target *target, int btf_fd);

/* For a program that the kernel refuses to load or attach: the error if it refuses all of that
 * kind; else NULL. */
MUST_CHECK struct ebcc_error *ebcc_target_unsupported(const struct ebcc_attach_target *target,
						      const char *program);

#endif /* EBCC_LOAD_PROGRAM_TARGET_H */
