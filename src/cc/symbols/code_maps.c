// SPDX-License-Identifier: Apache-2.0
/* The executable mappings of a process, sorted by address, and the distinct files in them. */
#include "symbols/code_maps.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "elf/proc_maps.h"

/* Converts a mapping. Returns false if it is to be skipped: because it isn't executable, or its
 * file offsets overflow. */
static bool convert(const struct ebcc_mapping *mapping, struct ebcc_code_map *ret)
{
	if (!mapping->executable || mapping->offset > UINT64_MAX - (mapping->end - mapping->start))
		return false;
	*ret = (struct ebcc_code_map){
		.start = mapping->start,
		.end = mapping->end,
		.offset = mapping->offset,
		.inode = mapping->inode,
		.device_major = mapping->major,
		.device_minor = mapping->minor,
		.path = mapping->vdso	? "[vdso]"
			: mapping->path ? mapping->path
					: "",
	};
	return true;
}

/* Numbers the distinct files: a library is mapped in several pieces. False: out of memory. */
static bool number_object(struct ebcc_code_maps *maps, struct ebcc_hash *objects,
			  struct ebcc_code_map *map)
{
	struct {
		uint64_t inode;
		uint32_t major, minor;
	} identity = {map->inode, map->device_major, map->device_minor};
	uint64_t *number;

	map->object = SIZE_MAX;
	if (!map->inode && strcmp(map->path, "[vdso]"))
		return true;
	number = ebcc_hash_insert(objects, &identity, sizeof(identity));
	if (!number)
		return false;
	if (!*number)
		*number = ++maps->object_count;
	map->object = *number - 1;
	return true;
}

static size_t count_lines(const char *text, size_t size)
{
	size_t count = 1;

	for (const char *at = text; (at = memchr(at, '\n', size - (at - text))); at++)
		count++;
	return count;
}

static int compare_maps(const void *a, const void *b)
{
	const struct ebcc_code_map *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

/* Sorts the mappings and drops overlapping ones. The kernel's own text needs neither. */
static void order(struct ebcc_code_maps *maps)
{
	size_t kept = 0;

	for (size_t i = 1; i < maps->count; i++) {
		if (maps->maps[i].start < maps->maps[i - 1].start) {
			qsort(maps->maps, maps->count, sizeof(*maps->maps), compare_maps);
			break;
		}
	}
	for (size_t i = 0; i < maps->count; i++)
		if (!kept || maps->maps[i].start >= maps->maps[kept - 1].end)
			maps->maps[kept++] = maps->maps[i];
	maps->count = kept;
}

/* Parses @text in place: it is modified, and the paths point into it. */
static bool parse(struct ebcc_code_maps *maps, char *text)
{
	AUTO_HASH struct ebcc_hash objects = {0};
	struct ebcc_mapping mapping;

	while (ebcc_maps_next(&text, &mapping)) {
		struct ebcc_code_map *map = &maps->maps[maps->count];

		if (!convert(&mapping, map))
			continue;
		if (!number_object(maps, &objects, map))
			return false;
		maps->count++;
	}
	return true;
}

/* Whether a mapping has the path of the previous one, as the parts of a file do. */
static bool repeats_path(const struct ebcc_code_maps *maps, size_t index)
{
	return index && !strcmp(maps->maps[index].path, maps->maps[index - 1].path);
}

/* Copies the paths that are kept, since most mappings of a process are not executable. False: out
 * of memory. */
static bool copy_paths(struct ebcc_code_maps *maps)
{
	char *at;

	for (size_t i = 0; i < maps->count; i++)
		if (!repeats_path(maps, i))
			maps->path_bytes += strlen(maps->maps[i].path) + 1;
	maps->paths = at = malloc(maps->path_bytes + 1);
	for (size_t i = 0; at && i < maps->count; i++) {
		struct ebcc_code_map *map = &maps->maps[i];

		if (repeats_path(maps, i)) {
			map->path = map[-1].path;
			continue;
		}
		/* The old string stays intact, so the next one can be compared with this copy. */
		map->path = strcpy(at, map->path);
		at += strlen(at) + 1;
	}
	return maps->paths;
}

struct ebcc_error *ebcc_code_maps_parse(const char *text, size_t size, struct ebcc_code_maps *ret)
{
	struct ebcc_code_maps maps = {0};
	AUTO_FREE char *copy = malloc(size + 1);
	struct ebcc_code_map *shrunk;

	maps.maps = calloc(count_lines(text, size), sizeof(*maps.maps));
	if (copy && maps.maps) {
		memcpy(copy, text, size);
		copy[size] = '\0';
	}
	if (!copy || !maps.maps || !parse(&maps, copy)) {
		ebcc_code_maps_deinit(&maps);
		return ebcc_error_no_memory();
	}
	order(&maps);
	if (!copy_paths(&maps)) {
		ebcc_code_maps_deinit(&maps);
		return ebcc_error_no_memory();
	}
	shrunk = realloc(maps.maps, (maps.count + 1) * sizeof(*maps.maps));
	if (shrunk)
		maps.maps = shrunk;
	*ret = maps;
	return NULL;
}

void ebcc_code_maps_deinit(struct ebcc_code_maps *maps)
{
	free(maps->maps);
	free(maps->paths);
	*maps = EBCC_CODE_MAPS_INIT;
}

const struct ebcc_code_map *ebcc_code_maps_find(const struct ebcc_code_maps *maps, uint64_t address)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (maps->maps[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == maps->count || maps->maps[low].start > address)
		return NULL;
	return &maps->maps[low];
}
