/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executable mappings of a process, from the text of /proc/PID/maps. The traced process chooses
 * the paths in it, so the text is not trusted.
 */
#ifndef EBCC_SYMBOLS_CODE_MAPS_H
#define EBCC_SYMBOLS_CODE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ebcc_code_map {
	uint64_t start, end; /* end is one past the last byte */
	uint64_t offset;     /* of start in the file, in bytes */
	uint64_t inode;	     /* 0: no file */
	uint32_t device_major, device_minor;
	const char *path; /* a file's, "[vdso]", or "" if there is none. Borrowed from the maps */
	size_t object;	  /* index of the file among the distinct ones, or SIZE_MAX: no file */
};

struct ebcc_code_maps {
	struct ebcc_code_map *maps; /* by address, not overlapping */
	size_t count;
	size_t object_count;
	char *paths; /* the memory for all paths */
	size_t path_bytes;
};

#define EBCC_CODE_MAPS_INIT ((struct ebcc_code_maps){0})

/*
 * Parses @size bytes of text, which is not modified. Malformed lines and mappings that aren't
 * executable are skipped. Fails only if out of memory.
 */
MUST_CHECK struct ebcc_error *ebcc_code_maps_parse(const char *text, size_t size,
						   struct ebcc_code_maps *ret);
void ebcc_code_maps_deinit(struct ebcc_code_maps *maps);
#define AUTO_CODE_MAPS CLEANUP(ebcc_code_maps_deinit)

/* The mapping that contains @address, or NULL. */
const struct ebcc_code_map *ebcc_code_maps_find(const struct ebcc_code_maps *maps,
						uint64_t address);

#endif /* EBCC_SYMBOLS_CODE_MAPS_H */
