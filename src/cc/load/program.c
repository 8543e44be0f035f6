// SPDX-License-Identifier: Apache-2.0
/*
 * Loading programs, one at a time, when they are first needed. The object's bytes are opened again
 * with only that program enabled, and the module's maps replace the object's own. A program that
 * the verifier rejects is loaded again from the code of the second pipeline, which optimizes less.
 */
#include "load/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "advice/hints.h"
#include "advice/verifier_log.h"
#include "base/buf.h"
#include "base/kinds.h"
#include "base/near_names.h"
#include "base/options.h"
#include "load/capture.h"
#include "load/debug_text.h"
#include "load/object.h"
#include "load/program_target.h"
#include "load/tables.h"
#include "load/variable.h"

/*
 * Levels of the verifier's log. The reason for a rejection and statistics cost nothing and are
 * always requested. The instructions, which give the source line, are worth another load after a
 * rejection; but not if the program was too large: that log takes seconds to write and is cut off
 * at an arbitrary place.
 */
#define LOG_REASON 4
#define LOG_INSTRUCTIONS 1
#define LOG_REGISTERS 2

/* The largest size that every kernel accepts; pages that the verifier doesn't write cost nothing.
 */
#define LOG_SIZE (UINT32_MAX >> 8)

static void destroy(struct ebcc_program *program)
{
	if (!program)
		return;
	if (program->fd >= 0)
		close(program->fd);
	for (size_t i = 0; i < program->variant_count; i++)
		close(program->variants[i].fd);
	free(program->variants);
	free(program->instructions);
	free(program->name);
	free(program);
}

static struct ebcc_error *copy_instructions(struct ebcc_program *program,
					    const struct bpf_program *from)
{
	size_t size = bpf_program__insn_cnt(from) * sizeof(struct bpf_insn);
	void *copy = malloc(size ? size : 1);

	if (!copy)
		return ebcc_error_no_memory();
	memcpy(copy, bpf_program__insns(from), size);
	free(program->instructions);
	program->instructions = copy;
	program->instructions_size = size;
	return NULL;
}

/* The type that the program's section says, or 0. Older libbpf doesn't know all sections that we
 * do. A section that neither knows may begin with one that libbpf does: loaders use "xdp/eth0" and
 * similar for what they attach to. */
static unsigned section_type(const struct bpf_program *from)
{
	struct ebcc_section section = ebcc_section_of(bpf_program__section_name(from));
	AUTO_FREE char *begin = strdup(bpf_program__section_name(from));
	char *slash = begin ? strchr(begin, '/') : NULL;
	enum bpf_prog_type type = bpf_program__type(from);
	enum bpf_attach_type attach_type;

	if (type == BPF_PROG_TYPE_UNSPEC && section.kind)
		return section.kind->type;
	if (type != BPF_PROG_TYPE_UNSPEC || !slash)
		return type;
	*slash = '\0';
	return libbpf_prog_type_by_name(begin, &type, &attach_type) ? 0 : type;
}

static struct ebcc_error *create(struct ebcc_module *module, const struct bpf_program *from,
				 size_t index)
{
	struct ebcc_program *program = calloc(1, sizeof(*program));

	if (!program)
		return ebcc_error_no_memory();
	module->programs[module->program_count++] = program;
	program->module = module;
	program->index = index;
	program->fd = -1;
	ebcc_attach_target_init(&program->target, bpf_program__section_name(from));
	program->section_type = section_type(from);
	program->optional = !bpf_program__autoload(from);
	program->name = strdup(bpf_program__name(from));
	if (!program->name)
		return ebcc_error_no_memory();
	return copy_instructions(program, from);
}

struct ebcc_error *ebcc_programs_create(struct ebcc_module *module)
{
	struct bpf_program *program;
	size_t count = 0;

	bpf_object__for_each_program (program, module->object)
		count++;
	module->programs = calloc(count + 1, sizeof(*module->programs));
	if (!module->programs)
		return ebcc_error_no_memory();
	bpf_object__for_each_program (program, module->object)
		TRY(create(module, program, module->program_count));
	return NULL;
}

void ebcc_programs_destroy(struct ebcc_module *module)
{
	for (size_t i = 0; i < module->program_count; i++)
		destroy(module->programs[i]);
	free(module->programs);
	module->programs = NULL;
	module->program_count = 0;
}

size_t ebcc_module_program_count(const struct ebcc_module *module)
{
	return module->program_count;
}

struct ebcc_program *ebcc_module_program_at(const struct ebcc_module *module, size_t index)
{
	return index < module->program_count ? module->programs[index] : NULL;
}

/* Whether the source or the object has a function of that name that is not a program. */
static bool is_helper_function(const struct ebcc_module *module, const char *name)
{
	return (module->source && ebcc_source_has_static_function(module->source, name)) ||
	       (module->btf && btf__find_by_name_kind(module->btf, name, BTF_KIND_FUNC) > 0);
}

struct ebcc_error *ebcc_module_find_program(const struct ebcc_module *module, const char *name,
					    struct ebcc_program **ret)
{
	AUTO_BUF struct ebcc_buf near = EBCC_BUF_INIT;
	struct ebcc_near_names names;

	ebcc_near_names_init(&names, name);
	for (size_t i = 0; i < module->program_count; i++) {
		if (!strcmp(module->programs[i]->name, name)) {
			*ret = module->programs[i];
			return NULL;
		}
		ebcc_near_names_add(&names, module->programs[i]->name);
	}
	if (is_helper_function(module, name))
		ebcc_buf_append_string(&near, "; it is static, which makes it a helper: remove "
					      "'static' to make it a program");
	else
		ebcc_near_names_suggest(&names, &near);
	if (!near.size)
		ebcc_buf_append_string(&near,
				       "; programs are the source's functions that are not static");
	return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_NOT_FOUND,
							 "the source has no program '%s'%s", name,
							 ebcc_buf_string(&near)),
				       name);
}

const char *ebcc_program_name(const struct ebcc_program *program)
{
	return program->name;
}

bool ebcc_program_is_optional(const struct ebcc_program *program)
{
	return program->optional;
}

int ebcc_program_fd(const struct ebcc_program *program)
{
	return program->fd;
}

unsigned ebcc_program_type(const struct ebcc_program *program)
{
	return program->type;
}

const void *ebcc_program_instructions(const struct ebcc_program *program, size_t *ret_size)
{
	*ret_size = program->instructions_size;
	return program->instructions;
}

/* A single attempt to load a program from an object. */
struct load {
	struct ebcc_program *program;
	unsigned type;
	int attach_type; /* -1: what the section says */
	const char *bytes;
	size_t size;
	bool second;				  /* the bytes come from the second pipeline */
	const struct ebcc_unresolved *unresolved; /* what the kernel lacks for them, or NULL */
	unsigned log_level;
	struct bpf_object *object;
	struct bpf_program *bpf_program;
	const struct ebcc_attach_target *target; /* of a BTF-typed program, or NULL */
	int target_btf;				 /* descriptor of the target's BTF; 0: vmlinux */
	char *renamed;				 /* the copy of the object that names the target */
	char *log;
	bool rejected; /* by the verifier, not for lack of privileges or memory */
	bool too_large;
	int fd;
};

static void load_deinit(struct load *load)
{
	bpf_object__close(load->object);
	free(load->log);
	free(load->renamed);
	if (load->target_btf > 0)
		close(load->target_btf);
	if (load->fd >= 0)
		close(load->fd);
}

/* The BTF of a section of variables, or NULL. */
static const struct btf_type *find_datasec(const struct btf *btf, const char *name)
{
	int id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_DATASEC) : -1;

	return id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
}

/*
 * Constants may have other offsets in the read-only data of the second object: copy the module's
 * values there, and give it a map of its own.
 */
static struct ebcc_error *copy_constants(const struct load *load, struct bpf_map *map,
					 const struct ebcc_table *from)
{
	const struct btf *btf = bpf_object__btf(load->object);
	const struct ebcc_module *module = load->program->module;
	const struct btf_type *datasec = find_datasec(btf, ebcc_map_name(map));
	size_t size = 0, from_size = 0;
	char *data = (char *)bpf_map__initial_value(map, &size);
	const char *from_data = bpf_map__initial_value(from->map, &from_size);

	for (unsigned i = 0; datasec && data && from_data && i < btf_vlen(datasec); i++) {
		const struct btf_var_secinfo *info = &btf_var_secinfos(datasec)[i];
		const struct btf_type *type = btf__type_by_id(btf, info->type);
		struct ebcc_variable variable;

		if (!type ||
		    !ebcc_btf_variable(module->btf, from->name,
				       btf__name_by_offset(btf, type->name_off), &variable))
			continue;
		if (variable.size != info->size ||
		    variable.offset + (size_t)info->size > from_size ||
		    info->offset + (size_t)info->size > size)
			return ebcc_error_create(
				EBCC_ERROR_FORMAT,
				"the two pipelines disagree about a constant's size");
		memcpy(data + info->offset, from_data + variable.offset, info->size);
	}
	return NULL;
}

/* Whether both objects place the variables of a shared section at the same offsets. */
static bool same_layout(const struct load *load, const struct bpf_map *map,
			const struct ebcc_table *table)
{
	const struct btf *btf = bpf_object__btf(load->object);
	const struct btf_type *datasec = find_datasec(btf, ebcc_map_name(map));

	if (!datasec || bpf_map__value_size(map) != table->leaf_size)
		return false;
	for (unsigned i = 0; i < btf_vlen(datasec); i++) {
		const struct btf_var_secinfo *info = &btf_var_secinfos(datasec)[i];
		const struct btf_type *type = btf__type_by_id(btf, info->type);
		struct ebcc_variable variable;

		if (!type ||
		    !ebcc_btf_variable(load->program->module->btf, table->name,
				       btf__name_by_offset(btf, type->name_off), &variable) ||
		    variable.offset != info->offset || variable.size != info->size)
			return false;
	}
	return true;
}

static struct ebcc_error *use_map(const struct load *load, struct bpf_map *map)
{
	const char *name = ebcc_map_name(map);
	const struct ebcc_table *table = ebcc_module_map(load->program->module, name);
	int err;

	if (load->second && bpf_map__is_internal(map)) {
		if (!table)
			return NULL;
		if (!strncmp(name, ".rodata", 7))
			return copy_constants(load, map, table);
		if (!same_layout(load, map, table))
			return ebcc_error_create(EBCC_ERROR_FORMAT,
						 "the two pipelines lay out '%s' differently",
						 name);
	}
	if (!table)
		return ebcc_error_create(EBCC_ERROR_FORMAT, "the module has no map '%s'", name);
	err = bpf_map__reuse_fd(map, table->fd);
	if (err)
		return ebcc_error_os(EBCC_ERROR_LOAD, -err, "table '%s' can't be reused", name);
	bpf_map__set_pin_path(map, NULL);
	return NULL;
}

/* Looks up the targets of all programs that have one, once, in a single walk through BTF. */
static struct ebcc_error *find_targets(struct ebcc_module *module)
{
	AUTO_FREE struct ebcc_attach_target **targets =
		calloc(module->program_count, sizeof(*targets));
	size_t count = 0;

	if (module->targets_found)
		return NULL;
	if (!targets)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < module->program_count; i++) {
		struct ebcc_attach_target *target = &module->programs[i]->target;

		if (target->kind)
			targets[count++] = target;
	}
	TRY(ebcc_attach_targets_find(targets, count, &module->log));
	module->targets_found = true;
	return NULL;
}

/* Sets the target, if the program has one and is loaded with the type that its section says. */
static struct ebcc_error *set_target(struct load *load)
{
	struct ebcc_program *program = load->program;
	struct ebcc_attach_target *target = &program->target;

	if (!target->kind || load->type != ebcc_attach_target_type(target) ||
	    (load->attach_type >= 0 &&
	     load->attach_type != (int)ebcc_attach_target_attach_type(target)) ||
	    !ebcc_target_loads())
		return NULL;
	TRY(find_targets(program->module));
	if (!target->id)
		return ebcc_error_prefix(ebcc_attach_target_missing(target), "program '%s'",
					 program->name);
	TRY(ebcc_attach_target_btf(target, &load->target_btf));
	TRY(ebcc_target_object(load->bytes, load->size, target->section, &load->renamed));
	load->target = target;
	return NULL;
}

/* What the section says besides the type, if the program is loaded with that; older libbpf doesn't
 * know all sections that we do. With the attach type of kprobe.multi/ and similar, no single probe
 * could be attached, so their kinds have none. */
static void set_kprobe_section(struct load *load)
{
	struct ebcc_section section = ebcc_section_of(load->program->target.section);
	bool own = section.kind && section.kind->type == load->type;

	bpf_program__set_expected_attach_type(load->bpf_program,
					      own ? section.kind->attach_type : 0);
	if (own && section.sleepable)
		bpf_program__set_flags(load->bpf_program,
				       bpf_program__flags(load->bpf_program) | BPF_F_SLEEPABLE);
}

static void set_type(struct load *load)
{
	struct bpf_program *program = load->bpf_program;

	if (load->target) {
		/* The kernel gets the attach type together with the target. */
		load->attach_type = (int)ebcc_attach_target_attach_type(load->target);
		return;
	}
	if (load->type != bpf_program__type(program)) {
		bpf_program__set_type(program, load->type);
		bpf_program__set_expected_attach_type(program, 0);
	}
	if (load->type == BPF_PROG_TYPE_KPROBE)
		set_kprobe_section(load);
	/* The kernel accepts only sleepable programs of this type. */
	if (load->type == BPF_PROG_TYPE_SYSCALL)
		bpf_program__set_flags(program, bpf_program__flags(program) | BPF_F_SLEEPABLE);
	if (load->attach_type >= 0)
		bpf_program__set_expected_attach_type(program,
						      (enum bpf_attach_type)load->attach_type);
}

static struct ebcc_error *prepare(struct load *load, unsigned ifindex)
{
	struct bpf_program *program = load->bpf_program;

	set_type(load);
	if (ifindex)
		bpf_program__set_ifindex(program, ifindex);
	bpf_program__set_autoload(program, true);
	load->log = malloc(LOG_SIZE);
	if (!load->log)
		return ebcc_error_no_memory();
	load->log[0] = '\0';
	bpf_program__set_log_buf(program, load->log, LOG_SIZE);
	bpf_program__set_log_level(program, load->log_level);
	return NULL;
}

/* Whether programs of this type must be loaded for one of several hooks, with no default. */
static bool needs_attach_type(unsigned type)
{
	return type == BPF_PROG_TYPE_CGROUP_SOCK_ADDR || type == BPF_PROG_TYPE_CGROUP_SOCKOPT;
}

static struct ebcc_error *explain(struct load *load, int errnum, const struct ebcc_capture *capture)
{
	AUTO_BUF struct ebcc_buf what = EBCC_BUF_INIT;

	load->log[LOG_SIZE - 1] = '\0';
	load->rejected = load->log[0] && errnum != EPERM;
	load->too_large = errnum == E2BIG;
	if (load->rejected) {
		struct ebcc_rejection rejection = {
			.program = load->program->name,
			.section = load->program->target.section,
			.instruction_count =
				load->program->instructions_size / sizeof(struct bpf_insn),
			.log = load->log,
			.object_bytes = load->bytes,
			.object_size = load->size,
			.btf = bpf_object__btf(load->object),
			.unresolved = load->unresolved ? load->unresolved->texts : NULL,
			.unresolved_count = load->unresolved ? load->unresolved->count : 0,
		};

		return ebcc_verifier_error(&rejection);
	}
	if (errnum == EINVAL && load->attach_type < 0 && needs_attach_type(load->type))
		return ebcc_error_with_subject(
			ebcc_error_create(
				EBCC_ERROR_INVALID_ARGUMENT,
				"program '%s': a program of type %s is loaded for the hook that it "
				"will be attached to, but no attach type was given",
				load->program->name, libbpf_bpf_prog_type_str(load->type)),
			load->program->name);
	if (load->target && errnum != ENOMEM)
		TRY(ebcc_target_unsupported(load->target, load->program->name));
	ebcc_buf_printf(&what, "program '%s'", load->program->name);
	return ebcc_error_with_subject(ebcc_load_error(errnum, ebcc_buf_string(&what), capture),
				       load->program->name);
}

static struct ebcc_error *collect_log(const struct load *load)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	if (load->log_level != LOG_REGISTERS || !load->log[0])
		return NULL;
	ebcc_buf_printf(&text, "%s%s:\n%s\n", load->program->name,
			load->second ? " (second pipeline)" : "", load->log);
	TRY(ebcc_buf_check(&text));
	return ebcc_debug_append(load->program->module, EBCC_DEBUG_BPF_REGISTER_STATE,
				 ebcc_buf_string(&text));
}

/* Loads the program into load->fd. If the verifier rejects it, load->rejected is set. */
static struct ebcc_error *run_load(struct load *load)
{
	struct ebcc_program *program = load->program;
	AUTO_CAPTURE struct ebcc_capture capture = {0};
	struct bpf_map *map;
	unsigned ifindex = 0;
	int err;

	TRY(ebcc_module_ifindex(program->module, &ifindex));
	TRY(set_target(load));
	TRY(ebcc_object_open(program->module, load->renamed ? load->renamed : load->bytes,
			     load->size, &load->object));
	ebcc_object_disable_programs(load->object);
	load->bpf_program = bpf_object__find_program_by_name(load->object, program->name);
	if (!load->bpf_program)
		return ebcc_error_create(EBCC_ERROR_FORMAT, "program '%s' is not in the object",
					 program->name);
	TRY(copy_instructions(program, load->bpf_program));
	ebcc_capture_init(&capture, &program->module->log);
	LOG_SCOPE(&capture.log);
	bpf_object__for_each_map (map, load->object)
		TRY(use_map(load, map));
	TRY(prepare(load, ifindex));
	ebcc_target_enter(load->target, load->target_btf);
	err = bpf_object__load(load->object);
	ebcc_target_enter(NULL, 0);
	TRY(collect_log(load));
	if (err)
		return explain(load, -err, &capture);
	ebcc_verifier_statistics_read(load->log, &program->statistics);
	/* Closing the object will close its own descriptor. */
	load->fd = fcntl(bpf_program__fd(load->bpf_program), F_DUPFD_CLOEXEC, 0);
	if (load->fd < 0)
		return ebcc_error_os(EBCC_ERROR_OS, errno,
				     "the program's descriptor can't be duplicated");
	if (!load->target)
		load->attach_type = (int)bpf_program__expected_attach_type(load->bpf_program);
	return NULL;
}

struct ebcc_error *ebcc_program_make_second(struct ebcc_module *module)
{
	if (!module->compile_second)
		return ebcc_error_create(
			EBCC_ERROR_STATE,
			"the module was created from an object without that of the "
			"second pipeline, and there is no source to compile again");
	return module->compile_second(module, &module->second_bytes, &module->second_size);
}

/* Sets what is loaded: the object of one pipeline, relocated for the running kernel. */
static struct ebcc_error *set_object(struct load *load)
{
	struct ebcc_module *module = load->program->module;
	const char *relocated;

	TRY(ebcc_module_adjust(module, load->second));
	relocated = module->relocated[load->second];
	load->bytes = load->second ? module->second_bytes : module->object_bytes;
	load->size = load->second ? module->second_size : module->object_size;
	if (relocated) {
		load->bytes = relocated;
		load->unresolved = &module->unresolved[load->second];
	}
	return NULL;
}

static struct ebcc_error *run_second(struct load *load)
{
	struct ebcc_module *module = load->program->module;

	if (!module->second_tried) {
		module->second_tried = true;
		TRY(ebcc_program_make_second(module));
	}
	if (!module->second_bytes)
		return ebcc_error_create(EBCC_ERROR_COMPILE,
					 "the source does not compile with the second pipeline");
	load->second = true;
	TRY(set_object(load));
	return run_load(load);
}

/* Repeats a rejected load to get the instructions into the log. Takes ownership of @error; returns
 * the better one. */
static struct ebcc_error *reload_for_instructions(const struct load *load, struct ebcc_error *error)
{
	CLEANUP(load_deinit) struct load again = *load;
	struct ebcc_error *located;

	again.object = NULL;
	again.log = NULL;
	again.renamed = NULL;
	again.target = NULL;
	again.target_btf = 0;
	again.log_level = LOG_INSTRUCTIONS;
	if (load->too_large || load->log_level != LOG_REASON)
		return error;
	located = run_load(&again);
	if (!located)
		return error;
	ebcc_error_destroy(error);
	return located;
}

/* Records, in the log and after listings, that a program comes from the second pipeline. */
static struct ebcc_error *report_second(const struct ebcc_program *program,
					const struct ebcc_error *error)
{
	struct ebcc_module *module = program->module;
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	ebcc_log(&module->log, EBCC_LOG_INFO,
		 "program '%s' was loaded from the second pipeline; the first one failed: %s",
		 program->name, ebcc_error_message(error));
	ebcc_buf_printf(&text, "program '%s' is loaded from the second pipeline\n", program->name);
	TRY(ebcc_buf_check(&text));
	TRY(ebcc_debug_append(module, EBCC_DEBUG_BPF, ebcc_buf_string(&text)));
	return ebcc_debug_append(module, EBCC_DEBUG_SOURCE, ebcc_buf_string(&text));
}

/* Loads the first pipeline's code, or, if the verifier rejects that, the second's. */
static struct ebcc_error *load_either(struct load *load)
{
	CLEANUP(load_deinit) struct load second = *load;
	AUTO_ERROR struct ebcc_error *second_error = NULL;
	struct ebcc_error *error = run_load(load);

	if (!error || !load->rejected)
		return error;
	/* The second pipeline's code needs the same. */
	if (ebcc_error_code(error) == EBCC_ERROR_OTHER_KERNEL)
		return reload_for_instructions(load, error);
	second_error = run_second(&second);
	if (second_error) {
		ebcc_log(&load->program->module->log, EBCC_LOG_DEBUG, "second pipeline: %s",
			 ebcc_error_message(second_error));
		return reload_for_instructions(load, error);
	}
	second_error = report_second(load->program, error);
	ebcc_error_destroy(error);
	if (second_error)
		return TAKE_PTR(second_error);
	load->fd = TAKE_FD(second.fd);
	load->attach_type = second.attach_type;
	load->program->second_pipeline = true;
	return NULL;
}

/* libbpf looks up the target of a BTF-typed program by its section, even if the program is loaded
 * with another type; but then it does so without the BTF that it needs. */
static struct ebcc_error *check_type(const struct ebcc_program *program, unsigned type)
{
	const struct ebcc_attach_target *target = &program->target;
	unsigned own = target->kind ? ebcc_attach_target_type(target) : type;
	const char *name = libbpf_bpf_prog_type_str((enum bpf_prog_type)type);

	if (type == own)
		return NULL;
	return ebcc_error_with_subject(
		ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"program '%s' has the section %s, so it can only be loaded as %s, "
			"not as %s",
			program->name, target->section,
			libbpf_bpf_prog_type_str((enum bpf_prog_type)own),
			name ? name : "another type"),
		program->name);
}

static struct ebcc_error *load_program(struct ebcc_program *program, unsigned type,
				       int *attach_type, int *ret_fd)
{
	struct ebcc_module *module = program->module;
	CLEANUP(load_deinit)
	struct load load = {
		.program = program,
		.type = type,
		.attach_type = *attach_type,
		.log_level =
			module->debug & EBCC_DEBUG_BPF_REGISTER_STATE ? LOG_REGISTERS : LOG_REASON,
		.fd = -1,
	};
	LOG_STAGE(&module->log, LOAD);

	TRY(check_type(program, type));
	TRY(ebcc_module_load(module));
	TRY(set_object(&load));
	TRY(load_either(&load));
	*attach_type = load.attach_type;
	*ret_fd = TAKE_FD(load.fd);
	return NULL;
}

static struct ebcc_error *state_error(const struct ebcc_program *program, unsigned type)
{
	const char *loaded = libbpf_bpf_prog_type_str(program->type);
	const char *wanted = libbpf_bpf_prog_type_str(type);

	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_STATE,
				  "program '%s' is already loaded as %s and can't be loaded as %s",
				  program->name, loaded ? loaded : "another type",
				  wanted ? wanted : "the requested type"),
		program->name);
}

struct ebcc_error *ebcc_program_load(struct ebcc_program *program, unsigned type,
				     const struct ebcc_program_opts *caller_opts)
{
	struct ebcc_program_opts opts = {.sz = sizeof(opts)};
	int attach_type;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_program_opts"));
	attach_type = opts.has_attach_type ? opts.attach_type : -1;
	if (type == BPF_PROG_TYPE_UNSPEC)
		type = program->section_type;
	if (type == BPF_PROG_TYPE_UNSPEC)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "program '%s': no program type was given, and its section "
					 "doesn't say one",
					 program->name);
	if (program->fd >= 0) {
		if (program->type == type &&
		    (!opts.has_attach_type || program->attach_type == attach_type))
			return NULL;
		return state_error(program, type);
	}
	TRY(load_program(program, type, &attach_type, &program->fd));
	program->type = type;
	program->attach_type = attach_type;
	return NULL;
}

bool ebcc_program_can_vary(const struct ebcc_program *program)
{
	const struct ebcc_module *module = program->module;

	for (size_t i = 0; i < module->table_count; i++)
		if (module->tables[i]->map_type == BPF_MAP_TYPE_PROG_ARRAY)
			return false;
	return true;
}

static struct ebcc_error *add_variant(struct ebcc_program *program, int attach_type, int *ret)
{
	struct ebcc_program_variant *variants =
		realloc(program->variants, (program->variant_count + 1) * sizeof(*variants));
	struct ebcc_program_variant variant = {.attach_type = attach_type, .fd = -1};

	if (!variants)
		return ebcc_error_no_memory();
	program->variants = variants;
	TRY(load_program(program, program->type, &variant.attach_type, &variant.fd));
	variants[program->variant_count++] = variant;
	*ret = variant.fd;
	return NULL;
}

struct ebcc_error *ebcc_program_load_variant(struct ebcc_program *program, unsigned type,
					     int attach_type, int *ret)
{
	struct ebcc_program_opts opts = {
		.sz = sizeof(opts), .has_attach_type = true, .attach_type = attach_type};

	if (program->fd < 0)
		TRY(ebcc_program_load(program, type, &opts));
	if (program->type != type)
		return state_error(program, type);
	if (program->attach_type == attach_type) {
		*ret = program->fd;
		return NULL;
	}
	for (size_t i = 0; i < program->variant_count; i++)
		if (program->variants[i].attach_type == attach_type) {
			*ret = program->variants[i].fd;
			return NULL;
		}
	return add_variant(program, attach_type, ret);
}
