/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the symbolizer share: symbolizer.c has the public functions,
 * symbolizer_process.c the processes, symbolizer_files.c the files that they map,
 * symbolizer_perf.c the perf maps. symbolizer_budget.c limits how much memory they keep and how
 * long they read, and symbolizer_sweep.c drops what exceeds the limits.
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

/* Something is read again after an interval (in nanoseconds), or after COST_FACTOR times as long as
 * the last reading took, if that is more. So reading what changes all the time takes at most one
 * part in COST_FACTOR of the time. */
#define UPDATE_INTERVAL 1000000ull
#define COST_FACTOR 50

/* A file with symbols. Processes that map the same one share it. */
struct symbol_file {
	uint64_t device, inode;
	struct timespec modified;
	uint64_t size;
	struct ebcc_symbol_table *table; /* NULL: not loaded, or dropped again */
	size_t references;		 /* from objects, and one if path is set */
	uint64_t last_used;		 /* the symbolizer's count of calls */
	size_t charged;			 /* bytes of memory charged for it */
	char *path;			 /* if it was added for its build id, else NULL */
};

/* A perf map. Processes that have the same file share it. */
struct perf_file {
	struct perf_file *next;
	uint64_t device, inode;
	struct timespec modified;
	struct ebcc_perf_map map;
	bool more;    /* the end of the file wasn't reached: what is known may be outdated */
	bool dropped; /* its memory was freed to make room */
	size_t references;
	size_t charged;
	uint64_t last_used;
	uint64_t version;    /* changes whenever what is known changes */
	uint64_t read, cost; /* nanoseconds: when it was last read (0: never), how long it took */
};

/* A distinct file among the mappings of a process. */
struct object {
	uint64_t inode;
	uint32_t device_major, device_minor;
	const struct ebcc_code_map *map; /* one of its mappings */
	struct symbol_file *file;	 /* a reference, or NULL */
	bool tried;			 /* opening it has been tried */
};

struct process {
	struct process *next; /* in its bucket */
	int pid, inner_pid;   /* inner_pid: in the process's own PID namespace */
	uint64_t start_time;  /* since boot, in ticks: tells processes with the same pid apart */
	uint64_t last_used;
	size_t charged;
	bool exited;
	bool stale;	/* its maps were due, but the time for reading was used up */
	bool same_root; /* its paths mean the same files as ours */
	uid_t owner;
	uint64_t exe_device, exe_inode;

	struct ebcc_code_maps maps;
	uint64_t maps_hash;
	struct object *objects; /* maps.object_count */

	struct perf_file *perf; /* a reference, or NULL */
	char perf_path[64];

	/* All in nanoseconds: when it was last seen to run the same program, when its maps were
	 * read, when its perf map was looked for, and how long reading the maps took. */
	uint64_t checked, refreshed, perf_checked, refresh_cost;
};

/* Why something was left out. */
enum left_out {
	LEFT_TOO_LARGE,
	LEFT_NO_MEMORY,
	LEFT_NO_TIME,
	LEFT_REASONS,
};

/* A budget in nanoseconds: work is subtracted, and a part of the time that passes is added. */
struct work_budget {
	int64_t left, limit; /* left is negative after work that took longer than it allowed */
	uint64_t filled;     /* when time was last added */
};

struct ebcc_symbolizer {
	char *debug_root, *symfs; /* symfs may be NULL */
	size_t memory_limit;
	struct process *processes[PROCESS_BUCKETS];
	size_t process_count;
	struct symbol_file **files;
	size_t file_count, file_capacity;
	struct ebcc_hash file_index; /* device and inode to index in files + 1 */
	struct ebcc_ksyms *ksyms;    /* NULL until needed */
	struct ebcc_symbol_table *vdso;
	bool vdso_tried;
	struct perf_file *perf_files;
	size_t perf_count;
	uint64_t calls, swept; /* calls so far, and how many at the last sweep */
	uint64_t loaded;       /* tables loaded since the last sweep */
	size_t memory;	       /* the sum of all that is charged */
	struct work_budget work;
	uint64_t left_out[LEFT_REASONS], dropped;
	struct ebcc_log log;
};

/* Whether something that was done at @last and took @cost should be done again. */
static inline bool is_due(uint64_t now, uint64_t last, uint64_t interval, uint64_t cost)
{
	return now - last >= interval && now - last >= cost * COST_FACTOR;
}

/* ---- symbolizer_budget.c ---- */

/* Changes *@charged, a part of the symbolizer's memory, to @size bytes. */
void symbolizer_charge(struct ebcc_symbolizer *symbolizer, size_t *charged, size_t size);

/* Counts something that was left out, and logs the first one for each reason. */
void symbolizer_leave_out(struct ebcc_symbolizer *symbolizer, enum left_out reason,
			  const char *subject);

/* Whether there is time to read @subject. If not, it counts as left out. */
bool symbolizer_may_work(struct ebcc_symbolizer *symbolizer, const char *subject);
/* Subtracts the time that this thread has worked since @begin, a value of ebcc_work_ns(), and
 * returns it. */
uint64_t symbolizer_worked(struct ebcc_symbolizer *symbolizer, uint64_t begin);

/* ---- symbolizer_perf.c ---- */

/* Looks for the perf map of a process, and reads what is new in it if that is due. */
MUST_CHECK struct ebcc_error *process_read_perf_map(struct ebcc_symbolizer *symbolizer,
						    struct process *process);
/* Finds an address in the perf map of a process. Returns false if it has no name there. */
bool process_find_in_perf_map(struct ebcc_symbolizer *symbolizer, struct process *process,
			      uint64_t address, struct ebcc_symbol *ret);
void process_release_perf_map(struct process *process);
/* Frees what was read; it is read again when needed. */
void perf_file_drop(struct ebcc_symbolizer *symbolizer, struct perf_file *file);
/* Frees a record that nothing refers to. */
void perf_file_destroy(struct ebcc_symbolizer *symbolizer, struct perf_file *file);

/* ---- symbolizer_files.c ---- */

/*
 * Gets the record of an open file, and loads its table as symbol_file_load() does. The caller gets
 * a reference, which symbol_file_release() gives back. *@ret is NULL if the file can't be examined.
 */
MUST_CHECK struct ebcc_error *symbol_file_get(struct ebcc_symbolizer *symbolizer, int fd,
					      const struct ebcc_symbol_places *places,
					      struct symbol_file **ret);
void symbol_file_release(struct symbol_file *file);
/* Frees a record, whether or not anything refers to it. */
void symbol_file_destroy(struct symbol_file *file);
/* Loads the table of a file, unless it is loaded already or the memory limit is reached. */
MUST_CHECK struct ebcc_error *symbol_file_load(struct ebcc_symbolizer *symbolizer,
					       struct symbol_file *file, int fd,
					       const struct ebcc_symbol_places *places);
/* Updates the memory that is charged for a file. */
void symbol_file_charge(struct ebcc_symbolizer *symbolizer, struct symbol_file *file);
/* Frees the table of a file; it is loaded again when needed. */
void symbol_file_drop(struct ebcc_symbolizer *symbolizer, struct symbol_file *file);
/* Frees records without a table that nothing refers to. */
void symbol_files_compact(struct ebcc_symbolizer *symbolizer);

/* The symbol table of the vDSO (code that the kernel maps into each process), or NULL. */
MUST_CHECK struct ebcc_error *symbolizer_vdso(struct ebcc_symbolizer *symbolizer,
					      struct ebcc_symbol_table **ret);

/* ---- symbolizer_process.c ---- */

/* Finds a process, and reads what isn't known about it or may have changed. *@ret is NULL if the
 * process does not exist and is not remembered. */
MUST_CHECK struct ebcc_error *process_get(struct ebcc_symbolizer *symbolizer, int pid,
					  struct process **ret);
/* Forgets a known process. */
void process_drop(struct ebcc_symbolizer *symbolizer, struct process *process);

/*
 * Call this when an address of the process has no name: it reads what may have been added since,
 * unless that was just done. *@ret_changed says whether something changed; if so, strings that were
 * returned before are no longer valid.
 */
MUST_CHECK struct ebcc_error *process_update(struct ebcc_symbolizer *symbolizer,
					     struct process *process, bool *ret_changed);

/* Names one address. */
MUST_CHECK struct ebcc_error *process_resolve(struct ebcc_symbolizer *symbolizer,
					      struct process *process, uint64_t address,
					      bool demangle, struct ebcc_symbol *ret);

/* Finds the address of a function. *@ret_found says whether it exists. */
MUST_CHECK struct ebcc_error *process_find_name(struct ebcc_symbolizer *symbolizer,
						struct process *process, const char *module,
						const char *name, uint64_t *ret, bool *ret_found);

/* ---- symbolizer_sweep.c ---- */

/* Brings memory, open files and records back within their limits; the most recently used stay. */
void symbolizer_sweep(struct ebcc_symbolizer *symbolizer);

#endif /* EBCC_SYMBOLS_SYMBOLIZER_INTERNAL_H */
