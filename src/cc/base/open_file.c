// SPDX-License-Identifier: Apache-2.0
/*
 * Opening files that others control. The file is first opened with O_PATH, which has no side
 * effects, and examined. If it is a regular file, it is then opened for reading through that
 * handle, so that nobody can replace it with a pipe or a device in between.
 */
#include "base/open_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* With these, opening a file that isn't regular doesn't block, and doesn't make it the controlling
 * terminal. */
#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* Opens the file that a handle refers to. EINVAL: it is not a regular file. */
static int reopen_regular(int handle)
{
	char path[32];
	struct stat st;

	if (fstat(handle, &st))
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", handle);
	return open(path, READ_FLAGS);
}

/* The same if /proc is not mounted: opens the path again, which must lead to the same file. */
static int reopen_by_path(int handle, int directory, const char *path)
{
	struct stat expected, opened;
	int fd = openat(directory, path, READ_FLAGS);

	if (fd < 0)
		return -1;
	if (!fstat(handle, &expected) && !fstat(fd, &opened) && expected.st_dev == opened.st_dev &&
	    expected.st_ino == opened.st_ino)
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int ebcc_open_regular_at(int directory, const char *path)
{
	AUTO_CLOSE int handle = openat(directory, path, O_PATH | O_CLOEXEC);
	int fd = handle < 0 ? -1 : reopen_regular(handle);

	if (fd < 0 && handle >= 0 && errno == ENOENT)
		return reopen_by_path(handle, directory, path);
	return fd;
}

int ebcc_open_regular_in(int root, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	AUTO_CLOSE int handle = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return handle < 0 ? -1 : reopen_regular(handle);
}

int ebcc_open_process_root(int pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

struct ebcc_error *ebcc_open_failure(const char *path, int errnum)
{
	if (errnum == ENOENT || errnum == ENOTDIR)
		return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "there is no file %s", path);
	if (errnum == EINVAL)
		return ebcc_error_create(EBCC_ERROR_FORMAT,
					 "%s is not a regular file, so it has no symbols", path);
	return ebcc_error_os(EBCC_ERROR_OS, errnum, "can't open %s", path);
}

bool ebcc_read_small_file(const char *path, char *text, size_t size)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count = fd < 0 ? -1 : read(fd, text, size - 1);

	if (count < 0)
		return false;
	if (count && text[count - 1] == '\n')
		count--;
	text[count] = '\0';
	return true;
}
