// SPDX-License-Identifier: Apache-2.0
/*
 * BTF-typed programs: at the entry and return of kernel functions, modifying their results, at the
 * hooks of security modules, and iterators. Their target is determined by their section when they
 * are loaded; attaching only enables them.
 */
#include "attach/trace.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/kinds.h"
#include "base/options.h"
#include "load/link.h"
#include "load/program_target.h"

/* The kind that the program's section says, if it is attached in this way. */
static const struct ebcc_program_kind *kind_of(const struct ebcc_program *program,
					       enum ebcc_kind_attach attach)
{
	const struct ebcc_program_kind *kind =
		program->target.kind ? ebcc_attach_target_kind(&program->target) : NULL;

	return kind && kind->attach == attach ? kind : NULL;
}

static struct ebcc_error *load(struct ebcc_program *program, const struct ebcc_program_kind *kind)
{
	struct ebcc_program_opts opts = {
		.sz = sizeof(opts), .attach_type = (int)kind->attach_type, .has_attach_type = true};

	return ebcc_program_load(program, kind->type, &opts);
}

/* Creates a link for descriptor @fd; if @fd is negative, returns the error for errno. */
static struct ebcc_error *create_link(struct ebcc_program *program,
				      const struct ebcc_program_kind *kind, int fd,
				      struct ebcc_link **ret)
{
	const char *target = ebcc_section_of(program->target.section).target;
	struct ebcc_error *error;
	int errnum = errno;

	if (fd < 0) {
		/* Some kernels load such programs and then refuse to attach them. */
		if (program->target.kind)
			TRY(ebcc_target_unsupported(&program->target, program->name));
		return ebcc_error_with_subject(ebcc_error_os(EBCC_ERROR_ATTACH, errnum,
							     "can't attach to %s:%s", kind->name,
							     target),
					       target);
	}
	error = ebcc_link_create(program, sizeof(**ret), ebcc_link_detach_nothing, ret, "%s:%s",
				 kind->name, target);
	if (error) {
		close(fd);
		return error;
	}
	(*ret)->fd = fd;
	(*ret)->release = ebcc_link_release_fd;
	return NULL;
}

/* The error for a program that is not of a kind that is attached in this way. */
static struct ebcc_error *not_named(const struct ebcc_program *program,
				    enum ebcc_kind_attach attach)
{
	AUTO_BUF struct ebcc_buf prefixes = EBCC_BUF_INIT;

	for (size_t i = 0; i < EBCC_KIND_COUNT; i++)
		if (ebcc_program_kinds[i].attach == attach && ebcc_program_kinds[i].prefix)
			ebcc_buf_printf(&prefixes, "%s%s (%s)", prefixes.size ? ", " : "",
					ebcc_program_kinds[i].prefix, ebcc_program_kinds[i].macro);
	return ebcc_error_with_subject(
		ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
				  "program '%s' does not say what it traces: its name must begin "
				  "with %s, or its section say it",
				  program->name, ebcc_buf_string(&prefixes)),
		program->name);
}

/* The descriptor, or -1 and errno. */
static int open_trace(const struct ebcc_program *program, const struct ebcc_program_kind *kind,
		      uint64_t cookie)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .tracing.cookie = cookie);

	if (!cookie)
		return bpf_raw_tracepoint_open(NULL, program->fd);
	return bpf_link_create(program->fd, 0, (enum bpf_attach_type)kind->attach_type, &opts);
}

struct ebcc_error *ebcc_program_attach_trace(struct ebcc_program *program,
					     const struct ebcc_trace_opts *caller_opts,
					     struct ebcc_link **ret)
{
	const struct ebcc_program_kind *kind = kind_of(program, EBCC_ATTACH_TRACE);
	struct ebcc_trace_opts opts = {.sz = sizeof(opts)};
	int fd;
	LOG_STAGE(&program->module->log, ATTACH);

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_trace_opts"));
	if (!kind)
		return not_named(program, EBCC_ATTACH_TRACE);
	TRY(load(program, kind));
	fd = open_trace(program, kind, opts.cookie);
	/* How older kernels reject a link of this kind. */
	if (fd < 0 && opts.cookie && (errno == E2BIG || errno == EINVAL))
		return ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
					 "this kernel has no attach cookies for %s (Linux 6.0 and "
					 "later have them)",
					 kind->name);
	return create_link(program, kind, fd, ret);
}

struct ebcc_error *ebcc_iter_load(struct ebcc_program *program)
{
	const struct ebcc_program_kind *kind = kind_of(program, EBCC_ATTACH_ITER);

	return kind ? load(program, kind) : not_named(program, EBCC_ATTACH_ITER);
}

struct ebcc_error *ebcc_program_attach_iter(struct ebcc_program *program,
					    const struct ebcc_iter_opts *caller_opts,
					    struct ebcc_link **ret)
{
	struct ebcc_iter_opts opts = {.sz = sizeof(opts)};
	union bpf_iter_link_info info = {0};
	LIBBPF_OPTS(bpf_link_create_opts, link_opts);
	LOG_STAGE(&program->module->log, ATTACH);

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_iter_opts"));
	TRY(ebcc_iter_load(program));
	if (opts.table) {
		info.map.map_fd = (uint32_t)ebcc_table_fd(opts.table);
		link_opts.iter_info = &info;
		link_opts.iter_info_len = sizeof(info);
	}
	return create_link(program, kind_of(program, EBCC_ATTACH_ITER),
			   bpf_link_create(program->fd, 0, BPF_TRACE_ITER, &link_opts), ret);
}

struct ebcc_error *ebcc_link_open_iter(struct ebcc_link *link, int *ret)
{
	int fd = bpf_iter_create(link->fd);

	if (fd < 0)
		return ebcc_error_os(EBCC_ERROR_OS, errno, "%s can't be read", link->name);
	*ret = fd;
	return NULL;
}
