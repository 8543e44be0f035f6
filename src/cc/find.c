// SPDX-License-Identifier: Apache-2.0
/*
 * Finding kernel functions, trace events and functions of user files by regular expression.
 * Lists are gathered as one block of names and given out as one allocation.
 */
#include "find.h"

#include <regex.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "elf_symbols.h"
#include "ksyms.h"
#include "tracefs.h"

#define LIST_FILE_LIMIT (64u << 20)
#define BLACKLIST "/sys/kernel/debug/kprobes/blacklist"

/* ---- Names that match ---- */

struct matches {
	regex_t regex;
	bool compiled;
	struct ebcc_buf names;	   /* NUL-terminated, one after the other */
	struct ebcc_buf addresses; /* uint64_t each, where there are any */
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

static struct ebcc_error *matches_init(struct matches *matches, const char *regex)
{
	char reason[128];
	int status = regcomp(&matches->regex, regex, REG_EXTENDED);

	if (!status) {
		matches->compiled = true;
		return NULL;
	}
	if (status == REG_ESPACE)
		return ebcc_error_no_memory();
	regerror(status, &matches->regex, reason, sizeof(reason));
	return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT, "\"%s\" is no regular expression: %s",
				 regex, reason);
}

/* Whether the expression matches at the start of @name. Of several matches regexec gives the
 * leftmost. */
static bool matches_name(const struct matches *matches, const char *name)
{
	regmatch_t match;

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

/* The matches in order of their names. @ret malloc'ed, names borrowed from the matches. */
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

/* A NULL-terminated list of copies, in one allocation. */
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

/* Drops equal neighbours; with @unique drops every name that there are several of. */
static size_t drop_equal(struct named_address *sorted, size_t count, bool unique)
{
	size_t kept = 0, end;

	for (size_t i = 0; i < count; i = end) {
		for (end = i + 1; end < count && !strcmp(sorted[end].name, sorted[i].name); end++)
			if (!unique && sorted[end].address != sorted[i].address)
				break;
		if (!unique || end == i + 1)
			sorted[kept++] = sorted[i];
	}
	return kept;
}

/* ---- Kernel functions ---- */

/* Calls @fn, which may change the line, for each line of @text. */
static void each_line(struct ebcc_buf *text, void (*fn)(void *ctx, char *line), void *ctx)
{
	char *line, *end;

	for (line = text->data; line && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		fn(ctx, line);
	}
}

/* Tells a list that can't be had, which is as good as an empty one, from lack of memory. */
static struct ebcc_error *ignore_unreadable(struct ebcc_error *error)
{
	if (error && ebcc_error_code(error) == EBCC_ERROR_NO_MEMORY)
		return error;
	ebcc_error_destroy(error);
	return NULL;
}

struct name_set {
	struct ebcc_hash *names;
	bool failed;
};

static void insert(struct name_set *set, const char *name)
{
	if (*name && !ebcc_hash_insert_string(set->names, name))
		set->failed = true;
}

/* "FUNCTION", or "FUNCTION [MODULE]". */
static void add_traceable(void *ctx, char *line)
{
	line[strcspn(line, " \t")] = '\0';
	insert(ctx, line);
}

struct ebcc_error *ebcc_read_traceable_functions(struct ebcc_hash *names, bool *ret_known)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct name_set set = {.names = names};
	struct ebcc_error *error =
		ebcc_tracefs_read(NULL, "available_filter_functions", LIST_FILE_LIMIT, &text);

	*ret_known = false;
	if (error)
		return ignore_unreadable(error);
	each_line(&text, add_traceable, &set);
	if (set.failed)
		return ebcc_error_no_memory();
	/* A kernel without ftrace may have the file and nothing in it. */
	*ret_known = names->count > 0;
	return NULL;
}

/* "0xSTART-0xEND\tFUNCTION", and perhaps " [MODULE]" behind it. */
static void add_blacklisted(void *ctx, char *line)
{
	char *name = strchr(line, '\t');

	if (!name)
		return;
	name[1 + strcspn(name + 1, "+ \t")] = '\0';
	insert(ctx, name + 1);
}

struct ebcc_error *ebcc_read_kprobe_blacklist(struct ebcc_hash *names)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct name_set set = {.names = names};
	struct ebcc_error *error = ebcc_buf_read_file(&text, BLACKLIST, LIST_FILE_LIMIT);

	if (error)
		return ignore_unreadable(error);
	each_line(&text, add_blacklisted, &set);
	return set.failed ? ebcc_error_no_memory() : NULL;
}

struct function_search {
	struct matches *matches;
	const struct ebcc_hash *traceable, *blacklist;
	bool traceable_known;
	bool in_init; /* among the functions whose code was freed after boot */
};

bool ebcc_is_function_piece(const char *name)
{
	static const char *const prefixes[] = {"__SCT__", "__pfx_", "__cfi_", "__kstrtab",
					       "_kbl_addr_"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return strstr(name, ".cold") != NULL;
}

static bool collect_function(void *ctx, const struct ebcc_ksyms_line *line)
{
	struct function_search *search = ctx;

	/* The kernel's own symbols come in the order of their addresses. */
	if (!strcmp(line->name, "_sinittext") || !strcmp(line->name, "_einittext"))
		search->in_init = line->name[1] == 's';
	if (!ebcc_ksyms_is_function(line->type) || !strcmp(line->module, "bpf") ||
	    !matches_name(search->matches, line->name))
		return true;
	if (ebcc_hash_find_string(search->blacklist, line->name))
		return true;
	if (search->traceable_known
		    ? !ebcc_hash_find_string(search->traceable, line->name)
		    : ebcc_is_function_piece(line->name) || (search->in_init && !*line->module))
		return true;
	matches_add(search->matches, line->name, NULL);
	return true;
}

struct ebcc_error *ebcc_find_kprobe_functions(const char *regex, char ***ret, size_t *ret_count)
{
	AUTO_HASH struct ebcc_hash traceable = {0}, blacklist = {0};
	AUTO_MATCHES struct matches matches = {0};
	AUTO_FREE struct named_address *sorted = NULL;
	struct function_search search = {
		.matches = &matches, .traceable = &traceable, .blacklist = &blacklist};
	size_t count;

	TRY(matches_init(&matches, regex));
	TRY(ebcc_read_traceable_functions(&traceable, &search.traceable_known));
	TRY(ebcc_read_kprobe_blacklist(&blacklist));
	TRY(ebcc_ksyms_walk(collect_function, &search));
	TRY(matches_sort(&matches, &sorted));
	/* The kernel refuses a name that several functions have. */
	count = drop_equal(sorted, matches.count, true);
	TRY(copy_names(sorted, count, ret));
	*ret_count = count;
	return NULL;
}

static bool find_prefix(void *ctx, const struct ebcc_ksyms_line *line)
{
	static const char *const prefixes[] = {"__x64_sys_",   "__arm64_sys_",	 "__s390x_sys_",
					       "__riscv_sys_", "__powerpc_sys_", "sys_"};
	const char **found = ctx;
	size_t length = strlen(line->name);

	if (length < 4 || strcmp(line->name + length - 4, "_bpf"))
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (length == strlen(prefixes[i]) + 3 &&
		    !strncmp(line->name, prefixes[i], strlen(prefixes[i])))
			*found = prefixes[i];
	return !*found;
}

const char *ebcc_syscall_prefix(void)
{
	static const char *known;
	const char *found = __atomic_load_n(&known, __ATOMIC_ACQUIRE);

	if (found)
		return found;
	ebcc_error_destroy(ebcc_ksyms_walk(find_prefix, &found));
	if (!found) {
#if defined(__x86_64__)
		found = "__x64_sys_";
#elif defined(__aarch64__)
		found = "__arm64_sys_";
#else
		found = "sys_";
#endif
	}
	__atomic_store_n(&known, found, __ATOMIC_RELEASE);
	return found;
}

/* ---- Trace events ---- */

struct tracepoint_walk {
	ebcc_tracepoint_fn fn;
	void *ctx;
	bool ended;
};

static void visit_tracepoint(void *ctx, char *line)
{
	struct tracepoint_walk *walk = ctx;
	char *colon = strchr(line, ':');

	if (walk->ended || !colon || colon == line || !colon[1])
		return;
	*colon = '\0';
	walk->ended = !walk->fn(walk->ctx, line, colon + 1);
}

struct ebcc_error *ebcc_tracepoints_walk(ebcc_tracepoint_fn fn, void *ctx)
{
	struct tracepoint_walk walk = {.fn = fn, .ctx = ctx};
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	TRY(ebcc_tracefs_read(NULL, "available_events", LIST_FILE_LIMIT, &text));
	each_line(&text, visit_tracepoint, &walk);
	return NULL;
}

static bool collect_tracepoint(void *ctx, const char *category, const char *event)
{
	struct matches *matches = ctx;
	char name[512];
	int length = snprintf(name, sizeof(name), "%s:%s", category, event);

	if (length < (int)sizeof(name) && matches_name(matches, name))
		matches_add(matches, name, NULL);
	return true;
}

struct ebcc_error *ebcc_find_tracepoints(const char *regex, char ***ret, size_t *ret_count)
{
	AUTO_MATCHES struct matches matches = {0};
	AUTO_FREE struct named_address *sorted = NULL;
	size_t count;

	TRY(matches_init(&matches, regex));
	TRY(ebcc_tracepoints_walk(collect_tracepoint, &matches));
	TRY(matches_sort(&matches, &sorted));
	count = drop_equal(sorted, matches.count, false);
	TRY(copy_names(sorted, count, ret));
	*ret_count = count;
	return NULL;
}

bool ebcc_tracepoint_exists(const char *category, const char *event)
{
	AUTO_FREE char *path = NULL;
	const char *tracefs;
	struct ebcc_error *error;

	if (!*category || !*event || *category == '.' || *event == '.' || strchr(category, '/') ||
	    strchr(event, '/'))
		return false;
	error = ebcc_tracefs_find(&tracefs);
	if (error) {
		ebcc_error_destroy(error);
		return false;
	}
	if (asprintf(&path, "%s/events/%s/%s/id", tracefs, category, event) < 0) {
		path = NULL;
		return false;
	}
	return !access(path, F_OK);
}

/* ---- Functions of user files ---- */

static bool collect_user_function(void *ctx, const struct ebcc_elf_symbol *symbol)
{
	struct matches *matches = ctx;

	if (matches_name(matches, symbol->name))
		matches_add(matches, symbol->name, &symbol->address);
	return true;
}

struct ebcc_error *ebcc_find_user_functions(const char *binary, const char *regex,
					    char ***ret_names, uint64_t **ret_addresses,
					    size_t *ret_count)
{
	AUTO_MATCHES struct matches matches = {0};
	AUTO_FREE struct named_address *sorted = NULL;
	AUTO_FREE uint64_t *addresses = NULL;
	AUTO_FREE char *path = NULL;
	AUTO_ELF struct ebcc_elf *elf = NULL;
	AUTO_CLOSE int fd = -1;
	size_t count;

	TRY(matches_init(&matches, regex));
	TRY(ebcc_open_binary(binary, 0, &fd, &path));
	TRY(ebcc_elf_open_fd(fd, path, &elf));
	ebcc_elf_walk_functions(elf, collect_user_function, &matches);
	TRY(matches_sort(&matches, &sorted));
	count = drop_equal(sorted, matches.count, false);
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
