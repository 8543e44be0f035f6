/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Perf maps: text files in which JIT compilers list the functions that they compiled. Each line is
 * "START SIZE NAME", with hexadecimal numbers. The traced process may write anything to the file at
 * any time.
 */
#ifndef EBCC_SYMBOLS_PERF_MAP_H
#define EBCC_SYMBOLS_PERF_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct ebcc_perf_map_entry {
	uint64_t start;
	uint32_t size; /* in bytes; longer functions are cut off at 4 GB */
	uint32_t name; /* offset in names, which also gives the order in the file */
};

/* Enough runs if each is at least twice as long as the next. */
#define EBCC_PERF_MAP_RUNS 40
/* How many bytes are compared, at the beginning of the file and before the current position. */
#define EBCC_PERF_MAP_SAMPLE 64

struct ebcc_perf_map_sample {
	unsigned size;
	char bytes[EBCC_PERF_MAP_SAMPLE];
};

struct ebcc_perf_map {
	struct ebcc_perf_map_entry *entries; /* runs, each sorted; then new entries */
	size_t count, capacity;
	size_t run_ends[EBCC_PERF_MAP_RUNS];
	unsigned run_count;
	struct ebcc_buf names; /* NUL-terminated, one after the other */
	size_t unused_names;   /* bytes of names that no entry uses any more */
	struct ebcc_buf line;  /* the beginning of the last line, if it is incomplete */
	uint64_t size;	       /* bytes read from the file */
	size_t limit;	       /* bytes of memory */
	struct ebcc_perf_map_sample head, tail;
	bool skipping;	/* in a line that is too long */
	bool too_large; /* beyond the limit: no entries, because later lines may replace any */
};

/* @limit: bytes of memory that the map may take. */
void ebcc_perf_map_init(struct ebcc_perf_map *map, size_t limit);
/* Frees the entries and resets the map to empty. */
void ebcc_perf_map_deinit(struct ebcc_perf_map *map);

/* Adds the next @size bytes of the file. Malformed lines are skipped. Names that were returned
 * before are no longer valid. Fails only if out of memory; the map is then empty and starts over.
 */
MUST_CHECK struct ebcc_error *ebcc_perf_map_add(struct ebcc_perf_map *map, const char *data,
						size_t size);

/*
 * Continues reading a file where the last call ended, up to @most bytes. If it is another file, or
 * was rewritten, starts over. The cost is proportional to what is read, not to what is known.
 * *@ret_more says that the end was not reached.
 */
MUST_CHECK struct ebcc_error *ebcc_perf_map_read(struct ebcc_perf_map *map, int fd, uint64_t most,
						 bool *ret_more);

/* Finds the function at @address: the one with the nearest start, or if several have it, the last
 * in the file. Returns false if there is none. *@ret_name is borrowed until more is added. */
bool ebcc_perf_map_find(const struct ebcc_perf_map *map, uint64_t address, const char **ret_name,
			uint64_t *ret_offset);

/* Bytes of memory that the map takes. */
size_t ebcc_perf_map_memory(const struct ebcc_perf_map *map);

#endif /* EBCC_SYMBOLS_PERF_MAP_H */
