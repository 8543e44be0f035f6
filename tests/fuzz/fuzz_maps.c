// SPDX-License-Identifier: Apache-2.0
/* Fuzz target of the parser of /proc/PID/maps: what comes out is sorted, within bounds, and found
 * again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/code_maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ebcc_code_maps maps;
	struct ebcc_error *error = ebcc_code_maps_parse((const char *)data, size, &maps);

	if (error) {
		ebcc_error_destroy(error);
		return 0;
	}
	for (size_t i = 0; i < maps.count; i++) {
		const struct ebcc_code_map *map = &maps.maps[i];

		if (map->start >= map->end || (i && map->start < map[-1].end) ||
		    (map->object != SIZE_MAX && map->object >= maps.object_count) ||
		    ebcc_code_maps_find(&maps, map->start) != map ||
		    ebcc_code_maps_find(&maps, map->end - 1) != map || strlen(map->path) > size + 6)
			abort();
	}
	ebcc_code_maps_find(&maps, 0);
	ebcc_code_maps_find(&maps, UINT64_MAX);
	ebcc_code_maps_deinit(&maps);
	return 0;
}
