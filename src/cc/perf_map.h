/* SPDX-License-Identifier: Apache-2.0 */
/*
 * perf maps: text files in which JIT compilers tell where they put which function, "START SIZE
 * NAME" in each line with hexadecimal numbers. The traced process writes the file, at any time and
 * whatever it likes.
 */
#ifndef EBCC_PERF_MAP_H
#define EBCC_PERF_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct ebcc_perf_map_entry {
	uint64_t start;
	uint32_t size; /* in bytes; longer functions end at 4 GB */
	uint32_t name; /* offset in names; the file's order */
};

struct ebcc_perf_map {
	struct ebcc_perf_map_entry *entries;
	size_t count, capacity;
	struct ebcc_buf names; /* NUL-terminated, one after the other */
	struct ebcc_buf line;  /* the last one, of which the end is missing yet */
	uint64_t size;	       /* bytes read of the file */
	bool skipping;	       /* in a line that is too long */
	bool sorted;
};

void ebcc_perf_map_init(struct ebcc_perf_map *map);
void ebcc_perf_map_deinit(struct ebcc_perf_map *map);

/* Adds the next @size bytes of the file. What is not of the format is passed over, and from a
 * bound on memory on everything. Fails for lack of memory only. */
MUST_CHECK struct ebcc_error *ebcc_perf_map_add(struct ebcc_perf_map *map, const char *data,
						size_t size);

/* Reads on in a file from where the last call ended, up to a bound. */
MUST_CHECK struct ebcc_error *ebcc_perf_map_read(struct ebcc_perf_map *map, int fd);

/* The function at @address, of several the one written last for the nearest start; false: none.
 * *@ret_name is borrowed until the next ebcc_perf_map_add(). */
bool ebcc_perf_map_find(struct ebcc_perf_map *map, uint64_t address, const char **ret_name,
			uint64_t *ret_offset);

#endif /* EBCC_PERF_MAP_H */
