/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of a Go program, from the table that its runtime uses, which is called pclntab.
 * Stripped programs still have it, because the runtime needs it. The file may be malicious, so
 * everything in it is checked.
 */
#ifndef EBCC_ELF_GO_TABLE_H
#define EBCC_ELF_GO_TABLE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed pointers point to data of the Elf. */
struct ebcc_go_table {
	const char *names; /* borrowed; each name ends with a NUL or at the end of names */
	size_t names_size;
	uint64_t names_offset; /* in the file */
	size_t count;	       /* of functions */

	/* For ebcc_go_table_function(). */
	const char *functions, *records; /* borrowed */
	size_t records_size;
	uint64_t text;	       /* addresses are relative to this */
	unsigned address_size; /* of an address in functions, in bytes: 4 or 8 */
	unsigned entry_size;   /* of the address at the start of a record */
};

struct ebcc_go_function {
	uint64_t address; /* virtual, as in the file */
	uint64_t size;	  /* up to the next function; 0: not known */
	uint32_t name;	  /* offset in names */
};

/* Finds the table. Returns false if the file is not a Go program, has the other byte order, or is
 * malformed. */
bool ebcc_go_table_find(Elf *elf, struct ebcc_go_table *ret);

/* Reads one function by its index. Returns false if its entry is malformed. */
bool ebcc_go_table_function(const struct ebcc_go_table *table, size_t index,
			    struct ebcc_go_function *ret);

#endif /* EBCC_ELF_GO_TABLE_H */
