// SPDX-License-Identifier: Apache-2.0
/*
 * Hints: tables that map clang's messages, and the names in them, to what the author probably
 * meant. A hint is added to clang's own message and never replaces it. If nothing fits, there is no
 * hint.
 */
#include "advice/hints.h"

#include <ctype.h>
#include <string.h>

#include "advice/hints_macros.h"
#include "advice/hints_names.h"
#include "base/helper_names.h"
#include "base/kinds.h"
#include "base/near_names.h"
#include "kernel/renames.h"
#include "types/macros.h"

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Names from other APIs, and the methods that correspond to them. */
static const struct {
	const char *name, *method;
} foreign_methods[] = {
	{"get", "lookup"},
	{"find", "lookup"},
	{"set", "update"},
	{"put", "update"},
	{"remove", "delete"},
	{"erase", "delete"},
	{"pop_elem", "pop"},
	{"add", "increment"},
	{"inc", "increment"},
	{"submit", "perf_submit"},
	{"perf_output", "perf_submit"},
	{"output", "ringbuf_output"},
	{"reserve", "ringbuf_reserve"},
	{"lookup_elem", "lookup"},
	{"update_elem", "update"},
	{"delete_elem", "delete"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool ebcc_is_method(const char *name, size_t length)
{
	return ebcc_table_method_of(name, length);
}

/* Functions that a BPF program can't call, and what to use instead. */
static const struct {
	const char *names; /* separated and enclosed by spaces */
	const char *instead;
} functions[] = {
	{" printf fprintf puts putchar printk pr_info pr_err pr_debug ",
	 "a BPF program prints to the trace pipe with bpf_trace_printk(\"...\\n\", ...), or passes "
	 "data to user space through a BPF_PERF_OUTPUT"},
	{" vsnprintf vsprintf ",
	 "a BPF program can format with bpf_snprintf() since Linux 5.13; better pass the values "
	 "to user space and format them there"},
	{" strcasecmp strncasecmp ",
	 "BPF programs can't call the C library: compare in a loop of constant length"},
	{" strlcpy strscpy ", "BPF programs can't call the C library: copy with strncpy() of a "
			      "constant size, or from kernel "
			      "memory with bpf_probe_read_kernel_str()"},
	{" strchr strrchr strstr strspn strcspn strpbrk strtol strtoul atoi memchr ",
	 "BPF programs can't call the C library: check the characters in a loop of constant "
	 "length, "
	 "or pass the string to user space"},
	{" strnlen ",
	 "BPF programs can't call the C library: strlen() of an array has a bound, and "
	 "bpf_probe_read_kernel_str() and bpf_probe_read_user_str() return the length "
	 "of what they copied"},
	{" malloc calloc realloc kmalloc kzalloc vmalloc free kfree ",
	 "BPF programs have no heap: keep data in a table, large scratch data in a "
	 "BPF_PERCPU_ARRAY with one element"},
	{" getpid gettid getppid getpgid ",
	 "bpf_get_current_pid_tgid() >> 32 is the process, (u32)bpf_get_current_pid_tgid() the "
	 "thread"},
	{" getuid getgid geteuid ", "(u32)bpf_get_current_uid_gid() is the user"},
	{" time gettimeofday clock_gettime ktime_get ktime_get_ns sched_clock get_jiffies_64 ",
	 "bpf_ktime_get_ns() is the time since the machine started, in nanoseconds"},
	{" rand random srand get_random_u32 prandom_u32 ",
	 "bpf_get_prandom_u32() gives random numbers"},
	{" smp_processor_id raw_smp_processor_id sched_getcpu ",
	 "bpf_get_smp_processor_id() is the current CPU"},
	{" get_current ", "(struct task_struct *)bpf_get_current_task() is the current task"},
	{" copy_from_user __copy_from_user get_user strncpy_from_user ",
	 "user memory is read with bpf_probe_read_user() and bpf_probe_read_user_str()"},
	{" copy_to_user __copy_to_user put_user ", "bpf_probe_write_user() writes to user memory"},
	{" spin_lock spin_unlock mutex_lock mutex_unlock ",
	 "a table's leaf can have a struct bpf_spin_lock, for bpf_spin_lock() and "
	 "bpf_spin_unlock()"},
	{" atomic_inc atomic_dec atomic_add atomic64_inc atomic64_add __atomic_fetch_add ",
	 "lock_xadd(&value, n) adds atomically; a table has atomic_increment()"},
	{" exit abort assert _exit raise ", "a program ends with return 0"},
	{" sleep usleep nanosleep msleep udelay ", "a BPF program can't wait"},
	{" dump_stack backtrace ", "get_stackid(ctx, 0) of a BPF_STACK_TRACE table stores the "
				   "stack, which user space can print"},
	{" sizeof_field ", "sizeof(((struct NAME *)0)->member) is the size of a member"},
};

/* Copies the text between the first pair of quotes after @prefix in the message. */
static bool quoted_after(const char *message, const char *prefix, char *name, size_t size)
{
	const char *start = strstr(message, prefix), *end;

	if (!start)
		return false;
	start = strchr(start + strlen(prefix) - 1, '\'');
	end = start ? strchr(start + 1, '\'') : NULL;
	if (!end || (size_t)(end - start) > size)
		return false;
	memcpy(name, start + 1, (size_t)(end - start) - 1);
	name[end - start - 1] = '\0';
	return true;
}

/* The next occurrence of @name as a whole word, or NULL. */
static const char *find_word(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text; (at = strstr(at, name)); at += length)
		if ((at == text || !is_name_char(at[-1])) && !is_name_char(at[length]))
			return at;
	return NULL;
}

/* Copies the name of the macro that declares a table: the first word of "BPF_HASH(counts". */
static bool find_declaration(const char *source, const char *table, char *macro, size_t size)
{
	for (const char *at = source; (at = find_word(at, table)); at++) {
		const char *end = at, *start;

		while (end > source && end[-1] != '(' && end[-1] != ';' && end[-1] != '}')
			end--;
		if (end == source || *--end != '(')
			continue;
		for (start = end; start > source && is_name_char(start[-1]);)
			start--;
		if (strncmp(start, "BPF_", 4) || (size_t)(end - start) >= size)
			continue;
		memcpy(macro, start, (size_t)(end - start));
		macro[end - start] = '\0';
		return true;
	}
	return false;
}

static bool hint_methods(const struct ebcc_mistake *mistake, const char *member, const char *table,
			 struct ebcc_buf *ret)
{
	const struct ebcc_table_macro *declares;
	char macro[64];
	bool listed = false;

	for (size_t i = 0; i < COUNT(foreign_methods); i++) {
		const struct ebcc_table_method *method;

		if (strcmp(foreign_methods[i].name, member))
			continue;
		method = ebcc_table_method_of(foreign_methods[i].method,
					      strlen(foreign_methods[i].method));
		ebcc_buf_printf(ret, "in BPF C it is %s.%s%s", table, method->name,
				method->arguments);
		return true;
	}
	if (!find_declaration(mistake->source, table, macro, sizeof(macro)))
		return false;
	declares = ebcc_table_macro_of(macro, strlen(macro));
	if (!declares)
		return false;
	ebcc_buf_printf(ret, "a table declared with %s has ", macro);
	for (const struct ebcc_table_method *method = ebcc_table_methods; method->name; method++) {
		if (!(declares->methods & method->group))
			continue;
		ebcc_buf_printf(ret, "%s%s", listed ? ", " : "", method->name);
		listed = true;
	}
	return true;
}

/* Appends "did you mean A or B?" if there are similar names. */
static bool suggest(const struct ebcc_near_names *near, struct ebcc_buf *ret)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	ebcc_near_names_suggest(near, &text);
	if (!text.size || text.failed)
		return false;
	ebcc_buf_append_string(ret, text.data + strlen("; "));
	return true;
}

/* ---- Fields of tracepoints ---- */

#define TRACEPOINT_TYPE "struct tracepoint__"
#define DATA_LOC "data_loc_"
#define FIELDS_LISTED 24

struct fields {
	const char *wanted;
	struct ebcc_near_names near;
	struct ebcc_buf list;
	unsigned count;
	bool has_variable; /* the wanted field exists, with variable length */
};

static void add_field(void *ctx, const char *name)
{
	struct fields *fields = ctx;

	/* Stands for the fields common to all tracepoints, which programs must not read. */
	if (!strcmp(name, "__do_not_use__"))
		return;
	if (!strncmp(name, DATA_LOC, strlen(DATA_LOC)) &&
	    !strcmp(name + strlen(DATA_LOC), fields->wanted))
		fields->has_variable = true;
	ebcc_near_names_add(&fields->near, name);
	if (fields->count++ < FIELDS_LISTED)
		ebcc_buf_printf(&fields->list, "%s%s", fields->count > 1 ? ", " : "", name);
	else if (fields->count == FIELDS_LISTED + 1)
		ebcc_buf_append_string(&fields->list, ", ...");
}

/* Lists the fields of "struct tracepoint__CATEGORY__EVENT", similar names first. */
static bool hint_field(const struct ebcc_mistake *mistake, const char *member, const char *type,
		       struct ebcc_buf *ret)
{
	const char *category = type + strlen(TRACEPOINT_TYPE), *event = strstr(category, "__");
	struct fields fields = {.wanted = member, .list = EBCC_BUF_INIT};

	ebcc_near_names_init(&fields.near, member);
	if (!event || !ebcc_names_of_members(mistake->types, type, add_field, &fields))
		return false;
	if (fields.has_variable) {
		ebcc_buf_printf(ret,
				"%s is a __data_loc field, of variable length: "
				"TP_DATA_LOC_READ_STR(&buffer, %s, sizeof(buffer)) copies the "
				"string into a char buffer[]",
				member, member);
	} else {
		if (suggest(&fields.near, ret))
			ebcc_buf_append_char(ret, ' ');
		ebcc_buf_printf(ret, "the fields of %.*s:%s are: %s", (int)(event - category),
				category, event + 2, ebcc_buf_string(&fields.list));
	}
	ebcc_buf_deinit(&fields.list);
	return true;
}

/* ---- Members ---- */

static void add_member(void *ctx, const char *name)
{
	ebcc_near_names_add(ctx, name);
}

static void ignore_member(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
}

static bool hint_near_member(const struct ebcc_mistake *mistake, const char *member,
			     const char *type, struct ebcc_buf *ret)
{
	struct ebcc_near_names near;

	ebcc_near_names_init(&near, member);
	if (!ebcc_names_of_members(mistake->source, type, add_member, &near))
		ebcc_names_of_members(mistake->types, type, add_member, &near);
	return suggest(&near, ret);
}

static bool hint_member(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	bool guessed = strstr(mistake->message, "did you mean");
	char member[64], table[64], type[128];

	if (!quoted_after(mistake->message, "no member named '", member, sizeof(member)))
		return false;
	if (quoted_after(mistake->message, "in table '", table, sizeof(table)))
		return !guessed && hint_methods(mistake, member, table, ret);
	if (!quoted_after(mistake->message, "in '", type, sizeof(type)))
		return false;
	if (!strncmp(type, TRACEPOINT_TYPE, strlen(TRACEPOINT_TYPE)))
		return hint_field(mistake, member, type, ret);
	if (!strncmp(type, "struct ", 7) &&
	    !ebcc_names_of_members(mistake->source, type, ignore_member, NULL) &&
	    ebcc_rename_explain(EBCC_RENAMED_MEMBER, type + 7, member, mistake->release, ret))
		return true;
	return !guessed && hint_near_member(mistake, member, type, ret);
}

static bool hint_function(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	struct ebcc_near_names near;
	char name[64], padded[66];

	if (!quoted_after(mistake->message, "function '", name, sizeof(name)) &&
	    !quoted_after(mistake->message, "'", name, sizeof(name)))
		return false;
	snprintf(padded, sizeof(padded), " %s ", name);
	for (size_t i = 0; i < COUNT(functions); i++) {
		if (!strstr(functions[i].names, padded))
			continue;
		ebcc_buf_append_string(ret, functions[i].instead);
		return true;
	}
	ebcc_near_names_init(&near, name);
	if (!strncmp(name, "bpf_", 4))
		for (unsigned i = 1; ebcc_helper_name(i); i++)
			ebcc_near_names_add(&near, ebcc_helper_name(i));
	ebcc_near_dialect_macros(&near);
	ebcc_near_declared(mistake->source, mistake->source + strlen(mistake->source), &near);
	if (!near.count)
		return false;
	ebcc_buf_append_string(ret, "there is no such function");
	ebcc_near_names_suggest(&near, ret);
	return true;
}

/* The rest of the line from the diagnostic's column. */
static const char *at_column(const struct ebcc_mistake *mistake, size_t *ret_length)
{
	if (!mistake->column || mistake->column > mistake->line_length)
		return NULL;
	*ret_length = mistake->line_length - (mistake->column - 1);
	return mistake->line + mistake->column - 1;
}

/* Suggests similar names that are declared above the mistake. */
static bool hint_declared(const struct ebcc_mistake *mistake, const char *name,
			  struct ebcc_buf *ret)
{
	struct ebcc_near_names near;
	size_t length;
	const char *line = ebcc_source_line(mistake->source, mistake->number, &length);

	ebcc_near_names_init(&near, name);
	ebcc_near_declared(mistake->source,
			   line + (mistake->column <= length ? mistake->column : length), &near);
	for (size_t i = 0; i < ebcc_macro_count && !near.count; i++)
		if (isupper((unsigned char)*name))
			ebcc_near_names_add(&near, ebcc_macro_name(&ebcc_macro_table[i]));
	return suggest(&near, ret);
}

static bool hint_identifier(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	const char *after;
	size_t length, left, method = 0;
	char name[64], guess[64], macro[64];

	if (!quoted_after(mistake->message, "identifier '", name, sizeof(name)))
		return false;
	if (!strcmp(name, "ctx") && strstr(mistake->source, "TRACEPOINT_PROBE")) {
		ebcc_buf_append_string(ret, "the context of a TRACEPOINT_PROBE is called args");
		return true;
	}
	if (!strcmp(name, "current")) {
		ebcc_buf_append_string(ret, "(struct task_struct *)bpf_get_current_task() is the "
					    "current task");
		return true;
	}
	after = at_column(mistake, &left);
	length = strlen(name);
	if (!after || left < length + 2 || after[length] != '.')
		return !strstr(mistake->message, "did you mean") &&
		       hint_declared(mistake, name, ret);
	while (length + 1 + method < left && is_name_char(after[length + 1 + method]))
		method++;
	if (!ebcc_is_method(after + length + 1, method) ||
	    (quoted_after(mistake->message, "did you mean '", guess, sizeof(guess)) &&
	     find_declaration(mistake->source, guess, macro, sizeof(macro))))
		return false;
	ebcc_buf_printf(ret,
			"no table '%s' is declared above: declare it, for example with "
			"BPF_HASH(%s, u32, u64);",
			name, name);
	return true;
}

static bool hint_void(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	size_t left, length = 0;
	const char *name = at_column(mistake, &left);

	while (name && length < left && is_name_char(name[length]))
		length++;
	if (!length)
		return false;
	ebcc_buf_printf(ret, "a parameter can't be void; did you mean a pointer, void *%.*s?",
			(int)length, name);
	return true;
}

static bool line_has(const struct ebcc_mistake *mistake, const char *text)
{
	return memmem(mistake->line, mistake->line_length, text, strlen(text));
}

static bool hint_conversion(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	if (!line_has(mistake, ".lookup"))
		return false;
	ebcc_buf_append_string(ret, "lookup() returns a pointer to the leaf in the table, or NULL: "
				    "keep it in a pointer, test it, then read the leaf with *");
	return true;
}

static bool hint_operands(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	if (!strstr(mistake->message, "*'"))
		return false;
	ebcc_buf_append_string(ret, "one side is a pointer: if it came from lookup(), test it for "
				    "NULL and read the leaf with *");
	return true;
}

static bool hint_arguments(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	size_t end =
		mistake->column < mistake->line_length ? mistake->column : mistake->line_length;

	/* The last ".method(" before the place. */
	for (size_t dot = end; dot-- > 0;) {
		const struct ebcc_table_method *method;
		size_t length = 0;

		if (mistake->line[dot] != '.')
			continue;
		while (dot + 1 + length < mistake->line_length &&
		       is_name_char(mistake->line[dot + 1 + length]))
			length++;
		method = ebcc_table_method_of(mistake->line + dot + 1, length);
		if (!method)
			continue;
		ebcc_buf_printf(ret, "the usage is %s%s", method->name, method->arguments);
		return true;
	}
	return false;
}

static bool hint_file(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	if (line_has(mistake, "bpf/")) {
		ebcc_buf_append_string(ret, "of libbpf's headers, sources can include those for "
					    "programs: bpf/bpf_helpers.h and its like");
		return true;
	}
	if (!line_has(mistake, "\""))
		return false;
	ebcc_buf_append_string(ret, "it is searched for in the directory of the file that includes "
				    "it, and in those of -I flags");
	return true;
}

/* A struct is passed instead of its address; the column points at its name. */
static bool hint_address(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	size_t left, length = 0;
	const char *name = at_column(mistake, &left);

	while (name && length < left && is_name_char(name[length]))
		length++;
	if (!length || isdigit((unsigned char)*name))
		return false;
	ebcc_buf_printf(ret, "pass its address: &%.*s", (int)length, name);
	return true;
}

/* A table is passed to a helper instead of its address. */
static bool hint_table(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	char name[64], macro[64];

	if (!strstr(mistake->message, "incompatible type 'void *'") ||
	    !quoted_after(mistake->message, "passing '", name, sizeof(name)))
		return false;
	if (strncmp(name, "const struct ", 13) ||
	    !find_declaration(mistake->source, name + 13, macro, sizeof(macro)))
		return hint_address(mistake, ret);
	ebcc_buf_printf(ret, "pass a table to a helper by its address: &%s", name + 13);
	return true;
}

/* counts[key]: the name is before the bracket that the column points at. */
static bool hint_subscript(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	size_t end = mistake->column ? mistake->column - 1 : 0, start;
	char name[64], macro[64];

	if (end > mistake->line_length)
		return false;
	for (start = end; start > 0 && is_name_char(mistake->line[start - 1]);)
		start--;
	if (start == end || end - start >= sizeof(name))
		return false;
	memcpy(name, mistake->line + start, end - start);
	name[end - start] = '\0';
	if (!find_declaration(mistake->source, name, macro, sizeof(macro)))
		return false;
	ebcc_buf_printf(ret,
			"a program reads an entry through the pointer that %s.lookup(&key) "
			"returns, and sets one by %s.update(&key, &leaf)",
			name, name);
	return true;
}

static bool hint_type(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	struct ebcc_near_names near;
	const char *tag;
	char name[96];

	if (!quoted_after(mistake->message, "type '", name, sizeof(name)) ||
	    !strncmp(name, TRACEPOINT_TYPE, strlen(TRACEPOINT_TYPE)))
		return false;
	tag = strchr(name, ' ');
	if (tag && ebcc_rename_explain(EBCC_RENAMED_TYPE, NULL, tag + 1, mistake->release, ret))
		return true;
	ebcc_buf_printf(ret, "neither the source nor this kernel has a definition of '%s'", name);
	ebcc_near_names_init(&near, tag ? tag + 1 : name);
	if (tag) {
		name[tag - name] = '\0';
		ebcc_near_tags(mistake->source, name, &near);
		ebcc_near_tags(mistake->types, name, &near);
	}
	if (near.count)
		ebcc_near_names_suggest(&near, ret);
	else
		ebcc_buf_append_string(ret, ": is the name right?");
	return true;
}

static bool hint_redefinition(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	char name[64];

	if (!quoted_after(mistake->message, "redefinition of '", name, sizeof(name)))
		return false;
	for (unsigned i = 1; ebcc_helper_name(i); i++) {
		if (strcmp(ebcc_helper_name(i), name))
			continue;
		ebcc_buf_append_string(ret, "this is the name of a BPF helper: choose another one");
		return true;
	}
	return false;
}

/* A line break within quotes, usually because another language expanded \n. */
static bool hint_string(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	if (!strstr(mistake->message, "'\"'"))
		return false;
	ebcc_buf_append_string(ret,
			       "a string must end on its line: if the source is in a string "
			       "itself, write \\n as \\\\n there, or make the outer string a raw "
			       "one (in Python r\"\"\"...\"\"\")");
	return true;
}

static bool hint_division(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	(void)mistake;
	ebcc_buf_append_string(ret, "make both operands unsigned, or use div64_s64(n, d); the "
				    "kernel has signed division since Linux 6.6, and the code is "
				    "for older ones too");
	return true;
}

/* U+2018 to U+201F, in UTF-8. */
static bool hint_quotes(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	size_t left;
	const char *at = at_column(mistake, &left);

	if (!at || left < 3 || memcmp(at, "\xe2\x80", 2) || (unsigned char)at[2] < 0x98 ||
	    (unsigned char)at[2] > 0x9f)
		return false;
	ebcc_buf_append_string(ret, "these are typographic quotes: C uses \" and '");
	return true;
}

static const struct {
	const char *pattern; /* in the message */
	bool (*hint)(const struct ebcc_mistake *mistake, struct ebcc_buf *ret);
} patterns[] = {
	{"call to undeclared", hint_function},
	{"is not defined", hint_function},
	{"no member named", hint_member},
	{"use of undeclared identifier", hint_identifier},
	{"argument may not have 'void' type", hint_void},
	{"'void' must be the first and only parameter", hint_void},
	{"pointer to integer conversion", hint_conversion},
	{"invalid operands to binary expression", hint_operands},
	{"comparison between pointer and integer", hint_operands},
	{"function-like macro invocation", hint_arguments},
	{"file not found", hint_file},
	{"missing terminating", hint_string},
	{"expected expression", hint_quotes},
	{"few arguments to", hint_arguments},
	{"many arguments to", hint_arguments},
	{"subscripted value is not", hint_subscript},
	{"to parameter of incompatible type", hint_table},
	{"incomplete definition of type", hint_type},
	{"incomplete type", hint_type},
	{"redefinition of", hint_redefinition},
	{"unsupported signed division", hint_division},
};

bool ebcc_hint(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	for (size_t i = 0; i < COUNT(patterns); i++)
		if (strstr(mistake->message, patterns[i].pattern) && patterns[i].hint(mistake, ret))
			return true;
	return false;
}

/* Whether a table is declared inside a function. */
static bool is_misplaced_table(const struct ebcc_mistake *mistake)
{
	size_t left;
	const char *at = at_column(mistake, &left);

	return at && left > 4 && !memcmp(at, "BPF_", 4) &&
	       (strstr(mistake->message, "'section' attribute only applies") ||
		strstr(mistake->message, "function definition is not allowed here"));
}

bool ebcc_hint_macro(const struct ebcc_mistake *mistake, struct ebcc_buf *ret)
{
	struct ebcc_near_names near;
	char name[64];
	size_t length = 0;

	if (is_misplaced_table(mistake)) {
		ebcc_buf_append_string(ret, "a table must be declared outside of functions");
		return true;
	}
	if (ebcc_hint_dialect_macro(mistake, ret))
		return true;
	while (length < mistake->line_length && is_name_char(mistake->line[length]))
		length++;
	if (!length || length >= sizeof(name) || length == mistake->line_length ||
	    mistake->line[length] != '(')
		return false;
	memcpy(name, mistake->line, length);
	name[length] = '\0';
	if (ebcc_is_dialect_macro(name) || ebcc_source_defines_macro(mistake->source, name))
		return false;
	ebcc_near_names_init(&near, name);
	ebcc_near_dialect_macros(&near);
	if (!near.count)
		return false;
	ebcc_buf_printf(ret, "there is no macro '%s'", name);
	ebcc_near_names_suggest(&near, ret);
	return true;
}

/* The first character, except spaces, after the parenthesis that matches the one at @open. */
static char after_parentheses(const char *open)
{
	int depth = 0;

	for (; *open; open++) {
		depth += (*open == '(') - (*open == ')');
		if (depth)
			continue;
		for (open++; isspace((unsigned char)*open);)
			open++;
		return *open;
	}
	return '\0';
}

bool ebcc_source_defines_macro(const char *source, const char *name)
{
	static const char define[] = "define";

	for (const char *at = source; (at = find_word(at, name)); at++) {
		const char *end = at;

		while (end > source && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		if (end < at && end - source >= (ptrdiff_t)strlen(define) &&
		    !memcmp(end - strlen(define), define, strlen(define)))
			return true;
	}
	return false;
}

bool ebcc_source_has_static_function(const char *source, const char *name)
{
	for (const char *at = source; *name && (at = find_word(at, name)); at++) {
		const char *open = at + strlen(name), *start = at, *word;

		while (isspace((unsigned char)*open))
			open++;
		if (*open != '(' || after_parentheses(open) != '{')
			continue;
		while (start > source && !strchr(";}{", start[-1]))
			start--;
		word = find_word(start, "static");
		if (word && word < at)
			return true;
	}
	return false;
}
