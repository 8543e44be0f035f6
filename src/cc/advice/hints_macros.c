// SPDX-License-Identifier: Apache-2.0
/*
 * Hints on the dialect's own macros. Clang's messages about a wrong argument are about the macro's
 * expansion. Here the arguments are checked as the user wrote them, against a table of what each
 * macro takes.
 */
#include "advice/hints_macros.h"

#include <ctype.h>
#include <string.h>

#include "base/kinds.h"
#include "bpf/ebcc/map_types.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_ARGUMENTS 16
#define MAX_LINES 32 /* that one use of a macro may span */

/* Macros that don't declare tables. */
static const struct ebcc_table_macro macros[] = {
	{"BPF_LICENSE", "name", 1, 1, EBCC_NO_ARGUMENT, EBCC_NO_ARGUMENT, 0},
	{"BPF_ITER", "target", 1, 1, 0, EBCC_NO_ARGUMENT, 0},
	{"TRACEPOINT_PROBE", "category, event", 2, 2, 0, EBCC_NO_ARGUMENT, 0},
	{"RAW_TRACEPOINT_PROBE", "event", 1, 1, 0, EBCC_NO_ARGUMENT, 0},
	{"KFUNC_PROBE", "function, arguments...", 1, EBCC_ANY_NUMBER, 0, EBCC_NO_ARGUMENT, 0},
	{"KRETFUNC_PROBE", "function, arguments..., result", 1, EBCC_ANY_NUMBER, 0,
	 EBCC_NO_ARGUMENT, 0},
	{"MODULE_KFUNC_PROBE", "module, function, arguments...", 2, EBCC_ANY_NUMBER, 0,
	 EBCC_NO_ARGUMENT, 0},
	{"MODULE_KRETFUNC_PROBE", "module, function, arguments..., result", 2, EBCC_ANY_NUMBER, 0,
	 EBCC_NO_ARGUMENT, 0},
	{"KMOD_RET", "function, arguments..., result", 1, EBCC_ANY_NUMBER, 0, EBCC_NO_ARGUMENT, 0},
	{"LSM_PROBE", "hook, arguments...", 1, EBCC_ANY_NUMBER, 0, EBCC_NO_ARGUMENT, 0},
};

static const char *const types[] = {
#define X(unused, type, kind) type,
	__EBCC_MAP_TYPES(X, )
#undef X
		"histogram",
	"array_of_maps$INNER",
	"hash_of_maps$INNER",
};

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* A use of a macro in the source. */
struct use {
	const struct ebcc_table_macro *macro;
	bool parentheses; /* it has arguments */
	bool at_place;	  /* the mistake is in the use itself, not in a body after it */
	size_t count;	  /* of arguments; those above MAX_ARGUMENTS are only counted */
	struct {
		const char *start;
		size_t length; /* without spaces around it */
	} arguments[MAX_ARGUMENTS];
};

static void add_argument(struct use *use, const char *start, const char *end)
{
	while (start < end && isspace((unsigned char)*start))
		start++;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	if (use->count < MAX_ARGUMENTS) {
		use->arguments[use->count].start = start;
		use->arguments[use->count].length = (size_t)(end - start);
	}
	use->count++;
}

/* The end of a string that begins at @at. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\' && at + 1 < end;
	return at;
}

/* Splits the arguments, which begin at @at, after the parenthesis. Returns the closing parenthesis,
 * or NULL. */
static const char *find_arguments(struct use *use, const char *at, const char *end)
{
	const char *start = at;
	unsigned depth = 0;

	for (; at < end; at++) {
		if (*at == '"')
			at = skip_string(at, end);
		else if (strchr("([{", *at))
			depth++;
		else if (!depth && (*at == ',' || *at == ')')) {
			add_argument(use, start, at);
			start = at + 1;
			if (*at == ')')
				return at;
		} else if (strchr(")]}", *at) && depth)
			depth--;
	}
	return NULL;
}

static const struct ebcc_table_macro *find_macro(const char *name, size_t length)
{
	for (size_t i = 0; i < COUNT(macros); i++)
		if (strlen(macros[i].name) == length && !memcmp(macros[i].name, name, length))
			return &macros[i];
	return ebcc_table_macro_of(name, length);
}

const char *ebcc_source_line(const char *source, unsigned number, size_t *ret_length)
{
	const char *at = source;

	for (unsigned line = 1; at && line < number; line++)
		at = (at = strchr(at, '\n')) ? at + 1 : NULL;
	*ret_length = at ? strcspn(at, "\n") : 0;
	return at ? at : "";
}

/* Whether two lines are the same except for white space: clang prints tabs as spaces. */
static bool is_same_line(const char *a, size_t length, const char *b, size_t other_length)
{
	const char *end = a + length, *other_end = b + other_length;

	for (;; a++, b++) {
		while (a < end && isspace((unsigned char)*a))
			a++;
		while (b < other_end && isspace((unsigned char)*b))
			b++;
		if (a == end || b == other_end)
			return a == end && b == other_end;
		if (*a != *b)
			return false;
	}
}

/* Whether the line begins with a use of one of the macros. at_place is set if the use extends to
 * @place, or has no arguments. The text ends at @end. */
static bool is_use(const char *line, const char *end, const char *place, struct use *ret)
{
	const char *at, *name, *close;

	*ret = (struct use){.at_place = true};
	for (at = line; at < end && isspace((unsigned char)*at);)
		at++;
	for (name = at; at < end && is_name_char(*at);)
		at++;
	ret->macro = find_macro(name, (size_t)(at - name));
	if (!ret->macro)
		return false;
	while (at < end && isspace((unsigned char)*at))
		at++;
	ret->parentheses = at < end && *at == '(';
	if (!ret->parentheses)
		return true;
	close = find_arguments(ret, at + 1, end);
	ret->at_place = close && place <= close;
	return close;
}

/* Finds the macro that the mistake's line begins with, or one that begins some lines above and
 * extends to it. */
static bool find_use(const struct ebcc_mistake *mistake, struct use *ret)
{
	size_t length, column = mistake->column ? mistake->column - 1 : 0;
	const char *line = ebcc_source_line(mistake->source, mistake->number, &length);

	/* The line may be from another file. */
	if (!mistake->number || !is_same_line(line, length, mistake->line, mistake->line_length))
		return is_use(mistake->line, mistake->line + mistake->line_length,
			      mistake->line + column, ret);
	if (is_use(line, line + strlen(line), line + column, ret))
		return true;
	for (unsigned back = 1; back < MAX_LINES && back < mistake->number; back++) {
		const char *above =
			ebcc_source_line(mistake->source, mistake->number - back, &length);

		if (is_use(above, above + strlen(above), line + column, ret))
			return ret->parentheses && ret->at_place;
	}
	return false;
}

static bool is_identifier(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!is_name_char(text[i]))
			return false;
	return length && !isdigit((unsigned char)*text);
}

static void append_usage(const struct ebcc_table_macro *macro, struct ebcc_buf *ret)
{
	ebcc_buf_printf(ret, "%s(%s)", macro->name, macro->arguments);
}

static bool has_wrong_count(const struct use *use, struct ebcc_buf *ret)
{
	const struct ebcc_table_macro *macro = use->macro;
	size_t count = use->count == 1 && !use->arguments[0].length ? 0 : use->count;

	if (count >= macro->least && count <= macro->most)
		return false;
	ebcc_buf_printf(ret, "%s takes ", macro->name);
	if (macro->most == EBCC_ANY_NUMBER)
		ebcc_buf_printf(ret, "at least %u", macro->least);
	else if (macro->most > macro->least)
		ebcc_buf_printf(ret, "%u %s %u", macro->least,
				macro->most == macro->least + 1 ? "or" : "to", macro->most);
	else
		ebcc_buf_printf(ret, "%u", macro->least);
	ebcc_buf_printf(ret,
			" argument%s, not %zu: ", macro->least == 1 && macro->most == 1 ? "" : "s",
			count);
	append_usage(macro, ret);
	return true;
}

static bool has_wrong_argument(const struct use *use, struct ebcc_buf *ret)
{
	const struct ebcc_table_macro *macro = use->macro;

	for (size_t i = 0; i < use->count && i < MAX_ARGUMENTS; i++) {
		const char *text = use->arguments[i].start;
		size_t length = use->arguments[i].length;

		if (!length)
			ebcc_buf_printf(ret, "argument %zu of %s is empty: ", i + 1, macro->name);
		else if (i == macro->identifier && *text == '"')
			ebcc_buf_printf(ret, "the name %.*s must not be in quotes: ", (int)length,
					text);
		else if (i == macro->identifier && !is_identifier(text, length))
			ebcc_buf_printf(ret, "'%.*s' is not a name: ", (int)length, text);
		else if (i == macro->string && *text != '"' && !is_identifier(text, length))
			ebcc_buf_printf(ret, "'%.*s' is not a string: ", (int)length, text);
		else
			continue;
		append_usage(macro, ret);
		return true;
	}
	return false;
}

/* Clang's messages about an invalid size, and what to say instead. */
static const struct {
	const char *message, *plain;
} sizes[] = {
	{"fields must have a constant size", "the size of a table must be a constant"},
	{"static assertion expression is not an integral constant expression",
	 "the size of a table must be a constant"},
	{"invalid operands to binary expression", "the size of a table must be an integer"},
	{"declared as an array with a negative size", "the size of a table can't be negative"},
	{"size of array has non-integer type", "the size of a table must be an integer"},
};

bool ebcc_hint_dialect_macro(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	struct use use;

	if (!find_use(mistake, &use))
		return false;
	if (!use.parentheses) {
		ebcc_buf_printf(ret, "%s needs arguments: ", use.macro->name);
		append_usage(use.macro, ret);
		return true;
	}
	if (has_wrong_count(&use, ret) || has_wrong_argument(&use, ret))
		return true;
	if (!use.at_place)
		return false;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		if (!strstr(mistake->message, sizes[i].message))
			continue;
		ebcc_buf_printf(ret, "%s: ", sizes[i].plain);
		append_usage(use.macro, ret);
		return true;
	}
	return false;
}

/* Suggests types with similar names, or lists all. */
static bool hint_type(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	const char *start = strchr(mistake->message, '"'), *end;
	struct ebcc_near_names near;
	char name[64];

	end = start ? strchr(start + 1, '"') : NULL;
	if (!end || (size_t)(end - start) > sizeof(name))
		return false;
	memcpy(name, start + 1, (size_t)(end - start) - 1);
	name[end - start - 1] = '\0';
	ebcc_near_names_init(&near, name);
	for (size_t i = 0; i < COUNT(types); i++)
		ebcc_near_names_add(&near, types[i]);
	ebcc_buf_append_string(ret, "there is no such type");
	ebcc_near_names_suggest(&near, ret);
	if (near.count)
		return true;
	ebcc_buf_append_string(ret, "; the types are ");
	for (size_t i = 0; i < COUNT(types); i++)
		ebcc_buf_printf(ret, "%s%s", i ? ", " : "", types[i]);
	return true;
}

bool ebcc_hint_dialect_use(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	struct use use;

	if (strstr(mistake->message, "unknown table type \""))
		return hint_type(mistake, ret);
	if (!find_use(mistake, &use) || !use.at_place || !mistake->column ||
	    strstr(mistake->message, "redefinition of table") ||
	    strstr(mistake->message, "expected ';'"))
		return false;
	ebcc_buf_append_string(ret, "the usage is ");
	append_usage(use.macro, ret);
	return true;
}

bool ebcc_is_dialect_macro(const char *name)
{
	return find_macro(name, strlen(name));
}

void ebcc_near_dialect_macros(struct ebcc_near_names *near)
{
	for (size_t i = 0; i < COUNT(macros); i++)
		ebcc_near_names_add(near, macros[i].name);
	for (const struct ebcc_table_macro *macro = ebcc_table_macros; macro->name; macro++)
		ebcc_near_names_add(near, macro->name);
}
