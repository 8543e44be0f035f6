/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stages of one module share: the module, its programs, tables and links.
 * A module is created (stages 1 to 4, by compile/) and opened (its object is read); constants are
 * set; it is loaded (its maps are created); then programs are loaded and attached one by one.
 * Destroying it undoes all of that in reverse order.
 */
#ifndef EBCC_LOAD_MODULE_H
#define EBCC_LOAD_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "advice/verifier_log.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "kernel/attach_target.h"
#include "load/relocate.h"

struct bpf_map;
struct bpf_object;
struct bpf_program;
struct btf;
struct ebcc_compilation; /* compile.h: request and result; kept for the second pipeline */
struct ebcc_link;	 /* link.h */
struct ebcc_usdt_specs;	 /* usdt_specs.h */
struct ebcc_events;	 /* events.c: the open readers and their epoll descriptor */
struct ebcc_types;	 /* value.c: struct ebcc_type by BTF id, created on demand */

struct ebcc_program {
	struct ebcc_module *module;
	char *name;	       /* the function's */
	size_t index;	       /* among the module's programs */
	int fd;		       /* -1 until loaded */
	unsigned type;	       /* enum bpf_prog_type, 0 until loaded */
	unsigned section_type; /* the type that its section says, or 0 */
	int attach_type;       /* enum bpf_attach_type it was loaded with */
	bool second_pipeline;  /* the verifier accepted only the second pipeline's code */
	bool optional; /* its section begins with a question mark: attached only by a call */
	struct ebcc_program_variant {
		int attach_type, fd;
	} *variants; /* loaded besides, for other attach types */
	size_t variant_count;
	struct ebcc_attach_target target; /* its section, and its target if it is BTF-typed */
	void *instructions;		  /* as compiled, from the object that was loaded */
	size_t instructions_size;
	struct ebcc_verifier_statistics statistics; /* of the last load that succeeded */
};

struct ebcc_table {
	struct ebcc_module *module;
	char *name;
	struct bpf_map *map; /* in module->object; its fd is used after load */
	int fd;		     /* -1 until the module is loaded */
	int template_fd;     /* maps of maps, until loaded: a map like the inner ones; or -1 */
	unsigned map_type;   /* enum bpf_map_type */
	unsigned flags;
	uint32_t max_entries;
	size_t key_size;
	size_t leaf_size;  /* one element */
	size_t value_size; /* as bpf(2) takes it: all CPUs of a per-CPU map */
	bool per_cpu;
	bool internal; /* .bss, .rodata: not listed among the module's tables */
	void *mapping; /* the mapped value of an internal table, once requested; or NULL */
	const struct ebcc_type *key_type, *leaf_type, *event_type;
};

struct ebcc_module {
	struct ebcc_log log;
	struct ebcc_timing timing;
	unsigned debug;
	bool no_rlimit;
	bool any_kernel; /* loads objects that were compiled for another kernel */
	bool elsewhere; /* may have been compiled for another kernel: checked before it is loaded */
	char *device;
	pid_t owner; /* the process that created it: a forked child detaches nothing */

	struct ebcc_compilation *compilation;
	/* Compiles the source through the second pipeline; NULL if the module was created from an
	 * object. @ret_bytes is malloc'ed. */
	struct ebcc_error *(*compile_second)(struct ebcc_module *module, char **ret_bytes,
					     size_t *ret_size);
	const char *source; /* the compilation's text, borrowed; NULL if created from an object */
	char *object_bytes; /* the ELF object */
	size_t object_size;
	char *second_bytes; /* the object of the second pipeline, once a program needs it */
	size_t second_size;
	bool second_tried;
	/* The same objects as they are loaded, and what the kernel lacks for each; NULL until a
	 * program is loaded, and if there is nothing to relocate. */
	char *relocated[2];
	bool adjusted[2];
	struct ebcc_unresolved unresolved[2];
	char *stripped;	      /* what object was opened from, if object_bytes has relocations */
	char *debug_texts[8]; /* indexed by bit number of enum ebcc_debug */

	struct bpf_object
		*object; /* libbpf's view of object_bytes: maps, and programs not yet loaded */
	struct btf *btf; /* borrowed from object, or empty_btf */
	struct btf *empty_btf; /* used if the object has no BTF, else NULL */
	const char **globals;  /* names of the source's variables; the array is the module's */
	size_t global_count;
	struct ebcc_types *types;
	bool loaded;	    /* the maps exist */
	bool load_tried;    /* constants can no longer be set, and a failed load is not repeated */
	bool targets_found; /* the targets of BTF-typed programs have been looked up */
	struct ebcc_program **programs;
	size_t program_count;
	struct ebcc_table **tables;
	size_t table_count;
	struct ebcc_link *links; /* every live link of the module's programs */
	struct ebcc_events *events;
	struct ebcc_usdt_specs *usdt_specs; /* NULL until one is needed */
};

/* Relocates the object of one pipeline for the running kernel, and checks what a portable one
 * records, unless that was done. */
MUST_CHECK struct ebcc_error *ebcc_module_adjust(struct ebcc_module *module, bool second);

/* Appends what ebcc_module_save() writes: the objects of both pipelines as one. */
MUST_CHECK struct ebcc_error *ebcc_module_join_objects(struct ebcc_module *module,
						       struct ebcc_buf *ret);

#endif /* EBCC_LOAD_MODULE_H */
