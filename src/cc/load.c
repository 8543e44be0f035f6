// SPDX-License-Identifier: Apache-2.0
/*
 * From an ELF object to maps in the kernel. The object is opened once for what there is
 * to know (programs, maps, types, variables) and its maps are created by loading it with
 * every program off. Programs are loaded from the same bytes opened again (program.c): a second
 * opening costs about 0.1 ms, and frees every program from what becomes of the others.
 */
#include "load.h"

#include <errno.h>
#include <gelf.h>
#include <net/if.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "btf_check.h"
#include "elf_sections.h"
#include "kernel_features.h"
#include "kernel_record.h"
#include "near_names.h"
#include "pid_namespace.h"
#include "privilege.h"
#include "usdt.h"
#include "value.h"

/* libbpf's messages kept for one error. */
#define CAPTURE_LIMIT 4096

static void capture_message(void *ctx, enum ebcc_log_level level, const char *message)
{
	struct ebcc_capture *capture = ctx;
	const char *prefix = "libbpf: ";

	ebcc_log(capture->forward, level, "%s", message);
	if (!strncmp(message, prefix, strlen(prefix)))
		message += strlen(prefix);
	if (capture->text.size + strlen(message) < CAPTURE_LIMIT)
		ebcc_buf_printf(&capture->text, "%s\n", message);
}

void ebcc_capture_init(struct ebcc_capture *capture, const struct ebcc_log *forward)
{
	*capture = (struct ebcc_capture){.forward = forward};
	capture->log = (struct ebcc_log){.fn = capture_message, .ctx = capture};
}

void ebcc_capture_deinit(struct ebcc_capture *capture)
{
	ebcc_buf_deinit(&capture->text);
}

/* The first line that libbpf printed of the map or program. What it says of their description (BTF)
 * it then does without. */
static void append_reason(struct ebcc_buf *buf, const struct ebcc_capture *capture)
{
	const char *text = ebcc_buf_string(&capture->text), *end;
	const char *btf_log_end = strstr(text, "-- END BTF LOAD LOG");

	for (const char *line = btf_log_end ? btf_log_end : text; (end = strchr(line, '\n'));
	     line = end + 1) {
		size_t length = end - line;

		if (memmem(line, length, "BTF", 3) && strncmp(line, "prog '", 6))
			continue;
		ebcc_buf_append_string(buf, " (");
		ebcc_buf_append(buf, line, length);
		ebcc_buf_append_char(buf, ')');
		return;
	}
}

struct ebcc_error *ebcc_load_error(int errnum, const char *what, const struct ebcc_capture *capture)
{
	AUTO_BUF struct ebcc_buf reason = EBCC_BUF_INIT;

	if (errnum == EPERM && ebcc_privilege_holds(true))
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"%s: this user has the privileges, but the kernel refuses it: this kernel "
			"is built without what it needs, is locked down "
			"(/sys/kernel/security/lockdown), or a security module forbids it",
			what);
	if (errnum == EPERM)
		return ebcc_error_create(
			EBCC_ERROR_PERMISSION,
			"%s: the kernel does not let this user load BPF: run as root, or "
			"with CAP_BPF and CAP_PERFMON (for packets: CAP_NET_ADMIN)",
			what);
	append_reason(&reason, capture);
	if (errnum == ENOMEM)
		return ebcc_error_create(
			EBCC_ERROR_NO_MEMORY,
			"%s: the kernel has not enough memory, or the limit of locked "
			"memory (ulimit -l) is too small%s",
			what, ebcc_buf_string(&reason));
	return ebcc_error_os(EBCC_ERROR_LOAD, errnum, "%s: the kernel refused to load it%s", what,
			     ebcc_buf_string(&reason));
}

void ebcc_cleanup_object(struct bpf_object **object)
{
	bpf_object__close(*object);
}

/* libbpf passes such relocations over without a word: programs would see 0 in their place. */
static struct ebcc_error *check_relocations(const char *bytes, size_t size)
{
	const char *section = ebcc_elf_relocated_data(bytes, size);

	return section ? ebcc_error_create(
				 EBCC_ERROR_UNSUPPORTED,
				 "the object's global variables (section %s) begin with addresses, "
				 "which nothing puts there when it is loaded: programs would read "
				 "other values; compile the source with ebcc, or have the programs "
				 "set these variables",
				 section)
		       : NULL;
}

/* Checks one section of a foreign object. */
static struct ebcc_error *check_btf_section(Elf_Scn *section)
{
	Elf_Data *data = elf_rawdata(section, NULL);
	struct btf *btf = data ? btf__new(data->d_buf, data->d_size) : NULL;
	struct ebcc_error *error = NULL;

	/* What libbpf doesn't take here it doesn't take later either, and says so. */
	if (btf)
		error = ebcc_btf_check(btf, "the BPF object");
	btf__free(btf);
	return error;
}

struct ebcc_error *ebcc_object_check(const char *bytes, size_t size)
{
	struct ebcc_error *error = NULL;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)bytes, size);
	/* All of that name: which one of several libbpf takes is its own business. */
	while (!error && elf && !elf_getshdrstrndx(elf, &names) &&
	       (section = elf_nextscn(elf, section))) {
		const char *name = gelf_getshdr(section, &header)
					   ? elf_strptr(elf, names, header.sh_name)
					   : NULL;

		if (name && !strcmp(name, BTF_ELF_SEC))
			error = check_btf_section(section);
	}
	elf_end(elf);
	return error;
}

struct ebcc_error *ebcc_object_open(const struct ebcc_module *module, const char *bytes,
				    size_t size, struct bpf_object **ret)
{
	/* The name begins the names of maps of globals: "ebcc.rodata". */
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "ebcc");
	AUTO_CAPTURE struct ebcc_capture capture = {0};
	struct bpf_program *program;
	struct bpf_object *object;

	TRY(check_relocations(bytes, size));
	ebcc_capture_init(&capture, &module->log);
	LOG_SCOPE(&capture.log);
	object = bpf_object__open_mem(bytes, size, &opts);
	if (!object) {
		AUTO_BUF struct ebcc_buf reason = EBCC_BUF_INIT;
		int errnum = errno;

		append_reason(&reason, &capture);
		return ebcc_error_os(EBCC_ERROR_FORMAT, errnum,
				     "libbpf can't read the BPF object%s",
				     ebcc_buf_string(&reason));
	}
	bpf_object__for_each_program(program, object) bpf_program__set_autoload(program, false);
	*ret = object;
	return NULL;
}

struct ebcc_error *ebcc_module_ifindex(const struct ebcc_module *module, unsigned *ret)
{
	unsigned index = 0;

	if (module->device) {
		index = if_nametoindex(module->device);
		if (!index)
			return ebcc_error_with_subject(
				ebcc_error_create(EBCC_ERROR_NOT_FOUND,
						  "there is no network device '%s'",
						  module->device),
				module->device);
	}
	*ret = index;
	return NULL;
}

static bool holds_source_variables(const char *section)
{
	return !strncmp(section, ".data", 5) || !strncmp(section, ".rodata", 7) ||
	       !strncmp(section, ".bss", 4);
}

static bool find_in_section(const struct btf *btf, const struct btf_type *datasec, const char *name,
			    struct ebcc_variable *ret)
{
	const struct btf_var_secinfo *info = btf_var_secinfos(datasec);

	for (unsigned i = 0; i < btf_vlen(datasec); i++, info++) {
		const struct btf_type *variable = btf__type_by_id(btf, info->type);
		const char *found;

		if (!variable || !btf_is_var(variable))
			continue;
		found = btf__name_by_offset(btf, variable->name_off);
		if (!found || strcmp(found, name))
			continue;
		ret->type_id = variable->type;
		ret->offset = info->offset;
		ret->size = info->size;
		return true;
	}
	return false;
}

bool ebcc_btf_variable(const struct btf *btf, const char *section, const char *name,
		       struct ebcc_variable *ret)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *found;

		if (!btf_is_datasec(type))
			continue;
		found = btf__name_by_offset(btf, type->name_off);
		if (!found || (section ? strcmp(found, section) : !holds_source_variables(found)))
			continue;
		if (find_in_section(btf, type, name, ret)) {
			ret->section = found;
			return true;
		}
	}
	return false;
}

struct ebcc_error *ebcc_debug_append(struct ebcc_module *module, enum ebcc_debug bit,
				     const char *text)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	char **place = &module->debug_texts[__builtin_ctz((unsigned)bit)];
	char *joined;
	size_t size;

	if (!(module->debug & bit))
		return NULL;
	ebcc_buf_append_string(&buf, *place ? *place : "");
	ebcc_buf_append_string(&buf, text);
	TRY(ebcc_buf_take(&buf, &joined, &size));
	free(*place);
	*place = joined;
	return NULL;
}

static void append_to_buf(void *ctx, const char *format, va_list args)
{
	ebcc_buf_vprintf(ctx, format, args);
}

/* The object's own types as C declarations. */
static struct ebcc_error *describe_btf(struct ebcc_module *module)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	struct btf_dump *dump;

	if (!(module->debug & EBCC_DEBUG_BTF) || !module->btf)
		return NULL;
	dump = btf_dump__new(module->btf, append_to_buf, &buf, NULL);
	if (!dump)
		return ebcc_error_no_memory();
	for (uint32_t id = 1; id < btf__type_cnt(module->btf); id++)
		if (btf_dump__dump_type(dump, id))
			break;
	btf_dump__free(dump);
	TRY(ebcc_buf_check(&buf));
	return ebcc_debug_append(module, EBCC_DEBUG_BTF, ebcc_buf_string(&buf));
}

struct ebcc_error *ebcc_module_open_object(struct ebcc_module *module)
{
	TRY(ebcc_object_open(module, module->object_bytes, module->object_size, &module->object));
	module->btf = bpf_object__btf(module->object);
	/* A source that declares nothing gives an object without BTF. */
	if (!module->btf) {
		module->empty_btf = btf__new_empty();
		if (!module->empty_btf)
			return ebcc_error_no_memory();
		module->btf = module->empty_btf;
	}
	TRY(ebcc_types_create(module->btf, &module->types));
	TRY(describe_btf(module));
	TRY(ebcc_programs_create(module));
	return ebcc_tables_create(module);
}

void ebcc_module_close_object(struct ebcc_module *module)
{
	ebcc_usdt_specs_destroy(module->usdt_specs);
	module->usdt_specs = NULL;
	ebcc_table_scope_withdraw(module);
	ebcc_programs_destroy(module);
	ebcc_tables_destroy(module);
	ebcc_types_destroy(module->types);
	module->types = NULL;
	bpf_object__close(module->object);
	module->object = NULL;
	btf__free(module->empty_btf);
	module->empty_btf = NULL;
	module->btf = NULL;
	free(module->second_bytes);
	module->second_bytes = NULL;
}

const struct ebcc_type *ebcc_module_variable_type(const struct ebcc_module *module,
						  const char *name)
{
	struct ebcc_variable variable;

	if (!module->btf || !ebcc_btf_variable(module->btf, NULL, name, &variable))
		return NULL;
	return ebcc_types_get(module->types, variable.type_id);
}

static struct ebcc_error *constant_error(enum ebcc_error_code code, const char *name,
					 const char *text)
{
	return ebcc_error_with_subject(ebcc_error_create(code, "constant '%s': %s", name, text),
				       name);
}

/* No such variable: the nearest of those that could be meant are named. */
static struct ebcc_error *unknown_constant(const struct ebcc_module *module, const char *name)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_near_names near;

	ebcc_near_names_init(&near, name);
	for (uint32_t id = 1; module->btf && id < btf__type_cnt(module->btf); id++) {
		const struct btf_type *type = btf__type_by_id(module->btf, id);
		const char *found = btf__name_by_offset(module->btf, type->name_off);
		struct ebcc_variable variable;

		if (btf_is_var(type) && found &&
		    ebcc_btf_variable(module->btf, NULL, found, &variable) &&
		    !strncmp(variable.section, ".rodata", 7))
			ebcc_near_names_add(&near, found);
	}
	ebcc_buf_append_string(&text, "the source has no such global variable, or nothing uses it");
	ebcc_near_names_suggest(&near, &text);
	TRY(ebcc_buf_check(&text));
	return constant_error(EBCC_ERROR_NOT_FOUND, name, ebcc_buf_string(&text));
}

struct ebcc_error *ebcc_module_set_constant(struct ebcc_module *module, const char *name,
					    const void *value, size_t size)
{
	struct ebcc_variable variable;
	struct ebcc_table *map;
	size_t map_size = 0;
	char *data;

	if (module->load_tried)
		return constant_error(EBCC_ERROR_STATE, name,
				      "the maps exist already; constants are set before load");
	if (!module->btf || !ebcc_btf_variable(module->btf, NULL, name, &variable))
		return unknown_constant(module, name);
	if (strncmp(variable.section, ".rodata", 7))
		return constant_error(EBCC_ERROR_NOT_FOUND, name,
				      "the variable is not declared const volatile");
	if (size != variable.size)
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					  "constant '%s' has %u bytes, %zu were given", name,
					  variable.size, size),
			name);
	map = ebcc_module_map(module, variable.section);
	data = map ? (char *)bpf_map__initial_value(map->map, &map_size) : NULL;
	if (!data || variable.offset > map_size || size > map_size - variable.offset)
		return constant_error(EBCC_ERROR_FORMAT, name, "the object has no data for it");
	memcpy(data + variable.offset, value, size);
	return NULL;
}

/* Tells the source's functions for PID namespaces where to look. */
static struct ebcc_error *set_pid_layout(struct ebcc_module *module)
{
	struct ebcc_variable variable;
	struct ebcc_pid_layout layout;

	if (!module->btf || !ebcc_btf_variable(module->btf, NULL, EBCC_PID_LAYOUT_NAME, &variable))
		return NULL;
	TRY(ebcc_pid_layout(&layout));
	return ebcc_module_set_constant(module, EBCC_PID_LAYOUT_NAME, &layout, sizeof(layout));
}

/*
 * Kernels before 5.11 count maps against RLIMIT_MEMLOCK. There, the first call of libbpf that
 * creates anything raises the limit, asked or not, once for the process; the probe is such a call,
 * so that afterwards the limit is what the module wants.
 */
static void prepare_rlimit(const struct ebcc_module *module)
{
	struct rlimit found, unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	if (getrlimit(RLIMIT_MEMLOCK, &found) || found.rlim_cur == RLIM_INFINITY)
		return;
	if (ebcc_feature(EBCC_FEATURE_MEMCG_ACCOUNT))
		return;
	setrlimit(RLIMIT_MEMLOCK, module->no_rlimit ? &found : &unlimited);
}

/* Which map it was is in libbpf's words only: "map 'NAME': failed to create: ...". */
static struct ebcc_error *maps_error(const struct ebcc_module *module, int errnum,
				     const struct ebcc_capture *capture)
{
	for (size_t i = 0; i < module->table_count; i++) {
		const struct ebcc_table *table = module->tables[i];
		const char *type = libbpf_bpf_map_type_str(table->map_type);
		AUTO_BUF struct ebcc_buf words = EBCC_BUF_INIT, what = EBCC_BUF_INIT;

		ebcc_buf_printf(&words, "map '%s': failed to create", table->name);
		ebcc_buf_printf(&what, "table '%s' (%s, %u entries of %zu + %zu bytes)",
				table->name, type ? type : "of unknown type", table->max_entries,
				table->key_size, table->leaf_size);
		TRY(ebcc_buf_check(&words));
		if (!strstr(ebcc_buf_string(&capture->text), ebcc_buf_string(&words)))
			continue;
		if (errnum == EINVAL && !libbpf_probe_bpf_map_type(table->map_type, NULL))
			return ebcc_error_with_subject(
				ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
						  "table '%s': this kernel has no tables of type "
						  "%s",
						  table->name, type ? type : "asked for"),
				table->name);
		if (errnum == E2BIG)
			return ebcc_error_with_subject(
				ebcc_error_create(EBCC_ERROR_LOAD,
						  "%s: that is more than the kernel allows",
						  ebcc_buf_string(&what)),
				table->name);
		return ebcc_error_with_subject(
			ebcc_load_error(errnum, ebcc_buf_string(&what), capture), table->name);
	}
	return ebcc_load_error(errnum, "the module's maps", capture);
}

static struct ebcc_error *create_maps(struct ebcc_module *module)
{
	AUTO_CAPTURE struct ebcc_capture capture = {0};
	struct bpf_map *map;
	unsigned ifindex = 0;
	int err;

	TRY(ebcc_module_ifindex(module, &ifindex));
	TRY(ebcc_table_scope_prepare(module));
	if (ifindex)
		bpf_object__for_each_map(map, module->object) bpf_map__set_ifindex(map, ifindex);
	ebcc_capture_init(&capture, &module->log);
	LOG_SCOPE(&capture.log);
	err = bpf_object__load(module->object);
	return err ? maps_error(module, -err, &capture) : NULL;
}

struct ebcc_error *ebcc_module_load(struct ebcc_module *module)
{
	if (module->loaded)
		return NULL;
	if (module->load_tried)
		return ebcc_error_create(
			EBCC_ERROR_STATE,
			"the module's maps could not be created before; create the "
			"module again");
	if (module->elsewhere)
		TRY(ebcc_kernel_record_check(module->object_bytes, module->object_size,
					     module->any_kernel));
	TRY(set_pid_layout(module));
	module->load_tried = true;
	prepare_rlimit(module);
	TRY(create_maps(module));
	TRY(ebcc_tables_loaded(module));
	TRY(ebcc_table_scope_publish(module));
	module->loaded = true;
	return NULL;
}
