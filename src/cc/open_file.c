// SPDX-License-Identifier: Apache-2.0
/*
 * Opening files of strangers: a handle that can do nothing (O_PATH) is made first and looked at,
 * and what turns out to be a regular file is opened through that handle, so that nobody can put a
 * pipe or a device in its place in between.
 */
#include "open_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"

/* Opens the file behind a handle if it is a regular one. EINVAL: it isn't. */
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
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

int ebcc_open_regular_at(int directory, const char *path)
{
	AUTO_CLOSE int handle = openat(directory, path, O_PATH | O_CLOEXEC);

	return handle < 0 ? -1 : reopen_regular(handle);
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
