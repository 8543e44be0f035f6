// SPDX-License-Identifier: Apache-2.0
/*
 * Reading and writing the source's global variables. Each section (.data, .bss, .rodata) is the
 * single value of an array map. Before load, libbpf has a copy of the data; after load, the memory
 * of the map is mapped, so variables can be read and written while programs run. .rodata is frozen
 * at load.
 */
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/near_names.h"
#include "load/tables.h"
#include "load/value.h"
#include "load/variable.h"

const struct ebcc_type *ebcc_module_global_type(const struct ebcc_module *module, const char *name)
{
	struct ebcc_variable variable;

	if (!module->btf || !ebcc_btf_variable(module->btf, NULL, name, &variable))
		return NULL;
	return ebcc_types_get(module->types, variable.type_id);
}

size_t ebcc_module_global_count(const struct ebcc_module *module)
{
	size_t count = 0;

	while (ebcc_module_global_name_at(module, count))
		count++;
	return count;
}

const char *ebcc_module_global_name_at(const struct ebcc_module *module, size_t index)
{
	return module->btf ? ebcc_btf_variable_name(module->btf, index) : NULL;
}

static struct ebcc_error *unknown_global(const struct ebcc_module *module, const char *name)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_near_names near;
	const char *found;

	ebcc_near_names_init(&near, name);
	for (size_t i = 0; (found = ebcc_module_global_name_at(module, i)); i++)
		ebcc_near_names_add(&near, found);
	ebcc_buf_printf(&text, "the source has no global variable '%s', or nothing uses it", name);
	ebcc_near_names_suggest(&near, &text);
	TRY(ebcc_buf_check(&text));
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_NOT_FOUND, "%s", ebcc_buf_string(&text)), name);
}

/* Finds a variable: in the memory of the map; or, before load and always for constants, in libbpf's
 * copy. */
static struct ebcc_error *locate(struct ebcc_module *module, const char *name, size_t size,
				 bool to_write, char **ret)
{
	struct ebcc_variable variable;
	struct ebcc_table *table;
	size_t data_size = 0;
	bool is_constant;
	void *data;

	if (!module->btf || !ebcc_btf_variable(module->btf, NULL, name, &variable))
		return unknown_global(module, name);
	if (size != variable.size)
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					  "global variable '%s' has %u bytes, %zu were given", name,
					  variable.size, size),
			name);
	is_constant = !strncmp(variable.section, ".rodata", 7);
	if (to_write && is_constant && module->load_tried)
		return ebcc_error_with_subject(
			ebcc_error_create(
				EBCC_ERROR_STATE,
				"global variable '%s' is const: it can be set only before "
				"the module is loaded",
				name),
			name);
	table = ebcc_module_map(module, variable.section);
	if (table && module->loaded && !is_constant) {
		TRY(ebcc_table_map(table, &data));
		data_size = table->leaf_size;
	} else {
		data = table ? (void *)bpf_map__initial_value(table->map, &data_size) : NULL;
	}
	if (!data || variable.offset > data_size || size > data_size - variable.offset)
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_FORMAT,
					  "global variable '%s': the object has no data for it",
					  name),
			name);
	*ret = (char *)data + variable.offset;
	return NULL;
}

/* Programs may run meanwhile, so numbers are copied atomically. */
static void copy(void *to, const void *from, size_t size)
{
	if (((uintptr_t)to | (uintptr_t)from) % size || (size & (size - 1)) || size > 8) {
		memcpy(to, from, size);
		return;
	}
	if (size == 8)
		__atomic_store_n((uint64_t *)to,
				 __atomic_load_n((uint64_t *)from, __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
	else if (size == 4)
		__atomic_store_n((uint32_t *)to,
				 __atomic_load_n((uint32_t *)from, __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
	else if (size == 2)
		__atomic_store_n((uint16_t *)to,
				 __atomic_load_n((uint16_t *)from, __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
	else
		*(char *)to = *(const char *)from;
}

struct ebcc_error *ebcc_module_read_global(struct ebcc_module *module, const char *name,
					   void *value, size_t size)
{
	char *place;

	TRY(locate(module, name, size, false, &place));
	if (size)
		copy(value, place, size);
	return NULL;
}

struct ebcc_error *ebcc_module_write_global(struct ebcc_module *module, const char *name,
					    const void *value, size_t size)
{
	char *place;

	TRY(locate(module, name, size, true, &place));
	if (size)
		copy(place, value, size);
	return NULL;
}
