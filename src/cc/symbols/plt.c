// SPDX-License-Identifier: Apache-2.0
/*
 * The linker makes no symbols for PLT stubs. Each stub jumps through a slot of the global offset
 * table, and a relocation says which function's address the loader puts into that slot. So we look
 * for the jump in each stub's code, and for its slot among the relocations. This works however a
 * linker lays out its stubs.
 */
#include "symbols/plt.h"

#include <gelf.h>
#include <string.h>

#include "arch/arch.h"
#include "base/cleanup.h"
#include "elf/sections.h"
#include "elf/symbols.h"

#define SLOT_LIMIT (1u << 20)
/* Used if the section header doesn't say. */
#define STUB_SIZE 16

struct slot {
	uint64_t address;
	uint32_t name;
};

struct slots {
	struct slot *slots;
	size_t count, capacity;
};

static bool is_slot_relocation(const struct ebcc_arch *arch, unsigned type)
{
	return type == arch->slot_relocations[0] || type == arch->slot_relocations[1];
}

static bool reserve_slots(struct slots *slots, size_t more)
{
	struct slot *larger;

	if (more <= slots->capacity - slots->count)
		return true;
	larger = realloc(slots->slots, (slots->count + more) * sizeof(*larger));
	if (!larger)
		return false;
	slots->slots = larger;
	slots->capacity = slots->count + more;
	return true;
}

/* Collects the slots of a relocation section that refers to .dynsym. */
static bool add_slots(struct slots *slots, const struct ebcc_arch *arch, Elf_Data *relocations,
		      Elf_Data *symbols, size_t entry_size)
{
	size_t count = relocations->d_size / entry_size;
	GElf_Rela relocation;
	GElf_Sym symbol;

	if (count > SLOT_LIMIT)
		count = SLOT_LIMIT;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getrela(relocations, (int)i, &relocation) ||
		    !is_slot_relocation(arch, GELF_R_TYPE(relocation.r_info)) ||
		    !gelf_getsym(symbols, (int)GELF_R_SYM(relocation.r_info), &symbol) ||
		    !symbol.st_name)
			continue;
		if (slots->count == slots->capacity && !reserve_slots(slots, 256))
			return false;
		slots->slots[slots->count++] = (struct slot){relocation.r_offset, symbol.st_name};
	}
	return true;
}

static int compare_slots(const void *a, const void *b)
{
	const struct slot *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

/* Reads all slots of a file, sorted by address. */
static bool read_slots(Elf *elf, const struct ebcc_arch *arch, struct slots *ret)
{
	size_t entry_size = gelf_fsize(elf, ELF_T_RELA, 1, EV_CURRENT);
	Elf_Scn *section = NULL, *linked;
	GElf_Shdr header, linked_header;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *relocations, *symbols;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_RELA)
			continue;
		linked = elf_getscn(elf, header.sh_link);
		if (!linked || !gelf_getshdr(linked, &linked_header) ||
		    linked_header.sh_type != SHT_DYNSYM)
			continue;
		relocations = ebcc_elf_section_data(section, &header, entry_size);
		symbols = ebcc_elf_section_data(linked, &linked_header,
						gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT));
		if (relocations && symbols &&
		    !add_slots(ret, arch, relocations, symbols, entry_size))
			return false;
	}
	if (ret->count)
		qsort(ret->slots, ret->count, sizeof(*ret->slots), compare_slots);
	return true;
}

static size_t stub_size(const GElf_Shdr *header)
{
	bool plausible =
		header->sh_entsize >= 8 && header->sh_entsize <= 64 && header->sh_entsize % 8 == 0;

	return plausible ? header->sh_entsize : STUB_SIZE;
}

static void add_stubs(struct ebcc_symbol_table *table, const struct ebcc_arch *arch,
		      const struct slots *slots, const GElf_Shdr *header, Elf_Data *code)
{
	size_t size = stub_size(header);

	for (size_t at = 0; code->d_size - at >= size; at += size) {
		const unsigned char *stub = (unsigned char *)code->d_buf + at;
		uint64_t address = header->sh_addr + at;
		struct slot wanted = {0}, *slot;
		bool found = arch->find_jump_slot(stub, size, address, &wanted.address);

		slot = found ? bsearch(&wanted, slots->slots, slots->count, sizeof(wanted),
				       compare_slots)
			     : NULL;
		if (!slot || !address)
			continue;
		table->symbols[table->count++] = (struct symbol){
			.address = address,
			.name = slot->name,
			.size = (uint32_t)size,
			.source = table->source_count - 1,
			.rank = RANK_PLT,
		};
	}
}

static bool is_stub_section(const char *name)
{
	return name && (!strcmp(name, ".plt") || !strcmp(name, ".plt.sec") ||
			!strcmp(name, ".plt.got") || !strcmp(name, ".plt.bnd"));
}

/* Adds the stubs of one section, if it has any. False: out of memory. */
static bool add_section(struct ebcc_symbol_table *table, Elf *elf, Elf_Scn *section,
			const struct ebcc_arch *arch, const struct slots *slots)
{
	GElf_Shdr header;
	Elf_Data *code;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) || !gelf_getshdr(section, &header) ||
	    !is_stub_section(elf_strptr(elf, names, header.sh_name)))
		return true;
	code = ebcc_elf_section_data(section, &header, 0);
	if (!code || code->d_size / stub_size(&header) > SLOT_LIMIT)
		return true;
	if (!ebcc_symbol_table_reserve(table, code->d_size / stub_size(&header)))
		return false;
	add_stubs(table, arch, slots, &header, code);
	return true;
}

bool ebcc_symbol_plt_add(struct ebcc_symbol_table *table, Elf *elf)
{
	AUTO_FREE struct slot *owned = NULL;
	struct slots slots = {0};
	Elf_Scn *section = NULL;
	bool added = true;
	const struct ebcc_arch *arch;
	GElf_Ehdr header;

	if (!table->source_count || !gelf_getehdr(elf, &header))
		return true;
	arch = ebcc_arch_of_elf(header.e_machine);
	if (!arch)
		return true;
	added = read_slots(elf, arch, &slots);
	owned = slots.slots;
	while (added && slots.count && (section = elf_nextscn(elf, section)))
		added = add_section(table, elf, section, arch, &slots);
	return added;
}
