// SPDX-License-Identifier: Apache-2.0
#include "load/variable.h"

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

static const char *name_in_section(const struct btf *btf, const struct btf_type *datasec,
				   size_t *index)
{
	static const char own[] = "__ebcc_";
	const struct btf_var_secinfo *info = btf_var_secinfos(datasec);

	for (unsigned i = 0; i < btf_vlen(datasec); i++, info++) {
		const struct btf_type *variable = btf__type_by_id(btf, info->type);
		const char *name = variable && btf_is_var(variable)
					   ? btf__name_by_offset(btf, variable->name_off)
					   : NULL;

		if (name && name[0] && strncmp(name, own, sizeof(own) - 1) && (*index)-- == 0)
			return name;
	}
	return NULL;
}

const char *ebcc_btf_variable_name(const struct btf *btf, size_t index)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *section, *name;

		if (!btf_is_datasec(type))
			continue;
		section = btf__name_by_offset(btf, type->name_off);
		if (!section || !holds_source_variables(section))
			continue;
		name = name_in_section(btf, type, &index);
		if (name)
			return name;
	}
	return NULL;
}
