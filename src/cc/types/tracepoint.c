// SPDX-License-Identifier: Apache-2.0
/*
 * From a tracepoint's `format` file to a C struct. The types in the file are only how the kernel's
 * source spells them, while the sizes are right: `int flags` of a system call takes 8 bytes. So
 * integers get a type of the right size, and padding puts every field at its offset.
 */
#include "types/tracepoint.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/tracefs.h"

/* A record is at most a page (perf: 8 kB), so larger numbers are malformed. */
#define MAX_RECORD 65536
#define MAX_FORMAT_FILE (1 << 20)
#define MAX_FIELDS 1024

/* The common fields, where the kernel stores an internal pointer for BPF programs. */
#define HIDDEN_SIZE 8

/* A part of the text; not NUL-terminated. */
struct span {
	const char *start;
	size_t size;
};

static void trim(struct span *span)
{
	while (span->size && isspace((unsigned char)*span->start)) {
		span->start++;
		span->size--;
	}
	while (span->size && isspace((unsigned char)span->start[span->size - 1]))
		span->size--;
}

static bool begins(struct span span, const char *text)
{
	return span.size >= strlen(text) && !memcmp(span.start, text, strlen(text));
}

static bool equals(struct span span, const char *text)
{
	return span.size == strlen(text) && begins(span, text);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Removes `KEY:VALUE;` from the front; returns false if something else is there. */
static bool cut_item(struct span *line, const char *key, struct span *ret)
{
	const char *end;

	trim(line);
	if (!begins(*line, key))
		return false;
	line->start += strlen(key);
	line->size -= strlen(key);
	end = memchr(line->start, ';', line->size);
	if (!end)
		return false;
	*ret = (struct span){line->start, end - line->start};
	line->size -= end + 1 - line->start;
	line->start = end + 1;
	trim(ret);
	return true;
}

/* Parses a decimal number up to @limit; nothing else may be in the span. */
static bool parse_number(struct span span, uint32_t limit, uint32_t *ret)
{
	uint64_t value = 0;

	if (!span.size)
		return false;
	for (size_t i = 0; i < span.size; i++) {
		if (!isdigit((unsigned char)span.start[i]))
			return false;
		value = value * 10 + (span.start[i] - '0');
		if (value > limit)
			return false;
	}
	*ret = value;
	return true;
}

/* Removes a trailing [N] from a declaration. */
static void cut_array(struct span *declaration, struct ebcc_tracepoint_field *field)
{
	const char *open;
	struct span length;

	if (!declaration->size || declaration->start[declaration->size - 1] != ']')
		return;
	open = memchr(declaration->start, '[', declaration->size);
	if (!open)
		return;
	length = (struct span){open + 1, declaration->start + declaration->size - open - 2};
	trim(&length);
	field->array = true;
	if (!parse_number(length, MAX_RECORD, &field->array_length))
		field->array_length = 0;
	declaration->size = open - declaration->start;
	trim(declaration);
}

static bool cut_word(struct span *declaration, const char *word)
{
	if (!begins(*declaration, word) || declaration->size == strlen(word) ||
	    is_word(declaration->start[strlen(word)]))
		return false;
	declaration->start += strlen(word);
	declaration->size -= strlen(word);
	trim(declaration);
	return true;
}

/* Splits "const char * filename" into type and name. */
static bool parse_declaration(struct span declaration, struct ebcc_tracepoint_field *field)
{
	size_t name = 0;

	field->data_loc = cut_word(&declaration, "__data_loc");
	field->rel_loc = !field->data_loc && cut_word(&declaration, "__rel_loc");
	cut_array(&declaration, field);
	while (name < declaration.size && is_word(declaration.start[declaration.size - 1 - name]))
		name++;
	if (!name || isdigit((unsigned char)declaration.start[declaration.size - name]))
		return false;
	field->name = strndup(declaration.start + declaration.size - name, name);
	declaration.size -= name;
	trim(&declaration);
	/* Brackets after the type: "char[] name". */
	if (declaration.size && declaration.start[declaration.size - 1] == ']')
		cut_array(&declaration, field);
	if (!declaration.size)
		return false;
	field->type = strndup(declaration.start, declaration.size);
	return true;
}

static bool parse_field(struct span line, struct ebcc_tracepoint_field *field)
{
	struct span declaration, offset, size, is_signed;
	uint32_t sign;

	if (!cut_item(&line, "field:", &declaration) || !cut_item(&line, "offset:", &offset) ||
	    !cut_item(&line, "size:", &size))
		return false;
	if (!parse_number(offset, MAX_RECORD, &field->offset) ||
	    !parse_number(size, MAX_RECORD, &field->size))
		return false;
	/* Missing in kernels before 2.6.33. */
	if (cut_item(&line, "signed:", &is_signed) && parse_number(is_signed, 1, &sign))
		field->is_signed = sign;
	return parse_declaration(declaration, field);
}

static void field_deinit(struct ebcc_tracepoint_field *field)
{
	free(field->type);
	free(field->name);
}

void ebcc_tracepoint_format_deinit(struct ebcc_tracepoint_format *format)
{
	for (size_t i = 0; i < format->field_count; i++)
		field_deinit(&format->fields[i]);
	free(format->fields);
	*format = (struct ebcc_tracepoint_format){0};
}

static struct ebcc_error *add_field(struct ebcc_tracepoint_format *format, struct span line)
{
	struct ebcc_tracepoint_field field = {0};
	struct ebcc_error *error = NULL;

	if (format->field_count >= MAX_FIELDS)
		error = ebcc_error_create(EBCC_ERROR_FORMAT,
					  "a tracepoint's format has more than %d fields",
					  MAX_FIELDS);
	else if (!parse_field(line, &field))
		error = ebcc_error_create(EBCC_ERROR_FORMAT,
					  "a tracepoint's format has the malformed line `%.*s`",
					  (int)(line.size < 200 ? line.size : 200), line.start);
	else if (!field.type || !field.name)
		error = ebcc_error_no_memory();
	if (error)
		field_deinit(&field);
	else
		format->fields[format->field_count++] = field;
	return error;
}

struct ebcc_error *ebcc_tracepoint_format_parse(const char *text, size_t size,
						struct ebcc_tracepoint_format *ret)
{
	AUTO_TRACEPOINT_FORMAT struct ebcc_tracepoint_format format = {0};
	struct span rest = {text, size};

	format.fields = calloc(MAX_FIELDS, sizeof(*format.fields));
	if (!format.fields)
		return ebcc_error_no_memory();
	while (rest.size) {
		const char *end = memchr(rest.start, '\n', rest.size);
		struct span line = {rest.start, end ? (size_t)(end - rest.start) : rest.size};
		size_t taken = line.size + !!end;

		rest.start += taken;
		rest.size -= taken;
		trim(&line);
		if (begins(line, "print fmt:"))
			break;
		if (begins(line, "field:"))
			TRY(add_field(&format, line));
	}
	if (!format.field_count)
		return ebcc_error_create(EBCC_ERROR_FORMAT, "a tracepoint's format has no fields");
	*ret = format;
	format = (struct ebcc_tracepoint_format){0};
	return NULL;
}

/* Integer types that have the same size on all supported architectures. */
static const struct {
	const char *name;
	uint32_t size;
	bool is_signed;
} integers[] = {
	{"char", 1, true},
	{"signed char", 1, true},
	{"unsigned char", 1, false},
	{"short", 2, true},
	{"short int", 2, true},
	{"unsigned short", 2, false},
	{"int", 4, true},
	{"signed int", 4, true},
	{"unsigned", 4, false},
	{"unsigned int", 4, false},
	{"long", 8, true},
	{"long int", 8, true},
	{"unsigned long", 8, false},
	{"long unsigned int", 8, false},
	{"long long", 8, true},
	{"unsigned long long", 8, false},
	{"bool", 1, false},
	{"u8", 1, false},
	{"u16", 2, false},
	{"u32", 4, false},
	{"u64", 8, false},
	{"s8", 1, true},
	{"s16", 2, true},
	{"s32", 4, true},
	{"s64", 8, true},
	{"__u8", 1, false},
	{"__u16", 2, false},
	{"__u32", 4, false},
	{"__u64", 8, false},
	{"__s8", 1, true},
	{"__s16", 2, true},
	{"__s32", 4, true},
	{"__s64", 8, true},
	{"__be16", 2, false},
	{"__be32", 4, false},
	{"__be64", 8, false},
	{"__le16", 2, false},
	{"__le32", 4, false},
	{"__le64", 8, false},
	{"size_t", 8, false},
	{"ssize_t", 8, true},
};

static int find_integer(const char *name)
{
	if (!strncmp(name, "const ", 6))
		name += 6;
	for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++)
		if (!strcmp(integers[i].name, name))
			return i;
	return -1;
}

/* An integer type of the given size, or NULL if there is none. */
static const char *sized_integer(uint32_t size, bool is_signed)
{
	switch (size) {
	case 1:
		return is_signed ? "s8" : "u8";
	case 2:
		return is_signed ? "s16" : "u16";
	case 4:
		return is_signed ? "s32" : "u32";
	case 8:
		return is_signed ? "s64" : "u64";
	default:
		return NULL;
	}
}

/* The integer type of @size bytes that is closest to the type in the file, or NULL. */
static const char *integer_type(const char *type, uint32_t size, bool is_signed)
{
	int known = find_integer(type);

	if (known < 0)
		return sized_integer(size, is_signed);
	if (integers[known].size == size)
		return integers[known].name;
	return sized_integer(size, integers[known].is_signed);
}

static const char *const pointer_words[] = {"const", "volatile", "void",     "char",  "short",
					    "int",   "long",	 "unsigned", "signed"};

/* Whether the text can use a pointer's type unchanged: it has only qualifiers, basic types and
 * tags. */
static bool is_plain_pointer(const char *type)
{
	bool after_tag_keyword = false;

	while (*type) {
		struct span word = {type, 0};
		bool known = after_tag_keyword;

		if (isspace((unsigned char)*type) || *type == '*') {
			type++;
			continue;
		}
		while (is_word(word.start[word.size]))
			word.size++;
		if (!word.size)
			return false;
		type += word.size;
		for (size_t i = 0; i < sizeof(pointer_words) / sizeof(*pointer_words); i++)
			known |= equals(word, pointer_words[i]);
		for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++)
			known |= equals(word, integers[i].name);
		after_tag_keyword = equals(word, "struct") || equals(word, "union");
		if (!known && !after_tag_keyword)
			return false;
	}
	return !after_tag_keyword;
}

static const char *const reserved[] = {
	"auto",	  "break",    "case",	"char",	    "const",	"continue", "default", "do",
	"double", "else",     "enum",	"extern",   "float",	"for",	    "goto",    "if",
	"inline", "int",      "long",	"register", "restrict", "return",   "short",   "signed",
	"sizeof", "static",   "struct", "switch",   "typedef",	"typeof",   "union",   "unsigned",
	"void",	  "volatile", "while",	"asm",
};

/* The suffix for a field's name: "_" if the name is a keyword, else "". */
static const char *name_suffix(const char *name)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (!strcmp(reserved[i], name))
			return "_";
	return "";
}

/* How a field is declared. */
struct declaration {
	const char *type;
	uint32_t elements; /* 0: not an array */
	uint32_t alignment;
	const char *prefix; /* of the name */
};

static struct declaration bytes(uint32_t size)
{
	return (struct declaration){"char", size, 1, ""};
}

static struct declaration declare_array(const struct ebcc_tracepoint_field *field)
{
	int known = find_integer(field->type);
	uint32_t element = known >= 0 ? integers[known].size : 1;
	const char *type;

	if (field->array_length && field->size % field->array_length == 0)
		element = field->size / field->array_length;
	type = integer_type(field->type, element, field->is_signed);
	if (!type || field->size % element)
		return bytes(field->size);
	return (struct declaration){type, field->size / element, element, ""};
}

static struct declaration declare_struct(const struct ebcc_tracepoint_field *field,
					 ebcc_tracepoint_size_fn size_of, void *ctx)
{
	bool is_union = !strncmp(field->type, "union ", 6);
	const char *tag = field->type + (is_union ? 6 : 7);

	if (size_of && size_of(ctx, tag, is_union) == field->size)
		return (struct declaration){field->type, 0, 0, ""};
	return bytes(field->size);
}

/* The prefix for the name of a field that says where data is; "" for others. */
static const char *location_prefix(const struct ebcc_tracepoint_field *field)
{
	if (field->size != 4)
		return "";
	return field->data_loc ? "data_loc_" : field->rel_loc ? "rel_loc_" : "";
}

static struct declaration declare(const struct ebcc_tracepoint_field *field,
				  ebcc_tracepoint_size_fn size_of, void *ctx)
{
	const char *type;

	if (*location_prefix(field))
		return (struct declaration){"int", 0, 4, location_prefix(field)};
	if (field->array)
		return declare_array(field);
	if (strchr(field->type, '*') && field->size == 8)
		return (struct declaration){is_plain_pointer(field->type) ? field->type : "void *",
					    0, 8, ""};
	if (!strncmp(field->type, "struct ", 7) || !strncmp(field->type, "union ", 6))
		return declare_struct(field, size_of, ctx);
	type = integer_type(field->type, field->size, field->is_signed);
	if (!type)
		return bytes(field->size);
	return (struct declaration){type, 0, field->size, ""};
}

/* Appends a field, which must not begin before *@position, and advances *@position past it. */
static void print_field(const struct ebcc_tracepoint_field *field, struct declaration declaration,
			uint32_t *position, struct ebcc_buf *text)
{
	/* The alignment of a struct isn't known here, so it is packed. */
	bool packed = !declaration.alignment || field->offset % declaration.alignment;
	uint32_t alignment = packed ? 1 : declaration.alignment;
	uint32_t natural = (*position + alignment - 1) / alignment * alignment;

	if (natural < field->offset)
		ebcc_buf_printf(text, "\tchar __pad_%u[%u];\n", *position,
				field->offset - *position);
	ebcc_buf_printf(text, "\t%s %s%s%s", declaration.type, declaration.prefix, field->name,
			*declaration.prefix ? "" : name_suffix(field->name));
	if (declaration.elements)
		ebcc_buf_printf(text, "[%u]", declaration.elements);
	ebcc_buf_append_string(text, packed ? " __attribute__((packed));\n" : ";\n");
	*position = field->offset + field->size;
}

void ebcc_tracepoint_print(const struct ebcc_tracepoint_format *format, const char *category,
			   const char *event, ebcc_tracepoint_size_fn size_of, void *ctx,
			   struct ebcc_buf *text)
{
	uint32_t position = HIDDEN_SIZE;

	ebcc_buf_printf(text, "struct tracepoint__%s__%s {\n\tu64 __do_not_use__;\n", category,
			event);
	for (size_t i = 0; i < format->field_count; i++) {
		const struct ebcc_tracepoint_field *field = &format->fields[i];

		if (!strncmp(field->name, "common_", 7) || !field->size || field->offset < position)
			continue;
		print_field(field, declare(field, size_of, ctx), &position, text);
	}
	ebcc_buf_append_string(text, "};\n");
}

struct ebcc_error *ebcc_tracepoint_format_read(const char *tracefs, const char *category,
					       const char *event, struct ebcc_buf *text,
					       struct ebcc_tracepoint_format *ret)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;

	ebcc_buf_printf(&path, "events/%s/%s/format", category, event);
	TRY(ebcc_buf_check(&path));
	TRY(ebcc_tracefs_read(tracefs, path.data, MAX_FORMAT_FILE, text));
	return ebcc_tracepoint_format_parse(ebcc_buf_string(text), text->size, ret);
}

bool ebcc_tracepoint_field_is(const struct ebcc_tracepoint_field *field, const char *member)
{
	const char *prefix = location_prefix(field);
	size_t length = strlen(field->name);

	if (strncmp(member, prefix, strlen(prefix)))
		return false;
	member += strlen(prefix);
	return !strncmp(member, field->name, length) &&
	       !strcmp(member + length, *prefix ? "" : name_suffix(field->name));
}

struct ebcc_error *ebcc_tracepoint_split(const char *tracefs, const char *joined,
					 char **ret_category, char **ret_event)
{
	if (!tracefs)
		TRY(ebcc_tracefs_find(&tracefs));
	for (const char *at = strstr(joined, "__"); at; at = strstr(at + 1, "__")) {
		AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;
		char *category, *event;

		ebcc_buf_printf(&path, "%s/events/%.*s/%s/format", tracefs, (int)(at - joined),
				joined, at + 2);
		TRY(ebcc_buf_check(&path));
		if (at == joined || !at[2] || access(path.data, F_OK))
			continue;
		category = strndup(joined, at - joined);
		event = strdup(at + 2);
		if (!category || !event) {
			free(category);
			free(event);
			return ebcc_error_no_memory();
		}
		*ret_category = category;
		*ret_event = event;
		return NULL;
	}
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_NOT_FOUND, "this kernel has no tracepoint %s", joined),
		joined);
}

static int is_event(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
}

/* Appends "CATEGORY:EVENT\0" for each event of a category. */
static struct ebcc_error *list_category(const char *tracefs, const char *category,
					struct ebcc_buf *names, size_t *count)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;
	struct dirent **entries;
	int n;

	ebcc_buf_printf(&path, "%s/events/%s", tracefs, category);
	TRY(ebcc_buf_check(&path));
	n = scandir(path.data, &entries, is_event, alphasort);
	if (n < 0)
		return errno == ENOMEM ? ebcc_error_no_memory() : NULL;
	for (int i = 0; i < n; i++) {
		ebcc_buf_printf(names, "%s:%s", category, entries[i]->d_name);
		ebcc_buf_append_char(names, '\0');
		free(entries[i]);
	}
	*count += n;
	free(entries);
	return ebcc_buf_check(names);
}

/* Makes a list of pointers and their strings in one allocation. */
static struct ebcc_error *make_list(const struct ebcc_buf *names, size_t count, char ***ret)
{
	size_t pointers = (count + 1) * sizeof(char *);
	char **list = malloc(pointers + names->size);
	char *text;

	if (!list)
		return ebcc_error_no_memory();
	text = (char *)list + pointers;
	if (names->size)
		memcpy(text, names->data, names->size);
	for (size_t i = 0; i < count; i++) {
		list[i] = text;
		text += strlen(text) + 1;
	}
	list[count] = NULL;
	*ret = list;
	return NULL;
}

struct ebcc_error *ebcc_tracepoint_list(const char *tracefs, char ***ret, size_t *ret_count)
{
	AUTO_BUF struct ebcc_buf names = EBCC_BUF_INIT;
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;
	struct ebcc_error *error = NULL;
	struct dirent **entries;
	size_t count = 0;
	int n;

	if (!tracefs)
		TRY(ebcc_tracefs_find(&tracefs));
	ebcc_buf_printf(&path, "%s/events", tracefs);
	TRY(ebcc_buf_check(&path));
	n = scandir(path.data, &entries, is_event, alphasort);
	if (n < 0)
		return ebcc_error_os(EBCC_ERROR_OS, errno, "cannot list %s", path.data);
	for (int i = 0; i < n; i++) {
		if (!error)
			error = list_category(tracefs, entries[i]->d_name, &names, &count);
		free(entries[i]);
	}
	free(entries);
	if (error)
		return error;
	TRY(make_list(&names, count, ret));
	*ret_count = count;
	return NULL;
}
