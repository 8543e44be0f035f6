// SPDX-License-Identifier: Apache-2.0
/*
 * What is known of a process: its executable mappings and the files behind them. A
 * process changes while it is looked at: it loads libraries, executes another program, ends, and
 * its pid goes to the next. So its start time goes with the pid; that it still runs the same
 * program is looked at every millisecond, and its maps are read again in intervals that
 * depend on how long that takes.
 */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/open_file.h"
#include "base/process.h"
#include "elf/proc_maps.h"
#include "kernel/pid_namespace.h"
#include "symbols/symbolizer_internal.h"

#define MAPS_LIMIT (64u << 20)
/* Of processes that are known at a time: those not asked about for longest are forgotten. */
#define PROCESS_LIMIT 1024

/* Intervals in nanoseconds. */
#define CHECK_INTERVAL 1000000ull
#define REFRESH_INTERVAL 10000000ull
/* Maps that were read as fast as this are read again also when the time for reading is used up. */
#define LITTLE_WORK 1000000ull

/* ---- Facts from /proc ---- */

static bool read_small_file(int pid, const char *name, struct ebcc_buf *ret)
{
	char path[64];
	struct ebcc_error *error;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	error = ebcc_buf_read_file(ret, path, 64u << 10);
	ebcc_error_destroy(error);
	return !error;
}

/* The pid that the process itself sees: the last of NStgid's, one for each namespace. */
static int read_inner_pid(int pid)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	char *line, *end, *last;

	if (!read_small_file(pid, "status", &text) || !text.data)
		return pid;
	line = strstr(text.data, "\nNStgid:");
	end = line ? strchr(line + 1, '\n') : NULL;
	if (!end)
		return pid;
	*end = '\0';
	last = strrchr(line, '\t');
	return last ? atoi(last + 1) : pid;
}

static bool same_file(const char *left, const char *right)
{
	struct stat a, b;

	return !stat(left, &a) && !stat(right, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* What follows from the program that a process runs and from where it runs it. */
static void read_surroundings(struct process *process)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", process->pid);
	process->exe_device = process->exe_inode = 0;
	if (!stat(path, &st)) {
		process->exe_device = st.st_dev;
		process->exe_inode = st.st_ino;
	}
	snprintf(path, sizeof(path), "/proc/%d", process->pid);
	process->owner = stat(path, &st) ? (uid_t)-1 : st.st_uid;
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", process->pid);
	process->same_root = same_file(path, "/proc/self/ns/mnt");
	snprintf(path, sizeof(path), "/proc/%d/root", process->pid);
	process->same_root = process->same_root && same_file(path, "/proc/self/root");
	process->inner_pid = read_inner_pid(process->pid);
}

static bool runs_same_program(const struct process *process)
{
	char path[64];
	struct stat st = {0};

	snprintf(path, sizeof(path), "/proc/%d/exe", process->pid);
	if (stat(path, &st))
		st = (struct stat){0};
	return process->exe_device == st.st_dev && process->exe_inode == st.st_ino;
}

/* ---- Maps ---- */

static void clear_objects(struct process *process)
{
	for (size_t i = 0; i < process->maps.object_count; i++)
		symbol_file_release(process->objects[i].file);
	free(process->objects);
	process->objects = NULL;
	ebcc_code_maps_deinit(&process->maps);
	process->maps_hash = 0;
}

static void destroy(struct process *process)
{
	clear_objects(process);
	process_release_perf_map(process);
	free(process);
}

void process_drop(struct ebcc_symbolizer *symbolizer, struct process *process)
{
	struct process **link = &symbolizer->processes[(unsigned)process->pid % PROCESS_BUCKETS];

	while (*link != process)
		link = &(*link)->next;
	*link = process->next;
	symbolizer->process_count--;
	symbolizer_charge(symbolizer, &process->charged, 0);
	destroy(process);
}

static void charge(struct ebcc_symbolizer *symbolizer, struct process *process)
{
	const struct ebcc_code_maps *maps = &process->maps;

	symbolizer_charge(symbolizer, &process->charged,
			  sizeof(*process) + maps->count * sizeof(*maps->maps) + maps->path_bytes +
				  maps->object_count * sizeof(*process->objects));
}

static bool is_same_object(const struct object *left, const struct object *right)
{
	return left->inode == right->inode && left->device_major == right->device_major &&
	       left->device_minor == right->device_minor;
}

/* Makes the objects of new maps, and hands over the files of the old ones. NULL: no memory. */
static struct object *make_objects(struct process *process, const struct ebcc_code_maps *maps)
{
	struct object *objects = calloc(maps->object_count + 1, sizeof(*objects));
	size_t old = 0;

	for (size_t i = 0; objects && i < maps->count; i++) {
		const struct ebcc_code_map *map = &maps->maps[i];
		struct object *object = map->object == SIZE_MAX ? NULL : &objects[map->object];

		if (!object || object->map)
			continue;
		*object = (struct object){.inode = map->inode,
					  .device_major = map->device_major,
					  .device_minor = map->device_minor,
					  .map = map};
		/* Both are in the order of addresses, so the next one is most often the same. */
		for (size_t tries = 0; tries < 64 && tries < process->maps.object_count; tries++) {
			struct object *former =
				&process->objects[(old + tries) % process->maps.object_count];

			if (!former->file || !is_same_object(former, object))
				continue;
			object->file = TAKE_PTR(former->file);
			old += tries + 1;
			break;
		}
	}
	return objects;
}

/*
 * Paths of a process whose root directory was changed are told from our root, not from its: makes
 * them what the process calls them. In a container with a root file system of its own they already
 * are.
 */
static void strip_root(const struct process *process, struct ebcc_code_maps *maps)
{
	char link[64], root[4096];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/%d/root", process->pid);
	length = readlink(link, root, sizeof(root));
	if (length <= 1 || (size_t)length == sizeof(root))
		return;
	for (size_t i = 0; i < maps->count; i++)
		if (!strncmp(maps->maps[i].path, root, length) && maps->maps[i].path[length] == '/')
			maps->maps[i].path += length;
}

static struct ebcc_error *set_maps(struct process *process, const struct ebcc_buf *text,
				   uint64_t hash)
{
	AUTO_CODE_MAPS struct ebcc_code_maps maps = EBCC_CODE_MAPS_INIT;
	struct object *objects;

	TRY(ebcc_code_maps_parse(ebcc_buf_string(text), text->size, &maps));
	strip_root(process, &maps);
	objects = make_objects(process, &maps);
	if (!objects)
		return ebcc_error_no_memory();
	clear_objects(process);
	process->maps = maps;
	maps = EBCC_CODE_MAPS_INIT;
	process->objects = objects;
	process->maps_hash = hash;
	read_surroundings(process);
	return NULL;
}

static struct ebcc_error *read_maps(struct process *process)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	uint64_t hash, start_time;
	struct ebcc_error *error;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", process->pid);
	error = ebcc_buf_read_file(&text, path, MAPS_LIMIT);
	if (error && ebcc_error_code(error) == EBCC_ERROR_NO_MEMORY)
		return error;
	start_time = ebcc_process_start_time(process->pid);
	/* A process that has ended, but wasn't waited for, has no mappings any more. */
	if (start_time != process->start_time || (!error && !text.size && process->maps.count)) {
		process->exited = true;
		ebcc_error_destroy(error);
		return NULL;
	}
	/* Not for this user to read, or too much: it has no names then, nor has it those that it
	 * had before. */
	if (error) {
		clear_objects(process);
		ebcc_error_destroy(error);
		return NULL;
	}
	hash = XXH3_64bits(ebcc_buf_string(&text), text.size) | 1;
	return hash == process->maps_hash ? NULL : set_maps(process, &text, hash);
}

/* Reads maps again. If the pid is another process's by now, starts over with that. */
static struct ebcc_error *refresh(struct ebcc_symbolizer *symbolizer, struct process *process)
{
	uint64_t start_time = ebcc_process_start_time(process->pid), begin = ebcc_work_ns();
	struct ebcc_error *error;

	if (!start_time) {
		process->exited = true;
		return NULL;
	}
	if (start_time != process->start_time) {
		clear_objects(process);
		process_release_perf_map(process);
		process->start_time = start_time;
		process->exited = false;
	}
	error = read_maps(process);
	process->checked = process->refreshed = ebcc_now_ns();
	process->refresh_cost = symbolizer_worked(symbolizer, begin);
	return error;
}

/* ---- Finding the process ---- */

/* Forgets the process that wasn't asked about for longest. */
static void drop_oldest(struct ebcc_symbolizer *symbolizer)
{
	struct process *oldest = NULL;

	for (size_t i = 0; i < PROCESS_BUCKETS; i++)
		for (struct process *process = symbolizer->processes[i]; process;
		     process = process->next)
			if (!oldest || process->last_used < oldest->last_used)
				oldest = process;
	if (oldest)
		process_drop(symbolizer, oldest);
}

static struct ebcc_error *add_process(struct ebcc_symbolizer *symbolizer, int pid,
				      struct process **ret)
{
	struct process *process, **bucket;
	struct ebcc_error *error;

	TRY(ebcc_pid_namespace_check());
	process = calloc(1, sizeof(*process));
	if (!process)
		return ebcc_error_no_memory();
	process->pid = process->inner_pid = pid;
	error = refresh(symbolizer, process);
	if (error || process->exited) {
		destroy(process);
		*ret = NULL;
		return error;
	}
	if (symbolizer->process_count >= PROCESS_LIMIT)
		drop_oldest(symbolizer);
	bucket = &symbolizer->processes[(unsigned)pid % PROCESS_BUCKETS];
	process->next = *bucket;
	*bucket = process;
	symbolizer->process_count++;
	charge(symbolizer, process);
	*ret = process;
	return NULL;
}

static bool is_refresh_due(struct process *process)
{
	uint64_t now = ebcc_now_ns();

	if (now - process->checked >= CHECK_INTERVAL) {
		process->checked = now;
		if (process->exited) {
			uint64_t start_time = ebcc_process_start_time(process->pid);

			return start_time && start_time != process->start_time;
		}
		if (!runs_same_program(process))
			return true;
	}
	return !process->exited &&
	       is_due(now, process->refreshed, REFRESH_INTERVAL, process->refresh_cost);
}

/* Reads again what is due. Where the time for reading is used up, the process has no names. */
static struct ebcc_error *refresh_known(struct ebcc_symbolizer *symbolizer, struct process *process)
{
	char subject[32];

	snprintf(subject, sizeof(subject), "/proc/%d/maps", process->pid);
	if (is_refresh_due(process)) {
		process->stale = process->refresh_cost >= LITTLE_WORK &&
				 !symbolizer_may_work(symbolizer, subject);
		if (process->stale)
			return NULL;
		TRY(refresh(symbolizer, process));
		charge(symbolizer, process);
	}
	/* Functions that have a name by now may be replaced by others. */
	if (process->perf && is_due(ebcc_now_ns(), process->perf_checked, REFRESH_INTERVAL, 0))
		return process_read_perf_map(symbolizer, process);
	return NULL;
}

struct ebcc_error *process_get(struct ebcc_symbolizer *symbolizer, int pid, struct process **ret)
{
	struct process *process = symbolizer->processes[(unsigned)pid % PROCESS_BUCKETS];

	while (process && process->pid != pid)
		process = process->next;
	if (process)
		TRY(refresh_known(symbolizer, process));
	else
		TRY(add_process(symbolizer, pid, &process));
	if (process)
		process->last_used = symbolizer->calls;
	*ret = process;
	return NULL;
}

/* What is known of its perf map; changes with it. */
static uint64_t perf_version(const struct process *process)
{
	return process->perf ? process->perf->version : 0;
}

struct ebcc_error *process_update(struct ebcc_symbolizer *symbolizer, struct process *process,
				  bool *ret_changed)
{
	uint64_t now = ebcc_now_ns(), hash = process->maps_hash, start_time = process->start_time;
	const struct perf_file *perf = process->perf;
	uint64_t version = perf_version(process);

	if (!process->exited &&
	    is_due(now, process->refreshed, UPDATE_INTERVAL, process->refresh_cost)) {
		TRY(refresh(symbolizer, process));
		charge(symbolizer, process);
	}
	if (process->perf_checked && is_due(now, process->perf_checked, UPDATE_INTERVAL, 0))
		TRY(process_read_perf_map(symbolizer, process));
	*ret_changed = hash != process->maps_hash || start_time != process->start_time ||
		       perf != process->perf || version != perf_version(process);
	return NULL;
}

/* ---- Files ---- */

/* Whether an open file is the one that is mapped. Some file systems tell a mapping another
 * device than a file, so that number alone means nothing when the inode is right. */
static bool is_mapped_file(int fd, const struct object *object)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_ino == object->inode;
}

/*
 * Opens the file of an object: through the kernel's link to what is really mapped, which
 * needs a privilege but finds deleted files, too; by its path in the process's root otherwise. Of
 * a process that has ended, by its path here, if that meant the same there.
 */
static int open_object(const struct process *process, const struct object *object, int root)
{
	AUTO_CLOSE int fd = -1;
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", process->pid,
		 (unsigned long long)object->map->start, (unsigned long long)object->map->end);
	if (!process->exited)
		fd = ebcc_open_regular_at(-1, path);
	if (fd < 0 && root >= 0)
		fd = ebcc_open_regular_in(root, object->map->path);
	if (fd < 0 && process->same_root && *object->map->path == '/')
		fd = ebcc_open_regular_at(-1, object->map->path);
	if (fd < 0 || !is_mapped_file(fd, object))
		return -1;
	return TAKE_FD(fd);
}

static struct ebcc_error *load_object(struct ebcc_symbolizer *symbolizer, struct process *process,
				      struct object *object)
{
	AUTO_CLOSE int root = process->exited ? -1 : ebcc_open_process_root(process->pid);
	AUTO_CLOSE int fd = open_object(process, object, root);
	struct ebcc_symbol_places places = {.root = root,
					    .path = object->map->path,
					    .symfs = symbolizer->symfs,
					    .debug = symbolizer->debug_root};
	struct symbol_file *file = NULL;

	object->tried = true;
	if (fd < 0)
		return NULL;
	/* Another process may have the pid by now; what was opened is its. */
	if (!process->exited && ebcc_process_start_time(process->pid) != process->start_time) {
		process->exited = true;
		return NULL;
	}
	TRY(symbol_file_get(symbolizer, fd, &places, &file));
	symbol_file_release(object->file);
	object->file = file;
	return NULL;
}

/* The table of what is mapped there, loaded if need be; *@ret is NULL if there is none. */
static struct ebcc_error *map_table(struct ebcc_symbolizer *symbolizer, struct process *process,
				    const struct ebcc_code_map *map, struct ebcc_symbol_table **ret)
{
	struct object *object = &process->objects[map->object];

	*ret = NULL;
	if (!map->inode) {
		/* A 32-bit process has another vDSO, which lies below 4 GB. */
		return map->start >> 32 || sizeof(void *) == 4 ? symbolizer_vdso(symbolizer, ret)
							       : NULL;
	}
	/* A table that was dropped to save memory is loaded again. */
	if (!(object->file ? object->file->table != NULL : object->tried) &&
	    symbolizer_may_work(symbolizer, map->path))
		TRY(load_object(symbolizer, process, object));
	if (object->file) {
		object->file->last_used = symbolizer->calls;
		*ret = object->file->table;
	}
	return NULL;
}

/* ---- Names ---- */

/* Looks for a JIT compiler's function. It sets the module even where the map has no such address:
 * that is what existing scripts see. */
static struct ebcc_error *resolve_in_perf_map(struct ebcc_symbolizer *symbolizer,
					      struct process *process, uint64_t address,
					      struct ebcc_symbol *ret)
{
	if (!process->perf_checked || (process->perf && process->perf->dropped))
		TRY(process_read_perf_map(symbolizer, process));
	if (process->perf && !process_find_in_perf_map(symbolizer, process, address, ret) &&
	    !ret->module)
		ret->module = process->perf_path;
	return NULL;
}

/* Names an address in a file, whose offset is @ret's. A name may have to be made, which takes
 * memory. False: it has none. */
static bool resolve_in_table(struct ebcc_symbolizer *symbolizer, struct symbol_file *file,
			     struct ebcc_symbol_table *table, bool demangle,
			     struct ebcc_symbol *ret)
{
	bool found;

	if (!ebcc_symbol_table_address(table, ret->offset, &ret->offset))
		return false;
	if (symbolizer->memory / 2 >= symbolizer->memory_limit) {
		symbolizer_leave_out(symbolizer, LEFT_NO_MEMORY, ret->module);
		return false;
	}
	found = ebcc_symbol_table_find(table, ret->offset, demangle, &ret->name, &ret->offset);
	if (file)
		symbol_file_charge(symbolizer, file);
	return found;
}

struct ebcc_error *process_resolve(struct ebcc_symbolizer *symbolizer, struct process *process,
				   uint64_t address, bool demangle, struct ebcc_symbol *ret)
{
	const struct ebcc_code_map *map = ebcc_code_maps_find(&process->maps, address);
	struct ebcc_symbol_table *table = NULL;

	*ret = (struct ebcc_symbol){.offset = address};
	if (map && map->object != SIZE_MAX) {
		TRY(map_table(symbolizer, process, map, &table));
		ret->module = map->path;
		ret->offset = address - map->start + map->offset;
		if (table && resolve_in_table(symbolizer, process->objects[map->object].file, table,
					      demangle, ret))
			return NULL;
	}
	return resolve_in_perf_map(symbolizer, process, address, ret);
}

static bool is_module(const char *path, const char *module)
{
	const char *slash = strrchr(path, '/');

	return !module || !strcmp(path, module) || (slash && !strcmp(slash + 1, module));
}

/* Where the byte at a file offset of an object is in the process. */
static bool find_mapping(const struct process *process, size_t object, uint64_t file_offset,
			 uint64_t *ret)
{
	for (size_t i = 0; i < process->maps.count; i++) {
		const struct ebcc_code_map *map = &process->maps.maps[i];

		if (map->object != object || file_offset < map->offset ||
		    file_offset - map->offset >= map->end - map->start)
			continue;
		*ret = map->start + (file_offset - map->offset);
		return true;
	}
	return false;
}

struct ebcc_error *process_find_name(struct ebcc_symbolizer *symbolizer, struct process *process,
				     const char *module, const char *name, uint64_t *ret,
				     bool *ret_found)
{
	*ret_found = false;
	for (size_t i = 0; i < process->maps.object_count; i++) {
		const struct ebcc_code_map *map = process->objects[i].map;
		struct ebcc_symbol_table *table;
		uint64_t address, offset;

		if (!map || !is_module(map->path, module))
			continue;
		TRY(map_table(symbolizer, process, map, &table));
		if (!table || !ebcc_symbol_table_find_name(table, name, &address) ||
		    !ebcc_symbol_table_file_offset(table, address, &offset) ||
		    !find_mapping(process, i, offset, ret))
			continue;
		*ret_found = true;
		return NULL;
	}
	return NULL;
}
