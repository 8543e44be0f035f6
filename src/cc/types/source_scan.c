// SPDX-License-Identifier: Apache-2.0
/*
 * The lexical pass over a source (stage 1). It splits the text into tokens, tracks just enough
 * syntax (braces, typedefs, enumerators, function heads, directives) to distinguish uses from
 * definitions, and follows local headers. Conditionals are not evaluated, except #if 0.
 */
#include "types/source_scan.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/kinds.h"
#include "types/macros.h"

#define MAX_INCLUDE_DEPTH 16
#define MAX_FILES 256
#define MAX_FILE_SIZE (4 << 20)

enum token_kind {
	TOKEN_END, /* end of the text, or of a directive's line */
	TOKEN_NAME,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_PUNCTUATION, /* one character, except -> and ## */
};

struct token {
	enum token_kind kind;
	const char *start;
	size_t size;
};

struct lexer {
	const char *next, *end;
	bool in_directive; /* a newline ends the tokens */
	bool line_start;   /* only blanks since the last newline */
};

/* Shared by a source and all its headers: the search for local headers. */
struct context {
	struct ebcc_scan *scan;
	const struct ebcc_scan_opts *opts;
	unsigned depth;
};

/* The state of the scan of one text. */
struct state {
	struct context *context;
	struct ebcc_scan *scan;
	struct lexer lexer;
	struct token previous;
	int braces, parens;
	bool after_tag_keyword; /* after struct, union or enum; only attributes since */
	bool after_enum_keyword;
	bool opens_record;  /* the next brace opens a struct, a union or an enum with a tag */
	uint64_t records;   /* bit N: the braces at depth N enclose a struct, union or enum */
	bool behind_record; /* after the body of one; only attributes since */
	int enum_braces;    /* depth of the enum's body; 0: not in one */
	bool in_typedef;
	int typedef_braces;
	struct token function; /* name of what may turn out to be a function definition */
	int read_macro_parens; /* depth inside BPF_CORE_READ() or similar; 0: not in one */
};

static struct ebcc_error *scan_with(struct context *context, const char *text, size_t size);

void ebcc_scan_init(struct ebcc_scan *scan)
{
	*scan = (struct ebcc_scan){0};
}

static void free_strings(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

void ebcc_scan_deinit(struct ebcc_scan *scan)
{
	ebcc_hash_deinit(&scan->names);
	for (size_t i = 0; i < scan->tracepoint_count; i++) {
		free(scan->tracepoints[i].category);
		free(scan->tracepoints[i].event);
	}
	free(scan->tracepoints);
	free_strings(scan->includes, scan->include_count);
	free_strings(scan->files, scan->file_count);
	free_strings(scan->defines, scan->define_count);
	ebcc_scan_init(scan);
}

unsigned ebcc_scan_uses(const struct ebcc_scan *scan, const char *name)
{
	const uint64_t *uses = ebcc_hash_find_string(&scan->names, name);

	return uses ? *uses : 0;
}

bool ebcc_scan_names_pid_namespace(const struct ebcc_scan *scan)
{
	return ebcc_scan_uses(scan, "ebcc_ns_pid_tgid") ||
	       ebcc_scan_uses(scan, "ebcc_ns_task_pid_tgid") ||
	       ebcc_scan_uses(scan, "ebcc_ns_task_is_native");
}

static struct ebcc_error *add_use(struct ebcc_scan *scan, const char *name, size_t size,
				  unsigned use)
{
	uint64_t *uses = ebcc_hash_insert(&scan->names, name, size);

	if (!uses)
		return ebcc_error_no_memory();
	*uses |= use;
	return NULL;
}

/* Appends a copy of a string to a list, unless the list has it already. */
static struct ebcc_error *add_string(char ***strings, size_t *count, const char *text, size_t size)
{
	char **bigger;
	char *copy;

	for (size_t i = 0; i < *count; i++)
		if (strlen((*strings)[i]) == size && !memcmp((*strings)[i], text, size))
			return NULL;
	bigger = reallocarray(*strings, *count + 1, sizeof(**strings));
	if (!bigger)
		return ebcc_error_no_memory();
	*strings = bigger;
	copy = strndup(text, size);
	if (!copy)
		return ebcc_error_no_memory();
	(*strings)[(*count)++] = copy;
	return NULL;
}

struct ebcc_error *ebcc_scan_add_tracepoint(struct ebcc_scan *scan, const char *category,
					    size_t category_size, const char *event,
					    size_t event_size)
{
	struct ebcc_scan_tracepoint added = {0}, *bigger;

	for (size_t i = 0; i < scan->tracepoint_count; i++) {
		const struct ebcc_scan_tracepoint *tp = &scan->tracepoints[i];

		if (!tp->category == !category && strlen(tp->event) == event_size &&
		    !memcmp(tp->event, event, event_size) &&
		    (!category || (strlen(tp->category) == category_size &&
				   !memcmp(tp->category, category, category_size))))
			return NULL;
	}
	bigger = reallocarray(scan->tracepoints, scan->tracepoint_count + 1, sizeof(*bigger));
	if (!bigger)
		return ebcc_error_no_memory();
	scan->tracepoints = bigger;
	added.category = category ? strndup(category, category_size) : NULL;
	added.event = strndup(event, event_size);
	if (!added.event || !added.category != !category) {
		free(added.category);
		free(added.event);
		return ebcc_error_no_memory();
	}
	scan->tracepoints[scan->tracepoint_count++] = added;
	return NULL;
}

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || c == '$';
}

static bool is_name_part(char c)
{
	return is_name_start(c) || isdigit((unsigned char)c);
}

/* Whether there is a backslash and a newline at @p; *@ret_size is their size. */
static bool continues_line(const char *p, const char *end, size_t *ret_size)
{
	if (end - p >= 2 && p[0] == '\\' && p[1] == '\n')
		*ret_size = 2;
	else if (end - p >= 3 && p[0] == '\\' && p[1] == '\r' && p[2] == '\n')
		*ret_size = 3;
	else
		return false;
	return true;
}

static void skip_line_comment(struct lexer *lexer)
{
	size_t size;

	while (lexer->next < lexer->end && *lexer->next != '\n')
		if (continues_line(lexer->next, lexer->end, &size))
			lexer->next += size;
		else
			lexer->next++;
}

static void skip_block_comment(struct lexer *lexer)
{
	const char *close = memmem(lexer->next + 2, lexer->end - lexer->next - 2, "*/", 2);

	lexer->next = close ? close + 2 : lexer->end;
}

/* Skips blanks and comments; false at the end of the text or of the directive. */
static bool skip_blanks(struct lexer *lexer)
{
	size_t size;

	while (lexer->next < lexer->end) {
		const char *p = lexer->next;

		if (continues_line(p, lexer->end, &size)) {
			lexer->next += size;
		} else if (*p == '\n') {
			if (lexer->in_directive)
				return false;
			lexer->line_start = true;
			lexer->next++;
		} else if (isspace((unsigned char)*p)) {
			lexer->next++;
		} else if (*p == '/' && lexer->end - p > 1 && p[1] == '/') {
			skip_line_comment(lexer);
		} else if (*p == '/' && lexer->end - p > 1 && p[1] == '*') {
			skip_block_comment(lexer);
		} else {
			return true;
		}
	}
	return false;
}

static void lex_quoted(struct lexer *lexer, char quote)
{
	const char *p = lexer->next + 1;

	while (p < lexer->end && *p != quote && *p != '\n')
		p += *p == '\\' && lexer->end - p > 1 ? 2 : 1;
	lexer->next = p < lexer->end && *p == quote ? p + 1 : p;
}

/* A preprocessing number: 0x1fULL, 1.5e+3. */
static void lex_number(struct lexer *lexer)
{
	const char *p = lexer->next;

	while (p < lexer->end && (is_name_part(*p) || *p == '.' ||
				  ((*p == '+' || *p == '-') && strchr("eEpP", p[-1]))))
		p++;
	lexer->next = p;
}

static struct token next_token(struct lexer *lexer)
{
	struct token token = {.kind = TOKEN_END};
	char c;

	if (!skip_blanks(lexer))
		return token;
	token.start = lexer->next;
	c = *lexer->next;
	if (is_name_start(c)) {
		token.kind = TOKEN_NAME;
		while (lexer->next < lexer->end && is_name_part(*lexer->next))
			lexer->next++;
	} else if (isdigit((unsigned char)c) || (c == '.' && lexer->end - lexer->next > 1 &&
						 isdigit((unsigned char)lexer->next[1]))) {
		token.kind = TOKEN_NUMBER;
		lex_number(lexer);
	} else if (c == '"' || c == '\'') {
		token.kind = TOKEN_STRING;
		lex_quoted(lexer, c);
	} else {
		token.kind = TOKEN_PUNCTUATION;
		lexer->next++;
		if (lexer->next < lexer->end &&
		    ((c == '-' && *lexer->next == '>') || (c == '#' && *lexer->next == '#')))
			lexer->next++;
	}
	token.size = lexer->next - token.start;
	return token;
}

static struct token peek_token(const struct lexer *lexer)
{
	struct lexer copy = *lexer;

	return next_token(&copy);
}

static bool token_is(struct token token, const char *text)
{
	return token.kind != TOKEN_END && token.size == strlen(text) &&
	       !memcmp(token.start, text, token.size);
}

static bool token_begins(struct token token, const char *text)
{
	return token.kind == TOKEN_NAME && token.size > strlen(text) &&
	       !memcmp(token.start, text, strlen(text));
}

static bool is_attribute_keyword(struct token token)
{
	return token_is(token, "__attribute__") || token_is(token, "__attribute");
}

/* Whether a word is an attribute: a keyword for one, or a macro of kernel headers that is empty or
 * has only attributes. */
static bool is_attribute(struct token token)
{
	/* Keywords, and macros of bpf/bpf_helpers.h. */
	static const char *const words[] = {
		"_Alignas", "asm",	"__asm__", "SEC",    "__kconfig",	 "__ksym",
		"__weak",   "__hidden", "__kptr",  "__uptr", "__kptr_untrusted", "__percpu_kptr"};
	const struct ebcc_macro *macro;

	if (token.kind != TOKEN_NAME)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (token_is(token, words[i]))
			return true;
	if (is_attribute_keyword(token) || token_begins(token, "__arg_"))
		return true;
	macro = ebcc_macro_find(token.start, token.size);
	return macro && macro->kind == EBCC_MACRO_ATTRIBUTE;
}

/* Skips a group in parentheses, if one follows. */
static void skip_group(struct lexer *lexer)
{
	int depth = 0;

	if (!token_is(peek_token(lexer), "("))
		return;
	for (;;) {
		struct token token = next_token(lexer);

		if (token.kind == TOKEN_END)
			return;
		depth += token_is(token, "(") - token_is(token, ")");
		if (!depth)
			return;
	}
}

/* The next token that is not part of an attribute. */
static struct token next_skipping_attributes(struct lexer *lexer)
{
	struct token token = next_token(lexer);

	while (is_attribute(token)) {
		skip_group(lexer);
		token = next_token(lexer);
	}
	return token;
}

/* The same without consuming anything. */
static struct token peek_skipping_attributes(const struct lexer *lexer)
{
	struct lexer copy = *lexer;

	return next_skipping_attributes(&copy);
}

/* Reads @count names in parentheses, `(NAME, NAME)`, without consuming them; returns false if
 * something else follows. */
static bool peek_arguments(const struct lexer *lexer, struct token *ret, size_t count)
{
	struct lexer copy = *lexer;

	if (!token_is(next_token(&copy), "("))
		return false;
	for (size_t i = 0; i < count; i++) {
		ret[i] = next_token(&copy);
		if (ret[i].kind != TOKEN_NAME)
			return false;
		if (!token_is(next_token(&copy), i + 1 < count ? "," : ")"))
			return false;
	}
	return true;
}

/* Reads the first token of argument number @index (from 0) of a macro without consuming it; returns
 * false if it is not a name. */
static bool peek_argument(const struct lexer *lexer, unsigned index, struct token *ret)
{
	struct lexer copy = *lexer;
	int depth = 0;

	if (!token_is(next_token(&copy), "("))
		return false;
	while (index > 0) {
		struct token token = next_token(&copy);

		if (token.kind == TOKEN_END || (token_is(token, ")") && depth == 0))
			return false;
		depth += token_is(token, "(") - token_is(token, ")");
		index -= token_is(token, ",") && depth == 0;
	}
	*ret = next_token(&copy);
	return ret->kind == TOKEN_NAME;
}

/* Adds a name made of a prefix, a token and a suffix. */
static struct ebcc_error *add_pasted(struct ebcc_scan *scan, const char *prefix, struct token token,
				     const char *suffix, unsigned use)
{
	AUTO_BUF struct ebcc_buf name = EBCC_BUF_INIT;

	ebcc_buf_append_string(&name, prefix);
	ebcc_buf_append(&name, token.start, token.size);
	ebcc_buf_append_string(&name, suffix);
	TRY(ebcc_buf_check(&name));
	return add_use(scan, name.data, name.size, use);
}

static const char *prefix_of(enum ebcc_program_kind_id kind)
{
	return ebcc_program_kinds[kind].prefix;
}

/* Adds the tracepoint of `tracepoint__CATEGORY__EVENT`, the name of a struct or a function. */
static struct ebcc_error *add_joined_tracepoint(struct ebcc_scan *scan, struct token token)
{
	const char *prefix = prefix_of(EBCC_KIND_TRACEPOINT);

	if (!token_begins(token, prefix))
		return NULL;
	return ebcc_scan_add_tracepoint(scan, NULL, 0, token.start + strlen(prefix),
					token.size - strlen(prefix));
}

/* Whether a name is the macro that declares programs of a kind. */
static bool is_macro_of(struct token name, enum ebcc_program_kind_id kind)
{
	return token_is(name, ebcc_program_kinds[kind].macro);
}

/* Adds the struct and the functions of an iterator of the kernel, for loops. */
static struct ebcc_error *add_iterator(struct ebcc_scan *scan, struct token type)
{
	TRY(add_pasted(scan, "bpf_iter_", type, "", EBCC_SCAN_TAG));
	TRY(add_pasted(scan, "bpf_iter_", type, "_new", EBCC_SCAN_TOKEN));
	TRY(add_pasted(scan, "bpf_iter_", type, "_next", EBCC_SCAN_TOKEN));
	return add_pasted(scan, "bpf_iter_", type, "_destroy", EBCC_SCAN_TOKEN);
}

/* The same for the macros of bpf/bpf_helpers.h and bpf/bpf_core_read.h. */
static struct ebcc_error *note_libbpf_macro(struct state *state, struct token name)
{
	static const struct token number = {.kind = TOKEN_NAME, .start = "num", .size = 3};
	static const char cast[] = "bpf_rdonly_cast";
	struct token type;

	if (token_is(name, "bpf_for") || token_is(name, "bpf_repeat"))
		return add_iterator(state->scan, number);
	if (token_is(name, "bpf_for_each") && peek_argument(&state->lexer, 0, &type))
		return add_iterator(state->scan, type);
	if (token_is(name, "bpf_core_cast"))
		return add_use(state->scan, cast, strlen(cast), EBCC_SCAN_TOKEN);
	return NULL;
}

/* Adds the kernel types that macros of the dialect make from their arguments. */
static struct ebcc_error *note_dialect_macro(struct state *state, struct token name)
{
	struct token arguments[2];

	if (is_macro_of(name, EBCC_KIND_TRACEPOINT) && peek_arguments(&state->lexer, arguments, 2))
		return ebcc_scan_add_tracepoint(state->scan, arguments[0].start, arguments[0].size,
						arguments[1].start, arguments[1].size);
	if (is_macro_of(name, EBCC_KIND_RAW_TRACEPOINT))
		return add_use(state->scan, "bpf_raw_tracepoint_args",
			       strlen("bpf_raw_tracepoint_args"), EBCC_SCAN_TAG);
	if (is_macro_of(name, EBCC_KIND_ITER) && peek_arguments(&state->lexer, arguments, 1))
		return add_pasted(state->scan, prefix_of(EBCC_KIND_ITER), arguments[0], "",
				  EBCC_SCAN_TAG);
	if ((token_begins(name, "BPF_CORE_READ") || token_is(name, "BPF_CORE_READ") ||
	     token_begins(name, "BPF_PROBE_READ") || token_is(name, "BPF_PROBE_READ")) &&
	    !state->read_macro_parens && token_is(peek_token(&state->lexer), "("))
		state->read_macro_parens = state->parens + 1;
	return note_libbpf_macro(state, name);
}

static struct ebcc_error *define_function(struct state *state)
{
	struct token name = state->function;

	state->function.kind = TOKEN_END;
	TRY(add_use(state->scan, name.start, name.size, EBCC_SCAN_DEFINES_OBJECT));
	TRY(add_joined_tracepoint(state->scan, name));
	if (token_begins(name, prefix_of(EBCC_KIND_ITER)))
		TRY(add_use(state->scan, name.start, name.size, EBCC_SCAN_TAG));
	return NULL;
}

/* Handles the name after struct, union or enum. */
static struct ebcc_error *note_tag(struct state *state, struct token name)
{
	struct token token = peek_skipping_attributes(&state->lexer);

	state->after_tag_keyword = false;
	TRY(add_joined_tracepoint(state->scan, name));
	TRY(add_use(state->scan, name.start, name.size, EBCC_SCAN_TAG));
	state->opens_record = token_is(token, "{");
	if (state->opens_record)
		return add_use(state->scan, name.start, name.size, EBCC_SCAN_DEFINES_TAG);
	state->after_enum_keyword = false;
	return NULL;
}

/* Adds the variable that a map definition declares: BPF_TABLE("hash", key, leaf, NAME, 10) or
 * BPF_HASH(NAME). */
static struct ebcc_error *note_map(struct state *state, struct token macro)
{
	const struct ebcc_table_macro *declares = ebcc_table_macro_of(macro.start, macro.size);
	struct token name;

	if (!declares || !peek_argument(&state->lexer, declares->identifier, &name))
		return NULL;
	return add_use(state->scan, name.start, name.size, EBCC_SCAN_DEFINES_OBJECT);
}

/* Whether a name at file scope is the name of a variable that is being declared. */
static bool is_variable(const struct state *state)
{
	struct token next = peek_skipping_attributes(&state->lexer);

	if (state->braces || state->parens || state->in_typedef)
		return false;
	return (state->previous.kind == TOKEN_NAME || token_is(state->previous, "*") ||
		token_is(state->previous, "}")) &&
	       (token_is(next, ";") || token_is(next, "=") || token_is(next, "["));
}

/* Keywords that are followed by an expression or a label: a name after one is a use, not a
 * declaration. */
static bool precedes_expression(struct token word)
{
	static const char *const words[] = {"return", "case", "goto", "else", "do", "sizeof"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (token_is(word, words[i]))
			return true;
	return false;
}

/* Whether a name in capitals, like that of a constant, declares a member, a parameter or a local
 * variable: a kernel macro of that name would break the declaration. */
static bool is_inner_name(const struct state *state, struct token name)
{
	struct token next = peek_skipping_attributes(&state->lexer);

	if (!(state->braces || state->parens) || state->lexer.in_directive ||
	    state->previous.kind != TOKEN_NAME || precedes_expression(state->previous))
		return false;
	for (size_t i = 0; i < name.size; i++)
		if (islower((unsigned char)name.start[i]))
			return false;
	return next.kind == TOKEN_PUNCTUATION && strchr(";=[,)", *next.start);
}

/* Whether a name in a typedef is the one that it defines. */
static bool is_typedef_name(const struct state *state)
{
	struct token next = peek_skipping_attributes(&state->lexer);

	if (!state->in_typedef || state->braces != state->typedef_braces)
		return false;
	if (state->parens == 0)
		return token_is(next, ";") || token_is(next, ",") || token_is(next, "[") ||
		       token_is(next, "(");
	return state->parens == 1 && token_is(state->previous, "*") && token_is(next, ")");
}

static bool follows_member_access(const struct state *state)
{
	return token_is(state->previous, ".") || token_is(state->previous, "->");
}

/*
 * Adds an attribute and the names in its arguments. The names of attributes inside
 * __attribute__(()) are not uses: `noinline` there is not the kernel's macro.
 */
static struct ebcc_error *note_attribute(struct state *state, struct token name)
{
	int own_names = is_attribute_keyword(name) ? 2 : 0, depth = 0;

	TRY(add_use(state->scan, name.start, name.size, EBCC_SCAN_TOKEN));
	if (!token_is(peek_token(&state->lexer), "("))
		return NULL;
	do {
		struct token token = next_token(&state->lexer);

		if (token.kind == TOKEN_END)
			return NULL;
		depth += token_is(token, "(") - token_is(token, ")");
		if (token.kind == TOKEN_NAME && depth > own_names)
			TRY(add_use(state->scan, token.start, token.size,
				    EBCC_SCAN_TOKEN | EBCC_SCAN_TAG));
	} while (depth);
	return NULL;
}

/*
 * Whether a name is declared by `struct { ... } __NAME;`. Such a word is more likely meant to be an
 * attribute than the name of a variable or a member.
 */
static bool is_doubtful(const struct state *state, struct token name)
{
	bool in_typedef = state->in_typedef && state->braces == state->typedef_braces;

	return state->behind_record && token_begins(name, "__") && !in_typedef &&
	       token_is(peek_skipping_attributes(&state->lexer), ";");
}

static struct ebcc_error *note_name(struct state *state, struct token name)
{
	bool member = follows_member_access(state);
	unsigned use = member ? EBCC_SCAN_MEMBER : EBCC_SCAN_TOKEN;

	if (state->read_macro_parens)
		use |= EBCC_SCAN_MEMBER;
	if (is_doubtful(state, name))
		use = EBCC_SCAN_DOUBTFUL;
	if (is_typedef_name(state))
		use |= EBCC_SCAN_DEFINES_TYPEDEF;
	if (state->enum_braces && state->braces == state->enum_braces && state->parens == 0 &&
	    (token_is(state->previous, "{") || token_is(state->previous, ",")))
		use |= EBCC_SCAN_DEFINES_ENUMERATOR;
	if (is_variable(state) || (!member && is_inner_name(state, name)))
		use |= EBCC_SCAN_DEFINES_OBJECT;
	if (!member && state->braces == 0 && state->parens == 0 &&
	    token_is(peek_token(&state->lexer), "(")) {
		state->function = name;
		/* A type before the name makes it a declaration, such as that of a kernel function.
		 */
		if (state->previous.kind == TOKEN_NAME || token_is(state->previous, "*"))
			use |= EBCC_SCAN_DEFINES_OBJECT;
		TRY(note_map(state, name));
	}
	TRY(add_use(state->scan, name.start, name.size, use));
	return member ? NULL : note_dialect_macro(state, name);
}

static struct ebcc_error *scan_name(struct state *state, struct token name)
{
	bool is_enum = token_is(name, "enum");

	if (is_enum || token_is(name, "struct") || token_is(name, "union")) {
		state->behind_record = false;
		state->after_tag_keyword = true;
		state->after_enum_keyword = is_enum;
		return NULL;
	}
	if (!follows_member_access(state) && is_attribute(name))
		return note_attribute(state, name);
	if (token_is(name, "typedef")) {
		state->in_typedef = true;
		state->typedef_braces = state->braces;
		return NULL;
	}
	TRY(state->after_tag_keyword ? note_tag(state, name) : note_name(state, name));
	state->behind_record = false;
	return NULL;
}

/* The bit for the current depth; 0 if it is too deep. */
static uint64_t depth_bit(const struct state *state)
{
	return state->braces < 64 ? (uint64_t)1 << state->braces : 0;
}

static void set_record(struct state *state, bool record)
{
	state->records &= ~depth_bit(state);
	if (record)
		state->records |= depth_bit(state);
}

static struct ebcc_error *open_brace(struct state *state)
{
	bool record = state->opens_record || state->after_tag_keyword;
	struct ebcc_error *error = NULL;

	if (state->braces == 0 && state->function.kind == TOKEN_NAME)
		error = define_function(state);
	state->braces++;
	set_record(state, record);
	state->opens_record = false;
	if (state->after_enum_keyword)
		state->enum_braces = state->braces;
	state->after_enum_keyword = false;
	state->after_tag_keyword = false;
	return error;
}

static void close_brace(struct state *state)
{
	if (state->enum_braces == state->braces)
		state->enum_braces = 0;
	state->behind_record = state->records & depth_bit(state);
	if (state->braces > 0)
		state->braces--;
	state->function.kind = TOKEN_END;
	/* A macro may have left parentheses unbalanced, but not beyond the function's end. */
	if (state->braces == 0)
		state->parens = 0;
}

static struct ebcc_error *scan_punctuation(struct state *state, struct token token)
{
	state->behind_record = false;
	switch (*token.start) {
	case '{':
		return open_brace(state);
	case '}':
		close_brace(state);
		break;
	case '(':
		state->parens++;
		break;
	case ')':
		if (state->parens > 0)
			state->parens--;
		if (state->parens < state->read_macro_parens)
			state->read_macro_parens = 0;
		break;
	case ';':
		if (state->braces == 0)
			state->parens = 0;
		if (state->in_typedef && state->braces == state->typedef_braces)
			state->in_typedef = false;
		state->function.kind = TOKEN_END;
		break;
	case '=':
		if (state->parens == 0)
			state->function.kind = TOKEN_END;
		break;
	}
	if (*token.start != ':') /* enum e : u32 { */
		state->after_tag_keyword = false;
	return NULL;
}

static const char *const net_headers[] = {
	"net/",
	"linux/tcp.h",
	"linux/udp.h",
	"linux/ip.h",
	"linux/ipv6.h",
	"linux/icmp",
	"linux/in.h",
	"linux/in6.h",
	"linux/inet",
	"linux/skbuff.h",
	"linux/socket.h",
	"linux/net.h",
	"linux/netdevice.h",
	"linux/etherdevice.h",
	"linux/if_",
	"linux/netfilter",
	"linux/sock_diag.h",
};

static bool is_net_header(const char *path)
{
	if (!strncmp(path, "uapi/", 5))
		path += 5;
	for (size_t i = 0; i < sizeof(net_headers) / sizeof(*net_headers); i++)
		if (!strncmp(path, net_headers[i], strlen(net_headers[i])))
			return true;
	return false;
}

/* Scans a header, if it exists (*ret_found). */
static struct ebcc_error *scan_file(struct context *context, const char *directory,
				    size_t directory_size, const char *name, bool *ret_found)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	size_t known = context->scan->file_count;

	*ret_found = false;
	if (context->depth >= MAX_INCLUDE_DEPTH || known >= MAX_FILES)
		return NULL;
	if (*name != '/' && directory_size) {
		ebcc_buf_append(&path, directory, directory_size);
		ebcc_buf_append_char(&path, '/');
	}
	ebcc_buf_append_string(&path, name);
	TRY(ebcc_buf_check(&path));
	if (access(path.data, R_OK))
		return NULL;
	*ret_found = true;
	TRY(add_string(&context->scan->files, &context->scan->file_count, path.data, path.size));
	if (context->scan->file_count == known)
		return NULL;
	AUTO_ERROR struct ebcc_error *unreadable =
		ebcc_buf_read_file(&text, path.data, MAX_FILE_SIZE);
	if (unreadable) /* the compiler will report it */
		return NULL;
	context->depth++;
	TRY(scan_with(context, ebcc_buf_string(&text), text.size));
	context->depth--;
	return NULL;
}

/* The argument of @flag, in the same element of cflags or in the next one (which is consumed); NULL
 * if the element at *@index is another flag. */
static const char *flag_argument(const struct ebcc_scan_opts *opts, size_t *index, const char *flag)
{
	const char *text = opts->cflags[*index];

	if (strncmp(text, flag, strlen(flag)))
		return NULL;
	text += strlen(flag);
	if (*text)
		return text;
	if (*index + 1 >= opts->cflag_count)
		return NULL;
	return opts->cflags[++*index];
}

/* Searches for an included header in the source's directory, then in those of -iquote and -I. */
static struct ebcc_error *follow_include(struct context *context, const char *name, bool quoted)
{
	const struct ebcc_scan_opts *opts = context->opts;
	const char *base = strrchr(name, '/');
	bool found = false;

	/* A file with all of a kernel's types is not read: dialect.h defines its guard. */
	if (!opts || !strcmp(base ? base + 1 : name, "vmlinux.h"))
		return NULL;
	if (quoted) {
		const char *slash = opts->path ? strrchr(opts->path, '/') : NULL;

		if (slash)
			TRY(scan_file(context, opts->path, slash - opts->path, name, &found));
		else
			TRY(scan_file(context, ".", 1, name, &found));
	}
	for (size_t i = 0; i < opts->cflag_count && !found; i++) {
		const char *directory = quoted ? flag_argument(opts, &i, "-iquote") : NULL;

		if (!directory)
			directory = flag_argument(opts, &i, "-I");
		if (directory)
			TRY(scan_file(context, directory, strlen(directory), name, &found));
	}
	return NULL;
}

static struct ebcc_error *scan_include(struct state *state)
{
	struct lexer *lexer = &state->lexer;
	struct token token = next_token(lexer);
	AUTO_FREE char *name = NULL;
	bool quoted = token.kind == TOKEN_STRING;
	const char *close;

	if (quoted) {
		if (token.size < 3)
			return NULL;
		name = strndup(token.start + 1, token.size - 2);
	} else {
		if (!token_is(token, "<"))
			return NULL;
		close = memchr(lexer->next, '>', lexer->end - lexer->next);
		if (!close)
			return NULL;
		name = strndup(lexer->next, close - lexer->next);
		lexer->next = close + 1;
	}
	if (!name)
		return ebcc_error_no_memory();
	if (is_net_header(name))
		state->scan->net_headers = true;
	TRY(add_string(&state->scan->includes, &state->scan->include_count, name, strlen(name)));
	return state->context ? follow_include(state->context, name, quoted) : NULL;
}

/* Skips to the #else, #elif or #endif of an #if 0; its line has been read. */
static void skip_dead_branch(struct lexer *lexer)
{
	int depth = 1;

	lexer->in_directive = false;
	while (depth > 0) {
		struct token token;

		lexer->line_start = false;
		token = next_token(lexer);
		if (token.kind == TOKEN_END)
			return;
		if (!token_is(token, "#") || !lexer->line_start)
			continue;
		lexer->in_directive = true;
		token = next_token(lexer);
		if (token_begins(token, "if") || token_is(token, "if"))
			depth++;
		else if (token_is(token, "endif") ||
			 (depth == 1 && (token_is(token, "else") || token_begins(token, "eli"))))
			depth--;
		lexer->in_directive = false;
	}
	lexer->in_directive = true;
}

static struct ebcc_error *scan_tokens(struct state *state);

/* Scans the rest of a directive's line, independently of the syntax around it. */
static struct ebcc_error *scan_directive_line(struct state *state)
{
	struct state line = {
		.context = state->context,
		.scan = state->scan,
		.lexer = state->lexer,
		/* not at file scope: f(x) { in a macro's body is probably not a definition */
		.braces = 1};

	TRY(scan_tokens(&line));
	state->lexer = line.lexer;
	return NULL;
}

static struct ebcc_error *scan_directive(struct state *state)
{
	struct lexer *lexer = &state->lexer;
	struct token token;

	lexer->in_directive = true;
	token = next_token(lexer);
	if (token_is(token, "include")) {
		TRY(scan_include(state));
	} else if (token_is(token, "define")) {
		token = next_token(lexer);
		if (token.kind == TOKEN_NAME)
			TRY(add_use(state->scan, token.start, token.size, EBCC_SCAN_DEFINES_MACRO));
		TRY(scan_directive_line(state));
	} else if (token_is(token, "if") && token_is(peek_token(lexer), "0")) {
		next_token(lexer);
		if (peek_token(lexer).kind == TOKEN_END)
			skip_dead_branch(lexer);
	} else if (token_begins(token, "if") || token_is(token, "if") || token_is(token, "elif")) {
		TRY(scan_directive_line(state));
	}
	while (next_token(lexer).kind != TOKEN_END)
		;
	lexer->in_directive = false;
	return NULL;
}

static struct ebcc_error *scan_tokens(struct state *state)
{
	for (;;) {
		struct token token;

		state->lexer.line_start = state->previous.kind == TOKEN_END;
		token = next_token(&state->lexer);
		if (token.kind == TOKEN_END)
			return NULL;
		if (token_is(token, "#") && state->lexer.line_start && !state->lexer.in_directive) {
			TRY(scan_directive(state));
			continue;
		}
		if (token.kind == TOKEN_NAME)
			TRY(scan_name(state, token));
		else if (token.kind == TOKEN_PUNCTUATION)
			TRY(scan_punctuation(state, token));
		state->previous = token;
	}
}

static struct ebcc_error *scan_with(struct context *context, const char *text, size_t size)
{
	struct state state = {.context = context->opts ? context : NULL,
			      .scan = context->scan,
			      .lexer = {.next = text, .end = text + size}};

	return scan_tokens(&state);
}

struct ebcc_error *ebcc_scan_text(struct ebcc_scan *scan, const char *text, size_t size)
{
	struct context context = {.scan = scan};

	return scan_with(&context, text, size);
}

/* -DNAME, -DNAME=VALUE or -DNAME(x)=VALUE: defines the name, and the value is scanned. */
static struct ebcc_error *scan_define(struct ebcc_scan *scan, const char *text)
{
	const char *value = strchr(text, '=');
	size_t size = 0;

	while (is_name_part(text[size]))
		size++;
	if (!size)
		return NULL;
	TRY(add_use(scan, text, size, EBCC_SCAN_DEFINES_MACRO));
	TRY(add_string(&scan->defines, &scan->define_count, text, size));
	return value ? ebcc_scan_text(scan, value + 1, strlen(value + 1)) : NULL;
}

static struct ebcc_error *scan_flags(struct context *context)
{
	const struct ebcc_scan_opts *opts = context->opts;

	for (size_t i = 0; i < opts->cflag_count; i++) {
		const char *argument = flag_argument(opts, &i, "-D");
		bool found;

		if (argument) {
			TRY(scan_define(context->scan, argument));
			continue;
		}
		argument = flag_argument(opts, &i, "-include");
		if (argument)
			TRY(scan_file(context, "", 0, argument, &found));
	}
	return NULL;
}

struct ebcc_error *ebcc_scan_source(const char *text, size_t size,
				    const struct ebcc_scan_opts *opts, struct ebcc_scan *ret)
{
	static const struct ebcc_scan_opts no_opts;
	AUTO_SCAN struct ebcc_scan scan = {0};
	struct context context = {.scan = &scan, .opts = opts ? opts : &no_opts};

	TRY(scan_flags(&context));
	TRY(scan_with(&context, text, size));
	*ret = scan;
	ebcc_scan_init(&scan);
	return NULL;
}

struct ebcc_error *ebcc_scan_merge_names(struct ebcc_scan *scan, const char *text, size_t size)
{
	AUTO_SCAN struct ebcc_scan other = {0};

	TRY(ebcc_scan_text(&other, text, size));
	hash_for_each (&other.names, entry) {
		uint64_t *uses = ebcc_hash_insert(&scan->names, entry->key, entry->key_size);

		if (!uses)
			return ebcc_error_no_memory();
		*uses |= entry->value & (EBCC_SCAN_TOKEN | EBCC_SCAN_TAG | EBCC_SCAN_MEMBER);
	}
	return NULL;
}
