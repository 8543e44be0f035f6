/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of earlier compiles, by key. The store knows nothing of what is in an entry: it
 * promises only that what it gives back is, byte for byte, what this user (or root) put
 * there under that key, or nothing. Every trouble with the disk is a miss, told to the log.
 */
#ifndef EBCC_BASE_DISK_CACHE_H
#define EBCC_BASE_DISK_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"

/* A 128-bit XXH3 of everything that the entry depends on. */
struct ebcc_cache_key {
	uint64_t low, high;
};

/* The key that a text stands for, of which each part ends where the next one can't be mistaken for
 * more of it. */
struct ebcc_cache_key ebcc_cache_key_of(const struct ebcc_buf *text);

struct ebcc_disk_cache;

struct ebcc_disk_cache_opts {
	const char *directory; /* NULL: EBCC_CACHE, else /var/cache/ebcc for root, else
				* $XDG_CACHE_HOME/ebcc or ~/.cache/ebcc */
	uint64_t size_limit;   /* bytes of all entries together; 0: 256 MiB */
};

/*
 * Opens (and creates, mode 0700) the directory. NULL when caching is off (EBCC_CACHE=off) or the
 * directory can't be trusted: not owned by the effective user, or writable by others, or reached
 * through a directory that others can write. @log is borrowed until destroy.
 */
struct ebcc_disk_cache *ebcc_disk_cache_create(const struct ebcc_disk_cache_opts *opts,
					       const struct ebcc_log *log);
void ebcc_disk_cache_destroy(struct ebcc_disk_cache *cache);

static inline void ebcc_cleanup_disk_cache(struct ebcc_disk_cache **cache)
{
	ebcc_disk_cache_destroy(*cache);
}
#define AUTO_DISK_CACHE CLEANUP(ebcc_cleanup_disk_cache)

/* The directory's path; borrowed. Trees (unpacked headers) may lie in it too: the store leaves
 * directories alone. */
const char *ebcc_disk_cache_path(const struct ebcc_disk_cache *cache);

/* Appends the entry to @ret; false: a miss. @kind is a short file name suffix ("o", "manifest").
 * A NULL cache misses. */
bool ebcc_disk_cache_get(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			 const char *kind, struct ebcc_buf *ret);
/* Writes the entry, then removes the least recently used ones above the size limit. */
void ebcc_disk_cache_put(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			 const char *kind, const void *data, size_t size);

/* A 64-bit XXH64 of a file's bytes, for entries that hold only as long as the file is the same.
 * False: it can't be read. */
bool ebcc_disk_cache_hash_file(const char *path, uint64_t *ret);

#endif /* EBCC_BASE_DISK_CACHE_H */
