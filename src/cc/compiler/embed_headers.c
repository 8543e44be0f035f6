// SPDX-License-Identifier: Apache-2.0
/*
 * Build-time program: turns headers into a C file with a table from virtual path to text
 * (embedded.h). Comments, and what aligns the backslashes of macros, are removed, so that there is
 * less to parse; newlines are kept, so that line numbers stay right. The function pointers in
 * libbpf's table of helpers are made constant: calls through variables don't fold before inlining.
 *
 * embed_headers OUT VIRTUAL_PATH FILE [VIRTUAL_PATH FILE]... [--helpers VIRTUAL_PATH FILE]
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BUILD_TOOL "embed_headers"
#include "base/build_tool.h"

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

/* Removes blanks at the end of what was written, except one. */
static char *trim(const char *text, char *out)
{
	while (out - text > 1 && isblank((unsigned char)out[-1]) && isblank((unsigned char)out[-2]))
		out--;
	return out;
}

static void strip(char *text)
{
	const char *in = text;
	char *out = text;

	while (*in) {
		if (in[0] == '\\' && in[1] == '\n')
			out = trim(text, out);
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
 * The table of helpers is read token by token, since its form differs between libbpf releases. Each
 * helper is a variable, const or not: a function pointer whose value is the helper's number. Words
 * before its type may be macros of the header, which expand to attributes.
 */
#define MAX_HELPERS 4096
#define MAX_TOKENS 512

struct token {
	const char *text;
	size_t size;
};

struct declaration {
	struct token tokens[MAX_TOKENS];
	size_t count;
};

struct helper {
	const struct token *type, *name, *parameters;
	size_t type_count, parameter_count;
	unsigned long number;
};

/* Fails the build and shows the header's line. */
static _Noreturn void die_at(const char *what, const char *text)
{
	char line[120];

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	die(what, line);
}

static bool is_word_part(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool token_is(const struct token *token, const char *text)
{
	return token->size == strlen(text) && !memcmp(token->text, text, token->size);
}

/* Reads the next token; false at the end. Lines of the preprocessor are skipped. */
static bool next_token(const char **in, struct token *ret)
{
	const char *p = *in + strspn(*in, " \t\r\n");

	while (*p == '#') {
		for (p += strcspn(p, "\n"); *p && p[-1] == '\\';)
			p += 1 + strcspn(p + 1, "\n");
		p += strspn(p, " \t\r\n");
	}
	*ret = (struct token){.text = p, .size = *p != '\0'};
	while (is_word_part(*p) && is_word_part(p[ret->size]))
		ret->size++;
	*in = p + ret->size;
	return ret->size;
}

/* Reads the tokens up to a semicolon; false at the end of the text. */
static bool next_declaration(const char **in, struct declaration *ret)
{
	struct token token;

	ret->count = 0;
	while (next_token(in, &token) && !token_is(&token, ";")) {
		if (ret->count == MAX_TOKENS)
			die_at("a helper's declaration is too long", ret->tokens[0].text);
		ret->tokens[ret->count++] = token;
	}
	if (ret->count && !token.size)
		die_at("a helper's declaration has no end", ret->tokens[0].text);
	return token.size;
}

/* The index of the tokens `( * bpf_x ) (`, possibly with const; the token count if there are
 * none. */
static size_t find_declarator(const struct declaration *declaration, size_t *ret_name)
{
	const struct token *tokens = declaration->tokens;

	for (size_t i = 0; i + 4 < declaration->count; i++) {
		size_t name = i + 2 + token_is(&tokens[i + 2], "const");

		if (name + 2 < declaration->count && token_is(&tokens[i], "(") &&
		    token_is(&tokens[i + 1], "*") && !strncmp(tokens[name].text, "bpf_", 4) &&
		    token_is(&tokens[name + 1], ")") && token_is(&tokens[name + 2], "(")) {
			*ret_name = name;
			return i;
		}
	}
	return declaration->count;
}

/* The number after the equals sign and the cast, which is the last token. */
static unsigned long helper_number(const struct declaration *declaration, size_t from)
{
	const struct token *tokens = declaration->tokens, *last = &tokens[declaration->count - 1];
	char *end;
	unsigned long number = strtoul(last->text, &end, 0);

	if (declaration->count - from < 3 || !token_is(&tokens[from], "=") || !number ||
	    end != last->text + last->size)
		die_at("a helper has no number", tokens[0].text);
	return number;
}

/* Whether the header defines a word as a macro. */
static bool is_macro(const char *header, const struct token *word)
{
	for (const char *p = header; (p = strstr(p, "define")); p += strlen("define")) {
		const char *name = p + strlen("define");

		name += strspn(name, " \t");
		if (!strncmp(name, word->text, word->size) && !is_word_part(name[word->size]))
			return true;
	}
	return false;
}

static bool read_helper(const char *header, const struct declaration *declaration,
			struct helper *ret)
{
	const struct token *tokens = declaration->tokens;
	size_t name = 0, declarator = find_declarator(declaration, &name), begin = 0, end;
	int depth = 1;

	if (declarator == declaration->count)
		return false;
	while (begin < declarator &&
	       (token_is(&tokens[begin], "static") || is_macro(header, &tokens[begin])))
		begin++;
	for (end = name + 3; end < declaration->count && depth; end++)
		depth += token_is(&tokens[end], "(") - token_is(&tokens[end], ")");
	*ret = (struct helper){.type = tokens + begin,
			       .type_count = declarator - begin,
			       .name = tokens + name,
			       .parameters = tokens + name + 3,
			       .parameter_count = end - 1 - (name + 3),
			       .number = helper_number(declaration, end)};
	return true;
}

/* Copies the tokens, with one space wherever there was white space. */
static char *put_tokens(char *out, const struct token *tokens, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i && tokens[i - 1].text + tokens[i - 1].size != tokens[i].text)
			*out++ = ' ';
		out = mempcpy(out, tokens[i].text, tokens[i].size);
	}
	return out;
}

/* Writes the helper as a constant pointer: calls through variables don't fold before inlining. */
static char *put_helper(char *out, const struct helper *helper)
{
	out = stpcpy(out, "static ");
	out = put_tokens(out, helper->type, helper->type_count);
	out = stpcpy(out, " (*const ");
	out = put_tokens(out, helper->name, 1);
	out = stpcpy(out, ")(");
	out = put_tokens(out, helper->parameters, helper->parameter_count);
	return out + sprintf(out, ") = (void *)%lu;\n", helper->number);
}

/* The helpers, and the structs that they name, one declaration per line. */
static char *transform_helpers(const char *text)
{
	static bool used[MAX_HELPERS];
	char *result = malloc(4 * strlen(text) + 64), *out = result;
	struct declaration declaration;
	struct helper helper;

	out = stpcpy(out, "typedef __u32 __wsum;\n");
	for (const char *in = text; next_declaration(&in, &declaration);) {
		if (read_helper(text, &declaration, &helper)) {
			if (helper.number >= MAX_HELPERS || used[helper.number])
				die_at("a helper's number is out of range or used twice",
				       declaration.tokens[0].text);
			used[helper.number] = true;
			out = put_helper(out, &helper);
		} else if (declaration.count == 2 && token_is(declaration.tokens, "struct")) {
			out = put_tokens(out, declaration.tokens, declaration.count);
			out = stpcpy(out, ";\n");
		} else if (declaration.count) {
			die_at("an unknown declaration among the helpers",
			       declaration.tokens[0].text);
		}
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

	strip(text);
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
	fprintf(out, "#include \"compiler/embedded.h\"\n\nconst struct ebcc_cc_file "
		     "ebcc_embedded_files[] = {\n");
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
