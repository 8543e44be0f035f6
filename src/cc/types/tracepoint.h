/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracepoints in tracefs: parsing their `format` files, and generating C structs from them.
 */
#ifndef EBCC_TYPES_TRACEPOINT_H
#define EBCC_TYPES_TRACEPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

/* One field of an event's record: a line in the format file. */
struct ebcc_tracepoint_field {
	char *type; /* "const char *", "unsigned long"; without __data_loc and [N] */
	char *name;
	bool data_loc; /* __data_loc: offset and length of data elsewhere in the record */
	bool rel_loc;  /* __rel_loc: the same, relative to the end of the field */
	bool array;
	uint32_t array_length; /* number of elements; 0: not given as a number */
	uint32_t offset, size; /* in bytes */
	bool is_signed;
};

struct ebcc_tracepoint_format {
	struct ebcc_tracepoint_field *fields; /* including common_* */
	size_t field_count;
};

/*
 * Parses the text of a format file. @ret is initialized by the call; release it with
 * ebcc_tracepoint_format_deinit() after success. EBCC_ERROR_FORMAT if the line of a field is
 * malformed, or if there are no fields.
 */
MUST_CHECK struct ebcc_error *ebcc_tracepoint_format_parse(const char *text, size_t size,
							   struct ebcc_tracepoint_format *ret);
void ebcc_tracepoint_format_deinit(struct ebcc_tracepoint_format *format);
#define AUTO_TRACEPOINT_FORMAT CLEANUP(ebcc_tracepoint_format_deinit)

/* Reads and parses the format file of an event; as ebcc_tracepoint_format_parse(). @text gets the
 * file's text. @tracefs NULL: where it is mounted. EBCC_ERROR_NOT_FOUND if there is no such
 * event. */
MUST_CHECK struct ebcc_error *ebcc_tracepoint_format_read(const char *tracefs, const char *category,
							  const char *event, struct ebcc_buf *text,
							  struct ebcc_tracepoint_format *ret);

/* Whether the struct that ebcc_tracepoint_print() makes has @field under the name @member. */
bool ebcc_tracepoint_field_is(const struct ebcc_tracepoint_field *field, const char *member);

/*
 * Returns the size in bytes of a struct or union with the tag @name, or 0 if the text can't use it
 * by value.
 */
typedef uint32_t (*ebcc_tracepoint_size_fn)(void *ctx, const char *name, bool is_union);

/*
 * Appends `struct tracepoint__CATEGORY__EVENT { ... };` with the fields at their offsets. The
 * common fields are covered by one member, since BPF programs can't read them. __data_loc fields
 * become `int data_loc_NAME`. The struct needs only the basic typedefs (u8 to s64), and the structs
 * by value that @size_of knows (NULL: none).
 */
void ebcc_tracepoint_print(const struct ebcc_tracepoint_format *format, const char *category,
			   const char *event, ebcc_tracepoint_size_fn size_of, void *ctx,
			   struct ebcc_buf *text);

/*
 * Splits `CATEGORY__EVENT`, which may contain more double underscores, so that tracefs has the
 * event. Both results are malloc'ed. EBCC_ERROR_NOT_FOUND if there is no such event.
 */
MUST_CHECK struct ebcc_error *ebcc_tracepoint_split(const char *tracefs, const char *joined,
						    char **ret_category, char **ret_event);

/*
 * Lists all events, as "CATEGORY:EVENT", sorted. The list is NULL-terminated and one allocation;
 * release it with free(). @tracefs NULL: where it is mounted.
 */
MUST_CHECK struct ebcc_error *ebcc_tracepoint_list(const char *tracefs, char ***ret,
						   size_t *ret_count);

#endif /* EBCC_TYPES_TRACEPOINT_H */
