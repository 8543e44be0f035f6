/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer, always followed by a NUL that is not counted, so that text
 * can be used in place. Growth failures are remembered: append freely, then ask
 * ebcc_buf_check() once.
 */
#ifndef EBCC_BASE_BUF_H
#define EBCC_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

struct ebcc_buf {
	char *data; /* NULL until something is appended */
	size_t size;
	size_t capacity;
	bool failed; /* an append had no memory; what came after it is missing */
};

#define EBCC_BUF_INIT ((struct ebcc_buf){0})

void ebcc_buf_init(struct ebcc_buf *buf);
void ebcc_buf_deinit(struct ebcc_buf *buf);

void ebcc_buf_append(struct ebcc_buf *buf, const void *data, size_t size);
void ebcc_buf_append_string(struct ebcc_buf *buf, const char *string);
void ebcc_buf_append_char(struct ebcc_buf *buf, char c);
void ebcc_buf_printf(struct ebcc_buf *buf, const char *format, ...) EBCC_PRINTF(2, 3);
void ebcc_buf_vprintf(struct ebcc_buf *buf, const char *format, va_list args);
/* Makes the buffer empty and keeps its memory. */
void ebcc_buf_clear(struct ebcc_buf *buf);
/* The text, "" when nothing was appended. Borrowed, until the next append. */
const char *ebcc_buf_string(const struct ebcc_buf *buf);
/* The out-of-memory error if an append failed, else NULL. */
MUST_CHECK struct ebcc_error *ebcc_buf_check(const struct ebcc_buf *buf);
/* Hands over the data (malloc'ed, NUL-terminated, never NULL on success) and empties the buffer. */
MUST_CHECK struct ebcc_error *ebcc_buf_take(struct ebcc_buf *buf, char **ret_data,
					    size_t *ret_size);

/*
 * Appends the whole of a file, regular or of /proc, /sys and tracefs (whose sizes stat
 * does not tell). Fails with EBCC_ERROR_FORMAT when there are more than @limit bytes, and for
 * anything else, such as a pipe, which could keep the caller waiting for ever.
 */
MUST_CHECK struct ebcc_error *ebcc_buf_read_file(struct ebcc_buf *buf, const char *path,
						 size_t limit);

/* A copy of an optional string, malloc'ed; @ret is left alone where there is none. */
MUST_CHECK struct ebcc_error *ebcc_copy_string(const char *string, char **ret);

#define AUTO_BUF CLEANUP(ebcc_buf_deinit)

/* Calls @fn for each whole line of the text, without its newline. @fn may change the line;
 * afterwards the text is no text any more. */
void ebcc_buf_each_line(struct ebcc_buf *buf, void (*fn)(void *ctx, char *line), void *ctx);

#endif /* EBCC_BASE_BUF_H */
