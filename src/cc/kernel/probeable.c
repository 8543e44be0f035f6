// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's lists of functions that ftrace can trace and that kprobes refuse.
 */
#include "kernel/probeable.h"

#include <string.h>

#include "base/buf.h"
#include "kernel/tracefs.h"

#define LIST_FILE_LIMIT (64u << 20)

/* A list that can't be read counts as empty; only lack of memory is an error. */
static struct ebcc_error *ignore_unreadable(struct ebcc_error *error)
{
	if (error && ebcc_error_code(error) == EBCC_ERROR_NO_MEMORY)
		return error;
	ebcc_error_destroy(error);
	return NULL;
}

struct name_set {
	struct ebcc_hash *names;
	bool failed;
};

static void insert(struct name_set *set, const char *name)
{
	if (*name && !ebcc_hash_insert_string(set->names, name))
		set->failed = true;
}

/* "FUNCTION", or "FUNCTION [MODULE]". */
static void add_traceable(void *ctx, char *line)
{
	line[strcspn(line, " \t")] = '\0';
	insert(ctx, line);
}

struct ebcc_error *ebcc_read_traceable_functions(struct ebcc_hash *names, bool *ret_known)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct name_set set = {.names = names};
	struct ebcc_error *error =
		ebcc_tracefs_read(NULL, "available_filter_functions", LIST_FILE_LIMIT, &text);

	*ret_known = false;
	if (error)
		return ignore_unreadable(error);
	ebcc_buf_each_line(&text, add_traceable, &set);
	if (set.failed)
		return ebcc_error_no_memory();
	/* On a kernel without ftrace the file may exist but be empty. */
	*ret_known = names->count > 0;
	return NULL;
}

/* "0xSTART-0xEND\tFUNCTION", possibly followed by " [MODULE]". */
static void add_blacklisted(void *ctx, char *line)
{
	char *name = strchr(line, '\t');

	if (!name)
		return;
	name[1 + strcspn(name + 1, "+ \t")] = '\0';
	insert(ctx, name + 1);
}

struct ebcc_error *ebcc_read_kprobe_blacklist(struct ebcc_hash *names)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct name_set set = {.names = names};
	struct ebcc_error *error =
		ebcc_buf_read_file(&text, EBCC_KPROBE_BLACKLIST, LIST_FILE_LIMIT);

	if (error)
		return ignore_unreadable(error);
	ebcc_buf_each_line(&text, add_blacklisted, &set);
	return set.failed ? ebcc_error_no_memory() : NULL;
}

bool ebcc_is_function_piece(const char *name)
{
	static const char *const prefixes[] = {"__SCT__", "__pfx_", "__cfi_", "__kstrtab",
					       "_kbl_addr_"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return strstr(name, ".cold") != NULL;
}
