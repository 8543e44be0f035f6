/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of one ELF file, sorted by address: 16 bytes each, with names left in the file
 * when there are many. The file may be anyone's, so nothing in it is believed.
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
 * @fd: borrowed; the table keeps a copy of it if it needs one.
 * @places: or NULL: nowhere but in the file.
 * A file that is malformed, or no ELF file, gives a table with what could be read, maybe nothing:
 * only lack of memory is an error.
 */
MUST_CHECK struct ebcc_error *ebcc_symbol_table_load(int fd,
						     const struct ebcc_symbol_places *places,
						     struct ebcc_symbol_table **ret);
/* The same for an ELF image in memory, which is copied. */
MUST_CHECK struct ebcc_error *ebcc_symbol_table_load_memory(const void *image, size_t size,
							    struct ebcc_symbol_table **ret);
void ebcc_symbol_table_destroy(struct ebcc_symbol_table *table);

/* The virtual address that the byte at a file offset is loaded to, by the program headers.
 * False: no executable segment has it. */
bool ebcc_symbol_table_address(const struct ebcc_symbol_table *table, uint64_t file_offset,
			       uint64_t *ret);
/* The other way round. */
bool ebcc_symbol_table_file_offset(const struct ebcc_symbol_table *table, uint64_t address,
				   uint64_t *ret);

/*
 * The function that a virtual address is in.
 * @demangle: C++ and Rust names in readable form.
 * *@ret_name is borrowed until ebcc_symbol_table_trim() or the end of the table.
 */
bool ebcc_symbol_table_find(struct ebcc_symbol_table *table, uint64_t address, bool demangle,
			    const char **ret_name, uint64_t *ret_offset);

/* The virtual address of a function, by its name as in the file. It reads all names: to be asked
 * seldom. */
bool ebcc_symbol_table_find_name(struct ebcc_symbol_table *table, const char *name, uint64_t *ret);

/* The build id: @ret_size bytes, 0 if the file has none. */
const unsigned char *ebcc_symbol_table_build_id(const struct ebcc_symbol_table *table,
						size_t *ret_size);

/* Whether the file has more symbols than are kept (4 million); it has none then, as those that
 * were kept would stand for their neighbours. */
bool ebcc_symbol_table_is_too_large(const struct ebcc_symbol_table *table);

size_t ebcc_symbol_table_count(const struct ebcc_symbol_table *table);
/* Bytes of memory that the table takes, and whether it keeps a file open. */
size_t ebcc_symbol_table_memory(const struct ebcc_symbol_table *table);
bool ebcc_symbol_table_keeps_file(const struct ebcc_symbol_table *table);

/* Frees the names that were given out, if they take much memory. */
void ebcc_symbol_table_trim(struct ebcc_symbol_table *table);

#endif /* EBCC_SYMBOLS_TABLE_H */
