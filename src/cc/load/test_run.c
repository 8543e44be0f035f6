// SPDX-License-Identifier: Apache-2.0
/*
 * Test runs: the kernel runs a loaded program, once or many times, on data from the caller
 * (BPF_PROG_TEST_RUN), whether or not the program is attached.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/options.h"
#include "load/table.h"

/* The largest context that the kernel accepts. */
#define CONTEXT_MAX 65535

/* The size of an Ethernet header, with which every packet begins. */
#define PACKET_MIN 14

/* BPF_PROG_TYPE_NETFILTER, which headers have since Linux 6.4. */
#define TYPE_NETFILTER 32

/* BPF_F_TEST_RUN_ON_CPU, BPF_F_TEST_XDP_LIVE_FRAMES, BPF_F_TEST_SKB_CHECKSUM_COMPLETE: not all
 * headers have them. */
#define TEST_RUN_FLAGS 7

static bool takes_packets(unsigned type)
{
	switch (type) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_XDP:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
	case TYPE_NETFILTER:
		return true;
	default:
		return false;
	}
}

/* Explains libbpf's errno in terms of the options. */
static struct ebcc_error *explain(const struct ebcc_program *program,
				  const struct ebcc_test_run_opts *opts,
				  const struct bpf_test_run_opts *run, int errnum)
{
	const char *type = libbpf_bpf_prog_type_str((enum bpf_prog_type)program->type);

	if (errnum == EBCC_ENOTSUPP || errnum == EOPNOTSUPP)
		return ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
					 "this kernel can't test-run programs of type %s",
					 type ? type : "unknown");
	if (errnum == ENOSPC && run->data_size_out > opts->data_size_out)
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"the packet has %u bytes after the run, but data_out has room for %zu",
			run->data_size_out, opts->data_size_out);
	if (errnum == ENOSPC && run->ctx_size_out > opts->ctx_size_out)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "the context has %u bytes, but ctx_out has room for %zu",
					 run->ctx_size_out, opts->ctx_size_out);
	if (errnum == EINVAL && takes_packets(program->type) && opts->data_size_in < PACKET_MIN)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "a test run of a program of type %s needs a packet of at "
					 "least %d bytes; data_in has %zu",
					 type ? type : "unknown", PACKET_MIN, opts->data_size_in);
	if (errnum == EINVAL)
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"the kernel refuses a test run of a program of type %s with "
			"these options: data of %zu bytes, a context of %zu, "
			"repeat %u, flags 0x%x",
			type ? type : "unknown", opts->data_size_in, opts->ctx_size_in,
			opts->repeat, opts->flags);
	return ebcc_error_os(errnum == EINTR ? EBCC_ERROR_INTERRUPTED : EBCC_ERROR_OS, errnum,
			     "the test run failed");
}

static struct ebcc_error *check(const struct ebcc_program *program,
				const struct ebcc_test_run_opts *opts)
{
	if (program->fd < 0)
		return ebcc_error_create(EBCC_ERROR_STATE,
					 "it is not loaded, and only a loaded program can be run");
	if (opts->data_size_in > UINT32_MAX || opts->data_size_out > UINT32_MAX ||
	    opts->ctx_size_in > CONTEXT_MAX || opts->ctx_size_out > UINT32_MAX)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "data may have up to %u bytes, and a context up to %d",
					 UINT32_MAX, CONTEXT_MAX);
	if ((opts->data_size_in && !opts->data_in) || (opts->data_size_out && !opts->data_out) ||
	    (opts->ctx_size_in && !opts->ctx_in) || (opts->ctx_size_out && !opts->ctx_out))
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "a size is given without its buffer");
	if (opts->repeat > INT32_MAX)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT, "repeat must be at most %d",
					 INT32_MAX);
	return ebcc_flags_check(opts->flags, TEST_RUN_FLAGS, "ebcc_test_run_opts.flags");
}

/* Programs of type SYSCALL modify their context in place, so they get a copy of the caller's. */
static struct ebcc_error *copy_context(const struct ebcc_test_run_opts *opts, void **ret)
{
	*ret = malloc(opts->ctx_size_in ? opts->ctx_size_in : 1);
	if (!*ret)
		return ebcc_error_no_memory();
	if (opts->ctx_size_in)
		memcpy(*ret, opts->ctx_in, opts->ctx_size_in);
	return NULL;
}

static struct ebcc_error *give_context(struct ebcc_test_run_opts *opts, const void *context)
{
	size_t room = opts->ctx_size_out;

	opts->ctx_size_out = room ? opts->ctx_size_in : 0;
	if (opts->ctx_size_out > room)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "the context has %zu bytes, but ctx_out has room for %zu",
					 opts->ctx_size_in, room);
	if (opts->ctx_size_out)
		memcpy(opts->ctx_out, context, opts->ctx_size_out);
	return NULL;
}

static struct ebcc_error *run(const struct ebcc_program *program, struct ebcc_test_run_opts *opts)
{
	AUTO_FREE void *context = NULL;
	bool in_place = program->type == BPF_PROG_TYPE_SYSCALL;
	/* With a buffer but no size, the kernel would assume that it is large enough. */
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = opts->data_in,
		    .data_out = opts->data_size_out ? opts->data_out : NULL,
		    .data_size_in = (uint32_t)opts->data_size_in,
		    .data_size_out = (uint32_t)opts->data_size_out, .ctx_in = opts->ctx_in,
		    .ctx_out = opts->ctx_size_out ? opts->ctx_out : NULL,
		    .ctx_size_in = (uint32_t)opts->ctx_size_in,
		    .ctx_size_out = (uint32_t)opts->ctx_size_out, .repeat = (int)opts->repeat,
		    .flags = opts->flags, .cpu = opts->cpu);
	int err;

	TRY(check(program, opts));
	if (in_place) {
		TRY(copy_context(opts, &context));
		run.ctx_in = opts->ctx_size_in ? context : NULL;
		run.ctx_out = NULL;
		run.ctx_size_out = 0;
	}
	err = bpf_prog_test_run_opts(program->fd, &run);
	if (err)
		return explain(program, opts, &run, -err);
	if (in_place)
		TRY(give_context(opts, context));
	else
		opts->ctx_size_out = run.ctx_size_out;
	/* For programs without data, the kernel leaves the size unchanged. */
	opts->data_size_out = takes_packets(program->type) ? run.data_size_out : 0;
	opts->retval = (int32_t)run.retval;
	opts->duration = run.duration;
	return NULL;
}

struct ebcc_error *ebcc_program_test_run(struct ebcc_program *program,
					 struct ebcc_test_run_opts *opts)
{
	struct ebcc_test_run_opts copy = {.sz = sizeof(copy)};
	struct ebcc_error *error = ebcc_opts_read(&copy, sizeof(copy), opts, "ebcc_test_run_opts");
	size_t sz;

	if (!error)
		error = run(program, &copy);
	if (error)
		return ebcc_error_with_subject(
			ebcc_error_prefix(error, "program '%s'", program->name), program->name);
	/* Copy the results to those members of the struct that the caller knows. */
	if (opts) {
		memcpy(&sz, opts, sizeof(sz));
		copy.sz = sz;
		memcpy(opts, &copy, sz < sizeof(copy) ? sz : sizeof(copy));
	}
	return NULL;
}
