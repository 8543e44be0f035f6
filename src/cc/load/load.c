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

#include "base/buf.h"
#include "kernel/features.h"
#include "kernel/info.h"
#include "kernel/pid_namespace.h"
#include "load/capture.h"
#include "load/object.h"
#include "load/relocated_cache.h"
#include "load/table_scope.h"
#include "load/tables.h"
#include "load/variable.h"
#include "types/kernel_needs.h"
#include "types/kernel_record.h"

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
						  table->name, type ? type : "unknown"),
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
	if (strstr(ebcc_buf_string(&capture->text), "to prog '"))
		return ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
					 "a table of programs can't be filled by its definition "
					 "(.values), because programs are loaded after the tables: "
					 "set its entries when it is loaded");
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

/* Compares what an object records of the kernel's types, and relocates it. *@ret_modules: whether
 * the former looked into modules. */
static struct ebcc_error *adjust(struct ebcc_module *module, bool second, bool checked,
				 struct ebcc_kernel_info *kernel, struct ebcc_buf *inputs,
				 bool *ret_modules)
{
	const char *bytes = second ? module->second_bytes : module->object_bytes;
	size_t size = second ? module->second_size : module->object_size;
	AUTO_KERNEL_BTF struct ebcc_kernel_btf *btf = NULL;

	TRY(ebcc_kernel_btf_create(NULL, NULL, &btf));
	if (checked)
		TRY(ebcc_kernel_needs_check(bytes, size, kernel, btf));
	*ret_modules = btf->modules_opened;
	if (ebcc_has_relocations(bytes, size))
		TRY(ebcc_relocate(bytes, size, btf, &module->unresolved[second], inputs,
				  &module->relocated[second]));
	return NULL;
}

struct ebcc_error *ebcc_module_adjust(struct ebcc_module *module, bool second)
{
	const char *bytes = second ? module->second_bytes : module->object_bytes;
	size_t size = second ? module->second_size : module->object_size;
	AUTO_KERNEL_INFO struct ebcc_kernel_info *kernel = NULL;
	AUTO_DISK_CACHE struct ebcc_disk_cache *cache = NULL;
	AUTO_BUF struct ebcc_buf inputs = EBCC_BUF_INIT;
	struct ebcc_cache_key key;
	/* Both objects are of one source. */
	bool checked = !second && !module->any_kernel;
	bool modules;

	if (module->adjusted[second])
		return NULL;
	if (ebcc_has_relocations(bytes, size) || (checked && ebcc_has_kernel_needs(bytes, size))) {
		TRY(ebcc_kernel_info_create(NULL, &kernel));
		/* Without a build id, two builds of a kernel can't be told apart. */
		if (*kernel->build_id)
			cache = ebcc_disk_cache_create(NULL, &module->log);
		key = ebcc_relocated_key(kernel, bytes, size, checked);
		if (!ebcc_relocated_find(cache, &key, size, &module->unresolved[second],
					 &module->relocated[second])) {
			TRY(adjust(module, second, checked, kernel, &inputs, &modules));
			/* Modules come and go, and so do their tracepoints. */
			if (!modules && !strstr(ebcc_buf_string(&inputs), "none\n"))
				ebcc_relocated_store(cache, &key, module->relocated[second], size,
						     &module->unresolved[second], &inputs);
		}
	}
	module->adjusted[second] = true;
	return NULL;
}

struct ebcc_error *ebcc_module_load(struct ebcc_module *module)
{
	if (module->loaded)
		return NULL;

	LOG_STAGE(&module->log, LOAD);

	if (module->load_tried)
		return ebcc_error_create(EBCC_ERROR_STATE,
					 "an earlier attempt to create the module's maps failed; "
					 "create the module again");
	if (module->elsewhere)
		TRY(ebcc_kernel_record_check(module->object_bytes, module->object_size,
					     module->any_kernel));
	TRY(ebcc_module_adjust(module, false));
	TRY(set_pid_layout(module));
	module->load_tried = true;
	prepare_rlimit(module);
	TRY(create_maps(module));
	TRY(ebcc_tables_loaded(module));
	TRY(ebcc_table_scope_publish(module));
	module->loaded = true;
	return NULL;
}
