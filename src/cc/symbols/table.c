// SPDX-License-Identifier: Apache-2.0
/*
 * A sorted array of functions, and searches in it. Names come from string tables. For large files
 * these stay in the file, which is read and not mapped, because its owner may truncate it. Names
 * that are not in memory in the form in which they are shown (demangled, without their version, or
 * from a file) are kept once they have been made, up to a bound.
 */
#include "symbols/table.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "elf/demangle.h"
#include "symbols/table_internal.h"

/* Longer names are cut off; C++ templates reach tens of thousands of characters. */
#define NAME_LIMIT (64u << 10)
/* How many functions a search skips because they begin and end before the address. */
#define NESTING_LIMIT 256
/* How many names of symbols that share their address are compared. */
#define ALIAS_LIMIT (64u << 10)
/* A trim frees the names that were made, if they take more than this. */
#define MADE_LIMIT (8u << 20)

void ebcc_symbol_table_destroy(struct ebcc_symbol_table *table)
{
	if (!table)
		return;
	for (unsigned i = 0; i < table->source_count; i++) {
		free(table->sources[i].data);
		cleanup_close(&table->sources[i].fd);
	}
	for (size_t i = 0; i < table->made_capacity; i++)
		free(table->made[i].name);
	free(table->made);
	free(table->symbols);
	free(table->segments);
	free(table->sections);
	ebcc_buf_deinit(&table->scratch);
	free(table);
}

/* ---- Order ---- */

static int compare_symbols(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	if (left->address != right->address)
		return left->address < right->address ? -1 : 1;
	if (left->rank != right->rank)
		return left->rank < right->rank ? -1 : 1;
	if (left->source != right->source)
		return left->source < right->source ? -1 : 1;
	return left->name < right->name ? -1 : left->name > right->name;
}

/* The highest address at which a function of unknown size can end: the end of its section or
 * segment. */
static uint64_t end_of_code(const struct ebcc_symbol_table *table, uint64_t address)
{
	for (size_t i = 0; i < table->section_count; i++)
		if (address >= table->sections[i].address && address < table->sections[i].end)
			return table->sections[i].end;
	for (size_t i = 0; i < table->segment_count; i++)
		if (address - table->segments[i].address < table->segments[i].size)
			return table->segments[i].address + table->segments[i].size;
	return address;
}

static bool read_string(const struct strings *source, uint64_t offset, size_t limit,
			struct ebcc_buf *ret);

/* The number of leading underscores of a name, up to two: people know malloc, not __libc_malloc. */
static unsigned count_underscores(struct ebcc_symbol_table *table, const struct symbol *symbol)
{
	const struct strings *source = &table->sources[symbol->source];
	const char *name = "";

	if (symbol->name >= source->size)
		return 2;
	if (source->data)
		name = source->data + symbol->name;
	else if (read_string(source, symbol->name, 2, &table->scratch))
		name = ebcc_buf_string(&table->scratch);
	return name[0] == '_' ? 1 + (name[1] == '_') : 0;
}

/* Whether the second of two names of an address is to be shown, although it is sorted after the
 * first. */
static bool is_better_name(struct ebcc_symbol_table *table, const struct symbol *first,
			   const struct symbol *second)
{
	if (first->rank >= RANK_LOCAL || second->rank >= RANK_LOCAL || !table->alias_budget)
		return false;
	table->alias_budget--;
	return count_underscores(table, second) < count_underscores(table, first);
}

/* Keeps only one of the symbols at the same address, or several if their sizes increase. */
static void drop_aliases(struct ebcc_symbol_table *table)
{
	size_t kept = 0;

	table->alias_budget = ALIAS_LIMIT;
	for (size_t i = 0; i < table->count; i++) {
		struct symbol *symbol = &table->symbols[i];
		struct symbol *last = kept ? &table->symbols[kept - 1] : NULL;

		if (!last || last->address != symbol->address) {
			table->symbols[kept++] = *symbol;
		} else if (last->size >= symbol->size) {
			if (last->size == symbol->size && is_better_name(table, last, symbol))
				*last = *symbol;
		} else if (!last->size) {
			*last = *symbol;
		} else {
			table->symbols[kept++] = *symbol;
		}
	}
	table->count = kept;
}

void ebcc_symbol_table_finish(struct ebcc_symbol_table *table)
{
	struct symbol *shrunk;

	if (table->count)
		qsort(table->symbols, table->count, sizeof(*table->symbols), compare_symbols);
	drop_aliases(table);
	for (size_t i = 0; i < table->count; i++) {
		struct symbol *symbol = &table->symbols[i];
		uint64_t end;

		if (symbol->size)
			continue;
		end = end_of_code(table, symbol->address);
		if (i + 1 < table->count && table->symbols[i + 1].address < end)
			end = table->symbols[i + 1].address;
		end -= symbol->address;
		symbol->size = end > SYMBOL_SIZE_MAX ? SYMBOL_SIZE_MAX : (uint32_t)end;
	}
	shrunk = realloc(table->symbols, (table->count + 1) * sizeof(*table->symbols));
	if (shrunk) {
		table->symbols = shrunk;
		table->capacity = table->count + 1;
	}
	free(table->sections);
	table->sections = NULL;
	table->section_count = 0;
}

/* ---- Addresses ---- */

bool ebcc_symbol_table_address(const struct ebcc_symbol_table *table, uint64_t file_offset,
			       uint64_t *ret)
{
	for (size_t i = 0; i < table->segment_count; i++) {
		const struct segment *segment = &table->segments[i];

		if (file_offset < segment->offset || file_offset - segment->offset >= segment->size)
			continue;
		*ret = segment->address + (file_offset - segment->offset);
		return true;
	}
	return false;
}

bool ebcc_symbol_table_file_offset(const struct ebcc_symbol_table *table, uint64_t address,
				   uint64_t *ret)
{
	for (size_t i = 0; i < table->segment_count; i++) {
		const struct segment *segment = &table->segments[i];

		if (address < segment->address || address - segment->address >= segment->size)
			continue;
		*ret = segment->offset + (address - segment->address);
		return true;
	}
	return false;
}

/* The index of the innermost function around the address, or SIZE_MAX. */
static size_t find_index(const struct ebcc_symbol_table *table, uint64_t address)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = 0; i < NESTING_LIMIT && i < low; i++) {
		const struct symbol *symbol = &table->symbols[low - 1 - i];

		if (address - symbol->address < symbol->size)
			return low - 1 - i;
	}
	return SIZE_MAX;
}

/* ---- Names ---- */

/* Reads a string at @offset of a table in a file into @ret, up to @limit bytes. */
static bool read_string(const struct strings *source, uint64_t offset, size_t limit,
			struct ebcc_buf *ret)
{
	size_t want = limit < 256 ? limit : 256;

	ebcc_buf_clear(ret);
	while (ret->size < limit && offset < source->size) {
		char piece[4096];
		size_t room = source->size - offset, length;
		ssize_t got;

		got = pread(source->fd, piece, want < room ? want : room,
			    (off_t)(source->offset + offset));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		length = strnlen(piece, got);
		ebcc_buf_append(ret, piece, length);
		if (length < (size_t)got)
			return !ret->failed;
		offset += got;
		want = sizeof(piece);
	}
	return ret->size && !ret->failed;
}

/* The name as in the file: borrowed, or in the table's scratch buffer and cut off after @limit
 * bytes. NULL if it can't be read. */
static const char *raw_name(struct ebcc_symbol_table *table, const struct symbol *symbol,
			    size_t limit)
{
	const struct strings *source = &table->sources[symbol->source];

	if (symbol->name >= source->size)
		return NULL;
	/* Strings in memory end with a NUL. */
	if (source->data)
		return source->data + symbol->name;
	return read_string(source, symbol->name, limit, &table->scratch)
		       ? ebcc_buf_string(&table->scratch)
		       : NULL;
}

static struct made_name *made_slot(const struct ebcc_symbol_table *table, uint64_t key)
{
	size_t mask = table->made_capacity - 1;
	size_t slot = (key * 0x9e3779b97f4a7c15ull >> 32) & mask;

	while (table->made[slot].key && table->made[slot].key != key)
		slot = (slot + 1) & mask;
	return &table->made[slot];
}

static bool grow_made(struct ebcc_symbol_table *table)
{
	struct ebcc_symbol_table larger = {
		.made_capacity = table->made_capacity ? table->made_capacity * 2 : 64};

	larger.made = calloc(larger.made_capacity, sizeof(*larger.made));
	if (!larger.made)
		return false;
	for (size_t i = 0; i < table->made_capacity; i++)
		if (table->made[i].key)
			*made_slot(&larger, table->made[i].key) = table->made[i];
	free(table->made);
	table->made = larger.made;
	table->made_capacity = larger.made_capacity;
	return true;
}

/* Makes a name in the form in which it is shown. NULL if it can't be read, or out of memory. */
static char *make_name(struct ebcc_symbol_table *table, const struct symbol *symbol, bool demangle)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT, readable = EBCC_BUF_INIT;
	const char *name = raw_name(table, symbol, NAME_LIMIT), *version;
	char *made = NULL;
	size_t size;

	if (!name)
		return NULL;
	version = *name ? strchr(name + 1, '@') : NULL;
	ebcc_buf_append(&text, name, version ? (size_t)(version - name) : strlen(name));
	if (demangle && ebcc_demangle(ebcc_buf_string(&text), &readable)) {
		ebcc_buf_clear(&text);
		ebcc_buf_append(&text, readable.data, readable.size);
	}
	if (symbol->rank == RANK_PLT)
		ebcc_buf_append_string(&text, "@plt");
	ebcc_error_destroy(ebcc_buf_take(&text, &made, &size));
	return made;
}

/* The name to show: from the strings in memory if it is there in that form, else a made one. */
static const char *shown_name(struct ebcc_symbol_table *table, size_t index, bool demangle)
{
	const struct symbol *symbol = &table->symbols[index];
	const struct strings *source = &table->sources[symbol->source];
	uint64_t key = (uint64_t)index * 2 + demangle + 1;
	struct made_name *made;
	char *name;

	if (source->data && symbol->rank != RANK_PLT && symbol->name < source->size) {
		const char *plain = source->data + symbol->name;

		if (!(demangle && ebcc_is_mangled(plain)) && !strchr(plain, '@'))
			return plain;
	}
	if (table->made_capacity) {
		made = made_slot(table, key);
		if (made->key)
			return made->name;
	}
	if (table->made_count * 2 >= table->made_capacity && !grow_made(table))
		return NULL;
	name = make_name(table, symbol, demangle);
	if (!name)
		return NULL;
	made = made_slot(table, key);
	*made = (struct made_name){key, name};
	table->made_count++;
	table->made_bytes += strlen(name) + 1;
	return name;
}

void ebcc_symbol_table_trim(struct ebcc_symbol_table *table)
{
	if (table->made_bytes + table->made_capacity * sizeof(*table->made) < MADE_LIMIT)
		return;
	for (size_t i = 0; i < table->made_capacity; i++)
		free(table->made[i].name);
	free(table->made);
	table->made = NULL;
	table->made_capacity = table->made_count = table->made_bytes = 0;
}

/* ---- Searches ---- */

bool ebcc_symbol_table_find(struct ebcc_symbol_table *table, uint64_t address, bool demangle,
			    const char **ret_name, uint64_t *ret_offset)
{
	size_t index = find_index(table, address);
	const char *name = index == SIZE_MAX ? NULL : shown_name(table, index, demangle);

	if (!name || !*name)
		return false;
	*ret_name = name;
	*ret_offset = address - table->symbols[index].address;
	return true;
}

/* Whether a symbol's name, without its version, is @wanted. Reads no more of it than necessary. */
static bool is_name(struct ebcc_symbol_table *table, const struct symbol *symbol,
		    const char *wanted, size_t length)
{
	const char *name = raw_name(table, symbol, length + 1);

	return name && !strncmp(name, wanted, length) && (!name[length] || name[length] == '@');
}

bool ebcc_symbol_table_find_name(struct ebcc_symbol_table *table, const char *name, uint64_t *ret)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < table->count; i++) {
		const struct symbol *symbol = &table->symbols[i];

		if (symbol->rank == RANK_PLT || !is_name(table, symbol, name, length))
			continue;
		*ret = symbol->address;
		return true;
	}
	return false;
}

const unsigned char *ebcc_symbol_table_build_id(const struct ebcc_symbol_table *table,
						size_t *ret_size)
{
	*ret_size = table->build_id_size;
	return table->build_id;
}

bool ebcc_symbol_table_is_too_large(const struct ebcc_symbol_table *table)
{
	return table->too_large;
}

size_t ebcc_symbol_table_count(const struct ebcc_symbol_table *table)
{
	return table->count;
}

size_t ebcc_symbol_table_memory(const struct ebcc_symbol_table *table)
{
	size_t size = sizeof(*table) + table->capacity * sizeof(*table->symbols) +
		      table->segment_count * sizeof(*table->segments) + table->made_bytes +
		      table->made_capacity * sizeof(*table->made);

	for (unsigned i = 0; i < table->source_count; i++)
		if (table->sources[i].data)
			size += table->sources[i].size;
	return size;
}

bool ebcc_symbol_table_keeps_file(const struct ebcc_symbol_table *table)
{
	for (unsigned i = 0; i < table->source_count; i++)
		if (table->sources[i].fd >= 0)
			return true;
	return false;
}

bool ebcc_symbol_table_reserve(struct ebcc_symbol_table *table, size_t more)
{
	struct symbol *symbols;

	if (more > SYMBOL_LIMIT - table->count)
		table->too_large = true;
	if (table->too_large)
		return false;
	if (more <= table->capacity - table->count)
		return true;
	symbols = realloc(table->symbols, (table->count + more) * sizeof(*symbols));
	if (!symbols)
		return false;
	table->symbols = symbols;
	table->capacity = table->count + more;
	return true;
}
