/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stages of one module share: the module, its programs, tables and links.
 * Life: created (stages 1 to 4, by compile/), opened (the object is read), constants set, loaded
 * (maps), then programs are loaded and attached one by one; destroying undoes it all in the
 * opposite order.
 */
#ifndef EBCC_LOAD_MODULE_H
#define EBCC_LOAD_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "kernel/attach_target.h"

struct bpf_map;
struct bpf_object;
struct bpf_program;
struct btf;
struct ebcc_compilation; /* compile.h: the request and what came of it; kept for the second pipeline
			  */
struct ebcc_link;	 /* link.h */
struct ebcc_usdt_specs;	 /* usdt_specs.h */
struct ebcc_events;	 /* events.c: the open readers and their epoll descriptor */
struct ebcc_types;	 /* value.c: struct ebcc_type by BTF id, made on demand */

struct ebcc_program {
	struct ebcc_module *module;
	char *name;			  /* the function's */
	size_t index;			  /* among the module's programs */
	int fd;				  /* -1 until loaded */
	unsigned type;			  /* enum bpf_prog_type, 0 until loaded */
	int attach_type;		  /* enum bpf_attach_type it was loaded with */
	bool second_pipeline;		  /* the verifier took only the second pipeline's code */
	struct ebcc_attach_target target; /* its section, and what it is for if it is BTF-typed */
	void *instructions;		  /* as compiled, from the object that was loaded */
	size_t instructions_size;
};

struct ebcc_table {
	struct ebcc_module *module;
	char *name;
	struct bpf_map *map; /* in module->object; its fd is used after load */
	int fd;		     /* -1 until the module is loaded */
	int template_fd; /* of a map of maps, until loaded: what its inner maps look like; or -1 */
	unsigned map_type; /* enum bpf_map_type */
	unsigned flags;
	uint32_t max_entries;
	size_t key_size;
	size_t leaf_size;  /* one element */
	size_t value_size; /* as the kernel's calls take it: all CPUs of a per-CPU map */
	bool per_cpu;
	bool internal; /* .bss, .rodata: not listed among the module's tables */
	void *mapping; /* of an internal table's one value, once asked for; or NULL */
	const struct ebcc_type *key_type, *leaf_type, *event_type;
};

struct ebcc_module {
	struct ebcc_log log;
	unsigned debug;
	bool no_rlimit;
	bool any_kernel; /* loads what was compiled for another kernel */
	bool elsewhere;	 /* was maybe compiled for another kernel: compared before it is loaded */
	char *device;
	pid_t owner; /* the process that created it: a forked child detaches nothing */

	struct ebcc_compilation *compilation;
	/* Compiles the source through the second pipeline; NULL for a loaded object. @ret_bytes
	 * malloc'ed. */
	struct ebcc_error *(*compile_second)(struct ebcc_module *module, char **ret_bytes,
					     size_t *ret_size);
	const char *source; /* the compilation's text, borrowed; NULL for a loaded object */
	char *object_bytes; /* the ELF object */
	size_t object_size;
	char *second_bytes; /* the object of the second pipeline, once a program needed it */
	size_t second_size;
	bool second_tried;
	char *debug_texts[8]; /* by bit number of enum ebcc_debug */

	struct bpf_object
		*object; /* libbpf's view of object_bytes: maps, and programs not yet loaded */
	struct btf *btf; /* borrowed from object, or empty_btf */
	struct btf *empty_btf; /* stands in where the object has none; else NULL */
	struct ebcc_types *types;
	bool loaded;	    /* the maps exist */
	bool load_tried;    /* constants can't be set any more, nor a failed load repeated */
	bool targets_found; /* those of BTF-typed programs were looked for */
	struct ebcc_program **programs;
	size_t program_count;
	struct ebcc_table **tables;
	size_t table_count;
	struct ebcc_link *links; /* every live link of the module's programs */
	struct ebcc_events *events;
	struct ebcc_usdt_specs *usdt_specs; /* NULL until one is needed */
};

#endif /* EBCC_LOAD_MODULE_H */
