// SPDX-License-Identifier: Apache-2.0
/*
 * Writes the running kernel's offsets into the instructions of a portable object.
 *
 * An example. The program
 *
 *	int kprobe__do_exit(struct pt_regs *ctx)
 *	{
 *		struct task_struct *task = (struct task_struct *)bpf_get_current_task();
 *		int parent = task->real_parent->tgid;
 *		...
 *	}
 *
 * was compiled against a kernel in which real_parent is at offset 1472 and tgid at 1452. To
 * compute the two addresses that are read from, the object has these instructions, and for each of
 * them a record in .BTF.ext (struct bpf_core_relo):
 *
 *	r0 = helper 35				   get the task
 *	r1 = 1472		kind BYTE_OFFSET, type 'struct task_struct', access "0:56"
 *	r0 += r1
 *	...
 *	r1 = 1452		kind BYTE_OFFSET, type 'struct task_struct', access "0:55"
 *	r0 += r1
 *
 * The type is one of the object's own BTF, and "0:56" is a path into it: the first object behind
 * the pointer (array element 0), and in that the member of index 56. ebcc_core_read_path() follows
 * it and keeps each named step: "real_parent".
 *
 * The kernel has types of the same name, called candidates; find_candidates() looks them up for
 * all records, in one walk through the kernel's BTF. ebcc_core_match_path() looks for the same path
 * in a candidate, by the names of members, wherever they are by now, in anonymous structs too. From
 * the path in the kernel's type, compute_member() gets the new number, here the offset in bytes,
 * and patch_value() writes it into the instruction, if this has the number that the compiler's path
 * gives.
 *
 * A type of the object may have a suffix, "task_struct___old", if the source declares it in
 * several versions. Candidates are those of the name without it.
 *
 * The struct of a tracepoint's arguments is made from the event's format file when a source is
 * compiled, and relocated by the same file of the running kernel (resolve_tracepoint()).
 *
 * The format of records and paths, what the kinds mean, and which types are considered to be
 * compatible are the interface between clang, libbpf and the kernel: struct bpf_core_relo in
 * linux/bpf.h, and "BPF CO-RE" in the kernel's Documentation/bpf/btf.rst and llvm_reloc.rst. We
 * don't leave this to libbpf, which would parse the kernel's BTF once more for each program, and
 * can't say what is missing.
 */
#include "load/relocate.h"

#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/bpf.h>

#include "advice/verifier_log.h"
#include "base/buf.h"
#include "base/disk_cache.h"
#include "base/hash.h"
#include "elf/bpf_object.h"
#include "kernel/renames.h"
#include "load/core_match.h"
#include "load/core_path.h"
#include "types/tracepoint.h"

/* Prefix of the names of tracepoints' structs: tracepoint__CATEGORY__EVENT. */
#define TRACEPOINT_PREFIX "tracepoint__"
/* Records of one object: a program has at most a million instructions. */
#define MAX_RECORDS (1u << 20)
/* A name of a type or a path; real ones are shorter than 128 bytes. */
#define MAX_NAME 512
/* Different texts about what a kernel lacks. */
#define MAX_UNRESOLVED 4096

/* The header of .BTF.ext up to the part that we use (linux/btf.h describes .BTF only; this layout
 * is in the kernel's Documentation/bpf/btf.rst). */
struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t header_size;
	uint32_t functions, functions_size;
	uint32_t lines, lines_size;
	uint32_t relocations, relocations_size;
};

/* A number, computed from the object's types or the kernel's. */
struct result {
	uint64_t value;
	uint32_t size;	  /* of the member in bytes, for offsets of plain members; else 0 */
	bool is_unsigned; /* whether that member is an unsigned integer */
	bool bit_field;	  /* the compiler's number can't be checked */
};

/* The kernel's types of one name. */
struct candidates {
	uint32_t *ids;
	size_t count;
	bool in_modules; /* modules were searched too */
};

struct relocation {
	struct ebcc_kernel_btf *kernel;
	struct ebcc_kernel_btf *own; /* the object's types */
	struct ebcc_hash names;	     /* of types, without suffix, to an index of candidates */
	struct candidates *candidates;
	size_t candidate_count;
	struct ebcc_tracepoint_format format; /* of the struct tracepoint */
	uint32_t tracepoint;		      /* 0: none yet */
	struct ebcc_unresolved *unresolved;
	struct ebcc_buf *inputs; /* what the result depends on */
	char *bytes;		 /* the copy */
	size_t size;
	uint32_t records; /* seen so far */
};

void ebcc_unresolved_deinit(struct ebcc_unresolved *unresolved)
{
	for (size_t i = 0; i < unresolved->count; i++)
		free(unresolved->texts[i]);
	free(unresolved->texts);
	*unresolved = (struct ebcc_unresolved){0};
}

static struct ebcc_error *malformed(const char *what)
{
	return ebcc_error_create(EBCC_ERROR_FORMAT,
				 "the relocations of the object are malformed: %s", what);
}

/* ---- Numbers ---- */

static bool compute_member(const struct ebcc_core_path *path, enum bpf_core_relo_kind kind,
			   struct result *ret)
{
	struct ebcc_core_place place;

	if (!ebcc_core_find_place(path, &place))
		return false;
	ret->bit_field = place.bit_field;
	switch (kind) {
	case BPF_CORE_FIELD_BYTE_OFFSET:
		ret->value = place.offset;
		ret->size = place.bit_field || place.size > 8 ? 0 : (uint32_t)place.size;
		ret->is_unsigned = ebcc_core_is_unsigned(path->btf, place.type);
		return true;
	case BPF_CORE_FIELD_BYTE_SIZE:
		ret->value = place.size;
		return true;
	case BPF_CORE_FIELD_SIGNED:
		ret->value = ebcc_core_is_signed(path->btf, place.type);
		return true;
	case BPF_CORE_FIELD_LSHIFT_U64: /* little endian */
		ret->value = 64 - (place.first_bit + place.bits);
		return place.first_bit + place.bits <= 64;
	case BPF_CORE_FIELD_RSHIFT_U64:
		ret->value = 64 - place.bits;
		return place.bits <= 64;
	case BPF_CORE_FIELD_EXISTS:
		ret->value = 1;
		return true;
	default:
		return false;
	}
}

static bool is_about_member(enum bpf_core_relo_kind kind)
{
	return kind <= BPF_CORE_FIELD_RSHIFT_U64;
}

static bool is_about_enumerator(enum bpf_core_relo_kind kind)
{
	return kind == BPF_CORE_ENUMVAL_EXISTS || kind == BPF_CORE_ENUMVAL_VALUE;
}

/* Whether the answer to "it does not exist" is 0. */
static bool asks_for_existence(enum bpf_core_relo_kind kind)
{
	return kind == BPF_CORE_FIELD_EXISTS || kind == BPF_CORE_TYPE_EXISTS ||
	       kind == BPF_CORE_ENUMVAL_EXISTS || kind == BPF_CORE_TYPE_MATCHES;
}

/* ---- Candidates ---- */

static struct ebcc_error *add_candidate(struct candidates *candidates, uint32_t id)
{
	uint32_t *bigger =
		reallocarray(candidates->ids, candidates->count + 1, sizeof(*candidates->ids));

	if (!bigger)
		return ebcc_error_no_memory();
	candidates->ids = bigger;
	candidates->ids[candidates->count++] = id;
	return NULL;
}

/* Whether a type of this kind can be the root of a relocation. */
static bool can_be_root(const struct btf_type *type)
{
	return btf_is_composite(type) || btf_is_any_enum(type) || btf_is_typedef(type) ||
	       btf_is_int(type) || btf_is_fwd(type);
}

/* Adds the types from @first to @end that have a wanted name. With @missing_only, only for names of
 * which none has been found so far. */
static struct ebcc_error *walk_types(struct relocation *relocation, uint32_t first, uint32_t end,
				     bool missing_only)
{
	const struct ebcc_kernel_btf *btf = relocation->kernel;

	for (uint32_t id = first; id < end; id++) {
		const struct ebcc_btf_part *part;
		const struct btf_type *type = ebcc_kernel_btf_type(btf, id, &part);
		const char *name;
		uint64_t *index;

		if (!can_be_root(type))
			continue;
		name = ebcc_kernel_btf_name(btf, part, type->name_off);
		index = *name ? ebcc_hash_find(&relocation->names, name,
					       ebcc_kernel_btf_essential_size(name))
			      : NULL;
		if (index && relocation->candidates[*index].in_modules == missing_only)
			TRY(add_candidate(&relocation->candidates[*index], id));
	}
	return NULL;
}

/* Notes which modules were searched for types that vmlinux lacks. */
static struct ebcc_error *note_modules(struct relocation *relocation)
{
	AUTO_BUF struct ebcc_buf modules = EBCC_BUF_INIT;
	struct ebcc_cache_key key;

	for (size_t i = 0; i < relocation->candidate_count; i++) {
		if (relocation->candidates[i].in_modules && relocation->candidates[i].count) {
			ebcc_buf_append_string(relocation->inputs, "none\n");
			return NULL;
		}
	}
	ebcc_kernel_btf_list_modules(relocation->kernel->module_dir, &modules);
	key = ebcc_cache_key_of(&modules);
	ebcc_buf_printf(relocation->inputs, "modules %llx %llx\n", (unsigned long long)key.low,
			(unsigned long long)key.high);
	return ebcc_buf_check(&modules);
}

/* Finds the kernel's types for all names: in vmlinux, or else in modules. */
static struct ebcc_error *find_candidates(struct relocation *relocation)
{
	uint32_t first_of_modules = relocation->kernel->parts[0].count + 1;
	bool missing = false;

	relocation->candidates =
		calloc(relocation->names.count + 1, sizeof(*relocation->candidates));
	if (!relocation->candidates)
		return ebcc_error_no_memory();
	relocation->candidate_count = relocation->names.count;
	TRY(walk_types(relocation, 1, first_of_modules, false));
	for (size_t i = 0; i < relocation->candidate_count; i++) {
		relocation->candidates[i].in_modules = !relocation->candidates[i].count;
		missing |= relocation->candidates[i].in_modules;
	}
	if (!missing)
		return NULL;
	TRY(ebcc_kernel_btf_open_modules(relocation->kernel));
	TRY(walk_types(relocation, first_of_modules, relocation->kernel->type_count, true));
	return note_modules(relocation);
}

/* The record's type is remembered by name; its index is that of its candidates. */
static struct ebcc_error *add_name(struct relocation *relocation, uint32_t root)
{
	const char *name = ebcc_core_name(relocation->own, root);
	size_t count = relocation->names.count;
	uint64_t *index;

	/* Those of tracepoints are not the kernel's. */
	if (!*name || !strncmp(name, TRACEPOINT_PREFIX, strlen(TRACEPOINT_PREFIX)))
		return NULL;
	index = ebcc_hash_insert(&relocation->names, name, ebcc_kernel_btf_essential_size(name));
	if (!index)
		return ebcc_error_no_memory();
	if (relocation->names.count > count)
		*index = count;
	return NULL;
}

/* ---- One record ---- */

/* A record, and what it says about the object's type. */
struct item {
	enum bpf_core_relo_kind kind;
	uint32_t root;
	const char *access;
	struct ebcc_core_path path; /* if it is about a member */
	const char *enumerator;	    /* if it is about one */
	struct result own;	    /* what the compiler put into the instruction */
	struct result result;	    /* for the kernel */
	bool resolved;
	unsigned missing; /* step of the path that the kernel lacks */
};

/* Computes the number for a type other than by a member. */
static bool compute_type(const struct relocation *relocation, const struct item *item,
			 const struct ebcc_kernel_btf *btf, uint32_t id, struct result *ret)
{
	switch (item->kind) {
	case BPF_CORE_TYPE_ID_LOCAL:
	case BPF_CORE_TYPE_ID_TARGET:
		ret->value = id;
		/* The id of a module's type would need the descriptor of its BTF. */
		return btf == relocation->own || id <= relocation->kernel->parts[0].count;
	case BPF_CORE_TYPE_EXISTS:
	case BPF_CORE_TYPE_MATCHES:
		ret->value = 1;
		return true;
	case BPF_CORE_TYPE_SIZE:
		return ebcc_kernel_btf_size(btf, id, &ret->value);
	case BPF_CORE_ENUMVAL_EXISTS:
	case BPF_CORE_ENUMVAL_VALUE:
		if (!ebcc_core_find_enumerator(btf, ebcc_kernel_btf_strip(btf, id),
					       item->enumerator, &ret->value))
			return false;
		if (item->kind == BPF_CORE_ENUMVAL_EXISTS)
			ret->value = 1;
		return true;
	default:
		return false;
	}
}

static struct ebcc_error *read_item(const struct relocation *relocation,
				    const struct bpf_core_relo *record, const char *access,
				    struct item *ret)
{
	const struct ebcc_btf_part *part;
	uint64_t value;

	*ret = (struct item){.kind = record->kind, .root = record->type_id, .access = access};
	/* The object's own BTF has one part, so its ids are global ones. */
	if (record->type_id && !ebcc_kernel_btf_type(relocation->own, record->type_id, &part))
		return malformed("a type does not exist");
	if (record->kind > BPF_CORE_TYPE_MATCHES)
		return ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
					 "the object has a relocation of an unknown kind (%u)",
					 record->kind);
	if (is_about_member(ret->kind)) {
		if (!ebcc_core_read_path(relocation->own, record->type_id, access, &ret->path) ||
		    !compute_member(&ret->path, ret->kind, &ret->own))
			return malformed("a path does not fit its type");
		return NULL;
	}
	if (is_about_enumerator(ret->kind)) {
		ret->enumerator = ebcc_kernel_btf_enumerator(
			relocation->own, ebcc_kernel_btf_strip(relocation->own, record->type_id),
			(uint32_t)strtoul(access, NULL, 10), &value);
		if (!ret->enumerator)
			return malformed("an enumerator does not exist");
	}
	if (!compute_type(relocation, ret, relocation->own, record->type_id, &ret->own))
		return malformed("a type has no size");
	return NULL;
}

/* Computes the number for one candidate. Returns false if the kernel's type does not have what the
 * record is about. */
static bool try_candidate(struct relocation *relocation, struct item *item, uint32_t id,
			  struct result *ret)
{
	struct ebcc_core_path path;
	unsigned missing;

	*ret = (struct result){0};
	if (is_about_member(item->kind)) {
		if (ebcc_core_match_path(&item->path, relocation->kernel, id, &path, &missing))
			return compute_member(&path, item->kind, ret);
		if (missing > item->missing)
			item->missing = missing;
		return false;
	}
	return (is_about_enumerator(item->kind) ||
		ebcc_core_same_type(relocation->own, item->root, relocation->kernel, id,
				    item->kind == BPF_CORE_TYPE_MATCHES ? EBCC_CORE_BY_SHAPE
									: EBCC_CORE_BY_KIND)) &&
	       compute_type(relocation, item, relocation->kernel, id, ret);
}

static const struct candidates *candidates_of(const struct relocation *relocation, uint32_t root)
{
	static const struct candidates none;
	const char *name = ebcc_core_name(relocation->own, root);
	uint64_t *index =
		ebcc_hash_find(&relocation->names, name, ebcc_kernel_btf_essential_size(name));

	return index ? &relocation->candidates[*index] : &none;
}

static bool same_root(const struct relocation *relocation, uint32_t own, uint32_t kernel)
{
	return ebcc_core_kind(relocation->own, own) == ebcc_core_kind(relocation->kernel, kernel);
}

/* ---- Tracepoints ---- */

/* Whether a record is about the struct of a tracepoint, which no kernel's BTF has. */
static bool is_about_tracepoint(const struct relocation *relocation, const struct item *item)
{
	return is_about_member(item->kind) &&
	       !strncmp(ebcc_core_name(relocation->own, item->root), TRACEPOINT_PREFIX,
			strlen(TRACEPOINT_PREFIX));
}

/* Parses the format of a tracepoint, unless it is that of the record before. *@ret is NULL if the
 * kernel does not have the tracepoint. */
static struct ebcc_error *find_format(struct relocation *relocation, uint32_t root,
				      const struct ebcc_tracepoint_format **ret)
{
	const char *joined = ebcc_core_name(relocation->own, root) + strlen(TRACEPOINT_PREFIX);
	AUTO_FREE char *category = NULL, *event = NULL;
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_cache_key key;
	struct ebcc_error *error;

	*ret = NULL;
	if (relocation->tracepoint == root) {
		*ret = &relocation->format;
		return NULL;
	}
	ebcc_tracepoint_format_deinit(&relocation->format);
	relocation->format = (struct ebcc_tracepoint_format){0};
	relocation->tracepoint = 0;
	error = ebcc_tracepoint_split(NULL, joined, &category, &event);
	if (error && ebcc_error_code(error) == EBCC_ERROR_NOT_FOUND) {
		ebcc_error_destroy(error);
		ebcc_buf_append_string(relocation->inputs, "none\n");
		return NULL;
	}
	if (error)
		return error;
	TRY(ebcc_tracepoint_format_read(NULL, category, event, &text, &relocation->format));
	key = ebcc_cache_key_of(&text);
	ebcc_buf_printf(relocation->inputs, "tracepoint %s %s %llx %llx\n", category, event,
			(unsigned long long)key.low, (unsigned long long)key.high);
	relocation->tracepoint = root;
	*ret = &relocation->format;
	return NULL;
}

/* The field that a path's first named step is about, or NULL. */
static const struct ebcc_tracepoint_field *find_field(const struct ebcc_tracepoint_format *format,
						      const struct ebcc_core_path *path)
{
	for (size_t i = 0; i < format->field_count && path->count > 1; i++)
		if (path->steps[1].name &&
		    ebcc_tracepoint_field_is(&format->fields[i], path->steps[1].name))
			return &format->fields[i];
	return NULL;
}

/* Whether a member of the struct that the compile made is what @field is here. An array of char is
 * a string, which ends with a NUL, so its length may differ (`rwbs` of requests to disks has
 * grown); an element that is accessed must be in it. */
static bool is_like_field(const struct relocation *relocation, const struct item *item,
			  uint32_t member, const struct ebcc_tracepoint_field *field)
{
	const struct ebcc_kernel_btf *own = relocation->own;
	const struct ebcc_core_path *path = &item->path;
	uint64_t size;

	if (field->array && !field->data_loc && !field->rel_loc && !strcmp(field->type, "char") &&
	    ebcc_core_kind(own, member) == BTF_KIND_ARRAY &&
	    !strcmp(ebcc_core_name(own, ebcc_core_inner(own, member)), "char"))
		return path->count < 3 || path->steps[2].index < field->array_length;
	return ebcc_kernel_btf_size(own, member, &size) && size == field->size;
}

/*
 * Resolves a record about the struct of a tracepoint, which the compile made from the event's
 * format file (types/tracepoint.c): the same file here says where the field is.
 */
static struct ebcc_error *resolve_tracepoint(struct relocation *relocation, struct item *item)
{
	const struct ebcc_core_step *step = &item->path.steps[1];
	const struct ebcc_tracepoint_format *format;
	const struct ebcc_tracepoint_field *field;
	const struct ebcc_btf_part *part;
	const struct btf_type *record;
	uint64_t member;

	TRY(find_format(relocation, item->root, &format));
	field = format ? find_field(format, &item->path) : NULL;
	item->resolved = field || item->kind == BPF_CORE_FIELD_EXISTS;
	if (!field)
		return NULL;
	item->result = item->own;
	if (item->kind != BPF_CORE_FIELD_BYTE_OFFSET)
		return NULL;
	record = ebcc_kernel_btf_type(relocation->own, step->type, &part);
	member = btf_member_bit_offset(record, step->index) / 8;
	item->resolved = is_like_field(
		relocation, item, ebcc_kernel_btf_id(part, btf_members(record)[step->index].type),
		field);
	item->result.value += field->offset - member;
	return NULL;
}

/* Types of the same name in vmlinux may differ; those that fit must agree. */
static struct ebcc_error *resolve(struct relocation *relocation, struct item *item)
{
	const struct candidates *candidates = candidates_of(relocation, item->root);

	if (is_about_tracepoint(relocation, item))
		return resolve_tracepoint(relocation, item);
	if (item->kind == BPF_CORE_TYPE_ID_LOCAL) {
		item->result = item->own;
		item->resolved = true;
		return NULL;
	}
	for (size_t i = 0; i < candidates->count; i++) {
		struct result result;

		if (!same_root(relocation, item->root, candidates->ids[i]) ||
		    !try_candidate(relocation, item, candidates->ids[i], &result))
			continue;
		if (item->resolved && item->kind != BPF_CORE_TYPE_ID_TARGET &&
		    (item->result.value != result.value || item->result.size != result.size ||
		     item->result.is_unsigned != result.is_unsigned))
			return ebcc_error_create(
				EBCC_ERROR_OTHER_KERNEL,
				"this kernel has several types '%s', which differ in what the "
				"object uses (%s): it can't be relocated",
				ebcc_core_name(relocation->own, item->root), item->access);
		if (!item->resolved)
			item->result = result;
		item->resolved = true;
	}
	if (!item->resolved && asks_for_existence(item->kind)) {
		item->result = (struct result){0};
		item->resolved = true;
	}
	return NULL;
}

static const char *keyword(const struct relocation *relocation, uint32_t id)
{
	switch (ebcc_core_kind(relocation->own, id)) {
	case BTF_KIND_STRUCT:
		return "struct ";
	case BTF_KIND_UNION:
		return "union ";
	case BTF_KIND_ENUM:
		return "enum ";
	default:
		return "";
	}
}

/* Says what became of a member that was renamed. */
static void explain_rename(const struct item *item, const char *root, struct ebcc_buf *text)
{
	AUTO_FREE char *record = strndup(root, ebcc_kernel_btf_essential_size(root));
	unsigned last = item->missing;

	if (!record || last > 1 || last >= item->path.count || !item->path.steps[last].name)
		return;
	ebcc_rename_tell(EBCC_RENAMED_MEMBER, record, item->path.steps[last].name, text);
}

/* Describes what the kernel lacks. */
static void describe_missing(const struct relocation *relocation, const struct item *item,
			     struct ebcc_buf *text)
{
	const char *root = ebcc_core_name(relocation->own, item->root);
	int size = (int)ebcc_kernel_btf_essential_size(root);
	bool exists = false;

	if (is_about_tracepoint(relocation, item)) {
		ebcc_buf_printf(text, "on this kernel, tracepoint %s has no field '%s' of %s",
				root + strlen(TRACEPOINT_PREFIX),
				item->path.count > 1 && item->path.steps[1].name
					? item->path.steps[1].name
					: "?",
				"the size it had where the object was compiled");
		return;
	}
	for (size_t i = 0; i < candidates_of(relocation, item->root)->count; i++)
		exists |= same_root(relocation, item->root,
				    candidates_of(relocation, item->root)->ids[i]);
	if (!exists) {
		ebcc_buf_printf(text, "this kernel has no %s%.*s", keyword(relocation, item->root),
				size, root);
		return;
	}
	ebcc_buf_printf(text, "on this kernel, %s%.*s", keyword(relocation, item->root), size,
			root);
	if (item->enumerator) {
		ebcc_buf_printf(text, " has no '%s'", item->enumerator);
		return;
	}
	ebcc_buf_append_string(text, " has no member ");
	for (unsigned i = 0, named = 0; i <= item->missing && i < item->path.count; i++) {
		const struct ebcc_core_step *step = &item->path.steps[i];

		if (step->name)
			ebcc_buf_printf(text, "%s%s", named++ ? "." : "'", step->name);
		else if (i)
			ebcc_buf_printf(text, "[%u]", step->index);
	}
	ebcc_buf_append_string(text, "' of a compatible type");
	explain_rename(item, root, text);
}

/* Keeps the text about what is missing; @ret_index is its index. */
static struct ebcc_error *add_unresolved(struct relocation *relocation, const struct item *item,
					 uint32_t *ret_index)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_unresolved *unresolved = relocation->unresolved;
	char **bigger;

	describe_missing(relocation, item, &text);
	TRY(ebcc_buf_check(&text));
	for (size_t i = 0; i < unresolved->count; i++)
		if (i == MAX_UNRESOLVED - 1 ||
		    !strcmp(unresolved->texts[i], ebcc_buf_string(&text))) {
			*ret_index = (uint32_t)i;
			return NULL;
		}
	bigger = reallocarray(unresolved->texts, unresolved->count + 1, sizeof(*bigger));
	if (!bigger)
		return ebcc_error_no_memory();
	unresolved->texts = bigger;
	TRY(ebcc_buf_take(&text, &bigger[unresolved->count], NULL));
	*ret_index = (uint32_t)unresolved->count++;
	return NULL;
}

/* ---- Instructions ---- */

static uint32_t memory_size(const struct bpf_insn *instruction)
{
	switch (BPF_SIZE(instruction->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static bool set_memory_size(struct bpf_insn *instruction, uint32_t size)
{
	static const uint8_t codes[] = {[1] = BPF_B, [2] = BPF_H, [4] = BPF_W, [8] = BPF_DW};

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return false;
	instruction->code =
		(uint8_t)(BPF_MODE(instruction->code) | codes[size] | BPF_CLASS(instruction->code));
	return true;
}

/* Replaces the instruction with a call that the verifier rejects if it can be reached; the number
 * says why. */
static void poison(struct bpf_insn *instruction, uint32_t index)
{
	*instruction = (struct bpf_insn){
		.code = BPF_JMP | BPF_CALL,
		.imm = (int32_t)(EBCC_UNRESOLVED_HELPER + index),
	};
}

/* A load or store at an offset, whose size follows that of an unsigned member. Returns false if the
 * new value does not fit. */
static bool patch_memory(struct bpf_insn *instruction, const struct item *item)
{
	uint32_t size = item->result.size;

	if (item->result.value > INT16_MAX)
		return false;
	instruction->off = (int16_t)item->result.value;
	if (!size || !item->own.size || size == item->own.size ||
	    memory_size(instruction) != item->own.size)
		return true;
	return item->own.is_unsigned && item->result.is_unsigned &&
	       set_memory_size(instruction, size);
}

/* Whether the instruction loads a number of 64 bits, and takes two slots. (Its mode is 0.) */
static bool is_wide(const struct bpf_insn *instruction)
{
	return instruction->code == (BPF_LD | BPF_DW);
}

/* Whether the instruction has the number that the compiler computed from the object's type. */
static bool has_own_value(const struct bpf_insn *instruction, const struct item *item)
{
	uint64_t value = item->own.value;
	bool any = item->own.bit_field;

	switch (BPF_CLASS(instruction->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		return BPF_SRC(instruction->code) == BPF_K &&
		       (any || (uint32_t)instruction->imm == (uint32_t)value);
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		return any || (instruction->off >= 0 && (uint64_t)instruction->off == value);
	case BPF_LD:
		return is_wide(instruction) && (uint32_t)instruction[0].imm == (uint32_t)value &&
		       (uint32_t)instruction[1].imm == (uint32_t)(value >> 32);
	default:
		return false;
	}
}

/* Writes the kernel's number. Returns false if it does not fit. */
static bool patch_value(struct bpf_insn *instruction, const struct item *item)
{
	uint64_t value = item->result.value;

	switch (BPF_CLASS(instruction->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		instruction->imm = (int32_t)value;
		return value <= INT32_MAX || (int64_t)value == (int32_t)value ||
		       (BPF_CLASS(instruction->code) == BPF_ALU && value <= UINT32_MAX);
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		return patch_memory(instruction, item);
	default:
		instruction[0].imm = (int32_t)(uint32_t)value;
		instruction[1].imm = (int32_t)(uint32_t)(value >> 32);
		return true;
	}
}

/* Patches the instruction at @offset in a section of @size bytes. */
static struct ebcc_error *patch(struct relocation *relocation, const struct item *item,
				char *section, size_t size, uint32_t offset)
{
	struct bpf_insn pair[2] = {0};
	size_t length = sizeof(pair[0]);
	uint32_t index = 0;

	if (offset % sizeof(pair[0]) || offset > size || size - offset < length)
		return malformed("an instruction is outside its section");
	memcpy(pair, section + offset, length);
	if (is_wide(pair)) {
		length = sizeof(pair);
		if (size - offset < length)
			return malformed("an instruction is cut off");
		memcpy(pair, section + offset, length);
	}
	if (!has_own_value(pair, item))
		return malformed("an instruction does not have the value that its type gives");
	if (!item->resolved || !patch_value(pair, item)) {
		TRY(add_unresolved(relocation, item, &index));
		for (size_t i = 0; i < length / sizeof(pair[0]); i++)
			poison(&pair[i], index);
	}
	memcpy(section + offset, pair, length);
	return NULL;
}

/* ---- The object ---- */

/* Finds the records in .BTF.ext. */
static bool find_records(const char *bytes, size_t size, const char **ret, size_t *ret_size)
{
	struct ext_header header;
	const char *section;
	size_t section_size;

	if (!ebcc_elf_section(bytes, size, ".BTF.ext", &section, &section_size) ||
	    section_size < sizeof(header))
		return false;
	memcpy(&header, section, sizeof(header));
	if (header.magic != BTF_MAGIC || header.header_size < sizeof(header) ||
	    header.header_size > section_size ||
	    header.relocations > section_size - header.header_size ||
	    header.relocations_size > section_size - header.header_size - header.relocations)
		return false;
	*ret = section + header.header_size + header.relocations;
	*ret_size = header.relocations_size;
	return true;
}

bool ebcc_has_relocations(const char *bytes, size_t size)
{
	const char *records;
	size_t records_size;

	return find_records(bytes, size, &records, &records_size) && records_size;
}

/* Sets the size of the records in a copy to 0. */
static void strip(char *copy, const char *bytes, size_t size)
{
	static const uint32_t none;
	const char *section;
	size_t section_size;

	if (ebcc_elf_section(bytes, size, ".BTF.ext", &section, &section_size))
		memcpy(copy + (section - bytes) + offsetof(struct ext_header, relocations_size),
		       &none, sizeof(none));
}

struct ebcc_error *ebcc_relocations_strip(const char *bytes, size_t size, char **ret)
{
	char *copy;

	if (!ebcc_has_relocations(bytes, size))
		return malformed("there are none");
	copy = malloc(size);
	if (!copy)
		return ebcc_error_no_memory();
	memcpy(copy, bytes, size);
	strip(copy, bytes, size);
	*ret = copy;
	return NULL;
}

/* Called for each record. @section: the copy's instructions. */
typedef struct ebcc_error *(*record_fn)(struct relocation *relocation,
					const struct bpf_core_relo *record, const char *access,
					char *section, size_t section_size);

static struct ebcc_error *collect_name(struct relocation *relocation,
				       const struct bpf_core_relo *record, const char *access,
				       char *section, size_t section_size)
{
	(void)access;
	(void)section;
	(void)section_size;
	return add_name(relocation, record->type_id);
}

static struct ebcc_error *apply(struct relocation *relocation, const struct bpf_core_relo *record,
				const char *access, char *section, size_t section_size)
{
	struct item item;

	TRY(read_item(relocation, record, access, &item));
	TRY(resolve(relocation, &item));
	/* If the number does not fit into the instruction, what is missing is the last step. */
	if (item.resolved && item.path.count)
		item.missing = item.path.count - 1;
	return patch(relocation, &item, section, section_size, record->insn_off);
}

/* Calls @fn for the records of one section of instructions. */
static struct ebcc_error *for_each_in_section(struct relocation *relocation, const char *records,
					      uint32_t count, uint32_t record_size,
					      const char *section_name, record_fn fn)
{
	const struct ebcc_btf_part *strings = &relocation->own->parts[0];
	const char *section;
	size_t section_size;

	if (!ebcc_elf_section(relocation->bytes, relocation->size, section_name, &section,
			      &section_size))
		return malformed("a section does not exist");
	for (uint32_t i = 0; i < count; i++) {
		struct bpf_core_relo record;
		const char *access;

		memcpy(&record, records + (size_t)i * record_size, sizeof(record));
		access = ebcc_kernel_btf_name(relocation->own, strings, record.access_str_off);
		if (++relocation->records > MAX_RECORDS)
			return malformed("there are too many");
		if (strnlen(access, MAX_NAME) == MAX_NAME ||
		    strnlen(ebcc_core_name(relocation->own, record.type_id), MAX_NAME) == MAX_NAME)
			return malformed("a name is too long");
		TRY(fn(relocation, &record, access,
		       relocation->bytes + (section - relocation->bytes), section_size));
	}
	return NULL;
}

/* Calls @fn for all records: for each section its name, the number of records, and these. */
static struct ebcc_error *for_each_record(struct relocation *relocation, record_fn fn)
{
	const char *at, *end;
	uint32_t record_size, head[2];
	size_t size;

	relocation->records = 0;
	if (!find_records(relocation->bytes, relocation->size, &at, &size) ||
	    size < sizeof(record_size))
		return malformed("their section is too short");
	end = at + size;
	memcpy(&record_size, at, sizeof(record_size));
	at += sizeof(record_size);
	if (record_size < sizeof(struct bpf_core_relo) || record_size % 4)
		return malformed("the size of a record is wrong");
	while (at < end) {
		if ((size_t)(end - at) < sizeof(head))
			return malformed("their section is cut off");
		memcpy(head, at, sizeof(head));
		at += sizeof(head);
		if (!head[1] || head[1] > MAX_RECORDS || head[1] > (size_t)(end - at) / record_size)
			return malformed("their number is wrong");
		TRY(for_each_in_section(
			relocation, at, head[1], record_size,
			ebcc_kernel_btf_name(relocation->own, &relocation->own->parts[0], head[0]),
			fn));
		at += (size_t)head[1] * record_size;
	}
	return NULL;
}

static void relocation_deinit(struct relocation *relocation)
{
	for (size_t i = 0; i < relocation->candidate_count; i++)
		free(relocation->candidates[i].ids);
	free(relocation->candidates);
	ebcc_tracepoint_format_deinit(&relocation->format);
	ebcc_hash_deinit(&relocation->names);
	ebcc_kernel_btf_destroy(relocation->own);
	free(relocation->bytes);
}

static struct ebcc_error *open_own_types(struct relocation *relocation)
{
	const char *section;
	size_t size;

	if (!ebcc_elf_section(relocation->bytes, relocation->size, ".BTF", &section, &size))
		return malformed("the object has no types");
	return ebcc_kernel_btf_create_from_bytes(section, size, "the object", &relocation->own);
}

struct ebcc_error *ebcc_relocate(const char *bytes, size_t size, struct ebcc_kernel_btf *btf,
				 struct ebcc_unresolved *unresolved, struct ebcc_buf *inputs,
				 char **ret)
{
	CLEANUP(relocation_deinit)
	struct relocation relocation = {
		.kernel = btf,
		.unresolved = unresolved,
		.inputs = inputs,
		.bytes = malloc(size),
		.size = size,
	};

	*unresolved = (struct ebcc_unresolved){0};
	if (!relocation.bytes)
		return ebcc_error_no_memory();
	memcpy(relocation.bytes, bytes, size);
	TRY(open_own_types(&relocation));
	TRY(for_each_record(&relocation, collect_name));
	TRY(find_candidates(&relocation));
	TRY(for_each_record(&relocation, apply));
	strip(relocation.bytes, bytes, size);
	TRY(ebcc_buf_check(inputs));
	*ret = TAKE_PTR(relocation.bytes);
	return NULL;
}
