// SPDX-License-Identifier: Apache-2.0
/*
 * Compares whole types of an object and of a kernel, for bpf_core_type_exists() and
 * bpf_core_type_matches() (core_match.h).
 */
#include "load/core_match.h"

#include "load/core_path.h"

/* Nesting of types. */
#define MAX_DEPTH 32
/* Types and members that are visited for one comparison. */
#define MAX_VISITS (1u << 20)

struct sides {
	const struct ebcc_kernel_btf *own, *kernel;
	unsigned visits; /* left */
};

static bool same_types(struct sides *sides, uint32_t own, uint32_t kernel, enum ebcc_core_rule rule,
		       unsigned depth);

static bool same_parameters(struct sides *sides, uint32_t own, uint32_t kernel,
			    enum ebcc_core_rule rule, unsigned depth)
{
	const struct ebcc_btf_part *own_part, *part;
	const struct btf_type *own_type = ebcc_kernel_btf_type(sides->own, own, &own_part);
	const struct btf_type *type = ebcc_kernel_btf_type(sides->kernel, kernel, &part);

	if (btf_vlen(own_type) != btf_vlen(type))
		return false;
	for (unsigned i = 0; i < btf_vlen(type); i++)
		if (!same_types(sides, ebcc_kernel_btf_id(own_part, btf_params(own_type)[i].type),
				ebcc_kernel_btf_id(part, btf_params(type)[i].type), rule,
				depth + 1))
			return false;
	return same_types(sides, ebcc_core_inner(sides->own, own),
			  ebcc_core_inner(sides->kernel, kernel), rule, depth + 1);
}

/* Whether the kernel's record has each member of the object's, of the same shape. */
static bool has_members(struct sides *sides, uint32_t own, uint32_t kernel, unsigned depth)
{
	const struct ebcc_btf_part *own_part, *part;
	const struct btf_type *own_type = ebcc_kernel_btf_type(sides->own, own, &own_part);
	const struct btf_type *type = ebcc_kernel_btf_type(sides->kernel, kernel, &part);

	for (unsigned i = 0; i < btf_vlen(own_type); i++) {
		const struct btf_member *member = &btf_members(own_type)[i];
		const char *name = ebcc_kernel_btf_name(sides->own, own_part, member->name_off);
		bool found = false;

		for (unsigned j = 0; j < btf_vlen(type) && !found && sides->visits; j++) {
			const struct btf_member *other = &btf_members(type)[j];

			sides->visits--;
			found = ebcc_core_same_name(name, ebcc_kernel_btf_name(sides->kernel, part,
									       other->name_off)) &&
				same_types(sides, ebcc_kernel_btf_id(own_part, member->type),
					   ebcc_kernel_btf_id(part, other->type),
					   EBCC_CORE_BY_SHAPE, depth + 1);
		}
		if (!found)
			return false;
	}
	return true;
}

static bool has_enumerators(struct sides *sides, uint32_t own, uint32_t kernel)
{
	uint64_t size, kernel_size, value;
	const char *name;

	if (!ebcc_kernel_btf_size(sides->own, own, &size) ||
	    !ebcc_kernel_btf_size(sides->kernel, kernel, &kernel_size) || size != kernel_size)
		return false;
	for (uint32_t i = 0; (name = ebcc_kernel_btf_enumerator(sides->own, own, i, &value)); i++) {
		const struct ebcc_btf_part *part;
		unsigned count = btf_vlen(ebcc_kernel_btf_type(sides->kernel, kernel, &part));

		if (sides->visits < count ||
		    !ebcc_core_find_enumerator(sides->kernel, kernel, name, &value))
			return false;
		sides->visits -= count;
	}
	return true;
}

/* A declared record is that record, if a pointer leads to it. */
static bool same_declared(const struct sides *sides, uint32_t own, uint32_t kernel)
{
	const struct ebcc_btf_part *own_part, *part;
	const struct btf_type *own_type = ebcc_kernel_btf_type(sides->own, own, &own_part);
	const struct btf_type *type = ebcc_kernel_btf_type(sides->kernel, kernel, &part);
	bool own_union = btf_is_fwd(own_type) ? btf_kflag(own_type) : btf_is_union(own_type);
	bool kernel_union = btf_is_fwd(type) ? btf_kflag(type) : btf_is_union(type);

	return (btf_is_fwd(own_type) || btf_is_composite(own_type)) &&
	       (btf_is_fwd(type) || btf_is_composite(type)) && own_union == kernel_union;
}

static bool same_int(const struct sides *sides, uint32_t own, uint32_t kernel)
{
	const struct ebcc_btf_part *own_part, *part;
	const struct btf_type *own_type = ebcc_kernel_btf_type(sides->own, own, &own_part);
	const struct btf_type *type = ebcc_kernel_btf_type(sides->kernel, kernel, &part);

	return own_type->size == type->size && btf_int_encoding(own_type) == btf_int_encoding(type);
}

static bool same_array(struct sides *sides, uint32_t own, uint32_t kernel, enum ebcc_core_rule rule,
		       unsigned depth)
{
	const struct ebcc_btf_part *own_part, *part;
	const struct btf_type *own_type = ebcc_kernel_btf_type(sides->own, own, &own_part);
	const struct btf_type *type = ebcc_kernel_btf_type(sides->kernel, kernel, &part);

	return (rule == EBCC_CORE_BY_KIND ||
		btf_array(own_type)->nelems == btf_array(type)->nelems) &&
	       same_types(sides, ebcc_core_inner(sides->own, own),
			  ebcc_core_inner(sides->kernel, kernel), rule, depth + 1);
}

static bool same_types(struct sides *sides, uint32_t own, uint32_t kernel, enum ebcc_core_rule rule,
		       unsigned depth)
{
	unsigned kind;

	own = ebcc_kernel_btf_strip(sides->own, own);
	kernel = ebcc_kernel_btf_strip(sides->kernel, kernel);
	if (!own && !kernel)
		return true;
	if (!own || !kernel || depth > MAX_DEPTH || !sides->visits)
		return false;
	sides->visits--;
	if (rule != EBCC_CORE_BY_KIND &&
	    !ebcc_core_same_name(ebcc_core_name(sides->own, own),
				 ebcc_core_name(sides->kernel, kernel)))
		return false;
	if (rule == EBCC_CORE_BY_TARGET && same_declared(sides, own, kernel))
		return true;
	kind = ebcc_core_kind(sides->own, own);
	if (kind != ebcc_core_kind(sides->kernel, kernel))
		return false;
	switch (kind) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return rule == EBCC_CORE_BY_KIND || has_members(sides, own, kernel, depth);
	case BTF_KIND_ENUM:
		return rule == EBCC_CORE_BY_KIND || has_enumerators(sides, own, kernel);
	case BTF_KIND_INT:
		return rule == EBCC_CORE_BY_KIND || same_int(sides, own, kernel);
	case BTF_KIND_PTR:
		return same_types(sides, ebcc_core_inner(sides->own, own),
				  ebcc_core_inner(sides->kernel, kernel),
				  rule == EBCC_CORE_BY_KIND ? EBCC_CORE_BY_KIND
							    : EBCC_CORE_BY_TARGET,
				  depth + 1);
	case BTF_KIND_ARRAY:
		return same_array(sides, own, kernel, rule, depth);
	case BTF_KIND_FUNC_PROTO:
		return same_parameters(sides, own, kernel, rule, depth);
	case BTF_KIND_FWD:
	case BTF_KIND_FLOAT:
		return true;
	default:
		return false;
	}
}

bool ebcc_core_same_type(const struct ebcc_kernel_btf *own, uint32_t own_id,
			 const struct ebcc_kernel_btf *kernel, uint32_t kernel_id,
			 enum ebcc_core_rule rule)
{
	struct sides sides = {own, kernel, MAX_VISITS};

	return same_types(&sides, own_id, kernel_id, rule, 0);
}
