/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results of earlier runs, stored in files by key. The cache knows nothing about the contents of
 * an entry. It guarantees only that a lookup returns exactly the bytes that this user (or root)
 * stored under that key, or nothing. Any problem with the disk is logged and counts as a miss.
 */
#ifndef EBCC_BASE_DISK_CACHE_H
#define EBCC_BASE_DISK_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"

/* A 128-bit XXH3 hash of everything that the entry depends on. */
struct ebcc_cache_key {
	uint64_t low, high;
};

/* Hashes a text that describes what an entry depends on. The caller must separate the parts of the
 * text so that different parts never give the same text. */
struct ebcc_cache_key ebcc_cache_key_of(const struct ebcc_buf *text);

struct ebcc_disk_cache;

struct ebcc_disk_cache_opts {
	const char *directory; /* NULL: EBCC_CACHE, else /var/cache/ebcc for root, else
				* $XDG_CACHE_HOME/ebcc or ~/.cache/ebcc */
	uint64_t size_limit;   /* total size of all entries in bytes; 0: 256 MiB */
	bool read_only;	       /* neither created nor written; may also be root's */
	bool shared;	       /* other users may read it */
};

/*
 * Opens the directory, creating it with mode 0700, or 0755 if shared, if it doesn't exist. Returns
 * NULL if caching is off (EBCC_CACHE=off) or the directory can't be trusted: it isn't owned by the
 * effective user (or, if it is read only, root), or others can write to it or to a directory above
 * it. The reason is logged, unless a directory to read is only missing. @log is borrowed until
 * ebcc_disk_cache_destroy().
 */
struct ebcc_disk_cache *ebcc_disk_cache_create(const struct ebcc_disk_cache_opts *opts,
					       const struct ebcc_log *log);
void ebcc_disk_cache_destroy(struct ebcc_disk_cache *cache);

static inline void ebcc_cleanup_disk_cache(struct ebcc_disk_cache **cache)
{
	ebcc_disk_cache_destroy(*cache);
}
#define AUTO_DISK_CACHE CLEANUP(ebcc_cleanup_disk_cache)

/* The directory's path; borrowed. It may also contain directories (unpacked kernel headers), which
 * the cache leaves alone. */
const char *ebcc_disk_cache_path(const struct ebcc_disk_cache *cache);

/* Appends the entry to @ret. Returns false on a miss; a NULL @cache always misses. @kind is a short
 * file name suffix ("o", "manifest"). */
bool ebcc_disk_cache_get(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			 const char *kind, struct ebcc_buf *ret);
/* Writes the entry, then removes the least recently used entries if the cache exceeds its size
 * limit. Returns false, which is logged too, if it can't be written. */
bool ebcc_disk_cache_put(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			 const char *kind, const void *data, size_t size);

/*
 * Finds an entry in @size bytes of memory that consist of the files of entries, one after the
 * other, and appends it to @ret. False if it isn't there or is damaged.
 */
bool ebcc_disk_cache_get_from(const void *bytes, size_t size, const struct ebcc_cache_key *key,
			      struct ebcc_buf *ret);

/* ---- For looking at the cache as a whole ---- */

#define EBCC_CACHE_KIND_SIZE 24

struct ebcc_disk_cache_entry {
	struct ebcc_cache_key key;
	char kind[EBCC_CACHE_KIND_SIZE];
	uint64_t size; /* of the file, in bytes */
	int64_t used;  /* when it was last used, to about ten minutes; seconds since 1970 */
};

/* Lists all entries, most recently used first. *@ret is malloc'ed. Files that can't be entries are
 * left out. */
MUST_CHECK struct ebcc_error *ebcc_disk_cache_list(const struct ebcc_disk_cache *cache,
						   struct ebcc_disk_cache_entry **ret,
						   size_t *ret_count);

enum ebcc_disk_cache_state {
	EBCC_CACHE_ENTRY_VALID,
	EBCC_CACHE_ENTRY_MISSING,
	EBCC_CACHE_ENTRY_FOREIGN, /* another user owns it or can write to it */
	EBCC_CACHE_ENTRY_DAMAGED,
};

/* What ebcc_disk_cache_get() would make of an entry, without removing a damaged one. Appends the
 * contents of a valid one to @ret. */
enum ebcc_disk_cache_state ebcc_disk_cache_check(const struct ebcc_disk_cache *cache,
						 const struct ebcc_cache_key *key, const char *kind,
						 struct ebcc_buf *ret);

/* Removes an entry, if it exists. */
MUST_CHECK struct ebcc_error *ebcc_disk_cache_remove(const struct ebcc_disk_cache *cache,
						     const struct ebcc_cache_key *key,
						     const char *kind);

/* Computes the XXH64 hash of a file's contents, for entries that are valid only while the file is
 * unchanged. Returns false if the file can't be read. */
bool ebcc_disk_cache_hash_file(const char *path, uint64_t *ret);

#endif /* EBCC_BASE_DISK_CACHE_H */
