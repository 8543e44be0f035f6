// SPDX-License-Identifier: Apache-2.0
/*
 * Opening and validating BTF; see btf.h. Each part has local type ids; in a module's BTF the
 * ids of vmlinux come first. Only this file converts local ids to global ones.
 */
#include "kernel/btf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/open_file.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define MODULE_BTF_DIR "/sys/kernel/btf"
/* Far above the size of any kernel's (5-10 MB) and any module's BTF. */
#define MAX_BTF_SIZE (512 << 20)
/* Nesting of anonymous structs and unions: more than real types have. */
#define MAX_DEPTH 16
/* Members of a record, including those of nested ones: real ones have a few hundred. */
#define MAX_MEMBERS (1u << 20)
/* Longer than any real chain of typedefs and qualifiers. */
#define MAX_STRIP 64

static void part_deinit(struct ebcc_btf_part *part)
{
	if (part->mapping)
		munmap(part->mapping, part->file_size);
	free(part->copy);
	btf__free(part->elf);
	free(part->offsets);
	free(part->path);
}

static struct ebcc_error *malformed(const struct ebcc_btf_part *part, const char *what)
{
	return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_FORMAT,
							 "the type information (BTF) in %s is "
							 "malformed: %s",
							 part->path, what),
				       part->path);
}

/* The number of bytes that follow a type of this kind; -1 if the kind is unknown. */
static int64_t trailing_size(const struct btf_type *t)
{
	int64_t count = btf_vlen(t);

	switch (btf_kind(t)) {
	case BTF_KIND_FWD:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
		return sizeof(uint32_t);
	case BTF_KIND_ENUM:
		return count * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return count * sizeof(struct btf_enum64);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return count * sizeof(struct btf_member);
	case BTF_KIND_FUNC_PROTO:
		return count * sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return count * sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG:
		return sizeof(struct btf_decl_tag);
	default:
		return -1;
	}
}

/* The size of the type at @offset, or 0 if it is truncated or of an unknown kind. */
static uint32_t type_size(const struct ebcc_btf_part *part, uint32_t offset)
{
	const struct btf_type *t = (const struct btf_type *)(part->types + offset);
	uint32_t left = part->types_size - offset;
	int64_t trailing;

	if (left < sizeof(*t))
		return 0;
	trailing = trailing_size(t);
	if (trailing < 0 || trailing > left - sizeof(*t))
		return 0;
	return sizeof(*t) + trailing;
}

/* Checks that the types exactly fill their section, and records where each begins. */
static struct ebcc_error *index_types(struct ebcc_btf_part *part)
{
	uint32_t capacity = part->types_size / 40 + 16;

	part->offsets = malloc(capacity * sizeof(*part->offsets));
	if (!part->offsets)
		return ebcc_error_no_memory();
	for (uint32_t offset = 0; offset < part->types_size;) {
		uint32_t size = type_size(part, offset);

		if (!size)
			return malformed(part, "a type is truncated or of an unknown kind");
		if (part->count == capacity) {
			uint32_t *bigger =
				reallocarray(part->offsets, capacity * 2ul, sizeof(*part->offsets));

			if (!bigger)
				return ebcc_error_no_memory();
			part->offsets = bigger;
			capacity *= 2;
		}
		part->offsets[part->count++] = offset;
		offset += size;
	}
	return NULL;
}

/* Validates the header and finds the sections. */
static struct ebcc_error *find_sections(struct ebcc_btf_part *part, const char *data, size_t size)
{
	struct btf_header header;
	uint64_t body;

	if (size < sizeof(header))
		return malformed(part, "it is too short");
	memcpy(&header, data, sizeof(header));
	if (header.magic != BTF_MAGIC)
		return malformed(part, "it is not BTF of this machine's byte order");
	if (header.hdr_len < sizeof(header) || header.hdr_len > size)
		return malformed(part, "the length of its header is wrong");
	body = size - header.hdr_len;
	if (header.type_off % 4 || header.hdr_len % 4 || header.type_off > body ||
	    header.type_len > body - header.type_off)
		return malformed(part, "the types are out of bounds");
	if (header.str_off > body || header.str_len > body - header.str_off)
		return malformed(part, "the names are out of bounds");
	part->types = data + header.hdr_len + header.type_off;
	part->types_size = header.type_len;
	part->strings = data + header.hdr_len + header.str_off;
	part->strings_size = header.str_len;
	if (part->strings_size && part->strings[part->strings_size - 1])
		return malformed(part, "the last name is not terminated");
	return NULL;
}

/* Maps a file of sysfs, whose contents can't change. Kernels before 6.16 don't support this. */
static bool map_file(struct ebcc_btf_part *part, const char **ret_data)
{
	AUTO_CLOSE int fd = ebcc_open_regular_at(AT_FDCWD, part->path);
	struct stat st;
	void *mapping;

	if (fd < 0 || fstat(fd, &st) || st.st_size <= 0 || st.st_size > MAX_BTF_SIZE)
		return false;
	mapping = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (mapping == MAP_FAILED)
		return false;
	part->mapping = mapping;
	part->file_size = st.st_size;
	*ret_data = mapping;
	return true;
}

static struct ebcc_error *read_file(struct ebcc_btf_part *part, const char **ret_data)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;

	TRY(ebcc_buf_read_file(&buf, part->path, MAX_BTF_SIZE));
	TRY(ebcc_buf_take(&buf, &part->copy, &part->file_size));
	*ret_data = part->copy;
	return NULL;
}

/* Whether the file begins with the ELF magic. */
static bool is_elf(const char *path)
{
	AUTO_CLOSE int fd = ebcc_open_regular_at(AT_FDCWD, path);
	char magic[4];

	return fd >= 0 && read(fd, magic, 4) == 4 && !memcmp(magic, "\177ELF", 4);
}

static struct ebcc_error *read_elf(struct ebcc_btf_part *part, const char **ret_data)
{
	uint32_t size;

	part->elf = btf__parse_elf(part->path, NULL);
	if (!part->elf)
		return ebcc_error_with_subject(
			ebcc_error_os(EBCC_ERROR_KERNEL_TYPES, errno,
				      "cannot find type information (a section .BTF) in %s",
				      part->path),
			part->path);
	*ret_data = btf__raw_data(part->elf, &size);
	if (!*ret_data)
		return ebcc_error_no_memory();
	part->file_size = size;
	return NULL;
}

/* Appends a part that is named by @path, without contents so far. */
static struct ebcc_error *add_part(struct ebcc_kernel_btf *btf, const char *path,
				   struct ebcc_btf_part **ret)
{
	struct ebcc_btf_part *bigger, *part;

	bigger = reallocarray(btf->parts, btf->part_count + 1, sizeof(*bigger));
	if (!bigger)
		return ebcc_error_no_memory();
	btf->parts = bigger;
	part = &btf->parts[btf->part_count];
	*part = (struct ebcc_btf_part){.first = btf->type_count};
	part->first_local = btf->part_count ? btf->parts[0].count + 1 : 1;
	part->path = strdup(path);
	if (!part->path)
		return ebcc_error_no_memory();
	btf->part_count++;
	*ret = part;
	return NULL;
}

/* Validates and indexes the contents of the last part. */
static struct ebcc_error *index_part(struct ebcc_kernel_btf *btf, struct ebcc_btf_part *part,
				     const char *data)
{
	TRY(find_sections(part, data, part->file_size));
	TRY(index_types(part));
	if (part->count > UINT32_MAX / 4 - btf->type_count)
		return malformed(part, "there are too many types");
	btf->type_count += part->count;
	return NULL;
}

/* Opens one file as the next part. */
static struct ebcc_error *open_part(struct ebcc_kernel_btf *btf, const char *path, bool in_sysfs)
{
	struct ebcc_btf_part *part;
	const char *data = NULL;

	TRY(add_part(btf, path, &part));
	if (is_elf(path))
		TRY(read_elf(part, &data));
	else if (!in_sysfs || !map_file(part, &data))
		TRY(read_file(part, &data));
	return index_part(btf, part, data);
}

/* Opens a copy of bytes in memory as the first part. */
static struct ebcc_error *open_bytes(struct ebcc_kernel_btf *btf, const void *bytes, size_t size,
				     const char *name)
{
	struct ebcc_btf_part *part;

	TRY(add_part(btf, name, &part));
	part->copy = malloc(size + 1);
	if (!part->copy)
		return ebcc_error_no_memory();
	memcpy(part->copy, bytes, size);
	part->file_size = size;
	return index_part(btf, part, part->copy);
}

/* Removes the last part, which could not be opened. */
static void drop_last_part(struct ebcc_kernel_btf *btf)
{
	part_deinit(&btf->parts[--btf->part_count]);
}

static struct ebcc_error *no_kernel_btf(struct ebcc_error *cause)
{
	ebcc_error_destroy(cause);
	return ebcc_error_with_subject(
		ebcc_error_create(
			EBCC_ERROR_KERNEL_TYPES,
			"this kernel has no type information: there is no " KERNEL_BTF
			" (kernels built with CONFIG_DEBUG_INFO_BTF have it); name a file "
			"with the kernel's BTF instead"),
		KERNEL_BTF);
}

/* Allocates a result without parts. */
static struct ebcc_error *btf_new(const char *module_dir, struct ebcc_kernel_btf **ret)
{
	struct ebcc_kernel_btf *btf = calloc(1, sizeof(*btf));

	if (!btf)
		return ebcc_error_no_memory();
	btf->type_count = 1;
	btf->module_dir = strdup(module_dir);
	if (!btf->module_dir) {
		free(btf);
		return ebcc_error_no_memory();
	}
	*ret = btf;
	return NULL;
}

struct ebcc_error *ebcc_kernel_btf_create(const char *path, const char *module_dir,
					  struct ebcc_kernel_btf **ret)
{
	struct ebcc_kernel_btf *btf;
	struct ebcc_error *error;

	if (!module_dir)
		module_dir = path ? "" : MODULE_BTF_DIR;
	TRY(btf_new(module_dir, &btf));
	error = open_part(btf, path ? path : KERNEL_BTF, !path);
	if (error) {
		ebcc_kernel_btf_destroy(btf);
		return !path && ebcc_error_errno(error) == ENOENT ? no_kernel_btf(error) : error;
	}
	*ret = btf;
	return NULL;
}

struct ebcc_error *ebcc_kernel_btf_create_from_bytes(const void *bytes, size_t size,
						     const char *name, struct ebcc_kernel_btf **ret)
{
	struct ebcc_kernel_btf *btf;
	struct ebcc_error *error;

	TRY(btf_new("", &btf));
	error = open_bytes(btf, bytes, size, name);
	if (error)
		ebcc_kernel_btf_destroy(btf);
	else
		*ret = btf;
	return error;
}

void ebcc_kernel_btf_destroy(struct ebcc_kernel_btf *btf)
{
	if (!btf)
		return;
	for (size_t i = 0; i < btf->part_count; i++)
		part_deinit(&btf->parts[i]);
	free(btf->parts);
	free(btf->module_dir);
	free(btf);
}

static int is_module(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "vmlinux");
}

static struct ebcc_error *open_module(struct ebcc_kernel_btf *btf, const char *name)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;
	size_t before = btf->part_count;
	struct ebcc_error *error;

	ebcc_buf_printf(&path, "%s/%s", btf->module_dir, name);
	TRY(ebcc_buf_check(&path));
	error = open_part(btf, path.data, !strcmp(btf->module_dir, MODULE_BTF_DIR));
	if (!error)
		return NULL;
	if (btf->part_count > before)
		drop_last_part(btf);
	if (ebcc_error_code(error) == EBCC_ERROR_NO_MEMORY)
		return error;
	ebcc_error_destroy(error);
	return NULL;
}

struct ebcc_error *ebcc_kernel_btf_open_modules(struct ebcc_kernel_btf *btf)
{
	struct ebcc_error *error = NULL;
	struct dirent **entries;
	int count;

	if (btf->modules_opened || !*btf->module_dir)
		return NULL;
	btf->modules_opened = true;
	/* Sorted, so that if two types have the same name, the same one is found each time. */
	count = scandir(btf->module_dir, &entries, is_module, alphasort);
	if (count < 0)
		return errno == ENOMEM ? ebcc_error_no_memory() : NULL;
	for (int i = 0; i < count; i++) {
		if (!error)
			error = open_module(btf, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return error;
}

void ebcc_kernel_btf_list_modules(const char *directory, struct ebcc_buf *ret)
{
	struct dirent **entries;
	int count;

	if (!directory)
		directory = MODULE_BTF_DIR;
	count = scandir(directory, &entries, is_module, alphasort);
	if (count < 0)
		return;
	for (int i = 0; i < count; i++) {
		AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;
		struct stat st = {0};

		ebcc_buf_printf(&path, "%s/%s", directory, entries[i]->d_name);
		stat(ebcc_buf_string(&path), &st);
		ebcc_buf_printf(ret, "%s %lld\n", entries[i]->d_name, (long long)st.st_size);
		free(entries[i]);
	}
	free(entries);
}

const struct btf_type *ebcc_kernel_btf_type(const struct ebcc_kernel_btf *btf, uint32_t id,
					    const struct ebcc_btf_part **ret_part)
{
	for (size_t i = 0; i < btf->part_count; i++) {
		const struct ebcc_btf_part *part = &btf->parts[i];

		if (id < part->first || id - part->first >= part->count)
			continue;
		*ret_part = part;
		return (const struct btf_type *)(part->types + part->offsets[id - part->first]);
	}
	*ret_part = &btf->parts[0];
	return NULL;
}

uint32_t ebcc_kernel_btf_id(const struct ebcc_btf_part *part, uint32_t local)
{
	if (local < part->first_local)
		return local;
	if (local - part->first_local >= part->count)
		return 0;
	return local - part->first_local + part->first;
}

const char *ebcc_kernel_btf_name(const struct ebcc_kernel_btf *btf,
				 const struct ebcc_btf_part *part, uint32_t offset)
{
	const struct ebcc_btf_part *base = &btf->parts[0];

	if (part != base) {
		if (offset >= base->strings_size) {
			offset -= base->strings_size;
			return offset < part->strings_size ? part->strings + offset : "";
		}
		part = base;
	}
	return offset < part->strings_size ? part->strings + offset : "";
}

uint32_t ebcc_kernel_btf_strip(const struct ebcc_kernel_btf *btf, uint32_t id)
{
	for (int i = 0; i < MAX_STRIP; i++) {
		const struct ebcc_btf_part *part;
		const struct btf_type *t = ebcc_kernel_btf_type(btf, id, &part);

		if (!t)
			return 0;
		if (!btf_is_mod(t) && !btf_is_typedef(t))
			return id;
		id = ebcc_kernel_btf_id(part, t->type);
	}
	return 0;
}

uint32_t ebcc_kernel_btf_find(const struct ebcc_kernel_btf *btf, const char *name, unsigned kind)
{
	for (uint32_t id = 1; id < btf->type_count; id++) {
		const struct ebcc_btf_part *part;
		const struct btf_type *t = ebcc_kernel_btf_type(btf, id, &part);

		if (btf_kind(t) == kind &&
		    !strcmp(ebcc_kernel_btf_name(btf, part, t->name_off), name))
			return id;
	}
	return 0;
}

bool ebcc_kernel_btf_size(const struct ebcc_kernel_btf *btf, uint32_t id, uint64_t *ret)
{
	uint64_t count = 1;

	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		const struct ebcc_btf_part *part;
		const struct btf_type *type;

		id = ebcc_kernel_btf_strip(btf, id);
		type = ebcc_kernel_btf_type(btf, id, &part);
		if (!type)
			return false;
		switch (btf_kind(type)) {
		case BTF_KIND_PTR:
			return !__builtin_mul_overflow(count, 8, ret);
		case BTF_KIND_INT:
		case BTF_KIND_FLOAT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			return !__builtin_mul_overflow(count, type->size, ret);
		case BTF_KIND_ARRAY:
			if (__builtin_mul_overflow(count, btf_array(type)->nelems, &count))
				return false;
			id = ebcc_kernel_btf_id(part, btf_array(type)->type);
			break;
		default:
			return false;
		}
	}
	return false;
}

/* @budget: the number of members that may still be visited. If each record contained two of the
 * next one, their number would be exponential. The member's bit offset is added to @ret->bits. */
static bool record_find_member(const struct ebcc_kernel_btf *btf, uint32_t id, const char *name,
			       unsigned depth, unsigned *budget, struct ebcc_btf_member *ret)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(btf, id, &part);

	if (!type || !btf_is_composite(type) || depth > MAX_DEPTH)
		return false;
	for (unsigned i = 0; i < btf_vlen(type) && *budget; i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *member_name = ebcc_kernel_btf_name(btf, part, member->name_off);
		uint32_t member_type = ebcc_kernel_btf_id(part, member->type);

		--*budget;
		if (strcmp(member_name, name) &&
		    (*member_name ||
		     !record_find_member(btf, ebcc_kernel_btf_strip(btf, member_type), name,
					 depth + 1, budget, ret)))
			continue;
		ret->bits += btf_member_bit_offset(type, i);
		if (*member_name) {
			ret->type = member_type;
			ret->width = btf_member_bitfield_size(type, i);
		}
		return true;
	}
	return false;
}

bool ebcc_kernel_btf_member(const struct ebcc_kernel_btf *btf, uint32_t id, const char *name,
			    struct ebcc_btf_member *ret)
{
	unsigned budget = MAX_MEMBERS;

	*ret = (struct ebcc_btf_member){0};
	return record_find_member(btf, id, name, 0, &budget, ret);
}

bool ebcc_kernel_btf_has_member(const struct ebcc_kernel_btf *btf, uint32_t id, const char *name)
{
	struct ebcc_btf_member member;

	return ebcc_kernel_btf_member(btf, id, name, &member);
}

bool ebcc_kernel_btf_offset(const struct ebcc_kernel_btf *btf, const char *record, const char *name,
			    uint32_t *ret)
{
	struct ebcc_btf_member member;

	if (!ebcc_kernel_btf_member(btf, ebcc_kernel_btf_find(btf, record, BTF_KIND_STRUCT), name,
				    &member) ||
	    member.bits % 8 || member.bits / 8 > UINT32_MAX)
		return false;
	*ret = (uint32_t)(member.bits / 8);
	return true;
}

size_t ebcc_kernel_btf_essential_size(const char *name)
{
	size_t size = strlen(name);

	for (size_t at = size > 4 ? size - 4 : 0; at; at--)
		if (name[at - 1] != '_' && !memcmp(name + at, "___", 3) && name[at + 3] != '_')
			return at;
	return size;
}

const char *ebcc_kernel_btf_enumerator(const struct ebcc_kernel_btf *btf, uint32_t id,
				       uint32_t index, uint64_t *ret)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *type = ebcc_kernel_btf_type(btf, id, &part);

	if (!type || !btf_is_any_enum(type) || index >= btf_vlen(type))
		return NULL;
	if (btf_is_enum64(type)) {
		*ret = btf_enum64_value(&btf_enum64(type)[index]);
		return ebcc_kernel_btf_name(btf, part, btf_enum64(type)[index].name_off);
	}
	*ret = btf_kflag(type) ? (uint64_t)(int64_t)btf_enum(type)[index].val
			       : (uint32_t)btf_enum(type)[index].val;
	return ebcc_kernel_btf_name(btf, part, btf_enum(type)[index].name_off);
}
