// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching a program to what its section says, in the form that libbpf documents ("Program Types
 *and ELF Sections"):
 *
 *	kprobe/FUNCTION+OFFSET		kprobe.multi/PATTERN		ksyscall/NAME
 *	uprobe/BINARY:SYMBOL+OFFSET	uprobe.multi/BINARY:PATTERN
 *	usdt/BINARY:PROVIDER:PROBE	kprobe.session/PATTERN
 *	tracepoint/CATEGORY/EVENT	raw_tp/EVENT
 *
 * A section of a function may name a module too: kprobe/MODULE:FUNCTION.
 */
#include "autoattach/section.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach/trace.h"
#include "base/buf.h"
#include "elf/library.h"
#include "kernel/syscalls.h"

/* The error for a target that is not of the form that its section needs. */
static struct ebcc_error *bad_target(const struct ebcc_program *program,
				     const struct ebcc_section *section, const char *form)
{
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
				  "the section \"%s%s\" does not say what to attach to: it must be "
				  "\"%s%s\"",
				  section->prefix, section->target, section->prefix, form),
		program->name);
}

/* Splits "NAME+OFFSET"; the offset is 0 if there is none. Returns false if it is not a number. */
static bool split_offset(const char *target, char **ret_name, uint64_t *ret_offset)
{
	const char *plus = strrchr(target, '+');
	char *end = NULL;

	*ret_offset = 0;
	*ret_name = plus ? strndup(target, (size_t)(plus - target)) : strdup(target);
	if (!plus || !*ret_name)
		return true;
	errno = 0;
	*ret_offset = strtoull(plus + 1, &end, 0);
	return isdigit((unsigned char)plus[1]) && !*end && !errno && plus > target;
}

static struct ebcc_error *attach_function(struct ebcc_program *program,
					  const struct ebcc_section *section, bool on_return,
					  struct ebcc_link **ret)
{
	AUTO_FREE char *function = NULL;
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts), .on_return = on_return};

	if (!split_offset(section->target, &function, &opts.offset))
		return bad_target(program, section, "FUNCTION+OFFSET");
	if (!function)
		return ebcc_error_no_memory();
	opts.function = function;
	return ebcc_program_attach_kprobe(program, &opts, ret);
}

/* Appends a pattern as a regular expression: '*' is any text and '?' any character. Returns false
 * for a character that no function's name has in C. */
static bool append_pattern(const char *pattern, struct ebcc_buf *regex)
{
	for (; *pattern; pattern++) {
		if (*pattern == '*')
			ebcc_buf_append_string(regex, ".*");
		else if (*pattern == '?')
			ebcc_buf_append_char(regex, '.');
		else if (*pattern == '.')
			ebcc_buf_append_string(regex, "[.]");
		else if (isalnum((unsigned char)*pattern) || *pattern == '_')
			ebcc_buf_append_char(regex, *pattern);
		else
			return false;
	}
	ebcc_buf_append_char(regex, '$');
	return true;
}

static struct ebcc_error *attach_functions(struct ebcc_program *program,
					   const struct ebcc_section *section,
					   struct ebcc_link **ret)
{
	struct ebcc_kprobe_multi_opts opts = {
		.sz = sizeof(opts),
		.on_return = section->kind->attach == EBCC_ATTACH_FUNCTIONS_RETURN,
		.session = section->kind->attach == EBCC_ATTACH_FUNCTIONS_SESSION,
	};
	AUTO_BUF struct ebcc_buf regex = EBCC_BUF_INIT;
	AUTO_FREE char **functions = NULL;
	size_t count;

	if (!append_pattern(section->target, &regex))
		return bad_target(program, section, "PATTERN");
	TRY(ebcc_buf_check(&regex));
	TRY(ebcc_kernel_find_functions(ebcc_buf_string(&regex), NULL, &functions, &count));
	if (!count)
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_NOT_FOUND,
					  "no kernel function that can be probed matches \"%s\"",
					  section->target),
			section->target);
	return ebcc_program_attach_kprobe_multi(program, (const char *const *)functions, count,
						&opts, ret);
}

static struct ebcc_error *attach_syscall(struct ebcc_program *program,
					 const struct ebcc_section *section, bool on_return,
					 struct ebcc_link **ret)
{
	AUTO_BUF struct ebcc_buf name = EBCC_BUF_INIT;
	AUTO_FREE char *function = NULL;
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts), .on_return = on_return};

	ebcc_buf_printf(&name, "sys_%s", section->target);
	TRY(ebcc_buf_check(&name));
	TRY(ebcc_syscall_function(ebcc_buf_string(&name), &function));
	opts.function = function;
	return ebcc_program_attach_kprobe(program, &opts, ret);
}

/* The file that a section names. As for libbpf, a name without a slash is a program in PATH, unless
 * it is that of a library ("libc.so.6"); names that are neither ("c") are libraries too. */
static struct ebcc_error *find_binary(const char *name, size_t size, char **ret)
{
	AUTO_FREE char *copy = strndup(name, size);

	if (!copy)
		return ebcc_error_no_memory();
	*ret = NULL;
	if (!strchr(copy, '/') && !strstr(copy, ".so"))
		TRY(ebcc_find_program(copy, ret));
	if (!*ret)
		*ret = TAKE_PTR(copy);
	return NULL;
}

static struct ebcc_error *attach_user_function(struct ebcc_program *program,
					       const struct ebcc_section *section, bool on_return,
					       struct ebcc_link **ret)
{
	const char *colon = strrchr(section->target, ':');
	AUTO_FREE char *binary = NULL, *symbol = NULL;
	struct ebcc_uprobe_opts opts = {.sz = sizeof(opts), .on_return = on_return};

	if (!colon)
		return NULL;
	if (!colon[1] || colon == section->target ||
	    !split_offset(colon + 1, &symbol, &opts.offset))
		return bad_target(program, section, "BINARY:SYMBOL+OFFSET");
	if (!symbol)
		return ebcc_error_no_memory();
	TRY(find_binary(section->target, (size_t)(colon - section->target), &binary));
	opts.binary = binary;
	opts.symbol = symbol;
	return ebcc_program_attach_uprobe(program, &opts, ret);
}

static struct ebcc_error *attach_user_functions(struct ebcc_program *program,
						const struct ebcc_section *section,
						struct ebcc_link **ret)
{
	const char *colon = strrchr(section->target, ':');
	struct ebcc_uprobe_multi_opts opts = {
		.sz = sizeof(opts),
		.on_return = section->kind->attach == EBCC_ATTACH_USER_FUNCTIONS_RETURN,
		.session = section->kind->attach == EBCC_ATTACH_USER_FUNCTIONS_SESSION,
	};
	AUTO_BUF struct ebcc_buf regex = EBCC_BUF_INIT;
	AUTO_FREE char *binary = NULL;
	AUTO_FREE char **names = NULL;
	AUTO_FREE uint64_t *addresses = NULL;
	size_t count;

	if (!colon)
		return NULL;
	if (!colon[1] || colon == section->target || !append_pattern(colon + 1, &regex))
		return bad_target(program, section, "BINARY:PATTERN");
	TRY(ebcc_buf_check(&regex));
	TRY(find_binary(section->target, (size_t)(colon - section->target), &binary));
	TRY(ebcc_binary_find_functions(binary, ebcc_buf_string(&regex), NULL, &names, &addresses,
				       &count));
	if (!count)
		return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_NOT_FOUND,
								 "no function of %s matches \"%s\"",
								 binary, colon + 1),
					       binary);
	opts.names = (const char *const *)names;
	return ebcc_program_attach_uprobe_multi(program, binary, addresses, count, &opts, ret);
}

static struct ebcc_error *attach_usdt(struct ebcc_program *program,
				      const struct ebcc_section *section, struct ebcc_link **ret)
{
	const char *name = strrchr(section->target, ':'), *provider = name;
	AUTO_FREE char *binary = NULL;
	struct ebcc_usdt_opts opts = {.sz = sizeof(opts)};
	struct ebcc_usdt_attach_opts attach = {.sz = sizeof(attach), .every_process = true};
	struct ebcc_usdt *usdt;
	struct ebcc_error *error;

	while (provider && provider > section->target && provider[-1] != ':')
		provider--;
	if (!provider || provider < section->target + 2 || provider == name || !name[1])
		return bad_target(program, section, "BINARY:PROVIDER:PROBE");
	TRY(find_binary(section->target, (size_t)(provider - 1 - section->target), &binary));
	opts.binary = binary;
	attach.probe = provider;
	TRY(ebcc_usdt_open(&opts, &usdt));
	error = ebcc_program_attach_usdt(program, usdt, &attach, ret);
	ebcc_usdt_close(usdt);
	return error;
}

static struct ebcc_error *attach_tracepoint(struct ebcc_program *program,
					    const struct ebcc_section *section,
					    struct ebcc_link **ret)
{
	const char *slash = strchr(section->target, '/');
	AUTO_FREE char *category = NULL;

	if (!slash || slash == section->target || !slash[1])
		return bad_target(program, section, "CATEGORY/EVENT");
	category = strndup(section->target, (size_t)(slash - section->target));
	if (!category)
		return ebcc_error_no_memory();
	return ebcc_program_attach_tracepoint(program, category, slash + 1, NULL, ret);
}

struct ebcc_error *ebcc_attach_section(struct ebcc_program *program,
				       const struct ebcc_section *section, struct ebcc_link **ret)
{
	switch (section->kind->attach) {
	case EBCC_ATTACH_BY_HAND:
		return NULL;
	case EBCC_ATTACH_FUNCTION:
		return attach_function(program, section, false, ret);
	case EBCC_ATTACH_FUNCTION_RETURN:
		return attach_function(program, section, true, ret);
	case EBCC_ATTACH_FUNCTIONS:
	case EBCC_ATTACH_FUNCTIONS_RETURN:
	case EBCC_ATTACH_FUNCTIONS_SESSION:
		return attach_functions(program, section, ret);
	case EBCC_ATTACH_SYSCALL:
		return attach_syscall(program, section, false, ret);
	case EBCC_ATTACH_SYSCALL_RETURN:
		return attach_syscall(program, section, true, ret);
	case EBCC_ATTACH_USER_FUNCTION:
		return attach_user_function(program, section, false, ret);
	case EBCC_ATTACH_USER_FUNCTION_RETURN:
		return attach_user_function(program, section, true, ret);
	case EBCC_ATTACH_USER_FUNCTIONS:
	case EBCC_ATTACH_USER_FUNCTIONS_RETURN:
	case EBCC_ATTACH_USER_FUNCTIONS_SESSION:
		return attach_user_functions(program, section, ret);
	case EBCC_ATTACH_USDT:
		return attach_usdt(program, section, ret);
	case EBCC_ATTACH_TRACEPOINT:
		return attach_tracepoint(program, section, ret);
	case EBCC_ATTACH_RAW_TRACEPOINT:
		return ebcc_program_attach_raw_tracepoint(program, section->target, NULL, ret);
	case EBCC_ATTACH_TRACE:
		return ebcc_program_attach_trace(program, NULL, ret);
	case EBCC_ATTACH_ITER: /* runs when it is read, so it is only loaded, without a link */
		return ebcc_iter_load(program);
	}
	return NULL;
}
