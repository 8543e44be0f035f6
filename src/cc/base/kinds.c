// SPDX-License-Identifier: Apache-2.0
#include "base/kinds.h"

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
