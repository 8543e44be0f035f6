// SPDX-License-Identifier: Apache-2.0
/*
 * Finds a section or a symbol of an ELF object in memory. All offsets and sizes are checked against
 * the size of the object before they are used.
 */
#include "elf/bpf_object.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static bool within(size_t size, uint64_t offset, uint64_t length)
{
	return offset <= size && length <= size - offset;
}

struct object {
	const char *bytes;
	size_t size;
	uint64_t headers; /* offset of the section headers */
	uint64_t count;	  /* of sections */
	Elf64_Shdr names; /* the section with the section names */
	uint64_t names_index;
};

/* Copies section header @index; the object may be unaligned. */
static bool read_header(const struct object *object, uint64_t index, Elf64_Shdr *ret)
{
	if (index >= object->count ||
	    !within(object->size, object->headers, object->count * sizeof(*ret)))
		return false;
	memcpy(ret, object->bytes + object->headers + index * sizeof(*ret), sizeof(*ret));
	return ret->sh_type == SHT_NOBITS || within(object->size, ret->sh_offset, ret->sh_size);
}

/* Reads the ELF header, and the header of the section with the section names. Numbers that are too
 * large for the ELF header are in the first section header (elf(5), e_shnum and e_shstrndx). */
static bool object_init(const char *bytes, size_t size, struct object *ret)
{
	uint64_t names;
	Elf64_Ehdr elf;

	if (size < sizeof(elf))
		return false;
	memcpy(&elf, bytes, sizeof(elf));
	if (memcmp(elf.e_ident, ELFMAG, SELFMAG) || elf.e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf.e_shentsize != sizeof(Elf64_Shdr) || !within(size, elf.e_shoff, sizeof(Elf64_Shdr)))
		return false;
	*ret = (struct object){
		.bytes = bytes, .size = size, .headers = elf.e_shoff, .count = elf.e_shnum};
	names = elf.e_shstrndx;
	if (!elf.e_shnum || names == SHN_XINDEX) {
		Elf64_Shdr first;

		memcpy(&first, bytes + elf.e_shoff, sizeof(first));
		if (!elf.e_shnum)
			ret->count = first.sh_size;
		if (names == SHN_XINDEX)
			names = first.sh_link;
	}
	ret->names_index = names;
	return ret->count <= size / sizeof(Elf64_Shdr) && read_header(ret, names, &ret->names) &&
	       ret->names.sh_type == SHT_STRTAB;
}

/* Finds a section by its name. *@ret_name points to the name in the object. */
static bool find_section(const char *bytes, size_t size, const char *name, Elf64_Shdr *ret,
			 const char **ret_name)
{
	size_t name_size = strlen(name) + 1;
	struct object object;

	if (!object_init(bytes, size, &object))
		return false;
	for (uint64_t i = 0; i < object.count; i++) {
		if (!read_header(&object, i, ret) || ret->sh_type == SHT_NOBITS ||
		    !within(object.names.sh_size, ret->sh_name, name_size))
			continue;
		*ret_name = bytes + object.names.sh_offset + ret->sh_name;
		if (!memcmp(*ret_name, name, name_size))
			return true;
	}
	return false;
}

/* Writes zeros up to a multiple of 8, at which headers and objects begin. */
static uint64_t align(struct ebcc_buf *buf)
{
	while (buf->size % 8)
		ebcc_buf_append_char(buf, '\0');
	return buf->size;
}

/*
 * The result is the old object, followed by the new section, the section of names with one name
 * more, and the section headers with one more.
 */
struct ebcc_error *ebcc_elf_add_section(const char *bytes, size_t size, const char *name,
					const char *content, size_t content_size, char **ret,
					size_t *ret_size)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	Elf64_Shdr section = {.sh_type = SHT_PROGBITS, .sh_addralign = 8}, header;
	struct object object;
	Elf64_Ehdr elf;

	if (!object_init(bytes, size, &object) || object.count >= SHN_LORESERVE - 1)
		return ebcc_error_create(EBCC_ERROR_FORMAT,
					 "this is not an ELF object, or has too many sections");
	memcpy(&elf, bytes, sizeof(elf));
	ebcc_buf_append(&buf, bytes, size);
	section.sh_offset = align(&buf);
	section.sh_size = content_size;
	section.sh_name = (uint32_t)object.names.sh_size;
	ebcc_buf_append(&buf, content, content_size);
	header = object.names;
	header.sh_offset = align(&buf);
	ebcc_buf_append(&buf, bytes + object.names.sh_offset, object.names.sh_size);
	ebcc_buf_append(&buf, name, strlen(name) + 1);
	header.sh_size += strlen(name) + 1;
	elf.e_shoff = align(&buf);
	ebcc_buf_append(&buf, bytes + object.headers, object.count * sizeof(section));
	ebcc_buf_append(&buf, (const char *)&section, sizeof(section));
	elf.e_shnum = (Elf64_Half)(object.count + 1);
	elf.e_shstrndx = (Elf64_Half)object.names_index;
	TRY(ebcc_buf_check(&buf));
	memcpy(buf.data, &elf, sizeof(elf));
	memcpy(buf.data + elf.e_shoff + object.names_index * sizeof(header), &header,
	       sizeof(header));
	return ebcc_buf_take(&buf, ret, ret_size);
}

/* The name of section @index if it has global variables, else NULL. */
static const char *data_section_name(const struct object *object, uint64_t index)
{
	static const char *const prefixes[] = {".data", ".rodata", ".bss"};
	uint64_t room = object->names.sh_size;
	Elf64_Shdr section;
	const char *name;

	if (!read_header(object, index, &section) || section.sh_name >= room)
		return NULL;
	name = object->bytes + object->names.sh_offset + section.sh_name;
	if (!memchr(name, '\0', room - section.sh_name))
		return NULL;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return name;
	return NULL;
}

const char *ebcc_elf_relocated_data(const char *bytes, size_t size)
{
	struct object object;
	Elf64_Shdr section;

	if (!object_init(bytes, size, &object))
		return NULL;
	for (uint64_t i = 0; i < object.count; i++) {
		const char *name;

		if (!read_header(&object, i, &section) || !section.sh_size ||
		    (section.sh_type != SHT_REL && section.sh_type != SHT_RELA))
			continue;
		name = data_section_name(&object, section.sh_info);
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

char *ebcc_elf_source_file(const char *bytes, size_t size)
{
	size_t symbols_size, names_size;
	const char *symbols, *names;

	if (!ebcc_elf_section(bytes, size, ".symtab", &symbols, &symbols_size) ||
	    !ebcc_elf_section(bytes, size, ".strtab", &names, &names_size))
		return NULL;
	for (size_t at = 0; within(symbols_size, at, sizeof(Elf64_Sym)); at += sizeof(Elf64_Sym)) {
		Elf64_Sym symbol;

		memcpy(&symbol, symbols + at, sizeof(symbol));
		if (ELF64_ST_TYPE(symbol.st_info) == STT_FILE && symbol.st_name < names_size)
			return strndup(names + symbol.st_name, names_size - symbol.st_name);
	}
	return NULL;
}

/* Finds the text in a variable of .ebcc.meta; *@ret is NULL if there is none. */
static struct ebcc_error *find_text(const char *bytes, size_t size, const char *variable,
				    const char **ret, size_t *ret_length)
{
	const char *section;
	size_t section_size;
	uint64_t offset;

	*ret = NULL;
	if (!ebcc_elf_section(bytes, size, ".ebcc.meta", &section, &section_size) ||
	    !ebcc_elf_symbol_offset(bytes, size, variable, &offset))
		return NULL;
	if (offset > section_size)
		return ebcc_error_create(EBCC_ERROR_FORMAT,
					 "the variable %s is outside of its section", variable);
	*ret = section + offset;
	*ret_length = strnlen(*ret, section_size - offset);
	return NULL;
}

struct ebcc_error *ebcc_elf_text(const char *bytes, size_t size, const char *variable, char **ret)
{
	const char *text;
	size_t length;

	*ret = NULL;
	TRY(find_text(bytes, size, variable, &text, &length));
	if (!text)
		return NULL;
	*ret = strndup(text, length);
	return *ret ? NULL : ebcc_error_no_memory();
}

struct ebcc_error *ebcc_elf_fact(const char *bytes, size_t size, const char *variable,
				 const char *key, char **ret)
{
	size_t length, key_length = strlen(key);
	const char *line, *end, *stop;

	*ret = NULL;
	TRY(find_text(bytes, size, variable, &line, &length));
	if (!line)
		return NULL;
	stop = line + length;
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
