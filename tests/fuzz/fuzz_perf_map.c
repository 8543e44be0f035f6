// SPDX-License-Identifier: Apache-2.0
/* Fuzz target of the perf map parser. A map comes in pieces, as its file grows: the input is cut in
 * two, and the whole must mean the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "perf_map.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ebcc_perf_map pieces, whole;
	size_t cut = size ? data[0] % (size + 1) : 0;

	ebcc_perf_map_init(&pieces);
	ebcc_perf_map_init(&whole);
	add(&whole, data, size);
	add(&pieces, data, cut);
	add(&pieces, data + cut, size - cut);
	if (pieces.count != whole.count)
		abort();
	for (size_t i = 0; i < QUESTIONS && i < whole.count; i++) {
		compare(&pieces, &whole, whole.entries[i].start);
		compare(&pieces, &whole, whole.entries[i].start + whole.entries[i].size);
	}
	compare(&pieces, &whole, UINT64_MAX);
	ebcc_perf_map_deinit(&pieces);
	ebcc_perf_map_deinit(&whole);
	return 0;
}
