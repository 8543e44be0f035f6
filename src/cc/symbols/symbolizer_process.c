// SPDX-License-Identifier: Apache-2.0
/*
 * Processes: their executable mappings, the files behind these, and names of addresses in them.
 *
 * An example
 * ----------
 *
 * A tool has a sample of process 3582, at the address 0x7f8ab5d004e3, and asks for its name:
 * ebcc_symbolizer_resolve() calls process_get(), which finds out about the process, and then
 * process_resolve() for each address.
 *
 * 1. process_get() looks in the symbolizer's hash table for the pid. This one is new, so
 *    add_process() creates a struct process, and refresh() fills it in:
 *
 *    - The start time, from /proc/3582/stat. It tells this process from a later one that gets the
 *      same pid.
 *    - The executable mappings, from /proc/3582/maps (code_maps.c):
 *
 *          5629bdde0000-5629bdde5000 r-xp 00002000 fe:00 248056    /usr/bin/sleep
 *          7f8ab5c51000-7f8ab5da7000 r-xp 00026000 fe:00 332835    .../libc.so.6
 *          7f8ab5e21000-7f8ab5e23000 r-xp 00000000 00:00 0         [vdso]
 *          7f8ab5e24000-7f8ab5e4a000 r-xp 00001000 fe:00 332383    .../ld-linux-x86-64.so.2
 *
 *    - A struct object for each distinct file of these, identified by device and inode. Files are
 *      not opened before an address in one is asked for.
 *    - What read_surroundings() finds: which program it runs, who owns it, whether it has our root
 *      directory and mounts, and its pid in its own PID namespace.
 *
 * 2. process_resolve() finds the mapping by binary search: the second. The address is
 *    0x7f8ab5d004e3 - 0x7f8ab5c51000 + 0x26000 = 0xd54e3 bytes into the file libc.so.6.
 *
 * 3. map_table() needs the symbols of that file, and load_object() opens it. The path is not to be
 *    trusted: the file may have been deleted or replaced, and the process may be in a container or
 *    may have changed its root directory. So open_object() tries, in this order:
 *
 *    - /proc/3582/map_files/7f8ab5c51000-7f8ab5da7000, the kernel's link to the very file that is
 *      mapped. This also works for deleted files, but requires a privilege.
 *    - The path, as it resolves inside the process's root directory.
 *    - The path as it resolves here, if the process has the same root and mounts; the only way left
 *      once the process has ended.
 *
 *    What was opened must have the inode that the mapping names, and the process must still have
 *    the same start time: otherwise the pid has been reused, and the file belongs to the new one.
 *
 * 4. symbol_file_get() (symbolizer_files.c) returns the symbol table of the file, which all
 *    processes that map it share. Loading it (reader.c) may lead on to a separate debug file.
 *
 * 5. resolve_in_table() turns the file offset into a virtual address of the file, by its program
 *    headers (in this libc, it is also 0xd54e3), and finds the function around it: getpid, which
 *    begins at 0xd54e0. The result is the name "getpid", the module ".../libc.so.6" and the offset
 *    3.
 *
 * An address that has no name that way may belong to a JIT compiler: resolve_in_perf_map() looks
 * for /tmp/perf-PID.map, inside the process's root and with the pid that the process itself sees.
 * If there is still no name, process_update() reads maps and perf map again and the address is
 * tried once more, since a library may have been loaded a moment ago.
 *
 * Processes change
 * ----------------
 *
 * While we look at it, a process may load libraries, execute another program, or end, and its pid
 * may go to another process. Checking everything for each address would be slow. So when a known
 * process is asked about, is_refresh_due() decides:
 *
 * - Every millisecond (CHECK_INTERVAL) one stat() of /proc/PID/exe tells whether it still runs the
 *   same program. If not, its maps are read again.
 * - Every 10 milliseconds (REFRESH_INTERVAL) the maps are read again anyway; but not before 50
 *   times as long as that took has passed (COST_FACTOR), because some processes have tens of
 *   thousands of mappings. The text is hashed: if it is the same as before, there is nothing to do.
 * - If the start time differs, everything known is dropped, and the new process is looked at.
 * - A process that has ended keeps its mappings, and its addresses their names, until another
 *   process has the pid. Tools often ask about processes that have just ended.
 *
 * The second call of the example, some milliseconds after the first, takes 0.4 ms: stat(), then the
 * maps are read and found to be the same. A third call right after it takes 2 microseconds, without
 * a system call.
 *
 * When old mappings are replaced, make_objects() hands each open file over to the new ones, so that
 * a process which loads a library doesn't have the symbols of all others loaded again.
 *
 * Bounds
 * ------
 *
 * Traced processes decide how much there is to read. Memory that a process takes here is charged to
 * the symbolizer (charge()), which drops the least recently used processes, tables and perf maps
 * between calls (symbolizer_sweep.c). Time for reading is also limited (symbolizer_budget.c): if it
 * is used up when a process's maps are due, the process is marked stale and its addresses have no
 * names, because old mappings might give wrong ones.
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
/* How many processes are kept: the least recently used ones are forgotten. */
#define PROCESS_LIMIT 1024

/* Intervals in nanoseconds. */
#define CHECK_INTERVAL 1000000ull
#define REFRESH_INTERVAL 10000000ull
/* Maps that took no longer than this to read are read again even if the time for reading is used
 * up. */
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

/* The pid that the process itself sees: the last one in the line NStgid, which has one for each
 * namespace. */
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

/* Reads what depends on the program that a process runs, and on where it runs. */
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

/* Makes the objects of new maps, and moves the files of the old ones to them. NULL: out of memory.
 */
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
		/* Both are ordered by address, so the next one usually matches. */
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
 * If a process has changed its root directory (chroot), /proc/PID/maps shows paths relative to our
 * root: make them relative to the process's own. In a container with its own root file system they
 * already are.
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
	/* A process that has ended but has not been waited for has no mappings any more. */
	if (start_time != process->start_time || (!error && !text.size && process->maps.count)) {
		process->exited = true;
		ebcc_error_destroy(error);
		return NULL;
	}
	/* This user may not read the maps, or they are too large: without mappings there are no
	 * names, and old mappings might give wrong ones. */
	if (error) {
		clear_objects(process);
		ebcc_error_destroy(error);
		return NULL;
	}
	hash = XXH3_64bits(ebcc_buf_string(&text), text.size) | 1;
	return hash == process->maps_hash ? NULL : set_maps(process, &text, hash);
}

/* Reads the maps again. If another process has the pid by now, starts over with that one. */
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

/* Forgets the least recently used process. */
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

/* Reads again what is due. If the time for reading is used up, the process is stale. */
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
	/* Addresses that already have a name may belong to another function by now. */
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

/* Changes whenever what is known of its perf map changes. */
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

/* Whether an open file is the one that is mapped. Some file systems show different devices for a
 * mapping and for the file, so only the inode is compared. */
static bool is_mapped_file(int fd, const struct object *object)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_ino == object->inode;
}

/*
 * Opens the file of an object: through the kernel's link to the mapped file, which requires a
 * privilege but also works for deleted files; otherwise by its path in the process's root; or by
 * its path here, if that means the same: the only way once the process has ended.
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
	/* If another process has the pid by now, the file may be that one's. */
	if (!process->exited && ebcc_process_start_time(process->pid) != process->start_time) {
		process->exited = true;
		return NULL;
	}
	TRY(symbol_file_get(symbolizer, fd, &places, &file));
	symbol_file_release(object->file);
	object->file = file;
	return NULL;
}

/* The symbol table of a mapping, loaded if necessary; *@ret is NULL if there is none. */
static struct ebcc_error *map_table(struct ebcc_symbolizer *symbolizer, struct process *process,
				    const struct ebcc_code_map *map, struct ebcc_symbol_table **ret)
{
	struct object *object = &process->objects[map->object];

	*ret = NULL;
	if (!map->inode) {
		/* A 32-bit process has a different vDSO, at an address below 4 GB. */
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

/* Looks for a function of a JIT compiler. If the process has a perf map, this sets the module even
 * if the map does not have the address: existing scripts expect that. */
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

/* Names an address in a file; @ret->offset is its file offset. Returns false if it has no name, or
 * if there is no memory left to make one. */
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

/* Finds the address at which the process maps the byte at a file offset of an object. */
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
