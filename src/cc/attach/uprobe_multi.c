// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching one program to many functions of a program or library (multi.c): with uprobe.multi
 * links, or, so that a program runs both at entry and at return, with uprobe.session links. Single
 * probes are links of this kind, too, because the kernel removes them faster than perf events.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "attach/multi.h"
#include "attach/perf_link.h"
#include "attach/session.h"
#include "attach/uprobe.h"
#include "base/hash.h"
#include "base/options.h"
#include "elf/go_binary.h"
#include "elf/library.h"
#include "elf/symbols.h"
#include "kernel/multi_link.h"

/* Linux's own, which the C library's headers don't have: an instruction can't be probed. */
#define KERNEL_ENOTSUPP 524

static int create(const struct ebcc_multi *multi, const uint64_t *addresses,
		  const uint64_t *semaphores, const uint64_t *cookies, size_t count)
{
	char path[EBCC_UPROBE_PATH_SIZE];
	struct ebcc_uprobe_multi_request request = {
		.attach_type = multi->kind->attach_type,
		.on_return = multi->on_return,
		.path = path,
		.offsets = addresses,
		.semaphores = semaphores,
		.cookies = cookies,
		.count = (uint32_t)count,
		.pid = multi->pid,
	};

	ebcc_uprobe_kernel_path(multi->file, multi->path, path);
	return ebcc_uprobe_multi_link(multi->program_fd, &request);
}

static bool refuses_some(int errnum)
{
	return errnum == EINVAL || errnum == KERNEL_ENOTSUPP || errnum == EOPNOTSUPP ||
	       errnum == EIO || errnum == E2BIG;
}

static struct ebcc_error *attach_single(const struct ebcc_multi *multi,
					const struct ebcc_multi_place *place,
					struct ebcc_link **ret)
{
	struct ebcc_uprobe_place single = {
		.file = multi->file,
		.path = multi->path,
		.offset = place->address,
		.semaphore_offset = place->semaphore,
		.pid = multi->pid,
		.on_return = multi->on_return,
	};

	return ebcc_uprobe_attach(multi->program, &single, place->cookie, place->name, ret);
}

static struct ebcc_error *refuse_single(const struct ebcc_multi *multi,
					const struct ebcc_multi_place *place,
					struct ebcc_link **ret)
{
	return ebcc_session_refused(place->name);
}

static const struct ebcc_multi_kind multi_kind = {
	.feature = EBCC_FEATURE_UPROBE_MULTI,
	.attach_type = EBCC_UPROBE_MULTI,
	.create = create,
	.refuses_some = refuses_some,
	.attach_single = attach_single,
};

static const struct ebcc_multi_kind session_kind = {
	.feature = EBCC_FEATURE_UPROBE_SESSION,
	.attach_type = EBCC_UPROBE_SESSION,
	.create = create,
	.refuses_some = refuses_some,
	.attach_single = refuse_single,
};

/* ---- Places ---- */

/* Adds a place, unless its address is not in the file: then *@failure is replaced. */
static struct ebcc_error *add_place(struct ebcc_multi *multi, struct ebcc_elf *elf,
				    uint64_t address, const struct ebcc_uprobe_multi_opts *opts,
				    size_t index, struct ebcc_error **failure)
{
	struct ebcc_multi_place *place = &multi->places[multi->count];
	struct ebcc_error *error = ebcc_elf_address_to_offset(elf, address, &place->address);

	if (error) {
		ebcc_error_destroy(*failure);
		*failure = error;
		return NULL;
	}
	if (opts->names && opts->names[index])
		place->name = strdup(opts->names[index]);
	else if (asprintf(&place->name, "0x%llx", (unsigned long long)address) < 0)
		place->name = NULL;
	if (!place->name)
		return ebcc_error_no_memory();
	place->cookie = opts->cookies ? opts->cookies[index] : 0;
	place->semaphore = opts->semaphore_offsets ? opts->semaphore_offsets[index] : 0;
	multi->count++;
	return NULL;
}

/* Attach only once to an address that was given twice, as that of a function with two names. */
static struct ebcc_error *add_places(struct ebcc_multi *multi, struct ebcc_elf *elf,
				     const uint64_t *addresses, size_t count,
				     const struct ebcc_uprobe_multi_opts *opts)
{
	AUTO_HASH struct ebcc_hash seen = {0};
	AUTO_ERROR struct ebcc_error *failure = NULL;

	for (size_t i = 0; i < count; i++) {
		uint64_t *again = ebcc_hash_insert(&seen, &addresses[i], sizeof(addresses[i]));

		if (!again)
			return ebcc_error_no_memory();
		if (!(*again)++)
			TRY(add_place(multi, elf, addresses[i], opts, i, &failure));
	}
	return multi->count ? NULL : TAKE_PTR(failure);
}

static const char *link_kind(const struct ebcc_uprobe_multi_opts *opts)
{
	if (opts->session)
		return "uprobe.session";
	return opts->on_return ? "uretprobe.multi" : "uprobe.multi";
}

static struct ebcc_error *attach(struct ebcc_multi *multi, const uint64_t *addresses, size_t count,
				 const struct ebcc_uprobe_multi_opts *opts, struct ebcc_link **ret)
{
	AUTO_ELF struct ebcc_elf *elf = NULL;
	AUTO_FREE char *name = NULL;

	TRY(ebcc_elf_open_fd(multi->file, multi->path, &elf));
	TRY(add_places(multi, elf, addresses, count, opts));
	if (opts->on_return || opts->session)
		ebcc_uprobe_warn_of_go(multi->program, elf, multi->path);
	if (asprintf(&name, "%s:%s", link_kind(opts), multi->path) < 0) {
		name = NULL;
		return ebcc_error_no_memory();
	}
	return ebcc_multi_attach(multi, ret, name);
}

struct ebcc_error *ebcc_program_attach_uprobe_multi(
	struct ebcc_program *program, const char *binary, const uint64_t *addresses, size_t count,
	const struct ebcc_uprobe_multi_opts *caller_opts, struct ebcc_link **ret)
{
	struct ebcc_uprobe_multi_opts opts = {.sz = sizeof(opts)};
	AUTO_MULTI struct ebcc_multi multi = {.file = -1};
	const struct ebcc_multi_kind *kind;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_uprobe_multi_opts"));
	kind = opts.session ? &session_kind : &multi_kind;
	if (!binary || !*binary)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT, "user probes need a binary");
	if (!count)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "no addresses to attach to were given");
	for (size_t i = 0; opts.cookies && i < count; i++)
		TRY(ebcc_cookie_check(opts.cookies[i]));
	if (opts.session)
		TRY(ebcc_session_check(kind, program, opts.on_return, "user functions", "6.13"));
	TRY(ebcc_multi_init(&multi, kind, program, count));
	multi.on_return = opts.on_return;
	multi.has_cookies = opts.cookies;
	multi.has_semaphores = opts.semaphore_offsets;
	multi.pid = opts.pid > 0 ? opts.pid : 0;
	TRY(ebcc_open_binary(binary, opts.pid, &multi.file, &multi.path));
	return attach(&multi, addresses, count, &opts, ret);
}
