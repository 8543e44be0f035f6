// SPDX-License-Identifier: Apache-2.0
/*
 * Walks BTF the way libbpf's printer does, but with limits. For
 *
 *	struct list { struct list *next; void (*free)(struct list *); };
 *
 * it goes from the struct to its members. Behind a pointer a struct with a name is only declared,
 * so there the walk ends. Hence each type is visited at most twice: by value and behind a pointer.
 * A type that is reached again while it is being visited contains itself.
 */
#include "kernel/btf_check.h"

#include <stdlib.h>

#include "base/cleanup.h"

/* Nesting by value stays below 100 in kernels, and libbpf recurses for each level. */
#define DEPTH_LIMIT 400
/* The number of types visited to print or measure one type, and all types together. A type of a
 * real kernel takes at most 12,000, all types of a kernel take two million. */
#define WEIGHT_LIMIT (1u << 20)
#define TOTAL_LIMIT (32ull << 20)

/* Bytes of a struct between members. Alignment leaves at most a page, which may be a large one. */
#define GAP_LIMIT (128ull << 10)

/* A type, by value or behind a pointer. */
struct node {
	uint64_t size;	 /* of a value, in bytes; UINT64_MAX: too large to represent */
	uint32_t weight; /* number of types printed for it, with repetitions; 0: not visited yet */
	uint16_t height; /* of the longest path down from it */
	bool active;	 /* being visited */
};

struct check {
	const struct btf *btf;
	struct node *nodes; /* two for each type */
	const char *wrong;  /* the first problem found, or NULL */
};

static const struct node *visit(struct check *check, uint32_t id, bool behind, unsigned depth);

/* Visits a type that @node contains or refers to, and returns its node. */
static const struct node *follow(struct check *check, struct node *node, uint32_t id, bool behind,
				 unsigned depth)
{
	const struct node *next = visit(check, id, behind, depth + 1);

	node->weight += next->weight;
	if (node->weight > WEIGHT_LIMIT)
		check->wrong = "its types are too large when they are written out";
	if (node->height <= next->height)
		node->height = next->height + 1;
	return next;
}

static void check_name(struct check *check, uint32_t offset)
{
	if (!btf__str_by_offset(check->btf, offset))
		check->wrong = "a name is out of bounds";
}

/* Checks that a member is within its struct and not too far behind the previous one: libbpf's
 * printer fills gaps with members of 8 bytes. *@end is the end of the members so far, in bits, and
 * is advanced past this one. */
static void check_place(struct check *check, struct node *node, const struct btf_type *t, int index,
			const struct node *type, uint64_t *end)
{
	uint64_t begin = btf_member_bit_offset(t, (uint32_t)index);
	uint64_t bits = btf_member_bitfield_size(t, (uint32_t)index);

	if (!bits && type->size <= t->size)
		bits = type->size * 8;
	if (type->size > t->size || begin + bits > t->size * 8ull)
		check->wrong = "a member extends beyond its struct";
	if (begin > *end && begin - *end > GAP_LIMIT * 8)
		check->wrong = "a struct has too large a gap between members";
	if (begin > *end)
		node->weight += (begin - *end) / 64;
	*end = begin + bits > *end ? begin + bits : *end;
}

static void follow_members(struct check *check, struct node *node, const struct btf_type *t,
			   unsigned depth)
{
	const struct btf_member *member = btf_members(t);
	uint64_t end = 0;

	for (int i = 0; i < btf_vlen(t) && !check->wrong; i++, member++) {
		check_name(check, member->name_off);
		check_place(check, node, t, i, follow(check, node, member->type, false, depth),
			    &end);
	}
	if (btf_is_struct(t) && t->size * 8ull > end + GAP_LIMIT * 8)
		check->wrong = "a struct has too large a gap at its end";
	node->size = t->size;
}

static void follow_array(struct check *check, struct node *node, const struct btf_array *array,
			 bool behind, unsigned depth)
{
	uint64_t element = follow(check, node, array->type, behind, depth)->size;

	follow(check, node, array->index_type, true, depth);
	if (__builtin_mul_overflow(element, array->nelems, &node->size))
		node->size = UINT64_MAX;
}

/* A function is never part of a value, but a pointer to it can be. */
static void follow_params(struct check *check, struct node *node, const struct btf_type *t,
			  unsigned depth)
{
	const struct btf_param *param = btf_params(t);

	follow(check, node, t->type, true, depth);
	for (int i = 0; i < btf_vlen(t) && !check->wrong; i++, param++) {
		check_name(check, param->name_off);
		follow(check, node, param->type, true, depth);
	}
}

static void check_enumerators(struct check *check, const struct btf_type *t)
{
	for (int i = 0; i < btf_vlen(t); i++)
		check_name(check,
			   btf_is_enum64(t) ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off);
}

static void follow_all(struct check *check, struct node *node, const struct btf_type *t,
		       bool behind, unsigned depth)
{
	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
		follow(check, node, t->type, true, depth);
		node->size = 8;
		break;
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
		node->size = t->size;
		break;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		node->size = follow(check, node, t->type, behind, depth)->size;
		break;
	case BTF_KIND_ARRAY:
		follow_array(check, node, btf_array(t), behind, depth);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (!behind || !t->name_off)
			follow_members(check, node, t, depth);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		check_enumerators(check, t);
		node->size = t->size;
		break;
	case BTF_KIND_FUNC_PROTO:
		follow_params(check, node, t, depth);
		break;
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		follow(check, node, t->type, false, depth);
		break;
	case BTF_KIND_DATASEC:
		for (int i = 0; i < btf_vlen(t) && !check->wrong; i++)
			follow(check, node, btf_var_secinfos(t)[i].type, false, depth);
		break;
	}
}

static const struct node *visit(struct check *check, uint32_t id, bool behind, unsigned depth)
{
	static const struct node leaf = {.weight = 1, .height = 1};
	const struct btf_type *t = btf__type_by_id(check->btf, id);
	struct node *node;

	if (!t) {
		check->wrong = "a type that is referred to does not exist";
		return &leaf;
	}
	node = &check->nodes[id * 2ul + behind];
	if (node->active)
		check->wrong = "a type contains itself";
	else if (depth >= DEPTH_LIMIT || node->height >= DEPTH_LIMIT)
		check->wrong = "types are nested too deeply";
	if (check->wrong || node->weight)
		return node;
	*node = leaf;
	node->active = true;
	check_name(check, t->name_off);
	follow_all(check, node, t, behind, depth);
	node->active = false;
	return node;
}

struct ebcc_error *ebcc_btf_check(const struct btf *btf, const char *name)
{
	uint32_t count = btf__type_cnt(btf);
	AUTO_FREE struct node *nodes = calloc(count, 2 * sizeof(*nodes));
	struct check check = {.btf = btf, .nodes = nodes};
	uint64_t total = 0;

	if (!nodes)
		return ebcc_error_no_memory();
	for (uint32_t id = 1; id < count && !check.wrong; id++) {
		total += visit(&check, id, false, 0)->weight;
		if (total > TOTAL_LIMIT)
			check.wrong = "its types are too large when they are written out";
	}
	if (!check.wrong)
		return NULL;
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_FORMAT,
				  "the type information (BTF) in %s is malformed: %s", name,
				  check.wrong),
		name);
}
