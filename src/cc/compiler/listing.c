// SPDX-License-Identifier: Apache-2.0
/*
 * Makes LLVM's assembler text readable. Of its many directives only sections, labels of functions
 * and jumps, and source locations are kept; locations are shown as the source lines themselves, and
 * helpers by name.
 */
#include "compiler/listing.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/helper_names.h"
#include "compiler/diagnostic.h"

struct listing {
	const struct ebcc_cc_request *request;
	struct ebcc_buf text;
	struct ebcc_buf place; /* the source location listed last */
	bool code;	       /* in a section of instructions */
};

static bool begins(const char *line, const char *prefix)
{
	return !strncmp(line, prefix, strlen(prefix));
}

/* "\t.loc\t1 3 21 prologue_end             # main.c:3:21" */
static void list_place(struct listing *listing, char *line)
{
	char *path = strstr(line, "# "), *number, *column;
	const char *source;
	size_t length;

	if (!path)
		return;
	path += 2;
	column = strrchr(path, ':');
	if (!column)
		return;
	*column = '\0';
	number = strrchr(path, ':');
	if (!number || !strcmp(number, ":0") || !strcmp(path, ebcc_buf_string(&listing->place)))
		return;
	ebcc_buf_clear(&listing->place);
	ebcc_buf_append_string(&listing->place, path);
	*number = '\0';
	source = ebcc_cc_source_line(listing->request, path, atoi(number + 1), &length);
	for (; source && length && isspace((unsigned char)*source); length--)
		source++;
	ebcc_buf_printf(&listing->text, "; %.*s @ %s\n", source ? (int)length : 0,
			source ? source : "", ebcc_buf_string(&listing->place));
}

/* Lists an instruction or a label, without the trailing comment. */
static void list_code(struct listing *listing, char *line)
{
	char *comment = strchr(line, '#');
	const char *name;
	size_t length;

	if (comment)
		*comment = '\0';
	for (length = strlen(line); length && isspace((unsigned char)line[length - 1]);)
		line[--length] = '\0';
	if (!length)
		return;
	ebcc_buf_append_string(&listing->text, line);
	name = begins(line, "\tcall ") ? ebcc_helper_name(strtoul(line + 6, NULL, 10)) : NULL;
	if (name)
		ebcc_buf_printf(&listing->text, " # %s", name);
	ebcc_buf_append_char(&listing->text, '\n');
}

/* "\t.section\t"xdp/f","ax",@progbits" */
static void enter_section(struct listing *listing, char *line)
{
	char *name = line + strlen("\t.section\t"), *end = strchr(name, ',');

	listing->code = end && begins(end, ",\"ax\"");
	if (!listing->code)
		return;
	if (*name == '"') {
		name++;
		end--;
	}
	*end = '\0';
	ebcc_buf_printf(&listing->text, "%ssection %s\n", listing->text.size ? "\n" : "", name);
}

static void list_line(struct listing *listing, char *line)
{
	if (begins(line, "\t.section\t"))
		enter_section(listing, line);
	else if (begins(line, "\t.text"))
		listing->code = true;
	else if (!listing->code)
		return;
	else if (begins(line, "\t.loc\t"))
		list_place(listing, line);
	else if (!begins(line, "\t.") && !begins(line, ".L"))
		list_code(listing, line);
}

char *ebcc_cc_listing(const struct ebcc_cc_request *request, const char *assembly, size_t size)
{
	struct listing listing = {.request = request};
	char *copy AUTO_FREE = strndup(assembly, size), *rest = copy, *line, *text = NULL;
	struct ebcc_error *error = NULL;

	if (!copy)
		return NULL;
	while ((line = strsep(&rest, "\n")))
		list_line(&listing, line);
	error = ebcc_buf_take(&listing.text, &text, NULL);
	ebcc_error_destroy(error);
	ebcc_buf_deinit(&listing.text);
	ebcc_buf_deinit(&listing.place);
	return text;
}
