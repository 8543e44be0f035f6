// SPDX-License-Identifier: Apache-2.0
/*
 * The layouts of USDT arguments in a module's map, from which its programs read them (usdt_spec.h).
 * Many locations have the same layout, so equal ones share an entry; its key is the cookie with
 * which all of them are attached. On kernels without cookies the key is the location's address.
 */
#include "load/usdt_specs.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "elf/bpf_object.h"
#include "load/tables.h"

struct entry {
	uint64_t key; /* a cookie is the index + 1, which is lower than any address of code */
	size_t users; /* 0: the entry is free */
	struct ebcc_usdt_spec spec;
};

struct ebcc_usdt_specs {
	struct entry *entries;
	size_t count;
};

static struct ebcc_table *find_map(const struct ebcc_module *module)
{
	return ebcc_module_map(module, EBCC_USDT_SPECS_NAME);
}

bool ebcc_usdt_specs_wanted(const struct ebcc_module *module)
{
	return find_map(module);
}

bool ebcc_usdt_cookie_wanted(const struct ebcc_module *module)
{
	const char *content;
	size_t size;

	return ebcc_elf_section(module->object_bytes, module->object_size, EBCC_USDT_COOKIE_SECTION,
				&content, &size);
}

struct ebcc_error *ebcc_module_reserve_usdt(struct ebcc_module *module, uint32_t count)
{
	struct ebcc_table *map = find_map(module);
	int err;

	if (module->load_tried)
		return ebcc_error_create(
			EBCC_ERROR_STATE,
			"room for USDT probes must be reserved before the module is "
			"loaded");
	if (!map || count <= map->max_entries)
		return NULL;
	err = bpf_map__set_max_entries(map->map, count);
	if (err)
		return ebcc_error_os(EBCC_ERROR_LOAD, -err, "can't reserve room for %u USDT probes",
				     count);
	map->max_entries = count;
	return NULL;
}

static struct ebcc_error *full_error(const struct ebcc_table *map)
{
	return ebcc_error_create(
		EBCC_ERROR_STATE,
		"the module has room for %u layouts of USDT arguments, and all are in use: room "
		"for more must be reserved before it is loaded",
		map->max_entries);
}

/* Returns a free entry or a new one; NULL if out of memory. */
static struct entry *find_free(struct ebcc_usdt_specs *specs)
{
	struct entry *entries;

	for (size_t i = 0; i < specs->count; i++)
		if (!specs->entries[i].users)
			return &specs->entries[i];
	entries = realloc(specs->entries, (specs->count + 1) * sizeof(*entries));
	if (!entries)
		return NULL;
	specs->entries = entries;
	entries[specs->count] = (struct entry){0};
	return &entries[specs->count++];
}

static struct ebcc_error *add_entry(struct ebcc_module *module, uint64_t key,
				    const struct ebcc_usdt_spec *spec, uint64_t *ret_key)
{
	struct entry *entry = find_free(module->usdt_specs);
	const struct ebcc_table *map = find_map(module);

	if (!entry)
		return ebcc_error_no_memory();
	entry->key = key ? key : (uint64_t)(entry - module->usdt_specs->entries) + 1;
	entry->spec = *spec;
	if (bpf_map_update_elem(map->fd, &entry->key, spec, BPF_ANY))
		return errno == E2BIG || errno == ENOMEM
			       ? full_error(map)
			       : ebcc_error_os(EBCC_ERROR_OS, errno,
					       "can't describe the arguments of a USDT probe");
	entry->users = 1;
	*ret_key = entry->key;
	return NULL;
}

struct ebcc_error *ebcc_usdt_specs_add(struct ebcc_module *module, uint64_t key,
				       const struct ebcc_usdt_spec *spec, uint64_t *ret_key)
{
	struct ebcc_usdt_specs *specs = module->usdt_specs;

	if (!specs)
		specs = module->usdt_specs = calloc(1, sizeof(*specs));
	if (!specs)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < specs->count; i++) {
		struct entry *entry = &specs->entries[i];
		bool equal = !memcmp(&entry->spec, spec, sizeof(*spec));

		if (!entry->users || (key ? entry->key != key : !equal))
			continue;
		if (!equal)
			return ebcc_error_create(
				EBCC_ERROR_STATE,
				"two processes have USDT probes with different arguments or "
				"cookies at address 0x%llx, and this kernel can't tell them apart "
				"(Linux 5.15 "
				"can)",
				(unsigned long long)key);
		entry->users++;
		*ret_key = entry->key;
		return NULL;
	}
	return add_entry(module, key, spec, ret_key);
}

void ebcc_usdt_specs_remove(struct ebcc_module *module, uint64_t key)
{
	struct ebcc_usdt_specs *specs = module->usdt_specs;

	for (size_t i = 0; specs && i < specs->count; i++) {
		struct entry *entry = &specs->entries[i];

		if (!entry->users || entry->key != key)
			continue;
		if (--entry->users == 0)
			bpf_map_delete_elem(find_map(module)->fd, &key);
		return;
	}
}

void ebcc_usdt_specs_destroy(struct ebcc_usdt_specs *specs)
{
	if (!specs)
		return;
	free(specs->entries);
	free(specs);
}
