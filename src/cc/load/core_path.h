/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths into types: how a relocation says which member of which type it is about, and where another
 * BTF has the same member. load/relocate.c begins with an example.
 */
#ifndef EBCC_LOAD_CORE_PATH_H
#define EBCC_LOAD_CORE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/btf.h"

/* Steps of a path; more than any type is deep. libbpf has the same limit. */
#define EBCC_CORE_MAX_STEPS 64

/* One step of a path: a named member of the record @type, or an element of an array (@name NULL).
 * Anonymous members are not steps. */
struct ebcc_core_step {
	uint32_t type;
	uint32_t index;
	const char *name;
};

/* A path into a type of one BTF. */
struct ebcc_core_path {
	const struct ebcc_kernel_btf *btf;
	uint32_t root;
	struct ebcc_core_step steps[EBCC_CORE_MAX_STEPS];
	unsigned count;
	uint64_t bits; /* offset of its end, in bits */
	uint32_t end;  /* type of what it leads to */
};

/* Where the bits of a member are, as a load of @size bytes at @offset sees them. */
struct ebcc_core_place {
	uint64_t offset, size; /* in bytes */
	uint64_t bits;	       /* of the member */
	uint64_t first_bit;    /* of the member, in the loaded number */
	uint32_t type;
	bool bit_field;
};

/* Reads an access string: "0:56". Returns false if it doesn't fit the type @root. */
bool ebcc_core_read_path(const struct ebcc_kernel_btf *own, uint32_t root, const char *access,
			 struct ebcc_core_path *ret);

/* Looks for the object's path in the kernel's type @candidate, by the names of members. If that
 * fails, *@ret_missing is the index of the step that the kernel lacks. */
bool ebcc_core_match_path(const struct ebcc_core_path *own, const struct ebcc_kernel_btf *kernel,
			  uint32_t candidate, struct ebcc_core_path *ret, unsigned *ret_missing);

/* Finds the place of what a path leads to. Returns false if it has no size. */
bool ebcc_core_find_place(const struct ebcc_core_path *path, struct ebcc_core_place *ret);

/* The name of a type; "" if it has none. Borrowed from @btf. */
const char *ebcc_core_name(const struct ebcc_kernel_btf *btf, uint32_t id);
/* The kind of a type (BTF_KIND_...); enums of 64 bits count as BTF_KIND_ENUM. */
unsigned ebcc_core_kind(const struct ebcc_kernel_btf *btf, uint32_t id);
/* The type that a type refers to: target, element, or the type behind a qualifier. */
uint32_t ebcc_core_inner(const struct ebcc_kernel_btf *btf, uint32_t id);
bool ebcc_core_is_unsigned(const struct ebcc_kernel_btf *btf, uint32_t id);
bool ebcc_core_is_signed(const struct ebcc_kernel_btf *btf, uint32_t id);

/* Whether two names are the same without suffixes "___anything". */
bool ebcc_core_same_name(const char *left, const char *right);

/* Finds the value of an enumerator by its name, without suffixes. */
bool ebcc_core_find_enumerator(const struct ebcc_kernel_btf *btf, uint32_t id, const char *name,
			       uint64_t *ret);

#endif /* EBCC_LOAD_CORE_PATH_H */
