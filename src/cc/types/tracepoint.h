/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracepoints as tracefs describes them: their `format` files, and the C structs made of those.
 */
#ifndef EBCC_TYPES_TRACEPOINT_H
#define EBCC_TYPES_TRACEPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

/* One field of an event's record, as its line in the format file has it. */
struct ebcc_tracepoint_field {
	char *type; /* "const char *", "unsigned long"; without what is below */
	char *name;
	bool data_loc; /* __data_loc: offset and length of data elsewhere in the record */
	bool rel_loc;  /* __rel_loc: the same, from the field's own end */
	bool array;
	uint32_t array_length; /* elements; 0: not told as a number */
	uint32_t offset, size; /* bytes */
	bool is_signed;
};

struct ebcc_tracepoint_format {
	struct ebcc_tracepoint_field *fields; /* common_* are among them */
	size_t field_count;
};

/*
 * Parses a format file's text. @ret is initialized by the call; release it with
 * ebcc_tracepoint_format_deinit() after success. EBCC_ERROR_FORMAT for a field line that does not
 * make sense, and where there is no field at all.
 */
MUST_CHECK struct ebcc_error *ebcc_tracepoint_format_parse(const char *text, size_t size,
							   struct ebcc_tracepoint_format *ret);
void ebcc_tracepoint_format_deinit(struct ebcc_tracepoint_format *format);
#define AUTO_TRACEPOINT_FORMAT CLEANUP(ebcc_tracepoint_format_deinit)

/*
 * Size in bytes of a struct or union that the text may use by value, or 0. @name is the tag.
 */
typedef uint32_t (*ebcc_tracepoint_size_fn)(void *ctx, const char *name, bool is_union);

/*
 * Appends `struct tracepoint__CATEGORY__EVENT { ... };`: the fields at their offsets, the common
 * ones behind a member that is not to be used (BPF programs may not read it), __data_loc fields as
 * `int data_loc_NAME`. It needs the basic typedefs (u8 to s64) and nothing else, but for structs
 * by value, which @size_of is asked for (NULL: none is known).
 */
void ebcc_tracepoint_print(const struct ebcc_tracepoint_format *format, const char *category,
			   const char *event, ebcc_tracepoint_size_fn size_of, void *ctx,
			   struct ebcc_buf *text);

/*
 * Finds where `CATEGORY__EVENT` parts, so that there is such an event in tracefs. The two are
 * malloc'ed. EBCC_ERROR_NOT_FOUND where no parting gives one.
 */
MUST_CHECK struct ebcc_error *ebcc_tracepoint_split(const char *tracefs, const char *joined,
						    char **ret_category, char **ret_event);

/*
 * All events, as "CATEGORY:EVENT", sorted. A NULL-terminated list in one allocation: free() it.
 * @tracefs NULL: found by itself.
 */
MUST_CHECK struct ebcc_error *ebcc_tracepoint_list(const char *tracefs, char ***ret,
						   size_t *ret_count);

#endif /* EBCC_TYPES_TRACEPOINT_H */
