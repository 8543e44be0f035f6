// SPDX-License-Identifier: Apache-2.0
/*
 * The symbolizer's public functions. Memory is freed only at the beginning of a call, so the
 * strings that one call returns are valid until the next.
 */
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/open_file.h"
#include "base/options.h"
#include "elf/debug_file.h"
#include "elf/proc_maps.h"
#include "kernel/ksyms.h"
#include "symbols/symbolizer_internal.h"

/* The maps and tables of about a hundred processes take a fifth of this. */
#define DEFAULT_MEMORY_LIMIT (128ull << 20)
/* With less, the functions of some processes would have no names. */
#define MEMORY_LIMIT_MIN (1u << 20)
#define DEFAULT_TIME_LIMIT 10000
/* Sweep after this many tables have been loaded, because some of them keep a file open. */
#define LOADED_LIMIT 64
/* Sweep after this many calls. */
#define SWEEP_INTERVAL 4096
#define NS_PER_MS 1000000ull

/* Begins a public call, and ends the life of the strings that the previous one returned. */
static void begin_call(struct ebcc_symbolizer *symbolizer)
{
	symbolizer->calls++;
	if (symbolizer->loaded < LOADED_LIMIT && symbolizer->memory <= symbolizer->memory_limit &&
	    symbolizer->calls - symbolizer->swept < SWEEP_INTERVAL)
		return;
	symbolizer_sweep(symbolizer);
}

/* ---- Creation ---- */

/* Copies the option if it is given, otherwise the environment variable (ignored if the program has
 * more rights than its user), otherwise the fallback, which may be NULL. */
static struct ebcc_error *choose_directory(const char *option, const char *variable,
					   const char *fallback, char **ret)
{
	const char *value = option;

	if (!value)
		value = secure_getenv(variable);
	if (!value || !*value)
		value = fallback;
	*ret = value ? strdup(value) : NULL;
	return value && !*ret ? ebcc_error_no_memory() : NULL;
}

static struct ebcc_error *init(struct ebcc_symbolizer *symbolizer,
			       const struct ebcc_symbolizer_opts *opts)
{
	uint64_t milliseconds = opts->time_limit ? opts->time_limit : DEFAULT_TIME_LIMIT;

	symbolizer->memory_limit = opts->memory_limit ? opts->memory_limit : DEFAULT_MEMORY_LIMIT;
	if (symbolizer->memory_limit < MEMORY_LIMIT_MIN)
		symbolizer->memory_limit = MEMORY_LIMIT_MIN;
	if (milliseconds > INT64_MAX / 4 / NS_PER_MS)
		milliseconds = INT64_MAX / 4 / NS_PER_MS;
	symbolizer->work.left = symbolizer->work.limit = (int64_t)(milliseconds * NS_PER_MS);
	symbolizer->work.filled = ebcc_now_ns();
	symbolizer->log = (struct ebcc_log){.fn = opts->log, .ctx = opts->log_ctx};
	TRY(choose_directory(opts->debug_root, "BCC_DEBUGINFO_ROOT", EBCC_DEBUG_DIRECTORY,
			     &symbolizer->debug_root));
	return choose_directory(opts->symfs, "BCC_SYMFS", NULL, &symbolizer->symfs);
}

struct ebcc_error *ebcc_symbolizer_create(const struct ebcc_symbolizer_opts *caller_opts,
					  struct ebcc_symbolizer **ret)
{
	struct ebcc_symbolizer_opts opts = {.sz = sizeof(opts)};
	struct ebcc_symbolizer *symbolizer;
	struct ebcc_error *error;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_symbolizer_opts"));
	symbolizer = calloc(1, sizeof(*symbolizer));
	if (!symbolizer)
		return ebcc_error_no_memory();
	error = init(symbolizer, &opts);
	if (error) {
		ebcc_symbolizer_destroy(symbolizer);
		return error;
	}
	*ret = symbolizer;
	return NULL;
}

void ebcc_symbolizer_destroy(struct ebcc_symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	for (size_t i = 0; i < PROCESS_BUCKETS; i++)
		while (symbolizer->processes[i])
			process_drop(symbolizer, symbolizer->processes[i]);
	while (symbolizer->perf_files)
		perf_file_destroy(symbolizer, symbolizer->perf_files);
	for (size_t i = 0; i < symbolizer->file_count; i++)
		symbol_file_destroy(symbolizer->files[i]);
	free(symbolizer->files);
	ebcc_hash_deinit(&symbolizer->file_index);
	ebcc_symbol_table_destroy(symbolizer->vdso);
	ebcc_ksyms_destroy(symbolizer->ksyms);
	free(symbolizer->debug_root);
	free(symbolizer->symfs);
	free(symbolizer);
}

void ebcc_symbolizer_read_statistics(const struct ebcc_symbolizer *symbolizer,
				     struct ebcc_symbolizer_statistics *ret, size_t size)
{
	struct ebcc_symbolizer_statistics known = {
		.memory = symbolizer->memory,
		.dropped = symbolizer->dropped,
		.too_large = symbolizer->left_out[LEFT_TOO_LARGE],
		.no_memory = symbolizer->left_out[LEFT_NO_MEMORY],
		.no_time = symbolizer->left_out[LEFT_NO_TIME],
	};

	ebcc_result_write(ret, size, &known, sizeof(known));
}

/* ---- Kernel addresses ---- */

/* Reads the kernel's symbols when they are first needed, and again if an address may belong to a
 * module or BPF program that was loaded after that. */
static struct ebcc_error *prepare_ksyms(struct ebcc_symbolizer *symbolizer,
					const uint64_t *addresses, size_t count)
{
	if (!symbolizer->ksyms)
		return ebcc_ksyms_create(&symbolizer->ksyms);
	for (size_t i = 0; i < count; i++)
		if (!ebcc_ksyms_is_permanent(symbolizer->ksyms, addresses[i]))
			return ebcc_ksyms_update(symbolizer->ksyms);
	return NULL;
}

static struct ebcc_error *resolve_kernel(struct ebcc_symbolizer *symbolizer,
					 const uint64_t *addresses, size_t count,
					 struct ebcc_symbol *ret)
{
	struct ebcc_ksym symbol;

	TRY(prepare_ksyms(symbolizer, addresses, count));
	for (size_t i = 0; i < count; i++) {
		ret[i] = (struct ebcc_symbol){.offset = addresses[i]};
		if (ebcc_ksyms_find(symbolizer->ksyms, addresses[i], &symbol))
			ret[i] = (struct ebcc_symbol){symbol.name, symbol.module, symbol.offset};
	}
	return NULL;
}

static struct ebcc_error *find_kernel_name(struct ebcc_symbolizer *symbolizer, const char *module,
					   const char *name, uint64_t *ret, bool *ret_found)
{
	TRY(prepare_ksyms(symbolizer, NULL, 0));
	*ret_found = ebcc_ksyms_find_name(symbolizer->ksyms, module, name, ret);
	if (*ret_found && ebcc_ksyms_is_permanent(symbolizer->ksyms, *ret))
		return NULL;
	TRY(ebcc_ksyms_update(symbolizer->ksyms));
	*ret_found = ebcc_ksyms_find_name(symbolizer->ksyms, module, name, ret);
	return NULL;
}

/* ---- Public calls ---- */

static struct ebcc_error *resolve_all(struct ebcc_symbolizer *symbolizer, struct process *process,
				      const uint64_t *addresses, size_t count, bool demangle,
				      struct ebcc_symbol *ret, bool *ret_all_named)
{
	*ret_all_named = true;
	for (size_t i = 0; i < count; i++) {
		TRY(process_resolve(symbolizer, process, addresses[i], demangle, &ret[i]));
		*ret_all_named &= ret[i].name != NULL;
	}
	return NULL;
}

static struct ebcc_error *resolve(struct ebcc_symbolizer *symbolizer, int pid,
				  const uint64_t *addresses, size_t count, unsigned flags,
				  struct ebcc_symbol *ret)
{
	bool demangle = !(flags & EBCC_SYMBOL_MANGLED), all_named, changed;
	struct process *process;

	if (pid < 0)
		return resolve_kernel(symbolizer, addresses, count, ret);
	begin_call(symbolizer);
	TRY(process_get(symbolizer, pid, &process));
	if (!process || process->stale) {
		for (size_t i = 0; i < count; i++)
			ret[i] = (struct ebcc_symbol){.offset = addresses[i]};
		return NULL;
	}
	TRY(resolve_all(symbolizer, process, addresses, count, demangle, ret, &all_named));
	if (all_named)
		return NULL;
	/* A library may have been loaded, or a function compiled, since the process was last
	 * checked. */
	TRY(process_update(symbolizer, process, &changed));
	if (!changed)
		return NULL;
	return resolve_all(symbolizer, process, addresses, count, demangle, ret, &all_named);
}

struct ebcc_error *ebcc_symbolizer_resolve(struct ebcc_symbolizer *symbolizer, int pid,
					   const uint64_t *addresses, size_t count, unsigned flags,
					   struct ebcc_symbol *ret, size_t symbol_size)
{
	AUTO_FREE struct ebcc_symbol *symbols = NULL;

	TRY(ebcc_flags_check(flags, EBCC_SYMBOL_MANGLED, "flags of ebcc_symbolizer_resolve()"));
	if (symbol_size == sizeof(*ret))
		return resolve(symbolizer, pid, addresses, count, flags, ret);
	symbols = calloc(count + 1, sizeof(*symbols));
	if (!symbols)
		return ebcc_error_no_memory();
	TRY(resolve(symbolizer, pid, addresses, count, flags, symbols));
	for (size_t i = 0; i < count; i++)
		ebcc_result_write((char *)ret + i * symbol_size, symbol_size, &symbols[i],
				  sizeof(symbols[i]));
	return NULL;
}

static struct ebcc_error *no_process_error(int pid)
{
	return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "there is no process %d", pid);
}

struct ebcc_error *ebcc_symbolizer_add_process(struct ebcc_symbolizer *symbolizer, int pid)
{
	struct process *process = NULL;

	begin_call(symbolizer);
	if (pid > 0)
		TRY(process_get(symbolizer, pid, &process));
	return process ? NULL : no_process_error(pid);
}

void ebcc_symbolizer_forget_process(struct ebcc_symbolizer *symbolizer, int pid)
{
	struct process *process = symbolizer->processes[(unsigned)pid % PROCESS_BUCKETS];

	while (process && process->pid != pid)
		process = process->next;
	if (process)
		process_drop(symbolizer, process);
}

struct ebcc_error *ebcc_symbolizer_find_name(struct ebcc_symbolizer *symbolizer, int pid,
					     const char *module, const char *name, uint64_t *ret)
{
	struct process *process = NULL;
	bool found = false;
	uint64_t begin;

	if (pid < 0) {
		TRY(find_kernel_name(symbolizer, module, name, ret, &found));
	} else {
		begin_call(symbolizer);
		TRY(process_get(symbolizer, pid, &process));
		if (!process)
			return no_process_error(pid);
		begin = ebcc_work_ns();
		TRY(process_find_name(symbolizer, process, module, name, ret, &found));
		symbolizer_worked(symbolizer, begin);
	}
	if (found)
		return NULL;
	return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_NOT_FOUND,
							 "there is no function %s in %s", name,
							 module	   ? module
							 : pid < 0 ? "the kernel"
								   : "the process"),
				       name);
}

struct ebcc_error *ebcc_symbolizer_add_file(struct ebcc_symbolizer *symbolizer, const char *path)
{
	struct ebcc_symbol_places places = {.root = -1,
					    .path = path,
					    .symfs = symbolizer->symfs,
					    .debug = symbolizer->debug_root};
	struct symbol_file *file;
	AUTO_CLOSE int fd = -1;
	size_t size = 0;

	begin_call(symbolizer);
	TRY(ebcc_process_open(0, path, &fd));
	TRY(symbol_file_get(symbolizer, fd, &places, &file));
	if (file && file->table)
		ebcc_symbol_table_build_id(file->table, &size);
	if (!size) {
		symbol_file_release(file);
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_FORMAT, "%s has no build id", path), path);
	}
	/* The first call for a file keeps its reference, so that the file is never forgotten. */
	if (!file->path)
		file->path = strdup(path);
	else
		symbol_file_release(file);
	return file->path ? NULL : ebcc_error_no_memory();
}

/* Reloads the table, dropped by a sweep, of a file that ebcc_symbolizer_add_file() added. */
static struct ebcc_error *reload(struct ebcc_symbolizer *symbolizer, struct symbol_file *file)
{
	struct ebcc_symbol_places places = {.root = -1,
					    .path = file->path,
					    .symfs = symbolizer->symfs,
					    .debug = symbolizer->debug_root};
	AUTO_CLOSE int fd = ebcc_open_regular_at(-1, file->path);

	return fd < 0 ? NULL : symbol_file_load(symbolizer, file, fd, &places);
}

static struct ebcc_error *resolve_build_id(struct ebcc_symbolizer *symbolizer, const void *build_id,
					   size_t size, uint64_t file_offset, unsigned flags,
					   struct ebcc_symbol *ret)
{
	bool demangle = !(flags & EBCC_SYMBOL_MANGLED);

	*ret = (struct ebcc_symbol){.offset = file_offset};
	begin_call(symbolizer);
	for (size_t i = 0; i < symbolizer->file_count; i++) {
		struct symbol_file *file = symbolizer->files[i];
		const unsigned char *id = NULL;
		size_t id_size = 0;

		if (!file->path)
			continue;
		if (!file->table)
			TRY(reload(symbolizer, file));
		if (file->table)
			id = ebcc_symbol_table_build_id(file->table, &id_size);
		if (!id_size || memcmp(id, build_id, id_size < size ? id_size : size))
			continue;
		ret->module = file->path;
		file->last_used = symbolizer->calls;
		if (ebcc_symbol_table_address(file->table, file_offset, &ret->offset))
			ebcc_symbol_table_find(file->table, ret->offset, demangle, &ret->name,
					       &ret->offset);
		break;
	}
	return NULL;
}

struct ebcc_error *ebcc_symbolizer_resolve_build_id(struct ebcc_symbolizer *symbolizer,
						    const void *build_id, size_t size,
						    uint64_t file_offset, unsigned flags,
						    struct ebcc_symbol *ret, size_t symbol_size)
{
	struct ebcc_symbol symbol;

	TRY(ebcc_flags_check(flags, EBCC_SYMBOL_MANGLED,
			     "flags of ebcc_symbolizer_resolve_build_id()"));
	TRY(resolve_build_id(symbolizer, build_id, size, file_offset, flags, &symbol));
	ebcc_result_write(ret, symbol_size, &symbol, sizeof(symbol));
	return NULL;
}
