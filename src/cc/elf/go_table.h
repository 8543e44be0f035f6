/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of a Go program as its own runtime finds them, in the table that is called pclntab:
 * it is there in stripped programs, too, since Go can't do without it. The file may be anyone's, so
 * nothing in it is believed.
 */
#ifndef EBCC_ELF_GO_TABLE_H
#define EBCC_ELF_GO_TABLE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is borrowed belongs to the Elf. */
struct ebcc_go_table {
	const char *names; /* borrowed; each ends with a NUL, or with all of them */
	size_t names_size;
	uint64_t names_offset; /* in the file */
	size_t count;	       /* of functions */

	/* For ebcc_go_table_function(). */
	const char *functions, *records; /* borrowed */
	size_t records_size;
	uint64_t text;	       /* what addresses are relative to */
	unsigned address_size; /* in functions, in bytes: 4 or 8 */
	unsigned entry_size;   /* of the address that begins a record */
};

struct ebcc_go_function {
	uint64_t address; /* virtual, as in the file */
	uint64_t size;	  /* up to the next one; 0: not known */
	uint32_t name;	  /* offset in names */
};

/* Finds the table. False: no Go program, one in the other byte order, or a malformed one. */
bool ebcc_go_table_find(Elf *elf, struct ebcc_go_table *ret);

/* One function, by its index. False: the table is wrong there. */
bool ebcc_go_table_function(const struct ebcc_go_table *table, size_t index,
			    struct ebcc_go_function *ret);

#endif /* EBCC_ELF_GO_TABLE_H */
