// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target of the ELF readers: the symbol table of a file, .gnu_debugdata and stubs included,
 * and the walks and searches that probes are set with.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/symbols.h"
#include "symbols/table.h"

#define ADDRESSES 64

static bool count_function(void *ctx, const struct ebcc_elf_symbol *symbol)
{
	++*(size_t *)ctx;
	return symbol->name[0] != '\0';
}

static void use_elf(int fd)
{
	struct ebcc_elf_symbol symbol;
	struct ebcc_elf_part part;
	struct ebcc_elf *elf;
	size_t functions = 0;
	uint64_t offset;
	struct ebcc_error *error = ebcc_elf_open_fd(fd, "input", &elf);

	if (error) {
		ebcc_error_destroy(error);
		return;
	}
	ebcc_elf_walk_functions(elf, count_function, &functions);
	ebcc_error_destroy(ebcc_elf_find_function(elf, "main", &symbol));
	ebcc_error_destroy(ebcc_elf_address_to_offset(elf, 0x1000, &offset));
	ebcc_elf_find_section(elf, ".text", &part);
	ebcc_elf_find_data(elf, "counter", &offset);
	ebcc_elf_close(elf);
}

static void use_table(int fd)
{
	struct ebcc_symbol_table *table;
	uint64_t address, offset;
	const char *name;
	struct ebcc_error *error = ebcc_symbol_table_load(fd, NULL, &table);

	if (error) {
		ebcc_error_destroy(error);
		return;
	}
	for (uint64_t i = 0; i < ADDRESSES; i++) {
		if (ebcc_symbol_table_address(table, i * 97, &address))
			ebcc_symbol_table_find(table, address, i & 1, &name, &offset);
		ebcc_symbol_table_find(table, i * 101, true, &name, &offset);
	}
	ebcc_symbol_table_find(table, UINT64_MAX, true, &name, &offset);
	ebcc_symbol_table_find_name(table, "main", &address);
	ebcc_symbol_table_trim(table);
	ebcc_symbol_table_destroy(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	use_table(fd);
	use_elf(fd);
	return 0;
}
