// SPDX-License-Identifier: Apache-2.0
/*
 * Fills a symbol table from an ELF file. libelf parses the file, and checks what it reads against
 * the file's size. If there is no .symtab, the functions come from the separate debug file, from
 * .gnu_debugdata (a small xz-compressed ELF file with the symbols that .dynsym lacks), or, in a
 * Go program, from its function table.
 */
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "elf/debug_file.h"
#include "elf/go_table.h"
#include "elf/sections.h"
#include "elf/symbols.h"
#include "symbols/plt.h"
#include "symbols/table_internal.h"

#define SEGMENT_LIMIT 256
#define SECTION_LIMIT 1024
/* Larger string tables are left in their file. */
#define STRINGS_IN_MEMORY (1u << 20)
/* A compressed symbol table could expand to any size; real ones expand to a few megabytes. */
#define DEBUGDATA_LIMIT (64u << 20)
#define DECODER_MEMORY_LIMIT (128u << 20)

/* An ELF file that is being read: from a descriptor, or from memory (fd is -1). */
struct reader {
	struct ebcc_symbol_table *table;
	Elf *elf;
	int fd;
	bool failed; /* out of memory */
};

static void cleanup_libelf(Elf **elf)
{
	elf_end(*elf);
}
#define AUTO_LIBELF CLEANUP(cleanup_libelf)

/* ---- Layout ---- */

static void read_segments(struct reader *reader)
{
	struct ebcc_symbol_table *table = reader->table;
	size_t headers = 0;
	GElf_Phdr header;

	if (elf_getphdrnum(reader->elf, &headers) || !headers)
		return;
	table->segments =
		calloc(headers < SEGMENT_LIMIT ? headers : SEGMENT_LIMIT, sizeof(*table->segments));
	if (!table->segments) {
		reader->failed = true;
		return;
	}
	for (size_t i = 0; i < headers && table->segment_count < SEGMENT_LIMIT; i++) {
		if (!gelf_getphdr(reader->elf, (int)i, &header))
			break;
		if (header.p_type != PT_LOAD || !(header.p_flags & PF_X) ||
		    header.p_offset > UINT64_MAX - header.p_filesz ||
		    header.p_vaddr > UINT64_MAX - header.p_filesz)
			continue;
		table->segments[table->segment_count++] =
			(struct segment){header.p_vaddr, header.p_offset, header.p_filesz};
	}
}

static void read_code_sections(struct reader *reader)
{
	struct ebcc_symbol_table *table = reader->table;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	table->sections = calloc(SECTION_LIMIT, sizeof(*table->sections));
	if (!table->sections) {
		reader->failed = true;
		return;
	}
	while (table->section_count < SECTION_LIMIT &&
	       (section = elf_nextscn(reader->elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_flags & SHF_EXECINSTR &&
		    header.sh_addr <= UINT64_MAX - header.sh_size)
			table->sections[table->section_count++] = (struct code_section){
				header.sh_addr, header.sh_addr + header.sh_size};
}

/* ---- Strings ---- */

/* Copies strings to memory, and appends a NUL. */
static bool copy_strings(struct reader *reader, const char *data, size_t size)
{
	struct ebcc_symbol_table *table = reader->table;
	struct strings strings = {.fd = -1, .data = malloc(size + 1), .size = size};

	if (!strings.data) {
		reader->failed = true;
		return false;
	}
	memcpy(strings.data, data, size);
	strings.data[size] = '\0';
	table->sources[table->source_count++] = strings;
	return true;
}

/* Leaves strings in the file, which the table then keeps open. */
static bool refer_to_strings(struct reader *reader, uint64_t offset, uint64_t size)
{
	struct ebcc_symbol_table *table = reader->table;
	int fd = fcntl(reader->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return false;
	table->sources[table->source_count++] =
		(struct strings){.fd = fd, .offset = offset, .size = size};
	return true;
}

/* Whether a string table stays in the file: it must be large, and lie within the file. */
static bool stays_in_file(const struct reader *reader, uint64_t offset, uint64_t size)
{
	off_t end = reader->fd < 0 ? 0 : lseek(reader->fd, 0, SEEK_END);

	return size > STRINGS_IN_MEMORY && end > 0 && offset <= (uint64_t)end &&
	       size <= (uint64_t)end - offset;
}

/* Adds the string table in section @index as a source of names. Returns false if the section isn't
 * a string table or can't be read, or if there are too many sources. */
static bool add_strings(struct reader *reader, size_t index)
{
	Elf_Scn *section = elf_getscn(reader->elf, index);
	GElf_Shdr header;
	Elf_Data *data;

	if (!section || !gelf_getshdr(section, &header) || header.sh_type != SHT_STRTAB ||
	    reader->table->source_count == SOURCE_COUNT)
		return false;
	if (stays_in_file(reader, header.sh_offset, header.sh_size))
		return refer_to_strings(reader, header.sh_offset, header.sh_size);
	data = ebcc_elf_section_data(section, &header, 0);
	return data && copy_strings(reader, data->d_buf, data->d_size);
}

/* ---- Symbols ---- */

static enum symbol_rank rank_of(const GElf_Sym *symbol)
{
	switch (GELF_ST_BIND(symbol->st_info)) {
	case STB_GLOBAL:
		return RANK_GLOBAL;
	case STB_WEAK:
		return RANK_WEAK;
	default:
		return RANK_LOCAL;
	}
}

/* Adds a function whose name is in the last source. The caller has reserved room. */
static void add_function(struct ebcc_symbol_table *table, uint64_t address, uint64_t size,
			 uint32_t name, enum symbol_rank rank)
{
	if (!address || address > UINT64_MAX - SYMBOL_SIZE_MAX)
		return;
	table->symbols[table->count++] = (struct symbol){
		.address = address,
		.name = name,
		.size = size > SYMBOL_SIZE_MAX ? SYMBOL_SIZE_MAX : (uint32_t)size,
		.source = table->source_count - 1,
		.rank = rank,
	};
}

static void add_symbol(struct ebcc_symbol_table *table, const GElf_Sym *symbol)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);

	if ((type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_shndx != SHN_UNDEF &&
	    symbol->st_name)
		add_function(table, symbol->st_value, symbol->st_size, symbol->st_name,
			     rank_of(symbol));
}

/* Adds the functions in the section of type @type, and its strings as the last source of names.
 * Returns false if there is no such section or it can't be used. *@ret_count is the number of
 * functions added. */
static bool add_symbols(struct reader *reader, uint32_t type, size_t *ret_count)
{
	size_t entry_size = gelf_fsize(reader->elf, ELF_T_SYM, 1, EV_CURRENT), count, before;
	struct ebcc_symbol_table *table = reader->table;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol;
	Elf_Data *data;

	*ret_count = 0;
	do {
		section = elf_nextscn(reader->elf, section);
		if (!section)
			return false;
	} while (!gelf_getshdr(section, &header) || header.sh_type != type);
	/* Check this before reading: a sparse file can have any size at no cost. */
	if (header.sh_size / entry_size > SYMBOL_LIMIT) {
		table->too_large = true;
		return false;
	}
	data = ebcc_elf_section_data(section, &header, entry_size);
	count = data ? data->d_size / entry_size : 0;
	if (!count || !add_strings(reader, header.sh_link))
		return false;
	before = table->count;
	if (!ebcc_symbol_table_reserve(table, count)) {
		reader->failed = true;
		return false;
	}
	for (size_t i = 1; i < count; i++)
		if (gelf_getsym(data, (int)i, &symbol))
			add_symbol(table, &symbol);
	*ret_count = table->count - before;
	return true;
}

/* ---- Symbols from elsewhere ---- */

static size_t add_debug_file(struct reader *reader, const struct ebcc_symbol_places *places)
{
	AUTO_CLOSE int fd = places ? ebcc_debug_file_open(reader->elf, places) : -1;
	AUTO_LIBELF Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	struct reader other = {.table = reader->table, .elf = elf, .fd = fd};
	size_t count;

	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return 0;
	add_symbols(&other, SHT_SYMTAB, &count);
	reader->failed |= other.failed;
	return count;
}

/* Decompresses xz data into a malloc'ed block. NULL: malformed, or too large, or no memory. */
static char *decompress(const void *data, size_t size, size_t *ret_size)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	size_t capacity = size < DEBUGDATA_LIMIT / 8 ? size * 8 + 4096 : DEBUGDATA_LIMIT;
	AUTO_FREE char *output = malloc(capacity);
	lzma_ret status = LZMA_OK;

	if (!output || lzma_stream_decoder(&stream, DECODER_MEMORY_LIMIT, 0) != LZMA_OK)
		return NULL;
	stream.next_in = data;
	stream.avail_in = size;
	while (status == LZMA_OK) {
		char *larger;

		stream.next_out = (uint8_t *)output + stream.total_out;
		stream.avail_out = capacity - stream.total_out;
		status = lzma_code(&stream, LZMA_FINISH);
		if (status != LZMA_OK || stream.avail_out)
			continue;
		larger = capacity >= DEBUGDATA_LIMIT ? NULL : realloc(output, capacity * 2);
		if (!larger)
			break;
		output = larger;
		capacity *= 2;
	}
	*ret_size = stream.total_out;
	lzma_end(&stream);
	return status == LZMA_STREAM_END ? TAKE_PTR(output) : NULL;
}

static size_t add_debugdata(struct reader *reader)
{
	Elf_Data *data = ebcc_elf_section_named(reader->elf, ".gnu_debugdata", NULL);
	AUTO_FREE char *image = NULL;
	struct reader other = {.table = reader->table, .fd = -1};
	size_t size = 0, count = 0;

	if (data)
		image = decompress(data->d_buf, data->d_size, &size);
	if (!image)
		return 0;
	other.elf = elf_memory(image, size);
	if (other.elf && elf_kind(other.elf) == ELF_K_ELF)
		add_symbols(&other, SHT_SYMTAB, &count);
	elf_end(other.elf);
	reader->failed |= other.failed;
	return count;
}

/* Adds the functions in the table that a Go program has for its runtime. */
static void add_go_functions(struct reader *reader)
{
	struct ebcc_symbol_table *table = reader->table;
	struct ebcc_go_function function;
	struct ebcc_go_table go;

	if (table->source_count == SOURCE_COUNT || !ebcc_go_table_find(reader->elf, &go))
		return;
	if (!(stays_in_file(reader, go.names_offset, go.names_size)
		      ? refer_to_strings(reader, go.names_offset, go.names_size)
		      : copy_strings(reader, go.names, go.names_size)))
		return;
	if (!ebcc_symbol_table_reserve(table, go.count)) {
		reader->failed = true;
		return;
	}
	for (size_t i = 0; i < go.count; i++)
		if (ebcc_go_table_function(&go, i, &function))
			add_function(table, function.address, function.size, function.name,
				     RANK_LOCAL);
}

/* ---- The whole file ---- */

static void read_all(struct reader *reader, const struct ebcc_symbol_places *places)
{
	struct ebcc_symbol_table *table = reader->table;
	size_t functions;

	read_segments(reader);
	read_code_sections(reader);
	table->build_id_size = ebcc_elf_build_id(reader->elf, table->build_id);
	add_symbols(reader, SHT_SYMTAB, &functions);
	if (!functions)
		functions = add_debug_file(reader, places);
	if (!functions)
		functions = add_debugdata(reader);
	if (!functions)
		add_go_functions(reader);
	/* PLT stubs take their names from .dynsym, which must be the last source at that point. */
	if (add_symbols(reader, SHT_DYNSYM, &functions))
		reader->failed |= !ebcc_symbol_plt_add(table, reader->elf);
}

static struct ebcc_error *load(Elf *elf, int fd, const struct ebcc_symbol_places *places,
			       struct ebcc_symbol_table **ret)
{
	struct ebcc_symbol_table *table = calloc(1, sizeof(*table));
	struct reader reader = {.table = table, .elf = elf, .fd = fd};

	if (table && elf && elf_kind(elf) == ELF_K_ELF)
		read_all(&reader, places);
	/* Free libelf's copies of the sections before sorting, which also needs memory. */
	elf_end(elf);
	if (!table || (reader.failed && !table->too_large)) {
		ebcc_symbol_table_destroy(table);
		return ebcc_error_no_memory();
	}
	if (table->too_large)
		table->count = 0;
	ebcc_symbol_table_finish(table);
	*ret = table;
	return NULL;
}

struct ebcc_error *ebcc_symbol_table_load(int fd, const struct ebcc_symbol_places *places,
					  struct ebcc_symbol_table **ret)
{
	elf_version(EV_CURRENT);
	return load(elf_begin(fd, ELF_C_READ, NULL), fd, places, ret);
}

struct ebcc_error *ebcc_symbol_table_load_memory(const void *image, size_t size,
						 struct ebcc_symbol_table **ret)
{
	AUTO_FREE char *copy = malloc(size + 1);

	if (!copy)
		return ebcc_error_no_memory();
	memcpy(copy, image, size);
	elf_version(EV_CURRENT);
	return load(elf_memory(copy, size), -1, NULL, ret);
}
