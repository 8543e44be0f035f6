/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections of an ELF object in memory, for the two that libbpf keeps to itself: .BTF.ext,
 * whose line info says where an instruction comes from, and .ebcc.meta.
 */
#ifndef EBCC_ELF_SECTIONS_H
#define EBCC_ELF_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* False: no such section, or not an ELF object. *@ret points into @bytes. */
bool ebcc_elf_section(const char *bytes, size_t size, const char *name, const char **ret,
		      size_t *ret_size);

#endif /* EBCC_ELF_SECTIONS_H */
