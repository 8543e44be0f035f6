/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the symbolizer share: symbolizer.c has the public functions and the files,
 * symbolizer_process.c what is known of a process, symbolizer_perf.c the perf maps, and
 * symbolizer_budget.c the bounds on what all of them may keep and how long reading may take.
 */
#ifndef EBCC_SYMBOLS_SYMBOLIZER_INTERNAL_H
#define EBCC_SYMBOLS_SYMBOLIZER_INTERNAL_H

#include <sys/stat.h>

#include "base/hash.h"
#include "base/log.h"
#include "ebcc.h"
#include "symbols/code_maps.h"
#include "symbols/perf_map.h"
#include "symbols/table.h"

#define PROCESS_BUCKETS 256

/* A moment is due again after an interval, and after many times what it cost: reading what changes
 * all the time takes a fiftieth of the time at most. All in nanoseconds. */
#define UPDATE_INTERVAL 1000000ull
#define COST_FACTOR 50

/* A file with symbols. Processes that map the same one share it. */
struct symbol_file {
	uint64_t device, inode;
	struct timespec modified;
	uint64_t size;
	struct ebcc_symbol_table *table; /* NULL: not loaded, or dropped again */
	size_t references;		 /* of objects */
	uint64_t last_used;		 /* the symbolizer's count of calls */
	size_t charged;			 /* bytes of memory that it counts for */
	char *path;			 /* of one named by its build id, else NULL */
};

/* A perf map. Processes share it that have the same file. */
struct perf_file {
	struct perf_file *next;
	uint64_t device, inode;
	struct timespec modified;
	struct ebcc_perf_map map;
	bool more;    /* the end of the file wasn't reached: what is known may be outdated */
	bool dropped; /* was freed to make room */
	size_t references;
	size_t charged;
	uint64_t last_used;
	uint64_t version;    /* changes with what is known */
	uint64_t read, cost; /* nanoseconds: when it was read last (0: never), how long it took */
};

/* A distinct file that a process maps. */
struct object {
	uint64_t inode;
	uint32_t device_major, device_minor;
	const struct ebcc_code_map *map; /* one of its mappings */
	struct symbol_file *file;	 /* a reference, or NULL */
	bool tried;			 /* opening it has failed */
};

struct process {
	struct process *next; /* in its bucket */
	int pid, inner_pid;   /* the latter: as the process itself sees it */
	uint64_t start_time;  /* since boot, in ticks: tells processes with the same pid apart */
	uint64_t last_used;
	size_t charged;
	bool exited;
	bool stale;	/* its maps should have been read again, and there was no time for it */
	bool same_root; /* its paths mean the same files as ours */
	uid_t owner;
	uint64_t exe_device, exe_inode;

	struct ebcc_code_maps maps;
	uint64_t maps_hash;
	struct object *objects; /* maps.object_count */

	struct perf_file *perf; /* a reference, or NULL */
	char perf_path[64];

	/* All in nanoseconds: when it was last seen to run the same program, when its maps were
	 * read, when its perf map was looked for, and how long the former took. */
	uint64_t checked, refreshed, perf_checked, refresh_cost;
};

/* Why something was left out. */
enum left_out {
	LEFT_TOO_LARGE,
	LEFT_NO_MEMORY,
	LEFT_NO_TIME,
	LEFT_REASONS,
};

/* Work done is taken off, and the time that passes adds some. Nanoseconds. */
struct work_budget {
	int64_t left, limit; /* left is below 0 where the last work took longer than that */
	uint64_t filled;     /* when */
};

struct ebcc_symbolizer {
	char *debug_root, *symfs; /* the latter may be NULL */
	size_t memory_limit;
	struct process *processes[PROCESS_BUCKETS];
	size_t process_count;
	struct symbol_file **files;
	size_t file_count, file_capacity;
	struct ebcc_hash file_index; /* from device and inode to place in files + 1 */
	struct ebcc_ksyms *ksyms;    /* or NULL: not asked for */
	struct ebcc_symbol_table *vdso;
	bool vdso_tried;
	struct perf_file *perf_files;
	size_t perf_count;
	uint64_t calls, swept; /* calls: since creation; swept: at the last look at memory */
	uint64_t loaded;       /* tables loaded since then */
	size_t memory;	       /* of all that was charged */
	struct work_budget work;
	uint64_t left_out[LEFT_REASONS], dropped;
	struct ebcc_log log;
};

/* Whether something is to be done again that was done at @last and took @cost. */
static inline bool is_due(uint64_t now, uint64_t last, uint64_t interval, uint64_t cost)
{
	return now - last >= interval && now - last >= cost * COST_FACTOR;
}

/* ---- symbolizer_budget.c ---- */

/* Makes *@charged, which is counted in the symbolizer's memory, @size bytes. */
void symbolizer_charge(struct ebcc_symbolizer *symbolizer, size_t *charged, size_t size);

/* Counts what was left out; the first of each kind is logged, as "SUBJECT: ...". */
void symbolizer_leave_out(struct ebcc_symbolizer *symbolizer, enum left_out reason,
			  const char *subject);

/* Whether there is time to read something; if not, that counts as left out. */
bool symbolizer_may_work(struct ebcc_symbolizer *symbolizer, const char *subject);
/* Takes off the work of this thread since @begin, by ebcc_work_ns(), and tells it. */
uint64_t symbolizer_worked(struct ebcc_symbolizer *symbolizer, uint64_t begin);

/* ---- symbolizer_perf.c ---- */

/* Looks for a process's perf map, and reads what is new of it if that is due. */
MUST_CHECK struct ebcc_error *process_read_perf_map(struct ebcc_symbolizer *symbolizer,
						    struct process *process);
/* The name that a process's perf map gives an address. False: none. */
bool process_find_in_perf_map(struct ebcc_symbolizer *symbolizer, struct process *process,
			      uint64_t address, struct ebcc_symbol *ret);
void process_release_perf_map(struct process *process);
/* Frees what was read; it is read again when it is asked for. */
void perf_file_drop(struct ebcc_symbolizer *symbolizer, struct perf_file *file);
/* Frees a record that nobody refers to. */
void perf_file_destroy(struct ebcc_symbolizer *symbolizer, struct perf_file *file);

/* ---- symbolizer_files.c ---- */

/*
 * The file behind a descriptor with its table, loaded if need be. *@ret is NULL if the bound on
 * memory allows no more; the caller gets a reference, for symbol_file_release().
 */
MUST_CHECK struct ebcc_error *symbol_file_get(struct ebcc_symbolizer *symbolizer, int fd,
					      const struct ebcc_symbol_places *places,
					      struct symbol_file **ret);
void symbol_file_release(struct symbol_file *file);
/* Frees a record, whatever refers to it. */
void symbol_file_destroy(struct symbol_file *file);
/* Loads the table of a file, unless it is there or the bound on memory allows no more. */
MUST_CHECK struct ebcc_error *symbol_file_load(struct ebcc_symbolizer *symbolizer,
					       struct symbol_file *file, int fd,
					       const struct ebcc_symbol_places *places);
/* Counts what it takes by now. */
void symbol_file_charge(struct ebcc_symbolizer *symbolizer, struct symbol_file *file);
/* Frees its table, which is loaded again when it is asked for. */
void symbol_file_drop(struct ebcc_symbolizer *symbolizer, struct symbol_file *file);
/* Drops records without table that nobody refers to. */
void symbol_files_compact(struct ebcc_symbolizer *symbolizer);

/* The kernel's code in each process, or NULL. */
MUST_CHECK struct ebcc_error *symbolizer_vdso(struct ebcc_symbolizer *symbolizer,
					      struct ebcc_symbol_table **ret);

/* ---- symbolizer_process.c ---- */

/* Finds a process, reading about it what isn't known or may have changed. *@ret is NULL if there is
 * none and was none. */
MUST_CHECK struct ebcc_error *process_get(struct ebcc_symbolizer *symbolizer, int pid,
					  struct process **ret);
/* Forgets a process, which is known. */
void process_drop(struct ebcc_symbolizer *symbolizer, struct process *process);

/*
 * For when an address of the process has no name: reads what may have been added since, unless that
 * was just done. *@ret_changed: there is something new, and strings that were given out
 * before are no longer good.
 */
MUST_CHECK struct ebcc_error *process_update(struct ebcc_symbolizer *symbolizer,
					     struct process *process, bool *ret_changed);

/* Names one address. */
MUST_CHECK struct ebcc_error *process_resolve(struct ebcc_symbolizer *symbolizer,
					      struct process *process, uint64_t address,
					      bool demangle, struct ebcc_symbol *ret);

/* The address of a function. *@ret_found tells whether there is one. */
MUST_CHECK struct ebcc_error *process_find_name(struct ebcc_symbolizer *symbolizer,
						struct process *process, const char *module,
						const char *name, uint64_t *ret, bool *ret_found);

/* ---- symbolizer_sweep.c ---- */

/* Keeps memory, open files and records within their bounds: what was used last stays. */
void symbolizer_sweep(struct ebcc_symbolizer *symbolizer);

#endif /* EBCC_SYMBOLS_SYMBOLIZER_INTERNAL_H */
