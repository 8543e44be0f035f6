// SPDX-License-Identifier: Apache-2.0
/* Fuzz target of the perf map parser. A map comes in pieces, as its file grows: the input is cut
 * into some, and the whole must mean the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/perf_map.h"

#define QUESTIONS 32

static void add(struct ebcc_perf_map *map, const uint8_t *data, size_t size)
{
	struct ebcc_error *error = ebcc_perf_map_add(map, (const char *)data, size);

	if (error)
		abort();
}

static void compare(struct ebcc_perf_map *pieces, struct ebcc_perf_map *whole, uint64_t address)
{
	const char *name = "", *expected = "";
	uint64_t offset = 0, expected_offset = 0;
	bool found = ebcc_perf_map_find(pieces, address, &name, &offset);

	if (found != ebcc_perf_map_find(whole, address, &expected, &expected_offset) ||
	    offset != expected_offset || strcmp(name, expected))
		abort();
}

/* Each run is sorted, without two entries for one start, and the whole is covered by them. */
static void check_runs(const struct ebcc_perf_map *map)
{
	size_t at = 0;

	for (unsigned run = 0; run < map->run_count; run++)
		for (size_t begin = at; at < map->run_ends[run]; at++)
			if (at > begin && map->entries[at - 1].start >= map->entries[at].start)
				abort();
	if (at != map->count || map->unused_names > map->names.size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ebcc_perf_map pieces, whole;
	size_t piece = size ? data[0] + 1 : 1, limit = size > 1 && data[1] & 1 ? 1u << 30 : 2048;

	ebcc_perf_map_init(&pieces, limit);
	ebcc_perf_map_init(&whole, limit);
	add(&whole, data, size);
	for (size_t at = 0; at < size; at += piece)
		add(&pieces, data + at, size - at < piece ? size - at : piece);
	if (ebcc_perf_map_memory(&pieces) > limit + 4096)
		abort();
	/* Where names are replaced, sooner or later, differs; then one may be too large. */
	if (pieces.too_large || whole.too_large)
		goto out;
	check_runs(&pieces);
	check_runs(&whole);
	for (size_t i = 0; i < QUESTIONS && i < whole.count; i++) {
		compare(&pieces, &whole, whole.entries[i].start);
		compare(&pieces, &whole, whole.entries[i].start + whole.entries[i].size);
	}
	compare(&pieces, &whole, UINT64_MAX);
out:
	ebcc_perf_map_deinit(&pieces);
	ebcc_perf_map_deinit(&whole);
	return 0;
}
