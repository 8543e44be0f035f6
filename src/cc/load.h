/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 5 within the library: the object's maps (load.c), its programs (program.c), and
 * tables known to other modules of the process (table_scope.c).
 */
#ifndef EBCC_LOAD_H
#define EBCC_LOAD_H

#include "buf.h"
#include "module.h"

/* What libbpf printed while a call of its ran: the first reason is its best explanation. */
struct ebcc_capture {
	struct ebcc_log log;		/* goes to LOG_SCOPE() */
	const struct ebcc_log *forward; /* receives the messages too */
	struct ebcc_buf text;		/* lines, without "libbpf: " */
};

void ebcc_capture_init(struct ebcc_capture *capture, const struct ebcc_log *forward);
void ebcc_capture_deinit(struct ebcc_capture *capture);
#define AUTO_CAPTURE CLEANUP(ebcc_capture_deinit)

/* Checks what libbpf would follow without bounds, its type information, of an object that comes from
 * elsewhere. EBCC_ERROR_FORMAT. */
MUST_CHECK struct ebcc_error *ebcc_object_check(const char *bytes, size_t size);

/* Opens an object for libbpf with every program off. @ret is closed by the caller. */
MUST_CHECK struct ebcc_error *ebcc_object_open(const struct ebcc_module *module, const char *bytes,
					       size_t size, struct bpf_object **ret);

void ebcc_cleanup_object(struct bpf_object **object);
#define AUTO_OBJECT CLEANUP(ebcc_cleanup_object)

/* The error of a refused load, from errno and what libbpf printed; EPERM says what privilege
 * is missing. @what: "program 'f'". */
struct ebcc_error *ebcc_load_error(int errnum, const char *what,
				   const struct ebcc_capture *capture);

/* ---- program_target.c ---- */

/* Whether libbpf lets us load programs by a target's number. */
bool ebcc_target_loads(void);

/* A copy of an object (malloc'ed, of the same size) in which a section has the name by which
 * libbpf asks us for the target of its program. */
MUST_CHECK struct ebcc_error *ebcc_target_object(const char *bytes, size_t size,
						 const char *section, char **ret);

/* What this thread's loads answer libbpf; NULL @target afterwards. Both are borrowed. */
void ebcc_target_enter(const struct ebcc_attach_target *target, int btf_fd);

/* ---- load.c ---- */

/* Gives the module's network device, if it has one, as an interface index; else 0. */
MUST_CHECK struct ebcc_error *ebcc_module_ifindex(const struct ebcc_module *module, unsigned *ret);

/* The name of a table, or of the section (".rodata") whose variables a map holds. Borrowed. */
const char *ebcc_map_name(const struct bpf_map *map);

/* The module's table or internal map (".rodata") of that name, or NULL. */
struct ebcc_table *ebcc_module_map(const struct ebcc_module *module, const char *name);

/* A variable in the object's BTF. */
struct ebcc_variable {
	const char *section;
	uint32_t type_id;
	uint32_t offset, size; /* bytes, in the section */
};

/* A global variable by name, in @section or (NULL) in any that holds variables of the source.
 * False: there is none. */
bool ebcc_btf_variable(const struct btf *btf, const char *section, const char *name,
		       struct ebcc_variable *ret);

/* Appends to the debug text of one bit (enum ebcc_debug), if module->debug asks for it. */
MUST_CHECK struct ebcc_error *ebcc_debug_append(struct ebcc_module *module, enum ebcc_debug bit,
						const char *text);

/* program.c: fills module->programs from module->object; frees them. */
MUST_CHECK struct ebcc_error *ebcc_programs_create(struct ebcc_module *module);
void ebcc_programs_destroy(struct ebcc_module *module);

/*
 * program.c: loads a variant of @program beside the one that program->fd is, for attach
 * types that need one of their own (kprobe.multi). @attach_type: -1 for what the section says.
 * @ret_fd: owned by the caller. Creates the maps if need be.
 */
MUST_CHECK struct ebcc_error *ebcc_program_load_variant(struct ebcc_program *program, unsigned type,
							int attach_type, int *ret_fd);

/* table.c: fills module->tables from module->object; takes over descriptors after load. */
MUST_CHECK struct ebcc_error *ebcc_tables_create(struct ebcc_module *module);
MUST_CHECK struct ebcc_error *ebcc_tables_loaded(struct ebcc_module *module);
void ebcc_tables_destroy(struct ebcc_module *module);

/*
 * table_scope.c: facts about tables that libbpf can't carry (ir.h lists them). Called before the
 * maps are created: sets pin paths and inner maps, and puts the published table in place of an
 * extern one.
 */
MUST_CHECK struct ebcc_error *ebcc_table_scope_prepare(struct ebcc_module *module);
/* Makes shared and public tables known to other modules, after load; and forgets them. */
MUST_CHECK struct ebcc_error *ebcc_table_scope_publish(struct ebcc_module *module);
void ebcc_table_scope_withdraw(struct ebcc_module *module);

#endif /* EBCC_LOAD_H */
