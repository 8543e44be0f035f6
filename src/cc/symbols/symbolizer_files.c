// SPDX-License-Identifier: Apache-2.0
/*
 * The files that processes share, each with its symbol table, and the vDSO.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "symbols/symbolizer_internal.h"

/* The kernel's vDSO takes two to four pages. */
#define VDSO_SIZE_LIMIT (1u << 20)

struct file_key {
	uint64_t device, inode;
};

void symbol_file_charge(struct ebcc_symbolizer *symbolizer, struct symbol_file *file)
{
	/* The record itself, and its entry in the index. */
	size_t size = sizeof(*file) + sizeof(struct file_key) + 2 * sizeof(struct ebcc_hash_entry);

	if (file->table)
		size += ebcc_symbol_table_memory(file->table);
	symbolizer_charge(symbolizer, &file->charged, size);
}

void symbol_file_drop(struct ebcc_symbolizer *symbolizer, struct symbol_file *file)
{
	ebcc_symbol_table_destroy(file->table);
	file->table = NULL;
	symbol_file_charge(symbolizer, file);
}

void symbol_file_destroy(struct symbol_file *file)
{
	ebcc_symbol_table_destroy(file->table);
	free(file->path);
	free(file);
}

void symbol_file_release(struct symbol_file *file)
{
	if (file)
		file->references--;
}

static struct symbol_file *new_file(struct ebcc_symbolizer *symbolizer)
{
	struct symbol_file *file = calloc(1, sizeof(*file)), **files;

	if (file && symbolizer->file_count == symbolizer->file_capacity) {
		size_t capacity = symbolizer->file_capacity ? symbolizer->file_capacity * 2 : 64;

		files = realloc(symbolizer->files, capacity * sizeof(struct symbol_file *));
		if (!files) {
			free(file);
			return NULL;
		}
		symbolizer->files = files;
		symbolizer->file_capacity = capacity;
	}
	if (file)
		symbolizer->files[symbolizer->file_count++] = file;
	return file;
}

/* Finds or creates the record of a file. A file that has changed gets a new record. NULL: out of
 * memory. */
static struct symbol_file *find_file(struct ebcc_symbolizer *symbolizer, const struct stat *st)
{
	struct file_key key = {st->st_dev, st->st_ino};
	uint64_t *place = ebcc_hash_insert(&symbolizer->file_index, &key, sizeof(key));
	struct symbol_file *file;

	if (!place)
		return NULL;
	if (*place) {
		file = symbolizer->files[*place - 1];
		if (file->modified.tv_sec == st->st_mtim.tv_sec &&
		    file->modified.tv_nsec == st->st_mtim.tv_nsec &&
		    file->size == (uint64_t)st->st_size)
			return file;
	}
	file = new_file(symbolizer);
	if (!file)
		return NULL;
	*place = symbolizer->file_count;
	symbol_file_charge(symbolizer, file);
	file->device = st->st_dev;
	file->inode = st->st_ino;
	file->modified = st->st_mtim;
	file->size = st->st_size;
	return file;
}

struct ebcc_error *symbol_file_load(struct ebcc_symbolizer *symbolizer, struct symbol_file *file,
				    int fd, const struct ebcc_symbol_places *places)
{
	uint64_t begin;

	if (file->table)
		return NULL;
	/* Nothing can be dropped during a call, so the limit within one is twice as high. */
	if (symbolizer->memory / 2 >= symbolizer->memory_limit) {
		symbolizer_leave_out(symbolizer, LEFT_NO_MEMORY, places->path);
		return NULL;
	}
	begin = ebcc_work_ns();
	TRY(ebcc_symbol_table_load(fd, places, &file->table));
	symbolizer_worked(symbolizer, begin);
	symbolizer->loaded++;
	symbol_file_charge(symbolizer, file);
	if (ebcc_symbol_table_is_too_large(file->table))
		symbolizer_leave_out(symbolizer, LEFT_TOO_LARGE, places->path);
	return NULL;
}

struct ebcc_error *symbol_file_get(struct ebcc_symbolizer *symbolizer, int fd,
				   const struct ebcc_symbol_places *places,
				   struct symbol_file **ret)
{
	struct symbol_file *file;
	struct stat st;

	*ret = NULL;
	if (fstat(fd, &st))
		return NULL;
	file = find_file(symbolizer, &st);
	if (!file)
		return ebcc_error_no_memory();
	TRY(symbol_file_load(symbolizer, file, fd, places));
	file->last_used = symbolizer->calls;
	file->references++;
	*ret = file;
	return NULL;
}

void symbol_files_compact(struct ebcc_symbolizer *symbolizer)
{
	struct ebcc_hash index = {0};
	size_t kept = 0;

	for (size_t i = 0; i < symbolizer->file_count; i++) {
		struct symbol_file *file = symbolizer->files[i];

		if (!file->references && !file->table) {
			symbolizer_charge(symbolizer, &file->charged, 0);
			symbol_file_destroy(file);
			continue;
		}
		symbolizer->files[kept++] = file;
	}
	symbolizer->file_count = kept;
	for (size_t i = 0; i < kept; i++) {
		struct symbol_file *file = symbolizer->files[i];
		struct file_key key = {file->device, file->inode};
		uint64_t *place = ebcc_hash_insert(&index, &key, sizeof(key));

		/* Among the versions of a changed file, the last one is the newest. */
		if (place)
			*place = i + 1;
	}
	ebcc_hash_deinit(&symbolizer->file_index);
	symbolizer->file_index = index;
}

/* ---- The vDSO ---- */

struct ebcc_error *symbolizer_vdso(struct ebcc_symbolizer *symbolizer,
				   struct ebcc_symbol_table **ret)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	AUTO_CODE_MAPS struct ebcc_code_maps maps = EBCC_CODE_MAPS_INIT;
	uint64_t image = getauxval(AT_SYSINFO_EHDR);
	const struct ebcc_code_map *map;

	*ret = symbolizer->vdso;
	if (symbolizer->vdso_tried || !image)
		return NULL;
	symbolizer->vdso_tried = true;
	/* This process has the same vDSO as the traced ones: read it in our own memory. */
	TRY(ebcc_buf_read_file(&text, "/proc/self/maps", 64u << 20));
	TRY(ebcc_code_maps_parse(ebcc_buf_string(&text), text.size, &maps));
	map = ebcc_code_maps_find(&maps, image);
	if (!map || map->start != image || map->end - map->start > VDSO_SIZE_LIMIT)
		return NULL;
	TRY(ebcc_symbol_table_load_memory((const void *)(uintptr_t)image, map->end - map->start,
					  &symbolizer->vdso));
	*ret = symbolizer->vdso;
	return NULL;
}
