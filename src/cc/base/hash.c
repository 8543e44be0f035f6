// SPDX-License-Identifier: Apache-2.0
/* The hash table from names to 64-bit values; see hash.h. */
#include "base/hash.h"

#include <string.h>

void ebcc_hash_init(struct ebcc_hash *hash)
{
	*hash = (struct ebcc_hash){0};
}

void ebcc_hash_deinit(struct ebcc_hash *hash)
{
	hash_for_each (hash, entry)
		free(entry->key);
	free(hash->entries);
	ebcc_hash_init(hash);
}

/* FNV-1a, 32 bits. */
static uint32_t hash_bytes(const void *key, size_t size)
{
	const unsigned char *bytes = key;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash;
}

/* Returns the key's entry, or the free slot for it. */
static struct ebcc_hash_entry *slot_of(const struct ebcc_hash *hash, const void *key, size_t size,
				       uint32_t value)
{
	size_t mask = hash->capacity - 1;

	for (size_t i = value & mask;; i = (i + 1) & mask) {
		struct ebcc_hash_entry *entry = &hash->entries[i];

		if (!entry->key || (entry->hash == value && entry->key_size == size &&
				    !memcmp(entry->key, key, size)))
			return entry;
	}
}

uint64_t *ebcc_hash_find(const struct ebcc_hash *hash, const void *key, size_t size)
{
	struct ebcc_hash_entry *entry;

	if (!hash->capacity)
		return NULL;
	entry = slot_of(hash, key, size, hash_bytes(key, size));
	return entry->key ? &entry->value : NULL;
}

uint64_t *ebcc_hash_find_string(const struct ebcc_hash *hash, const char *key)
{
	return ebcc_hash_find(hash, key, strlen(key));
}

static bool grow(struct ebcc_hash *hash)
{
	struct ebcc_hash bigger = {.capacity = hash->capacity ? hash->capacity * 2 : 64,
				   .count = hash->count};

	bigger.entries = calloc(bigger.capacity, sizeof(*bigger.entries));
	if (!bigger.entries)
		return false;
	hash_for_each (hash, entry)
		*slot_of(&bigger, entry->key, entry->key_size, entry->hash) = *entry;
	free(hash->entries);
	*hash = bigger;
	return true;
}

uint64_t *ebcc_hash_insert(struct ebcc_hash *hash, const void *key, size_t size)
{
	uint32_t value = hash_bytes(key, size);
	struct ebcc_hash_entry *entry;
	char *copy;

	if (size >= UINT32_MAX)
		return NULL;
	if (hash->count * 4 >= hash->capacity * 3 && !grow(hash))
		return NULL;
	entry = slot_of(hash, key, size, value);
	if (entry->key)
		return &entry->value;
	copy = malloc(size + 1);
	if (!copy)
		return NULL;
	memcpy(copy, key, size);
	copy[size] = '\0';
	*entry = (struct ebcc_hash_entry){.key = copy, .key_size = size, .hash = value};
	hash->count++;
	return &entry->value;
}

uint64_t *ebcc_hash_insert_string(struct ebcc_hash *hash, const char *key)
{
	return ebcc_hash_insert(hash, key, strlen(key));
}
