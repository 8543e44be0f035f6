// SPDX-License-Identifier: Apache-2.0
#include "load/variable.h"

#include <stdlib.h>
#include <string.h>

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

/* Calls @visit with the name of each variable of the source. */
static void each_name(const struct btf *btf, void (*visit)(void *ctx, const char *name), void *ctx)
{
	static const char own[] = "__ebcc_";

	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const struct btf_var_secinfo *info = btf_var_secinfos(type);
		const char *section;

		if (!btf_is_datasec(type))
			continue;
		section = btf__name_by_offset(btf, type->name_off);
		for (unsigned i = 0;
		     section && holds_source_variables(section) && i < btf_vlen(type); i++) {
			const struct btf_type *variable = btf__type_by_id(btf, info[i].type);
			const char *name = variable && btf_is_var(variable)
						   ? btf__name_by_offset(btf, variable->name_off)
						   : NULL;

			if (name && name[0] && strncmp(name, own, sizeof(own) - 1))
				visit(ctx, name);
		}
	}
}

struct names {
	const char **names; /* NULL: they are only counted */
	size_t count;
};

static void add_name(void *ctx, const char *name)
{
	struct names *names = ctx;

	if (names->names)
		names->names[names->count] = name;
	names->count++;
}

struct ebcc_error *ebcc_btf_variable_names(const struct btf *btf, const char ***ret,
					   size_t *ret_count)
{
	struct names names = {0};

	each_name(btf, add_name, &names);
	names.names = calloc(names.count + 1, sizeof(*names.names));
	if (!names.names)
		return ebcc_error_no_memory();
	names.count = 0;
	each_name(btf, add_name, &names);
	*ret = names.names;
	*ret_count = names.count;
	return NULL;
}
