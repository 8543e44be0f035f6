// SPDX-License-Identifier: Apache-2.0
/*
 * Paths into types (core_path.h). An access string such as "0:56:1" is followed member by member
 * in the object's types; the same steps are then looked for by name in the kernel's.
 */
#include "load/core_path.h"

#include <stdlib.h>
#include <string.h>

/* Nesting of anonymous structs, arrays of arrays and pointers that are compared. */
#define MAX_DEPTH 32
/* Members that are visited to match one path. */
#define MAX_VISITS (1u << 20)

/* ---- Types ---- */

const char *ebcc_core_name(const struct ebcc_kernel_btf *btf, uint32_t id)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(btf, id, &part);

	return type ? ebcc_kernel_btf_name(btf, part, type->name_off) : "";
}

unsigned ebcc_core_kind(const struct ebcc_kernel_btf *btf, uint32_t id)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(btf, id, &part);
	unsigned kind = type ? btf_kind(type) : BTF_KIND_UNKN;

	return kind == BTF_KIND_ENUM64 ? BTF_KIND_ENUM : kind;
}

uint32_t ebcc_core_inner(const struct ebcc_kernel_btf *btf, uint32_t id)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(btf, id, &part);

	if (!type)
		return 0;
	return ebcc_kernel_btf_id(part, btf_is_array(type) ? btf_array(type)->type : type->type);
}

bool ebcc_core_is_unsigned(const struct ebcc_kernel_btf *btf, uint32_t id)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type =
		ebcc_kernel_btf_type(btf, ebcc_kernel_btf_strip(btf, id), &part);

	return type && btf_is_int(type) && !(btf_int_encoding(type) & BTF_INT_SIGNED);
}

bool ebcc_core_same_name(const char *left, const char *right)
{
	size_t size = ebcc_kernel_btf_essential_size(left);

	return size == ebcc_kernel_btf_essential_size(right) && !memcmp(left, right, size);
}

/* Whether a member of one type can stand for a member of the other: the same kind of value, maybe
 * of another size. */
static bool compatible(const struct ebcc_core_path *own, uint32_t own_id,
		       const struct ebcc_core_path *kernel, uint32_t kernel_id)
{
	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		unsigned kind, kernel_kind;

		own_id = ebcc_kernel_btf_strip(own->btf, own_id);
		kernel_id = ebcc_kernel_btf_strip(kernel->btf, kernel_id);
		kind = ebcc_core_kind(own->btf, own_id);
		kernel_kind = ebcc_core_kind(kernel->btf, kernel_id);
		if ((kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION) &&
		    (kernel_kind == BTF_KIND_STRUCT || kernel_kind == BTF_KIND_UNION))
			return true;
		if (kind != kernel_kind)
			return false;
		switch (kind) {
		case BTF_KIND_PTR:
		case BTF_KIND_FLOAT:
		case BTF_KIND_INT:
			return true;
		case BTF_KIND_FWD:
		case BTF_KIND_ENUM: {
			const char *name = ebcc_core_name(own->btf, own_id);
			const char *kernel_name = ebcc_core_name(kernel->btf, kernel_id);

			return !*name || !*kernel_name || ebcc_core_same_name(name, kernel_name);
		}
		case BTF_KIND_ARRAY:
			own_id = ebcc_core_inner(own->btf, own_id);
			kernel_id = ebcc_core_inner(kernel->btf, kernel_id);
			break;
		default:
			return false;
		}
	}
	return false;
}

/* ---- Paths ---- */

static bool add_step(struct ebcc_core_path *path, uint32_t type, uint32_t index, const char *name)
{
	if (path->count == EBCC_CORE_MAX_STEPS)
		return false;
	path->steps[path->count++] = (struct ebcc_core_step){type, index, name};
	return true;
}

/* Appends an element of the type path->end. */
static bool add_element(struct ebcc_core_path *path, uint32_t index)
{
	uint64_t size, offset;

	if (!ebcc_kernel_btf_size(path->btf, path->end, &size) ||
	    __builtin_mul_overflow(size, index, &offset) || offset > UINT32_MAX)
		return false;
	path->bits += offset * 8;
	return add_step(path, path->end, index, NULL);
}

/* Appends member @index of the record path->end. */
static bool add_member(struct ebcc_core_path *path, uint32_t record, uint32_t index)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(path->btf, record, &part);
	const struct btf_member *member = &btf_members(type)[index];
	const char *name = ebcc_kernel_btf_name(path->btf, part, member->name_off);

	path->bits += btf_member_bit_offset(type, index);
	path->end = ebcc_kernel_btf_id(part, member->type);
	return !*name || add_step(path, record, index, name);
}

/* Follows one number of an access string. */
static bool follow(struct ebcc_core_path *path, uint32_t index)
{
	const struct ebcc_btf_part *part;
	uint32_t id = ebcc_kernel_btf_strip(path->btf, path->end);
	const struct btf_type *type = ebcc_kernel_btf_type(path->btf, id, &part);

	if (!type)
		return false;
	if (btf_is_composite(type))
		return index < btf_vlen(type) && add_member(path, id, index);
	if (!btf_is_array(type))
		return false;
	path->end = ebcc_core_inner(path->btf, id);
	return add_element(path, index);
}

bool ebcc_core_read_path(const struct ebcc_kernel_btf *own, uint32_t root, const char *access,
			 struct ebcc_core_path *ret)
{
	*ret = (struct ebcc_core_path){.btf = own, .root = root, .end = root};
	/* Anonymous members are numbers, too, but not steps. */
	for (unsigned i = 0; i < EBCC_CORE_MAX_STEPS; i++) {
		char *end;
		unsigned long index;

		if (*access < '0' || *access > '9')
			return false;
		index = strtoul(access, &end, 10);
		if (index > UINT32_MAX ||
		    !(i ? follow(ret, (uint32_t)index) : add_element(ret, (uint32_t)index)))
			return false;
		if (!*end)
			return true;
		if (*end != ':')
			return false;
		access = end + 1;
	}
	return false;
}

/* Finds the member that @own's step @index names in the record path->end, in anonymous members
 * too. */
static bool match_member(const struct ebcc_core_path *own, unsigned index,
			 struct ebcc_core_path *path, unsigned *visits, unsigned depth)
{
	uint32_t record = ebcc_kernel_btf_strip(path->btf, path->end);
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(path->btf, record, &part);
	const struct ebcc_core_step *step = &own->steps[index];
	const struct ebcc_btf_part *own_part;
	const struct btf_type *own_record = ebcc_kernel_btf_type(own->btf, step->type, &own_part);
	uint32_t own_member =
		ebcc_kernel_btf_id(own_part, btf_members(own_record)[step->index].type);

	if (!type || !btf_is_composite(type) || depth > MAX_DEPTH)
		return false;
	for (uint32_t i = 0; i < btf_vlen(type) && *visits; i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *name = ebcc_kernel_btf_name(path->btf, part, member->name_off);
		uint32_t member_type = ebcc_kernel_btf_id(part, member->type);
		struct ebcc_core_path inner;

		--*visits;
		if (*name && strcmp(name, step->name))
			continue;
		if (*name)
			return compatible(own, own_member, path, member_type) &&
			       add_member(path, record, i);
		inner = *path;
		inner.bits += btf_member_bit_offset(type, i);
		inner.end = member_type;
		if (match_member(own, index, &inner, visits, depth + 1)) {
			*path = inner;
			return true;
		}
	}
	return false;
}

static bool match_element(const struct ebcc_core_path *own, unsigned index,
			  struct ebcc_core_path *path)
{
	const struct ebcc_btf_part *part;
	uint32_t id = ebcc_kernel_btf_strip(path->btf, path->end), number = own->steps[index].index;
	const struct btf_type *type = ebcc_kernel_btf_type(path->btf, id, &part);

	if (!index)
		return add_element(path, number);
	/* An array without a length has as many elements as there is room. */
	if (!type || !btf_is_array(type) ||
	    (btf_array(type)->nelems && number >= btf_array(type)->nelems))
		return false;
	path->end = ebcc_core_inner(path->btf, id);
	return add_element(path, number);
}

bool ebcc_core_match_path(const struct ebcc_core_path *own, const struct ebcc_kernel_btf *kernel,
			  uint32_t candidate, struct ebcc_core_path *ret, unsigned *ret_missing)
{
	unsigned visits = MAX_VISITS;

	*ret = (struct ebcc_core_path){.btf = kernel, .root = candidate, .end = candidate};
	for (unsigned i = 0; i < own->count; i++) {
		bool found = own->steps[i].name ? match_member(own, i, ret, &visits, 0)
						: match_element(own, i, ret);

		*ret_missing = i;
		if (!found)
			return false;
	}
	return true;
}

/* ---- Places and values ---- */

bool ebcc_core_find_place(const struct ebcc_core_path *path, struct ebcc_core_place *ret)
{
	const struct ebcc_core_step *last = &path->steps[path->count - 1];
	const struct ebcc_btf_part *part;
	const struct btf_type *record = ebcc_kernel_btf_type(path->btf, last->type, &part);
	uint64_t bits = last->name ? btf_member_bitfield_size(record, last->index) : 0;

	*ret = (struct ebcc_core_place){.type = path->end, .bit_field = bits};
	if (!ebcc_kernel_btf_size(path->btf, path->end, &ret->size))
		return false;
	ret->offset = path->bits / 8;
	ret->bits = bits ? bits : ret->size * 8;
	if (!bits)
		return true;
	/* The smallest aligned number, from that of the member's type up, that has all bits. */
	for (; ret->size && ret->size <= 8; ret->size *= 2) {
		ret->offset = path->bits / 8 / ret->size * ret->size;
		ret->first_bit = path->bits - ret->offset * 8;
		if (ret->first_bit + bits <= ret->size * 8)
			return true;
	}
	return false;
}

bool ebcc_core_is_signed(const struct ebcc_kernel_btf *btf, uint32_t id)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type =
		ebcc_kernel_btf_type(btf, ebcc_kernel_btf_strip(btf, id), &part);

	if (type && btf_is_any_enum(type))
		return btf_kflag(type);
	return type && btf_is_int(type) && (btf_int_encoding(type) & BTF_INT_SIGNED);
}

bool ebcc_core_find_enumerator(const struct ebcc_kernel_btf *btf, uint32_t id, const char *name,
			       uint64_t *ret)
{
	const char *found;

	for (uint32_t i = 0; (found = ebcc_kernel_btf_enumerator(btf, id, i, ret)); i++)
		if (ebcc_core_same_name(found, name))
			return true;
	return false;
}
