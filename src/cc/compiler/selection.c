// SPDX-License-Identifier: Apache-2.0
/*
 * For helpers: collects every identifier in the texts that begins like a helper's name, and drops
 * the declarations of all other helpers. For methods: bpf/ebcc/maps.h defines them in groups, as
 *
 *	#define __EBCC_MEMBERS_update(name) int (*const update)(...); int (*const delete)(...);
 *
 * with __EBCC_FUNCTIONS_update(name) and __EBCC_VALUES_update(name) beside it. If the request has
 * neither of the words, all three are defined again, as nothing.
 */
#include <ctype.h>
#include <string.h>

#include "compiler/selection.h"
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

static struct ebcc_error *select_helpers(const struct ebcc_cc_request *request,
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

/* Before the name of a group of methods, and before that of each method in it. */
#define GROUP "#define __EBCC_MEMBERS_"
#define METHOD "(*const "
/* In all names of functions for arguments of USDT probes. */
#define USDT "usdt"

/* Whether a text has that word, or, if @anywhere, a word that contains it. */
static bool has_word(const char *text, size_t size, const char *word, size_t length, bool anywhere)
{
	const char *end = text + size;

	for (const char *at = text; (at = memmem(at, end - at, word, length)); at += length)
		if (anywhere || ((at == text || !is_identifier(at[-1])) &&
				 (at + length == end || !is_identifier(at[length]))))
			return true;
	return false;
}

/* Whether the request's own texts have it. The kernel's types use neither methods nor macros. */
static bool names_word(const struct ebcc_cc_request *request, const char *word, size_t length,
		       bool anywhere)
{
	if (has_word(request->source, request->source_size, word, length, anywhere))
		return true;
	for (size_t i = 0; i < request->file_count; i++)
		if (strcmp(request->files[i].path, EBCC_CC_KERNEL_TYPES) &&
		    has_word(request->files[i].text, request->files[i].size, word, length,
			     anywhere))
			return true;
	for (size_t i = 0; i < request->cflag_count; i++)
		if (has_word(request->cflags[i], strlen(request->cflags[i]), word, length,
			     anywhere))
			return true;
	return false;
}

/* Where a macro's definition ends: at the first newline without a backslash before it. */
static const char *end_of_macro(const char *text, const char *end)
{
	const char *newline = text;

	while ((newline = memchr(newline, '\n', end - newline)) && newline[-1] == '\\')
		newline++;
	return newline ? newline : end;
}

/* Whether the request names a method of the group whose members are defined at @members. Macros
 * that put groups together have no methods of their own and are needed. */
static bool needs_group(const struct ebcc_cc_request *request, const char *members, const char *end)
{
	bool any = false;

	while ((members = memmem(members, end - members, METHOD, strlen(METHOD)))) {
		size_t length;

		members += strlen(METHOD);
		length = identifier_length(members, end);
		if (names_word(request, members, length, false))
			return true;
		any = true;
	}
	return !any;
}

/* Appends what takes back the groups in @maps that the request doesn't need. */
static struct ebcc_error *drop_methods(const struct ebcc_cc_request *request,
				       const struct ebcc_cc_file *maps, struct ebcc_buf *ret)
{
	static const char *const macros[] = {"FUNCTIONS", "MEMBERS", "VALUES"};
	const char *end = maps->text + maps->size;

	for (const char *at = maps->text; (at = memmem(at, end - at, GROUP, strlen(GROUP)));) {
		const char *name = at + strlen(GROUP);
		int length = (int)identifier_length(name, end);

		at = end_of_macro(name, end);
		if (needs_group(request, name, at))
			continue;
		for (size_t i = 0; i < sizeof(macros) / sizeof(*macros); i++)
			ebcc_buf_printf(ret,
					"#undef __EBCC_%s_%.*s\n"
					"#define __EBCC_%s_%.*s(...)\n",
					macros[i], length, name, macros[i], length, name);
	}
	return ebcc_buf_check(ret);
}

static struct ebcc_cc_file *find_builtin(struct ebcc_cc_file *builtin, size_t count,
					 const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(builtin[i].path, path))
			return &builtin[i];
	return NULL;
}

static void replace(struct ebcc_cc_file *file, struct ebcc_buf *text)
{
	file->text = ebcc_buf_string(text);
	file->size = text->size;
}

struct ebcc_error *ebcc_cc_select(const struct ebcc_cc_request *request,
				  struct ebcc_cc_file *builtin, size_t builtin_count,
				  struct ebcc_cc_selection *ret)
{
	struct ebcc_cc_file *table = find_builtin(builtin, builtin_count, EBCC_CC_HELPER_DEFS);
	struct ebcc_cc_file *maps = find_builtin(builtin, builtin_count, EBCC_CC_MAPS);
	struct ebcc_cc_file *methods = find_builtin(builtin, builtin_count, EBCC_CC_METHODS);
	struct ebcc_cc_file *usdt = find_builtin(builtin, builtin_count, EBCC_CC_USDT);

	if (!table || !maps || !methods || !usdt)
		return ebcc_error_create(EBCC_ERROR_COMPILE, "the dialect lacks headers");
	TRY(select_helpers(request, builtin, builtin_count, table, &ret->helpers));
	TRY(drop_methods(request, maps, &ret->methods));
	replace(table, &ret->helpers);
	replace(methods, &ret->methods);
	if (!names_word(request, USDT, strlen(USDT), true))
		replace(usdt, &(struct ebcc_buf){0});
	return NULL;
}

void ebcc_cc_selection_deinit(struct ebcc_cc_selection *selection)
{
	ebcc_buf_deinit(&selection->helpers);
	ebcc_buf_deinit(&selection->methods);
}

bool ebcc_cc_selection_lacks(const struct ebcc_cc_answer *answer)
{
	for (size_t i = 0; i < answer->diagnostic_count; i++)
		if (strstr(answer->diagnostics[i].message, "'" PREFIX) ||
		    strstr(answer->diagnostics[i].message, "'struct __ebcc_methods_"))
			return true;
	return false;
}
