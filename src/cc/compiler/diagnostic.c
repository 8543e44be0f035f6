// SPDX-License-Identifier: Apache-2.0
/*
 * Renders diagnostics of LLVM's passes and backend with source line and caret, from the texts in
 * the request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/answer.h"
#include "compiler/diagnostic.h"

/* Paths in debug info are relative to the compile directory and begin with "./". */
static const char *plain_path(const char *path)
{
	return !strncmp(path, "./", 2) ? path + 2 : path;
}

static const char *find_text(const struct ebcc_cc_request *request, const char *path,
			     size_t *ret_size)
{
	const char *source_path = request->source_path ? request->source_path : "";

	if (!strcmp(plain_path(path), plain_path(source_path))) {
		*ret_size = request->source_size;
		return request->source;
	}
	for (size_t i = 0; i < request->file_count; i++) {
		if (!strcmp(path, request->files[i].path)) {
			*ret_size = request->files[i].size;
			return request->files[i].text;
		}
	}
	return NULL;
}

/* The line's text without its newline, or NULL if there is no such line. */
static const char *find_line(const char *text, size_t size, unsigned line, size_t *ret_length)
{
	const char *end = text + size;

	while (--line) {
		text = memchr(text, '\n', end - text);
		if (!text++)
			return NULL;
	}
	const char *newline = memchr(text, '\n', end - text);

	*ret_length = (newline ? newline : end) - text;
	return *ret_length ? text : NULL;
}

const char *ebcc_cc_source_line(const struct ebcc_cc_request *request, const char *path,
				unsigned line, size_t *ret_length)
{
	size_t size;
	const char *text = line ? find_text(request, path, &size) : NULL;

	return text ? find_line(text, size, line, ret_length) : NULL;
}

static void render_snippet(FILE *out, const struct ebcc_cc_request *request, const char *path,
			   unsigned line, unsigned column)
{
	size_t length;
	const char *text = ebcc_cc_source_line(request, path, line, &length);

	if (!text)
		return;
	fprintf(out, "%5u | ", line);
	fwrite(text, 1, length, out);
	fputc('\n', out);
	if (!column || column > length + 1)
		return;
	fputs("      | ", out);
	/* Keep tabs, so that the caret is below its character. */
	for (unsigned i = 0; i + 1 < column; i++)
		fputc(text[i] == '\t' ? '\t' : ' ', out);
	fputs("^\n", out);
}

static bool is_known(const struct ebcc_cc_answer *answer, enum ebcc_cc_severity severity,
		     const char *path, unsigned line, unsigned column, const char *message)
{
	for (size_t i = 0; i < answer->diagnostic_count; i++) {
		const struct ebcc_cc_diagnostic *known = &answer->diagnostics[i];

		if (known->severity == severity && known->line == line && known->column == column &&
		    !strcmp(known->path, path) && !strcmp(known->message, message))
			return true;
	}
	return false;
}

void ebcc_cc_diagnose(struct ebcc_cc_answer *answer, const struct ebcc_cc_request *request,
		      enum ebcc_cc_severity severity, const char *path, unsigned line,
		      unsigned column, const char *message)
{
	char *rendered = NULL;
	size_t size;
	FILE *out;

	path = plain_path(path);
	if (is_known(answer, severity, path, line, column, message))
		return;
	out = open_memstream(&rendered, &size);
	if (out) {
		if (line && column)
			fprintf(out, "%s:%u:%u: ", path, line, column);
		else if (line)
			fprintf(out, "%s:%u: ", path, line);
		fprintf(out, "%s: %s\n", ebcc_cc_severity_name(severity), message);
		if (line)
			render_snippet(out, request, path, line, column);
		fclose(out);
	}
	ebcc_cc_answer_add_diagnostic(answer, severity, path, line, column, message, rendered);
	free(rendered);
}
