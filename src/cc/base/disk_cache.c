// SPDX-License-Identifier: Apache-2.0
/*
 * The disk cache has one file per entry. A file is written under a temporary name and then
 * renamed, so that readers and writers need no lock. It begins with a header that has a checksum,
 * so that a truncated or damaged file is a miss. compile/cache.c decides whether an entry still
 * matches its source.
 */
#include "base/disk_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/write_file.h"

#define DEFAULT_SIZE_LIMIT (256ull << 20)
#define ENTRY_SIZE_LIMIT (64u << 20)
#define LARGE_ENTRY (4u << 20)
#define ENTRY_MAGIC 0x31454343424545ull /* "EEBCCE1" */
/* Larger than any header file or kernel BTF. */
#define HASHED_FILE_LIMIT (64u << 20)
/* Temporary files that a killed writer left are removed after this time. */
#define STALE_SECONDS 3600
/* The minimum time between updates of an entry's time of last use. */
#define TOUCH_SECONDS 600

struct entry_header {
	uint64_t magic;
	uint64_t key_low, key_high; /* so that a renamed file isn't taken for another entry */
	uint64_t size;
	uint64_t hash; /* XXH3 of the data */
};

struct ebcc_cache_key ebcc_cache_key_of(const struct ebcc_buf *text)
{
	XXH128_hash_t hash = XXH3_128bits(ebcc_buf_string(text), text->size);

	return (struct ebcc_cache_key){.low = hash.low64, .high = hash.high64};
}

struct ebcc_disk_cache {
	const struct ebcc_log *log;
	char *path;
	int directory;
	uint64_t size_limit;
	bool read_only, shared;
};

/* The directory's path, malloc'ed, or NULL if there is to be no caching. */
static char *default_path(void)
{
	const char *named = getauxval(AT_SECURE) ? NULL : getenv("EBCC_CACHE");
	const char *base;
	char *path;

	if (named && *named)
		return strcmp(named, "off") ? strdup(named) : NULL;
	if (!geteuid())
		return strdup("/var/cache/ebcc");
	if (getauxval(AT_SECURE))
		return NULL;
	base = getenv("XDG_CACHE_HOME");
	if (base && *base == '/')
		return asprintf(&path, "%s/ebcc", base) < 0 ? NULL : path;
	base = getenv("HOME");
	if (base && *base == '/')
		return asprintf(&path, "%s/.cache/ebcc", base) < 0 ? NULL : path;
	return NULL;
}

/* Whether what this user owns is trusted: the effective user's, and where @or_root, root's too. */
static bool is_trusted_owner(uid_t owner, bool or_root)
{
	return owner == geteuid() || (or_root && owner == 0);
}

/* Whether only the effective user and root control the contents of this directory. In a sticky
 * directory (/tmp) others can add files, but not replace ours. */
static bool trusted(const struct stat *status, bool last, bool read_only)
{
	if (!is_trusted_owner(status->st_uid, read_only || !last))
		return false;
	if (!(status->st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	return !last && (status->st_mode & S_ISVTX);
}

/*
 * Opens @path component by component and creates missing directories, unless it is only to be read.
 * Checking only the last directory would be useless if somebody else could replace one above it.
 * Symbolic links are refused below a directory that others can write to.
 */
static int open_trusted(char *path, const struct ebcc_disk_cache_opts *opts, const char **ret_why)
{
	AUTO_CLOSE int current = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *save, *name = strtok_r(path, "/", &save);
	bool shared = false;

	*ret_why = NULL;
	while (current >= 0 && name) {
		char *next_name = strtok_r(NULL, "/", &save);
		int flags = (next_name ? O_PATH : O_RDONLY) | O_DIRECTORY | O_CLOEXEC;
		struct stat status;
		int next;

		if (!next_name || shared)
			flags |= O_NOFOLLOW;
		next = openat(current, name, flags);
		if (next < 0 && errno == ENOENT && !opts->read_only) {
			if (mkdirat(current, name, opts->shared ? 0755 : 0700) && errno != EEXIST)
				return -1;
			next = openat(current, name, flags | O_NOFOLLOW);
		}
		if (next < 0)
			return -1;
		close(current);
		current = next;
		if (fstat(current, &status))
			return -1;
		if (!trusted(&status, !next_name, opts->read_only)) {
			*ret_why = "others own it, or can write to it or to a directory above it";
			return -1;
		}
		shared = status.st_mode & (S_IWGRP | S_IWOTH);
		name = next_name;
	}
	return TAKE_FD(current);
}

struct ebcc_disk_cache *ebcc_disk_cache_create(const struct ebcc_disk_cache_opts *caller_opts,
					       const struct ebcc_log *log)
{
	const struct ebcc_disk_cache_opts opts =
		caller_opts ? *caller_opts : (struct ebcc_disk_cache_opts){0};
	AUTO_FREE char *path = opts.directory ? strdup(opts.directory) : default_path();
	AUTO_FREE char *shown = path ? strdup(path) : NULL;
	struct ebcc_disk_cache *cache;
	const char *why;
	int fd;

	if (!path || !shown)
		return NULL;
	if (*path != '/') {
		ebcc_log(log, EBCC_LOG_WARNING,
			 "disk cache is off: %s is not an absolute path; set EBCC_CACHE to one",
			 shown);
		return NULL;
	}
	fd = open_trusted(path, &opts, &why);
	if (fd < 0 && !why && errno == ENOENT && opts.read_only)
		return NULL;
	if (fd < 0) {
		ebcc_log(log, opts.read_only ? EBCC_LOG_WARNING : EBCC_LOG_INFO, "%s: %s: %s",
			 opts.read_only ? "objects are not read" : "disk cache is off", shown,
			 why ? why : ebcc_errno_message(errno));
		return NULL;
	}
	cache = calloc(1, sizeof(*cache));
	if (!cache) {
		close(fd);
		return NULL;
	}
	cache->log = log;
	cache->path = TAKE_PTR(shown);
	cache->directory = fd;
	cache->size_limit = opts.size_limit ? opts.size_limit : DEFAULT_SIZE_LIMIT;
	cache->read_only = opts.read_only;
	cache->shared = opts.shared;
	return cache;
}

void ebcc_disk_cache_destroy(struct ebcc_disk_cache *cache)
{
	if (!cache)
		return;
	close(cache->directory);
	free(cache->path);
	free(cache);
}

const char *ebcc_disk_cache_path(const struct ebcc_disk_cache *cache)
{
	return cache->path;
}

#define ENTRY_NAME_SIZE 64

static void entry_name(const struct ebcc_cache_key *key, const char *kind,
		       char name[ENTRY_NAME_SIZE])
{
	snprintf(name, ENTRY_NAME_SIZE, "%016llx%016llx.%s", (unsigned long long)key->high,
		 (unsigned long long)key->low, kind);
}

static bool read_exactly(int fd, void *data, size_t size)
{
	char *at = data;

	while (size) {
		ssize_t n = read(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		size -= n;
	}
	return true;
}

/* Reads and validates an open entry. */
static bool read_entry(int fd, const struct stat *status, const struct ebcc_cache_key *key,
		       struct ebcc_buf *ret)
{
	AUTO_FREE char *data = NULL;
	struct entry_header header;

	if (!read_exactly(fd, &header, sizeof(header)) || header.magic != ENTRY_MAGIC ||
	    header.key_low != key->low || header.key_high != key->high ||
	    header.size > ENTRY_SIZE_LIMIT ||
	    (uint64_t)status->st_size != sizeof(header) + header.size)
		return false;
	data = malloc(header.size + 1);
	if (!data || !read_exactly(fd, data, header.size) ||
	    XXH3_64bits(data, header.size) != header.hash)
		return false;
	ebcc_buf_append(ret, data, header.size);
	return !ret->failed;
}

bool ebcc_disk_cache_get_from(const void *bytes, size_t size, const struct ebcc_cache_key *key,
			      struct ebcc_buf *ret)
{
	const char *at = bytes;
	struct entry_header header;

	while (size >= sizeof(header)) {
		memcpy(&header, at, sizeof(header));
		at += sizeof(header);
		size -= sizeof(header);
		if (header.magic != ENTRY_MAGIC || header.size > size)
			return false;
		if (header.key_low == key->low && header.key_high == key->high) {
			if (XXH3_64bits(at, header.size) != header.hash)
				return false;
			ebcc_buf_append(ret, at, header.size);
			return !ret->failed;
		}
		at += header.size;
		size -= header.size;
	}
	return false;
}

/* Opens and reads an entry. @fd is set if there is a file of that name. */
static enum ebcc_disk_cache_state open_entry(const struct ebcc_disk_cache *cache,
					     const struct ebcc_cache_key *key, const char *name,
					     struct ebcc_buf *ret, int *fd, struct stat *status)
{
	*fd = openat(cache->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, status) || !S_ISREG(status->st_mode))
		return EBCC_CACHE_ENTRY_MISSING;
	if (!is_trusted_owner(status->st_uid, cache->read_only) ||
	    (status->st_mode & (S_IWGRP | S_IWOTH)))
		return EBCC_CACHE_ENTRY_FOREIGN;
	return read_entry(*fd, status, key, ret) ? EBCC_CACHE_ENTRY_VALID
						 : EBCC_CACHE_ENTRY_DAMAGED;
}

bool ebcc_disk_cache_get(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			 const char *kind, struct ebcc_buf *ret)
{
	AUTO_CLOSE int fd = -1;
	char name[ENTRY_NAME_SIZE];
	struct stat status;

	if (!cache)
		return false;
	entry_name(key, kind, name);
	switch (open_entry(cache, key, name, ret, &fd, &status)) {
	case EBCC_CACHE_ENTRY_MISSING:
		return false;
	case EBCC_CACHE_ENTRY_FOREIGN:
		ebcc_log(cache->log, EBCC_LOG_WARNING,
			 "%s/%s is not used: another user owns it or can write to it", cache->path,
			 name);
		return false;
	case EBCC_CACHE_ENTRY_DAMAGED:
		if (cache->read_only) {
			ebcc_log(cache->log, EBCC_LOG_WARNING, "%s/%s is damaged", cache->path,
				 name);
			return false;
		}
		ebcc_log(cache->log, EBCC_LOG_INFO, "disk cache: %s is damaged; removed", name);
		unlinkat(cache->directory, name, 0);
		return false;
	case EBCC_CACHE_ENTRY_VALID:
		break;
	}
	if (!cache->read_only && time(NULL) - status.st_mtime > TOUCH_SECONDS)
		futimens(fd, NULL);
	return true;
}

enum ebcc_disk_cache_state ebcc_disk_cache_check(const struct ebcc_disk_cache *cache,
						 const struct ebcc_cache_key *key, const char *kind,
						 struct ebcc_buf *ret)
{
	AUTO_CLOSE int fd = -1;
	char name[ENTRY_NAME_SIZE];
	struct stat status;

	entry_name(key, kind, name);
	return open_entry(cache, key, name, ret, &fd, &status);
}

struct ebcc_error *ebcc_disk_cache_remove(const struct ebcc_disk_cache *cache,
					  const struct ebcc_cache_key *key, const char *kind)
{
	char name[ENTRY_NAME_SIZE];

	entry_name(key, kind, name);
	if (!unlinkat(cache->directory, name, 0) || errno == ENOENT)
		return NULL;
	return ebcc_error_os(EBCC_ERROR_OS, errno, "%s/%s can't be removed", cache->path, name);
}

struct aged_entry {
	char name[ENTRY_NAME_SIZE + 32];
	uint64_t size;
	time_t used;
};

static int by_age(const void *a, const void *b)
{
	const struct aged_entry *left = a, *right = b;

	return (left->used > right->used) - (left->used < right->used);
}

/* Lists the entries, and removes temporary files that a killed writer left. Returns NULL if the
 * cache is empty or memory runs out. */
static struct aged_entry *list_entries(const struct ebcc_disk_cache *cache, size_t *ret_count,
				       uint64_t *ret_total)
{
	int fd = openat(cache->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct aged_entry *entries = NULL;
	size_t count = 0, capacity = 0;
	struct dirent *dirent;

	*ret_total = 0;
	if (!directory) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	while ((dirent = readdir(directory))) {
		size_t length = strlen(dirent->d_name);
		struct stat status;

		if (length >= sizeof(entries->name) ||
		    fstatat(cache->directory, dirent->d_name, &status, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(status.st_mode))
			continue;
		if (strstr(dirent->d_name, ".tmp.")) {
			if (time(NULL) - status.st_mtime > STALE_SECONDS)
				unlinkat(cache->directory, dirent->d_name, 0);
			continue;
		}
		if (count == capacity) {
			size_t more = capacity ? capacity * 2 : 64;
			void *bigger = realloc(entries, more * sizeof(*entries));

			if (!bigger)
				break;
			entries = bigger;
			capacity = more;
		}
		memcpy(entries[count].name, dirent->d_name, length + 1);
		entries[count].size = status.st_size;
		entries[count++].used = status.st_mtime;
		*ret_total += status.st_size;
	}
	closedir(directory);
	*ret_count = count;
	return entries;
}

/* Parses the name of an entry's file. */
static bool parse_name(const char *name, struct ebcc_disk_cache_entry *ret)
{
	unsigned long long high, low;
	int length = 0;

	if (strspn(name, "0123456789abcdef") != 32 ||
	    sscanf(name, "%16llx%16llx.%n", &high, &low, &length) != 2 || length != 33 ||
	    !name[length] || strlen(name + length) >= sizeof(ret->kind))
		return false;
	ret->key = (struct ebcc_cache_key){.low = low, .high = high};
	strcpy(ret->kind, name + length);
	return true;
}

struct ebcc_error *ebcc_disk_cache_list(const struct ebcc_disk_cache *cache,
					struct ebcc_disk_cache_entry **ret, size_t *ret_count)
{
	size_t count = 0, kept = 0;
	uint64_t total;
	AUTO_FREE struct aged_entry *found = list_entries(cache, &count, &total);
	struct ebcc_disk_cache_entry *entries = calloc(count + 1, sizeof(*entries));

	if (!entries)
		return ebcc_error_no_memory();
	if (found)
		qsort(found, count, sizeof(*found), by_age);
	for (size_t i = count; i-- > 0;) {
		entries[kept].size = found[i].size;
		entries[kept].used = found[i].used;
		kept += parse_name(found[i].name, &entries[kept]);
	}
	*ret = entries;
	*ret_count = kept;
	return NULL;
}

/* If the entries exceed the limit, removes the least recently used ones until the rest takes up at
 * most three quarters of it. @entries are sorted by age; the size of a removed one is set to 0. */
static void evict_oldest(struct ebcc_disk_cache *cache, struct aged_entry *entries, size_t count,
			 uint64_t limit, bool large_only)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		if (!large_only || entries[i].size > LARGE_ENTRY)
			total += entries[i].size;
	if (total <= limit)
		return;
	for (size_t i = 0; i < count && total > limit / 4 * 3; i++) {
		if (large_only && entries[i].size <= LARGE_ENTRY)
			continue;
		if (!unlinkat(cache->directory, entries[i].name, 0)) {
			total -= entries[i].size;
			entries[i].size = 0;
		}
	}
}

/* A few large entries (precompiled headers) must not evict all the small ones, so they get half of
 * the space. */
static void evict(struct ebcc_disk_cache *cache)
{
	size_t count = 0;
	uint64_t total;
	AUTO_FREE struct aged_entry *entries = list_entries(cache, &count, &total);

	if (!entries || total <= cache->size_limit / 2)
		return;
	qsort(entries, count, sizeof(*entries), by_age);
	evict_oldest(cache, entries, count, cache->size_limit / 2, true);
	evict_oldest(cache, entries, count, cache->size_limit, false);
}

bool ebcc_disk_cache_put(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			 const char *kind, const void *data, size_t size)
{
	struct entry_header header = {.magic = ENTRY_MAGIC, .size = size};
	char name[ENTRY_NAME_SIZE], temporary[ENTRY_NAME_SIZE + 32];
	static unsigned serial;
	AUTO_CLOSE int fd = -1;
	bool written;

	if (!cache || size > ENTRY_SIZE_LIMIT || size > cache->size_limit)
		return false;
	header.key_low = key->low;
	header.key_high = key->high;
	header.hash = XXH3_64bits(data, size);
	entry_name(key, kind, name);
	snprintf(temporary, sizeof(temporary), "%s.tmp.%d.%u", name, getpid(),
		 __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
	fd = openat(cache->directory, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    cache->shared ? 0644 : 0600);
	if (fd < 0) {
		ebcc_log(cache->log, EBCC_LOG_INFO, "%s cannot be written: %s", cache->path,
			 ebcc_errno_message(errno));
		return false;
	}
	written = ebcc_write_exactly(fd, &header, sizeof(header)) &&
		  ebcc_write_exactly(fd, data, size);
	if (!written || renameat(cache->directory, temporary, cache->directory, name)) {
		ebcc_log(cache->log, EBCC_LOG_INFO, "%s/%s cannot be written: %s", cache->path,
			 name, ebcc_errno_message(errno));
		unlinkat(cache->directory, temporary, 0);
		return false;
	}
	evict(cache);
	return true;
}

bool ebcc_disk_cache_hash_file(const char *path, uint64_t *ret)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error = ebcc_buf_read_file(&buf, path, HASHED_FILE_LIMIT);

	if (error)
		return false;
	*ret = XXH64(buf.data, buf.size, 0);
	return true;
}
