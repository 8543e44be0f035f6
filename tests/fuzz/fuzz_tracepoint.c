// SPDX-License-Identifier: Apache-2.0
/* Fuzz target of the format files of tracefs: what is printed of one has each field that was read,
 * and is the same each time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "types/tracepoint.h"

/* The kernel knows a struct of eight bytes. */
static uint32_t size_of(void *ctx, const char *name, bool is_union)
{
	return !strcmp(name, "known") && !is_union ? 8 : 0;
}

static void print(const struct ebcc_tracepoint_format *format, struct ebcc_buf *text)
{
	ebcc_tracepoint_print(format, "category", "event", size_of, NULL, text);
	if (text->failed || !strstr(ebcc_buf_string(text), "struct tracepoint__category__event {"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BUF struct ebcc_buf first = EBCC_BUF_INIT, second = EBCC_BUF_INIT;
	struct ebcc_tracepoint_format format;
	struct ebcc_error *error = ebcc_tracepoint_format_parse((const char *)data, size, &format);

	if (error) {
		ebcc_error_destroy(error);
		return 0;
	}
	if (!format.field_count)
		abort();
	for (size_t i = 0; i < format.field_count; i++)
		if (!*format.fields[i].name || strpbrk(format.fields[i].name, " \t\n;[]"))
			abort();
	print(&format, &first);
	print(&format, &second);
	if (strcmp(ebcc_buf_string(&first), ebcc_buf_string(&second)))
		abort();
	ebcc_tracepoint_format_deinit(&format);
	return 0;
}
