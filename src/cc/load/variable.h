/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Global variables of an object, as its BTF describes them.
 */
#ifndef EBCC_LOAD_VARIABLE_H
#define EBCC_LOAD_VARIABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>

#include "base/error.h"

/* A variable in the object's BTF. */
struct ebcc_variable {
	const char *section;
	uint32_t type_id;
	uint32_t offset, size; /* bytes, in the section */
};

/* Finds a global variable by name, in @section or (NULL) in any section with variables of the
 * source. Returns false if there is none. */
bool ebcc_btf_variable(const struct btf *btf, const char *section, const char *name,
		       struct ebcc_variable *ret);

/* Lists the names of the source's global variables, in the order of sections and of memory, without
 * the dialect's own. The array is malloc'ed, the names are @btf's. */
MUST_CHECK struct ebcc_error *ebcc_btf_variable_names(const struct btf *btf, const char ***ret,
						      size_t *ret_count);

#endif /* EBCC_LOAD_VARIABLE_H */
