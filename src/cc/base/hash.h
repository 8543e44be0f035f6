/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from byte strings (names, or the bytes of a pointer) to 64-bit values.
 * Keys are copied. It uses open addressing, never shrinks, and keeps its entries in no particular
 * order.
 */
#ifndef EBCC_BASE_HASH_H
#define EBCC_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct ebcc_hash_entry {
	char *key; /* key_size bytes and a NUL; NULL: free slot */
	uint32_t key_size;
	uint32_t hash;
	uint64_t value;
};

struct ebcc_hash {
	struct ebcc_hash_entry *entries;
	size_t capacity; /* 0 or a power of two */
	size_t count;
};

void ebcc_hash_init(struct ebcc_hash *hash);
void ebcc_hash_deinit(struct ebcc_hash *hash);
#define AUTO_HASH CLEANUP(ebcc_hash_deinit)

/* Returns a pointer to the value, which may be changed, or NULL. Valid until the next insert. */
uint64_t *ebcc_hash_find(const struct ebcc_hash *hash, const void *key, size_t size);
uint64_t *ebcc_hash_find_string(const struct ebcc_hash *hash, const char *key);
/* Finds the key, or inserts it with value 0. Returns NULL if out of memory. */
uint64_t *ebcc_hash_insert(struct ebcc_hash *hash, const void *key, size_t size);
uint64_t *ebcc_hash_insert_string(struct ebcc_hash *hash, const char *key);

#define hash_for_each(hash, entry)                                                                 \
	for (struct ebcc_hash_entry *entry = (hash)->entries;                                      \
	     entry && entry < (hash)->entries + (hash)->capacity; entry++)                         \
		if (entry->key)

#endif /* EBCC_BASE_HASH_H */
