/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections of an ELF file that may be malicious: their headers are checked before libelf allocates
 * memory.
 */
#ifndef EBCC_ELF_SECTIONS_H
#define EBCC_ELF_SECTIONS_H

#include <gelf.h>
#include <libelf.h>
#include <stdint.h>

/* Larger tables are refused: with a sparse file, any size costs nothing. */
#define EBCC_ELF_SECTION_LIMIT (1ull << 30)

/* Returns the first section of that name and its header, or NULL. */
Elf_Scn *ebcc_elf_find_scn(Elf *elf, const char *name, GElf_Shdr *ret);

/* Returns the data of a section if it is in the file, not too large, and has the given entry size
 * (0: any); else NULL. */
Elf_Data *ebcc_elf_section_data(Elf_Scn *section, const GElf_Shdr *header, size_t entry_size);
/* The same for the first section of that name. @ret_offset: its offset in the file; may be NULL. */
Elf_Data *ebcc_elf_section_named(Elf *elf, const char *name, uint64_t *ret_offset);

#endif /* EBCC_ELF_SECTIONS_H */
