// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cli.h"

/* The length of the UTF-8 sequence at @text, if it is a valid one that isn't a control character;
 * else 0. */
static size_t printable_length(const unsigned char *text, size_t size)
{
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = *text < 0x80	     ? 1
			: *text >> 5 == 0x6  ? 2
			: *text >> 4 == 0xe  ? 3
			: *text >> 3 == 0x1e ? 4
					     : 0;
	unsigned code = length == 1 ? *text : *text & (0xff >> (length + 1));

	if (!length || length > size)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (text[i] >> 6 != 0x2)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return 0;
	/* The second code of a long form, a half of a pair, or one that turns text around. */
	if (code < least[length] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
		return 0;
	return code >= 0x202a && code <= 0x202e ? 0 : length;
}

void cli_escape(struct ebcc_buf *ret, const char *text, size_t size, bool lines)
{
	for (size_t at = 0; at < size;) {
		size_t length = printable_length((const unsigned char *)text + at, size - at);

		if (lines && (text[at] == '\n' || text[at] == '\t'))
			length = 1;
		if (length)
			ebcc_buf_append(ret, text + at, length);
		else
			ebcc_buf_printf(ret, "\\x%02x", (unsigned char)text[at]);
		at += length ? length : 1;
	}
}

/* Whether text is plain ASCII, as nearly all names are. */
static bool is_plain(const char *text)
{
	while (*text >= 0x20 && *text < 0x7f)
		text++;
	return !*text;
}

static void put(FILE *file, const char *text, bool lines)
{
	AUTO_BUF struct ebcc_buf escaped = EBCC_BUF_INIT;

	if (is_plain(text)) {
		fputs(text, file);
		return;
	}
	cli_escape(&escaped, text, strlen(text), lines);
	fwrite(ebcc_buf_string(&escaped), 1, escaped.size, file);
}

void cli_put(FILE *file, const char *text)
{
	put(file, text, false);
}

void cli_put_lines(FILE *file, const char *text)
{
	put(file, text, true);
}

void cli_complain(const char *format, ...)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	va_list args;

	va_start(args, format);
	ebcc_buf_vprintf(&text, format, args);
	va_end(args);
	/* What was printed so far belongs before it. */
	fflush(stdout);
	fputs("ebcc: ", stderr);
	cli_put_lines(stderr, ebcc_buf_string(&text));
	fputc('\n', stderr);
}

void cli_error_text(const struct ebcc_error *error, struct ebcc_buf *ret)
{
	const char *message = ebcc_error_message(error), *details = ebcc_error_details(error);
	bool diagnostics = details && *details && strstr(message, details);

	if (diagnostics && ebcc_error_code(error) == EBCC_ERROR_COMPILE) {
		/* As a compiler prints them: editors look for "FILE:LINE:COLUMN:" at the start. */
		ebcc_buf_append_string(ret, details);
		return;
	}
	ebcc_buf_printf(ret, "ebcc: %s", message);
	if (details && *details && !diagnostics)
		ebcc_buf_printf(ret, "\n%s", details);
}

int cli_fail(struct ebcc_error *error)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	cli_error_text(error, &text);
	while (text.size && text.data[text.size - 1] == '\n')
		text.data[--text.size] = '\0';
	fflush(stdout);
	cli_put_lines(stderr, ebcc_buf_string(&text));
	fputc('\n', stderr);
	ebcc_error_destroy(error);
	return CLI_FAILED;
}

int cli_no_memory(void)
{
	return cli_fail(ebcc_error_no_memory());
}

json_t *cli_json_bytes(const char *text, size_t size)
{
	AUTO_BUF struct ebcc_buf escaped = EBCC_BUF_INIT;
	json_t *value = json_stringn(text, size);

	if (value)
		return value;
	cli_escape(&escaped, text, size, true);
	return json_stringn(ebcc_buf_string(&escaped), escaped.size);
}

json_t *cli_json_text(const char *text)
{
	return text ? cli_json_bytes(text, strlen(text)) : json_null();
}

/* By enum ebcc_error_code. */
static const char *const codes[] = {
	[EBCC_ERROR_NO_MEMORY] = "no memory",
	[EBCC_ERROR_INVALID_ARGUMENT] = "invalid argument",
	[EBCC_ERROR_OS] = "os",
	[EBCC_ERROR_PERMISSION] = "permission",
	[EBCC_ERROR_NOT_FOUND] = "not found",
	[EBCC_ERROR_UNSUPPORTED] = "unsupported",
	[EBCC_ERROR_COMPILE] = "compile",
	[EBCC_ERROR_KERNEL_TYPES] = "kernel types",
	[EBCC_ERROR_LOAD] = "load",
	[EBCC_ERROR_ATTACH] = "attach",
	[EBCC_ERROR_FORMAT] = "format",
	[EBCC_ERROR_STATE] = "state",
	[EBCC_ERROR_INTERRUPTED] = "interrupted",
	[EBCC_ERROR_CALLBACK] = "callback",
	[EBCC_ERROR_OTHER_KERNEL] = "other kernel",
};

json_t *cli_json_error(const struct ebcc_error *error)
{
	unsigned code = ebcc_error_code(error);
	const char *name = code < sizeof(codes) / sizeof(*codes) ? codes[code] : NULL;

	return json_pack("{s:o,s:o}", "code", cli_json_text(name ? name : "other"), "message",
			 cli_json_text(ebcc_error_message(error)));
}

static void print_json(json_t *value, size_t flags)
{
	if (!value || json_dumpf(value, stdout, flags | JSON_ENCODE_ANY))
		cli_complain("the output can't be written as JSON: there is not enough memory");
	putchar('\n');
	json_decref(value);
}

void cli_print_json(json_t *value)
{
	print_json(value, JSON_INDENT(2));
}

void cli_print_json_line(json_t *value)
{
	print_json(value, JSON_COMPACT);
}

int cli_finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	if (errno != EPIPE)
		cli_complain("the output can't be written: %s", ebcc_errno_message(errno));
	return status == CLI_OK ? CLI_FAILED : status;
}
