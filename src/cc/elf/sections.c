// SPDX-License-Identifier: Apache-2.0
#include "elf/sections.h"

#include <string.h>

Elf_Scn *ebcc_elf_find_scn(Elf *elf, const char *name, GElf_Shdr *ret)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		const char *found;

		if (!gelf_getshdr(section, ret))
			continue;
		found = elf_strptr(elf, names, ret->sh_name);
		if (found && !strcmp(found, name))
			return section;
	}
	return NULL;
}

Elf_Data *ebcc_elf_section_data(Elf_Scn *section, const GElf_Shdr *header, size_t entry_size)
{
	Elf_Data *data;

	if (!section || header->sh_type == SHT_NOBITS || header->sh_size > EBCC_ELF_SECTION_LIMIT)
		return NULL;
	if (entry_size && header->sh_entsize != entry_size)
		return NULL;
	data = elf_getdata(section, NULL);
	return data && data->d_buf && data->d_size ? data : NULL;
}

Elf_Data *ebcc_elf_section_named(Elf *elf, const char *name, uint64_t *ret_offset)
{
	GElf_Shdr header;
	Elf_Scn *section = ebcc_elf_find_scn(elf, name, &header);

	if (section && ret_offset)
		*ret_offset = header.sh_offset;
	return section ? ebcc_elf_section_data(section, &header, 0) : NULL;
}
