// SPDX-License-Identifier: Apache-2.0
/*
 * Finding kernel functions, trace events and functions of user files by regular expression.
 * Each list is returned as one allocation, with the names after the pointers.
 */
#include <regex.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/near_names.h"
#include "base/options.h"
#include "elf/library.h"
#include "elf/symbols.h"
#include "kernel/functions.h"
#include "kernel/tracefs.h"

/* ---- Names that match ---- */

struct matches {
	regex_t regex;
	bool compiled;
	bool anchored;	       /* compiled to match only at the start, and to return no positions */
	struct ebcc_buf names; /* NUL-terminated, one after the other */
	struct ebcc_buf addresses; /* a uint64_t for each, or empty */
	size_t count;
};

static void matches_deinit(struct matches *matches)
{
	if (matches->compiled)
		regfree(&matches->regex);
	ebcc_buf_deinit(&matches->names);
	ebcc_buf_deinit(&matches->addresses);
}
#define AUTO_MATCHES CLEANUP(matches_deinit)

static struct ebcc_error *regex_error(int status, const regex_t *regex, const char *text)
{
	char reason[128];

	if (status == REG_ESPACE)
		return ebcc_error_no_memory();
	regerror(status, regex, reason, sizeof(reason));
	return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
				 "\"%s\" is not a regular expression: %s", text, reason);
}

/*
 * Compiles "^(@regex)" in place of the expression. The C library then looks only at the start of a
 * name and does not search for the longest match, which is up to four times as fast. Expressions
 * with backslashes are left alone: the parentheses would renumber back-references.
 */
static struct ebcc_error *anchor(struct matches *matches, const char *regex)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	regex_t anchored;

	if (strchr(regex, '\\'))
		return NULL;
	ebcc_buf_printf(&text, "^(%s)", regex);
	TRY(ebcc_buf_check(&text));
	if (regcomp(&anchored, text.data, REG_EXTENDED | REG_NOSUB))
		return NULL;
	regfree(&matches->regex);
	matches->regex = anchored;
	matches->anchored = true;
	return NULL;
}

static struct ebcc_error *matches_init(struct matches *matches, const char *regex)
{
	int status = regcomp(&matches->regex, regex, REG_EXTENDED);

	if (status)
		return regex_error(status, &matches->regex, regex);
	matches->compiled = true;
	return anchor(matches, regex);
}

/* Whether the expression matches at the start of @name. regexec() returns the leftmost match. */
static bool matches_name(const struct matches *matches, const char *name)
{
	regmatch_t match;

	if (matches->anchored)
		return !regexec(&matches->regex, name, 0, NULL, 0);
	return !regexec(&matches->regex, name, 1, &match, 0) && !match.rm_so;
}

static void matches_add(struct matches *matches, const char *name, const uint64_t *address)
{
	ebcc_buf_append(&matches->names, name, strlen(name) + 1);
	if (address)
		ebcc_buf_append(&matches->addresses, address, sizeof(*address));
	matches->count++;
}

struct named_address {
	const char *name;
	uint64_t address;
};

static int compare_named(const void *a, const void *b)
{
	const struct named_address *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	if (order)
		return order;
	return left->address < right->address ? -1 : left->address > right->address;
}

/* Sorts the matches by name. @ret is malloc'ed; the names are borrowed from the matches. */
static struct ebcc_error *matches_sort(struct matches *matches, struct named_address **ret)
{
	const uint64_t *addresses = (const uint64_t *)matches->addresses.data;
	const char *name = matches->names.data;
	struct named_address *sorted;

	TRY(ebcc_buf_check(&matches->names));
	TRY(ebcc_buf_check(&matches->addresses));
	sorted = calloc(matches->count + 1, sizeof(*sorted));
	if (!sorted)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < matches->count; i++, name += strlen(name) + 1)
		sorted[i] = (struct named_address){name, addresses ? addresses[i] : 0};
	qsort(sorted, matches->count, sizeof(*sorted), compare_named);
	*ret = sorted;
	return NULL;
}

/* Copies the names to a NULL-terminated list in one allocation. */
static struct ebcc_error *copy_names(const struct named_address *sorted, size_t count, char ***ret)
{
	size_t size = (count + 1) * sizeof(char *);
	char **list, *text;

	for (size_t i = 0; i < count; i++)
		size += strlen(sorted[i].name) + 1;
	list = malloc(size);
	if (!list)
		return ebcc_error_no_memory();
	text = (char *)(list + count + 1);
	for (size_t i = 0; i < count; i++) {
		list[i] = text;
		text = stpcpy(text, sorted[i].name) + 1;
	}
	list[count] = NULL;
	*ret = list;
	return NULL;
}

/* Drops duplicates from a sorted list. */
static size_t drop_equal(struct named_address *sorted, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!kept || compare_named(&sorted[i], &sorted[kept - 1]))
			sorted[kept++] = sorted[i];
	return kept;
}

/* ---- Kernel functions ---- */

/* Plain characters that every matching name contains: searching for them is much faster than
 * matching the expression, and rules out most names. */
struct literal {
	const char *text; /* points into the expression */
	size_t length;
	bool at_start; /* matching names begin with it */
};

static size_t plain_length(const char *text)
{
	size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789_");

	/* A character before one of these may not occur at all. */
	return length && text[length] && strchr("*?{", text[length]) ? length - 1 : length;
}

/* Finds a literal at the start, as names that begin with it are adjacent in the sorted list; or
 * else the longest one. */
static struct literal find_literal(const char *regex)
{
	struct literal best = {.text = regex};

	/* Expressions with alternatives, groups, sets or escapes would have to be parsed. */
	if (strpbrk(regex, "|()[]\\{}"))
		return best;
	regex += *regex == '^';
	best = (struct literal){regex, plain_length(regex), true};
	if (best.length)
		return best;
	while (*regex) {
		size_t length = plain_length(regex);

		if (length > best.length)
			best = (struct literal){regex, length, false};
		regex += length ? length : 1;
	}
	return best;
}

/* Looks at the functions with the same name, from *@index on, and moves *@index past them. Returns
 * the name if exactly one of them is probeable, else NULL: the kernel refuses ambiguous names. */
static const char *next_function(const struct ebcc_kernel_functions *functions, size_t *index)
{
	const char *name = ebcc_kernel_function_name(functions, *index);
	size_t probeable = 0;

	do {
		probeable += functions->functions[*index].probeable;
		++*index;
	} while (*index < functions->count &&
		 !strcmp(ebcc_kernel_function_name(functions, *index), name));
	return probeable == 1 ? name : NULL;
}

static struct ebcc_error *collect_functions(const struct ebcc_kernel_functions *functions,
					    const struct matches *matches, const char *regex,
					    size_t limit, char ***ret, size_t *ret_count)
{
	AUTO_FREE struct named_address *found = calloc(functions->count + 1, sizeof(*found));
	const struct literal literal = find_literal(regex);
	AUTO_FREE char *text = strndup(literal.text, literal.length);
	size_t prefix = literal.at_start ? literal.length : 0, count = 0, index;

	if (!found || !text)
		return ebcc_error_no_memory();
	index = prefix ? ebcc_kernel_functions_search(functions, text) : 0;
	while (index < functions->count && count < limit &&
	       !strncmp(ebcc_kernel_function_name(functions, index), text, prefix)) {
		const char *name = next_function(functions, &index);

		if (name && strstr(name, text) && matches_name(matches, name))
			found[count++].name = name;
	}
	TRY(copy_names(found, count, ret));
	*ret_count = count;
	return NULL;
}

/* How many of @count a caller wants. */
static size_t limited(size_t count, const struct ebcc_find_opts *opts)
{
	return opts->limit && opts->limit < count ? opts->limit : count;
}

struct ebcc_error *ebcc_kernel_find_functions(const char *regex,
					      const struct ebcc_find_opts *caller_opts, char ***ret,
					      size_t *ret_count)
{
	struct ebcc_find_opts opts = {.sz = sizeof(opts)};
	const struct ebcc_kernel_functions *functions;
	AUTO_MATCHES struct matches matches = {0};
	struct ebcc_error *error;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_find_opts"));
	TRY(matches_init(&matches, regex));
	TRY(ebcc_kernel_functions_get(&functions));
	error = collect_functions(functions, &matches, regex, limited(functions->count, &opts), ret,
				  ret_count);
	ebcc_kernel_functions_put(functions);
	return error;
}

/* ---- Trace events ---- */

static bool collect_tracepoint(void *ctx, const char *category, const char *event)
{
	struct matches *matches = ctx;
	char name[512];
	int length = snprintf(name, sizeof(name), "%s:%s", category, event);

	if (length < (int)sizeof(name) && matches_name(matches, name))
		matches_add(matches, name, NULL);
	return true;
}

size_t ebcc_names_find_near(const char *wanted, const char *const *names, size_t count,
			    size_t ret[EBCC_NEAR_MAX])
{
	struct ebcc_near_names near;
	size_t found = 0;

	ebcc_near_names_init(&near, wanted);
	for (size_t i = 0; i < count; i++)
		ebcc_near_names_add(&near, names[i]);
	for (; found < near.count && found < EBCC_NEAR_MAX; found++)
		for (ret[found] = 0; strcmp(names[ret[found]], near.best[found].name);)
			ret[found]++;
	return found;
}

struct ebcc_error *ebcc_kernel_find_tracepoints(const char *regex,
						const struct ebcc_find_opts *caller_opts,
						char ***ret, size_t *ret_count)
{
	struct ebcc_find_opts opts = {.sz = sizeof(opts)};
	AUTO_MATCHES struct matches matches = {0};
	AUTO_FREE struct named_address *sorted = NULL;
	size_t count;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_find_opts"));
	TRY(matches_init(&matches, regex));
	TRY(ebcc_tracepoints_walk(collect_tracepoint, &matches));
	TRY(matches_sort(&matches, &sorted));
	count = limited(drop_equal(sorted, matches.count), &opts);
	TRY(copy_names(sorted, count, ret));
	*ret_count = count;
	return NULL;
}

/* ---- Functions of user files ---- */

static bool collect_user_function(void *ctx, const struct ebcc_elf_symbol *symbol)
{
	struct matches *matches = ctx;

	if (matches_name(matches, symbol->name))
		matches_add(matches, symbol->name, &symbol->address);
	return true;
}

struct ebcc_error *ebcc_binary_find_functions(const char *binary, const char *regex,
					      const struct ebcc_binary_opts *caller_opts,
					      char ***ret_names, uint64_t **ret_addresses,
					      size_t *ret_count)
{
	struct ebcc_binary_opts opts = {.sz = sizeof(opts)};
	AUTO_MATCHES struct matches matches = {0};
	AUTO_FREE struct named_address *sorted = NULL;
	AUTO_FREE uint64_t *addresses = NULL;
	AUTO_FREE char *path = NULL;
	AUTO_ELF struct ebcc_elf *elf = NULL;
	AUTO_CLOSE int fd = -1;
	size_t count;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_binary_opts"));
	TRY(matches_init(&matches, regex));
	TRY(ebcc_open_binary(binary, opts.pid, &fd, &path));
	TRY(ebcc_elf_open_fd(fd, path, &elf));
	ebcc_elf_walk_functions(elf, collect_user_function, &matches);
	TRY(matches_sort(&matches, &sorted));
	count = drop_equal(sorted, matches.count);
	addresses = calloc(count + 1, sizeof(*addresses));
	if (!addresses)
		return ebcc_error_no_memory();
	for (size_t i = 0; i < count; i++)
		addresses[i] = sorted[i].address;
	TRY(copy_names(sorted, count, ret_names));
	*ret_addresses = TAKE_PTR(addresses);
	*ret_count = count;
	return NULL;
}

struct ebcc_error *ebcc_binary_find_ifunc_resolver(const char *binary, const char *name,
						   const struct ebcc_binary_opts *caller_opts,
						   uint64_t *ret)
{
	struct ebcc_binary_opts opts = {.sz = sizeof(opts)};
	AUTO_ELF struct ebcc_elf *elf = NULL;
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int fd = -1;
	struct ebcc_elf_symbol symbol;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_binary_opts"));
	TRY(ebcc_open_binary(binary, opts.pid, &fd, &path));
	TRY(ebcc_elf_open_fd(fd, path, &elf));
	TRY(ebcc_elf_find_function(elf, name, &symbol));
	if (!symbol.indirect)
		return ebcc_error_create(EBCC_ERROR_NOT_FOUND,
					 "%s of %s is an ordinary function, without a resolver",
					 name, path);
	*ret = symbol.address;
	return NULL;
}
