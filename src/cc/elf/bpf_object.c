// SPDX-License-Identifier: Apache-2.0
/*
 * Finds a section or a symbol of an ELF object in memory. All offsets and sizes are checked against
 * the size of the object before they are used.
 */
#include "elf/bpf_object.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

static bool within(size_t size, uint64_t offset, uint64_t length)
{
	return offset <= size && length <= size - offset;
}

/* Copies section header @index; the object may be unaligned. */
static bool read_header(const char *bytes, size_t size, const Elf64_Ehdr *elf, unsigned index,
			Elf64_Shdr *ret)
{
	if (index >= elf->e_shnum ||
	    !within(size, elf->e_shoff, (uint64_t)elf->e_shnum * sizeof(*ret)))
		return false;
	memcpy(ret, bytes + elf->e_shoff + index * sizeof(*ret), sizeof(*ret));
	return ret->sh_type == SHT_NOBITS || within(size, ret->sh_offset, ret->sh_size);
}

/* Reads the ELF header, and the header of the section with the section names. */
static bool read_names(const char *bytes, size_t size, Elf64_Ehdr *ret, Elf64_Shdr *ret_names)
{
	if (size < sizeof(*ret))
		return false;
	memcpy(ret, bytes, sizeof(*ret));
	return !memcmp(ret->e_ident, ELFMAG, SELFMAG) && ret->e_ident[EI_CLASS] == ELFCLASS64 &&
	       ret->e_shentsize == sizeof(*ret_names) &&
	       read_header(bytes, size, ret, ret->e_shstrndx, ret_names) &&
	       ret_names->sh_type == SHT_STRTAB;
}

/* Finds a section by its name. *@ret_name points to the name in the object. */
static bool find_section(const char *bytes, size_t size, const char *name, Elf64_Shdr *ret,
			 const char **ret_name)
{
	size_t name_size = strlen(name) + 1;
	Elf64_Shdr names;
	Elf64_Ehdr elf;

	if (!read_names(bytes, size, &elf, &names))
		return false;
	for (unsigned i = 0; i < elf.e_shnum; i++) {
		if (!read_header(bytes, size, &elf, i, ret) || ret->sh_type == SHT_NOBITS ||
		    !within(names.sh_size, ret->sh_name, name_size))
			continue;
		*ret_name = bytes + names.sh_offset + ret->sh_name;
		if (!memcmp(*ret_name, name, name_size))
			return true;
	}
	return false;
}

/* The name of section @index if it has global variables, else NULL. */
static const char *data_section_name(const char *bytes, size_t size, const Elf64_Ehdr *elf,
				     const Elf64_Shdr *names, unsigned index)
{
	static const char *const prefixes[] = {".data", ".rodata", ".bss"};
	Elf64_Shdr section;
	const char *name;

	if (!read_header(bytes, size, elf, index, &section) || section.sh_name >= names->sh_size)
		return NULL;
	name = bytes + names->sh_offset + section.sh_name;
	if (!memchr(name, '\0', names->sh_size - section.sh_name))
		return NULL;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return name;
	return NULL;
}

const char *ebcc_elf_relocated_data(const char *bytes, size_t size)
{
	Elf64_Shdr names, section;
	Elf64_Ehdr elf;

	if (!read_names(bytes, size, &elf, &names))
		return NULL;
	for (unsigned i = 0; i < elf.e_shnum; i++) {
		const char *name;

		if (!read_header(bytes, size, &elf, i, &section) || !section.sh_size ||
		    (section.sh_type != SHT_REL && section.sh_type != SHT_RELA))
			continue;
		name = data_section_name(bytes, size, &elf, &names, section.sh_info);
		if (name)
			return name;
	}
	return NULL;
}

bool ebcc_elf_section(const char *bytes, size_t size, const char *name, const char **ret,
		      size_t *ret_size)
{
	const char *place;
	Elf64_Shdr section;

	if (!find_section(bytes, size, name, &section, &place))
		return false;
	*ret = bytes + section.sh_offset;
	*ret_size = section.sh_size;
	return true;
}

const char *ebcc_elf_section_name(const char *bytes, size_t size, const char *name)
{
	const char *place;
	Elf64_Shdr section;

	return find_section(bytes, size, name, &section, &place) ? place : NULL;
}

bool ebcc_elf_symbol_offset(const char *bytes, size_t size, const char *name, uint64_t *ret)
{
	size_t symbols_size, names_size, name_size = strlen(name) + 1;
	const char *symbols, *names;

	if (!ebcc_elf_section(bytes, size, ".symtab", &symbols, &symbols_size) ||
	    !ebcc_elf_section(bytes, size, ".strtab", &names, &names_size))
		return false;
	for (size_t at = 0; within(symbols_size, at, sizeof(Elf64_Sym)); at += sizeof(Elf64_Sym)) {
		Elf64_Sym symbol;

		memcpy(&symbol, symbols + at, sizeof(symbol));
		if (symbol.st_shndx == SHN_UNDEF ||
		    !within(names_size, symbol.st_name, name_size) ||
		    memcmp(names + symbol.st_name, name, name_size))
			continue;
		*ret = symbol.st_value;
		return true;
	}
	return false;
}

struct ebcc_error *ebcc_elf_fact(const char *bytes, size_t size, const char *variable,
				 const char *key, char **ret)
{
	size_t section_size, key_length = strlen(key);
	const char *section, *line, *end, *stop;
	uint64_t offset;

	*ret = NULL;
	if (!ebcc_elf_section(bytes, size, ".ebcc.meta", &section, &section_size) ||
	    !ebcc_elf_symbol_offset(bytes, size, variable, &offset))
		return NULL;
	if (offset > section_size)
		return ebcc_error_create(EBCC_ERROR_FORMAT,
					 "the variable %s is outside of its section", variable);
	line = section + offset;
	stop = line + strnlen(line, section_size - offset);
	for (; line < stop; line = end + 1) {
		end = memchr(line, '\n', (size_t)(stop - line));
		if (!end)
			end = stop;
		if ((size_t)(end - line) <= key_length || memcmp(line, key, key_length) ||
		    line[key_length] != '=')
			continue;
		line += key_length + 1;
		*ret = strndup(line, (size_t)(end - line));
		return *ret ? NULL : ebcc_error_no_memory();
	}
	return NULL;
}
