// SPDX-License-Identifier: Apache-2.0
/*
 * Operations on many entries of a table: with the kernel's batch commands if it has them for the
 * map's type, entry by entry otherwise. Programs may change the table meanwhile. A batch command
 * walks a hash bucket by bucket, so it visits each entry that stays exactly once. Walking from key
 * to key starts over when the current key has been deleted, so keys already seen are remembered.
 */
#include "load/table.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/hash.h"
#include "kernel/features.h"

/* Bytes of keys and values in the first batch command. */
#define CHUNK_BYTES ((size_t)1 << 20)
#define CHUNK_MIN 64

struct entries {
	char *keys, *values;
	size_t count, capacity;
};

static void entries_deinit(struct entries *entries)
{
	free(entries->keys);
	free(entries->values);
}
#define AUTO_ENTRIES CLEANUP(entries_deinit)

static struct ebcc_error *entries_reserve(const struct ebcc_table *table, struct entries *entries,
					  size_t capacity)
{
	size_t key_bytes, value_bytes;
	char *keys, *values;

	if (__builtin_mul_overflow(capacity, table->key_size, &key_bytes) ||
	    __builtin_mul_overflow(capacity, table->value_size, &value_bytes))
		return ebcc_error_no_memory();
	keys = realloc(entries->keys, key_bytes + 1);
	if (keys)
		entries->keys = keys;
	values = realloc(entries->values, value_bytes + 1);
	if (values)
		entries->values = values;
	if (!keys || !values)
		return ebcc_error_no_memory();
	entries->capacity = capacity;
	return NULL;
}

static size_t first_capacity(const struct ebcc_table *table)
{
	size_t capacity = CHUNK_BYTES / (table->key_size + table->value_size + 1);

	if (capacity > table->max_entries)
		capacity = table->max_entries;
	return capacity < CHUNK_MIN ? CHUNK_MIN : capacity;
}

static void *key_at(const struct ebcc_table *table, const struct entries *entries, size_t index)
{
	return entries->keys + index * table->key_size;
}

static void *value_at(const struct ebcc_table *table, const struct entries *entries, size_t index)
{
	return entries->values + index * table->value_size;
}

static bool is_hash(const struct ebcc_table *table)
{
	return table->map_type == BPF_MAP_TYPE_HASH ||
	       table->map_type == BPF_MAP_TYPE_PERCPU_HASH ||
	       table->map_type == BPF_MAP_TYPE_LRU_HASH ||
	       table->map_type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

/* Arrays of values, whose entries always exist: deleting one means zeroing it. */
static bool is_value_array(const struct ebcc_table *table)
{
	return table->map_type == BPF_MAP_TYPE_ARRAY ||
	       table->map_type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_queue(const struct ebcc_table *table)
{
	return table->map_type == BPF_MAP_TYPE_QUEUE || table->map_type == BPF_MAP_TYPE_STACK;
}

static bool has_batch(const struct ebcc_table *table)
{
	return (is_hash(table) || is_value_array(table)) && ebcc_feature(EBCC_FEATURE_BATCH);
}

/* Whether the kernel lacks the batch command: older ones have it for some types only. */
static bool means_unsupported(int errnum)
{
	return errnum == EBCC_ENOTSUPP || errnum == EOPNOTSUPP || errnum == EINVAL;
}

/* The position of a sequence of batch commands: the kernel's token, which is as long as a key or a
 * bucket number. */
struct cursor {
	char *tokens;
	size_t token_size;
	bool started, second;
};

static struct ebcc_error *cursor_init(const struct ebcc_table *table, struct cursor *cursor)
{
	size_t size = table->key_size < 8 ? 8 : table->key_size;

	*cursor = (struct cursor){.token_size = size, .tokens = calloc(2, size)};
	return cursor->tokens ? NULL : ebcc_error_no_memory();
}

static void cursor_deinit(struct cursor *cursor)
{
	free(cursor->tokens);
}

/*
 * Runs one batch command into the free space of @entries. Returns 0 or a positive errno: ENOENT at
 * the end of the table (possibly with entries), ENOSPC if not even one bucket fits.
 */
static int read_chunk(const struct ebcc_table *table, bool remove, struct cursor *cursor,
		      struct entries *entries)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	char *in = cursor->started ? cursor->tokens + cursor->second * cursor->token_size : NULL;
	char *out = cursor->tokens + !cursor->second * cursor->token_size;
	size_t room = entries->capacity - entries->count;
	uint32_t count = room > UINT32_MAX ? UINT32_MAX : (uint32_t)room;
	void *keys = key_at(table, entries, entries->count);
	void *values = value_at(table, entries, entries->count);
	int err;

	err = remove ? bpf_map_lookup_and_delete_batch(table->fd, in, out, keys, values, &count,
						       &opts)
		     : bpf_map_lookup_batch(table->fd, in, out, keys, values, &count, &opts);
	err = err ? errno : 0;
	if (err && err != ENOENT)
		return err;
	entries->count += count < room ? count : room;
	cursor->started = true;
	cursor->second = !cursor->second;
	return err;
}

/* Sets *@ret_done to false if the kernel lacks the command; nothing was read or removed then. */
static struct ebcc_error *read_batch(const struct ebcc_table *table, bool remove,
				     struct entries *entries, bool *ret_done)
{
	CLEANUP(cursor_deinit) struct cursor cursor = {0};
	int err;

	TRY(cursor_init(table, &cursor));
	*ret_done = true;
	for (;;) {
		if (entries->count == entries->capacity)
			TRY(entries_reserve(table, entries, entries->capacity * 2));
		err = read_chunk(table, remove, &cursor, entries);
		if (err == ENOENT)
			return NULL;
		if (err == ENOSPC) {
			TRY(entries_reserve(table, entries, entries->capacity * 2));
		} else if (err && remove && cursor.started) {
			return ebcc_table_error(table, err, "read and delete the entries");
		} else if (err) {
			entries->count = 0;
			*ret_done = false;
			return NULL;
		}
	}
}

/* The keys of an array are its indexes. */
static struct ebcc_error *array_keys(const struct ebcc_table *table, struct entries *entries)
{
	if (table->key_size != sizeof(uint32_t))
		return ebcc_error_create(EBCC_ERROR_FORMAT, "the array '%s' has keys of %zu bytes",
					 table->name, table->key_size);
	TRY(entries_reserve(table, entries, table->max_entries));
	for (uint32_t i = 0; i < table->max_entries; i++)
		memcpy(key_at(table, entries, i), &i, sizeof(i));
	entries->count = table->max_entries;
	return NULL;
}

static struct ebcc_error *add_key(const struct ebcc_table *table, struct entries *entries,
				  struct ebcc_hash *seen, const void *key)
{
	uint64_t *mark = ebcc_hash_insert(seen, key, table->key_size);

	if (!mark)
		return ebcc_error_no_memory();
	if ((*mark)++)
		return NULL;
	if (entries->count == entries->capacity)
		TRY(entries_reserve(table, entries, entries->capacity * 2));
	memcpy(key_at(table, entries, entries->count++), key, table->key_size);
	return NULL;
}

/* Collects all keys, each once. The number of steps is bounded: a program that keeps deleting the
 * key just read would keep the walk at its start forever. */
static struct ebcc_error *collect_keys(const struct ebcc_table *table, struct entries *entries)
{
	uint64_t steps = 4 * (uint64_t)table->max_entries + 1024;
	AUTO_HASH struct ebcc_hash seen = {0};
	AUTO_FREE char *keys = calloc(2, table->key_size + 1);
	char *key = NULL, *next = keys;

	if (!keys)
		return ebcc_error_no_memory();
	if (is_value_array(table))
		return array_keys(table, entries);
	for (; steps; steps--) {
		if (bpf_map_get_next_key(table->fd, key, next))
			return errno == ENOENT
				       ? NULL
				       : ebcc_table_error(table, errno, "go through the entries");
		TRY(add_key(table, entries, &seen, next));
		key = next;
		next = next == keys ? keys + table->key_size : keys;
	}
	return NULL;
}

/* Reads one entry and, if @remove, deletes it. *@ret_found is false if it is already gone. */
static struct ebcc_error *read_entry(const struct ebcc_table *table, bool remove, const void *key,
				     void *value, bool *ret_found)
{
	int err = -1;

	if (remove)
		err = bpf_map_lookup_and_delete_elem(table->fd, key, value);
	if (!remove || (err && means_unsupported(errno))) {
		err = bpf_map_lookup_elem(table->fd, key, value);
		if (!err && remove)
			err = bpf_map_delete_elem(table->fd, key);
	}
	*ret_found = !err;
	return err && errno != ENOENT ? ebcc_table_error(table, errno, "read an entry") : NULL;
}

static struct ebcc_error *read_each(const struct ebcc_table *table, bool remove,
				    struct entries *entries)
{
	size_t kept = 0;
	bool found;

	TRY(collect_keys(table, entries));
	for (size_t i = 0; i < entries->count; i++) {
		const void *key = key_at(table, entries, i);

		TRY(read_entry(table, remove && !is_value_array(table), key,
			       value_at(table, entries, kept), &found));
		if (found)
			memmove(key_at(table, entries, kept++), key, table->key_size);
	}
	entries->count = kept;
	return NULL;
}

static struct ebcc_error *read_queue(const struct ebcc_table *table, bool remove,
				     struct entries *entries)
{
	if (!remove)
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
					  "the entries of '%s', a queue or stack, can be read only "
					  "by removing them",
					  table->name),
			table->name);
	for (uint32_t i = 0; i < table->max_entries; i++) {
		if (entries->count == entries->capacity)
			TRY(entries_reserve(table, entries, entries->capacity * 2));
		if (bpf_map_lookup_and_delete_elem(table->fd, NULL,
						   value_at(table, entries, entries->count)))
			return errno == ENOENT ? NULL : ebcc_table_error(table, errno, "pop");
		entries->count++;
	}
	return NULL;
}

static struct ebcc_error *read_entries(const struct ebcc_table *table, bool remove,
				       struct entries *entries)
{
	bool done = false;

	TRY(entries_reserve(table, entries, first_capacity(table)));
	if (is_queue(table))
		return read_queue(table, remove, entries);
	if (has_batch(table))
		TRY(read_batch(table, remove && is_hash(table), entries, &done));
	return done ? NULL : read_each(table, remove, entries);
}

struct ebcc_error *ebcc_table_read_all(struct ebcc_table *table, bool remove, void **ret_keys,
				       void **ret_values, size_t *ret_count)
{
	AUTO_ENTRIES struct entries entries = {0};

	TRY(ebcc_module_load(table->module));
	TRY(read_entries(table, remove, &entries));
	if (remove && is_value_array(table))
		TRY(ebcc_table_clear(table));
	*ret_keys = TAKE_PTR(entries.keys);
	*ret_values = TAKE_PTR(entries.values);
	*ret_count = entries.count;
	return NULL;
}

static struct ebcc_error *zero_array(struct ebcc_table *table)
{
	AUTO_ENTRIES struct entries entries = {0};

	TRY(array_keys(table, &entries));
	memset(entries.values, 0, entries.count * table->value_size);
	return ebcc_table_update_many(table, entries.keys, entries.values, entries.count);
}

/* Empties a hash, reusing one buffer for all batches. */
static struct ebcc_error *clear_batch(const struct ebcc_table *table, bool *ret_done)
{
	CLEANUP(cursor_deinit) struct cursor cursor = {0};
	AUTO_ENTRIES struct entries entries = {0};
	int err;

	TRY(cursor_init(table, &cursor));
	TRY(entries_reserve(table, &entries, first_capacity(table)));
	*ret_done = true;
	do {
		entries.count = 0;
		err = read_chunk(table, true, &cursor, &entries);
		if (err == ENOSPC)
			TRY(entries_reserve(table, &entries, entries.capacity * 2));
	} while (!err || err == ENOSPC);
	if (err == ENOENT)
		return NULL;
	if (cursor.started)
		return ebcc_table_error(table, err, "delete the entries");
	*ret_done = false;
	return NULL;
}

static struct ebcc_error *delete_each(const struct ebcc_table *table, const char *keys,
				      size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bpf_map_delete_elem(table->fd, keys + i * table->key_size) && errno != ENOENT)
			return ebcc_table_error(table, errno, "delete an entry");
	return NULL;
}

struct ebcc_error *ebcc_table_clear(struct ebcc_table *table)
{
	AUTO_ENTRIES struct entries entries = {0};
	bool done = false;

	TRY(ebcc_module_load(table->module));
	if (is_value_array(table))
		return zero_array(table);
	if (has_batch(table))
		TRY(clear_batch(table, &done));
	if (done)
		return NULL;
	TRY(entries_reserve(table, &entries, first_capacity(table)));
	if (is_queue(table))
		return read_queue(table, true, &entries);
	TRY(collect_keys(table, &entries));
	return delete_each(table, entries.keys, entries.count);
}

static struct ebcc_error *check_count(const struct ebcc_table *table, size_t count)
{
	if (count <= UINT32_MAX)
		return NULL;
	return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT, "table '%s': too many entries",
				 table->name);
}

struct ebcc_error *ebcc_table_update_many(struct ebcc_table *table, const void *keys,
					  const void *values, size_t count)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t written = (uint32_t)count;

	TRY(check_count(table, count));
	TRY(ebcc_module_load(table->module));
	if (has_batch(table) && count) {
		if (!bpf_map_update_batch(table->fd, keys, values, &written, &opts))
			return NULL;
		if (!means_unsupported(errno))
			return ebcc_table_error(table, errno, "write the entries");
	}
	for (size_t i = 0; i < count; i++)
		TRY(ebcc_table_update(table, (const char *)keys + i * table->key_size,
				      (const char *)values + i * table->value_size, BPF_ANY));
	return NULL;
}

/* The kernel stops at a key that does not exist: continue after it. */
static struct ebcc_error *delete_batch(const struct ebcc_table *table, const char *keys,
				       size_t count, bool *ret_done)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	size_t at = 0;

	*ret_done = true;
	while (at < count) {
		uint32_t deleted = (uint32_t)(count - at);

		if (!bpf_map_delete_batch(table->fd, keys + at * table->key_size, &deleted, &opts))
			return NULL;
		if (means_unsupported(errno)) {
			*ret_done = false;
			return NULL;
		}
		if (errno != ENOENT || deleted >= count - at)
			return ebcc_table_error(table, errno, "delete the entries");
		at += deleted + 1;
	}
	return NULL;
}

static struct ebcc_error *zero_entries(struct ebcc_table *table, const void *keys, size_t count)
{
	AUTO_FREE char *zeroes = calloc(count, table->value_size);

	if (!zeroes)
		return ebcc_error_no_memory();
	return ebcc_table_update_many(table, keys, zeroes, count);
}

struct ebcc_error *ebcc_table_delete_many(struct ebcc_table *table, const void *keys, size_t count)
{
	bool done = false;

	TRY(check_count(table, count));
	TRY(ebcc_module_load(table->module));
	if (!count)
		return NULL;
	if (is_value_array(table))
		return zero_entries(table, keys, count);
	if (has_batch(table))
		TRY(delete_batch(table, keys, count, &done));
	return done ? NULL : delete_each(table, keys, count);
}
