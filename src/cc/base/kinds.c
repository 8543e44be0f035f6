// SPDX-License-Identifier: Apache-2.0
#include "base/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ebcc.h"

const struct ebcc_program_kind ebcc_program_kinds[EBCC_KIND_COUNT] = {
#define X(id, ...) {EBCC_KIND_##id, __VA_ARGS__},
	EBCC_PROGRAM_KINDS(X)
#undef X
};

const struct ebcc_table_macro ebcc_table_macros[] = {
#define X(...) {__VA_ARGS__},
	EBCC_TABLE_MACROS(X)
#undef X
		{.name = NULL},
};

const struct ebcc_table_method ebcc_table_methods[] = {
#define X(name, arguments, group) {name, arguments, EBCC_METHODS_##group},
	EBCC_TABLE_METHODS(X)
#undef X
		{.name = NULL},
};

const struct ebcc_program_kind *ebcc_program_kind_of(const char *program, const char **ret_target)
{
	for (size_t i = 0; i < EBCC_KIND_COUNT; i++) {
		const struct ebcc_program_kind *kind = &ebcc_program_kinds[i];
		size_t length = kind->prefix ? strlen(kind->prefix) : 0;

		if (!length || strncmp(program, kind->prefix, length) || !program[length])
			continue;
		if (ret_target)
			*ret_target = program + length;
		return kind;
	}
	return NULL;
}

/* Whether @name begins with @prefix, or is the prefix without its slash. */
static bool has_prefix(const char *name, const char *prefix)
{
	size_t length = strlen(prefix) - 1;

	return !strncmp(name, prefix, length) && (!name[length] || name[length] == '/');
}

static struct ebcc_section section_with(enum ebcc_program_kind_id kind, const char *prefix,
					const char *name, bool sleepable)
{
	const char *target = name + strlen(prefix) - 1;

	return (struct ebcc_section){
		.kind = &ebcc_program_kinds[kind],
		.prefix = prefix,
		.target = *target ? target + 1 : target,
		.sleepable = sleepable,
	};
}

static const struct {
	const char *prefix;
	enum ebcc_program_kind_id kind;
	bool sleepable;
} aliases[] = {
#define X(prefix, kind, sleepable) {prefix, EBCC_KIND_##kind, sleepable},
	EBCC_SECTION_ALIASES(X)
#undef X
};

const char *ebcc_section_prefix(size_t index)
{
	if (index < EBCC_KIND_COUNT)
		return ebcc_program_kinds[index].section;
	index -= EBCC_KIND_COUNT;
	return index < sizeof(aliases) / sizeof(aliases[0]) ? aliases[index].prefix : NULL;
}

struct ebcc_section ebcc_section_of(const char *name)
{
	name += *name == '?';
	for (size_t i = 0; i < EBCC_KIND_COUNT; i++)
		if (has_prefix(name, ebcc_program_kinds[i].section))
			return section_with((enum ebcc_program_kind_id)i,
					    ebcc_program_kinds[i].section, name, false);
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (has_prefix(name, aliases[i].prefix))
			return section_with(aliases[i].kind, aliases[i].prefix, name,
					    aliases[i].sleepable);
	return (struct ebcc_section){.kind = NULL};
}

static char *tracepoint_section(const char *target)
{
	const char *event = strstr(target, "__");
	char *section;

	if (!event ||
	    asprintf(&section, "%s%.*s/%s", ebcc_program_kinds[EBCC_KIND_TRACEPOINT].section,
		     (int)(event - target), target, event + strlen("__")) < 0)
		return NULL;
	return section;
}

char *ebcc_program_section(const struct ebcc_program_kind *kind, const char *target)
{
	char *section;

	if (kind->id == EBCC_KIND_TRACEPOINT)
		return tracepoint_section(target);
	return asprintf(&section, "%s%s", kind->section, target) < 0 ? NULL : section;
}

bool ebcc_program_kind_is_typed(const struct ebcc_program_kind *kind)
{
	return kind->attach == EBCC_ATTACH_TRACE;
}

bool ebcc_program_has_syscall_arguments(const char *program)
{
	const char *target;
	const struct ebcc_program_kind *kind = ebcc_program_kind_of(program, &target);

	if (!kind)
		return false;
	return kind->syscall == EBCC_SYSCALL_ALWAYS ||
	       (kind->syscall == EBCC_SYSCALL_ARGUMENTS && ebcc_syscall_name(target));
}

const struct ebcc_context *ebcc_context_of(const char *type)
{
	static const struct ebcc_context contexts[] = {
#define X(...) {__VA_ARGS__},
		EBCC_CONTEXTS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++)
		if (!strcmp(type, contexts[i].type))
			return &contexts[i];
	return NULL;
}

const char *ebcc_syscall_name(const char *function)
{
	static const char *const prefixes[] = {
#define X(prefix) prefix,
		EBCC_SYSCALL_PREFIXES(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i]);

		if (!strncmp(function, prefixes[i], length) && function[length])
			return function + length;
	}
	return NULL;
}

const struct ebcc_table_macro *ebcc_table_macro_of(const char *name, size_t length)
{
	for (const struct ebcc_table_macro *macro = ebcc_table_macros; macro->name; macro++)
		if (strlen(macro->name) == length && !memcmp(macro->name, name, length))
			return macro;
	return NULL;
}

const struct ebcc_table_method *ebcc_table_method_of(const char *name, size_t length)
{
	for (const struct ebcc_table_method *method = ebcc_table_methods; method->name; method++)
		if (strlen(method->name) == length && !memcmp(method->name, name, length))
			return method;
	return NULL;
}
