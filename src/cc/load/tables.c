// SPDX-License-Identifier: Apache-2.0
#include "load/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/buf.h"
#include "load/value.h"
#include "load/variable.h"

const char *ebcc_map_name(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	const char *section = bpf_map__is_internal(map) ? strchr(name, '.') : NULL;

	/* libbpf prefixes the classic sections with the object's name: "ebcc.rodata". */
	return section ? section : name;
}

/* Whether the source did not declare the map: those that libbpf makes for global variables, and
 * those of the dialect's own headers. */
static bool is_internal(const struct bpf_map *map)
{
	const char *prefix = "__ebcc_";

	return bpf_map__is_internal(map) || !strncmp(bpf_map__name(map), prefix, strlen(prefix));
}

static bool is_per_cpu(unsigned map_type)
{
	return map_type == BPF_MAP_TYPE_PERCPU_HASH || map_type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       map_type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       map_type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

struct ebcc_error *ebcc_kernel_possible_cpus(unsigned *ret)
{
	int count = libbpf_num_possible_cpus();

	if (count < 0)
		return ebcc_error_os(EBCC_ERROR_OS, -count,
				     "the number of possible CPUs can't be read from "
				     "/sys/devices/system/cpu/possible");
	*ret = (unsigned)count;
	return NULL;
}

/* Copies the definition from libbpf; again after load, when libbpf has corrected sizes. */
static struct ebcc_error *read_definition(struct ebcc_table *table)
{
	unsigned cpus;

	table->map_type = bpf_map__type(table->map);
	table->flags = bpf_map__map_flags(table->map);
	table->max_entries = bpf_map__max_entries(table->map);
	table->key_size = bpf_map__key_size(table->map);
	table->leaf_size = bpf_map__value_size(table->map);
	table->value_size = table->leaf_size;
	table->per_cpu = is_per_cpu(table->map_type);
	if (table->per_cpu) {
		TRY(ebcc_kernel_possible_cpus(&cpus));
		table->value_size = (table->leaf_size + 7) / 8 * 8 * cpus;
	}
	return NULL;
}

/* The type of the events that the source sends to an output table: the target of a pointer that is
 * declared only to carry it (compiler/passes/pipeline.h). */
static const struct ebcc_type *find_event_type(const struct ebcc_table *table)
{
	const struct ebcc_module *module = table->module;
	AUTO_BUF struct ebcc_buf name = EBCC_BUF_INIT;
	struct ebcc_variable variable;
	const struct btf_type *type;

	ebcc_buf_printf(&name, "__ebcc_event_%s", table->name);
	if (!ebcc_btf_variable(module->btf, ".ebcc.meta", ebcc_buf_string(&name), &variable))
		return NULL;
	type = btf__type_by_id(module->btf, variable.type_id);
	while (type && btf_is_mod(type))
		type = btf__type_by_id(module->btf, type->type);
	if (!type || !btf_is_ptr(type))
		return NULL;
	return ebcc_types_get(module->types, type->type);
}

static const struct ebcc_type *declared_type(struct ebcc_module *module, uint32_t id, size_t size)
{
	const struct ebcc_type *type = id ? ebcc_types_get(module->types, id) : NULL;

	return type && ebcc_type_size(type) == size ? type : NULL;
}

/* The size of maps whose definition leaves it to the program that loads the object, as sources for
 * libbpf do: of a ring buffer in bytes, of others in entries, as in BPF_HASH(). */
#define DEFAULT_RING_SIZE (256u << 10)
#define DEFAULT_ENTRIES 10240u

/* Whether maps of a type need their definition to say how large they are. For perf event arrays
 * libbpf knows it, and maps of the other types have no such size. */
static bool has_entries(unsigned map_type)
{
	switch (map_type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_STACK_TRACE:
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
	case BPF_MAP_TYPE_RINGBUF:
		return true;
	default:
		return false;
	}
}

/* Bytes of a stack trace of the most frames that the kernel takes (sysctl
 * kernel.perf_event_max_stack, 127 by default). */
static uint32_t stack_size(void)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error =
		ebcc_buf_read_file(&text, "/proc/sys/kernel/perf_event_max_stack", 64);
	unsigned long frames = error ? 0 : strtoul(ebcc_buf_string(&text), NULL, 10);

	return (uint32_t)(frames && frames < 65536 ? frames : 127) * sizeof(uint64_t);
}

/* Sets sizes that the map's definition leaves out. */
static struct ebcc_error *complete_definition(struct ebcc_module *module, struct bpf_map *map)
{
	unsigned type = bpf_map__type(map);
	int err = 0;

	if (bpf_map__is_internal(map))
		return NULL;
	if (!bpf_map__max_entries(map) && has_entries(type)) {
		uint32_t entries =
			type == BPF_MAP_TYPE_RINGBUF ? DEFAULT_RING_SIZE : DEFAULT_ENTRIES;

		ebcc_log(&module->log, EBCC_LOG_INFO,
			 "the definition of table '%s' has no max_entries: it is created with %u",
			 bpf_map__name(map), entries);
		err = bpf_map__set_max_entries(map, entries);
	}
	if (!err && type == BPF_MAP_TYPE_STACK_TRACE && !bpf_map__value_size(map))
		err = bpf_map__set_value_size(map, stack_size());
	return err ? ebcc_error_os(EBCC_ERROR_LOAD, -err, "table '%s' can't be given a size",
				   bpf_map__name(map))
		   : NULL;
}

static struct ebcc_error *create(struct ebcc_module *module, struct bpf_map *map)
{
	struct ebcc_table *table = calloc(1, sizeof(*table));

	if (!table)
		return ebcc_error_no_memory();
	module->tables[module->table_count++] = table;
	table->module = module;
	table->map = map;
	table->fd = table->template_fd = -1;
	table->internal = is_internal(map);
	table->name = strdup(ebcc_map_name(map));
	if (!table->name)
		return ebcc_error_no_memory();
	TRY(complete_definition(module, map));
	TRY(read_definition(table));
	table->key_type = declared_type(module, bpf_map__btf_key_type_id(map), table->key_size);
	table->leaf_type = declared_type(module, bpf_map__btf_value_type_id(map), table->leaf_size);
	table->event_type = find_event_type(table);
	return NULL;
}

struct ebcc_error *ebcc_tables_create(struct ebcc_module *module)
{
	struct bpf_map *map;
	size_t count = 0;

	bpf_object__for_each_map (map, module->object)
		count++;
	module->tables = calloc(count + 1, sizeof(*module->tables));
	if (!module->tables)
		return ebcc_error_no_memory();
	/* The source's own tables come first: the public functions count only those. */
	bpf_object__for_each_map (map, module->object)
		if (!is_internal(map))
			TRY(create(module, map));
	bpf_object__for_each_map (map, module->object)
		if (is_internal(map))
			TRY(create(module, map));
	return NULL;
}

static void close_template(struct ebcc_table *table)
{
	if (table->template_fd >= 0)
		close(table->template_fd);
	table->template_fd = -1;
}

struct ebcc_error *ebcc_tables_loaded(struct ebcc_module *module)
{
	for (size_t i = 0; i < module->table_count; i++) {
		TRY(read_definition(module->tables[i]));
		module->tables[i]->fd = bpf_map__fd(module->tables[i]->map);
		close_template(module->tables[i]);
	}
	return NULL;
}

static size_t mapping_size(const struct ebcc_table *table)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (table->leaf_size + page - 1) / page * page;
}

struct ebcc_error *ebcc_table_map(struct ebcc_table *table, void **ret)
{
	void *mapping = table->mapping;

	if (!(table->flags & BPF_F_MMAPABLE))
		return ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
					 "the variables of '%s' can't be read: this kernel has no "
					 "memory-mapped arrays (Linux 5.5 and later have them)",
					 table->name);
	if (!mapping)
		mapping = mmap(NULL, mapping_size(table), PROT_READ | PROT_WRITE, MAP_SHARED,
			       table->fd, 0);
	if (mapping == MAP_FAILED)
		return ebcc_error_os(EBCC_ERROR_OS, errno, "the variables of '%s' can't be mapped",
				     table->name);
	table->mapping = mapping;
	*ret = mapping;
	return NULL;
}

void ebcc_tables_destroy(struct ebcc_module *module)
{
	for (size_t i = 0; i < module->table_count; i++) {
		close_template(module->tables[i]);
		if (module->tables[i]->mapping)
			munmap(module->tables[i]->mapping, mapping_size(module->tables[i]));
		free(module->tables[i]->name);
		free(module->tables[i]);
	}
	free(module->tables);
	module->tables = NULL;
	module->table_count = 0;
}

struct ebcc_table *ebcc_module_map(const struct ebcc_module *module, const char *name)
{
	for (size_t i = 0; i < module->table_count; i++)
		if (!strcmp(module->tables[i]->name, name))
			return module->tables[i];
	return NULL;
}

struct ebcc_error *ebcc_table_resize(struct ebcc_table *table, uint32_t entries)
{
	int err;

	if (table->module->load_tried)
		return ebcc_error_with_subject(
			ebcc_error_create(
				EBCC_ERROR_STATE,
				"table '%s': the number of entries can be set only before "
				"the module is loaded",
				table->name),
			table->name);
	if (!entries || !has_entries(table->map_type))
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					  entries ? "table '%s' has no number of entries to set"
						  : "table '%s' can't have 0 entries",
					  table->name),
			table->name);
	err = bpf_map__set_max_entries(table->map, entries);
	if (err)
		return ebcc_error_os(EBCC_ERROR_LOAD, -err, "table '%s' can't be given a size",
				     table->name);
	return read_definition(table);
}
