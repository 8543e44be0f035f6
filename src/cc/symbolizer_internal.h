/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the symbolizer share: symbolizer.c has the public functions and the files,
 * symbolizer_process.c what is known of a process.
 */
#ifndef EBCC_SYMBOLIZER_INTERNAL_H
#define EBCC_SYMBOLIZER_INTERNAL_H

#include <sys/stat.h>

#include "ebcc.h"
#include "hash.h"
#include "perf_map.h"
#include "code_maps.h"
#include "symbol_table.h"

#define PROCESS_BUCKETS 256

/* A file with symbols. Processes that map the same one share it. */
struct symbol_file {
	uint64_t device, inode;
	struct timespec modified;
	uint64_t size;
	struct ebcc_symbol_table *table; /* NULL: not loaded, or dropped again */
	size_t references;		 /* of objects */
	uint64_t last_used;		 /* the symbolizer's count of calls */
	char *path;			 /* of one named by its build id, else NULL */
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
	bool exited;
	bool same_root; /* its paths mean the same files as ours */
	uid_t owner;
	uint64_t exe_device, exe_inode;

	struct ebcc_code_maps maps;
	uint64_t maps_hash;
	struct object *objects; /* maps.object_count */

	struct ebcc_perf_map perf;
	bool has_perf_map;
	char perf_path[64];
	uint64_t perf_device, perf_inode;

	/* All in nanoseconds: when it was last seen to run the same program, when its maps and its
	 * perf map were read, and how long that took. */
	uint64_t checked, refreshed, perf_read, refresh_cost, perf_cost;
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
	uint64_t calls, swept; /* calls: since creation; swept: at the last look at memory */
	uint64_t loaded;       /* tables loaded since then */
	size_t memory;	       /* of tables, at the last look and those loaded since */
};

/* ---- symbolizer.c ---- */

/*
 * The file behind a descriptor with its table, loaded if need be. *@ret is NULL if the bound on
 * memory allows no more; the caller gets a reference, for symbol_file_release().
 */
MUST_CHECK struct ebcc_error *symbol_file_get(struct ebcc_symbolizer *symbolizer, int fd,
					      const struct ebcc_symbol_places *places,
					      struct symbol_file **ret);
void symbol_file_release(struct symbol_file *file);

/* The kernel's code in each process, or NULL. */
MUST_CHECK struct ebcc_error *symbolizer_vdso(struct ebcc_symbolizer *symbolizer,
					      struct ebcc_symbol_table **ret);

/* ---- symbolizer_process.c ---- */

/* Finds a process, reading about it what isn't known or may have changed. *@ret is NULL if there is
 * none and was none. */
MUST_CHECK struct ebcc_error *process_get(struct ebcc_symbolizer *symbolizer, int pid,
					  struct process **ret);
void process_destroy(struct process *process);

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

#endif /* EBCC_SYMBOLIZER_INTERNAL_H */
