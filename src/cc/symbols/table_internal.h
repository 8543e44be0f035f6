/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of a symbol table share: reader.c fills it from an ELF file, table.c sorts and
 * searches it.
 */
#ifndef EBCC_SYMBOLS_TABLE_INTERNAL_H
#define EBCC_SYMBOLS_TABLE_INTERNAL_H

#include "base/buf.h"
#include "symbols/table.h"

#define SOURCE_COUNT 5
#define SIZE_BITS 25
#define SYMBOL_SIZE_MAX ((1u << SIZE_BITS) - 1)
/* For all symbol tables of a file together; the largest browsers have two million symbols. */
#define SYMBOL_LIMIT (4u << 20)

/* If an address has several names, the one with the lowest rank is shown. */
enum symbol_rank {
	RANK_GLOBAL = 0,
	RANK_WEAK = 1,
	RANK_LOCAL = 2,
	RANK_PLT = 3, /* not a function of the file, but a stub that calls one elsewhere */
};

struct symbol {
	uint64_t address;
	uint32_t name;		   /* offset in the source's strings */
	uint32_t size : SIZE_BITS; /* larger sizes are stored as the maximum */
	uint32_t source : 3;
	uint32_t rank : 2;
	uint32_t unused : 2;
};
_Static_assert(sizeof(struct symbol) == 16, "a million symbols take 16 MB");

/* A string table: in memory, or left in its file. */
struct strings {
	char *data; /* owned; NULL: in the file */
	int fd;	    /* owned, or -1 */
	uint64_t offset, size;
};

/* An executable segment. */
struct segment {
	uint64_t address, offset, size;
};

/* A section with code: a function of unknown size ends no later than its section. */
struct code_section {
	uint64_t address, end;
};

/* A name that is not in memory in the form in which it is shown, and was made or read. */
struct made_name {
	uint64_t key; /* index of the symbol * 2 + demangled, + 1; 0: free */
	char *name;
};

struct ebcc_symbol_table {
	struct symbol *symbols;
	size_t count, capacity;
	struct strings sources[SOURCE_COUNT];
	unsigned source_count;
	struct segment *segments;
	size_t segment_count;
	struct code_section *sections; /* only while reading */
	size_t section_count;
	unsigned alias_budget; /* only while sorting */
	bool too_large;
	unsigned char build_id[EBCC_BUILD_ID_MAX];
	size_t build_id_size;
	struct made_name *made; /* hash table with open addressing */
	size_t made_capacity, made_count, made_bytes;
	struct ebcc_buf scratch;
};

/* Makes room for @more symbols. Returns false if out of memory, or too many (sets too_large). */
bool ebcc_symbol_table_reserve(struct ebcc_symbol_table *table, size_t more);

/* Sorts the symbols, drops aliases, and fills in missing sizes. */
void ebcc_symbol_table_finish(struct ebcc_symbol_table *table);

#endif /* EBCC_SYMBOLS_TABLE_INTERNAL_H */
