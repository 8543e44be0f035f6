/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections and symbols of an ELF object in memory, for what libbpf doesn't provide: .BTF.ext, whose
 * line info maps instructions to source lines; where a program begins in its section; the names of
 * sections; and .ebcc.meta.
 */
#ifndef EBCC_ELF_BPF_OBJECT_H
#define EBCC_ELF_BPF_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Finds a section. Returns false if there is none, or if this is not an ELF object. *@ret points
 * into @bytes. */
bool ebcc_elf_section(const char *bytes, size_t size, const char *name, const char **ret,
		      size_t *ret_size);

/* Returns a pointer to the name of a section in @bytes, or NULL if there is no such section or this
 * is not an ELF object. */
const char *ebcc_elf_section_name(const char *bytes, size_t size, const char *name);

/* Returns the name of a section of global variables that has relocations: a linker would insert
 * addresses there, but libbpf doesn't. NULL if there is none, or if this is not an ELF object. */
const char *ebcc_elf_relocated_data(const char *bytes, size_t size);

/* Copies an object and adds a section of @content to it, which no loader uses unless it knows its
 * name. *@ret is malloc'ed. EBCC_ERROR_FORMAT if this is not an ELF object, or one with too many
 * sections. */
MUST_CHECK struct ebcc_error *ebcc_elf_add_section(const char *bytes, size_t size, const char *name,
						   const char *content, size_t content_size,
						   char **ret, size_t *ret_size);

/* Finds the offset of the function or variable @name in its section, in bytes. Returns false if
 * there is no such symbol. */
bool ebcc_elf_symbol_offset(const char *bytes, size_t size, const char *name, uint64_t *ret);

/* The name of the file that an object was compiled from, malloc'ed; NULL if it has none, or this is
 * not an ELF object. */
char *ebcc_elf_source_file(const char *bytes, size_t size);

/* Copies the text in a variable of .ebcc.meta, which ends with a NUL or with the section. *@ret is
 * malloc'ed, or NULL if there is no such variable. EBCC_ERROR_FORMAT if the variable is outside of
 * its section. */
MUST_CHECK struct ebcc_error *ebcc_elf_text(const char *bytes, size_t size, const char *variable,
					    char **ret);

/*
 * Returns the value of a key ("pinned") in a variable of .ebcc.meta, which contains lines
 * "key=value" (compiler/passes/pipeline.h lists the keys), malloc'ed; NULL if it has no such key.
 * EBCC_ERROR_FORMAT if the variable is outside of its section.
 */
MUST_CHECK struct ebcc_error *ebcc_elf_fact(const char *bytes, size_t size, const char *variable,
					    const char *key, char **ret);

#endif /* EBCC_ELF_BPF_OBJECT_H */
