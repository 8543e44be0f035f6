// SPDX-License-Identifier: Apache-2.0
/*
 * Compares what a portable object needs of the kernel's types with a kernel (kernel_needs.h).
 *
 * For
 *
 *	struct event { struct in_addr address; u32 parent; };
 *	...
 *	event.parent = task->real_parent->tgid;
 *	if (sk->__sk_common.skc_state == TCP_ESTABLISHED)
 *
 * the compiler (clang_shim.cc, KernelNeeds) records these lines. Offsets and sizes are in bits,
 * except the offset of an "offset" line, which is a number of bytes in the program:
 *
 *	enumerator TCP_ESTABLISHED 1			a constant in the program
 *	layout struct in_addr 32 s_addr:0:32		a copy: size, and each member's place
 *	member struct sock_common skc_state 8		the size of what is read; its place is
 *	member struct task_struct real_parent 64	relocated
 *	member struct task_struct tgid 32
 *
 * and for other sources
 *
 *	size struct page 512				sizeof(), or the step of a pointer
 *	whole struct task_struct comm 128		sizeof() of a member
 *	target struct task_struct clear_child_tid 32	the size of what a pointer in a member leads
 *							to, if that is a number or a pointer
 *	offset struct task_struct tasks 1056		offsetof()
 *	layout typedef kuid_t 32 val:0:32		a struct without a tag
 *
 * First all names are collected, then one walk through the kernel's BTF finds them, and then each
 * line is compared. A member that the kernel doesn't have is not reported here: its relocation does
 * that, if the program gets there at all (load/relocate.c).
 */
#include "types/kernel_needs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "elf/bpf_object.h"
#include "types/ktypes_internal.h"

#define VARIABLE "__ebcc_needs"
/* The value of a name that was not found. Values of enumerators are kept beside the hash. */
#define NOT_FOUND 0
/* Of an array: more than any has. */
#define MAX_DIMENSIONS 16

struct needs {
	struct ebcc_kernel_info *kernel;
	struct ebcc_kernel_btf *btf;
	struct ebcc_hash records;     /* "struct NAME" to its id */
	struct ebcc_hash enumerators; /* NAME to 1 + index in values */
	uint64_t *values;
	size_t value_count;
};

static void needs_deinit(struct needs *needs)
{
	ebcc_hash_deinit(&needs->records);
	ebcc_hash_deinit(&needs->enumerators);
	free(needs->values);
}

static struct ebcc_error *malformed(void)
{
	return ebcc_error_create(EBCC_ERROR_FORMAT,
				 "the object's list of kernel types and constants is malformed");
}

static const char advice[] = "the object is not right for this kernel; compile the source here";

/* ---- Lines ---- */

/* Cuts the next word off; NULL at the end of the line. */
static char *next_word(char **line)
{
	return strsep(line, " ");
}

static bool parse_number(const char *word, uint64_t *ret)
{
	char *end;

	if (!word || !*word)
		return false;
	errno = 0;
	*ret = *word == '-' ? (uint64_t)strtoll(word, &end, 10) : strtoull(word, &end, 10);
	return !*end && !errno;
}

/* Called for each line, which it may change: @kind is its first word, @line the rest. */
typedef struct ebcc_error *(*line_fn)(struct needs *needs, const char *kind, char *line);

static struct ebcc_error *for_each_line(struct needs *needs, const char *text, line_fn fn)
{
	AUTO_FREE char *copy = strdup(text);
	char *rest = copy, *line;

	if (!copy)
		return ebcc_error_no_memory();
	while ((line = strsep(&rest, "\n"))) {
		char *kind = next_word(&line);

		if (kind && *kind && !line)
			return malformed();
		if (kind && *kind)
			TRY(fn(needs, kind, line));
	}
	return NULL;
}

/* Cuts "struct NAME" off, as one string, without a suffix "___anything" of the name: the source may
 * declare a part of the kernel's struct under such a name. */
static char *cut_record(char **line)
{
	char *keyword = next_word(line), *name = next_word(line);

	if (!keyword || !name ||
	    (strcmp(keyword, "struct") && strcmp(keyword, "union") && strcmp(keyword, "typedef")))
		return NULL;
	name[-1] = ' ';
	name[ebcc_kernel_btf_essential_size(name)] = '\0';
	return keyword;
}

static struct ebcc_error *collect(struct needs *needs, const char *kind, char *line)
{
	bool enumerator = !strcmp(kind, "enumerator");
	char *name = enumerator ? next_word(&line) : cut_record(&line);

	if (!name)
		return malformed();
	if (!ebcc_hash_insert_string(enumerator ? &needs->enumerators : &needs->records, name))
		return ebcc_error_no_memory();
	return NULL;
}

/* ---- The kernel ---- */

static void find_record(struct needs *needs, const struct btf_type *type, const char *name,
			uint32_t id)
{
	const char *keyword = btf_is_typedef(type) ? "typedef"
			      : btf_is_union(type) ? "union"
						   : "struct";
	char tag[256];
	uint64_t *found;

	if (snprintf(tag, sizeof(tag), "%s %s", keyword, name) >= (int)sizeof(tag))
		return;
	found = ebcc_hash_find_string(&needs->records, tag);
	if (found && *found == NOT_FOUND)
		*found = id;
}

static struct ebcc_error *find_enumerators(struct needs *needs, const struct btf_type *type,
					   uint32_t id)
{
	const char *name;
	uint64_t value;

	/* Before Linux 6.0, BTF had only the lower halves of larger values. */
	if (btf_is_enum(type) && type->size > sizeof(uint32_t))
		return NULL;
	for (uint32_t i = 0; (name = ebcc_kernel_btf_enumerator(needs->btf, id, i, &value)); i++) {
		uint64_t *found = ebcc_hash_find_string(&needs->enumerators, name);
		uint64_t *bigger;

		if (!found || *found != NOT_FOUND)
			continue;
		bigger = reallocarray(needs->values, needs->value_count + 1, sizeof(*bigger));
		if (!bigger)
			return ebcc_error_no_memory();
		needs->values = bigger;
		bigger[needs->value_count] = value;
		*found = ++needs->value_count;
	}
	return NULL;
}

/* Finds names among the types from @first to @end. */
static struct ebcc_error *walk(struct needs *needs, uint32_t first, uint32_t end)
{
	for (uint32_t id = first; id < end; id++) {
		const struct ebcc_btf_part *part;
		const struct btf_type *type = ebcc_kernel_btf_type(needs->btf, id, &part);

		if ((btf_is_composite(type) || btf_is_typedef(type)) && type->name_off)
			find_record(needs, type,
				    ebcc_kernel_btf_name(needs->btf, part, type->name_off), id);
		else if (btf_is_any_enum(type))
			TRY(find_enumerators(needs, type, id));
	}
	return NULL;
}

static bool lacks_any(const struct ebcc_hash *hash)
{
	hash_for_each (hash, entry)
		if (entry->value == NOT_FOUND)
			return true;
	return false;
}

/* Finds the names of the object: in vmlinux, or else in modules. */
static struct ebcc_error *find_names(struct needs *needs)
{
	uint32_t modules = needs->btf->parts[0].count + 1;

	TRY(walk(needs, 1, modules));
	if (!lacks_any(&needs->records) && !lacks_any(&needs->enumerators))
		return NULL;
	TRY(ebcc_kernel_btf_open_modules(needs->btf));
	return walk(needs, modules, needs->btf->type_count);
}

static uint32_t record_id(const struct needs *needs, const char *record)
{
	return (uint32_t)*ebcc_hash_find_string(&needs->records, record);
}

/* The type of what an array has, or else the type itself, without typedefs and qualifiers. */
static uint32_t element_type(const struct needs *needs, uint32_t id)
{
	for (unsigned depth = 0; depth < MAX_DIMENSIONS; depth++) {
		const struct ebcc_btf_part *part;
		const struct btf_type *type;

		id = ebcc_kernel_btf_strip(needs->btf, id);
		type = ebcc_kernel_btf_type(needs->btf, id, &part);
		if (!type || !btf_is_array(type))
			return id;
		id = ebcc_kernel_btf_id(part, btf_array(type)->type);
	}
	return 0;
}

/* Follows a path of members, "in6_u.u6_addr8". Returns false if the kernel has none of that name.
 */
static bool find_path(const struct needs *needs, uint32_t record, char *path,
		      struct ebcc_btf_member *ret)
{
	uint64_t bits = 0;
	char *name;

	while ((name = strsep(&path, "."))) {
		if (!ebcc_kernel_btf_member(needs->btf, element_type(needs, record), name, ret))
			return false;
		bits += ret->bits;
		record = ret->type;
	}
	ret->bits = bits;
	return true;
}

/* The size of a member in bits; 0 if its type has none. */
static uint64_t member_size(const struct needs *needs, const struct ebcc_btf_member *member)
{
	uint64_t size;

	if (member->width)
		return member->width;
	return ebcc_kernel_btf_size(needs->btf, member->type, &size) ? size * 8 : 0;
}

/* ---- Comparing ---- */

static struct ebcc_error *other_kernel(const char *what, const char *record, const char *member,
				       uint64_t there, uint64_t here, const char *unit)
{
	return ebcc_error_create(EBCC_ERROR_OTHER_KERNEL,
				 "%s %s%s%s is %" PRIu64 "%s here, but was %" PRIu64
				 "%s where the object was compiled: %s",
				 what, record, member ? "." : "", member ? member : "", here, unit,
				 there, unit, advice);
}

static struct ebcc_error *no_such(const char *what, const char *name)
{
	return ebcc_error_create(EBCC_ERROR_OTHER_KERNEL, "this kernel has no %s%s: %s", what, name,
				 advice);
}

/* The value of a constant that is an enumerator in some kernels and a macro in others. */
static bool constant_value(const struct needs *needs, const char *name, uint64_t *ret)
{
	uint64_t index = *ebcc_hash_find_string(&needs->enumerators, name);

	if (index == NOT_FOUND)
		return ebcc_ktypes_macro_value(needs->kernel, needs->btf, name, ret);
	*ret = needs->values[index - 1];
	return true;
}

static struct ebcc_error *other_constant(const char *name, uint64_t here)
{
	return ebcc_error_create(EBCC_ERROR_OTHER_KERNEL,
				 "the constant %s is %" PRId64 " here, but had another value where "
				 "the object was compiled: %s, or read an enumerator with "
				 "bpf_core_enum_value()",
				 name, (int64_t)here, advice);
}

/* BTF of kernels before 6.0 doesn't say whether an enumerator of 32 bits has a sign. */
static bool same_value(uint64_t left, uint64_t right)
{
	return left == right || ((uint32_t)left == (uint32_t)right &&
				 ((int64_t)left == (int32_t)left || left <= UINT32_MAX) &&
				 ((int64_t)right == (int32_t)right || right <= UINT32_MAX));
}

static struct ebcc_error *check_enumerator(const struct needs *needs, char *line)
{
	char *name = next_word(&line);
	uint64_t there, here;

	if (!parse_number(line, &there))
		return malformed();
	if (!constant_value(needs, name, &here))
		return no_such("constant ", name);
	return same_value(here, there) ? NULL : other_constant(name, here);
}

static struct ebcc_error *collect_constant(struct needs *needs, const char *name, char *line)
{
	(void)line;
	return ebcc_hash_insert_string(&needs->enumerators, name) ? NULL : ebcc_error_no_memory();
}

/* A constant that is not a plain number is the same on all kernels, unless this one has an
 * enumerator instead. */
static struct ebcc_error *check_constant(struct needs *needs, const char *name, char *line)
{
	bool enumerator = *ebcc_hash_find_string(&needs->enumerators, name) != NOT_FOUND;
	uint64_t there, here;

	if (!constant_value(needs, name, &here))
		return NULL;
	if (!parse_number(line, &there))
		return enumerator ? other_constant(name, here) : NULL;
	return same_value(here, there) ? NULL : other_constant(name, here);
}

static struct ebcc_error *check_size(const struct needs *needs, const char *record, uint64_t bits)
{
	uint32_t id = record_id(needs, record);
	uint64_t size;

	if (!id || !ebcc_kernel_btf_size(needs->btf, id, &size))
		return no_such("", record);
	return size * 8 == bits
		       ? NULL
		       : other_kernel("the size of", record, NULL, bits / 8, size, " bytes");
}

/* The place of one member of a layout: "NAME:OFFSET:SIZE". */
static struct ebcc_error *check_place(const struct needs *needs, const char *record, char *word)
{
	char *name = strsep(&word, ":"), *offset_word = strsep(&word, ":");
	AUTO_FREE char *path = strdup(name);
	struct ebcc_btf_member member;
	uint64_t offset, size;

	if (!path)
		return ebcc_error_no_memory();
	if (!parse_number(offset_word, &offset) || !parse_number(word, &size))
		return malformed();
	if (!find_path(needs, record_id(needs, record), path, &member))
		return ebcc_error_create(EBCC_ERROR_OTHER_KERNEL,
					 "on this kernel, %s has no member '%s': %s", record, name,
					 advice);
	if (member.bits != offset)
		return other_kernel("the offset of", record, name, offset, member.bits, " bits");
	if (member_size(needs, &member) != size)
		return other_kernel("the size of", record, name, size, member_size(needs, &member),
				    " bits");
	return NULL;
}

static struct ebcc_error *check_layout(const struct needs *needs, const char *record, char *line)
{
	uint64_t bits;
	char *word;

	if (!parse_number(next_word(&line), &bits))
		return malformed();
	TRY(check_size(needs, record, bits));
	while ((word = next_word(&line)))
		TRY(check_place(needs, record, word));
	return NULL;
}

static struct ebcc_error *check_offset(const struct needs *needs, const char *record, char *line)
{
	char *name = next_word(&line);
	AUTO_FREE char *path = name ? strdup(name) : NULL;
	struct ebcc_btf_member member;
	uint64_t bytes;

	if (!parse_number(line, &bytes))
		return malformed();
	if (!path)
		return ebcc_error_no_memory();
	if (!find_path(needs, record_id(needs, record), path, &member))
		return ebcc_error_create(EBCC_ERROR_OTHER_KERNEL,
					 "on this kernel, %s has no member '%s': %s", record, name,
					 advice);
	return member.bits == bytes * 8 ? NULL
					: other_kernel("the offset of", record, name, bytes,
						       member.bits / 8, " bytes");
}

/* Checks the size of a member: of an element if it is an array ("member"), of all of it ("whole"),
 * or of what it points to ("target"). */
static struct ebcc_error *check_member(const struct needs *needs, const char *kind,
				       const char *record, char *line)
{
	char *name = next_word(&line);
	AUTO_FREE char *path = name ? strdup(name) : NULL;
	struct ebcc_btf_member member;
	uint64_t there, here;

	if (!name || !parse_number(line, &there))
		return malformed();
	if (!path)
		return ebcc_error_no_memory();
	if (!find_path(needs, record_id(needs, record), path, &member))
		return NULL;
	if (strcmp(kind, "whole"))
		member.type = element_type(needs, member.type);
	if (!strcmp(kind, "target")) {
		const struct ebcc_btf_part *part;
		const struct btf_type *type = ebcc_kernel_btf_type(needs->btf, member.type, &part);

		/* Whether it is a pointer at all is the relocation's concern. */
		if (!type || !btf_is_ptr(type))
			return NULL;
		member.type = ebcc_kernel_btf_id(part, type->type);
	}
	here = member_size(needs, &member);
	return here == there ? NULL
			     : other_kernel(strcmp(kind, "target") ? "the size of"
								   : "the size of what is behind",
					    record, name, there, here, " bits");
}

static struct ebcc_error *check(struct needs *needs, const char *kind, char *line)
{
	const char *record;
	uint64_t bits;

	if (!strcmp(kind, "enumerator"))
		return check_enumerator(needs, line);
	record = cut_record(&line);
	if (!strcmp(kind, "layout"))
		return check_layout(needs, record, line);
	if (!strcmp(kind, "offset"))
		return check_offset(needs, record, line);
	if (!strcmp(kind, "member") || !strcmp(kind, "whole") || !strcmp(kind, "target"))
		return check_member(needs, kind, record, line);
	if (strcmp(kind, "size") || !parse_number(line, &bits))
		return malformed();
	return check_size(needs, record, bits);
}

bool ebcc_has_kernel_needs(const char *object, size_t size)
{
	uint64_t offset;

	return ebcc_elf_symbol_offset(object, size, VARIABLE, &offset) ||
	       ebcc_elf_symbol_offset(object, size, EBCC_NEEDED_CONSTANTS, &offset);
}

struct ebcc_error *ebcc_kernel_needs_check(const char *object, size_t size,
					   struct ebcc_kernel_info *kernel,
					   struct ebcc_kernel_btf *btf)
{
	CLEANUP(needs_deinit) struct needs needs = {.kernel = kernel, .btf = btf};
	AUTO_FREE char *text = NULL, *constants = NULL;

	TRY(ebcc_elf_text(object, size, VARIABLE, &text));
	TRY(ebcc_elf_text(object, size, EBCC_NEEDED_CONSTANTS, &constants));
	if (text)
		TRY(for_each_line(&needs, text, collect));
	TRY(find_names(&needs));
	if (constants) {
		/* Not in modules: an enumerator there is another thing of the same name. */
		TRY(for_each_line(&needs, constants, collect_constant));
		TRY(walk(&needs, 1, btf->parts[0].count + 1));
	}
	if (text)
		TRY(for_each_line(&needs, text, check));
	return constants ? for_each_line(&needs, constants, check_constant) : NULL;
}
