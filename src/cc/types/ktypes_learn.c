// SPDX-License-Identifier: Apache-2.0
/*
 * What clang's diagnostics tell about the kernel types text: a name that it lacks, or one that it
 * has but shouldn't. The messages are matched by clang's wording. Nothing is learnt from an unknown
 * one, and what remains is to try with all types.
 */
#include <ctype.h>
#include <string.h>

#include "types/ktypes_internal.h"

/* A name in a message or a source line. */
struct name {
	const char *start;
	size_t size;
};

static bool is_name_part(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static struct name name_at(const char *text)
{
	struct name name = {text, 0};

	if (isalpha((unsigned char)*text) || *text == '_')
		while (is_name_part(text[name.size]))
			name.size++;
	return name;
}

/* Sets and clears bits of a name's uses; *@learnt becomes true if they changed. */
static struct ebcc_error *change(struct ebcc_ktypes *ktypes, struct name name, unsigned set,
				 unsigned clear, bool *learnt)
{
	uint64_t *uses, before;

	if (!name.size)
		return NULL;
	uses = ebcc_hash_insert(&ktypes->scan.names, name.start, name.size);
	if (!uses)
		return ebcc_error_no_memory();
	before = *uses;
	*uses = (before & ~(uint64_t)clear) | set;
	*learnt |= *uses != before;
	return NULL;
}

static struct ebcc_error *add_ordinary(struct ebcc_ktypes *ktypes, struct name name, bool *learnt)
{
	return change(ktypes, name, EBCC_SCAN_ASKED | EBCC_SCAN_TOKEN, EBCC_SCAN_DROPPED_ORDINARY,
		      learnt);
}

static struct ebcc_error *add_tag(struct ebcc_ktypes *ktypes, struct name name, bool *learnt)
{
	static const char prefix[] = "tracepoint__";
	size_t size = strlen(prefix);

	if (name.size > size && !memcmp(name.start, prefix, size)) {
		size_t before = ktypes->scan.tracepoint_count;

		TRY(ebcc_scan_add_tracepoint(&ktypes->scan, NULL, 0, name.start + size,
					     name.size - size));
		*learnt |= ktypes->scan.tracepoint_count != before;
		return NULL;
	}
	return change(ktypes, name, EBCC_SCAN_ASKED | EBCC_SCAN_TAG, EBCC_SCAN_DROPPED_TAG, learnt);
}

/* The name after the first @prefix in the message; empty if it is not there. */
static struct name quoted_after(const char *message, const char *prefix)
{
	const char *at = strstr(message, prefix);

	return at ? name_at(at + strlen(prefix)) : (struct name){0};
}

/* Adds every struct, union and enum that a message about an incomplete type mentions. */
static struct ebcc_error *add_incomplete(struct ebcc_ktypes *ktypes, const char *message,
					 bool *learnt)
{
	static const char *const keywords[] = {"struct ", "union ", "enum "};

	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		for (const char *at = message; (at = strstr(at, keywords[i]));) {
			at += strlen(keywords[i]);
			TRY(add_tag(ktypes, name_at(at), learnt));
		}
	return NULL;
}

static const char *const missing_sentences[] = {
	"use of undeclared identifier '",
	"unknown type name '",
	"call to undeclared function '",
	"call to undeclared library function '",
	"implicit declaration of function '",
	"implicitly declaring library function '",
	"no member named '",
	"field designator '",
	"' tag to refer to type '",
};

static const char *const clashing_sentences[] = {
	"redefinition of enumerator '", "redefinition of '",  "conflicting types for '", "use of '",
	"static declaration of '",	"redeclaration of '",
};

/* Returns the place that the caret of a rendered diagnostic points to, in the line of source that
 * it shows (*@ret_line); NULL if it shows none. */
static const char *find_caret(const char *rendered, const char **ret_line)
{
	const char *line = rendered, *before = NULL;

	while (line) {
		size_t size = strcspn(line, "\n");
		const char *caret = memchr(line, '^', size);
		/* The gutter is " 12 | " in the source line and blank before the caret's bar. */
		bool is_marker = caret && strspn(line, " |~\t") == (size_t)(caret - line);

		if (is_marker && before && (size_t)(caret - line) < strcspn(before, "\n")) {
			*ret_line = before;
			return before + (caret - line);
		}
		before = line;
		line = line[size] ? line + size + 1 : NULL;
	}
	return NULL;
}

/* Whether the word before @at in its line is struct, union or enum. */
static bool follows_tag_keyword(const char *line, const char *at)
{
	static const char *const keywords[] = {"struct", "union", "enum"};

	while (at > line && isspace((unsigned char)at[-1]))
		at--;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
		size_t size = strlen(keywords[i]);

		if ((size_t)(at - line) >= size && !memcmp(at - size, keywords[i], size) &&
		    ((size_t)(at - line) == size || !is_name_part(at[-(long)size - 1])))
			return true;
	}
	return false;
}

/*
 * Drops a name that the source defines itself. Whether it is a tag or an ordinary name can be seen
 * in the line of the kernel types text, which the note shows, or else in the source's own line.
 */
static struct ebcc_error *drop(struct ebcc_ktypes *ktypes, struct name name,
			       const struct ebcc_cc_diagnostic *diagnostic,
			       const struct ebcc_cc_diagnostic *note, bool *learnt)
{
	const char *line, *caret = find_caret((note ? note : diagnostic)->rendered, &line);
	bool tag = caret && follows_tag_keyword(line, caret);

	return change(ktypes, name, tag ? EBCC_SCAN_DROPPED_TAG : EBCC_SCAN_DROPPED_ORDINARY,
		      EBCC_SCAN_ASKED, learnt);
}

/* The name that a diagnostic or its note points to. */
static struct name pointed_name(const struct ebcc_cc_diagnostic *diagnostic,
				const struct ebcc_cc_diagnostic *note)
{
	const char *line, *caret = find_caret((note ? note : diagnostic)->rendered, &line);

	return caret ? name_at(caret) : (struct name){0};
}

static struct ebcc_error *learn_clash(struct ebcc_ktypes *ktypes,
				      const struct ebcc_cc_diagnostic *diagnostic,
				      const struct ebcc_cc_diagnostic *note, bool *learnt)
{
	const char *message = diagnostic->message;

	for (size_t i = 0; i < sizeof(clashing_sentences) / sizeof(*clashing_sentences); i++) {
		struct name name = quoted_after(message, clashing_sentences[i]);

		/* "use of 'x' with tag type that does not match previous declaration" */
		if (!name.size || (!strncmp(clashing_sentences[i], "use of", 6) &&
				   !strstr(message, "with tag type")))
			continue;
		if (strstr(message, "with tag type"))
			return change(ktypes, name, EBCC_SCAN_DROPPED_TAG, EBCC_SCAN_ASKED, learnt);
		return drop(ktypes, name, diagnostic, note, learnt);
	}
	/* "typedef redefinition with different types ('int' vs 'unsigned int')" has no name. */
	if (strstr(message, "typedef redefinition"))
		return drop(ktypes, pointed_name(diagnostic, note), diagnostic, note, learnt);
	return NULL;
}

static struct ebcc_error *learn_one(struct ebcc_ktypes *ktypes,
				    const struct ebcc_cc_diagnostic *diagnostic,
				    const struct ebcc_cc_diagnostic *note, bool *learnt)
{
	const char *message = diagnostic->message;

	for (size_t i = 0; i < sizeof(missing_sentences) / sizeof(*missing_sentences); i++)
		TRY(add_ordinary(ktypes, quoted_after(message, missing_sentences[i]), learnt));
	if (strstr(message, "incomplete") || strstr(message, "never completed"))
		TRY(add_incomplete(ktypes, message, learnt));
	return learn_clash(ktypes, diagnostic, note, learnt);
}

struct ebcc_error *ebcc_ktypes_learn(struct ebcc_ktypes *ktypes,
				     const struct ebcc_cc_diagnostic *diagnostics, size_t count,
				     bool *ret_learnt)
{
	bool learnt = false;

	for (size_t i = 0; i < count; i++) {
		const struct ebcc_cc_diagnostic *note = NULL;

		if (diagnostics[i].severity == EBCC_CC_NOTE || !diagnostics[i].message ||
		    !diagnostics[i].rendered)
			continue;
		if (i + 1 < count && diagnostics[i + 1].severity == EBCC_CC_NOTE &&
		    diagnostics[i + 1].rendered)
			note = &diagnostics[i + 1];
		TRY(learn_one(ktypes, &diagnostics[i], note, &learnt));
	}
	*ret_learnt = learnt;
	return NULL;
}

/* Beginnings of messages that don't depend on what the kernel declares. */
static const char *const form_sentences[] = {
	"expected ",
	"extraneous ",
	"missing terminating ",
	"unterminated ",
	"too few arguments ",
	"too many arguments ",
	"too many errors emitted",
	"argument may not have 'void' type",
	"'void' must be the first and only parameter",
	"redefinition of '__ebcc_",
	"use of undeclared label ",
	"cannot open file ",
	"this flag is not allowed",
	"this compiler flag is not supported",
};

static bool is_about_form(const char *message)
{
	if (strstr(message, "struct __ebcc_methods_"))
		return true;
	if (!strncmp(message, "expected a type", strlen("expected a type")))
		return false;
	for (size_t i = 0; i < sizeof(form_sentences) / sizeof(*form_sentences); i++)
		if (!strncmp(message, form_sentences[i], strlen(form_sentences[i])))
			return true;
	return false;
}

/* Whether something is expected right after a word that looks like a kernel macro ("char __user
 * *name"), and more of the line follows. After any other word it is a mistake in the source. */
static bool may_lack_macro(const struct ebcc_cc_diagnostic *diagnostic)
{
	const char *line, *caret = find_caret(diagnostic->rendered, &line), *start;
	bool is_small = false;
	size_t rest;

	/* At the end of the line a macro can't be what is missing. */
	if (!caret)
		return false;
	rest = strspn(caret, " \t\r");
	if (!caret[rest] || caret[rest] == '\n')
		return false;
	while (caret > line && isspace((unsigned char)caret[-1]))
		caret--;
	for (start = caret; start > line && is_name_part(start[-1]); start--)
		is_small |= islower((unsigned char)start[-1]) != 0;
	return start < caret && !isdigit((unsigned char)*start) && (*start == '_' || !is_small);
}

static bool may_help(const struct ebcc_cc_answer *answer, bool headers)
{
	if (answer->status != EBCC_CC_SOURCE_ERROR || answer->parsed)
		return false;
	for (size_t i = 0; i < answer->diagnostic_count; i++) {
		const struct ebcc_cc_diagnostic *diagnostic = &answer->diagnostics[i];

		if (diagnostic->severity >= EBCC_CC_ERROR &&
		    (!is_about_form(diagnostic->message) ||
		     (headers && !strncmp(diagnostic->message, "expected ", 9) &&
		      may_lack_macro(diagnostic))))
			return true;
	}
	return false;
}

bool ebcc_ktypes_may_help(const struct ebcc_cc_answer *answer)
{
	return may_help(answer, false);
}

bool ebcc_ktypes_headers_may_help(const struct ebcc_cc_answer *answer)
{
	return may_help(answer, true);
}
