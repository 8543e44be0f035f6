/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of one ELF file, sorted by address: 16 bytes each, with names left in the file if
 * there are many. Anyone may have written the file, so nothing in it is trusted.
 */
#ifndef EBCC_SYMBOLS_TABLE_H
#define EBCC_SYMBOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "elf/debug_file.h"

struct ebcc_symbol_table;

/*
 * Reads the functions of an ELF file.
 * @fd: borrowed; the table duplicates it if it needs to read names later.
 * @places: where to look for separate debug files, or NULL for nowhere.
 * A malformed file gives a table with what could be read, possibly nothing; so does a file that is
 * not ELF. Fails only if out of memory.
 */
MUST_CHECK struct ebcc_error *ebcc_symbol_table_load(int fd,
						     const struct ebcc_symbol_places *places,
						     struct ebcc_symbol_table **ret);
/* The same for an ELF image in memory, which is copied. */
MUST_CHECK struct ebcc_error *ebcc_symbol_table_load_memory(const void *image, size_t size,
							    struct ebcc_symbol_table **ret);
void ebcc_symbol_table_destroy(struct ebcc_symbol_table *table);

/* The virtual address at which the byte at a file offset is loaded, by the program headers. Returns
 * false if it is not in an executable segment. */
bool ebcc_symbol_table_address(const struct ebcc_symbol_table *table, uint64_t file_offset,
			       uint64_t *ret);
/* The reverse. */
bool ebcc_symbol_table_file_offset(const struct ebcc_symbol_table *table, uint64_t address,
				   uint64_t *ret);

/*
 * Finds the function that contains a virtual address.
 * @demangle: show C++ and Rust names in readable form.
 * *@ret_name is borrowed until the table is trimmed or destroyed.
 */
bool ebcc_symbol_table_find(struct ebcc_symbol_table *table, uint64_t address, bool demangle,
			    const char **ret_name, uint64_t *ret_offset);

/* Finds the virtual address of a function by its name in the file. This is slow, because it reads
 * all names. */
bool ebcc_symbol_table_find_name(struct ebcc_symbol_table *table, const char *name, uint64_t *ret);

/* The build id: @ret_size bytes, 0 if the file has none. */
const unsigned char *ebcc_symbol_table_build_id(const struct ebcc_symbol_table *table,
						size_t *ret_size);

/* Whether the file has more than 4 million symbols. The table is then empty: if only some symbols
 * were missing, others would be shown in their place. */
bool ebcc_symbol_table_is_too_large(const struct ebcc_symbol_table *table);

size_t ebcc_symbol_table_count(const struct ebcc_symbol_table *table);
/* Bytes of memory that the table takes, and whether it keeps a file open. */
size_t ebcc_symbol_table_memory(const struct ebcc_symbol_table *table);
bool ebcc_symbol_table_keeps_file(const struct ebcc_symbol_table *table);

/* Frees the names that were returned, if they take much memory. */
void ebcc_symbol_table_trim(struct ebcc_symbol_table *table);

#endif /* EBCC_SYMBOLS_TABLE_H */
