// SPDX-License-Identifier: Apache-2.0
/*
 * Facts about tables for which libbpf has no place, from the object's section .ebcc.meta
 * (compiler/passes/pipeline.h lists them), and tables that modules of this process share. A shared
 * or public table is published under its name once its map exists; an extern table of that name in
 * another module then uses the same map. The map lives as long as any module uses it. The name is
 * free again when the module that published it is destroyed; if several modules publish a name, it
 * means the newest table.
 */
#include "load/table_scope.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "elf/bpf_object.h"
#include "load/capture.h"
#include "load/tables.h"

struct published {
	struct published *next;
	const struct ebcc_module *module;
	char *name;
	int fd;
	size_t key_size, leaf_size;
};

static pthread_mutex_t published_lock = PTHREAD_MUTEX_INITIALIZER;
static struct published *published_tables; /* newest first */

/* Reads one fact about a table, such as "pinned". *@ret is malloc'ed, or NULL. */
static struct ebcc_error *read_fact(const struct ebcc_table *table, const char *key, char **ret)
{
	AUTO_BUF struct ebcc_buf name = EBCC_BUF_INIT;

	ebcc_buf_printf(&name, "__ebcc_table_%s", table->name);
	TRY(ebcc_buf_check(&name));
	return ebcc_elf_fact(table->module->object_bytes, table->module->object_size,
			     ebcc_buf_string(&name), key, ret);
}

static struct ebcc_error *table_error(const struct ebcc_table *table, enum ebcc_error_code code,
				      const char *text, const char *name)
{
	return ebcc_error_with_subject(
		ebcc_error_create(code, "table '%s': %s '%s'", table->name, text, name),
		table->name);
}

static struct ebcc_error *use_published(struct ebcc_table *table)
{
	struct ebcc_error *error = NULL;
	struct published *found;
	int err;

	pthread_mutex_lock(&published_lock);
	for (found = published_tables; found && strcmp(found->name, table->name);)
		found = found->next;
	if (!found) {
		error = table_error(table, EBCC_ERROR_NOT_FOUND,
				    "declared extern, but no module of this process has published "
				    "a table",
				    table->name);
	} else if ((table->key_size && found->key_size && found->key_size != table->key_size) ||
		   (table->leaf_size && found->leaf_size != table->leaf_size)) {
		error = ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"table '%s': keys and leaves have %zu and %zu bytes here, but %zu "
			"and %zu in the module that published it",
			table->name, table->key_size, table->leaf_size, found->key_size,
			found->leaf_size);
	} else {
		err = bpf_map__reuse_fd(table->map, found->fd);
		if (err)
			error = ebcc_error_os(EBCC_ERROR_OS, -err, "table '%s' can't be shared",
					      table->name);
	}
	pthread_mutex_unlock(&published_lock);
	return error;
}

/* The kernel checks programs against a template of the inner maps, which it doesn't keep. */
static struct ebcc_error *set_inner(struct ebcc_table *table, const char *inner_name)
{
	const struct ebcc_table *inner = ebcc_module_map(table->module, inner_name);
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int err;

	if (!inner)
		return table_error(table, EBCC_ERROR_NOT_FOUND, "the source has no inner table",
				   inner_name);
	opts.map_flags = inner->flags;
	table->template_fd =
		bpf_map_create((enum bpf_map_type)inner->map_type, NULL, (uint32_t)inner->key_size,
			       (uint32_t)inner->leaf_size, inner->max_entries, &opts);
	if (table->template_fd < 0) {
		AUTO_CAPTURE struct ebcc_capture nothing = {0};
		AUTO_BUF struct ebcc_buf what = EBCC_BUF_INIT;
		int errnum = errno;

		ebcc_buf_printf(&what, "inner table '%s'", inner_name);
		return ebcc_load_error(errnum, ebcc_buf_string(&what), &nothing);
	}
	err = bpf_map__set_inner_map_fd(table->map, table->template_fd);
	if (!err)
		return NULL;
	return ebcc_error_os(EBCC_ERROR_LOAD, -err, "table '%s' can't hold '%s'", table->name,
			     inner_name);
}

static struct ebcc_error *prepare(struct ebcc_table *table)
{
	AUTO_FREE char *type = NULL, *pinned = NULL;
	char *inner;

	TRY(read_fact(table, "table", &type));
	TRY(read_fact(table, "pinned", &pinned));
	if (type && !strcmp(type, "extern"))
		TRY(use_published(table));
	/* BPF_TABLE always declares a key; queues and stacks must not have one. */
	if (table->map_type == BPF_MAP_TYPE_QUEUE || table->map_type == BPF_MAP_TYPE_STACK) {
		bpf_map__set_key_size(table->map, 0);
		table->key_size = 0;
		table->key_type = NULL;
	}
	/* hash_of_maps$INNER; macros that can't tell INNER from other arguments quote it */
	inner = type ? strchr(type, '$') : NULL;
	if (inner && inner[1] == '"') {
		inner++;
		inner[strcspn(inner + 1, "\"") + 1] = '\0';
	}
	if (inner)
		TRY(set_inner(table, inner + 1));
	if (pinned && bpf_map__set_pin_path(table->map, pinned))
		return table_error(table, EBCC_ERROR_INVALID_ARGUMENT, "can't be pinned to",
				   pinned);
	return NULL;
}

struct ebcc_error *ebcc_table_scope_prepare(struct ebcc_module *module)
{
	for (size_t i = 0; i < module->table_count; i++)
		if (!module->tables[i]->internal)
			TRY(prepare(module->tables[i]));
	return NULL;
}

static void published_destroy(struct published *published)
{
	if (published->fd >= 0)
		close(published->fd);
	free(published->name);
	free(published);
}

static struct ebcc_error *publish(const struct ebcc_table *table)
{
	struct published *published = calloc(1, sizeof(*published));

	if (!published)
		return ebcc_error_no_memory();
	published->module = table->module;
	published->key_size = table->key_size;
	published->leaf_size = table->leaf_size;
	published->name = strdup(table->name);
	published->fd = fcntl(table->fd, F_DUPFD_CLOEXEC, 0);
	if (!published->name || published->fd < 0) {
		int errnum = published->name ? errno : ENOMEM;

		published_destroy(published);
		return ebcc_error_os(EBCC_ERROR_OS, errnum, "table '%s' can't be published",
				     table->name);
	}
	pthread_mutex_lock(&published_lock);
	published->next = published_tables;
	published_tables = published;
	pthread_mutex_unlock(&published_lock);
	return NULL;
}

struct ebcc_error *ebcc_table_scope_publish(struct ebcc_module *module)
{
	for (size_t i = 0; i < module->table_count; i++) {
		AUTO_FREE char *scope = NULL;

		if (module->tables[i]->internal)
			continue;
		TRY(read_fact(module->tables[i], "scope", &scope));
		if (scope && (!strcmp(scope, "shared") || !strcmp(scope, "public")))
			TRY(publish(module->tables[i]));
	}
	return NULL;
}

void ebcc_table_scope_withdraw(struct ebcc_module *module)
{
	pthread_mutex_lock(&published_lock);
	for (struct published **place = &published_tables; *place;) {
		struct published *published = *place;

		if (published->module == module) {
			*place = published->next;
			published_destroy(published);
		} else {
			place = &published->next;
		}
	}
	pthread_mutex_unlock(&published_lock);
}
