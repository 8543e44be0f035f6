// SPDX-License-Identifier: Apache-2.0
/*
 * A build-time program that generates the table of macros.h. The definitions come from this
 * project's tables/macros.h and tables/aliases.h, and from user-space headers: their macros, as
 * listed by `cc -E -dM`, and their enumerators, from their text as printed by `cc -E -P`. The first
 * definition of a name is kept. From user-space headers, only constants in capitals are used, since
 * their other definitions are not the kernel's interface. Constants that differ between kernels are
 * left out: enumerators that count the others, and names with an #undef in tables/macros.h.
 *
 * In this project's headers, definitions may be enclosed in #if, #else and #endif. The condition is
 * about the kernel that a source is compiled for, and ktypes_macros.c evaluates it then:
 * `KERNEL >= 6.3`, `KERNEL < 6.8`, `X86_64`, or `BTF(name)` for a function or a struct of the
 * kernel, joined by || and && and evaluated from left to right. A name may so have several
 * definitions, and the first whose condition is true is used.
 *
 * macro_table OUT MACROS ALIASES LIST TEXT
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUILD_TOOL "macro_table"
#include "base/build_tool.h"
#include "types/macros.h"

#define MAX_MACROS 20000

/* In addition to enum ebcc_macro_kind: a name that must not be taken from user-space headers. */
#define WITHHELD ((enum ebcc_macro_kind) - 1)

/* A definition, with the members of struct ebcc_macro as strings. */
struct definition {
	const char *name, *text, *condition;
	enum ebcc_macro_kind kind;
	unsigned order;
	bool negated;
};

static struct definition macros[MAX_MACROS];
static size_t count;

/* The condition of the #if or #else around the current line, or NULL. */
static char *condition;
static bool condition_negated;

static bool is_name_part(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static size_t name_size(const char *text)
{
	size_t size = 0;

	while (is_name_part(text[size]))
		size++;
	return size;
}

static void add(const char *name, size_t size, const char *text, size_t text_size,
		enum ebcc_macro_kind kind)
{
	if (!size || count == MAX_MACROS)
		die("no name, or too many", text);
	macros[count] = (struct definition){.name = strndup(name, size),
					    .text = strndup(text, text_size),
					    .kind = kind,
					    .condition = condition,
					    .negated = condition_negated,
					    .order = count};
	count++;
}

/* The end of a definition: of its line, and of those that a backslash joins to it. */
static const char *end_of_define(const char *line)
{
	const char *end = strchr(line, '\n');

	while (end && end[-1] == '\\')
		end = strchr(end + 1, '\n');
	if (!end)
		die("unfinished definition", line);
	return end + 1;
}

/* The end of a function: a brace in the first column. */
static const char *end_of_function(const char *line)
{
	const char *end = strstr(line, "\n}\n");

	if (!end)
		die("unfinished function", line);
	return end + 3;
}

/* Finds a function's name: the word before its parameter list, which is the last parenthesis opened
 * at depth 0 before the body, except those of attributes. */
static const char *function_name(const char *text, size_t *ret_size)
{
	const char *body = strstr(text, "\n{"), *name = NULL;
	int depth = 0;

	for (const char *p = text; p < body; p++) {
		if (*p == '(' && !depth++) {
			const char *start = p;

			while (start > text && is_name_part(start[-1]))
				start--;
			if (start != p && strncmp(start, "__attribute__", 13)) {
				name = start;
				*ret_size = p - start;
			}
		} else if (*p == ')') {
			depth--;
		}
	}
	if (!name)
		die("no function name", text);
	return name;
}

/* Finds a typedef's name: the last word before the semicolon. */
static const char *typedef_name(const char *text, size_t *ret_size)
{
	const char *end = strchr(text, ';'), *start = end;

	while (is_name_part(start[-1]))
		start--;
	*ret_size = end - start;
	return start;
}

static const char *skip_comment(const char *line)
{
	const char *end = strstr(line, "*/");

	if (!end)
		die("unfinished comment", line);
	end = strchr(end, '\n');
	return end ? end + 1 : line + strlen(line);
}

/* Whether a #define (from its name on) is empty, or expands to attributes or `inline`. */
static bool is_attribute(const char *name)
{
	static const char *const beginnings[] = {"\n", "__attribute__((", "inline"};
	const char *body = name + name_size(name);

	if (*body == '(')
		body = strchr(body, ')') + 1;
	body += strspn(body, " \\\t");
	if (*body == '\n' && body[-1] == '\\')
		body += strspn(body, "\n\t ");
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (!strncmp(body, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

/* Handles #if, #else and #endif; returns false for any other line. */
static bool follow_condition(const char *line, const char *end)
{
	if (!strncmp(line, "#if ", 4)) {
		if (condition)
			die("conditions don't nest", line);
		condition = strndup(line + 4, end - line - 5);
		condition_negated = false;
	} else if (!strncmp(line, "#else\n", 6)) {
		condition_negated = true;
	} else if (!strncmp(line, "#endif\n", 7)) {
		condition = NULL;
		condition_negated = false;
	} else {
		return false;
	}
	return true;
}

/* Adds the definitions in a header of this project. */
static void add_header(const char *path, enum ebcc_macro_kind define_kind)
{
	char *text = read_file(path);
	const char *line = text;

	while (*line) {
		const char *end, *name;
		size_t size = 0;

		if (*line == '\n') {
			line++;
			continue;
		}
		if (!strncmp(line, "/*", 2)) {
			line = skip_comment(line);
			continue;
		}
		end = strchr(line, '\n') + 1;
		if (follow_condition(line, end)) {
			line = end;
			continue;
		}
		if (!strncmp(line, "#define ", 8)) {
			end = end_of_define(line);
			add(line + 8, name_size(line + 8), line, end - line,
			    is_attribute(line + 8) ? EBCC_MACRO_ATTRIBUTE : define_kind);
		} else if (!strncmp(line, "#undef ", 7)) {
			add(line + 7, name_size(line + 7), "", 0, WITHHELD);
		} else if (!strncmp(line, "typedef ", 8)) {
			end = end_of_define(line);
			name = typedef_name(line, &size);
			add(name, size, line, end - line, EBCC_MACRO_CODE);
		} else if (!strncmp(line, "static ", 7)) {
			end = end_of_function(line);
			name = function_name(line, &size);
			add(name, size, line, end - line, EBCC_MACRO_CODE);
		} else {
			die("this is not a definition", line);
		}
		line = end;
	}
	free(text);
}

/* Whether a name is internal to the compiler or the C library, and so doesn't describe the kernel.
 */
static bool is_internal(const char *name, size_t size)
{
	static const char *const prefixes[] = {"__GCC_", "__GLIBC", "__STDC", "__USE_", "__HAVE_"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return name[0] == '_' && (name[1] != '_' || name[size - 1] == '_');
}

/* Whether a macro of the compiler's list is a constant, or a function of constants, to be put into
 * the table. */
static bool is_offered(const char *name, size_t size, const char *value, size_t value_size)
{
	bool syscall_number = size > 5 && !strncmp(name, "__NR_", 5);

	if (!value_size || is_internal(name, size) || !strncmp(name, "NULL", size))
		return false;
	for (size_t i = 0; i < size && !syscall_number; i++)
		if (islower((unsigned char)name[i]))
			return false;
	/* An enumerator with a macro of the same name, for #ifdef. */
	if (value_size == size && !strncmp(name, value, size))
		return false;
	/* Request codes of ioctls use macros that would have to be added, too. */
	if (memmem(value, value_size, "_IO", 3))
		return false;
	return true;
}

/* Adds a list of "#define NAME VALUE" or "#define NAME(X) VALUE", one per line. */
static void add_list(const char *path)
{
	char *text = read_file(path);

	for (const char *line = text; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *name = line + 8, *value, *end = strchr(line, '\n');
		size_t size = 0;

		if (strncmp(line, "#define ", 8) || !end)
			continue;
		size = name_size(name);
		value = name + size;
		if (*value == '(')
			value = strchr(value, ')') + 1;
		while (*value == ' ')
			value++;
		if (value <= end && is_offered(name, size, value, end - value))
			add(name, size, line, end + 1 - line, EBCC_MACRO_DEFINE);
	}
	free(text);
}

/* The end of an enumerator's expression: the comma after it, or the closing brace. */
static const char *end_of_expression(const char *p)
{
	int depth = 0;

	for (; *p && (depth || (*p != ',' && *p != '}')); p++)
		depth += (*p == '(') - (*p == ')');
	return p;
}

/* The first character that is not a space. */
static const char *skip_spaces(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

/* What enumerators without an expression are counted from. */
struct base {
	const char *name; /* NULL: 0 */
	size_t size;
	unsigned distance;
};

/* Whether an enumerator counts the others: it is greater in a newer kernel. */
static bool is_count(const char *name, size_t size)
{
	static const char *const endings[] = {"_MAX", "_CNT", "_LAST", "_NUM", "_COUNT", "_END"};

	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		size_t length = strlen(endings[i]);

		if (size > length && !strncmp(name + size - length, endings[i], length))
			return true;
	}
	return false;
}

static void add_enumerator(const char *name, size_t size, const char *expression,
			   size_t expression_size, const struct base *base)
{
	char *text = NULL;
	int length;

	if (expression)
		length = asprintf(&text, "#define %.*s (%.*s)\n", (int)size, name,
				  (int)expression_size, expression);
	else if (base->name)
		length = asprintf(&text, "#define %.*s (%.*s + %u)\n", (int)size, name,
				  (int)base->size, base->name, base->distance);
	else
		length = asprintf(&text, "#define %.*s %u\n", (int)size, name, base->distance);
	if (length < 0)
		die("no memory for", name);
	for (char *p = text; p[1]; p++)
		if (*p == '\n')
			*p = ' ';
	if (is_offered(name, size, "0", 1))
		add(name, size, text, strlen(text),
		    !expression && is_count(name, size) ? WITHHELD : EBCC_MACRO_DEFINE);
	free(text);
}

/* Adds the enumerators of one enum, starting after its opening brace. Returns its end. */
static const char *add_enum(const char *p)
{
	struct base base = {0};

	for (p = skip_spaces(p); is_name_part(*p); p = skip_spaces(p)) {
		const char *name = p, *expression = NULL, *end;
		size_t size = name_size(name);

		p = skip_spaces(name + size);
		if (*p == '=')
			expression = skip_spaces(p + 1);
		end = end_of_expression(p);
		add_enumerator(name, size, expression, expression ? end - expression : 0, &base);
		if (expression)
			base = (struct base){.name = name, .size = size};
		base.distance++;
		p = *end == ',' ? end + 1 : end;
	}
	return p;
}

/* Adds the enumerators of all enums in preprocessed text. */
static void add_enums(const char *path)
{
	char *text = read_file(path);

	for (const char *p = text; (p = strstr(p, "enum"));) {
		bool whole = p == text || !is_name_part(p[-1]);

		p += strlen("enum");
		if (!whole || is_name_part(*p))
			continue;
		p = skip_spaces(p);
		p = skip_spaces(p + name_size(p));
		if (*p == '{')
			p = add_enum(p + 1);
	}
	free(text);
}

static int by_name(const void *a, const void *b)
{
	const struct definition *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : (left->order > right->order) - (left->order < right->order);
}

/* Whether a definition uses a withheld name. */
static bool names_withheld(const struct definition *macro, const struct definition *withheld,
			   size_t withheld_count)
{
	const char *p = macro->text + strlen("#define ") + strlen(macro->name);

	while (*p) {
		char word[128];
		size_t size = name_size(p);
		struct definition key = {.name = word};

		if (!size) {
			p++;
			continue;
		}
		snprintf(word, sizeof(word), "%.*s", (int)size, p);
		if (bsearch(&key, withheld, withheld_count, sizeof(key), by_name))
			return true;
		p += size;
	}
	return false;
}

/* Withholds the definitions from @first on that use withheld names. Returns whether there were any.
 */
static bool spread_withheld(size_t first)
{
	static struct definition withheld[MAX_MACROS];
	size_t withheld_count = 0;
	bool spread = false;

	for (size_t i = 0; i < count; i++)
		if (macros[i].kind == WITHHELD)
			withheld[withheld_count++] = (struct definition){.name = macros[i].name};
	qsort(withheld, withheld_count, sizeof(*withheld), by_name);
	for (size_t i = first; i < count; i++)
		if (macros[i].kind == EBCC_MACRO_DEFINE &&
		    names_withheld(&macros[i], withheld, withheld_count)) {
			macros[i].kind = WITHHELD;
			spread = true;
		}
	return spread;
}

static void print_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\t')
			fputs("\\t", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

/* Appends a string literal to the array of strings. Returns its offset. */
static size_t add_string(FILE *strings, const char *text)
{
	static size_t next = 1; /* behind an empty string, which stands for none */
	size_t offset = next;

	next += strlen(text) + 1;
	fputc('\t', strings);
	print_string(strings, text);
	fputs("\"\\0\"\n", strings);
	return offset;
}

int main(int argc, char **argv)
{
	static const char *const kinds[] = {"DEFINE", "ATTRIBUTE", "ALIAS", "CODE"};
	const char *complete = NULL; /* the last name with an unconditional definition */
	char *text = NULL;
	size_t own, text_size;
	FILE *out, *strings;

	if (argc != 6)
		die("usage", "macro_table OUT MACROS ALIASES LIST TEXT");
	add_header(argv[2], EBCC_MACRO_DEFINE);
	add_header(argv[3], EBCC_MACRO_ALIAS);
	own = count;
	add_list(argv[4]);
	add_enums(argv[5]);
	while (spread_withheld(own))
		;
	qsort(macros, count, sizeof(*macros), by_name);
	out = fopen(argv[1], "w");
	strings = open_memstream(&text, &text_size);
	if (!strings)
		die("out of memory for", argv[1]);
	if (!out)
		die("can't write", argv[1]);
	fputs("/* Made by macro_table.c. */\n#include \"types/macros.h\"\n\n"
	      "const struct ebcc_macro ebcc_macro_table[] = {\n",
	      out);
	for (size_t i = 0; i < count; i++) {
		const struct definition *macro = &macros[i];

		if (complete && !strcmp(macro->name, complete))
			continue;
		if (!macro->condition)
			complete = macro->name;
		if (macro->kind == WITHHELD)
			continue;
		fprintf(out, "\t{%zu, ", add_string(strings, macro->name));
		fprintf(out, "%zu, ", add_string(strings, macro->text));
		fprintf(out, "%zu, %u, EBCC_MACRO_%s, %d},\n",
			macro->condition ? add_string(strings, macro->condition) : 0, macro->order,
			kinds[macro->kind], macro->negated);
	}
	fputs("};\nconst size_t ebcc_macro_count = sizeof(ebcc_macro_table) / "
	      "sizeof(*ebcc_macro_table);\n",
	      out);
	fclose(strings);
	fprintf(out, "const char ebcc_macro_strings[] =\n\t\"\\0\"\n%s;\n", text);
	free(text);
	return fclose(out) ? 1 : 0;
}
