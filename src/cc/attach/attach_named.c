// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching all programs of a module whose names say where: kprobe__FUNCTION and similar.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/trace.h"
#include "base/cleanup.h"
#include "base/kinds.h"
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

static struct ebcc_error *attach_named(struct ebcc_program *program,
				       const struct ebcc_program_kind *kind, const char *target,
				       struct ebcc_link **ret)
{
	switch (kind->attach) {
	case EBCC_ATTACH_BY_HAND:
		return NULL;
	case EBCC_ATTACH_FUNCTION:
	case EBCC_ATTACH_FUNCTION_RETURN:
		return attach_named_kprobe(program, kind, target, ret);
	case EBCC_ATTACH_TRACEPOINT:
		return attach_named_tracepoint(program, target, ret);
	case EBCC_ATTACH_RAW_TRACEPOINT:
		return ebcc_program_attach_raw_tracepoint(program, target, NULL, ret);
	case EBCC_ATTACH_TRACE:
		return ebcc_program_attach_trace(program, NULL, ret);
	case EBCC_ATTACH_ITER: /* runs when it is read, so it is only loaded, without a link */
		return ebcc_iter_load(program);
	}
	return NULL;
}

struct ebcc_error *ebcc_program_attach_named(struct ebcc_program *program, struct ebcc_link **ret)
{
	const char *target;
	const struct ebcc_program_kind *kind = ebcc_program_kind_of(program->name, &target);
	struct ebcc_link *link = NULL;
	struct ebcc_error *error;

	error = kind ? attach_named(program, kind, target, &link) : NULL;
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
