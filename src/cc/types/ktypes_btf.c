// SPDX-License-Identifier: Apache-2.0
/*
 * Types from BTF: which of the kernel's types a source can reach, and their text in C.
 *
 * The whole BTF of a kernel is 2.7 MB of C, far too much to compile for each program. This file
 * selects what one source needs. For example:
 *
 *	struct path { char text[64]; };
 *
 *	int kprobe__vfs_read(struct pt_regs *ctx, struct file *file)
 *	{
 *		struct path path = {};
 *		char comm[TASK_COMM_LEN];
 *		umode_t mode = file->f_inode->i_mode;
 *
 *		return S_ISREG(mode);
 *	}
 *
 * 1. The scan (source_scan.c) has found the names in the source, and how each of them is used:
 *
 *	pt_regs, file		tags
 *	path			a tag, but the source defines it itself
 *	f_inode, i_mode		members: they come after a -> or a dot
 *	umode_t, TASK_COMM_LEN	other words, and so are S_ISREG, comm, mode, ...
 *
 *    It doesn't know whether a word is a typedef, a constant or a variable. That does no harm: a
 *    word that is in BTF adds a definition, and one that isn't adds nothing.
 *
 * 2. select_named() goes through all types and queues those that the source names: the structs
 *    pt_regs and file, the typedef umode_t, and the anonymous enum that has TASK_COMM_LEN. The
 *    kernel's struct path is not queued, since ktypes_excludes_tag() says that the source has its
 *    own. If a tag were not found, the BTF of modules would be opened and searched, too.
 *
 * 3. reach() decides which structs must be complete. C needs the definition of a struct only for a
 *    member or a variable of that type; a pointer needs no more than a declaration. So for struct
 *    file, reach_members() visits the types that it contains by value, such as spinlock_t and the
 *    kernel's struct path, but not struct file_operations or struct cred, to which it only has
 *    pointers.
 *
 *    There is one exception: the source reads what f_inode points to, and for this struct inode
 *    must be complete. follow_member() queues the target of each pointer whose member name the
 *    source uses after a -> or a dot. It doesn't know the type of the expression before that; a
 *    name that is used with one struct is followed in all of them. Adding a struct too many costs
 *    only time. Members of struct inode that the source doesn't use, like i_sb, are not followed,
 *    and that is what keeps the selection small.
 *
 * 4. write_subset() copies the selected types to a small BTF, because libbpf's printer prints a BTF
 *    as it is. The copy differs from the original in that
 *
 *	- a struct that need not be complete becomes a forward declaration,
 *	- a name that the source defines gets the suffix ___kernel: struct file contains a struct
 *	  path, but the name belongs to the source,
 *	- the second type of a name gets the suffix ___2: in C both would be in one scope,
 *	- a pointer to a function becomes void *, since a BPF program can't call it anyway, and the
 *	  types of its parameters are not needed then.
 *
 *    Type ids change, of course. refer() translates an id of the kernel's BTF, and assigns the
 *    next free id of the copy to a type that has none yet; the loop in write_subset() writes types
 *    until it has reached the last id.
 *
 * 5. open_subset() checks the copy with ebcc_btf_check(), since a malformed BTF could send libbpf
 *    into an endless recursion, and print_types() prints it. On Linux 6.18 the result, with the
 *    basic typedefs before it, is 8 kB:
 *
 *	typedef short unsigned int umode_t;
 *	...
 *	struct file_operations;
 *	struct cred;
 *	...
 *	struct path___kernel {
 *		struct vfsmount *mnt;
 *		struct dentry *dentry;
 *	};
 *	...
 *	struct callback_head {
 *		struct callback_head *next;
 *		void *func;
 *	};
 *	...
 *	struct file {
 *		spinlock_t f_lock;
 *		fmode_t f_mode;
 *		const struct file_operations *f_op;
 *		...
 *		struct inode *f_inode;
 *		...
 *		union {
 *			const struct path___kernel f_path;
 *			struct path___kernel __f_path;
 *		};
 *		...
 *	};
 *
 *	enum {
 *		TASK_COMM_LEN = 16,
 *	};
 *	...
 *	struct super_block;
 *	...
 *	struct inode {
 *		umode_t i_mode;
 *		...
 *		struct super_block *i_sb;
 *		...
 *	};
 *
 * S_ISREG is a macro, which BTF doesn't have. ktypes_macros.c adds it after the types, with the
 * macros that it uses.
 *
 * The selection can be wrong: the scan doesn't see a name that a macro pastes together, and it
 * sees definitions inside an #ifdef that the compiler skips. Then the compile fails, and
 * ktypes_learn.c reads from the diagnostics which names to add or to leave out. It sets
 * EBCC_SCAN_ASKED, EBCC_SCAN_DROPPED_TAG or EBCC_SCAN_DROPPED_ORDINARY for them, and the selection
 * is made again. If that doesn't help, all types of the kernel are printed (@whole), which takes
 * long but can lack nothing.
 */
#include "types/ktypes_basic.h"
#include "types/ktypes_internal.h"

#include <ctype.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/btf_check.h"

/* Nesting by value stays below 100 in kernels, and libbpf's printer recurses for each level. */
#define MAX_DEPTH 400
/* Far larger than any kernel's structs and texts. */
#define MAX_STRUCT_SIZE (4 << 20)
#define MAX_TEXT (64 << 20)
/* Appended to a kernel name that would clash with one that the source defines. */
#define CLASH_SUFFIX "___kernel"

enum mark {
	MARK_COMPLETE = 1 << 0, /* visited by value; a struct or union is then printed in full */
	MARK_WEAK = 1 << 1,	/* visited behind a pointer */
	MARK_QUEUED = 1 << 2,
	MARK_ACTIVE = 1 << 3,	   /* being visited by value, further up the call chain */
	MARK_ACTIVE_WEAK = 1 << 4, /* being visited behind a pointer */
	MARK_KFUNC = 1 << 5,	   /* a function that BTF says programs may call */
};

struct selection {
	const struct ebcc_kernel_btf *btf;
	const struct ebcc_hash *names;
	uint8_t *marks;	 /* enum mark, by type id */
	uint32_t *queue; /* types that the source names, then those that its members lead to */
	size_t queue_count;
	uint32_t *functions; /* those that the source calls and doesn't declare */
	size_t function_count;
	bool names_functions; /* a name may be that of a function that programs can call */
	bool has_kfuncs;     /* BTF says which functions programs may call, as it does since 6.10 */
	bool has_enum_signs; /* BTF says whether an enum is signed, as it does since 6.0 */
	uint64_t prefixes[1 << 10]; /* bit set of the hashes of the names' prefixes */
	const char *malformed;	    /* what is wrong with a visited type, or NULL */
};

/* A flag in subset.old_ids: the struct or union is copied without its name. */
#define NAMELESS (1u << 31)

/* The small BTF that is being built. */
struct subset {
	const struct selection *selection;
	uint32_t *new_ids;	  /* by old id; 0: not referred to yet */
	uint32_t *old_ids;	  /* by new id */
	uint32_t count, capacity; /* of new types, including void */
	bool failed;		  /* out of memory for old_ids */
	bool endless;		  /* a type contains itself */
	uint32_t void_pointer;	  /* the new id of void *; 0: not needed yet */
	struct ebcc_buf types, strings;
	struct ebcc_hash tags, ordinary; /* names used so far, and how often */
};

/* A hash of a name's first 8 bytes, for a cheap test that most of the kernel's names fail. */
static uint32_t prefix_hash(const char *name)
{
	uint64_t prefix = 0;

	for (int i = 0; i < 8 && name[i]; i++)
		prefix = prefix << 8 | (unsigned char)name[i];
	return prefix * 0x9e3779b97f4a7c15ull >> 48;
}

static void note_prefixes(struct selection *selection)
{
	hash_for_each (selection->names, entry) {
		uint32_t hash = prefix_hash(entry->key);

		selection->prefixes[hash >> 6] |= 1ull << (hash & 63);
	}
}

/* Returns a pointer to the uses of a name, or NULL if the source doesn't have the name. */
static uint64_t *uses_of(const struct selection *selection, const char *name)
{
	uint32_t hash = prefix_hash(name);

	if (!*name || !(selection->prefixes[hash >> 6] & 1ull << (hash & 63)))
		return NULL;
	return ebcc_hash_find_string(selection->names, name);
}

static unsigned value_of(const uint64_t *uses)
{
	return uses ? *uses : 0;
}

static void enqueue(struct selection *selection, uint32_t id)
{
	if (selection->marks[id] & MARK_QUEUED)
		return;
	selection->marks[id] |= MARK_QUEUED;
	selection->queue[selection->queue_count++] = id;
}

static uint32_t enumerator_name(const struct btf_type *t, int i)
{
	return btf_is_enum64(t) ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off;
}

/* Whether the enum's values are truncated: BTF had only 32 bits for them before BTF_KIND_ENUM64. */
static bool is_truncated(const struct btf_type *t)
{
	return btf_is_enum(t) && t->size > sizeof(uint32_t);
}

/* Guesses whether an enum is signed if BTF doesn't say, by values that are more likely small
 * negative numbers than large ones. 0xffffffff is often a large one, unless it comes first. */
static bool looks_signed(const struct btf_type *t)
{
	for (int i = 0; i < btf_vlen(t); i++)
		if (btf_enum(t)[i].val < (i ? -1 : 0) && btf_enum(t)[i].val >= -UINT16_MAX)
			return true;
	return false;
}

/* Whether the source names a typedef, an enumerator or a function of that name, and none was found
 * earlier. */
static bool names_ordinary(uint64_t *uses)
{
	if (!(value_of(uses) & (EBCC_SCAN_TOKEN | EBCC_SCAN_ASKED)) ||
	    ktypes_excludes_ordinary(*uses) || *uses & (EBCC_SCAN_DEFINES_MACRO | FOUND_ORDINARY))
		return false;
	*uses |= FOUND_ORDINARY;
	return true;
}

/* Whether the source names one of the enumerators, and no earlier enum has it. */
static bool names_enumerator(const struct selection *selection, const struct ebcc_btf_part *part,
			     const struct btf_type *t)
{
	bool named = false;

	for (int i = 0; i < btf_vlen(t) && !is_truncated(t); i++)
		named |= names_ordinary(
			uses_of(selection,
				ebcc_kernel_btf_name(selection->btf, part, enumerator_name(t, i))));
	return named;
}

static bool names_tag(uint64_t *uses)
{
	if (!(value_of(uses) & (EBCC_SCAN_TAG | EBCC_SCAN_ASKED)) || ktypes_excludes_tag(*uses) ||
	    *uses & FOUND_TAG)
		return false;
	*uses |= FOUND_TAG;
	return true;
}

static uint64_t *uses_of_type(const struct selection *selection, const struct ebcc_btf_part *part,
			      const struct btf_type *t)
{
	return uses_of(selection, ebcc_kernel_btf_name(selection->btf, part, t->name_off));
}

/* Whether the source names this type. If there are several with one name, the first one counts. */
static bool is_named(const struct selection *selection, const struct ebcc_btf_part *part,
		     const struct btf_type *t)
{
	bool tag;

	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return names_tag(uses_of_type(selection, part, t));
	case BTF_KIND_TYPEDEF:
		return names_ordinary(uses_of_type(selection, part, t));
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		tag = btf_vlen(t) && names_tag(uses_of_type(selection, part, t));
		return names_enumerator(selection, part, t) || tag;
	default:
		return false;
	}
}

/* The struct or union that a member of pointer type, or an array of pointers, leads to; or 0. */
static uint32_t pointed_struct(const struct ebcc_kernel_btf *btf, uint32_t id)
{
	bool through_pointer = false;

	for (int i = 0; i < 8; i++) {
		const struct ebcc_btf_part *part;
		const struct btf_type *t;

		id = ebcc_kernel_btf_strip(btf, id);
		t = ebcc_kernel_btf_type(btf, id, &part);
		if (!t)
			return 0;
		if (btf_is_composite(t))
			return through_pointer ? id : 0;
		if (btf_is_ptr(t)) {
			through_pointer = true;
			id = ebcc_kernel_btf_id(part, t->type);
		} else if (btf_is_array(t)) {
			id = ebcc_kernel_btf_id(part, btf_array(t)->type);
		} else {
			return 0;
		}
	}
	return 0;
}

/* Whether a struct has a name that the source leaves to the kernel. */
static bool is_wanted_struct(const struct selection *selection, uint32_t id)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *t = ebcc_kernel_btf_type(selection->btf, id, &part);

	return t && t->name_off &&
	       !ktypes_excludes_tag(value_of(uses_of(
		       selection, ebcc_kernel_btf_name(selection->btf, part, t->name_off))));
}

/* The names of helpers: the kernel has functions with these names too. */
static bool is_helper(const char *name)
{
#define X(name) "bpf_" #name
	static const char *const names[] = {__BPF_FUNC_MAPPER(X)
					    /* newer than the oldest headers; there are no more */
					    "bpf_cgrp_storage_get",
					    "bpf_cgrp_storage_delete"};
#undef X

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static bool may_name_function(const char *name)
{
	return !strncmp(name, "bpf_", 4) && !is_helper(name);
}

/* Looking at the kernel's functions takes as long as looking at all its types: most sources name
 * nothing that could be one of those that programs may call. */
static void note_function_names(struct selection *selection)
{
	hash_for_each (selection->names, entry)
		selection->names_functions |= may_name_function(entry->key);
}

/* Notes a function that the source names, and which functions are kernel functions (kfuncs). */
static void note_function(struct selection *selection, const struct ebcc_btf_part *part,
			  const struct btf_type *t, uint32_t id)
{
	const char *name = ebcc_kernel_btf_name(selection->btf, part, t->name_off);

	if (btf_is_decl_tag(t) && !strcmp(name, "bpf_kfunc")) {
		uint32_t function = ebcc_kernel_btf_id(part, t->type);

		selection->has_kfuncs = true;
		if (function < selection->btf->type_count)
			selection->marks[function] |= MARK_KFUNC;
	} else if (btf_is_func(t)) {
		uint64_t *uses = uses_of(selection, name);

		if (uses && may_name_function(name) && names_ordinary(uses))
			selection->functions[selection->function_count++] = id;
	}
}

/* Queues the types of the functions that programs may call; drops the others from the list. */
static void select_functions(struct selection *selection)
{
	size_t kept = 0;

	for (size_t i = 0; i < selection->function_count; i++) {
		uint32_t id = selection->functions[i], result;
		const struct ebcc_btf_part *part;
		const struct btf_type *t = ebcc_kernel_btf_type(selection->btf, id, &part);
		uint32_t prototype = ebcc_kernel_btf_id(part, t->type);

		t = ebcc_kernel_btf_type(selection->btf, prototype, &part);
		if (!t || !btf_is_func_proto(t) ||
		    (selection->has_kfuncs && !(selection->marks[id] & MARK_KFUNC)))
			continue;
		enqueue(selection, prototype);
		/* What it returns a pointer to is likely to be read. */
		result = pointed_struct(selection->btf, ebcc_kernel_btf_id(part, t->type));
		if (is_wanted_struct(selection, result))
			enqueue(selection, result);
		selection->functions[kept++] = id;
	}
	selection->function_count = kept;
}

static bool is_printable_root(const struct btf_type *t)
{
	return t->name_off ? btf_is_composite(t) || btf_is_any_enum(t) || btf_is_typedef(t)
			   : btf_is_any_enum(t);
}

static void select_named(struct selection *selection, bool whole)
{
	uint32_t id = 1;

	for (size_t i = 0; i < selection->btf->part_count; i++) {
		const struct ebcc_btf_part *part = &selection->btf->parts[i];

		for (uint32_t k = 0; k < part->count; k++, id++) {
			const struct btf_type *t =
				(const struct btf_type *)(part->types + part->offsets[k]);

			selection->has_enum_signs |= btf_is_any_enum(t) && btf_kflag(t);
			if (is_named(selection, part, t))
				enqueue(selection, id);
			if (selection->names_functions && (btf_is_func(t) || btf_is_decl_tag(t)))
				note_function(selection, part, t, id);
		}
	}
	select_functions(selection);
	for (id = 1; whole && id < selection->btf->type_count; id++) {
		const struct ebcc_btf_part *part;

		if (is_printable_root(ebcc_kernel_btf_type(selection->btf, id, &part)))
			enqueue(selection, id);
	}
}

static void reach(struct selection *selection, uint32_t id, bool weak, int depth);

/* Whether the type is a pointer to a function. Programs can't call it, so `void *` is enough. */
static bool is_function_pointer(const struct ebcc_kernel_btf *btf, uint32_t id)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *t = ebcc_kernel_btf_type(btf, id, &part);

	if (!t || !btf_is_ptr(t))
		return false;
	t = ebcc_kernel_btf_type(btf, ebcc_kernel_btf_strip(btf, ebcc_kernel_btf_id(part, t->type)),
				 &part);
	return t && btf_is_func_proto(t);
}

/* If the source accesses the member, the struct that it points to must be complete. */
static void follow_member(struct selection *selection, const char *member, uint32_t id)
{
	uint32_t target;

	if (!(value_of(uses_of(selection, member)) & EBCC_SCAN_MEMBER))
		return;
	target = pointed_struct(selection->btf, id);
	if (is_wanted_struct(selection, target))
		enqueue(selection, target);
}

/* Whether the type has a valid size: libbpf's printer divides by sizes and alignments. */
static bool has_value(const struct ebcc_kernel_btf *btf, uint32_t id)
{
	for (int i = 0; i < MAX_DEPTH; i++) {
		const struct ebcc_btf_part *part;
		const struct btf_type *t;

		id = ebcc_kernel_btf_strip(btf, id);
		t = ebcc_kernel_btf_type(btf, id, &part);
		if (!t)
			return false;
		switch (btf_kind(t)) {
		case BTF_KIND_INT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return t->size && t->size <= 16 && !(t->size & (t->size - 1));
		case BTF_KIND_FLOAT:
			return t->size && t->size <= 16;
		case BTF_KIND_ARRAY:
			id = ebcc_kernel_btf_id(part, btf_array(t)->type);
			break;
		default:
			return btf_is_composite(t) || btf_is_ptr(t);
		}
	}
	return false;
}

static void reach_members(struct selection *selection, const struct ebcc_btf_part *part,
			  const struct btf_type *t, int depth)
{
	const struct btf_member *m = btf_members(t);

	if (t->size > MAX_STRUCT_SIZE)
		selection->malformed = "a struct is too large";
	for (int i = 0; i < btf_vlen(t); i++, m++) {
		uint32_t id = ebcc_kernel_btf_id(part, m->type);

		if (!has_value(selection->btf, id))
			selection->malformed = "a member has no size";
		if (btf_member_bit_offset(t, i) > t->size * 8ull)
			selection->malformed = "a member extends beyond its struct";
		if (is_function_pointer(selection->btf, id))
			continue;
		reach(selection, id, false, depth);
		follow_member(selection, ebcc_kernel_btf_name(selection->btf, part, m->name_off),
			      id);
	}
}

static void reach_params(struct selection *selection, const struct ebcc_btf_part *part,
			 const struct btf_type *t, int depth)
{
	const struct btf_param *p = btf_params(t);

	reach(selection, ebcc_kernel_btf_id(part, t->type), true, depth);
	for (int i = 0; i < btf_vlen(t); i++, p++)
		reach(selection, ebcc_kernel_btf_id(part, p->type), true, depth);
}

/* Marks the types that must be complete to use this one by value or, with @weak, behind a pointer.
 */
static void reach(struct selection *selection, uint32_t id, bool weak, int depth)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *t = ebcc_kernel_btf_type(selection->btf, id, &part);
	enum mark mark = weak ? MARK_WEAK : MARK_COMPLETE;
	enum mark active = weak ? MARK_ACTIVE_WEAK : MARK_ACTIVE;

	if (!t)
		return;
	if (btf_is_composite(t)) {
		if (weak && t->name_off)
			return;
		mark = MARK_COMPLETE;
	}
	if (selection->marks[id] & active || depth >= MAX_DEPTH) {
		selection->malformed = "types are nested too deeply";
		return;
	}
	if (selection->marks[id] & (mark | MARK_COMPLETE))
		return;
	selection->marks[id] |= mark | active;
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		reach_members(selection, part, t, depth + 1);
		break;
	case BTF_KIND_PTR:
		reach(selection, ebcc_kernel_btf_id(part, t->type), true, depth + 1);
		break;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		reach(selection, ebcc_kernel_btf_id(part, t->type), weak, depth + 1);
		break;
	case BTF_KIND_ARRAY:
		reach(selection, ebcc_kernel_btf_id(part, btf_array(t)->type), false, depth + 1);
		break;
	case BTF_KIND_FUNC_PROTO:
		reach_params(selection, part, t, depth + 1);
		break;
	}
	selection->marks[id] &= ~active;
}

/* Whether the source needs a name that vmlinux doesn't have but a module might. */
static bool lacks_names(const struct ebcc_hash *names)
{
	hash_for_each (names, entry) {
		unsigned uses = entry->value;
		bool wanted = (uses & EBCC_SCAN_TAG) && !ktypes_excludes_tag(uses);

		/* Ordinary names count only if they were learnt: most of the others are the
		 * source's own. */
		wanted |= (uses & EBCC_SCAN_ASKED) != 0;
		if (wanted && !(uses & FOUND_ANY) && strncmp(entry->key, "tracepoint__", 12) &&
		    strcmp(entry->key, "pt_regs"))
			return true;
	}
	return false;
}

static void selection_deinit(struct selection *selection)
{
	free(selection->marks);
	free(selection->queue);
	free(selection->functions);
	selection->marks = NULL;
	selection->queue = NULL;
	selection->functions = NULL;
}

static struct ebcc_error *select_roots(struct selection *selection, bool whole)
{
	size_t count = selection->btf->type_count;

	selection_deinit(selection);
	selection->queue_count = selection->function_count = 0;
	selection->marks = calloc(count, sizeof(*selection->marks));
	selection->queue = malloc(count * sizeof(*selection->queue));
	/* No more functions have a name in the source than there are names. */
	selection->functions = calloc(selection->names->count + 1, sizeof(*selection->functions));
	if (!selection->marks || !selection->queue || !selection->functions)
		return ebcc_error_no_memory();
	select_named(selection, whole);
	return NULL;
}

static struct ebcc_error *malformed(const struct ebcc_kernel_btf *btf, const char *what)
{
	return ebcc_error_create(EBCC_ERROR_FORMAT,
				 "the type information (BTF) in %s is malformed: %s",
				 btf->parts[0].path, what);
}

static struct ebcc_error *select_types(struct selection *selection, struct ebcc_kernel_btf *btf,
				       struct ebcc_hash *names, bool whole)
{
	*selection = (struct selection){.btf = btf, .names = names};
	note_prefixes(selection);
	note_function_names(selection);
	TRY(select_roots(selection, whole));
	if (!btf->modules_opened && lacks_names(names)) {
		TRY(ebcc_kernel_btf_open_modules(btf));
		hash_for_each (names, entry)
			entry->value &= ~(uint64_t)(FOUND_TAG | FOUND_ORDINARY);
		TRY(select_roots(selection, whole));
	}
	for (size_t i = 0; i < selection->queue_count; i++)
		reach(selection, selection->queue[i], false, 0);
	return selection->malformed ? malformed(btf, selection->malformed) : NULL;
}

static void subset_deinit(struct subset *subset)
{
	free(subset->new_ids);
	free(subset->old_ids);
	ebcc_buf_deinit(&subset->types);
	ebcc_buf_deinit(&subset->strings);
	ebcc_hash_deinit(&subset->tags);
	ebcc_hash_deinit(&subset->ordinary);
}

/* Allocates the next id of the subset. */
static uint32_t add_id(struct subset *subset, uint32_t old_id)
{
	/* There can only be more ids than types because of nameless copies, and only if a struct
	 * contains itself. */
	if (subset->count / 2 > subset->selection->btf->type_count + 1000) {
		subset->endless = true;
		return 0;
	}
	if (subset->count == subset->capacity) {
		uint32_t *bigger =
			reallocarray(subset->old_ids, subset->capacity * 2ul, sizeof(*bigger));

		if (!bigger) {
			subset->failed = true;
			return 0;
		}
		subset->old_ids = bigger;
		subset->capacity *= 2;
	}
	subset->old_ids[subset->count] = old_id;
	return subset->count++;
}

/* The new id of a type, by its old id; allocated if necessary. Type tags are skipped, since they
 * mean nothing to the compiler here. */
static uint32_t refer(struct subset *subset, uint32_t id)
{
	const struct ebcc_kernel_btf *btf = subset->selection->btf;
	const struct ebcc_btf_part *part;
	const struct btf_type *t = ebcc_kernel_btf_type(btf, id, &part);

	for (int i = 0; t && btf_is_type_tag(t) && i < 64; i++) {
		id = ebcc_kernel_btf_id(part, t->type);
		t = ebcc_kernel_btf_type(btf, id, &part);
	}
	if (!t || btf_is_type_tag(t) || btf_is_func(t) || btf_is_var(t) || btf_is_datasec(t) ||
	    btf_is_decl_tag(t))
		return 0;
	if (!subset->new_ids[id])
		subset->new_ids[id] = add_id(subset, id);
	return subset->new_ids[id];
}

static uint32_t refer_local(struct subset *subset, const struct ebcc_btf_part *part, uint32_t local)
{
	return refer(subset, ebcc_kernel_btf_id(part, local));
}

static uint32_t add_name(struct subset *subset, const char *name, const char *suffix)
{
	uint32_t offset = subset->strings.size;

	if (!*name)
		return 0;
	ebcc_buf_append_string(&subset->strings, name);
	/* Names from other languages, or in malicious BTF, must not become code. */
	for (size_t i = offset; i < subset->strings.size; i++)
		if (!isalnum((unsigned char)subset->strings.data[i]) &&
		    subset->strings.data[i] != ' ')
			subset->strings.data[i] = '_';
	ebcc_buf_append(&subset->strings, suffix, strlen(suffix) + 1);
	return offset;
}

/* Adds a name that must be unique among @given; it is changed if it is taken or @clashes. */
static uint32_t add_unique_name(struct subset *subset, struct ebcc_hash *given, const char *name,
				bool clashes)
{
	char number[16] = "";
	uint64_t *times;

	if (!*name)
		return 0;
	if (clashes)
		return add_name(subset, name, CLASH_SUFFIX);
	times = ebcc_hash_insert_string(given, name);
	if (!times) {
		subset->strings.failed = true;
		return 0;
	}
	if (++*times > 1)
		snprintf(number, sizeof(number), "___%u", (unsigned)*times);
	return add_name(subset, name, number);
}

static uint32_t add_tag(struct subset *subset, const char *name)
{
	unsigned uses = value_of(uses_of(subset->selection, name));

	return add_unique_name(subset, &subset->tags, name, ktypes_excludes_tag(uses));
}

/*
 * Names that can't be printed unchanged: those that the preamble defines, and those that libbpf
 * replaces with the compiler's va_list, which has a different size for BPF than in the kernel.
 */
static bool is_unprintable(const char *name)
{
	static const char *const names[] = {
		"true", "false", "NULL", "va_list", "__builtin_va_list", "__gnuc_va_list"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* Adds the name of a typedef or an enumerator; @wrong: the value in BTF is wrong, so the name must
 * be changed. */
static uint32_t add_ordinary(struct subset *subset, const char *name, bool wrong)
{
	unsigned uses = value_of(uses_of(subset->selection, name));

	return add_unique_name(subset, &subset->ordinary, name,
			       wrong || ktypes_excludes_ordinary(uses) || is_unprintable(name));
}

static void append_type(struct subset *subset, uint32_t name, uint32_t info, uint32_t size_or_type)
{
	struct btf_type t = {.name_off = name, .info = info, .size = size_or_type};

	ebcc_buf_append(&subset->types, &t, sizeof(t));
}

static uint32_t void_pointer(struct subset *subset)
{
	if (!subset->void_pointer)
		subset->void_pointer = add_id(subset, 0);
	return subset->void_pointer;
}

/*
 * The new id of a member's type. If an anonymous member has a struct with a name (kernels are built
 * with -fms-extensions since 6.19), the struct is copied without its name, since in standard C it
 * would only be a declaration.
 */
static uint32_t refer_member(struct subset *subset, const struct ebcc_btf_part *part,
			     const struct btf_member *m)
{
	const struct ebcc_kernel_btf *btf = subset->selection->btf;
	uint32_t id = ebcc_kernel_btf_id(part, m->type), stripped;
	const struct btf_type *t;

	if (is_function_pointer(btf, id))
		return void_pointer(subset);
	if (*ebcc_kernel_btf_name(btf, part, m->name_off))
		return refer(subset, id);
	stripped = ebcc_kernel_btf_strip(btf, id);
	t = ebcc_kernel_btf_type(btf, stripped, &part);
	if (t && btf_is_composite(t) && t->name_off)
		return add_id(subset, stripped | NAMELESS);
	return refer(subset, id);
}

static void write_composite(struct subset *subset, const struct ebcc_btf_part *part,
			    const struct btf_type *t, bool complete, bool nameless)
{
	const struct ebcc_kernel_btf *btf = subset->selection->btf;
	const char *name = ebcc_kernel_btf_name(btf, part, t->name_off);
	const struct btf_member *m = btf_members(t);

	if (!complete) {
		append_type(subset, add_name(subset, name, ""),
			    BTF_KIND_FWD << 24 | (uint32_t)btf_is_union(t) << 31, 0);
		return;
	}
	append_type(subset, nameless ? 0 : add_tag(subset, name), t->info, t->size);
	for (int i = 0; i < btf_vlen(t); i++, m++) {
		struct btf_member copy = {.offset = m->offset};

		copy.name_off = add_name(subset, ebcc_kernel_btf_name(btf, part, m->name_off), "");
		copy.type = refer_member(subset, part, m);
		ebcc_buf_append(&subset->types, &copy, sizeof(copy));
	}
}

static void write_enum(struct subset *subset, const struct ebcc_btf_part *part,
		       const struct btf_type *t)
{
	const struct ebcc_kernel_btf *btf = subset->selection->btf;
	const char *name = ebcc_kernel_btf_name(btf, part, t->name_off);
	uint32_t info = t->info;

	if (btf_is_enum(t) && !subset->selection->has_enum_signs && looks_signed(t))
		info |= 1u << 31;
	append_type(subset, btf_vlen(t) ? add_tag(subset, name) : add_name(subset, name, ""), info,
		    t->size);
	for (int i = 0; i < btf_vlen(t); i++) {
		uint32_t value =
			add_ordinary(subset, ebcc_kernel_btf_name(btf, part, enumerator_name(t, i)),
				     is_truncated(t));

		if (btf_is_enum64(t)) {
			struct btf_enum64 copy = btf_enum64(t)[i];

			copy.name_off = value;
			ebcc_buf_append(&subset->types, &copy, sizeof(copy));
		} else {
			struct btf_enum copy = btf_enum(t)[i];

			copy.name_off = value;
			ebcc_buf_append(&subset->types, &copy, sizeof(copy));
		}
	}
}

static void write_function(struct subset *subset, const struct ebcc_btf_part *part,
			   const struct btf_type *t)
{
	const struct btf_param *p = btf_params(t);

	append_type(subset, 0, t->info, refer_local(subset, part, t->type));
	for (int i = 0; i < btf_vlen(t); i++, p++) {
		/* The last parameter of a variadic function is void, and stays void. */
		struct btf_param copy = {.type = refer_local(subset, part, p->type)};

		ebcc_buf_append(&subset->types, &copy, sizeof(copy));
	}
}

static void write_array(struct subset *subset, const struct ebcc_btf_part *part,
			const struct btf_type *t)
{
	struct btf_array copy = *btf_array(t);

	copy.type = refer_local(subset, part, copy.type);
	copy.index_type = refer_local(subset, part, copy.index_type);
	append_type(subset, 0, t->info, 0);
	ebcc_buf_append(&subset->types, &copy, sizeof(copy));
}

static void write_type(struct subset *subset, uint32_t old_id)
{
	uint32_t id = old_id & ~NAMELESS;
	const struct ebcc_kernel_btf *btf = subset->selection->btf;
	const struct ebcc_btf_part *part;
	const struct btf_type *t = ebcc_kernel_btf_type(btf, id, &part);
	const char *name = t ? ebcc_kernel_btf_name(btf, part, t->name_off) : "";

	if (!t) { /* the id was allocated by void_pointer() */
		append_type(subset, 0, BTF_KIND_PTR << 24, 0);
		return;
	}
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		write_composite(subset, part, t, subset->selection->marks[id] & MARK_COMPLETE,
				old_id & NAMELESS);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		write_enum(subset, part, t);
		break;
	case BTF_KIND_FUNC_PROTO:
		write_function(subset, part, t);
		break;
	case BTF_KIND_ARRAY:
		write_array(subset, part, t);
		break;
	case BTF_KIND_INT:
		append_type(subset, add_name(subset, name, ""), t->info, t->size);
		ebcc_buf_append(&subset->types, t + 1, sizeof(uint32_t));
		break;
	case BTF_KIND_FLOAT:
		append_type(subset, add_name(subset, name, ""), t->info, t->size);
		break;
	case BTF_KIND_FWD:
		append_type(subset, add_name(subset, name, ""), t->info, 0);
		break;
	case BTF_KIND_TYPEDEF:
		append_type(subset, add_ordinary(subset, name, false), t->info,
			    refer_local(subset, part, t->type));
		break;
	default: /* pointers and qualifiers */
		append_type(subset, 0, t->info, refer_local(subset, part, t->type));
		break;
	}
}

static struct ebcc_error *write_subset(struct subset *subset, const struct selection *selection)
{
	size_t count = selection->btf->type_count;

	*subset = (struct subset){.selection = selection, .count = 1, .capacity = 1024};
	subset->new_ids = calloc(count, sizeof(*subset->new_ids));
	subset->old_ids = calloc(subset->capacity, sizeof(*subset->old_ids));
	if (!subset->new_ids || !subset->old_ids)
		return ebcc_error_no_memory();
	ebcc_buf_append_char(&subset->strings, '\0');
	/* Types that the source names come first, so if several have one name, these keep it. */
	for (size_t i = 0; i < selection->queue_count; i++)
		refer(subset, selection->queue[i]);
	for (uint32_t id = 1; id < subset->count && !subset->endless; id++)
		write_type(subset, subset->old_ids[id]);
	if (subset->failed)
		return ebcc_error_no_memory();
	if (subset->endless)
		return malformed(selection->btf, "a struct contains itself");
	TRY(ebcc_buf_check(&subset->types));
	return ebcc_buf_check(&subset->strings);
}

/* Opens the subset with libbpf, and checks it before libbpf prints it. */
static struct ebcc_error *open_subset(const struct subset *subset, struct btf **ret)
{
	const char *path = subset->selection->btf->parts[0].path;
	AUTO_BUF struct ebcc_buf raw = EBCC_BUF_INIT;
	struct btf_header header = {.magic = BTF_MAGIC,
				    .version = BTF_VERSION,
				    .hdr_len = sizeof(header),
				    .type_len = subset->types.size,
				    .str_off = subset->types.size,
				    .str_len = subset->strings.size};

	ebcc_buf_append(&raw, &header, sizeof(header));
	ebcc_buf_append(&raw, ebcc_buf_string(&subset->types), subset->types.size);
	ebcc_buf_append(&raw, subset->strings.data, subset->strings.size);
	TRY(ebcc_buf_check(&raw));
	*ret = btf__new(raw.data, raw.size);
	if (!*ret)
		return ebcc_error_os(EBCC_ERROR_FORMAT, errno,
				     "libbpf rejects the kernel's type information (BTF)");
	btf__set_pointer_size(*ret, 8);
	return ebcc_btf_check(*ret, path);
}

static void print_piece(void *ctx, const char *format, va_list args)
{
	struct ebcc_buf *text = ctx;

	if (text->size > MAX_TEXT)
		text->failed = true;
	else
		ebcc_buf_vprintf(text, format, args);
}

/* libbpf prints a function without parameters as in C before prototypes; the compiler would
 * describe it as one with any parameters, and the kernel then refuses the program. */
static void say_no_parameters(struct ebcc_buf *text)
{
	const char *end = ebcc_buf_string(text) + text->size;

	if (text->size < 2 || memcmp(end - 2, "()", 2))
		return;
	text->size--;
	ebcc_buf_append_string(text, "void)");
}

/* bpf_session_is_return() and bpf_session_cookie() take the context since Linux 7.0, and nothing
 * before. A source that passes it is right for both. */
static void allow_context(const char *name, const struct btf_type *proto, struct ebcc_buf *text)
{
	if (!btf_vlen(proto) && !strncmp(name, "bpf_session_", strlen("bpf_session_")))
		ebcc_buf_printf(text, "#define %s(...) %s()\n", name, name);
}

/* Declares the functions that programs may call. */
static int print_functions(struct btf_dump *dump, const struct subset *subset,
			   struct ebcc_buf *text)
{
	const struct selection *selection = subset->selection;
	int result = 0;

	for (size_t i = 0; i < selection->function_count && !result; i++) {
		LIBBPF_OPTS(btf_dump_emit_type_decl_opts, opts);
		const struct ebcc_btf_part *part;
		const struct btf_type *t =
			ebcc_kernel_btf_type(selection->btf, selection->functions[i], &part);

		opts.field_name = ebcc_kernel_btf_name(selection->btf, part, t->name_off);
		ebcc_buf_append_string(text, "extern ");
		result = btf_dump__emit_type_decl(
			dump, subset->new_ids[ebcc_kernel_btf_id(part, t->type)], &opts);
		say_no_parameters(text);
		ebcc_buf_append_string(text, " __attribute__((weak, section(\".ksyms\")));\n");
		allow_context(opts.field_name,
			      ebcc_kernel_btf_type(selection->btf,
						   ebcc_kernel_btf_id(part, t->type), &part),
			      text);
	}
	return result;
}

static struct ebcc_error *print_types(const struct btf *btf, const struct subset *subset,
				      struct ebcc_buf *text)
{
	struct btf_dump *dump = btf_dump__new(btf, print_piece, text, NULL);
	uint32_t count = btf__type_cnt(btf);
	int result = 0;

	if (!dump)
		return ebcc_error_no_memory();
	for (uint32_t id = 1; id < count && !result && !text->failed; id++)
		result = btf_dump__dump_type(dump, id);
	if (!result)
		result = print_functions(dump, subset, text);
	btf_dump__free(dump);
	if (result)
		return ebcc_error_os(EBCC_ERROR_FORMAT, -result,
				     "the kernel's type information (BTF) can't be written as C");
	return ebcc_buf_check(text);
}

static void cleanup_btf(struct btf **btf)
{
	btf__free(*btf);
}

/* Program contexts: structs whose layout is the same in every kernel. */
static bool is_context(const char *name)
{
	static const char *const names[] = {
		"pt_regs",	"user_pt_regs", "xdp_md",	 "__sk_buff",
		"bpf_sock_ops", "sk_msg_md",	"bpf_sock_addr", "bpf_perf_event_data",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* Records which parts the types come from, and whether any of them may differ between kernels. */
static void note_origins(const struct selection *selection, struct ebcc_ktypes *ktypes)
{
	for (size_t i = 0; i < ktypes->btf->part_count; i++)
		ktypes->btf->parts[i].in_use = false;
	for (size_t i = 0; i < selection->queue_count; i++) {
		const struct ebcc_btf_part *part;
		const struct btf_type *t =
			ebcc_kernel_btf_type(selection->btf, selection->queue[i], &part);
		const char *name;

		ktypes->btf->parts[part - selection->btf->parts].in_use = true;
		name = ebcc_kernel_btf_name(selection->btf, part, t->name_off);
		if (!(btf_is_struct(t) && is_context(name)) &&
		    !(btf_is_typedef(t) && ebcc_ktypes_is_basic(name)))
			ktypes->independent = false;
	}
}

struct ebcc_error *ebcc_ktypes_print_btf(struct ebcc_ktypes *ktypes, bool whole,
					 struct ebcc_buf *text)
{
	CLEANUP(selection_deinit) struct selection selection = {0};
	CLEANUP(subset_deinit) struct subset subset = {0};
	CLEANUP(cleanup_btf) struct btf *btf = NULL;

	TRY(select_types(&selection, ktypes->btf, &ktypes->scan.names, whole));
	note_origins(&selection, ktypes);
	TRY(write_subset(&subset, &selection));
	TRY(open_subset(&subset, &btf));
	return print_types(btf, &subset, text);
}
