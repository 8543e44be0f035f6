// SPDX-License-Identifier: Apache-2.0
/* The growable byte buffer that holds every text the library builds or reads. */
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/open_file.h"

void ebcc_buf_init(struct ebcc_buf *buf)
{
	*buf = EBCC_BUF_INIT;
}

void ebcc_buf_deinit(struct ebcc_buf *buf)
{
	free(buf->data);
	*buf = EBCC_BUF_INIT;
}

/* Makes room for @more bytes and the NUL. */
static bool reserve(struct ebcc_buf *buf, size_t more)
{
	size_t capacity = buf->capacity ? buf->capacity : 256;
	char *data;

	if (buf->failed)
		return false;
	if (more >= SIZE_MAX / 2 - buf->size) {
		buf->failed = true;
		return false;
	}
	if (buf->size + more + 1 <= buf->capacity)
		return true;
	while (capacity < buf->size + more + 1)
		capacity *= 2;
	data = realloc(buf->data, capacity);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->capacity = capacity;
	return true;
}

void ebcc_buf_append(struct ebcc_buf *buf, const void *data, size_t size)
{
	if (!reserve(buf, size))
		return;
	if (size)
		memcpy(buf->data + buf->size, data, size);
	buf->size += size;
	buf->data[buf->size] = '\0';
}

void ebcc_buf_append_string(struct ebcc_buf *buf, const char *string)
{
	ebcc_buf_append(buf, string, strlen(string));
}

void ebcc_buf_append_char(struct ebcc_buf *buf, char c)
{
	ebcc_buf_append(buf, &c, 1);
}

void ebcc_buf_vprintf(struct ebcc_buf *buf, const char *format, va_list args)
{
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	if (length < 0)
		buf->failed = true;
	else if (reserve(buf, length)) {
		vsnprintf(buf->data + buf->size, length + 1, format, again);
		buf->size += length;
	}
	va_end(again);
}

void ebcc_buf_printf(struct ebcc_buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ebcc_buf_vprintf(buf, format, args);
	va_end(args);
}

void ebcc_buf_clear(struct ebcc_buf *buf)
{
	buf->size = 0;
	buf->failed = false;
	if (buf->data)
		buf->data[0] = '\0';
}

const char *ebcc_buf_string(const struct ebcc_buf *buf)
{
	return buf->data ? buf->data : "";
}

struct ebcc_error *ebcc_buf_check(const struct ebcc_buf *buf)
{
	return buf->failed ? ebcc_error_no_memory() : NULL;
}

struct ebcc_error *ebcc_buf_take(struct ebcc_buf *buf, char **ret_data, size_t *ret_size)
{
	/* Gives an empty buffer its NUL. */
	ebcc_buf_append(buf, NULL, 0);
	TRY(ebcc_buf_check(buf));
	*ret_data = buf->data;
	if (ret_size)
		*ret_size = buf->size;
	*buf = EBCC_BUF_INIT;
	return NULL;
}

struct ebcc_error *ebcc_buf_read_file(struct ebcc_buf *buf, const char *path, size_t limit)
{
	AUTO_CLOSE int fd = ebcc_open_regular_at(AT_FDCWD, path);
	size_t start = buf->size;

	if (fd < 0 && errno == EINVAL)
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_FORMAT, "%s is not a regular file", path),
			path);
	if (fd < 0)
		return ebcc_error_with_subject(
			ebcc_error_os(EBCC_ERROR_OS, errno, "cannot open %s", path), path);
	for (;;) {
		ssize_t n;

		if (!reserve(buf, 65536))
			return ebcc_error_no_memory();
		n = read(fd, buf->data + buf->size, buf->capacity - buf->size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ebcc_error_with_subject(
				ebcc_error_os(EBCC_ERROR_OS, errno, "cannot read %s", path), path);
		buf->size += n;
		buf->data[buf->size] = '\0';
		if (!n)
			return NULL;
		if (buf->size - start > limit)
			return ebcc_error_with_subject(
				ebcc_error_create(
					EBCC_ERROR_FORMAT,
					"%s is larger than %zu bytes, the most that is read", path,
					limit),
				path);
	}
}

struct ebcc_error *ebcc_copy_string(const char *string, char **ret)
{
	if (!string)
		return NULL;
	*ret = strdup(string);
	return *ret ? NULL : ebcc_error_no_memory();
}

void ebcc_buf_each_line(struct ebcc_buf *buf, void (*fn)(void *ctx, char *line), void *ctx)
{
	char *line, *end;

	for (line = buf->data; line && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		fn(ctx, line);
	}
}
