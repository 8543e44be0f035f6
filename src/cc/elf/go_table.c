// SPDX-License-Identifier: Apache-2.0
/*
 * Reading pclntab. There are four layouts, of Go 1.2, 1.16, 1.18 and 1.20, each with its own magic
 * number (runtime/symtab.go, debug/gosym). The table has a header, names, and a sorted array of
 * pairs: the address of a function and the offset of its record. A record begins with the address
 * again, followed by the offset of the name. If the system's linker linked the program as a
 * position-independent executable, the table is somewhere in .data.rel.ro.
 */
#include "elf/go_table.h"

#include <string.h>

#include "elf/sections.h"

#define MAGIC_1_2 0xfffffffbu
#define MAGIC_1_16 0xfffffffau
#define MAGIC_1_18 0xfffffff0u
#define MAGIC_1_20 0xfffffff1u
/* The magic number, two zero bytes, the minimum instruction size and the pointer size. */
#define PROLOGUE_SIZE 8
#define HEADER_WORDS 8
#define FUNCTION_LIMIT (32u << 20)
/* The word in runtime.moduledata, which has its own section since Go 1.26, with the address where
 * the code begins. A pointer, six slices and three pointers precede it. */
#define MODULE_TEXT_WORD 22
/* A table in the middle of other data begins at a multiple of this. */
#define TABLE_ALIGNMENT 8

/* A part of the file that begins with the table or contains it. */
struct region {
	const char *data;
	size_t size;
	uint64_t offset; /* in the file */
	uint64_t text;	 /* where the code begins, if the table doesn't say */
};

static uint64_t read_word(const char *at, unsigned size)
{
	uint64_t wide = 0;
	uint32_t narrow = 0;

	memcpy(size == 8 ? (void *)&wide : &narrow, at, size);
	return size == 8 ? wide : narrow;
}

static bool is_native(Elf *elf)
{
	GElf_Ehdr header;

	return gelf_getehdr(elf, &header) &&
	       header.e_ident[EI_DATA] ==
		       (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB);
}

static bool is_prologue(const char *data)
{
	static const uint32_t magics[] = {MAGIC_1_20, MAGIC_1_18, MAGIC_1_16, MAGIC_1_2};
	uint32_t magic = (uint32_t)read_word(data, 4);
	bool known = false;

	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		known |= magic == magics[i];
	return known && !data[4] && !data[5] && (data[6] == 1 || data[6] == 2 || data[6] == 4) &&
	       (data[7] == 4 || data[7] == 8);
}

/* The address where the code begins, which the table doesn't have since Go 1.26; 0: not known. */
static uint64_t text_of_module(Elf *elf)
{
	unsigned word_size = gelf_getclass(elf) == ELFCLASS32 ? 4 : 8;
	Elf_Data *data = ebcc_elf_section_named(elf, ".go.module", NULL);

	if (!data || data->d_size < (size_t)(MODULE_TEXT_WORD + 1) * word_size)
		return 0;
	return read_word((char *)data->d_buf + (size_t)MODULE_TEXT_WORD * word_size, word_size);
}

/* Go 1.2 to 1.15: the offsets of records and names are relative to the start of the table. */
static void read_first_layout(const struct region *region, unsigned word_size,
			      struct ebcc_go_table *ret)
{
	*ret = (struct ebcc_go_table){
		.names = region->data,
		.names_size = region->size,
		.names_offset = region->offset,
		.count = read_word(region->data + PROLOGUE_SIZE, word_size),
		.functions = region->data + PROLOGUE_SIZE + word_size,
		.records = region->data,
		.records_size = region->size,
		.address_size = word_size,
		.entry_size = word_size,
	};
}

/* Later versions: the header has the offset of each part. Since Go 1.18 addresses are relative. */
static bool read_later_layout(const struct region *region, unsigned word_size, bool relative,
			      struct ebcc_go_table *ret)
{
	uint64_t words[HEADER_WORDS], names, functions;

	for (size_t i = 0; i < HEADER_WORDS; i++)
		words[i] = read_word(region->data + PROLOGUE_SIZE + i * word_size, word_size);
	names = words[relative ? 3 : 2];
	functions = words[relative ? 7 : 6];
	if (names >= region->size || functions >= region->size)
		return false;
	*ret = (struct ebcc_go_table){
		.names = region->data + names,
		.names_size = region->size - names,
		.names_offset = region->offset + names,
		.count = words[0],
		.functions = region->data + functions,
		.records = region->data + functions,
		.records_size = region->size - functions,
		.address_size = relative ? 4 : word_size,
		.entry_size = relative ? 4 : word_size,
	};
	/* The names end where the next part begins. */
	if (words[relative ? 4 : 3] > names && words[relative ? 4 : 3] < region->size)
		ret->names_size = words[relative ? 4 : 3] - names;
	if (relative)
		ret->text = words[2] ? words[2] : region->text;
	return !relative || ret->text;
}

static bool read_table(const struct region *region, struct ebcc_go_table *ret)
{
	unsigned word_size;
	uint32_t magic;
	size_t room;

	if (region->size < PROLOGUE_SIZE + HEADER_WORDS * 8 || !is_prologue(region->data))
		return false;
	word_size = (unsigned)region->data[7];
	magic = (uint32_t)read_word(region->data, 4);
	if (magic == MAGIC_1_2)
		read_first_layout(region, word_size, ret);
	else if (!read_later_layout(region, word_size, magic != MAGIC_1_16, ret))
		return false;
	/* The last pair is followed by the address where the last function ends. */
	room = region->data + region->size - ret->functions;
	return ret->count && ret->count <= FUNCTION_LIMIT &&
	       (ret->count * 2 + 1) * ret->address_size <= room;
}

/* Finds a section as a region. Returns false if there is none, or if its data is too large or not
 * in the file. */
static bool find_region(Elf *elf, const char *name, struct region *ret)
{
	Elf_Data *data = ebcc_elf_section_named(elf, name, &ret->offset);

	if (!data)
		return false;
	ret->data = data->d_buf;
	ret->size = data->d_size;
	return true;
}

/* Searches the data of a section for a table. */
static bool search_region(struct region region, struct ebcc_go_table *ret)
{
	while (region.size >= PROLOGUE_SIZE) {
		if (is_prologue(region.data) && read_table(&region, ret))
			return true;
		if (region.size < PROLOGUE_SIZE + TABLE_ALIGNMENT)
			return false;
		region.data += TABLE_ALIGNMENT;
		region.offset += TABLE_ALIGNMENT;
		region.size -= TABLE_ALIGNMENT;
	}
	return false;
}

bool ebcc_go_table_find(Elf *elf, struct ebcc_go_table *ret)
{
	struct region region = {.text = text_of_module(elf)};

	if (!is_native(elf))
		return false;
	if (find_region(elf, ".gopclntab", &region) ||
	    find_region(elf, ".data.rel.ro.gopclntab", &region))
		return read_table(&region, ret);
	return ebcc_elf_section_named(elf, ".go.buildinfo", NULL) &&
	       find_region(elf, ".data.rel.ro", &region) && search_region(region, ret);
}

bool ebcc_go_table_function(const struct ebcc_go_table *table, size_t index,
			    struct ebcc_go_function *ret)
{
	const char *pair = table->functions + index * 2 * table->address_size;
	uint64_t address = read_word(pair, table->address_size), next, record;

	record = read_word(pair + table->address_size, table->address_size);
	next = read_word(pair + (size_t)2 * table->address_size, table->address_size);
	if (record > table->records_size ||
	    table->records_size - record < table->entry_size + sizeof(ret->name))
		return false;
	ret->name = (uint32_t)read_word(table->records + record + table->entry_size, 4);
	ret->address = table->text + address;
	ret->size = next > address ? next - address : 0;
	return ret->name < table->names_size && table->names[ret->name];
}
