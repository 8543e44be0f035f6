// SPDX-License-Identifier: Apache-2.0
/*
 * Diagnostics in terms of the source. Clang reports everything it sees: macros of the dialect's
 * headers, the variables that they define for a table, kernel types in a generated file. A
 * rendering is split into pieces (a line of text, then source lines, which begin with a space).
 * Pieces about such files are dropped, internal names in the others are replaced by the source's,
 * and hints are added.
 */
#include "advice/diagnostics.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice/hints_macros.h"
#include "compiler/answer.h"

#define INTERNAL "__ebcc_"

/* Messages. */

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Appends the source's name for the internal one that @at begins with: NAME for "__ebcc_map_NAME"
 * and similar, NAME.METHOD for "__ebcc_METHOD__NAME". Returns the length of the internal name. */
static size_t append_internal(const char *at, struct ebcc_buf *ret)
{
	static const char *const variables[] = {"map_", "key_", "table_", "lost_", "methods_"};
	const char *name = at + strlen(INTERNAL), *separator;
	size_t length = strlen(INTERNAL);

	while (is_name_char(at[length]))
		length++;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		size_t prefix = strlen(variables[i]);

		if (strncmp(name, variables[i], prefix))
			continue;
		ebcc_buf_append(ret, name + prefix, length - strlen(INTERNAL) - prefix);
		return length;
	}
	separator = strstr(name, "__");
	if (separator && separator + 2 < at + length) {
		ebcc_buf_append(ret, separator + 2, (size_t)(at + length - separator) - 2);
		ebcc_buf_append_char(ret, '.');
		ebcc_buf_append(ret, name, (size_t)(separator - name));
	} else {
		ebcc_buf_append(ret, name, length - strlen(INTERNAL));
	}
	return length;
}

/* Recognizes "'typeof (*__ebcc_map_counts.key) *' (aka 'unsigned int *')". Returns the length of
 * that, or 0, and the type after "aka". */
static size_t table_type(const char *at, const char **ret, size_t *ret_length)
{
	static const char aka[] = "' (aka '";
	const char *known, *end;

	if (strncmp(at, "'typeof (*" INTERNAL, strlen("'typeof (*" INTERNAL)))
		return 0;
	known = strchr(at + 1, '\'');
	if (!known || strncmp(known, aka, strlen(aka)))
		return 0;
	known += strlen(aka);
	end = strchr(known, '\'');
	if (!end || end[1] != ')')
		return 0;
	*ret = known;
	*ret_length = (size_t)(end - known);
	return (size_t)(end + 2 - at);
}

static const struct {
	const char *internal, *plain;
} phrases[] = {
	{"; ISO C99 and later do not support implicit function declarations", ""},
	{"in 'struct " INTERNAL "methods_", "in table '"},
	{"in 'const struct " INTERNAL "methods_", "in table '"},
	{"redefinition of '" INTERNAL "map_", "redefinition of table '"},
	{"redefinition of '" INTERNAL "methods_", "redefinition of table '"},
	{EBCC_CC_KERNEL_TYPES, "<kernel types>"},
	{EBCC_CC_DIALECT_INCLUDE "/", ""},
	{EBCC_CC_ROOT "/", ""},
};

/* Appends a text with internal names replaced or removed. */
static void append_plain(const char *text, size_t length, struct ebcc_buf *ret)
{
	const char *end = text + length;

	while (text < end) {
		const char *known;
		size_t size = 0, known_length, phrase = 0;

		for (; phrase < sizeof(phrases) / sizeof(phrases[0]); phrase++)
			if (!strncmp(text, phrases[phrase].internal,
				     strlen(phrases[phrase].internal)))
				break;
		if (phrase < sizeof(phrases) / sizeof(phrases[0])) {
			ebcc_buf_append_string(ret, phrases[phrase].plain);
			text += strlen(phrases[phrase].internal);
		} else if ((size = table_type(text, &known, &known_length))) {
			ebcc_buf_printf(ret, "'%.*s'", (int)known_length, known);
			text += size;
		} else if (!strncmp(text, INTERNAL, strlen(INTERNAL))) {
			text += append_internal(text, ret);
		} else {
			ebcc_buf_append_char(ret, *text++);
		}
	}
}

/* The backend's names of functions for arithmetic, and what to say instead. */
static const struct {
	const char *pattern, *message;
} built_in[] = {
	{"'__floa", NULL},
	{"'__fix", NULL},
	{"df", NULL},
	{"sf", NULL},
	{"'__divti3'", "BPF has no division of 128-bit numbers: divide 64-bit ones"},
	{"'__udivti3'", "BPF has no division of 128-bit numbers: divide 64-bit ones"},
	{"'__modti3'", "BPF has no division of 128-bit numbers: divide 64-bit ones"},
	{"'__umodti3'", "BPF has no division of 128-bit numbers: divide 64-bit ones"},
	{"'__multi3'", "BPF has no multiplication of 128-bit numbers: multiply 64-bit ones"},
	{"'memcpy'",
	 "a copy of this size, or of a size that isn't constant, can't be expanded inline: use "
	 "bpf_probe_read_kernel(), or a loop"},
	{"'memmove'",
	 "a copy of this size, or of a size that isn't constant, can't be expanded inline: use "
	 "bpf_probe_read_kernel(), or a loop"},
	{"'memset'", "setting so many bytes, or a number of bytes that isn't constant, can't be "
		     "expanded inline: use a loop"},
	{"'memcmp'",
	 "a comparison of this size, or of a size that isn't constant, can't be expanded "
	 "inline: use a loop"},
};

static const char NO_FLOATS[] = "BPF has no floating-point numbers: use integers, scaled if "
				"fractions matter, and divide in user space";

static const char *reword_built_in(const char *message)
{
	if (!strstr(message, "call to built-in function"))
		return NULL;
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
		if (strstr(message, built_in[i].pattern))
			return built_in[i].message ? built_in[i].message : NO_FLOATS;
	return NULL;
}

/* Appends the message of a diagnostic in terms of the source. */
static void append_message(const struct ebcc_cc_diagnostic *diagnostic, struct ebcc_buf *ret)
{
	static const char in_function[] = "in function '", assertion[] = "static assertion failed";
	const char *message = diagnostic->message, *plain = reword_built_in(message), *rest;

	if (plain) {
		ebcc_buf_append_string(ret, plain);
		return;
	}
	if (!strncmp(message, in_function, strlen(in_function)) && (rest = strstr(message, "': ")))
		message = rest + 3;
	if (!strncmp(message, assertion, strlen(assertion)) &&
	    strstr(diagnostic->rendered, EBCC_CC_ROOT)) {
		for (rest = message; (rest = strstr(rest, "': ")); message = rest)
			rest += 3;
	}
	if (!strcmp(message, "unsupported dynamic stack allocation"))
		message = "the size of an array on the stack must be a constant";
	if (strstr(message, "incomplete") && strstr(message, "'struct tracepoint__"))
		message = "this tracepoint's fields are not known";
	if (!strcmp(message, "expected expression") &&
	    strstr(diagnostic->rendered, EBCC_CC_DIALECT_INCLUDE))
		message = "too few arguments to the method";
	/* For two tables of the same name, leave out their internal types. */
	if (!strncmp(message, "redefinition of '" INTERNAL, strlen("redefinition of '" INTERNAL)) &&
	    (rest = strstr(message, "' with a different type")))
		append_plain(message, (size_t)(rest + 1 - message), ret);
	else
		append_plain(message, strlen(message), ret);
}

/* Pieces of a rendering. */

struct piece {
	const char *text; /* the line of text */
	size_t length;	  /* of that line, without its newline */
	const char *rest; /* source lines */
	size_t rest_length;
};

static bool next_piece(const char **at, struct piece *ret)
{
	const char *end = strchrnul(*at, '\n');

	if (!**at)
		return false;
	ret->text = *at;
	ret->length = (size_t)(end - *at);
	ret->rest = *end ? end + 1 : end;
	for (end = ret->rest; *end == ' ';) {
		end = strchrnul(end, '\n');
		end += *end == '\n';
	}
	ret->rest_length = (size_t)(end - ret->rest);
	*at = end;
	return true;
}

/* Whether a line refers to a file that isn't the user's. */
static bool is_internal(const char *text, size_t length)
{
	static const char *const places[] = {EBCC_CC_ROOT, "<scratch space>", "<built-in>",
					     "note: (skipping "};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (memmem(text, length, places[i], strlen(places[i])))
			return true;
	return false;
}

static bool is_head(const struct piece *piece)
{
	return memmem(piece->text, piece->length, "error: ", 7) ||
	       memmem(piece->text, piece->length, "warning: ", 9) ||
	       memmem(piece->text, piece->length, "note: ", 6);
}

/* Finds the source line in a piece: what follows the first " | ". */
static void find_line(const struct piece *piece, struct ebcc_mistake *mistake)
{
	const char *end = memchr(piece->rest, '\n', piece->rest_length), *bar;

	if (!end)
		end = piece->rest + piece->rest_length;
	bar = memmem(piece->rest, (size_t)(end - piece->rest), " | ", 3);
	mistake->line = bar ? bar + 3 : "";
	mistake->line_length = bar ? (size_t)(end - mistake->line) : 0;
}

static bool find_head(const struct ebcc_cc_diagnostic *diagnostic, struct piece *ret)
{
	const char *at = diagnostic->rendered;

	while (next_piece(&at, ret))
		if (is_head(ret))
			return true;
	return false;
}

/* Appends "[-Wname]", which tells how to turn a warning off. */
static void append_flag(const struct piece *head, struct ebcc_buf *ret)
{
	const char *flag = memmem(head->text, head->length, " [-W", 4);

	if (flag && head->text[head->length - 1] == ']')
		ebcc_buf_append(ret, flag, (size_t)(head->text + head->length - flag));
}

static void append_head(const struct ebcc_cc_diagnostic *diagnostic, enum ebcc_cc_severity severity,
			const char *message, struct ebcc_buf *ret)
{
	append_plain(diagnostic->path, strlen(diagnostic->path), ret);
	if (diagnostic->line)
		ebcc_buf_printf(ret, ":%u", diagnostic->line);
	if (diagnostic->line && diagnostic->column)
		ebcc_buf_printf(ret, ":%u", diagnostic->column);
	ebcc_buf_printf(ret, "%s%s: %s", *diagnostic->path ? ": " : "",
			ebcc_cc_severity_name(severity), message);
}

/* A diagnostic being rendered. */
struct rendering {
	const struct ebcc_cc_diagnostic *diagnostic;
	struct ebcc_mistake mistake;
	struct ebcc_buf message, hint;
	struct piece head;
	bool has_head;
	bool replaced;		/* the hint replaces clang's message, which would mislead */
	bool corrected_wrongly; /* clang took a table's name for a similar kernel name */
};

static void rendering_deinit(struct rendering *rendering)
{
	ebcc_buf_deinit(&rendering->message);
	ebcc_buf_deinit(&rendering->hint);
}

static void rendering_init(struct rendering *rendering, const struct ebcc_cc_diagnostic *diagnostic,
			   const struct ebcc_compiled *compiled)
{
	static const char guess[] = "; did you mean";
	char *end;

	*rendering = (struct rendering){.diagnostic = diagnostic};
	append_message(diagnostic, &rendering->message);
	rendering->has_head = find_head(diagnostic, &rendering->head);
	if (!rendering->has_head)
		rendering->head = (struct piece){.text = "", .rest = ""};
	rendering->mistake = (struct ebcc_mistake){
		.source = compiled->source,
		.types = compiled->types,
		.release = compiled->release,
		.message = ebcc_buf_string(&rendering->message),
		.rendered = diagnostic->rendered,
		.number = diagnostic->line,
		.column = diagnostic->column,
	};
	find_line(&rendering->head, &rendering->mistake);
	if (!rendering->mistake.line_length && diagnostic->line &&
	    !is_internal(diagnostic->path, strlen(diagnostic->path)))
		rendering->mistake.line = ebcc_source_line(compiled->source, diagnostic->line,
							   &rendering->mistake.line_length);
	if (diagnostic->severity >= EBCC_CC_ERROR &&
	    ebcc_hint_macro(&rendering->mistake, &rendering->hint)) {
		rendering->replaced = true;
		return;
	}
	ebcc_hint(&rendering->mistake, &rendering->hint);
	if (!rendering->hint.size && diagnostic->severity >= EBCC_CC_ERROR)
		ebcc_hint_dialect_use(&rendering->mistake, &rendering->hint);
	/* The name is a table's, or another kernel's, so clang's suggestion is wrong. */
	if (!rendering->hint.size ||
	    !(strstr(rendering->mistake.message, "undeclared identifier") ||
	      strstr(rendering->mistake.message, "no member named")))
		return;
	end = strstr(rendering->message.data, guess);
	if (end) {
		*end = '\0';
		rendering->corrected_wrongly = true;
	}
}

/* Appends the source lines, without clang's correction if that is wrong. */
static void append_lines(const struct rendering *rendering, struct ebcc_buf *ret)
{
	const char *text = rendering->head.rest, *end = text + rendering->head.rest_length;
	const struct ebcc_mistake *mistake = &rendering->mistake;

	if (rendering->replaced && text == end && mistake->line_length)
		ebcc_buf_printf(ret, "%5u | %.*s\n", rendering->diagnostic->line,
				(int)mistake->line_length, mistake->line);
	for (unsigned line = 0; text < end && !(rendering->corrected_wrongly && line == 2);
	     line++) {
		const char *next = memchr(text, '\n', (size_t)(end - text));

		next = next ? next + 1 : end;
		ebcc_buf_append(ret, text, (size_t)(next - text));
		text = next;
	}
}

/* Appends the pieces about the user's files that come before the head (where the file is included)
 * or after it (macros). */
static void append_pieces(const struct rendering *rendering, bool wanted_after,
			  struct ebcc_buf *ret)
{
	const char *at = rendering->diagnostic->rendered;
	bool after = false;
	struct piece piece;

	while (rendering->has_head && next_piece(&at, &piece)) {
		bool head = !after && is_head(&piece);

		if (!head && after == wanted_after && !is_internal(piece.text, piece.length)) {
			append_plain(piece.text, piece.length, ret);
			ebcc_buf_append_char(ret, '\n');
			ebcc_buf_append(ret, piece.rest, piece.rest_length);
		}
		after = after || head;
	}
}

static void append_rendering(const struct rendering *rendering, struct ebcc_buf *ret)
{
	const struct ebcc_cc_diagnostic *diagnostic = rendering->diagnostic;
	const char *hint = ebcc_buf_string(&rendering->hint);

	append_pieces(rendering, false, ret);
	append_head(diagnostic, diagnostic->severity,
		    rendering->replaced ? hint : ebcc_buf_string(&rendering->message), ret);
	if (diagnostic->severity == EBCC_CC_WARNING)
		append_flag(&rendering->head, ret);
	ebcc_buf_append_char(ret, '\n');
	append_lines(rendering, ret);
	append_pieces(rendering, true, ret);
	if (!*hint || rendering->replaced)
		return;
	append_head(diagnostic, EBCC_CC_NOTE, hint, ret);
	ebcc_buf_append_char(ret, '\n');
}

/* Choosing. */

static bool same_line(const struct ebcc_cc_diagnostic *a, const struct ebcc_cc_diagnostic *b)
{
	return a->line && a->line == b->line && !strcmp(a->path, b->path);
}

static bool is_error(const struct ebcc_cc_diagnostic *diagnostic)
{
	return diagnostic->severity >= EBCC_CC_ERROR;
}

/* Whether both have the same message after rewording. */
static bool has_same_message(const struct ebcc_cc_diagnostic *a, const struct ebcc_cc_diagnostic *b)
{
	const char *words = reword_built_in(a->message);

	return words ? words == reword_built_in(b->message) : !strcmp(a->message, b->message);
}

/* If a line has several errors about the internals of a table, the user needs only one. */
static bool is_repetition(const struct ebcc_cc_answer *answer, size_t index)
{
	const struct ebcc_cc_diagnostic *this = &answer->diagnostics[index];

	bool internal = strstr(this->message, "redefinition") && strstr(this->message, INTERNAL);

	if (!is_error(this))
		return false;
	for (size_t i = 0; i < index; i++) {
		const struct ebcc_cc_diagnostic *other = &answer->diagnostics[i];

		if (!is_error(other) || !same_line(this, other))
			continue;
		if (internal || has_same_message(this, other))
			return true;
	}
	return false;
}

/* A warning about the internals of a dialect macro, in a line that has an error too. */
static bool is_consequence(const struct ebcc_cc_answer *answer, size_t index)
{
	const struct ebcc_cc_diagnostic *warning = &answer->diagnostics[index];

	if (is_error(warning) || !strstr(warning->rendered, EBCC_CC_DIALECT_INCLUDE))
		return false;
	for (size_t i = 0; i < answer->diagnostic_count; i++)
		if (is_error(&answer->diagnostics[i]) &&
		    same_line(warning, &answer->diagnostics[i]))
			return true;
	return false;
}

/* Notes about files that users can't see, and advice that doesn't apply to BPF. */
static bool is_useless_note(const struct ebcc_cc_diagnostic *note)
{
	return is_internal(note->path, strlen(note->path)) ||
	       /* The hint says so too. */
	       !strncmp(note->message, "did you mean '", 14) ||
	       !strncmp(note->message, "include the header <", 20);
}

void ebcc_diagnostics_render(const struct ebcc_cc_answer *answer,
			     const struct ebcc_compiled *compiled, enum ebcc_cc_severity severity,
			     struct ebcc_buf *ret)
{
	const struct ebcc_cc_diagnostic *finished = NULL; /* its line gets no more diagnostics */
	const struct ebcc_cc_diagnostic *last_hinted = NULL;
	AUTO_BUF struct ebcc_buf last_hint = EBCC_BUF_INIT;
	bool dropping = false;

	for (size_t i = 0; i < answer->diagnostic_count; i++) {
		const struct ebcc_cc_diagnostic *diagnostic = &answer->diagnostics[i];
		CLEANUP(rendering_deinit) struct rendering rendering = {0};

		if (diagnostic->severity == EBCC_CC_NOTE) {
			if (dropping || is_useless_note(diagnostic))
				continue;
		} else {
			dropping = diagnostic->severity < severity || is_repetition(answer, i) ||
				   is_consequence(answer, i) ||
				   (finished && same_line(finished, diagnostic));
			if (dropping)
				continue;
		}
		rendering_init(&rendering, diagnostic, compiled);
		dropping = last_hinted && rendering.hint.size &&
			   same_line(diagnostic, last_hinted) &&
			   !strcmp(ebcc_buf_string(&rendering.hint), ebcc_buf_string(&last_hint));
		if (dropping)
			continue;
		append_rendering(&rendering, ret);
		if (rendering.replaced || rendering.corrected_wrongly ||
		    strstr(diagnostic->message, "function-like macro invocation"))
			finished = diagnostic;
		if (!rendering.hint.size)
			continue;
		last_hinted = diagnostic;
		ebcc_buf_clear(&last_hint);
		ebcc_buf_append_string(&last_hint, ebcc_buf_string(&rendering.hint));
	}
	while (ret->size && ret->data[ret->size - 1] == '\n')
		ret->data[--ret->size] = '\0';
}

void ebcc_diagnostics_render_warning(const struct ebcc_cc_answer *answer, size_t index,
				     const struct ebcc_compiled *compiled, struct ebcc_buf *ret)
{
	struct ebcc_cc_answer one = *answer;

	one.diagnostics += index;
	one.diagnostic_count = 1;
	ebcc_diagnostics_render(&one, compiled, EBCC_CC_WARNING, ret);
}

static bool is_explained(const struct ebcc_cc_diagnostic *diagnostic,
			 const struct ebcc_compiled *compiled)
{
	CLEANUP(rendering_deinit) struct rendering rendering = {0};

	if (strstr(diagnostic->message, "did you mean"))
		return true;
	rendering_init(&rendering, diagnostic, compiled);
	return rendering.hint.size;
}

/* Finds the name that follows some words in a message. */
static bool quoted_name(const char *message, const char *words, const char **ret,
			size_t *ret_length)
{
	const char *at = strstr(message, words);

	if (!at)
		return false;
	*ret = at + strlen(words);
	for (*ret_length = 0; is_name_char((*ret)[*ret_length]);)
		++*ret_length;
	return true;
}

/* BTF has all members of structs and all types that are used, and lower-case names are rarely
 * macros unless they are called. */
bool ebcc_diagnostic_needs_headers(const struct ebcc_cc_diagnostic *diagnostic,
				   const struct ebcc_compiled *compiled)
{
	const char *message = diagnostic->message, *name;
	bool likely = strstr(message, "file not found");
	size_t length;

	if (quoted_name(message, "undeclared identifier '", &name, &length)) {
		likely = true;
		for (size_t i = 0; i < length; i++)
			likely &= !islower((unsigned char)name[i]);
	} else if (quoted_name(message, "undeclared function '", &name, &length)) {
		likely = strncmp(name, "bpf_", 4);
	} else if (quoted_name(message, "unknown type name '", &name, &length)) {
		likely = length > 2 && !strncmp(name + length - 2, "_t", 2);
	}
	return likely && !is_explained(diagnostic, compiled);
}

bool ebcc_diagnostics_lack_sections(const struct ebcc_cc_answer *answer,
				    const struct ebcc_compiled *compiled)
{
	if (answer->parsed || !strstr(compiled->source, "SEC(\"") ||
	    ebcc_source_defines_macro(compiled->source, "SEC"))
		return false;
	for (size_t i = 0; i < answer->diagnostic_count; i++) {
		const struct ebcc_cc_diagnostic *diagnostic = &answer->diagnostics[i];

		/* Without the macro, SEC("...") looks like a function with a string for a
		 * parameter. */
		if (!strcmp(diagnostic->message, "expected parameter declarator") &&
		    diagnostic->rendered && strstr(diagnostic->rendered, "SEC(\""))
			return true;
	}
	return false;
}
