// SPDX-License-Identifier: Apache-2.0
#include "base/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <sys/random.h>
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

/* Creates a file beside @path, whose name is left in @name. Returns a descriptor, or -1. */
static int create_beside(const char *path, struct ebcc_buf *name)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -1;
	ebcc_buf_printf(name, "%s.%016" PRIx64, path, number);
	return open(ebcc_buf_string(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0666);
}

struct ebcc_error *ebcc_write_file(const char *path, const void *data, size_t size)
{
	AUTO_BUF struct ebcc_buf temporary = EBCC_BUF_INIT;
	struct ebcc_error *error;
	struct stat found;
	bool written;
	int fd;

	if (!stat(path, &found) && !S_ISREG(found.st_mode))
		return write_in_place(path, data, size);
	fd = create_beside(path, &temporary);
	if (fd < 0)
		return failure(path);
	written = ebcc_write_exactly(fd, data, size);
	/* Some file systems report only now that there is no room. */
	if (!close(fd) && written && !rename(ebcc_buf_string(&temporary), path))
		return NULL;
	error = failure(path);
	unlink(ebcc_buf_string(&temporary));
	return error;
}
