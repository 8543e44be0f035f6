// SPDX-License-Identifier: Apache-2.0
/*
 * Build-time program: turns headers into a C file with a table from virtual path to text
 * (embedded.h). Comments are left out, newlines kept, so that there is less to parse and
 * line numbers still fit. libbpf's helper table is changed on the way: its
 * function pointers become constants, else calls through them don't fold before inlining.
 *
 * embed_headers OUT VIRTUAL_PATH FILE [VIRTUAL_PATH FILE]... [--helpers VIRTUAL_PATH FILE]
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BUILD_TOOL "embed_headers"
#include "build_tool.h"

/* Copies a string or character literal whole; returns what comes after it. */
static const char *copy_literal(const char *in, char **out)
{
	char quote = *in;

	*(*out)++ = *in++;
	while (*in && *in != quote && *in != '\n') {
		if (*in == '\\' && in[1])
			*(*out)++ = *in++;
		*(*out)++ = *in++;
	}
	if (*in == quote)
		*(*out)++ = *in++;
	return in;
}

static const char *skip_block_comment(const char *in, char **out)
{
	for (in += 2; *in && !(in[0] == '*' && in[1] == '/'); in++)
		if (*in == '\n')
			*(*out)++ = '\n';
	*(*out)++ = ' ';
	return *in ? in + 2 : in;
}

static void strip_comments(char *text)
{
	const char *in = text;
	char *out = text;

	while (*in) {
		if (in[0] == '/' && in[1] == '*')
			in = skip_block_comment(in, &out);
		else if (in[0] == '/' && in[1] == '/')
			in += strcspn(in, "\n");
		else if (*in == '"' || *in == '\'')
			in = copy_literal(in, &out);
		else
			*out++ = *in++;
	}
	*out = '\0';
}

/*
 * Keeps the declarations of the helper table, one per line, with constant pointers:
 * `static T (*bpf_x)(...) = (void *) N;` gets `*const`.
 */
static char *transform_helpers(const char *text)
{
	char *result = malloc(2 * strlen(text) + 64), *out = result;

	out = stpcpy(out, "typedef __u32 __wsum;\n");
	for (const char *line = text, *next; *line; line = next) {
		size_t length = strcspn(line, "\n");
		const char *star = memmem(line, length, "(*bpf_", 6);

		next = line + length + (line[length] == '\n');
		if (strspn(line, " \t") >= length)
			continue;
		if (star) {
			out = mempcpy(out, line, star + 2 - line);
			out = stpcpy(out, "const ");
			length -= star + 2 - line;
			line = star + 2;
		}
		out = mempcpy(out, line, length);
		*out++ = '\n';
	}
	*out = '\0';
	return result;
}

static void write_literal(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		switch (*text) {
		case '\n':
			fputs(text[1] ? "\\n\"\n\"" : "\\n", out);
			break;
		case '\t':
			fputs("\\t", out);
			break;
		case '"':
		case '\\':
			fprintf(out, "\\%c", *text);
			break;
		default:
			fputc(*text, out);
		}
	}
	fputc('"', out);
}

static void embed(FILE *out, const char *path, const char *file, bool helpers, XXH64_state_t *hash)
{
	char *text = read_file(file);

	strip_comments(text);
	if (helpers) {
		char *transformed = transform_helpers(text);

		if (!strstr(transformed, "(*const bpf_"))
			die("no BPF helpers found in", file);
		free(text);
		text = transformed;
	}
	XXH64_update(hash, path, strlen(path) + 1);
	XXH64_update(hash, text, strlen(text) + 1);
	fprintf(out, "\t{.path = ");
	write_literal(out, path);
	fprintf(out, ", .size = %zu, .text =\n", strlen(text));
	write_literal(out, text);
	fprintf(out, "},\n");
	free(text);
}

int main(int argc, char **argv)
{
	XXH64_state_t *hash = XXH64_createState();
	FILE *out = argc > 3 ? fopen(argv[1], "w") : NULL;

	if (!out)
		die("can't write", argc > 3 ? argv[1] : "no arguments");
	XXH64_reset(hash, 0);
	fprintf(out,
		"#include \"embedded.h\"\n\nconst struct ebcc_cc_file ebcc_embedded_files[] = {\n");
	for (int i = 2; i + 1 < argc; i += 2) {
		bool helpers = !strcmp(argv[i], "--helpers");

		i += helpers;
		if (i + 1 < argc)
			embed(out, argv[i], argv[i + 1], helpers, hash);
	}
	fprintf(out,
		"};\nconst size_t ebcc_embedded_file_count = sizeof(ebcc_embedded_files) / "
		"sizeof(ebcc_embedded_files[0]);\n"
		"const char ebcc_embedded_hash[] = \"%016llx\";\n",
		(unsigned long long)XXH64_digest(hash));
	XXH64_freeState(hash);
	if (fclose(out))
		die("can't write", argv[1]);
	return 0;
}
