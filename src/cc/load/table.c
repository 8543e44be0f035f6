// SPDX-License-Identifier: Apache-2.0
/*
 * Operations on single entries of a table. Those on whole tables are in table_batch.c.
 */
#include "load/table.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/buf.h"
#include "base/options.h"
#include "base/near_names.h"
#include "load/tables.h"

size_t ebcc_module_table_count(const struct ebcc_module *module)
{
	size_t count = 0;

	while (count < module->table_count && !module->tables[count]->internal)
		count++;
	return count;
}

struct ebcc_table *ebcc_module_table_at(const struct ebcc_module *module, size_t index)
{
	return index < ebcc_module_table_count(module) ? module->tables[index] : NULL;
}

static struct ebcc_error *find(const struct ebcc_module *module, const char *name,
			       struct ebcc_table **ret)
{
	AUTO_BUF struct ebcc_buf near = EBCC_BUF_INIT;
	struct ebcc_near_names names;

	ebcc_near_names_init(&names, name);
	for (size_t i = 0; i < ebcc_module_table_count(module); i++) {
		if (!strcmp(module->tables[i]->name, name)) {
			*ret = module->tables[i];
			return NULL;
		}
		ebcc_near_names_add(&names, module->tables[i]->name);
	}
	ebcc_near_names_suggest(&names, &near);
	return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_NOT_FOUND,
							 "the source has no table '%s'%s", name,
							 ebcc_buf_string(&near)),
				       name);
}

struct ebcc_error *ebcc_module_find_table(struct ebcc_module *module, const char *name,
					  struct ebcc_table **ret)
{
	struct ebcc_table *table;

	TRY(find(module, name, &table));
	TRY(ebcc_module_load(module));
	*ret = table;
	return NULL;
}

struct ebcc_error *ebcc_module_set_max_entries(struct ebcc_module *module, const char *name,
					       uint32_t entries)
{
	struct ebcc_table *table;

	TRY(find(module, name, &table));
	return ebcc_table_resize(table, entries);
}

const char *ebcc_table_name(const struct ebcc_table *table)
{
	return table->name;
}

unsigned ebcc_table_map_type(const struct ebcc_table *table)
{
	return table->map_type;
}

int ebcc_table_fd(const struct ebcc_table *table)
{
	return table->fd;
}

uint32_t ebcc_table_id(const struct ebcc_table *table)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return table->fd >= 0 && !bpf_obj_get_info_by_fd(table->fd, &info, &size) ? info.id : 0;
}

unsigned ebcc_table_flags(const struct ebcc_table *table)
{
	return table->flags;
}

uint32_t ebcc_table_max_entries(const struct ebcc_table *table)
{
	return table->max_entries;
}

size_t ebcc_table_key_size(const struct ebcc_table *table)
{
	return table->key_size;
}

size_t ebcc_table_value_size(const struct ebcc_table *table)
{
	return table->value_size;
}

size_t ebcc_table_leaf_size(const struct ebcc_table *table)
{
	return table->leaf_size;
}

bool ebcc_table_is_per_cpu(const struct ebcc_table *table)
{
	return table->per_cpu;
}

bool ebcc_table_is_array(const struct ebcc_table *table)
{
	switch (table->map_type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_CPUMAP:
	case BPF_MAP_TYPE_XSKMAP:
	case BPF_MAP_TYPE_SOCKMAP:
		return true;
	default:
		return false;
	}
}

const struct ebcc_type *ebcc_table_key_type(const struct ebcc_table *table)
{
	return table->key_type;
}

const struct ebcc_type *ebcc_table_leaf_type(const struct ebcc_table *table)
{
	return table->leaf_type;
}

const struct ebcc_type *ebcc_table_event_type(const struct ebcc_table *table)
{
	return table->event_type;
}

struct ebcc_error *ebcc_table_error(const struct ebcc_table *table, int errnum, const char *what)
{
	const char *type = libbpf_bpf_map_type_str(table->map_type);
	struct ebcc_error *error;

	if (errnum == EBCC_ENOTSUPP || errnum == EOPNOTSUPP)
		error = ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
					  "table '%s': this kernel can't %s in a table of type %s",
					  table->name, what, type ? type : "unknown");
	else if (errnum == E2BIG)
		error = ebcc_error_os(EBCC_ERROR_OS, errnum,
				      "table '%s' is full (%u entries): can't %s", table->name,
				      table->max_entries, what);
	else
		error = ebcc_error_os(EBCC_ERROR_OS, errnum, "table '%s' (%s): can't %s",
				      table->name, type ? type : "unknown type", what);
	return ebcc_error_with_subject(error, table->name);
}

struct ebcc_error *ebcc_table_lookup(struct ebcc_table *table, const void *key, void *value,
				     bool *ret_found)
{
	TRY(ebcc_module_load(table->module));
	if (!bpf_map_lookup_elem(table->fd, key, value)) {
		*ret_found = true;
		return NULL;
	}
	if (errno != ENOENT)
		return ebcc_table_error(table, errno, "look up an entry");
	*ret_found = false;
	return NULL;
}

struct ebcc_error *ebcc_table_update(struct ebcc_table *table, const void *key, const void *value,
				     uint64_t flags)
{
	TRY(ebcc_flags_check(flags, BPF_NOEXIST | BPF_EXIST | BPF_F_LOCK,
			     "flags of ebcc_table_update()"));
	TRY(ebcc_module_load(table->module));
	if (bpf_map_update_elem(table->fd, key, value, flags))
		return ebcc_table_error(table, errno, "write an entry");
	return NULL;
}

struct ebcc_error *ebcc_table_delete(struct ebcc_table *table, const void *key, bool *ret_found)
{
	bool found;

	TRY(ebcc_module_load(table->module));
	found = !bpf_map_delete_elem(table->fd, key);
	if (!found && errno != ENOENT)
		return ebcc_table_error(table, errno, "delete an entry");
	if (!found && !ret_found)
		return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_NOT_FOUND,
								 "table '%s' has no such key",
								 table->name),
					       table->name);
	if (ret_found)
		*ret_found = found;
	return NULL;
}

struct ebcc_error *ebcc_table_next_key(struct ebcc_table *table, const void *key, void *next,
				       bool *ret_more)
{
	TRY(ebcc_module_load(table->module));
	if (!bpf_map_get_next_key(table->fd, key, next)) {
		*ret_more = true;
		return NULL;
	}
	if (errno != ENOENT)
		return ebcc_table_error(table, errno, "go through the entries");
	*ret_more = false;
	return NULL;
}

static struct ebcc_error *check_queue(const struct ebcc_table *table)
{
	if (table->map_type == BPF_MAP_TYPE_QUEUE || table->map_type == BPF_MAP_TYPE_STACK)
		return NULL;
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
				  "table '%s' is neither a queue nor a stack", table->name),
		table->name);
}

struct ebcc_error *ebcc_table_push(struct ebcc_table *table, const void *value, uint64_t flags)
{
	TRY(check_queue(table));
	TRY(ebcc_flags_check(flags, BPF_NOEXIST | BPF_EXIST, "flags of ebcc_table_push()"));
	TRY(ebcc_module_load(table->module));
	if (bpf_map_update_elem(table->fd, NULL, value, flags))
		return ebcc_table_error(table, errno, "push");
	return NULL;
}

struct ebcc_error *ebcc_table_pop(struct ebcc_table *table, void *value, bool *ret_found)
{
	TRY(check_queue(table));
	TRY(ebcc_module_load(table->module));
	if (!bpf_map_lookup_and_delete_elem(table->fd, NULL, value))
		*ret_found = true;
	else if (errno == ENOENT)
		*ret_found = false;
	else
		return ebcc_table_error(table, errno, "pop");
	return NULL;
}

struct ebcc_error *ebcc_table_peek(struct ebcc_table *table, void *value, bool *ret_found)
{
	TRY(check_queue(table));
	return ebcc_table_lookup(table, NULL, value, ret_found);
}

/* Reads the frames of a stack. *@ret is NULL if there is no such stack. */
static struct ebcc_error *read_stack(struct ebcc_table *table, int32_t stack_id, bool build_ids,
				     void **ret)
{
	AUTO_FREE void *stack = NULL;
	bool found = false;

	*ret = NULL;
	if (table->map_type != BPF_MAP_TYPE_STACK_TRACE ||
	    build_ids != !!(table->flags & BPF_F_STACK_BUILD_ID))
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					  "table '%s' does not hold stacks of %s", table->name,
					  build_ids ? "build ids" : "addresses"),
			table->name);
	/* A negative id is the error of the helper that should have stored the stack. */
	if (stack_id < 0)
		return NULL;
	stack = calloc(1, table->value_size + 1);
	if (!stack)
		return ebcc_error_no_memory();
	TRY(ebcc_table_lookup(table, &stack_id, stack, &found));
	*ret = found ? TAKE_PTR(stack) : NULL;
	return NULL;
}

struct ebcc_error *ebcc_table_read_stack(struct ebcc_table *table, int32_t stack_id,
					 uint64_t *addresses, size_t capacity, size_t *ret_count)
{
	size_t depth = table->value_size / sizeof(*addresses), count = 0;
	AUTO_FREE void *entry = NULL;
	const uint64_t *stack;

	TRY(read_stack(table, stack_id, false, &entry));
	stack = entry;
	while (stack && count < depth && count < capacity && stack[count]) {
		addresses[count] = stack[count];
		count++;
	}
	*ret_count = count;
	return NULL;
}

struct ebcc_error *ebcc_table_read_build_id_stack(struct ebcc_table *table, int32_t stack_id,
						  struct ebcc_build_id_frame *frames,
						  size_t frame_size, size_t capacity,
						  size_t *ret_count)
{
	size_t depth = table->value_size / sizeof(struct bpf_stack_build_id), count = 0;
	AUTO_FREE void *entry = NULL;
	const struct bpf_stack_build_id *stack;
	struct ebcc_build_id_frame frame;

	_Static_assert(sizeof(frame) == sizeof(*stack), "frames are as the kernel writes them");
	TRY(read_stack(table, stack_id, true, &entry));
	stack = entry;
	while (stack && count < depth && count < capacity &&
	       stack[count].status != EBCC_FRAME_EMPTY) {
		memcpy(&frame, &stack[count], sizeof(frame));
		ebcc_result_write((char *)frames + count * frame_size, frame_size, &frame,
				  sizeof(frame));
		count++;
	}
	*ret_count = count;
	return NULL;
}
