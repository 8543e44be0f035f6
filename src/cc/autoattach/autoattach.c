// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching the programs of a module to what they say: by a name that begins with kprobe__ or
 * similar, as in sources for bcc, or by a section, as in sources for libbpf. The compiler gives the
 * former the section that their name stands for, so a section that says something else is the
 * source's own, and decides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autoattach/section.h"
#include "base/cleanup.h"
#include "kernel/syscalls.h"
#include "load/link.h"

static struct ebcc_error *attach_named_kprobe(struct ebcc_program *program,
					      const struct ebcc_program_kind *kind,
					      const char *target, struct ebcc_link **ret)
{
	AUTO_FREE char *function = NULL;
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts),
					.on_return = kind->attach == EBCC_ATTACH_FUNCTION_RETURN};

	TRY(ebcc_syscall_function(target, &function));
	opts.function = function;
	return ebcc_program_attach_kprobe(program, &opts, ret);
}

/*
 * @target is CATEGORY__EVENT. Both parts may contain double underscores, so we split it where that
 * gives a tracepoint of this kernel; if no split does, at the first place, for the error message.
 */
static struct ebcc_error *attach_named_tracepoint(struct ebcc_program *program, const char *target,
						  struct ebcc_link **ret)
{
	AUTO_FREE char *category = strdup(target);
	const char *divider = strstr(target, "__"), *at;

	if (!category)
		return ebcc_error_no_memory();
	if (!divider || divider == target || !divider[2])
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"a tracepoint program must be named tracepoint__CATEGORY__EVENT");
	for (at = divider; at; at = strstr(at + 1, "__")) {
		category[at - target] = '\0';
		if (ebcc_kernel_has_tracepoint(category, at + 2)) {
			divider = at;
			break;
		}
		category[at - target] = '_';
	}
	category[divider - target] = '\0';
	return ebcc_program_attach_tracepoint(program, category, divider + 2, NULL, ret);
}

/* @section is that of the program's name. */
static struct ebcc_error *attach_named(struct ebcc_program *program,
				       const struct ebcc_program_kind *kind, const char *target,
				       const struct ebcc_section *section, struct ebcc_link **ret)
{
	switch (kind->attach) {
	case EBCC_ATTACH_FUNCTION:
	case EBCC_ATTACH_FUNCTION_RETURN:
		return attach_named_kprobe(program, kind, target, ret);
	case EBCC_ATTACH_TRACEPOINT:
		return attach_named_tracepoint(program, target, ret);
	default:
		return ebcc_attach_section(program, section, ret);
	}
}

/* Fails for a section by which libbpf would attach the program in a way that is not known here: it
 * must not stay unattached without a word. */
static struct ebcc_error *check_known(const struct ebcc_program *program)
{
	static const char *const prefixes[] = {"fentry.multi/", "fexit.multi/", "fsession/",
					       "freplace/"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(program->target.section, prefixes[i], strlen(prefixes[i])))
			return ebcc_error_with_subject(
				ebcc_error_create(
					EBCC_ERROR_UNSUPPORTED,
					"programs of the section \"%s\" can't be attached "
					"by ebcc: leave it out of those to attach, or "
					"load the object with libbpf",
					program->target.section),
				program->name);
	return NULL;
}

static struct ebcc_error *attach(struct ebcc_program *program, struct ebcc_link **ret)
{
	const char *target;
	const struct ebcc_program_kind *kind = ebcc_program_kind_of(program->name, &target);
	struct ebcc_section section = ebcc_section_of(program->target.section);
	AUTO_FREE char *own = kind ? ebcc_program_section(kind, target) : NULL;
	bool says_target = section.kind && *section.target;

	if (kind && (own ? !strcmp(own, program->target.section) : !says_target))
		return attach_named(program, kind, target, &section, ret);
	return says_target ? ebcc_attach_section(program, &section, ret) : check_known(program);
}

struct ebcc_error *ebcc_program_attach_named(struct ebcc_program *program, struct ebcc_link **ret)
{
	struct ebcc_link *link = NULL;
	struct ebcc_error *error = attach(program, &link);

	if (error && !strstr(ebcc_error_message(error), program->name))
		return ebcc_error_prefix(error, "program %s", program->name);
	if (!error)
		*ret = link;
	return error;
}

struct ebcc_error *ebcc_module_attach_named(struct ebcc_module *module)
{
	struct ebcc_link *before = module->links, *link;

	for (size_t i = 0; i < module->program_count; i++) {
		struct ebcc_error *error = ebcc_check_interrupted(&module->log);

		if (!error && ebcc_program_is_optional(module->programs[i]))
			continue;
		if (!error)
			error = ebcc_program_attach_named(module->programs[i], &link);
		if (!error)
			continue;
		/* All or nothing. New links are at the front of the list. */
		while (module->links != before)
			ebcc_link_destroy(module->links);
		return error;
	}
	return NULL;
}
