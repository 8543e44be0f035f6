// SPDX-License-Identifier: Apache-2.0
/*
 * The perf maps of processes: which file is used, when it is read again, and which processes share
 * it. With links, a user can make one file the perf map of any number of processes; it is read and
 * kept only once.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/open_file.h"
#include "symbols/symbolizer_internal.h"

/* How much one call reads; later calls read the rest. It is twice what large JIT programs write. */
#define READ_LIMIT (64ull << 20)

/* ---- Files ---- */

static void charge(struct ebcc_symbolizer *symbolizer, struct perf_file *file)
{
	symbolizer_charge(symbolizer, &file->charged,
			  sizeof(*file) + ebcc_perf_map_memory(&file->map));
}

/* Finds or creates the record of a file. NULL: out of memory. */
static struct perf_file *get_file(struct ebcc_symbolizer *symbolizer, const struct stat *st)
{
	struct perf_file *file = symbolizer->perf_files;

	while (file && (file->device != st->st_dev || file->inode != st->st_ino))
		file = file->next;
	if (file)
		return file;
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->device = st->st_dev;
	file->inode = st->st_ino;
	ebcc_perf_map_init(&file->map, symbolizer->memory_limit / 2);
	file->next = symbolizer->perf_files;
	symbolizer->perf_files = file;
	symbolizer->perf_count++;
	charge(symbolizer, file);
	return file;
}

void perf_file_drop(struct ebcc_symbolizer *symbolizer, struct perf_file *file)
{
	ebcc_perf_map_deinit(&file->map);
	file->dropped = true;
	file->more = false;
	file->version++;
	charge(symbolizer, file);
}

void perf_file_destroy(struct ebcc_symbolizer *symbolizer, struct perf_file *file)
{
	struct perf_file **link = &symbolizer->perf_files;

	while (*link != file)
		link = &(*link)->next;
	*link = file->next;
	symbolizer->perf_count--;
	symbolizer_charge(symbolizer, &file->charged, 0);
	ebcc_perf_map_deinit(&file->map);
	free(file);
}

void process_release_perf_map(struct process *process)
{
	if (process->perf)
		process->perf->references--;
	process->perf = NULL;
	process->perf_checked = 0;
}

/* ---- Reading ---- */

/* Opens a perf map. It must be owned by the process's user or by root. */
static int open_perf_map(struct process *process, struct stat *ret)
{
	AUTO_CLOSE int root = process->exited ? -1 : ebcc_open_process_root(process->pid);
	AUTO_CLOSE int fd = -1;

	snprintf(process->perf_path, sizeof(process->perf_path), "/tmp/perf-%d.map",
		 process->inner_pid);
	if (root >= 0)
		fd = ebcc_open_regular_in(root, process->perf_path);
	else if (process->same_root)
		fd = ebcc_open_regular_at(-1, process->perf_path);
	if (fd < 0 || fstat(fd, ret) || (ret->st_uid && ret->st_uid != process->owner))
		return -1;
	return TAKE_FD(fd);
}

/* Whether the file may have something new and it is time to read it. */
static bool is_read_due(const struct perf_file *file, const struct stat *st, uint64_t now)
{
	bool is_same = file->map.size == (uint64_t)st->st_size &&
		       file->modified.tv_sec == st->st_mtim.tv_sec &&
		       file->modified.tv_nsec == st->st_mtim.tv_nsec;

	if (!file->read || file->dropped)
		return true;
	if (file->more)
		return is_due(now, file->read, UPDATE_INTERVAL, 0);
	return !is_same && is_due(now, file->read, UPDATE_INTERVAL, file->cost);
}

static struct ebcc_error *read_file(struct ebcc_symbolizer *symbolizer, struct perf_file *file,
				    int fd, const struct stat *st, const char *path)
{
	uint64_t begin = ebcc_work_ns();
	bool was_too_large = file->map.too_large;
	struct ebcc_error *error;

	error = ebcc_perf_map_read(&file->map, fd, READ_LIMIT, &file->more);
	file->modified = st->st_mtim;
	file->dropped = false;
	file->version++;
	file->cost = symbolizer_worked(symbolizer, begin);
	file->read = ebcc_now_ns();
	charge(symbolizer, file);
	if (file->map.too_large && !was_too_large)
		symbolizer_leave_out(symbolizer, LEFT_TOO_LARGE, path);
	return error;
}

struct ebcc_error *process_read_perf_map(struct ebcc_symbolizer *symbolizer,
					 struct process *process)
{
	struct perf_file *file;
	struct stat st;
	AUTO_CLOSE int fd = open_perf_map(process, &st);

	process->perf_checked = ebcc_now_ns();
	/* Without a file, keep what is known: the process may have ended. */
	if (fd < 0)
		return NULL;
	file = get_file(symbolizer, &st);
	if (!file)
		return ebcc_error_no_memory();
	if (file != process->perf) {
		if (process->perf)
			process->perf->references--;
		process->perf = file;
		file->references++;
	}
	file->last_used = symbolizer->calls;
	if (!is_read_due(file, &st, process->perf_checked) ||
	    !symbolizer_may_work(symbolizer, process->perf_path))
		return NULL;
	return read_file(symbolizer, file, fd, &st, process->perf_path);
}

bool process_find_in_perf_map(struct ebcc_symbolizer *symbolizer, struct process *process,
			      uint64_t address, struct ebcc_symbol *ret)
{
	struct perf_file *file = process->perf;
	uint64_t offset;
	const char *name;

	file->last_used = symbolizer->calls;
	/* Lines that have not been read yet may replace any that have. */
	if (file->more || !ebcc_perf_map_find(&file->map, address, &name, &offset))
		return false;
	*ret = (struct ebcc_symbol){name, process->perf_path, offset};
	return true;
}
