/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing whole types of an object with those of a kernel. */
#ifndef EBCC_LOAD_CORE_MATCH_H
#define EBCC_LOAD_CORE_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/btf.h"

enum ebcc_core_rule {
	EBCC_CORE_BY_KIND,   /* bpf_core_type_exists(), bpf_core_type_size() */
	EBCC_CORE_BY_SHAPE,  /* bpf_core_type_matches() */
	EBCC_CORE_BY_TARGET, /* the same, behind a pointer: records only by name and kind */
};

/* Whether a type of the object, whose name the caller has compared, is the kernel's by @rule. */
bool ebcc_core_same_type(const struct ebcc_kernel_btf *own, uint32_t own_id,
			 const struct ebcc_kernel_btf *kernel, uint32_t kernel_id,
			 enum ebcc_core_rule rule);

#endif /* EBCC_LOAD_CORE_MATCH_H */
