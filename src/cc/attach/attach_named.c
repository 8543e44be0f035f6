// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching all programs of a module whose names say what to: kprobe__FUNCTION and the like.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/trace.h"
#include "base/cleanup.h"
#include "load/link.h"

static struct ebcc_error *attach_named_kprobe(struct ebcc_program *program, const char *target,
					      struct ebcc_link **ret)
{
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts), .function = target};

	return ebcc_attach_kprobe(program, &opts, ret);
}

static struct ebcc_error *attach_named_kretprobe(struct ebcc_program *program, const char *target,
						 struct ebcc_link **ret)
{
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts), .function = target, .on_return = true};

	return ebcc_attach_kprobe(program, &opts, ret);
}

/*
 * @target is CATEGORY__EVENT. Either part may have double underscores of its own, so the
 * division is taken that names a tracepoint of this kernel; with none the first one, for the
 * message.
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
			"a tracepoint program is named tracepoint__CATEGORY__EVENT");
	for (at = divider; at; at = strstr(at + 1, "__")) {
		category[at - target] = '\0';
		if (ebcc_tracepoint_exists(category, at + 2)) {
			divider = at;
			break;
		}
		category[at - target] = '_';
	}
	category[divider - target] = '\0';
	return ebcc_attach_tracepoint(program, category, divider + 2, ret);
}

static struct ebcc_error *attach_named_raw_tracepoint(struct ebcc_program *program,
						      const char *target, struct ebcc_link **ret)
{
	return ebcc_attach_raw_tracepoint(program, target, ret);
}

static struct ebcc_error *attach_named_trace(struct ebcc_program *program, const char *target,
					     struct ebcc_link **ret)
{
	return ebcc_attach_trace(program, ret);
}

/* An iterator runs when it is read, so it is loaded and no link made. */
static struct ebcc_error *load_named_iter(struct ebcc_program *program, const char *target,
					  struct ebcc_link **ret)
{
	*ret = NULL;
	return ebcc_iter_load(program);
}

static const struct named_kind {
	const char *prefix;
	struct ebcc_error *(*attach)(struct ebcc_program *program, const char *target,
				     struct ebcc_link **ret);
} named_kinds[] = {
	{"kprobe__", attach_named_kprobe},
	{"kretprobe__", attach_named_kretprobe},
	{"tracepoint__", attach_named_tracepoint},
	{"raw_tracepoint__", attach_named_raw_tracepoint},
	{"kfunc__", attach_named_trace},
	{"kretfunc__", attach_named_trace},
	{"kmod_ret__", attach_named_trace},
	{"lsm__", attach_named_trace},
	{"bpf_iter__", load_named_iter},
};

static struct ebcc_error *attach_if_named(struct ebcc_program *program, struct ebcc_link **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < sizeof(named_kinds) / sizeof(named_kinds[0]); i++) {
		size_t length = strlen(named_kinds[i].prefix);
		struct ebcc_error *error;

		if (strncmp(program->name, named_kinds[i].prefix, length) || !program->name[length])
			continue;
		error = named_kinds[i].attach(program, program->name + length, ret);
		return ebcc_error_prefix(error, "program %s", program->name);
	}
	return NULL;
}

struct ebcc_error *ebcc_module_attach_named(struct ebcc_module *module)
{
	struct ebcc_link *before = module->links, *link;

	for (size_t i = 0; i < module->program_count; i++) {
		struct ebcc_error *error = ebcc_check_interrupted(&module->log);

		if (!error)
			error = attach_if_named(module->programs[i], &link);
		if (!error)
			continue;
		/* All or nothing: new links are put in front of the list. */
		while (module->links != before)
			ebcc_link_destroy(module->links);
		return error;
	}
	return NULL;
}
