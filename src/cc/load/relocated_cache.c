// SPDX-License-Identifier: Apache-2.0
/*
 * An entry is text, a line for each input that ebcc_relocate() lists and for each thing that the
 * kernel lacks, and then the object:
 *
 *	tracepoint syscalls sys_enter_openat 8f2c0a4e11b0d3a7 51e0bc0927d9e8f4
 *	modules 2f1dd8a1c9337ee0 9b0c1de24ff06a15
 *	lacks struct task_struct has no member 'state' of a compatible type
 *	object 5208
 *	ELF...
 */
#include "load/relocated_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/tracepoint.h"

/* Must change whenever the format of an entry changes, or what relocating does. */
#define ENTRY_FORMAT "ebcc relocated 1"
#define ENTRY_KIND "relocated"

#define TRACEPOINT "tracepoint "
#define MODULES "modules "
#define LACKS "lacks "
#define OBJECT "object "

struct ebcc_cache_key ebcc_relocated_key(const struct ebcc_kernel_info *kernel, const char *bytes,
					 size_t size, bool checked)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	ebcc_buf_printf(&text, ENTRY_FORMAT " %s\n%s\n%s\n%s\n%d\n", EBCC_VERSION, kernel->release,
			kernel->version, kernel->build_id, checked);
	ebcc_buf_append(&text, bytes, size);
	return ebcc_cache_key_of(&text);
}

/* Whether a tracepoint's format is still the one in the line. */
static bool is_same_format(const char *line)
{
	AUTO_TRACEPOINT_FORMAT struct ebcc_tracepoint_format format = {0};
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error = NULL;
	unsigned long long low, high;
	char category[128], event[128];
	struct ebcc_cache_key key;

	if (sscanf(line, "%127s %127s %llx %llx", category, event, &low, &high) != 4)
		return false;
	error = ebcc_tracepoint_format_read(NULL, category, event, &text, &format);
	if (error)
		return false;
	key = ebcc_cache_key_of(&text);
	return key.low == low && key.high == high;
}

/* Whether the modules are still those in the line. */
static bool are_same_modules(const char *line)
{
	AUTO_BUF struct ebcc_buf modules = EBCC_BUF_INIT;
	unsigned long long low, high;
	struct ebcc_cache_key key;

	if (sscanf(line, "%llx %llx", &low, &high) != 2)
		return false;
	ebcc_kernel_btf_list_modules(NULL, &modules);
	key = ebcc_cache_key_of(&modules);
	return !modules.failed && key.low == low && key.high == high;
}

static bool add_text(struct ebcc_unresolved *unresolved, const char *text)
{
	char **texts = reallocarray(unresolved->texts, unresolved->count + 1, sizeof(*texts));

	if (!texts)
		return false;
	unresolved->texts = texts;
	texts[unresolved->count] = strdup(text);
	return texts[unresolved->count] && ++unresolved->count;
}

/* Reads the lines before the object. Returns what follows them, or NULL if the entry is damaged or
 * no longer true; *@ret_size is the object's size. */
static const char *read_lines(char *text, struct ebcc_unresolved *unresolved, size_t *ret_size)
{
	char *newline;

	for (; (newline = strchr(text, '\n')); text = newline + 1) {
		*newline = '\0';
		if (!strncmp(text, TRACEPOINT, strlen(TRACEPOINT))) {
			if (!is_same_format(text + strlen(TRACEPOINT)))
				return NULL;
		} else if (!strncmp(text, MODULES, strlen(MODULES))) {
			if (!are_same_modules(text + strlen(MODULES)))
				return NULL;
		} else if (!strncmp(text, LACKS, strlen(LACKS))) {
			if (!add_text(unresolved, text + strlen(LACKS)))
				return NULL;
		} else if (!strncmp(text, OBJECT, strlen(OBJECT))) {
			*ret_size = strtoul(text + strlen(OBJECT), NULL, 10);
			return newline + 1;
		} else {
			return NULL;
		}
	}
	return NULL;
}

bool ebcc_relocated_find(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			 size_t size, struct ebcc_unresolved *unresolved, char **ret)
{
	AUTO_BUF struct ebcc_buf entry = EBCC_BUF_INIT;
	const char *object;
	size_t object_size, rest;

	*unresolved = (struct ebcc_unresolved){0};
	*ret = NULL;
	if (!ebcc_disk_cache_get(cache, key, ENTRY_KIND, &entry) || !entry.size)
		return false;
	object = read_lines(entry.data, unresolved, &object_size);
	rest = object ? entry.size - (size_t)(object - entry.data) : 0;
	if (object && rest == object_size && (!object_size || object_size == size)) {
		*ret = object_size ? malloc(object_size) : NULL;
		if (*ret)
			memcpy(*ret, object, object_size);
		if (*ret || !object_size)
			return true;
	}
	ebcc_unresolved_deinit(unresolved);
	return false;
}

void ebcc_relocated_store(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			  const char *relocated, size_t size,
			  const struct ebcc_unresolved *unresolved, const struct ebcc_buf *inputs)
{
	AUTO_BUF struct ebcc_buf entry = EBCC_BUF_INIT;

	ebcc_buf_append(&entry, ebcc_buf_string(inputs), inputs->size);
	for (size_t i = 0; i < unresolved->count; i++) {
		if (strchr(unresolved->texts[i], '\n'))
			return;
		ebcc_buf_printf(&entry, LACKS "%s\n", unresolved->texts[i]);
	}
	ebcc_buf_printf(&entry, OBJECT "%zu\n", relocated ? size : 0);
	if (relocated)
		ebcc_buf_append(&entry, relocated, size);
	if (!entry.failed)
		ebcc_disk_cache_put(cache, key, ENTRY_KIND, entry.data, entry.size);
}
