/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer. Its data is always followed by a NUL that is not counted, so that
 * text can be used in place. The buffer remembers failed allocations: append freely, then
 * call ebcc_buf_check() once.
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
	bool failed; /* an append ran out of memory; everything after it is missing */
};

#define EBCC_BUF_INIT ((struct ebcc_buf){0})

void ebcc_buf_init(struct ebcc_buf *buf);
void ebcc_buf_deinit(struct ebcc_buf *buf);

void ebcc_buf_append(struct ebcc_buf *buf, const void *data, size_t size);
void ebcc_buf_append_string(struct ebcc_buf *buf, const char *string);
void ebcc_buf_append_char(struct ebcc_buf *buf, char c);
void ebcc_buf_printf(struct ebcc_buf *buf, const char *format, ...) EBCC_PRINTF(2, 3);
void ebcc_buf_vprintf(struct ebcc_buf *buf, const char *format, va_list args);
/* Empties the buffer and keeps its memory. */
void ebcc_buf_clear(struct ebcc_buf *buf);
/* The text, or "" if nothing was appended. Borrowed until the next append. */
const char *ebcc_buf_string(const struct ebcc_buf *buf);
/* The out-of-memory error if an append failed, else NULL. */
MUST_CHECK struct ebcc_error *ebcc_buf_check(const struct ebcc_buf *buf);
/* Hands over the data (malloc'ed, NUL-terminated, never NULL on success) and empties the buffer. */
MUST_CHECK struct ebcc_error *ebcc_buf_take(struct ebcc_buf *buf, char **ret_data,
					    size_t *ret_size);

/*
 * Appends the whole of a regular file, or of a file in /proc, /sys or tracefs (for which stat()
 * doesn't report a size). Fails with EBCC_ERROR_FORMAT if the file has more than @limit bytes, or
 * if it is anything else, such as a pipe, which could block the caller forever.
 */
MUST_CHECK struct ebcc_error *ebcc_buf_read_file(struct ebcc_buf *buf, const char *path,
						 size_t limit);

/* Copies an optional string with malloc(). A NULL @string leaves @ret unchanged. */
MUST_CHECK struct ebcc_error *ebcc_copy_string(const char *string, char **ret);

#define AUTO_BUF CLEANUP(ebcc_buf_deinit)

/* Calls @fn for each complete line of the text, without its newline. @fn may modify the line. The
 * newlines are overwritten with NULs, so the buffer no longer holds one text afterwards. */
void ebcc_buf_each_line(struct ebcc_buf *buf, void (*fn)(void *ctx, char *line), void *ctx);

#endif /* EBCC_BASE_BUF_H */
