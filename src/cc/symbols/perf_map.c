// SPDX-License-Identifier: Apache-2.0
/*
 * Reading perf maps. Compilers append to them while they run, so a map is read in pieces, each from
 * where the last one ended. Compilers also reuse memory: of two functions with the same start, the
 * later line counts. So a map that has not been read to its end gives no names at all, as they
 * might be those of functions that have been replaced.
 *
 * The lines of each new piece are sorted into a run, which is appended to the existing runs. If the
 * last two runs are of similar length, they are merged. So a line takes part in about twenty merges
 * in a map of a million lines, and a few new lines don't require sorting everything.
 */
#include "symbols/perf_map.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/scan_hex.h"

/* No compiler writes this much; reading more would take seconds. */
#define FILE_LIMIT (512ull << 20)
/* Offsets of names are 32-bit numbers. */
#define NAMES_LIMIT (1u << 31)
#define LINE_LIMIT 4096
#define READ_SIZE (64u << 10)
/* Sort after at most this many lines, because most of them may replace others. */
#define PIECE_LIMIT (256u << 10)
/* Names of replaced functions are kept until they take this much. */
#define UNUSED_NAMES (64u << 10)
/* How many functions a search skips because they begin and end before the address. */
#define NESTING_LIMIT 256

void ebcc_perf_map_init(struct ebcc_perf_map *map, size_t limit)
{
	*map = (struct ebcc_perf_map){.limit = limit};
}

static void free_entries(struct ebcc_perf_map *map)
{
	free(map->entries);
	map->entries = NULL;
	map->count = map->capacity = map->unused_names = 0;
	map->run_count = 0;
	ebcc_buf_deinit(&map->names);
}

void ebcc_perf_map_deinit(struct ebcc_perf_map *map)
{
	free_entries(map);
	ebcc_buf_deinit(&map->line);
	ebcc_perf_map_init(map, map->limit);
}

size_t ebcc_perf_map_memory(const struct ebcc_perf_map *map)
{
	return map->count * sizeof(*map->entries) + map->names.size + map->line.size;
}

/* ---- Runs ---- */

static size_t run_begin(const struct ebcc_perf_map *map, unsigned run)
{
	return run ? map->run_ends[run - 1] : 0;
}

static size_t run_length(const struct ebcc_perf_map *map, unsigned run)
{
	return map->run_ends[run] - run_begin(map, run);
}

/* Counts the name of an entry that is being dropped as unused. */
static void drop_name(struct ebcc_perf_map *map, const struct ebcc_perf_map_entry *entry)
{
	map->unused_names += strlen(map->names.data + entry->name) + 1;
}

static int compare_entries(const void *a, const void *b)
{
	const struct ebcc_perf_map_entry *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->name < right->name ? -1 : left->name > right->name;
}

/* Makes a run of the entries after the last run. If several have the same start, keeps the last. */
static void sort_new(struct ebcc_perf_map *map)
{
	size_t begin = map->run_count ? map->run_ends[map->run_count - 1] : 0, kept = begin;

	qsort(map->entries + begin, map->count - begin, sizeof(*map->entries), compare_entries);
	for (size_t i = begin; i < map->count; i++) {
		if (kept > begin && map->entries[kept - 1].start == map->entries[i].start)
			drop_name(map, &map->entries[--kept]);
		map->entries[kept++] = map->entries[i];
	}
	map->count = kept;
	map->run_ends[map->run_count++] = kept;
}

/* Merges the last two runs from their ends. Only the newer one has to be copied. False: out of
 * memory. */
static bool merge_last(struct ebcc_perf_map *map)
{
	size_t begin = run_begin(map, map->run_count - 2),
	       middle = run_begin(map, map->run_count - 1);
	size_t left = middle, right = map->count - middle, out = map->count;
	struct ebcc_perf_map_entry *entries = map->entries;
	AUTO_FREE struct ebcc_perf_map_entry *newer = malloc(right * sizeof(*newer));

	if (!newer)
		return false;
	memcpy(newer, entries + middle, right * sizeof(*newer));
	while (right) {
		if (left > begin && entries[left - 1].start == newer[right - 1].start)
			drop_name(map, &entries[--left]);
		else if (left > begin && entries[left - 1].start > newer[right - 1].start)
			entries[--out] = entries[--left];
		else
			entries[--out] = newer[--right];
	}
	/* The rest of the older run is already in place; close the gap left by replaced entries. */
	memmove(entries + left, entries + out, (map->count - out) * sizeof(*entries));
	map->count -= out - left;
	map->run_ends[--map->run_count - 1] = map->count;
	return true;
}

/* Copies the names that are still in use, once the unused ones take more than these. False: out of
 * memory. */
static bool compact_names(struct ebcc_perf_map *map)
{
	struct ebcc_buf names = EBCC_BUF_INIT;

	if (map->unused_names < UNUSED_NAMES || map->unused_names < map->names.size / 2)
		return true;
	for (size_t i = 0; i < map->count; i++) {
		const char *name = map->names.data + map->entries[i].name;

		map->entries[i].name = (uint32_t)names.size;
		ebcc_buf_append(&names, name, strlen(name) + 1);
	}
	ebcc_buf_deinit(&map->names);
	map->names = names;
	map->unused_names = 0;
	return !names.failed;
}

/* Indexes what was added since the last time. False: out of memory. */
static bool index_new(struct ebcc_perf_map *map)
{
	if (map->count == (map->run_count ? map->run_ends[map->run_count - 1] : 0))
		return true;
	sort_new(map);
	while (map->run_count > 1 &&
	       (map->run_count == EBCC_PERF_MAP_RUNS ||
		run_length(map, map->run_count - 1) > run_length(map, map->run_count - 2) / 2))
		if (!merge_last(map))
			return false;
	return compact_names(map);
}

/* ---- Lines ---- */

/* Scans a number, with or without "0x", and the spaces after it. */
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

/* Makes room for one more line with a name of that size. Beyond the limit, the map is emptied.
 * False: out of memory. */
static bool make_room(struct ebcc_perf_map *map, size_t name_size)
{
	size_t sorted = map->run_count ? map->run_ends[map->run_count - 1] : 0;
	size_t memory = ebcc_perf_map_memory(map) + sizeof(*map->entries) + name_size;
	bool is_beyond = memory > map->limit || map->names.size + name_size > NAMES_LIMIT;

	if (is_beyond || map->count - sorted >= PIECE_LIMIT) {
		if (!index_new(map))
			return false;
		/* Require some free space: sorting again after every few lines would take forever.
		 */
		map->too_large =
			is_beyond && (ebcc_perf_map_memory(map) > map->limit - map->limit / 4 ||
				      map->names.size > NAMES_LIMIT - NAMES_LIMIT / 4);
		if (map->too_large)
			free_entries(map);
	}
	return map->too_large || map->count < map->capacity || grow(map);
}

/* Adds a line if it is well-formed. False: out of memory. */
static bool add_line(struct ebcc_perf_map *map, const char *line, size_t size)
{
	const char *at = line, *end = line + size;
	struct ebcc_perf_map_entry *entry;
	uint64_t start, length;

	if (!scan_field(&at, end, &start) || !scan_field(&at, end, &length) || !length)
		return true;
	if (end > at && end[-1] == '\r')
		end--;
	/* A name ends at the first NUL, if there is one. */
	end = at + strnlen(at, end - at);
	if (at == end)
		return true;
	if (!make_room(map, end - at + 1))
		return false;
	if (map->too_large)
		return true;
	if (length > UINT64_MAX - start)
		length = UINT64_MAX - start;
	entry = &map->entries[map->count++];
	entry->start = start;
	entry->size = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
	entry->name = (uint32_t)map->names.size;
	ebcc_buf_append(&map->names, at, end - at);
	ebcc_buf_append_char(&map->names, '\0');
	return !map->names.failed;
}

/* Keeps the beginning of a line until the rest arrives. */
static void keep_partial_line(struct ebcc_perf_map *map, const char *data, size_t size)
{
	if (map->line.size + size > LINE_LIMIT)
		map->skipping = true;
	if (map->skipping)
		ebcc_buf_clear(&map->line);
	else
		ebcc_buf_append(&map->line, data, size);
}

/* Adds a line that @data completes. False: out of memory. */
static bool finish_line(struct ebcc_perf_map *map, const char *data, size_t size)
{
	bool added = true;

	if (map->line.size || map->skipping)
		keep_partial_line(map, data, size);
	if (map->line.size)
		added = add_line(map, map->line.data, map->line.size);
	else if (!map->skipping && size <= LINE_LIMIT)
		added = add_line(map, data, size);
	ebcc_buf_clear(&map->line);
	map->skipping = false;
	return added;
}

/* ---- Reading ---- */

/* Remembers the last bytes that were read. */
static void sample_tail(struct ebcc_perf_map_sample *tail, const char *data, size_t size)
{
	size_t kept = size < sizeof(tail->bytes) ? size : sizeof(tail->bytes);
	size_t older =
		sizeof(tail->bytes) - kept < tail->size ? sizeof(tail->bytes) - kept : tail->size;

	memmove(tail->bytes, tail->bytes + tail->size - older, older);
	memcpy(tail->bytes + older, data + size - kept, kept);
	tail->size = older + kept;
}

static void sample_head(struct ebcc_perf_map_sample *head, const char *data, size_t size)
{
	size_t room = sizeof(head->bytes) - head->size;

	memcpy(head->bytes + head->size, data, size < room ? size : room);
	head->size += size < room ? size : room;
}

/* Adds the lines of a piece, without sorting them. False: out of memory. */
static bool add_piece(struct ebcc_perf_map *map, const char *data, size_t size)
{
	const char *end = data + size, *newline;

	map->size += size;
	sample_head(&map->head, data, size);
	sample_tail(&map->tail, data, size);
	for (; !map->too_large && (newline = memchr(data, '\n', end - data)); data = newline + 1)
		if (!finish_line(map, data, newline - data))
			return false;
	if (map->size > FILE_LIMIT)
		map->too_large = true;
	if (map->too_large)
		free_entries(map);
	else
		keep_partial_line(map, data, end - data);
	return !map->line.failed;
}

/* Out of memory: as for a map that is too large, nothing is kept. The next read starts over. */
static struct ebcc_error *no_memory(struct ebcc_perf_map *map)
{
	ebcc_perf_map_deinit(map);
	return ebcc_error_no_memory();
}

struct ebcc_error *ebcc_perf_map_add(struct ebcc_perf_map *map, const char *data, size_t size)
{
	return add_piece(map, data, size) && index_new(map) ? NULL : no_memory(map);
}

static bool has_sample(int fd, const struct ebcc_perf_map_sample *sample, uint64_t offset)
{
	char bytes[EBCC_PERF_MAP_SAMPLE];

	return pread(fd, bytes, sample->size, (off_t)offset) == (ssize_t)sample->size &&
	       !memcmp(bytes, sample->bytes, sample->size);
}

struct ebcc_error *ebcc_perf_map_read(struct ebcc_perf_map *map, int fd, uint64_t most,
				      bool *ret_more)
{
	AUTO_FREE char *data = malloc(READ_SIZE);
	ssize_t size = 1;

	*ret_more = false;
	if (!data)
		return ebcc_error_no_memory();
	if (!has_sample(fd, &map->head, 0) ||
	    !has_sample(fd, &map->tail, map->size - map->tail.size))
		ebcc_perf_map_deinit(map);
	for (uint64_t rest = most; size > 0 && rest && !map->too_large; rest -= size) {
		do
			size = pread(fd, data, rest < READ_SIZE ? rest : READ_SIZE,
				     (off_t)map->size);
		while (size < 0 && errno == EINTR);
		if (size <= 0)
			break;
		if (!add_piece(map, data, size))
			return no_memory(map);
	}
	*ret_more = size > 0 && !map->too_large;
	return index_new(map) ? NULL : no_memory(map);
}

/* ---- Searching ---- */

/* The index after the last entry of a run that begins at or before an address. */
static size_t search_run(const struct ebcc_perf_map *map, unsigned run, uint64_t address)
{
	size_t low = run_begin(map, run), high = map->run_ends[run];

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->entries[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Steps back to the entry with the next lower start among all runs; the newest if there are
 * several. */
static const struct ebcc_perf_map_entry *step_back(const struct ebcc_perf_map *map, size_t *at)
{
	const struct ebcc_perf_map_entry *nearest = NULL;

	for (unsigned run = map->run_count; run--;)
		if (at[run] > run_begin(map, run) &&
		    (!nearest || map->entries[at[run] - 1].start > nearest->start))
			nearest = &map->entries[at[run] - 1];
	for (unsigned run = 0; nearest && run < map->run_count; run++)
		if (at[run] > run_begin(map, run) &&
		    map->entries[at[run] - 1].start == nearest->start)
			at[run]--;
	return nearest;
}

bool ebcc_perf_map_find(const struct ebcc_perf_map *map, uint64_t address, const char **ret_name,
			uint64_t *ret_offset)
{
	size_t at[EBCC_PERF_MAP_RUNS];

	for (unsigned run = 0; run < map->run_count; run++)
		at[run] = search_run(map, run, address);
	for (unsigned i = 0; i < NESTING_LIMIT; i++) {
		const struct ebcc_perf_map_entry *entry = step_back(map, at);

		if (!entry)
			return false;
		if (address - entry->start >= entry->size)
			continue;
		*ret_name = map->names.data + entry->name;
		*ret_offset = address - entry->start;
		return true;
	}
	return false;
}
