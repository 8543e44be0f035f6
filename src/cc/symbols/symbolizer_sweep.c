// SPDX-License-Identifier: Apache-2.0
/*
 * Drops the least recently used records when a symbolizer exceeds its limits.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "symbols/symbolizer_internal.h"

/* How many files are kept open, to read names from. */
#define OPEN_FILE_LIMIT 64
/* How many records are kept. */
#define RECORD_LIMIT 8192

/* Something that can be dropped. */
struct kept {
	uint64_t last_used;
	size_t memory;
	/* One of these is set. */
	struct process *process;
	struct symbol_file *file;
	struct perf_file *perf;
};

/* The most recently used come first; among those used by the same call, processes do. */
static int compare_use(const void *a, const void *b)
{
	const struct kept *left = a, *right = b;

	if (left->last_used != right->last_used)
		return left->last_used > right->last_used ? -1 : 1;
	return !left->process - !right->process;
}

static size_t list(struct ebcc_symbolizer *symbolizer, struct kept *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < PROCESS_BUCKETS; i++)
		for (struct process *process = symbolizer->processes[i]; process;
		     process = process->next)
			ret[count++] = (struct kept){process->last_used, process->charged,
						     .process = process};
	for (size_t i = 0; i < symbolizer->file_count; i++) {
		struct symbol_file *file = symbolizer->files[i];

		if (file->table)
			ebcc_symbol_table_trim(file->table);
		symbol_file_charge(symbolizer, file);
		ret[count++] = (struct kept){file->last_used, file->charged, .file = file};
	}
	for (struct perf_file *perf = symbolizer->perf_files; perf; perf = perf->next)
		ret[count++] = (struct kept){perf->last_used, perf->charged, .perf = perf};
	return count;
}

static void drop(struct ebcc_symbolizer *symbolizer, const struct kept *kept)
{
	if (kept->process)
		process_drop(symbolizer, kept->process);
	else if (kept->file)
		symbol_file_drop(symbolizer, kept->file);
	else
		perf_file_drop(symbolizer, kept->perf);
}

/* Whether dropping it frees anything. */
static bool is_droppable(const struct kept *kept)
{
	if (kept->file)
		return kept->file->table;
	return kept->process || ebcc_perf_map_memory(&kept->perf->map);
}

static void free_unused_perf_files(struct ebcc_symbolizer *symbolizer)
{
	struct perf_file *perf, *next;

	for (perf = symbolizer->perf_files; perf; perf = next) {
		next = perf->next;
		if (!perf->references && (perf->dropped || symbolizer->perf_count > RECORD_LIMIT))
			perf_file_destroy(symbolizer, perf);
	}
}

void symbolizer_sweep(struct ebcc_symbolizer *symbolizer)
{
	size_t count = symbolizer->process_count + symbolizer->file_count + symbolizer->perf_count;
	AUTO_FREE struct kept *all = calloc(count + 1, sizeof(*all));
	size_t memory = 0, open_files = 0;

	symbolizer->swept = symbolizer->calls;
	symbolizer->loaded = 0;
	if (!all)
		return;
	count = list(symbolizer, all);
	qsort(all, count, sizeof(*all), compare_use);
	for (size_t i = 0; i < count; i++) {
		const struct kept *kept = &all[i];
		bool is_open = kept->file && kept->file->table &&
			       ebcc_symbol_table_keeps_file(kept->file->table);

		memory += kept->memory;
		open_files += is_open;
		if (!is_droppable(kept) ||
		    (memory <= symbolizer->memory_limit && i < RECORD_LIMIT &&
		     !(is_open && open_files > OPEN_FILE_LIMIT)))
			continue;
		memory -= kept->memory;
		open_files -= is_open;
		drop(symbolizer, kept);
		symbolizer->dropped++;
	}
	symbol_files_compact(symbolizer);
	free_unused_perf_files(symbolizer);
}
