// SPDX-License-Identifier: Apache-2.0
/*
 * Reading symbol tables and program headers with libelf. libelf checks offsets against the size of
 * the file; references between tables (entry sizes, string offsets, section links) are checked
 * here. The file is read, not mapped, so that if it is truncated in the meantime, the result is an
 * error and not SIGBUS.
 */
#include "elf/symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/near_names.h"
#include "elf/go_table.h"
#include "elf/proc_maps.h"
#include "elf/sections.h"

/* Longer names are skipped; those of C++ templates can be tens of thousands of characters long. */
#define NAME_LIMIT (1u << 16)
/* The total length of all names that are read; browsers take half of it. Any number of symbols can
 * share one long name, and searching them all could take hours. */
#define NAMES_LIMIT (1u << 29)
/* Set in a .gnu.version entry for every version of a symbol except the default one. */
#define VERSION_HIDDEN 0x8000

struct ebcc_elf {
	char *path;
	int fd;
	Elf *elf;
};

static struct ebcc_error *begin(struct ebcc_elf *elf, const char *path)
{
	elf->path = strdup(path);
	if (!elf->path)
		return ebcc_error_no_memory();
	if (elf_version(EV_CURRENT) == EV_NONE)
		return ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
					 "libelf is older than the headers it was built with");
	elf->elf = elf_begin(elf->fd, ELF_C_READ, NULL);
	if (!elf->elf || elf_kind(elf->elf) != ELF_K_ELF)
		return ebcc_error_create(
			EBCC_ERROR_FORMAT,
			"%s is not an ELF file (if it is a script, name its interpreter)", path);
	return NULL;
}

/* Takes ownership of @fd, even on failure. */
static struct ebcc_error *create(int fd, const char *path, struct ebcc_elf **ret)
{
	struct ebcc_elf *elf = calloc(1, sizeof(*elf));
	struct ebcc_error *error;

	if (!elf) {
		close(fd);
		return ebcc_error_no_memory();
	}
	elf->fd = fd;
	error = begin(elf, path);
	if (error) {
		ebcc_elf_close(elf);
		return ebcc_error_with_subject(error, path);
	}
	*ret = elf;
	return NULL;
}

struct ebcc_error *ebcc_elf_open(const char *path, struct ebcc_elf **ret)
{
	int fd;

	TRY(ebcc_process_open(0, path, &fd));
	return create(fd, path, ret);
}

struct ebcc_error *ebcc_elf_open_fd(int fd, const char *path, struct ebcc_elf **ret)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return ebcc_error_os(EBCC_ERROR_OS, errno, "can't read %s", path);
	return create(copy, path, ret);
}

void ebcc_elf_close(struct ebcc_elf *elf)
{
	if (!elf)
		return;
	elf_end(elf->elf);
	cleanup_close(&elf->fd);
	free(elf->path);
	free(elf);
}

struct ebcc_elf_kind ebcc_elf_kind(struct ebcc_elf *elf)
{
	const unsigned char ours =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	GElf_Ehdr header;

	if (!gelf_getehdr(elf->elf, &header))
		return (struct ebcc_elf_kind){0};
	return (struct ebcc_elf_kind){
		.machine = header.e_machine,
		.address_size = header.e_ident[EI_CLASS] == ELFCLASS32 ? 4 : 8,
		.fixed = header.e_type == ET_EXEC,
		.native_order = header.e_ident[EI_DATA] == ours,
	};
}

bool ebcc_elf_find_section(struct ebcc_elf *elf, const char *name, struct ebcc_elf_part *ret)
{
	GElf_Shdr header;
	Elf_Scn *section = ebcc_elf_find_scn(elf->elf, name, &header);
	Elf_Data *data;

	if (!section || (header.sh_type != SHT_NOBITS && header.sh_size > EBCC_ELF_SECTION_LIMIT))
		return false;
	data = header.sh_type == SHT_NOBITS ? NULL : elf_rawdata(section, NULL);
	*ret = (struct ebcc_elf_part){.address = header.sh_addr};
	if (data && data->d_buf && data->d_size) {
		ret->data = data->d_buf;
		ret->size = data->d_size;
	}
	return true;
}

static Elf_Data *linked_strings(Elf *elf, size_t index)
{
	Elf_Scn *section = elf_getscn(elf, index);
	GElf_Shdr header;

	if (!section || !gelf_getshdr(section, &header) || header.sh_type != SHT_STRTAB)
		return NULL;
	return ebcc_elf_section_data(section, &header, 0);
}

/* The versions of the symbols in the section with that index, or NULL if there are none. */
static Elf_Data *symbol_versions(Elf *elf, size_t symbols_index)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_GNU_versym &&
		    header.sh_link == symbols_index)
			return ebcc_elf_section_data(section, &header, sizeof(GElf_Versym));
	return NULL;
}

static bool is_function(const GElf_Sym *symbol)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_value;
}

static bool is_data(const GElf_Sym *symbol)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);

	return (type == STT_OBJECT || type == STT_NOTYPE) && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_shndx != SHN_ABS && symbol->st_value;
}

struct walk {
	bool (*wanted)(const GElf_Sym *symbol);
	ebcc_elf_symbol_fn fn;
	void *ctx;
	Elf_Data *strings, *versions;
	size_t read; /* bytes of names seen so far */
	char *name;  /* NAME_LIMIT bytes, for names without the version they came with */
};

/* The length of the name at the start of @room bytes; 0 if it is empty, unterminated or too long.
 */
static size_t name_length(struct walk *walk, const char *name, size_t room)
{
	size_t length = strnlen(name, room < NAME_LIMIT ? room : NAME_LIMIT);

	walk->read += length;
	return length == room || length == NAME_LIMIT ? 0 : length;
}

/* Calls the walk's function for one symbol; returns false to end the walk. */
static bool visit(struct walk *walk, const GElf_Sym *symbol, size_t index)
{
	struct ebcc_elf_symbol found = {.address = symbol->st_value, .size = symbol->st_size};
	const char *name, *version;
	GElf_Versym number;
	size_t length;

	if (!walk->wanted(symbol) || symbol->st_name >= walk->strings->d_size)
		return true;
	name = (const char *)walk->strings->d_buf + symbol->st_name;
	length = name_length(walk, name, walk->strings->d_size - symbol->st_name);
	if (walk->read > NAMES_LIMIT)
		return false;
	if (!length)
		return true;
	found.indirect = GELF_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC;
	if (walk->versions && gelf_getversym(walk->versions, (int)index, &number))
		found.old_version = number & VERSION_HIDDEN;
	version = memchr(name, '@', length);
	if (version && version != name) {
		/* .symtab has "name@VERSION" for an old version and "name@@VERSION" for the
		 * default. */
		found.old_version = version[1] != '@';
		memcpy(walk->name, name, version - name);
		walk->name[version - name] = '\0';
		name = walk->name;
	}
	found.name = name;
	return walk->fn(walk->ctx, &found);
}

/* The symbol table of a type, or NULL; a file has at most one of each type. */
static Elf_Scn *table_section(struct ebcc_elf *elf, uint32_t type, GElf_Shdr *ret)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf->elf, section)))
		if (gelf_getshdr(section, ret) && ret->sh_type == type)
			break;
	return section;
}

/* Walks the symbol table of a type; returns false if the function ended the walk. */
static bool walk_table(struct ebcc_elf *elf, uint32_t type, struct walk *walk)
{
	size_t entry_size = gelf_fsize(elf->elf, ELF_T_SYM, 1, EV_CURRENT);
	GElf_Shdr header;
	Elf_Scn *section = table_section(elf, type, &header);
	GElf_Sym symbol;
	Elf_Data *data;

	if (!section)
		return true;
	data = ebcc_elf_section_data(section, &header, entry_size);
	walk->strings = linked_strings(elf->elf, header.sh_link);
	walk->versions = type == SHT_DYNSYM ? symbol_versions(elf->elf, elf_ndxscn(section)) : NULL;
	if (!data || !walk->strings)
		return true;
	for (size_t i = 1; i < data->d_size / entry_size; i++)
		if (gelf_getsym(data, (int)i, &symbol) && !visit(walk, &symbol, i))
			return false;
	return true;
}

/* Walks the functions of a stripped Go program; returns false if the function ended the walk. */
static bool walk_go_functions(struct ebcc_elf *elf, struct walk *walk)
{
	struct ebcc_go_function function;
	struct ebcc_go_table table;
	GElf_Shdr header;

	if (table_section(elf, SHT_SYMTAB, &header) || !ebcc_go_table_find(elf->elf, &table))
		return true;
	for (size_t i = 0; i < table.count; i++) {
		struct ebcc_elf_symbol found = {0};

		if (!ebcc_go_table_function(&table, i, &function))
			continue;
		found.name = table.names + function.name;
		found.address = function.address;
		found.size = function.size;
		if (!name_length(walk, found.name, table.names_size - function.name))
			continue;
		if (walk->read > NAMES_LIMIT || !walk->fn(walk->ctx, &found))
			return false;
	}
	return true;
}

void ebcc_elf_walk_functions(struct ebcc_elf *elf, ebcc_elf_symbol_fn fn, void *ctx)
{
	AUTO_FREE char *name = malloc(NAME_LIMIT);
	struct walk walk = {.wanted = is_function, .fn = fn, .ctx = ctx, .name = name};

	if (name && walk_table(elf, SHT_SYMTAB, &walk) && walk_go_functions(elf, &walk))
		walk_table(elf, SHT_DYNSYM, &walk);
}

struct data_search {
	const char *name;
	uint64_t address;
	unsigned count; /* of different addresses: 0, 1, or more */
};

static bool search_data(void *ctx, const struct ebcc_elf_symbol *symbol)
{
	struct data_search *search = ctx;

	if (strcmp(symbol->name, search->name))
		return true;
	if (!search->count || search->address != symbol->address)
		search->count++;
	search->address = symbol->address;
	return search->count < 2;
}

bool ebcc_elf_find_data(struct ebcc_elf *elf, const char *name, uint64_t *ret)
{
	AUTO_FREE char *buffer = malloc(NAME_LIMIT);
	struct data_search search = {.name = name};
	struct walk walk = {.wanted = is_data, .fn = search_data, .ctx = &search, .name = buffer};

	if (buffer && walk_table(elf, SHT_SYMTAB, &walk))
		walk_table(elf, SHT_DYNSYM, &walk);
	*ret = search.address;
	return search.count == 1;
}

struct search {
	const char *name;
	struct ebcc_elf_symbol *found;
	bool any;
	size_t functions; /* number of functions seen */
};

static bool search_function(void *ctx, const struct ebcc_elf_symbol *symbol)
{
	struct search *search = ctx;

	search->functions++;
	if (strcmp(symbol->name, search->name))
		return true;
	if (!search->any || (search->found->old_version && !symbol->old_version))
		*search->found = *symbol;
	search->any = true;
	return search->found->old_version;
}

static bool suggest_function(void *ctx, const struct ebcc_elf_symbol *symbol)
{
	ebcc_near_names_add(ctx, symbol->name);
	return true;
}

static struct ebcc_error *not_found(struct ebcc_elf *elf, const char *name, size_t functions)
{
	AUTO_BUF struct ebcc_buf near_text = EBCC_BUF_INIT;
	struct ebcc_near_names near;

	if (!functions)
		return ebcc_error_create(
			EBCC_ERROR_NOT_FOUND,
			"%s has no function symbols (it is stripped), so %s can't be "
			"found in it; give an address",
			elf->path, name);
	ebcc_near_names_init(&near, name);
	ebcc_elf_walk_functions(elf, suggest_function, &near);
	ebcc_near_names_suggest(&near, &near_text);
	return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "%s has no function %s%s", elf->path, name,
				 ebcc_buf_string(&near_text));
}

struct ebcc_error *ebcc_elf_find_function(struct ebcc_elf *elf, const char *name,
					  struct ebcc_elf_symbol *ret)
{
	struct ebcc_elf_symbol found = {0};
	struct search search = {.name = name, .found = &found};

	ebcc_elf_walk_functions(elf, search_function, &search);
	if (!search.any)
		return ebcc_error_with_subject(not_found(elf, name, search.functions), name);
	found.name = NULL;
	*ret = found;
	return NULL;
}

/* Finds the file offset of an address in a loadable segment that has all of @flags. */
static bool find_offset(struct ebcc_elf *elf, uint64_t address, uint32_t flags, uint64_t *ret)
{
	GElf_Phdr header;
	size_t count = 0;

	if (elf_getphdrnum(elf->elf, &count))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf->elf, (int)i, &header))
			break;
		if (header.p_type != PT_LOAD || (header.p_flags & flags) != flags ||
		    address < header.p_vaddr || address - header.p_vaddr >= header.p_filesz)
			continue;
		if (header.p_offset > UINT64_MAX - (address - header.p_vaddr))
			continue;
		*ret = header.p_offset + (address - header.p_vaddr);
		return true;
	}
	return false;
}

bool ebcc_elf_data_offset(struct ebcc_elf *elf, uint64_t address, uint64_t *ret)
{
	return find_offset(elf, address, 0, ret);
}

struct ebcc_error *ebcc_elf_address_to_offset(struct ebcc_elf *elf, uint64_t address, uint64_t *ret)
{
	if (find_offset(elf, address, PF_X, ret))
		return NULL;
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_NOT_FOUND,
				  "address 0x%llx is in no executable segment of %s: it must be an "
				  "address in the file (as nm prints it), not in a running process",
				  (unsigned long long)address, elf->path),
		elf->path);
}
