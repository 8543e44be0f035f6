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

/* The name of a global variable of the source, by its index from 0 in the order of sections and of
 * memory; NULL after the last one. The dialect's own are left out. */
const char *ebcc_btf_variable_name(const struct btf *btf, size_t index);

#endif /* EBCC_LOAD_VARIABLE_H */
