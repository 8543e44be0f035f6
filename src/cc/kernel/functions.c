// SPDX-License-Identifier: Apache-2.0
/*
 * The list of functions.h is made from the kernel's files or read from the disk cache, which has
 * one entry for each kernel build. The entry begins with a hash of the circumstances in which the
 * list was made (boot, modules, privileges), and is valid only if they are the same now.
 */
#include "kernel/functions.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/buf.h"
#include "base/disk_cache.h"
#include "kernel/info.h"
#include "kernel/ksyms.h"
#include "kernel/probeable.h"
#include "kernel/tracefs.h"

/* Must change whenever the format of an entry changes. */
#define ENTRY_FORMAT "ebcc kernel functions 1"
#define ENTRY_KIND "functions"

#define MODULES "/proc/modules"
#define MODULES_LIMIT (4u << 20)

/* What a list depends on. */
struct circumstances {
	XXH128_hash_t hash;
	bool known; /* the hash distinguishes this boot from others */
};

/* A cache entry consists of this header, the functions and their names. */
struct entry {
	XXH128_hash_t circumstances;
	uint64_t count;
	uint64_t names_size;
};

struct list {
	struct ebcc_kernel_functions public;
	unsigned references;
	struct circumstances made_under;
	struct ebcc_buf entry; /* the public part points into it */
};

static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list *current; /* counts as one reference */

/* ---- What a list depends on ---- */

static void add_text(struct ebcc_buf *text, const char *path, size_t limit, bool *ret_read)
{
	struct ebcc_error *error = ebcc_buf_read_file(text, path, limit);

	*ret_read = !error;
	ebcc_error_destroy(error);
	ebcc_buf_append_char(text, '\n');
}

/* Appends the name, size, state and address of each module. A line of the file is "NAME SIZE USERS
 * USED_BY STATE ADDRESS"; the users are left out, since they change all the time. */
static void add_modules(struct ebcc_buf *text)
{
	AUTO_BUF struct ebcc_buf modules = EBCC_BUF_INIT;
	char *line, *save;
	bool read;

	add_text(&modules, MODULES, MODULES_LIMIT, &read);
	for (line = modules.data ? strtok_r(modules.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		char name[64], size[32], state[32], address[32];

		if (sscanf(line, "%63s %31s %*s %*s %31s %31s", name, size, state, address) == 4)
			ebcc_buf_printf(text, "%s %s %s %s\n", name, size, state, address);
	}
}

/* Which of the optional files that the list is made from are readable, as a bit mask. */
static unsigned readable_files(void)
{
	unsigned readable = !access(EBCC_KPROBE_BLACKLIST, R_OK);
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;
	const char *tracefs;
	struct ebcc_error *error = ebcc_tracefs_find(&tracefs);

	if (!error) {
		ebcc_buf_printf(&path, "%s/available_filter_functions", tracefs);
		readable |= access(ebcc_buf_string(&path), R_OK) ? 0 : 2;
	}
	ebcc_error_destroy(error);
	return readable;
}

static struct ebcc_error *observe(struct circumstances *ret)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	bool restriction_read;

	add_text(&text, "/proc/sys/kernel/random/boot_id", 128, &ret->known);
	/* This and the user decide whether addresses are shown. */
	add_text(&text, "/proc/sys/kernel/kptr_restrict", 16, &restriction_read);
	ebcc_buf_printf(&text, "%u %u\n", (unsigned)geteuid(), readable_files());
	add_modules(&text);
	TRY(ebcc_buf_check(&text));
	ret->hash = XXH3_128bits(text.data, text.size);
	return NULL;
}

static bool is_same(const struct circumstances *a, const XXH128_hash_t *hash)
{
	return XXH128_isEqual(a->hash, *hash);
}

/* ---- Making a list ---- */

struct builder {
	struct ebcc_hash traceable, blacklist;
	bool traceable_known;
	bool in_init; /* in the init section, whose code was freed after boot */
	bool addresses_seen;
	struct ebcc_buf functions; /* array of struct ebcc_kernel_function */
	struct ebcc_buf names;
};

static void builder_deinit(struct builder *builder)
{
	ebcc_hash_deinit(&builder->traceable);
	ebcc_hash_deinit(&builder->blacklist);
	ebcc_buf_deinit(&builder->functions);
	ebcc_buf_deinit(&builder->names);
}
#define AUTO_BUILDER CLEANUP(builder_deinit)

static bool is_probeable(const struct builder *builder, const struct ebcc_ksyms_line *line)
{
	if (ebcc_hash_find_string(&builder->blacklist, line->name))
		return false;
	if (builder->traceable_known)
		return ebcc_hash_find_string(&builder->traceable, line->name);
	return !ebcc_is_function_piece(line->name) && !(builder->in_init && !*line->module);
}

static bool add_function(void *ctx, const struct ebcc_ksyms_line *line)
{
	struct builder *builder = ctx;
	struct ebcc_kernel_function function = {.address = line->address};

	/* The kernel's own symbols are sorted by address. */
	if (!strcmp(line->name, "_sinittext") || !strcmp(line->name, "_einittext"))
		builder->in_init = line->name[1] == 's';
	/* BPF programs come and go without notice, and nobody probes them by name. */
	if (!ebcc_ksyms_is_function(line->type) || !strcmp(line->module, "bpf"))
		return true;
	function.name = (uint32_t)builder->names.size;
	function.probeable = is_probeable(builder, line);
	builder->addresses_seen |= line->address != 0;
	ebcc_buf_append(&builder->functions, &function, sizeof(function));
	ebcc_buf_append(&builder->names, line->name, strlen(line->name) + 1);
	return !builder->names.failed && !builder->functions.failed &&
	       builder->names.size < UINT32_MAX;
}

/* A function with the first eight bytes of its name as a number, which avoids most string
 * comparisons. */
struct sorted {
	uint64_t start;
	const char *name;
	struct ebcc_kernel_function function;
};

static uint64_t name_start(const char *name)
{
	uint64_t start = 0;

	for (unsigned i = 0; i < sizeof(start); i++) {
		start = start << 8 | (unsigned char)*name;
		name += *name != '\0';
	}
	return start;
}

static int compare_sorted(const void *a, const void *b)
{
	const struct sorted *left = a, *right = b;
	int order;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	order = strcmp(left->name, right->name);
	if (order)
		return order;
	return left->function.address < right->function.address
		       ? -1
		       : left->function.address > right->function.address;
}

/* Writes the functions, sorted by name, and the names into an entry. */
static struct ebcc_error *write_entry(const struct builder *builder,
				      const struct circumstances *under, struct ebcc_buf *ret)
{
	const struct ebcc_kernel_function *functions =
		(const struct ebcc_kernel_function *)builder->functions.data;
	size_t count = builder->functions.size / sizeof(*functions);
	AUTO_FREE struct sorted *sorted = calloc(count + 1, sizeof(*sorted));
	struct entry entry = {
		.circumstances = under->hash, .count = count, .names_size = builder->names.size};

	if (!sorted)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < count; i++) {
		sorted[i].name = builder->names.data + functions[i].name;
		sorted[i].start = name_start(sorted[i].name);
		sorted[i].function = functions[i];
	}
	qsort(sorted, count, sizeof(*sorted), compare_sorted);
	ebcc_buf_append(ret, &entry, sizeof(entry));
	for (size_t i = 0; i < count; i++)
		ebcc_buf_append(ret, &sorted[i].function, sizeof(sorted[i].function));
	ebcc_buf_append(ret, ebcc_buf_string(&builder->names), builder->names.size);
	return ebcc_buf_check(ret);
}

/* *@ret_complete: whether the entry has addresses and so is worth caching. */
static struct ebcc_error *make_entry(const struct circumstances *under, struct ebcc_buf *ret,
				     bool *ret_complete)
{
	AUTO_BUILDER struct builder builder = {0};

	TRY(ebcc_read_traceable_functions(&builder.traceable, &builder.traceable_known));
	TRY(ebcc_read_kprobe_blacklist(&builder.blacklist));
	TRY(ebcc_ksyms_walk(add_function, &builder));
	TRY(ebcc_buf_check(&builder.names));
	TRY(ebcc_buf_check(&builder.functions));
	*ret_complete = builder.addresses_seen;
	return write_entry(&builder, under, ret);
}

/* ---- Entries ---- */

/* Validates the entry and points the list into it. Returns false if it is malformed or was made in
 * other circumstances. */
static bool open_entry(struct list *list)
{
	const struct entry *entry = (const struct entry *)list->entry.data;
	const struct ebcc_kernel_function *functions;
	size_t rest = list->entry.size;

	if (rest < sizeof(*entry) || !is_same(&list->made_under, &entry->circumstances))
		return false;
	rest -= sizeof(*entry);
	if (entry->names_size > rest || entry->count > rest / sizeof(*functions) ||
	    entry->count * sizeof(*functions) != rest - entry->names_size ||
	    (entry->names_size && list->entry.data[list->entry.size - 1]))
		return false;
	functions = (const struct ebcc_kernel_function *)(entry + 1);
	for (size_t i = 0; i < entry->count; i++)
		if (functions[i].name >= entry->names_size)
			return false;
	list->public = (struct ebcc_kernel_functions){
		.functions = functions,
		.count = entry->count,
		.names = (const char *)(functions + entry->count),
	};
	return true;
}

/* There is one key for each kernel build, so the list of this boot replaces that of an earlier one.
 */
static struct ebcc_error *entry_key(struct ebcc_cache_key *ret)
{
	AUTO_KERNEL_INFO struct ebcc_kernel_info *kernel = NULL;
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	TRY(ebcc_kernel_info_create(NULL, &kernel));
	ebcc_buf_printf(&text, ENTRY_FORMAT "\n%s\n%s", kernel->release, kernel->build_id);
	TRY(ebcc_buf_check(&text));
	*ret = ebcc_cache_key_of(&text);
	return NULL;
}

/* Fills a list, whose circumstances are set, from the cache or from the kernel. */
static struct ebcc_error *fill(struct list *list)
{
	AUTO_DISK_CACHE struct ebcc_disk_cache *cache = NULL;
	struct ebcc_cache_key key;
	bool complete;

	TRY(entry_key(&key));
	if (list->made_under.known)
		cache = ebcc_disk_cache_create(NULL, NULL);
	if (ebcc_disk_cache_get(cache, &key, ENTRY_KIND, &list->entry) && open_entry(list))
		return NULL;
	ebcc_buf_clear(&list->entry);
	TRY(make_entry(&list->made_under, &list->entry, &complete));
	if (!open_entry(list))
		return ebcc_error_create(EBCC_ERROR_FORMAT,
					 "the list of kernel functions is inconsistent");
	if (complete)
		ebcc_disk_cache_put(cache, &key, ENTRY_KIND, list->entry.data, list->entry.size);
	return NULL;
}

/* ---- Sharing ---- */

/* Releases a reference; the lock must be held. */
static void drop(struct list *list)
{
	if (!list || --list->references)
		return;
	ebcc_buf_deinit(&list->entry);
	free(list);
}

static struct ebcc_error *create(const struct circumstances *under, struct list **ret)
{
	struct list *list = calloc(1, sizeof(*list));
	struct ebcc_error *error;

	if (!list)
		return ebcc_error_no_memory();
	list->references = 1;
	list->made_under = *under;
	error = fill(list);
	if (error) {
		drop(list);
		return error;
	}
	*ret = list;
	return NULL;
}

/* Makes sure that the current list is up to date; the lock must be held. */
static struct ebcc_error *renew(void)
{
	struct circumstances now = {0};
	struct list *list = NULL;

	TRY(observe(&now));
	if (current && is_same(&now, &current->made_under.hash))
		return NULL;
	TRY(create(&now, &list));
	drop(current);
	current = list;
	return NULL;
}

struct ebcc_error *ebcc_kernel_functions_get(const struct ebcc_kernel_functions **ret)
{
	struct ebcc_error *error;

	pthread_mutex_lock(&current_lock);
	error = renew();
	if (!error) {
		current->references++;
		*ret = &current->public;
	}
	pthread_mutex_unlock(&current_lock);
	return error;
}

void ebcc_kernel_functions_put(const struct ebcc_kernel_functions *functions)
{
	if (!functions)
		return;
	pthread_mutex_lock(&current_lock);
	drop((struct list *)functions);
	pthread_mutex_unlock(&current_lock);
}

size_t ebcc_kernel_functions_search(const struct ebcc_kernel_functions *functions, const char *name)
{
	size_t low = 0, high = functions->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(ebcc_kernel_function_name(functions, middle), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
