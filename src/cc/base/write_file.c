// SPDX-License-Identifier: Apache-2.0
#include "base/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

bool ebcc_write_exactly(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		size -= n;
	}
	return true;
}

static struct ebcc_error *failure(const char *path)
{
	return ebcc_error_with_subject(ebcc_error_os(EBCC_ERROR_OS, errno, "can't write %s", path),
				       path);
}

static struct ebcc_error *write_in_place(const char *path, const void *data, size_t size)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	return fd >= 0 && ebcc_write_exactly(fd, data, size) ? NULL : failure(path);
}

/* Sets the mode that open() would have given the file. */
static bool set_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return !fchmod(fd, 0666 & ~mask);
}

struct ebcc_error *ebcc_write_file(const char *path, const void *data, size_t size)
{
	AUTO_BUF struct ebcc_buf temporary = EBCC_BUF_INIT;
	AUTO_CLOSE int fd = -1;
	struct ebcc_error *error;
	struct stat found;

	if (!stat(path, &found) && !S_ISREG(found.st_mode))
		return write_in_place(path, data, size);
	ebcc_buf_printf(&temporary, "%s.XXXXXX", path);
	TRY(ebcc_buf_check(&temporary));
	fd = mkostemp(temporary.data, O_CLOEXEC);
	if (fd < 0)
		return failure(path);
	if (set_mode(fd) && ebcc_write_exactly(fd, data, size) && !rename(temporary.data, path))
		return NULL;
	error = failure(path);
	unlink(temporary.data);
	return error;
}
