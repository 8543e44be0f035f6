// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching one program to many kernel functions (multi.c), by their addresses: with kprobe.multi
 * links, or, so that a program runs both at entry and at return, with kprobe.session links.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "attach/multi.h"
#include "attach/perf_link.h"
#include "attach/session.h"
#include "base/hash.h"
#include "base/options.h"
#include "kernel/functions.h"
#include "kernel/multi_link.h"

/* Attach only once to a name that was given twice. */
static struct ebcc_error *add_functions(struct ebcc_multi *multi, const char *const *functions,
					size_t count, const uint64_t *cookies)
{
	AUTO_HASH struct ebcc_hash seen = {0};

	for (size_t i = 0; i < count; i++) {
		struct ebcc_multi_place *place = &multi->places[multi->count];
		uint64_t *again = ebcc_hash_insert_string(&seen, functions[i]);

		if (!again)
			return ebcc_error_no_memory();
		if ((*again)++)
			continue;
		place->name = strdup(functions[i]);
		if (!place->name)
			return ebcc_error_no_memory();
		place->cookie = cookies ? cookies[i] : 0;
		multi->count++;
	}
	return NULL;
}

/* The address of the function of that name, if there is only one and it can be probed; else 0. */
static uint64_t find_address(const struct ebcc_kernel_functions *functions, const char *name)
{
	size_t index = ebcc_kernel_functions_search(functions, name);

	if (index == functions->count ||
	    strcmp(ebcc_kernel_function_name(functions, index), name) ||
	    !functions->functions[index].probeable)
		return 0;
	if (index + 1 < functions->count &&
	    !strcmp(ebcc_kernel_function_name(functions, index + 1), name))
		return 0;
	return functions->functions[index].address;
}

/* A link has the functions whose address is known. */
static struct ebcc_error *resolve(struct ebcc_multi *multi, size_t *ret_resolved)
{
	const struct ebcc_kernel_functions *functions;
	size_t resolved = 0;

	TRY(ebcc_kernel_functions_get(&functions));
	for (size_t i = 0; i < multi->count; i++) {
		multi->places[i].address = find_address(functions, multi->places[i].name);
		if (multi->places[i].address)
			ebcc_multi_swap(multi, i, resolved++);
	}
	ebcc_kernel_functions_put(functions);
	*ret_resolved = resolved;
	return NULL;
}

static int create(const struct ebcc_multi *multi, const uint64_t *addresses,
		  const uint64_t *semaphores, const uint64_t *cookies, size_t count)
{
	struct ebcc_kprobe_multi_request request = {
		.attach_type = multi->kind->attach_type,
		.on_return = multi->on_return,
		.addresses = addresses,
		.cookies = cookies,
		.count = (uint32_t)count,
	};

	return ebcc_kprobe_multi_link(multi->program_fd, &request);
}

static bool refuses_some(int errnum)
{
	return errnum == EINVAL || errnum == ENOENT || errnum == ESRCH || errnum == E2BIG;
}

static struct ebcc_error *attach_single(const struct ebcc_multi *multi,
					const struct ebcc_multi_place *place,
					struct ebcc_link **ret)
{
	struct ebcc_kprobe_opts opts = {.sz = sizeof(opts),
					.function = place->name,
					.on_return = multi->on_return,
					.cookie = place->cookie};

	return ebcc_program_attach_kprobe(multi->program, &opts, ret);
}

static struct ebcc_error *refuse_single(const struct ebcc_multi *multi,
					const struct ebcc_multi_place *place,
					struct ebcc_link **ret)
{
	return ebcc_session_refused(place->name);
}

static const struct ebcc_multi_kind multi_kind = {
	.feature = EBCC_FEATURE_KPROBE_MULTI,
	.attach_type = BPF_TRACE_KPROBE_MULTI,
	.create = create,
	.refuses_some = refuses_some,
	.resolve = resolve,
	.attach_single = attach_single,
};

static const struct ebcc_multi_kind session_kind = {
	.feature = EBCC_FEATURE_KPROBE_SESSION,
	.attach_type = EBCC_KPROBE_SESSION,
	.create = create,
	.refuses_some = refuses_some,
	.resolve = resolve,
	.attach_single = refuse_single,
};

struct ebcc_error *
ebcc_program_attach_kprobe_multi(struct ebcc_program *program, const char *const *functions,
				 size_t count, const struct ebcc_kprobe_multi_opts *caller_opts,
				 struct ebcc_link **ret)
{
	struct ebcc_kprobe_multi_opts opts = {.sz = sizeof(opts)};
	AUTO_MULTI struct ebcc_multi multi = {.file = -1};
	const struct ebcc_multi_kind *kind;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_kprobe_multi_opts"));
	kind = opts.session ? &session_kind : &multi_kind;
	if (!count)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "no kernel functions to attach to were given");
	/* One by one, functions with a cookie would be left out as if they couldn't be probed. */
	for (size_t i = 0; opts.cookies && i < count; i++)
		TRY(ebcc_cookie_check(opts.cookies[i]));
	if (opts.session)
		TRY(ebcc_session_check(kind, program, opts.on_return, "kernel functions",
				       "6.10, with CONFIG_FPROBE"));
	TRY(ebcc_multi_init(&multi, kind, program, count));
	multi.on_return = opts.on_return;
	multi.has_cookies = opts.cookies;
	TRY(add_functions(&multi, functions, count, opts.cookies));
	if (opts.session)
		return ebcc_multi_attach(&multi, ret, "kprobe.session");
	return ebcc_multi_attach(&multi, ret, opts.on_return ? "kretprobe.multi" : "kprobe.multi");
}
