// SPDX-License-Identifier: Apache-2.0
/*
 * Reading and writing the source's global variables, and setting its constants. Each section
 * (.data, .bss, .rodata) is the single value of an array map. Before load, libbpf has a copy of the
 * data; after load, the memory of the map is mapped, so variables can be read and written while
 * programs run. .rodata is frozen at load.
 */
#include <string.h>

#include <bpf/libbpf.h>

#include "base/buf.h"
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
	return module->global_count;
}

const char *ebcc_module_global_name_at(const struct ebcc_module *module, size_t index)
{
	return index < module->global_count ? module->globals[index] : NULL;
}

static bool is_constant(const struct ebcc_variable *variable)
{
	return !strncmp(variable->section, ".rodata", 7);
}

/* Similar names are suggested: of all variables, or of constants only. */
static struct ebcc_error *unknown_variable(const struct ebcc_module *module, const char *name,
					   bool constants_only)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_variable variable;
	struct ebcc_near_names near;

	ebcc_near_names_init(&near, name);
	for (size_t i = 0; i < module->global_count; i++)
		if (!constants_only ||
		    (ebcc_btf_variable(module->btf, NULL, module->globals[i], &variable) &&
		     is_constant(&variable)))
			ebcc_near_names_add(&near, module->globals[i]);
	ebcc_buf_printf(&text, "the source has no global variable '%s', or no program uses it",
			name);
	ebcc_near_names_suggest(&near, &text);
	TRY(ebcc_buf_check(&text));
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_NOT_FOUND, "%s", ebcc_buf_string(&text)), name);
}

/* A variable in the data of its section, or NULL if it does not lie in there. */
static char *within(const struct ebcc_variable *variable, void *data, size_t size)
{
	if (!data || variable->offset > size || variable->size > size - variable->offset)
		return NULL;
	return (char *)data + variable->offset;
}

/* A variable in libbpf's copy of the data, or NULL. */
static char *initial_value(const struct ebcc_module *module, const struct ebcc_variable *variable)
{
	const struct ebcc_table *table = ebcc_module_map(module, variable->section);
	size_t size = 0;
	void *data = table ? (void *)bpf_map__initial_value(table->map, &size) : NULL;

	return within(variable, data, size);
}

static struct ebcc_error *find(const struct ebcc_module *module, const char *name,
			       bool constants_only, struct ebcc_variable *ret)
{
	if (!module->btf || !ebcc_btf_variable(module->btf, NULL, name, ret))
		return unknown_variable(module, name, constants_only);
	return NULL;
}

/* Where the value of a variable is: in the memory of the map; or, before load and always for
 * constants, in libbpf's copy. */
static struct ebcc_error *locate(struct ebcc_module *module, const char *name,
				 const struct ebcc_variable *variable, size_t size, char **ret)
{
	struct ebcc_table *table;
	void *data;

	if (size != variable->size)
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					  "global variable '%s' has %u bytes, but %zu were given",
					  name, variable->size, size),
			name);
	table = ebcc_module_map(module, variable->section);
	if (table && module->loaded && !is_constant(variable)) {
		TRY(ebcc_table_map(table, &data));
		*ret = within(variable, data, table->leaf_size);
	} else {
		*ret = initial_value(module, variable);
	}
	if (!*ret)
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_FORMAT,
					  "global variable '%s': the object has no data for it",
					  name),
			name);
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

static struct ebcc_error *write_variable(struct ebcc_module *module, const char *name,
					 const struct ebcc_variable *variable, const void *value,
					 size_t size)
{
	char *place;

	if (is_constant(variable) && module->load_tried)
		return ebcc_error_with_subject(
			ebcc_error_create(
				EBCC_ERROR_STATE,
				"global variable '%s' is const, so it can be set only before "
				"the module is loaded",
				name),
			name);
	TRY(locate(module, name, variable, size, &place));
	if (size)
		copy(place, value, size);
	return NULL;
}

struct ebcc_error *ebcc_module_read_global(struct ebcc_module *module, const char *name,
					   void *value, size_t size)
{
	struct ebcc_variable variable;
	char *place;

	TRY(find(module, name, false, &variable));
	TRY(locate(module, name, &variable, size, &place));
	if (size)
		copy(value, place, size);
	return NULL;
}

struct ebcc_error *ebcc_module_write_global(struct ebcc_module *module, const char *name,
					    const void *value, size_t size)
{
	struct ebcc_variable variable;

	TRY(find(module, name, false, &variable));
	return write_variable(module, name, &variable, value, size);
}

/* As ebcc_module_write_global(), but only for constants: what the caller thinks is constant must
 * not be a variable that programs change. */
struct ebcc_error *ebcc_module_set_constant(struct ebcc_module *module, const char *name,
					    const void *value, size_t size)
{
	struct ebcc_variable variable;

	TRY(find(module, name, true, &variable));
	if (!is_constant(&variable))
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_NOT_FOUND,
					  "global variable '%s' is not declared const volatile, so "
					  "it is not a constant",
					  name),
			name);
	return write_variable(module, name, &variable, value, size);
}
