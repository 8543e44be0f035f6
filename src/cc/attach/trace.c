// SPDX-License-Identifier: Apache-2.0
/*
 * Programs whose target the kernel describes by BTF: at the begin and end of kernel functions, in
 * place of their results, at the hooks of security modules, and iterators. What they are for is
 * settled when they are loaded, by their names; attaching only switches them on.
 */
#include "attach/trace.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "load/link.h"

static const struct trace_kind {
	const char *prefix; /* of the program's name; the target follows */
	const char *name;
	unsigned type;
	int attach_type;
} kinds[] = {
	{"kfunc__", "kfunc", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY},
	{"kretfunc__", "kretfunc", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT},
	{"kmod_ret__", "kmod_ret", BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN},
	{"lsm__", "lsm", BPF_PROG_TYPE_LSM, BPF_LSM_MAC},
	{"bpf_iter__", "bpf_iter", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER},
};

static const struct trace_kind *kind_of(const char *program)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t length = strlen(kinds[i].prefix);

		if (!strncmp(program, kinds[i].prefix, length) && program[length])
			return &kinds[i];
	}
	return NULL;
}

static struct ebcc_error *load(struct ebcc_program *program, const struct trace_kind *kind)
{
	struct ebcc_program_opts opts = {
		.sz = sizeof(opts), .attach_type = kind->attach_type, .has_attach_type = true};

	return ebcc_program_load(program, kind->type, &opts);
}

static void detach(struct ebcc_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
}

/* A link whose descriptor is @fd, or the error that errno tells. */
static struct ebcc_error *create_link(struct ebcc_program *program, const struct trace_kind *kind,
				      int fd, struct ebcc_link **ret)
{
	const char *target = program->name + strlen(kind->prefix);
	struct ebcc_error *error;

	if (fd < 0)
		return ebcc_error_with_subject(ebcc_error_os(EBCC_ERROR_ATTACH, errno,
							     "can't attach to %s:%s", kind->name,
							     target),
					       target);
	error = ebcc_link_create(program, sizeof(**ret), detach, ret, "%s:%s", kind->name, target);
	if (error) {
		close(fd);
		return error;
	}
	(*ret)->fd = fd;
	return NULL;
}

struct ebcc_error *ebcc_attach_trace(struct ebcc_program *program, struct ebcc_link **ret)
{
	const struct trace_kind *kind = kind_of(program->name);

	if (!kind || kind->attach_type == BPF_TRACE_ITER)
		return ebcc_error_with_subject(
			ebcc_error_create(
				EBCC_ERROR_INVALID_ARGUMENT,
				"program '%s' does not say what it traces: its name begins with "
				"kfunc__, kretfunc__, kmod_ret__ or lsm__ (KFUNC_PROBE and kin "
				"make such names)",
				program->name),
			program->name);
	TRY(load(program, kind));
	return create_link(program, kind, bpf_raw_tracepoint_open(NULL, program->fd), ret);
}

struct ebcc_error *ebcc_iter_load(struct ebcc_program *program)
{
	const struct trace_kind *kind = kind_of(program->name);

	if (!kind || kind->attach_type != BPF_TRACE_ITER)
		return ebcc_error_with_subject(
			ebcc_error_create(
				EBCC_ERROR_INVALID_ARGUMENT,
				"program '%s' is no iterator: its name begins with bpf_iter__ "
				"(BPF_ITER makes such names)",
				program->name),
			program->name);
	return load(program, kind);
}

struct ebcc_error *ebcc_attach_iter(struct ebcc_program *program,
				    const struct ebcc_iter_opts *user_opts, struct ebcc_link **ret)
{
	struct ebcc_iter_opts opts = {0};
	union bpf_iter_link_info info = {0};
	LIBBPF_OPTS(bpf_link_create_opts, link_opts);

	TRY(ebcc_opts_read(&opts, sizeof(opts), user_opts, "ebcc_iter_opts"));
	TRY(ebcc_iter_load(program));
	if (opts.table) {
		info.map.map_fd = (uint32_t)ebcc_table_fd(opts.table);
		link_opts.iter_info = &info;
		link_opts.iter_info_len = sizeof(info);
	}
	return create_link(program, kind_of(program->name),
			   bpf_link_create(program->fd, 0, BPF_TRACE_ITER, &link_opts), ret);
}

struct ebcc_error *ebcc_iter_open(struct ebcc_link *link, int *ret)
{
	int fd = bpf_iter_create(link->fd);

	if (fd < 0)
		return ebcc_error_os(EBCC_ERROR_OS, errno, "%s can't be read", link->name);
	*ret = fd;
	return NULL;
}
