// SPDX-License-Identifier: Apache-2.0
/*
 * Reduces the table of BPF helpers to the names that a compile can use: collects every identifier
 * in the texts that begins like a helper's name, and drops the declarations of all other helpers.
 */
#include <ctype.h>
#include <string.h>

#include "compiler/helpers.h"
#include "base/hash.h"

#define PREFIX "bpf_"
/* embed_headers.c writes one declaration per line, with this before the helper's name. */
#define DECLARATOR "(*const "

static bool is_identifier(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static size_t identifier_length(const char *text, const char *end)
{
	const char *position = text;

	while (position < end && is_identifier(*position))
		position++;
	return position - text;
}

static bool collect(struct ebcc_hash *names, const char *text, size_t size)
{
	const char *end = text + size;

	while ((text = memmem(text, end - text, PREFIX, strlen(PREFIX)))) {
		size_t length = identifier_length(text, end);

		if (!ebcc_hash_insert(names, text, length))
			return false;
		text += length;
	}
	return true;
}

static bool collect_all(struct ebcc_hash *names, const struct ebcc_cc_request *request,
			const struct ebcc_cc_file *builtin, size_t builtin_count,
			const struct ebcc_cc_file *table)
{
	bool ok = collect(names, request->source, request->source_size);

	for (size_t i = 0; i < request->file_count; i++)
		ok = ok && collect(names, request->files[i].text, request->files[i].size);
	for (size_t i = 0; i < request->cflag_count; i++)
		ok = ok && collect(names, request->cflags[i], strlen(request->cflags[i]));
	for (size_t i = 0; i < builtin_count; i++)
		if (&builtin[i] != table)
			ok = ok && collect(names, builtin[i].text, builtin[i].size);
	return ok;
}

struct ebcc_error *ebcc_cc_select_helpers(const struct ebcc_cc_request *request,
					  const struct ebcc_cc_file *builtin, size_t builtin_count,
					  const struct ebcc_cc_file *table, struct ebcc_buf *ret)
{
	AUTO_HASH struct ebcc_hash names = {0};
	const char *end = table->text + table->size;

	if (!collect_all(&names, request, builtin, builtin_count, table))
		return ebcc_error_no_memory();
	for (const char *line = table->text, *next; line < end; line = next) {
		const char *newline = memchr(line, '\n', end - line);
		const char *name;

		next = newline ? newline + 1 : end;
		name = memmem(line, next - line, DECLARATOR, strlen(DECLARATOR));
		if (name)
			name += strlen(DECLARATOR);
		if (!name || ebcc_hash_find(&names, name, identifier_length(name, next)))
			ebcc_buf_append(ret, line, next - line);
	}
	return ebcc_buf_check(ret);
}

bool ebcc_cc_misses_helper(const struct ebcc_cc_answer *answer)
{
	for (size_t i = 0; i < answer->diagnostic_count; i++)
		if (strstr(answer->diagnostics[i].message, "'" PREFIX))
			return true;
	return false;
}
