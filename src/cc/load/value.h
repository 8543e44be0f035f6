/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of keys, leaves, events and variables, created from an object's BTF on demand and kept by
 * BTF id. The public accessors, printing and scanning are in ebcc.h.
 */
#ifndef EBCC_LOAD_VALUE_H
#define EBCC_LOAD_VALUE_H

#include <stdint.h>

#include "base/error.h"

struct btf;
struct ebcc_types;

/* @btf is borrowed and must outlive the types. Not thread-safe. */
MUST_CHECK struct ebcc_error *ebcc_types_create(const struct btf *btf, struct ebcc_types **ret);
/* Frees all types that were created from it. NULL is allowed. */
void ebcc_types_destroy(struct ebcc_types *types);

/*
 * The type of a BTF id, owned by @types. NULL if the id does not describe a value (a function, a
 * variable), if the description contradicts itself, or if out of memory.
 */
const struct ebcc_type *ebcc_types_get(struct ebcc_types *types, uint32_t id);

#endif /* EBCC_LOAD_VALUE_H */
