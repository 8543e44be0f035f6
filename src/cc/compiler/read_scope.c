// SPDX-License-Identifier: Apache-2.0
/*
 * Makes the list of what a compile may read, and opens files according to it. A file is checked by
 * its real path once it is open, so neither ".." nor links lead outside, even if they are changed
 * at the same time.
 */
#include "compiler/read_scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/open_file.h"

/* How many entries of a directory are searched for links: it may hold much besides sources. */
#define ENTRY_LIMIT 4096

void ebcc_read_scope_deinit(struct ebcc_read_scope *scope)
{
	for (size_t i = 0; i < scope->count; i++)
		free(scope->paths[i]);
	free(scope->paths);
	*scope = EBCC_READ_SCOPE_INIT;
}

bool ebcc_read_scope_has(const char *const *paths, size_t count, const char *real)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(paths[i]);

		if (!strncmp(real, paths[i], length) && (!real[length] || real[length] == '/'))
			return true;
	}
	return false;
}

/* Adds a path without links in it, unless the scope covers it already. Takes ownership of @real. */
static struct ebcc_error *add_real(struct ebcc_read_scope *scope, char *real)
{
	char **paths;

	if (!real[1] ||
	    ebcc_read_scope_has((const char *const *)scope->paths, scope->count, real)) {
		free(real);
		return NULL;
	}
	paths = reallocarray(scope->paths, scope->count + 1, sizeof(*paths));
	if (!paths) {
		free(real);
		return ebcc_error_no_memory();
	}
	scope->paths = paths;
	scope->paths[scope->count++] = real;
	return NULL;
}

/* Whether every user may read the file. */
static bool is_public(const char *real)
{
	AUTO_FREE char *path = strdup(real);
	struct stat status;
	char *slash;

	if (!path || stat(path, &status) || !(status.st_mode & S_IROTH))
		return false;
	while ((slash = strrchr(path, '/')) && slash != path) {
		*slash = '\0';
		if (stat(path, &status) || !(status.st_mode & S_IXOTH))
			return false;
	}
	return true;
}

/* Follows a link only if that reveals nothing to its owner: to files and directories of the
 * owner's, and to public files. A public directory may hold files that are not public. */
static struct ebcc_error *add_linked(struct ebcc_read_scope *scope, int directory,
				     const char *directory_path, const char *name)
{
	AUTO_FREE char *path = NULL, *real = NULL;
	struct stat link, target;

	if (asprintf(&path, "%s/%s", directory_path, name) < 0) {
		path = NULL;
		return ebcc_error_no_memory();
	}
	real = realpath(path, NULL);
	if (!real || fstatat(directory, name, &link, AT_SYMLINK_NOFOLLOW) || stat(real, &target))
		return NULL;
	if (!S_ISREG(target.st_mode) && !S_ISDIR(target.st_mode))
		return NULL;
	if (link.st_uid != target.st_uid && (S_ISDIR(target.st_mode) || !is_public(real)))
		return NULL;
	return add_real(scope, TAKE_PTR(real));
}

#define AUTO_DIR CLEANUP(cleanup_directory)
static void cleanup_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static struct ebcc_error *add_links(struct ebcc_read_scope *scope, const char *path)
{
	AUTO_DIR DIR *directory = opendir(path);
	struct dirent *entry;

	for (int i = 0; directory && i < ENTRY_LIMIT && (entry = readdir(directory)); i++)
		if (entry->d_type == DT_LNK)
			TRY(add_linked(scope, dirfd(directory), path, entry->d_name));
	return NULL;
}

struct ebcc_error *ebcc_read_scope_add(struct ebcc_read_scope *scope, const char *path)
{
	AUTO_FREE char *real = realpath(path, NULL);
	struct stat status;

	if (!real || !real[1] || stat(real, &status))
		return NULL;
	if (S_ISDIR(status.st_mode))
		TRY(add_links(scope, real));
	return add_real(scope, TAKE_PTR(real));
}

/* The directory of a file that a flag names. */
static struct ebcc_error *add_directory_of(struct ebcc_read_scope *scope, const char *file)
{
	const char *slash = strrchr(file, '/');
	AUTO_FREE char *directory = strndup(file, slash ? slash - file : 0);

	if (!directory)
		return ebcc_error_no_memory();
	if (!slash)
		return ebcc_read_scope_add(scope, ".");
	return *directory ? ebcc_read_scope_add(scope, directory) : NULL;
}

struct ebcc_error *ebcc_read_scope_add_flags(struct ebcc_read_scope *scope,
					     const char *const *flags, size_t count)
{
	static const struct {
		const char *name;
		bool file;
	} kinds[] = {
		{"-I", false},	       {"-isystem", false}, {"-iquote", false},
		{"-idirafter", false}, {"-include", true},  {"-imacros", true},
	};

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < sizeof(kinds) / sizeof(kinds[0]); j++) {
			size_t length = strlen(kinds[j].name);
			const char *value = flags[i] + length;

			if (strncmp(flags[i], kinds[j].name, length))
				continue;
			if (!*value && i + 1 < count)
				value = flags[++i];
			if (*value)
				TRY(kinds[j].file ? add_directory_of(scope, value)
						  : ebcc_read_scope_add(scope, value));
			break;
		}
	}
	return NULL;
}

/* The path of an open file. Returns false without /proc. */
static bool path_of(int fd, char *ret, size_t size)
{
	char link[32];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, ret, size - 1);
	if (length <= 0)
		return false;
	ret[length] = '\0';
	return true;
}

int ebcc_read_scope_open(const char *const *paths, size_t count, const char *path)
{
	AUTO_FREE char *real = realpath(path, NULL);
	AUTO_CLOSE int fd = -1;
	char found[PATH_MAX];

	/* Files outside are not even opened. */
	if (real && !ebcc_read_scope_has(paths, count, real)) {
		errno = EXDEV;
		return -1;
	}
	fd = real ? ebcc_open_regular_at(AT_FDCWD, real) : -1;
	if (fd >= 0 && path_of(fd, found, sizeof(found)) &&
	    !ebcc_read_scope_has(paths, count, found)) {
		errno = EXDEV;
		return -1;
	}
	return TAKE_FD(fd);
}
