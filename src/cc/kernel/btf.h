/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read access to a kernel's type information: the BTF of vmlinux (or of a file) and, on demand, of
 * its modules, with one numbering of types for all of them. The BTF is mapped and indexed in place,
 * not copied. All of it is validated, so users of these functions may follow any type id or
 * name.
 */
#ifndef EBCC_KERNEL_BTF_H
#define EBCC_KERNEL_BTF_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

/* The BTF of vmlinux or of one module. */
struct ebcc_btf_part {
	char *path;
	void *mapping;	 /* of the file, or NULL */
	char *copy;	 /* its contents if it can't be mapped, or NULL */
	struct btf *elf; /* owner of the bytes if they came from an ELF file, or NULL */
	size_t file_size;
	const char *types;
	const char *strings;
	uint32_t types_size, strings_size;
	uint32_t first_local; /* local id (within this part) of the first type */
	uint32_t first;	      /* global id (among all parts) of the first type */
	uint32_t count;	      /* number of types, not counting void */
	uint32_t *offsets;    /* of each type, into types */
	bool in_use;	      /* the last text of kernel types used some of its types (ktypes.c) */
};

struct ebcc_kernel_btf {
	struct ebcc_btf_part *parts; /* [0] is vmlinux */
	size_t part_count;
	uint32_t type_count; /* global ids are 1 to type_count - 1; 0 is void */
	char *module_dir;    /* "": there are no modules to search */
	bool modules_opened;
};

/*
 * Opens the BTF of the running kernel (@path NULL), or of a raw or ELF file. @module_dir contains
 * the BTF files of modules; NULL means the running kernel's modules if @path is NULL too, else
 * none. The caller destroys @ret. EBCC_ERROR_KERNEL_TYPES if there is no BTF, EBCC_ERROR_FORMAT if
 * it is malformed.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_btf_create(const char *path, const char *module_dir,
						     struct ebcc_kernel_btf **ret);

/* Opens a copy of raw BTF, such as the section .BTF of an object, without modules. @name says what
 * it is, for errors. EBCC_ERROR_FORMAT if it is malformed. */
MUST_CHECK struct ebcc_error *ebcc_kernel_btf_create_from_bytes(const void *bytes, size_t size,
								const char *name,
								struct ebcc_kernel_btf **ret);
void ebcc_kernel_btf_destroy(struct ebcc_kernel_btf *btf);

static inline void ebcc_cleanup_kernel_btf(struct ebcc_kernel_btf **btf)
{
	ebcc_kernel_btf_destroy(*btf);
}
#define AUTO_KERNEL_BTF CLEANUP(ebcc_cleanup_kernel_btf)

/* Opens the BTF of all modules unless that has been done; unreadable ones are skipped. */
MUST_CHECK struct ebcc_error *ebcc_kernel_btf_open_modules(struct ebcc_kernel_btf *btf);

/* Appends the names of the modules in @directory (NULL: of the running kernel), and the sizes of
 * their BTF: two lists are equal if and only if no module came, went or was replaced by another
 * build, as far as can be told without reading their BTF. */
void ebcc_kernel_btf_list_modules(const char *directory, struct ebcc_buf *ret);

/* Returns a type by its global id, and the part that it is in; NULL for 0 and for ids that don't
 * exist. Its trailing members, values or parameters are within bounds. */
const struct btf_type *ebcc_kernel_btf_type(const struct ebcc_kernel_btf *btf, uint32_t id,
					    const struct ebcc_btf_part **ret_part);

/* Converts the local id that @part uses for a type to a global id; 0 for void and invalid ids. */
uint32_t ebcc_kernel_btf_id(const struct ebcc_btf_part *part, uint32_t local);

/* Returns the name at an offset, or "" if there is none. Valid as long as @btf. */
const char *ebcc_kernel_btf_name(const struct ebcc_kernel_btf *btf,
				 const struct ebcc_btf_part *part, uint32_t offset);

/* Strips const, volatile, restrict, type tags and typedefs; 0 if no type remains. */
uint32_t ebcc_kernel_btf_strip(const struct ebcc_kernel_btf *btf, uint32_t id);

/* Returns the first type of a kind with that name, or 0. Takes linear time. */
uint32_t ebcc_kernel_btf_find(const struct ebcc_kernel_btf *btf, const char *name, unsigned kind);

/* The size of a value of a type, in bytes. Returns false for a type that has none. */
bool ebcc_kernel_btf_size(const struct ebcc_kernel_btf *btf, uint32_t id, uint64_t *ret);

/* A member of a record. */
struct ebcc_btf_member {
	uint64_t bits;	/* offset in bits */
	uint32_t type;	/* global id */
	uint32_t width; /* of a bit field, in bits; else 0 */
};

/* Finds a member of the struct or union @id by name, directly or in an anonymous member. Returns
 * false if there is none. */
bool ebcc_kernel_btf_member(const struct ebcc_kernel_btf *btf, uint32_t id, const char *name,
			    struct ebcc_btf_member *ret);

/* Whether the struct or union @id has a member of that name, directly or in an anonymous member. */
bool ebcc_kernel_btf_has_member(const struct ebcc_kernel_btf *btf, uint32_t id, const char *name);

/* Finds the offset of such a member in the struct @record, in bytes. Returns false if there is none
 * or it doesn't begin at a byte. */
bool ebcc_kernel_btf_offset(const struct ebcc_kernel_btf *btf, const char *record, const char *name,
			    uint32_t *ret);

/* The length of the name of a type without a suffix "___anything", by which a source can declare
 * several versions of a kernel's type. */
size_t ebcc_kernel_btf_essential_size(const char *name);

/* Returns the name and the value of an enumerator by its index, or NULL if there is no such enum or
 * index. */
const char *ebcc_kernel_btf_enumerator(const struct ebcc_kernel_btf *btf, uint32_t id,
				       uint32_t index, uint64_t *ret);

#endif /* EBCC_KERNEL_BTF_H */
