// SPDX-License-Identifier: Apache-2.0
/*
 * Reads /proc/PID/maps, and opens files inside the root directory of a process; a path must not
 * lead out of it. /proc/PID/map_files has exactly the file that is mapped, but requires more
 * privileges.
 */
#include "elf/proc_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/open_file.h"
#include "base/process.h"
#include "kernel/pid_namespace.h"

#define MAPS_LIMIT (256u << 20)

static struct ebcc_error *no_process(int pid)
{
	return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "there is no process %d", pid);
}

struct ebcc_error *ebcc_maps_read(int pid, struct ebcc_buf *text)
{
	struct ebcc_error *error;
	char path[64];

	TRY(ebcc_pid_namespace_check());
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	error = ebcc_buf_read_file(text, path, MAPS_LIMIT);
	if (error && (ebcc_error_errno(error) == ENOENT || ebcc_error_errno(error) == ESRCH)) {
		ebcc_error_destroy(error);
		return no_process(pid);
	}
	return error;
}

/* The kernel writes a newline within a path as "\012". */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		bool newline = !strncmp(from, "\\012", 4);

		*to++ = newline ? '\n' : *from;
		from += newline ? 4 : 1;
	}
	*to = '\0';
}

/* "START-END rwxp OFFSET MAJOR:MINOR INODE   PATH" */
static bool parse_line(char *line, struct ebcc_mapping *ret)
{
	static const char deleted[] = " (deleted)";
	struct ebcc_mapping mapping = {0};
	char permissions[5];
	size_t length;
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &mapping.start, &mapping.end, permissions, &mapping.offset, &mapping.major,
		   &mapping.minor, &mapping.inode, &path) < 7 ||
	    strlen(permissions) != 4 || !path || mapping.start >= mapping.end)
		return false;
	mapping.writable = permissions[1] == 'w';
	mapping.executable = permissions[2] == 'x';
	mapping.vdso = !strcmp(line + path, "[vdso]");
	if (line[path] == '/') {
		length = strlen(line + path);
		if (length > sizeof(deleted) &&
		    !strcmp(line + path + length - (sizeof(deleted) - 1), deleted)) {
			line[path + length - (sizeof(deleted) - 1)] = '\0';
			mapping.deleted = true;
		}
		unescape(line + path);
		mapping.path = line + path;
	}
	*ret = mapping;
	return true;
}

bool ebcc_maps_next(char **at, struct ebcc_mapping *ret)
{
	while (*at && **at) {
		char *line = *at, *end = strchr(line, '\n');

		if (end)
			*end = '\0';
		*at = end ? end + 1 : line + strlen(line);
		if (parse_line(line, ret))
			return true;
	}
	return false;
}

struct ebcc_error *ebcc_process_open(int pid, const char *path, int *ret)
{
	AUTO_CLOSE int root = -1;
	int fd;

	if (pid > 0 && *path == '/') {
		TRY(ebcc_pid_namespace_check());
		root = ebcc_open_process_root(pid);
		if (root < 0 && (errno == ENOENT || errno == ESRCH))
			return no_process(pid);
		if (root < 0)
			return ebcc_error_os(EBCC_ERROR_OS, errno, "can't open /proc/%d/root", pid);
		fd = ebcc_open_regular_in(root, path);
	} else {
		fd = ebcc_open_regular_at(AT_FDCWD, path);
	}
	if (fd < 0)
		return ebcc_error_with_subject(ebcc_open_failure(path, errno), path);
	*ret = fd;
	return NULL;
}

static bool is_mapped_file(int fd, const struct ebcc_mapping *mapping)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_ino == mapping->inode &&
	       major(st.st_dev) == mapping->major && minor(st.st_dev) == mapping->minor;
}

struct ebcc_error *ebcc_mapping_open(int pid, const struct ebcc_mapping *mapping, int *ret)
{
	AUTO_ERROR struct ebcc_error *error = NULL;
	AUTO_CLOSE int fd = -1, mapped = -1;
	char name[96];

	if (!mapping->deleted)
		error = ebcc_process_open(pid, mapping->path, &fd);
	if (fd < 0 || !is_mapped_file(fd, mapping)) {
		snprintf(name, sizeof(name), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid,
			 mapping->start, mapping->end);
		ebcc_error_destroy(error);
		error = NULL;
		mapped = ebcc_open_regular_at(AT_FDCWD, name);
		if (mapped < 0)
			error = ebcc_open_failure(mapping->path, errno);
	}
	/* Overlay file systems report other device numbers, so the file at the path is used if
	 * map_files can't be opened. */
	if (mapped < 0 && fd < 0)
		return ebcc_error_with_subject(TAKE_PTR(error), mapping->path);
	*ret = mapped >= 0 ? TAKE_FD(mapped) : TAKE_FD(fd);
	return NULL;
}
