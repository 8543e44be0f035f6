// SPDX-License-Identifier: Apache-2.0
/*
 * Finding the file for the name of a library or program: in the dynamic loader's cache, in the maps
 * of a process, or in PATH. The layout of the cache is glibc's "1.1": a header, entries of fixed
 * size, and strings at offsets from the start of the header. Some files have a cache in the old
 * format before it.
 */
#include "elf/library.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/buf.h"
#include "base/options.h"
#include "elf/proc_maps.h"
#include "kernel/pid_namespace.h"

#define CACHE_PATH "/etc/ld.so.cache"
#define CACHE_LIMIT (64u << 20)

#define OLD_MAGIC "ld.so-1.7.0"
#define OLD_HEADER_SIZE 16 /* the magic, and the number of entries */
#define OLD_ENTRY_SIZE 12
#define NEW_MAGIC "glibc-ld.so.cache1.1"

struct cache_header {
	char magic[20];
	uint32_t entry_count;
	uint32_t strings_size;
	uint32_t flags_and_unused[5];
};

struct cache_entry {
	int32_t flags;
	uint32_t name, path; /* offsets of strings from the start of the header */
	uint32_t os_version;
	uint64_t hardware; /* not 0: a variant for specific processors */
};

/* Whether a file is the library @name: "libc.so.6" matches "libc.so.6", "libc.so" and "c". */
static bool is_library(const char *file, const char *name)
{
	size_t length = strlen(name);

	if (!strcmp(file, name))
		return true;
	if (!strncmp(name, "lib", 3) && length > 3 && strstr(name, ".so"))
		return !strncmp(file, name, length) && file[length] == '.';
	if (strncmp(file, "lib", 3) || strncmp(file + 3, name, length))
		return false;
	return !strncmp(file + 3 + length, ".so", 3) &&
	       (!file[length + 6] || file[length + 6] == '.');
}

/* The string at @offset, or NULL if it doesn't end within @size bytes. */
static const char *cache_string(const char *cache, size_t size, uint32_t offset)
{
	if (offset >= size || !memchr(cache + offset, '\0', size - offset))
		return NULL;
	return cache + offset;
}

/* Advances to the new header, which may follow an old cache at a multiple of 8 bytes. */
static bool skip_old_cache(const char **cache, size_t *size)
{
	uint32_t count;
	size_t skip;

	if (*size >= sizeof(NEW_MAGIC) - 1 && !memcmp(*cache, NEW_MAGIC, sizeof(NEW_MAGIC) - 1))
		return true;
	if (*size < OLD_HEADER_SIZE || memcmp(*cache, OLD_MAGIC, sizeof(OLD_MAGIC) - 1))
		return false;
	memcpy(&count, *cache + OLD_HEADER_SIZE - sizeof(count), sizeof(count));
	skip = (OLD_HEADER_SIZE + (size_t)count * OLD_ENTRY_SIZE + 7) & ~(size_t)7;
	if (skip >= *size)
		return false;
	*cache += skip;
	*size -= skip;
	return *size >= sizeof(NEW_MAGIC) - 1 && !memcmp(*cache, NEW_MAGIC, sizeof(NEW_MAGIC) - 1);
}

const char *ebcc_library_in_cache(const char *cache, size_t size, const char *name)
{
	struct cache_header header;
	struct cache_entry entry;
	const char *variant = NULL;

	if (!skip_old_cache(&cache, &size) || size < sizeof(header))
		return NULL;
	memcpy(&header, cache, sizeof(header));
	if (header.entry_count > (size - sizeof(header)) / sizeof(entry))
		return NULL;
	for (uint32_t i = 0; i < header.entry_count; i++) {
		const char *file, *path;

		memcpy(&entry, cache + sizeof(header) + i * sizeof(entry), sizeof(entry));
		if ((entry.flags & 0xffff) != ebcc_arch_own()->loader_cache_flags)
			continue;
		file = cache_string(cache, size, entry.name);
		path = cache_string(cache, size, entry.path);
		if (!file || !path || *path != '/' || !is_library(file, name))
			continue;
		if (!entry.hardware)
			return path;
		variant = variant ? variant : path;
	}
	return variant;
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* Searches a directory, as the loader does after its cache. @ret stays NULL if there is no match.
 */
static struct ebcc_error *find_in_directory(const char *directory, const char *name, char **ret)
{
	DIR *stream = opendir(directory);
	struct dirent *entry;

	if (!stream)
		return NULL;
	while (!*ret && (entry = readdir(stream))) {
		AUTO_FREE char *path = NULL;

		if (!is_library(entry->d_name, name))
			continue;
		if (asprintf(&path, "%s/%s", directory, entry->d_name) < 0) {
			path = NULL;
			closedir(stream);
			return ebcc_error_no_memory();
		}
		if (is_file(path))
			*ret = TAKE_PTR(path);
	}
	closedir(stream);
	return NULL;
}

static struct ebcc_error *find_in_system(const char *name, char **ret)
{
	static const char *const directories[] = {"/lib64", "/usr/lib64", "/lib", "/usr/lib",
						  "/usr/local/lib"};
	AUTO_BUF struct ebcc_buf cache = EBCC_BUF_INIT;
	struct ebcc_error *error = ebcc_buf_read_file(&cache, CACHE_PATH, CACHE_LIMIT);
	const char *path = NULL;

	if (!error)
		path = ebcc_library_in_cache(ebcc_buf_string(&cache), cache.size, name);
	ebcc_error_destroy(error);
	if (path) {
		*ret = strdup(path);
		return *ret ? NULL : ebcc_error_no_memory();
	}
	for (size_t i = 0; !*ret && i < sizeof(directories) / sizeof(directories[0]); i++)
		TRY(find_in_directory(directories[i], name, ret));
	return NULL;
}

/* Whether a process is in another mount namespace, so that its paths may mean other files. */
static bool has_own_mounts(int pid)
{
	char path[64], ours[64], theirs[64];
	ssize_t our_size, their_size;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	our_size = readlink("/proc/self/ns/mnt", ours, sizeof(ours));
	their_size = readlink(path, theirs, sizeof(theirs));
	return our_size > 0 && their_size > 0 &&
	       (our_size != their_size || memcmp(ours, theirs, our_size));
}

static struct ebcc_error *process_path(const char *path, int pid, char **ret)
{
	int length;

	if (!has_own_mounts(pid)) {
		*ret = strdup(path);
		return *ret ? NULL : ebcc_error_no_memory();
	}
	length = asprintf(ret, "/proc/%d/root%s", pid, path);
	return length < 0 ? ebcc_error_no_memory() : NULL;
}

/* Finds the first file of that name that a process has mapped. The mapping borrows from @text. */
static struct ebcc_error *find_mapping(const char *name, int pid, struct ebcc_buf *text,
				       struct ebcc_mapping *ret, bool *ret_found)
{
	struct ebcc_mapping mapping;
	char *at;

	*ret_found = false;
	TRY(ebcc_maps_read(pid, text));
	at = text->data;
	while (!*ret_found && ebcc_maps_next(&at, &mapping)) {
		if (!mapping.path || !is_library(strrchr(mapping.path, '/') + 1, name))
			continue;
		*ret = mapping;
		*ret_found = true;
	}
	return NULL;
}

static struct ebcc_error *find_in_process(const char *name, int pid, char **ret)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_mapping mapping;
	bool found;

	TRY(find_mapping(name, pid, &text, &mapping, &found));
	return found && !mapping.deleted ? process_path(mapping.path, pid, ret) : NULL;
}

static struct ebcc_error *library_not_found(const char *name, int pid)
{
	if (pid > 0)
		return ebcc_error_create(EBCC_ERROR_NOT_FOUND,
					 "process %d has no library %s loaded", pid, name);
	return ebcc_error_create(EBCC_ERROR_NOT_FOUND,
				 "there is no library %s in the loader's cache (" CACHE_PATH
				 ") or its directories; give its path",
				 name);
}

struct ebcc_error *ebcc_library_find(const char *name, const struct ebcc_binary_opts *caller_opts,
				     char **ret)
{
	struct ebcc_binary_opts opts = {.sz = sizeof(opts)};
	AUTO_FREE char *found = NULL;
	int pid;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_binary_opts"));
	pid = opts.pid;
	if (!*name)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "the library's name is empty");
	if (pid > 0)
		TRY(ebcc_pid_namespace_check());
	if (strchr(name, '/')) {
		TRY(pid > 0 ? process_path(name, pid, &found)
			    : process_path(name, getpid(), &found));
		if (!is_file(found))
			return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_NOT_FOUND,
									 "there is no file %s",
									 found),
						       found);
	} else if (pid > 0) {
		TRY(find_in_process(name, pid, &found));
	} else {
		TRY(find_in_system(name, &found));
	}
	if (!found)
		return ebcc_error_with_subject(library_not_found(name, pid), name);
	*ret = TAKE_PTR(found);
	return NULL;
}

struct ebcc_error *ebcc_find_program(const char *name, char **ret)
{
	const char *at = getenv("PATH");

	while (at && *at) {
		size_t length = strcspn(at, ":");
		AUTO_FREE char *path = NULL;

		if (asprintf(&path, "%.*s/%s", (int)length, at, name) < 0) {
			path = NULL;
			return ebcc_error_no_memory();
		}
		if (*path == '/' && is_file(path) && !access(path, X_OK)) {
			*ret = TAKE_PTR(path);
			return NULL;
		}
		at += length + (at[length] == ':');
	}
	return NULL;
}

/* Finds the path of this system's library of that name, or else of a program in PATH. */
static struct ebcc_error *find_by_name(const char *name, char **ret)
{
	TRY(find_in_system(name, ret));
	if (!*ret)
		TRY(ebcc_find_program(name, ret));
	if (*ret)
		return NULL;
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_NOT_FOUND,
				  "no library and no program in PATH is named %s; give its path",
				  name),
		name);
}

/* Paths in /proc are resolved by this process, since they lead out of any root directory. If one
 * leads into the root directory of a process, the rest is resolved inside it. */
static struct ebcc_error *open_path(const char *path, int pid, int *ret)
{
	int root_pid, rest = 0;

	if (strncmp(path, "/proc/", 6))
		return ebcc_process_open(pid, path, ret);
	if (sscanf(path, "/proc/%d/root%n", &root_pid, &rest) == 1 && rest && path[rest] == '/')
		return ebcc_process_open(root_pid, path + rest, ret);
	return ebcc_process_open(0, path, ret);
}

struct ebcc_error *ebcc_open_binary(const char *name, int pid, int *ret_fd, char **ret_path)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	AUTO_FREE char *path = NULL;
	struct ebcc_mapping mapping;
	bool found = false;

	if (!*name)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT, "the binary's name is empty");
	if (pid > 0 && !strchr(name, '/'))
		TRY(find_mapping(name, pid, &text, &mapping, &found));
	if (!found && !strchr(name, '/'))
		/* The process may not have loaded it yet. */
		TRY(find_by_name(name, &path));
	else
		path = strdup(found ? mapping.path : name);
	if (!path)
		return ebcc_error_no_memory();
	TRY(found ? ebcc_mapping_open(pid, &mapping, ret_fd) : open_path(path, pid, ret_fd));
	*ret_path = TAKE_PTR(path);
	return NULL;
}
