// SPDX-License-Identifier: Apache-2.0
/*
 * Checks the text of the source, because the compiler's output no longer shows what the user wrote.
 * Code inside macros is not checked.
 */
#include "advice/source_warnings.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "advice/hints_names.h"
#include "compiler/answer.h"
#include "kernel/renames.h"

/* ---- Formats ---- */

static unsigned version_of(const char *release)
{
	unsigned major = 0, minor = 0;

	if (!release || sscanf(release, "%u.%u", &major, &minor) != 2)
		return ~0u;
	return EBCC_LINUX(major, minor);
}

/* The rest of a format that is being checked. */
struct format {
	const char *at, *end;
	unsigned version;
	unsigned strings; /* %s so far */
};

static char peek(const struct format *format)
{
	return format->at < format->end ? *format->at : '\0';
}

static bool accept(struct format *format, const char *characters)
{
	if (!peek(format) || !strchr(characters, peek(format)))
		return false;
	format->at++;
	return true;
}

/* Skips what follows a percent sign. Returns false if the kernel rejects it. The rules are those of
 * bpf_bprintf_prepare() in the kernel, and before 5.13 of bpf_trace_printk() itself. */
static bool accept_conversion(struct format *format)
{
	bool is_old = format->version < EBCC_LINUX(5, 13), has_width = false;

	if (accept(format, "%"))
		return !is_old;
	while (accept(format, "0+- 123456789"))
		has_width = true;
	if (has_width && is_old)
		return false;
	if (accept(format, "p")) {
		while (isalnum((unsigned char)peek(format)))
			format->at++;
		return true;
	}
	if (accept(format, "s"))
		return !format->strings++ || !is_old;
	if (accept(format, "c"))
		return format->version >= EBCC_LINUX(5, 15);
	if (accept(format, "l"))
		accept(format, "l");
	return accept(format, is_old ? "diux" : "diuxX");
}

const char *ebcc_refused_format(const char *text, size_t size, const char *release,
				size_t *ret_length)
{
	struct format format = {.at = text, .end = text + size, .version = version_of(release)};

	while (format.at < format.end) {
		const char *start = format.at++;

		if (*start == '\\' && format.at < format.end)
			format.at++;
		if (*start != '%' || accept_conversion(&format))
			continue;
		/* What was accepted so far, and the unknown character. */
		format.at += format.at < format.end && format.at == start + 1;
		while (isalpha((unsigned char)peek(&format)) && format.at < start + 4)
			format.at++;
		*ret_length = (size_t)(format.at - start);
		return start;
	}
	return NULL;
}

/* ---- The source ---- */

/* A walk over the words of a source, without comments. */
struct walk {
	const struct ebcc_compiled *compiled;
	const char *path;
	struct ebcc_cc_answer *answer;
	char event[128]; /* of the TRACEPOINT_PROBE(syscalls, ...) that the walk is in; or "" */
	bool warned_of_memory, failed;
};

static void warn(struct walk *walk, const char *at, const char *message)
{
	unsigned line = 1, column = 1;

	for (const char *c = walk->compiled->source; c < at; c++) {
		column = *c == '\n' ? 1 : column + 1;
		line += *c == '\n';
	}
	walk->failed |= !ebcc_cc_answer_add_diagnostic(walk->answer, EBCC_CC_WARNING, walk->path,
						       line, column, message, NULL);
}

static const char *end_of_string(const char *open)
{
	const char *at = open + 1;

	while (*at && *at != '"')
		at += *at == '\\' && at[1] ? 2 : 1;
	return at;
}

/* @at: after the word bpf_trace_printk. */
static void check_format(struct walk *walk, const char *at)
{
	static const char known[] =
		"it supports %d, %i, %u, %x and %X, with l or ll, %s, %c and %p";
	static const char old[] =
		"before Linux 5.13 it supports %d, %i, %u and %x, with l or ll, %p, and "
		"%s once, without a width";
	const char *release = walk->compiled->release, *string, *refused;
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	size_t length;

	at += strspn(at, " \t");
	if (*at != '(')
		return;
	string = at + 1 + strspn(at + 1, " \t\n");
	if (*string != '"')
		return;
	refused = ebcc_refused_format(string + 1, (size_t)(end_of_string(string) - string) - 1,
				      release, &length);
	if (!refused)
		return;
	ebcc_buf_printf(
		&text, "the kernel rejects '%.*s', so this bpf_trace_printk() prints nothing: %s",
		(int)length, refused, version_of(release) < EBCC_LINUX(5, 13) ? old : known);
	warn(walk, refused, ebcc_buf_string(&text));
	walk->failed |= text.failed;
}

/* @at: after the word TRACEPOINT_PROBE. */
static void enter_probe(struct walk *walk, const char *at)
{
	char category[64];

	*walk->event = '\0';
	if (sscanf(at, " ( %63[a-z0-9_] , %127[a-z0-9_] )", category, walk->event) != 2 ||
	    strcmp(category, "syscalls"))
		*walk->event = '\0';
}

/* Whether a field of the system call's tracepoint is a pointer: it then points to user memory. */
static bool is_user_pointer(const struct walk *walk, const char *field, size_t length)
{
	AUTO_BUF struct ebcc_buf tag = EBCC_BUF_INIT, member = EBCC_BUF_INIT;
	const char *start, *end, *found;

	ebcc_buf_printf(&tag, "struct tracepoint__syscalls__%s {", walk->event);
	ebcc_buf_printf(&member, "* %.*s;", (int)length, field);
	start = strstr(walk->compiled->types, ebcc_buf_string(&tag));
	end = start ? strchr(start, '}') : NULL;
	found = end ? strstr(start, ebcc_buf_string(&member)) : NULL;
	return found && found < end;
}

/* @at: the word args, in a probe of a system call: args->NAME[...] or *args->NAME. */
static void check_argument(struct walk *walk, const char *at)
{
	const char *field = at + strlen("args"), *before = at;
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	size_t length = 0;

	if (strncmp(field, "->", 2))
		return;
	field += 2;
	while (isalnum((unsigned char)field[length]) || field[length] == '_')
		length++;
	while (before > walk->compiled->source && isspace((unsigned char)before[-1]))
		before--;
	if (before > walk->compiled->source && before[-1] == '&')
		return;
	/* A star after a name, a number or a parenthesis is a multiplication or part of a type. */
	if (field[length] != '[' && !(before > walk->compiled->source + 1 && before[-1] == '*' &&
				      strchr("=(;{,! ", before[-2])))
		return;
	if (!is_user_pointer(walk, field, length))
		return;
	walk->warned_of_memory = true;
	ebcc_buf_printf(&text,
			"args->%.*s points to user memory, where a page that isn't present "
			"reads as 0: use bpf_probe_read_user() or "
			"bpf_probe_read_user_str(), which report failure",
			(int)length, field);
	warn(walk, at, ebcc_buf_string(&text));
	walk->failed |= text.failed;
}

static bool is_word(const char *at, size_t length, const char *word)
{
	return strlen(word) == length && !memcmp(at, word, length);
}

static void check_word(struct walk *walk, const char *at, size_t length)
{
	if (is_word(at, length, "bpf_trace_printk"))
		check_format(walk, at + length);
	else if (is_word(at, length, "TRACEPOINT_PROBE"))
		enter_probe(walk, at + length);
	else if (is_word(at, length, "args") && *walk->event && !walk->warned_of_memory)
		check_argument(walk, at);
}

struct ebcc_error *ebcc_source_warnings(const struct ebcc_compiled *compiled, const char *path,
					struct ebcc_cc_answer *answer)
{
	struct walk walk = {.compiled = compiled, .path = path, .answer = answer};
	const char *at = compiled->source;

	while (*(at = ebcc_skip_comments(at))) {
		size_t length = 0;

		while (isalnum((unsigned char)at[length]) || at[length] == '_')
			length++;
		check_word(&walk, at, length);
		at += length ? length : 1;
	}
	return walk.failed ? ebcc_error_no_memory() : NULL;
}
