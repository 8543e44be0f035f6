// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel features. Each is probed once, with the smallest object that needs it: a map with one
 * entry, a program of three instructions, a link with an invalid target. Every probe closes what
 * it created.
 */
#include "kernel/features.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/attach_target.h"
#include "kernel/multi_link.h"

#define INSN(op, dst, src, offset, immediate)                                                      \
	((struct bpf_insn){.code = (op),                                                           \
			   .dst_reg = (dst),                                                       \
			   .src_reg = (src),                                                       \
			   .off = (offset),                                                        \
			   .imm = (immediate)})
#define MOV64_IMM(dst, immediate) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, immediate)
#define CALL(helper) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static int load(enum bpf_prog_type type, const struct bpf_insn *insns, size_t count,
		enum bpf_attach_type attach_type)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach_type);

	return bpf_prog_load(type, NULL, "GPL", insns, count, &opts);
}

static bool loads(enum bpf_prog_type type, const struct bpf_insn *insns, size_t count)
{
	AUTO_CLOSE int fd = load(type, insns, count, 0);

	return fd >= 0;
}

static bool probe_batch(void)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	AUTO_CLOSE int fd = bpf_map_create(BPF_MAP_TYPE_HASH, NULL, 4, 4, 1, NULL);
	uint32_t key, value, batch, count = 1;

	if (fd < 0)
		return false;
	/* The map is empty, so a kernel that has the call returns ENOENT. */
	return bpf_map_lookup_and_delete_batch(fd, NULL, &batch, &key, &value, &count, &opts) < 0 &&
	       errno == ENOENT;
}

/* The accounting itself can't be probed, but this helper was added in the same release. */
static bool probe_memcg_account(void)
{
	const struct bpf_insn insns[] = {CALL(BPF_FUNC_ktime_get_coarse_ns), EXIT()};

	return loads(BPF_PROG_TYPE_SOCKET_FILTER, insns, 2);
}

static bool probe_perf_link(void)
{
	const struct bpf_insn insns[] = {MOV64_IMM(BPF_REG_0, 0), EXIT()};
	AUTO_CLOSE int program = load(BPF_PROG_TYPE_TRACEPOINT, insns, 2, 0);
	AUTO_CLOSE int link = -1;

	if (program < 0)
		return false;
	/* A kernel that has such links gets as far as checking the descriptor. */
	link = bpf_link_create(program, -1, BPF_PERF_EVENT, NULL);
	return link < 0 && errno == EBADF;
}

static bool probe_cookie(void)
{
	const struct bpf_insn insns[] = {CALL(BPF_FUNC_get_attach_cookie), EXIT()};

	return loads(BPF_PROG_TYPE_TRACEPOINT, insns, 2);
}

static bool links_functions(int attach_type)
{
	const struct bpf_insn insns[] = {MOV64_IMM(BPF_REG_0, 0), EXIT()};
	const char *symbol = "ebcc_no_such_function";
	struct ebcc_kprobe_multi_request request = {
		.attach_type = attach_type, .symbols = &symbol, .count = 1};
	AUTO_CLOSE int program =
		load(BPF_PROG_TYPE_KPROBE, insns, 2, (enum bpf_attach_type)attach_type);
	AUTO_CLOSE int link = -1;

	if (program < 0)
		return false;
	link = ebcc_kprobe_multi_link(program, &request);
	return link < 0 && errno == ESRCH;
}

static bool probe_kprobe_multi(void)
{
	return links_functions(BPF_TRACE_KPROBE_MULTI);
}

static bool probe_kprobe_session(void)
{
	return links_functions(EBCC_KPROBE_SESSION);
}

/*
 * A kernel that has such links gets as far as finding that "/" is not a file. The first ones
 * compared the given process with the thread that hits a probe, so that they missed those of all
 * threads but the first; the fix (46ba0e49b642, Linux 6.10, and the stable kernels of that time)
 * also refuses a negative pid, before it looks at the file.
 */
static bool links_places(int attach_type)
{
	const struct bpf_insn insns[] = {MOV64_IMM(BPF_REG_0, 0), EXIT()};
	uint64_t offset = 0;
	struct ebcc_uprobe_multi_request request = {
		.attach_type = attach_type, .path = "/", .offsets = &offset, .count = 1};
	AUTO_CLOSE int program =
		load(BPF_PROG_TYPE_KPROBE, insns, 2, (enum bpf_attach_type)attach_type);
	AUTO_CLOSE int link = -1, unfiltered = -1;

	if (program < 0)
		return false;
	link = ebcc_uprobe_multi_link(program, &request);
	if (link >= 0 || errno != EBADF)
		return false;
	request.pid = -1;
	unfiltered = ebcc_uprobe_multi_link(program, &request);
	return unfiltered < 0 && errno == EINVAL;
}

static bool probe_uprobe_multi(void)
{
	return links_places(EBCC_UPROBE_MULTI);
}

static bool probe_uprobe_session(void)
{
	return links_places(EBCC_UPROBE_SESSION);
}

static bool probe_cpu_v3(void)
{
	const struct bpf_insn insns[] = {
		MOV64_IMM(BPF_REG_0, 0),
		INSN(BPF_JMP32 | BPF_JLT | BPF_K, BPF_REG_0, 0, 0, 1),
		EXIT(),
	};

	return loads(BPF_PROG_TYPE_SOCKET_FILTER, insns, 3);
}

static bool probe_cpu_v4(void)
{
	const struct bpf_insn insns[] = {
		MOV64_IMM(BPF_REG_0, 0),
		/* w0 = (s8)w0: a move with sign extension; the offset is the number of bits */
		INSN(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_0, 8, 0),
		/* a long jump, with the distance in the immediate */
		INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, 0),
		EXIT(),
	};

	return loads(BPF_PROG_TYPE_SOCKET_FILTER, insns, 4);
}

/* Some kernels load such programs but refuse to attach them, so the probe attaches one. */
static bool attaches(const char *section)
{
	const struct bpf_insn insns[] = {MOV64_IMM(BPF_REG_0, 0), EXIT()};
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	struct ebcc_attach_target target, *targets = &target;
	AUTO_CLOSE int program = -1;
	AUTO_CLOSE int link = -1;

	ebcc_attach_target_init(&target, section);
	ebcc_error_destroy(ebcc_attach_targets_find(&targets, 1, NULL));
	if (!target.id)
		return false;
	opts.attach_btf_id = target.id;
	opts.expected_attach_type = ebcc_attach_target_attach_type(&target);
	program = bpf_prog_load(ebcc_attach_target_type(&target), NULL, "GPL", insns, 2, &opts);
	if (program < 0)
		return false;
	link = bpf_raw_tracepoint_open(NULL, program);
	return link >= 0;
}

/* These are the kernel's own test functions, which nothing else calls. */
static bool probe_fentry(void)
{
	return attaches("fentry/bpf_fentry_test1");
}

static bool probe_modify_return(void)
{
	return attaches("fmod_ret/bpf_modify_return_test");
}

/* A hook that is rarely called; returning 0 from it changes nothing. */
static bool probe_lsm(void)
{
	return attaches("lsm/syslog");
}

static bool probe_raw_tracepoint(void)
{
	const struct bpf_insn insns[] = {MOV64_IMM(BPF_REG_0, 0), EXIT()};
	AUTO_CLOSE int program = load(BPF_PROG_TYPE_RAW_TRACEPOINT, insns, 2, 0);
	AUTO_CLOSE int link = -1;

	if (program < 0)
		return false;
	link = bpf_raw_tracepoint_open("ebcc_no_such_event", program);
	return link < 0 && errno == ENOENT;
}

static const struct {
	const char *name; /* in EBCC_WITHOUT */
	bool (*probe)(void);
} features[EBCC_FEATURE_COUNT] = {
	[EBCC_FEATURE_BATCH] = {"batch", probe_batch},
	[EBCC_FEATURE_MEMCG_ACCOUNT] = {"memcg_account", probe_memcg_account},
	[EBCC_FEATURE_PERF_LINK] = {"perf_link", probe_perf_link},
	[EBCC_FEATURE_COOKIE] = {"cookie", probe_cookie},
	[EBCC_FEATURE_KPROBE_MULTI] = {"kprobe_multi", probe_kprobe_multi},
	[EBCC_FEATURE_KPROBE_SESSION] = {"kprobe_session", probe_kprobe_session},
	[EBCC_FEATURE_UPROBE_MULTI] = {"uprobe_multi", probe_uprobe_multi},
	[EBCC_FEATURE_UPROBE_SESSION] = {"uprobe_session", probe_uprobe_session},
	[EBCC_FEATURE_CPU_V3] = {"cpu_v3", probe_cpu_v3},
	[EBCC_FEATURE_CPU_V4] = {"cpu_v4", probe_cpu_v4},
	[EBCC_FEATURE_FENTRY] = {"fentry", probe_fentry},
	[EBCC_FEATURE_MODIFY_RETURN] = {"modify_return", probe_modify_return},
	[EBCC_FEATURE_LSM] = {"lsm", probe_lsm},
	[EBCC_FEATURE_RAW_TRACEPOINT] = {"raw_tracepoint", probe_raw_tracepoint},
};

static pthread_mutex_t answers_lock = PTHREAD_MUTEX_INITIALIZER;
static enum { UNKNOWN, NO, YES } answers[EBCC_FEATURE_COUNT];

/* Whether the user asked to do without a feature, to see what happens on a kernel without it. */
static bool is_unwanted(const char *name)
{
	const char *at = secure_getenv("EBCC_WITHOUT");
	size_t length = strlen(name);

	while (at && *at) {
		size_t size = strcspn(at, ", ");

		if (size == length && !memcmp(at, name, length))
			return true;
		at += size;
		at += strspn(at, ", ");
	}
	return false;
}

bool ebcc_feature(enum ebcc_feature feature)
{
	int saved_errno = errno;
	bool yes;

	pthread_mutex_lock(&answers_lock);
	if (answers[feature] == UNKNOWN) {
		LOG_SCOPE(NULL);

		answers[feature] = !is_unwanted(features[feature].name) && features[feature].probe()
					   ? YES
					   : NO;
	}
	yes = answers[feature] == YES;
	pthread_mutex_unlock(&answers_lock);
	errno = saved_errno;
	return yes;
}

unsigned ebcc_feature_cpu_version(void)
{
	if (ebcc_feature(EBCC_FEATURE_CPU_V4))
		return 4;
	return ebcc_feature(EBCC_FEATURE_CPU_V3) ? 3 : 2;
}

void ebcc_feature_override(enum ebcc_feature feature, bool value)
{
	pthread_mutex_lock(&answers_lock);
	answers[feature] = value ? YES : NO;
	pthread_mutex_unlock(&answers_lock);
}
