// SPDX-License-Identifier: Apache-2.0
/*
 * The trace pipe: what all programs on the machine print with bpf_trace_printk(), line by line.
 * A line that is read here is not seen by other readers.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/tracefs.h"

/* Longer lines are returned in pieces; the kernel's own are shorter than a page. */
#define BUFFER_SIZE (16u << 10)

struct ebcc_trace_pipe {
	int fd;
	size_t start, end; /* the part of data that was read and not yet returned */
	char data[BUFFER_SIZE + 1];
};

struct ebcc_error *ebcc_trace_pipe_open(bool nonblocking, struct ebcc_trace_pipe **ret)
{
	AUTO_FREE struct ebcc_trace_pipe *pipe = calloc(1, sizeof(*pipe));
	AUTO_FREE char *path = NULL;
	const char *tracefs;

	if (!pipe)
		return ebcc_error_no_memory();
	TRY(ebcc_tracefs_find(&tracefs));
	if (asprintf(&path, "%s/trace_pipe", tracefs) < 0) {
		path = NULL;
		return ebcc_error_no_memory();
	}
	pipe->fd = open(path, O_RDONLY | O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0));
	if (pipe->fd < 0)
		return ebcc_error_with_subject(
			ebcc_error_os(EBCC_ERROR_OS, errno, "can't open the trace pipe %s", path),
			path);
	*ret = TAKE_PTR(pipe);
	return NULL;
}

void ebcc_trace_pipe_close(struct ebcc_trace_pipe *pipe)
{
	if (!pipe)
		return;
	close(pipe->fd);
	free(pipe);
}

/* Takes the next line from the buffer; or everything, if the buffer is full or (@rest) no more will
 * come. Returns NULL if there is none. */
static const char *take_line(struct ebcc_trace_pipe *pipe, bool rest)
{
	char *line = pipe->data + pipe->start;
	size_t size = pipe->end - pipe->start;
	char *newline = memchr(line, '\n', size);

	if (newline) {
		*newline = '\0';
		pipe->start += newline - line + 1;
		return line;
	}
	if (size < BUFFER_SIZE && !(rest && size))
		return NULL;
	line[size] = '\0';
	pipe->start = pipe->end;
	return line;
}

struct ebcc_error *ebcc_trace_pipe_read(struct ebcc_trace_pipe *pipe, const char **ret)
{
	for (;;) {
		const char *line = take_line(pipe, false);
		ssize_t size;

		if (line) {
			*ret = line;
			return NULL;
		}
		memmove(pipe->data, pipe->data + pipe->start, pipe->end - pipe->start);
		pipe->end -= pipe->start;
		pipe->start = 0;
		size = read(pipe->fd, pipe->data + pipe->end, BUFFER_SIZE - pipe->end);
		if (size > 0) {
			pipe->end += size;
			continue;
		}
		if (size < 0 && errno == EINTR)
			return ebcc_error_create(EBCC_ERROR_INTERRUPTED,
						 "a signal interrupted the read of the trace pipe");
		if (size < 0 && errno != EAGAIN)
			return ebcc_error_os(EBCC_ERROR_OS, errno, "can't read the trace pipe");
		/* There is nothing to read, or (0) tracing was turned off. */
		*ret = take_line(pipe, !size);
		return NULL;
	}
}
