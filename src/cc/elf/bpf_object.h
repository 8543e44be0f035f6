/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections and symbols of an ELF object in memory, for what libbpf keeps to itself: .BTF.ext,
 * whose line info says where an instruction comes from, where a program begins, the names of
 * sections, and .ebcc.meta.
 */
#ifndef EBCC_ELF_BPF_OBJECT_H
#define EBCC_ELF_BPF_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* False: no such section, or not an ELF object. *@ret points into @bytes. */
bool ebcc_elf_section(const char *bytes, size_t size, const char *name, const char **ret,
		      size_t *ret_size);

/* Where in @bytes the name of a section stands. NULL: no such section, or not an ELF object. */
const char *ebcc_elf_section_name(const char *bytes, size_t size, const char *name);

/* The name of a section of global variables that has relocations: addresses that a linker would put
 * there, and the kernel's loader does not. NULL: there is none, or not an ELF object. */
const char *ebcc_elf_relocated_data(const char *bytes, size_t size);

/* Where in its section the function or variable @name begins, in bytes. False: no such symbol. */
bool ebcc_elf_symbol_offset(const char *bytes, size_t size, const char *name, uint64_t *ret);

/*
 * The value of one fact ("pinned") of those that a variable of .ebcc.meta holds as lines
 * "key=value" (compiler/passes/pipeline.h lists them), or NULL. *@ret is malloc'ed.
 * EBCC_ERROR_FORMAT: the variable lies outside of its section.
 */
MUST_CHECK struct ebcc_error *ebcc_elf_fact(const char *bytes, size_t size, const char *variable,
					    const char *key, char **ret);

#endif /* EBCC_ELF_BPF_OBJECT_H */
