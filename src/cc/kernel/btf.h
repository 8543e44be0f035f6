/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel's type information, for reading: the BTF of vmlinux (or of a file) and, on
 * demand, that of modules, under one space of type numbers. It is mapped and indexed in place, not
 * copied, and everything that it says is checked here, so that the users of this file may
 * follow any number or name they are given.
 */
#ifndef EBCC_KERNEL_BTF_H
#define EBCC_KERNEL_BTF_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/* BTF of vmlinux, or of one module. */
struct ebcc_btf_part {
	char *path;
	void *mapping;	 /* of the file, or NULL */
	char *copy;	 /* its bytes, where it can't be mapped, or NULL */
	struct btf *elf; /* owner of the bytes that came out of an ELF file, or NULL */
	size_t file_size;
	const char *types;
	const char *strings;
	uint32_t types_size, strings_size;
	uint32_t first_local; /* the part's own number of its first type */
	uint32_t first;	      /* that type's number among all */
	uint32_t count;	      /* number of types, void not counted */
	uint32_t *offsets;    /* of each type, into types */
	bool in_use;	      /* the last text of kernel types has some of its types (ktypes.c) */
};

struct ebcc_kernel_btf {
	struct ebcc_btf_part *parts; /* [0] is vmlinux */
	size_t part_count;
	uint32_t type_count; /* types are numbered 1 to type_count - 1; 0 is void */
	char *module_dir;    /* "" where there are no modules to be searched */
	bool modules_opened;
};

/*
 * Opens the BTF of the running kernel (@path NULL), or of a raw or ELF file. @module_dir holds the
 * files of modules; NULL: the running kernel's, if @path is NULL too, else none. The caller
 * destroys
 * @ret. EBCC_ERROR_KERNEL_TYPES where there is none, EBCC_ERROR_FORMAT where it is malformed.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_btf_create(const char *path, const char *module_dir,
						     struct ebcc_kernel_btf **ret);
void ebcc_kernel_btf_destroy(struct ebcc_kernel_btf *btf);

static inline void ebcc_cleanup_kernel_btf(struct ebcc_kernel_btf **btf)
{
	ebcc_kernel_btf_destroy(*btf);
}
#define AUTO_KERNEL_BTF CLEANUP(ebcc_cleanup_kernel_btf)

/* Opens the BTF of all modules, if that hasn't been done; unreadable ones are left out. */
MUST_CHECK struct ebcc_error *ebcc_kernel_btf_open_modules(struct ebcc_kernel_btf *btf);

/* A type by its number among all, and the part that it is in. NULL for 0 and for numbers that there
 * are not. Its trailing members, values and parameters are all there. */
const struct btf_type *ebcc_kernel_btf_type(const struct ebcc_kernel_btf *btf, uint32_t id,
					    const struct ebcc_btf_part **ret_part);

/* The number among all of a type that @part refers to by @local; 0 for void and nonsense. */
uint32_t ebcc_kernel_btf_id(const struct ebcc_btf_part *part, uint32_t local);

/* A name; "" where there is none. Lives as long as @btf. */
const char *ebcc_kernel_btf_name(const struct ebcc_kernel_btf *btf,
				 const struct ebcc_btf_part *part, uint32_t offset);

/* Follows const, volatile, restrict, type tags and typedefs; 0 where that leads nowhere. */
uint32_t ebcc_kernel_btf_strip(const struct ebcc_kernel_btf *btf, uint32_t id);

/* The first type of a kind with that name, or 0. Linear. */
uint32_t ebcc_kernel_btf_find(const struct ebcc_kernel_btf *btf, const char *name, unsigned kind);

/* Whether the struct or union @id has a member of that name, its own or of a nameless part of it.
 */
bool ebcc_kernel_btf_has_member(const struct ebcc_kernel_btf *btf, uint32_t id, const char *name);

/* Where that member is in the struct @record, in bytes. False: there is none, or it is a bit field.
 */
bool ebcc_kernel_btf_offset(const struct ebcc_kernel_btf *btf, const char *record, const char *name,
			    uint32_t *ret);

#endif /* EBCC_KERNEL_BTF_H */
