// SPDX-License-Identifier: Apache-2.0
/*
 * Creating a module's maps. Constants are set first; then libbpf loads the object with every
 * program disabled, which creates the maps. Programs are loaded later, each from the same bytes
 * opened again (program.c): opening costs about 0.1 ms, and makes each program independent of
 * whether the others load.
 */

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/near_names.h"
#include "kernel/features.h"
#include "kernel/pid_namespace.h"
#include "load/capture.h"
#include "load/object.h"
#include "load/table_scope.h"
#include "load/tables.h"
#include "load/value.h"
#include "load/variable.h"
#include "types/kernel_record.h"

static struct ebcc_error *constant_error(enum ebcc_error_code code, const char *name,
					 const char *text)
{
	return ebcc_error_with_subject(ebcc_error_create(code, "constant '%s': %s", name, text),
				       name);
}

/* The error for a variable that does not exist, with similar names as suggestions. */
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
	ebcc_buf_append_string(
		&text, "the source has no global variable of that name, or does not use it");
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
				      "constants must be set before the module is loaded");
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

/* Tells the dialect's functions for PID namespaces where the kernel keeps a task's pids. */
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
 * Kernels before 5.11 charge maps to RLIMIT_MEMLOCK. On those, libbpf raises the limit once per
 * process, in its first call that creates anything, whether or not the caller wants that. The probe
 * here is such a call, so the limit that is set after it stays.
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

/* Only libbpf's message says which map failed: "map 'NAME': failed to create: ...". */
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
		bpf_object__for_each_map (map, module->object)
			bpf_map__set_ifindex(map, ifindex);
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
		return ebcc_error_create(EBCC_ERROR_STATE,
					 "an earlier attempt to create the module's maps failed; "
					 "create the module again");
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
