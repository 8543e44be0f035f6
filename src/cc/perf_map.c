// SPDX-License-Identifier: Apache-2.0
/*
 * Reading perf maps. Compilers append while they run, so a map is read in pieces, each from where
 * the last one ended. They reuse memory, too: of two functions with the same start
 * the later line counts.
 */
#include "perf_map.h"

#include <errno.h>
#include <string.h>

#include "scan_hex.h"

/* Large JIT programs write some tens of megabytes. */
#define FILE_LIMIT (256ull << 20)
#define NAMES_LIMIT (128u << 20)
#define ENTRY_LIMIT (4u << 20)
#define LINE_LIMIT 4096
#define READ_SIZE (64u << 10)
/* How far a search goes back through functions that begin before the address and end before it,
 * too. */
#define NESTING_LIMIT 256

void ebcc_perf_map_init(struct ebcc_perf_map *map)
{
	*map = (struct ebcc_perf_map){.sorted = true};
}

void ebcc_perf_map_deinit(struct ebcc_perf_map *map)
{
	free(map->entries);
	ebcc_buf_deinit(&map->names);
	ebcc_buf_deinit(&map->line);
	ebcc_perf_map_init(map);
}

/* A number, with or without "0x", and the spaces behind it. */
static bool scan_field(const char **at, const char *end, uint64_t *ret)
{
	if (end - *at > 2 && (*at)[0] == '0' && ((*at)[1] | 0x20) == 'x')
		*at += 2;
	if (!ebcc_scan_hex(at, end, ret) || *at == end || **at != ' ')
		return false;
	while (*at < end && **at == ' ')
		++*at;
	return true;
}

static bool grow(struct ebcc_perf_map *map)
{
	size_t capacity = map->capacity ? map->capacity * 2 : 1024;
	struct ebcc_perf_map_entry *entries =
		realloc(map->entries, capacity * sizeof(*map->entries));

	if (!entries)
		return false;
	map->entries = entries;
	map->capacity = capacity;
	return true;
}

/* False: no memory. */
static bool add_line(struct ebcc_perf_map *map, const char *line, size_t size)
{
	const char *at = line, *end = line + size;
	struct ebcc_perf_map_entry *entry;
	uint64_t start, length;

	if (!scan_field(&at, end, &start) || !scan_field(&at, end, &length) || !length)
		return true;
	if (end > at && end[-1] == '\r')
		end--;
	/* A name ends at a NUL at the latest. */
	end = at + strnlen(at, end - at);
	if (at == end || map->count == ENTRY_LIMIT ||
	    map->names.size + (end - at) + 1 > NAMES_LIMIT)
		return true;
	if (map->count == map->capacity && !grow(map))
		return false;
	if (length > UINT64_MAX - start)
		length = UINT64_MAX - start;
	entry = &map->entries[map->count++];
	entry->start = start;
	entry->size = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
	entry->name = (uint32_t)map->names.size;
	ebcc_buf_append(&map->names, at, end - at);
	ebcc_buf_append_char(&map->names, '\0');
	map->sorted = false;
	return !map->names.failed;
}

/* Keeps the beginning of a line until its end comes. */
static void keep(struct ebcc_perf_map *map, const char *data, size_t size)
{
	if (map->line.size + size > LINE_LIMIT)
		map->skipping = true;
	if (map->skipping)
		ebcc_buf_clear(&map->line);
	else
		ebcc_buf_append(&map->line, data, size);
}

/* The end of a line that @data completes. */
static bool finish_line(struct ebcc_perf_map *map, const char *data, size_t size)
{
	bool added = true;

	if (map->line.size || map->skipping)
		keep(map, data, size);
	if (map->line.size)
		added = add_line(map, map->line.data, map->line.size);
	else if (!map->skipping && size <= LINE_LIMIT)
		added = add_line(map, data, size);
	ebcc_buf_clear(&map->line);
	map->skipping = false;
	return added;
}

struct ebcc_error *ebcc_perf_map_add(struct ebcc_perf_map *map, const char *data, size_t size)
{
	const char *end = data + size, *newline;

	map->size += size;
	for (; (newline = memchr(data, '\n', end - data)); data = newline + 1)
		if (!finish_line(map, data, newline - data))
			return ebcc_error_no_memory();
	keep(map, data, end - data);
	return ebcc_buf_check(&map->line);
}

struct ebcc_error *ebcc_perf_map_read(struct ebcc_perf_map *map, int fd)
{
	AUTO_FREE char *data = malloc(READ_SIZE);

	if (!data)
		return ebcc_error_no_memory();
	while (map->size < FILE_LIMIT && map->count < ENTRY_LIMIT) {
		ssize_t size = pread(fd, data, READ_SIZE, (off_t)map->size);

		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0)
			break;
		TRY(ebcc_perf_map_add(map, data, size));
	}
	return NULL;
}

static int compare_entries(const void *a, const void *b)
{
	const struct ebcc_perf_map_entry *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->name < right->name ? -1 : left->name > right->name;
}

/* Sorts, and keeps the last line of each start. */
static void sort(struct ebcc_perf_map *map)
{
	size_t kept = 0;

	if (map->count)
		qsort(map->entries, map->count, sizeof(*map->entries), compare_entries);
	for (size_t i = 0; i < map->count; i++) {
		if (kept && map->entries[kept - 1].start == map->entries[i].start)
			kept--;
		map->entries[kept++] = map->entries[i];
	}
	map->count = kept;
	map->sorted = true;
}

bool ebcc_perf_map_find(struct ebcc_perf_map *map, uint64_t address, const char **ret_name,
			uint64_t *ret_offset)
{
	size_t low = 0, high;

	if (!map->sorted)
		sort(map);
	high = map->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->entries[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = 0; i < NESTING_LIMIT && i < low; i++) {
		const struct ebcc_perf_map_entry *entry = &map->entries[low - 1 - i];

		if (address - entry->start >= entry->size)
			continue;
		*ret_name = map->names.data + entry->name;
		*ret_offset = address - entry->start;
		return true;
	}
	return false;
}
