/* SPDX-License-Identifier: Apache-2.0 */
/*
 * perf maps: text files in which JIT compilers tell where they put which function, "START SIZE
 * NAME" in each line with hexadecimal numbers. The traced process writes the file, at any time and
 * whatever it likes.
 */
#ifndef EBCC_SYMBOLS_PERF_MAP_H
#define EBCC_SYMBOLS_PERF_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct ebcc_perf_map_entry {
	uint64_t start;
	uint32_t size; /* in bytes; longer functions end at 4 GB */
	uint32_t name; /* offset in names; the file's order */
};

/* Enough for runs of which each is at least twice as long as the next. */
#define EBCC_PERF_MAP_RUNS 40
/* What is compared of a file's beginning, and of what was read last. */
#define EBCC_PERF_MAP_SAMPLE 64

struct ebcc_perf_map_sample {
	unsigned size;
	char bytes[EBCC_PERF_MAP_SAMPLE];
};

struct ebcc_perf_map {
	struct ebcc_perf_map_entry *entries; /* runs, each sorted; behind them what is new */
	size_t count, capacity;
	size_t run_ends[EBCC_PERF_MAP_RUNS];
	unsigned run_count;
	struct ebcc_buf names; /* NUL-terminated, one after the other */
	size_t unused_names;   /* bytes of those that no entry has any more */
	struct ebcc_buf line;  /* the last one, of which the end is missing yet */
	uint64_t size;	       /* bytes read of the file */
	size_t limit;	       /* bytes of memory */
	struct ebcc_perf_map_sample head, tail;
	bool skipping;	/* in a line that is too long */
	bool too_large; /* beyond the limit: there are no entries, as later lines may replace any */
};

/* @limit: bytes of memory that the map may take. */
void ebcc_perf_map_init(struct ebcc_perf_map *map, size_t limit);
/* Frees what was read and begins anew. */
void ebcc_perf_map_deinit(struct ebcc_perf_map *map);

/* Adds the next @size bytes of the file, and makes its lines found. What is not of the format is
 * passed over. Names given out before are no longer good. Fails for lack of memory only, and then
 * the map is empty and begins anew. */
MUST_CHECK struct ebcc_error *ebcc_perf_map_add(struct ebcc_perf_map *map, const char *data,
						size_t size);

/*
 * Reads on in a file from where the last call ended, @most bytes; a file that isn't the one that
 * was read before, or is but was written anew, from its beginning. The cost is in proportion to
 * what is read, however much is known. *@ret_more: the end wasn't reached.
 */
MUST_CHECK struct ebcc_error *ebcc_perf_map_read(struct ebcc_perf_map *map, int fd, uint64_t most,
						 bool *ret_more);

/* The function at @address, of several the one written last for the nearest start; false: none.
 * *@ret_name is borrowed until more is added. */
bool ebcc_perf_map_find(const struct ebcc_perf_map *map, uint64_t address, const char **ret_name,
			uint64_t *ret_offset);

/* Bytes of memory that the map takes. */
size_t ebcc_perf_map_memory(const struct ebcc_perf_map *map);

#endif /* EBCC_SYMBOLS_PERF_MAP_H */
