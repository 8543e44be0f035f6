// SPDX-License-Identifier: Apache-2.0
/*
 * Reads C as words and brackets: a member's name is the last word before the end of its
 * declaration, and a word that follows another word is what that one declares. This is not parsing,
 * but good enough for suggestions.
 */
#include "advice/hints_names.h"

#include <ctype.h>
#include <string.h>

#define NAME_SIZE EBCC_NEAR_NAMES_LENGTH

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool is_name_start(char c)
{
	return is_name_char(c) && !isdigit((unsigned char)c);
}

const char *ebcc_skip_comments(const char *at)
{
	for (;;) {
		if (isspace((unsigned char)*at)) {
			at++;
		} else if (!strncmp(at, "//", 2)) {
			at += strcspn(at, "\n");
		} else if (!strncmp(at, "/*", 2)) {
			const char *end = strstr(at + 2, "*/");

			at = end ? end + 2 : at + strlen(at);
		} else if (*at == '"') {
			for (at++; *at && *at != '"'; at++)
				at += *at == '\\' && at[1];
			at += *at == '"';
		} else {
			return at;
		}
	}
}

/* Moves @at to the next piece, a whole word or one character, and returns its end; NULL at the end
 * of the text. */
static const char *next_piece(const char **at)
{
	const char *end;

	*at = ebcc_skip_comments(*at);
	if (!**at)
		return NULL;
	end = *at + 1;
	while (is_name_char(**at) && is_name_char(*end))
		end++;
	return end;
}

static bool is_word(const char *at, const char *end, const char *word)
{
	return strlen(word) == (size_t)(end - at) && !memcmp(at, word, (size_t)(end - at));
}

/* The bracket that closes the one at @open, or the end of the text. */
static const char *find_close(const char *open)
{
	const char *at = open, *end;
	int depth = 0;

	for (; (end = next_piece(&at)); at = end) {
		depth += strchr("([{", *at) != NULL;
		depth -= strchr(")]}", *at) != NULL;
		if (!depth)
			break;
	}
	return at;
}

/* ---- Members ---- */

struct members {
	ebcc_name_fn fn;
	void *ctx;
};

static void report_name(const struct members *members, const char *name, const char *end)
{
	char copy[NAME_SIZE];

	if (!name || (size_t)(end - name) >= sizeof(copy))
		return;
	memcpy(copy, name, (size_t)(end - name));
	copy[end - name] = '\0';
	members->fn(members->ctx, copy);
}

static void walk_members(const struct members *members, const char *at, const char *stop,
			 unsigned depth);

/* Skips the braces of a struct in a struct. If it has no name, its members belong to the outer
 * one. */
static const char *walk_inner(const struct members *members, const char *open, unsigned depth)
{
	const char *close = find_close(open), *after;

	if (!*close)
		return close;
	after = ebcc_skip_comments(close + 1);
	if (*after == ';')
		walk_members(members, open + 1, close, depth + 1);
	return close + 1;
}

/* Sets the name if the parenthesis at @open begins "(*name)"; otherwise leaves it unchanged. */
static void find_pointer_name(const char *open, const char **name, const char **name_end)
{
	const char *at = ebcc_skip_comments(open + 1);

	if (*at != '*')
		return;
	at = ebcc_skip_comments(at + 1);
	if (!is_name_start(*at))
		return;
	*name = at;
	while (is_name_char(*at))
		at++;
	*name_end = at;
}

static void walk_members(const struct members *members, const char *at, const char *stop,
			 unsigned depth)
{
	const char *name = NULL, *name_end = NULL, *end;
	bool has_width = false;

	for (; depth < 32 && (end = next_piece(&at)) && at < stop; at = end) {
		if (*at == '{') {
			end = walk_inner(members, at, depth);
			name = NULL;
		} else if (*at == '(') {
			find_pointer_name(at, &name, &name_end);
			end = find_close(at);
			end += *end != '\0';
		} else if (*at == '[') {
			end = find_close(at);
			end += *end != '\0';
		} else if (*at == ';' || *at == ',') {
			report_name(members, name, name_end);
			name = NULL;
			has_width = false;
		} else if (*at == ':') {
			has_width = true;
		} else if (is_name_start(*at) && !has_width && !is_word(at, end, "__attribute__")) {
			name = at;
			name_end = end;
		}
	}
}

/* The brace that opens the definition of "struct NAME", or NULL. */
static const char *find_definition(const char *text, const char *type)
{
	size_t length = strlen(type);

	for (const char *at = text; (at = strstr(at, type)); at += length) {
		const char *after = ebcc_skip_comments(at + length);

		if ((at == text || !is_name_char(at[-1])) && !is_name_char(at[length]) &&
		    *after == '{')
			return after;
	}
	return NULL;
}

/* The brace that opens what "typedef struct { ... } NAME;" names, or NULL. */
static const char *find_typedef(const char *text, const char *name)
{
	static const char *const keywords[] = {"typedef struct", "typedef union"};

	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
		for (const char *at = text; (at = find_definition(at, keywords[i]));) {
			const char *close = find_close(at), *end;
			const char *after = *close ? ebcc_skip_comments(close + 1) : close;

			end = next_piece(&after);
			if (end && is_word(after, end, name))
				return at;
			at = close;
		}
	}
	return NULL;
}

bool ebcc_names_of_members(const char *text, const char *type, ebcc_name_fn fn, void *ctx)
{
	const struct members members = {fn, ctx};
	const char *open =
		strchr(type, ' ') ? find_definition(text, type) : find_typedef(text, type);

	if (!open)
		return false;
	walk_members(&members, open + 1, find_close(open), 0);
	return true;
}

/* ---- Declarations ---- */

static void add_near(void *ctx, const char *name)
{
	ebcc_near_names_add(ctx, name);
}

static void add(struct ebcc_near_names *near, const char *name, const char *end)
{
	const struct members members = {add_near, near};

	report_name(&members, name, end);
}

/* Whether a word is a keyword of C. */
static bool is_keyword(const char *at, const char *end)
{
	static const char *const words[] = {"struct", "union",	"enum",	  "const",   "unsigned",
					    "signed", "static", "inline", "volatile"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (is_word(at, end, words[i]))
			return true;
	return false;
}

/* Whether a word can be the type of a declaration when a name follows. */
static bool may_declare(const char *at, const char *end)
{
	static const char *const words[] = {"return", "else", "case", "goto", "sizeof"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (is_word(at, end, words[i]))
			return false;
	return true;
}

void ebcc_near_declared(const char *text, const char *stop, struct ebcc_near_names *near)
{
	/* The previous word, ignoring stars; and the BPF_ macro before an opening parenthesis. */
	const char *type = NULL, *type_end = NULL, *macro = NULL, *end;

	for (const char *at = text; (end = next_piece(&at)) && at < stop; at = end) {
		if (is_name_start(*at)) {
			const char *after = ebcc_skip_comments(end);

			if (macro || (type && is_word(type, type_end, "define")) ||
			    (type && !is_keyword(at, end) && may_declare(type, type_end) &&
			     *after && strchr("=;,)[(:{", *after)))
				add(near, at, end);
			macro = *after == '(' && !strncmp(at, "BPF_", 4) ? at : NULL;
			type = at;
			type_end = end;
		} else if (*at == '(' && macro) {
			type = NULL;
		} else {
			macro = NULL;
			/* "int *a" and "int a, b" */
			if (*at != '*')
				type = NULL;
		}
	}
}

void ebcc_near_tags(const char *text, const char *keyword, struct ebcc_near_names *near)
{
	size_t length = strlen(keyword);

	for (const char *at = text; (at = strstr(at, keyword)); at += length) {
		const char *name = at + length, *end;

		if ((at != text && is_name_char(at[-1])) || *name != ' ')
			continue;
		for (end = ++name; is_name_char(*end);)
			end++;
		if (end > name && *ebcc_skip_comments(end) == '{')
			add(near, name, end);
	}
}
