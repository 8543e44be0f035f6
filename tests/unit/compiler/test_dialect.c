// SPDX-License-Identifier: Apache-2.0
/*
 * The dialect from C to the kernel: headers and passes together, through the compiler library in
 * this process. Checks the optimized IR and the object's BTF and data, and that the running
 * kernel's verifier accepts the programs (which needs root).
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/kinds.h"
#include "compiler/compiler.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char kernel_types[] =
	"typedef unsigned char __u8; typedef signed char __s8; typedef unsigned short __u16;\n"
	"typedef short __s16; typedef unsigned int __u32; typedef int __s32;\n"
	"typedef unsigned long long __u64; typedef long long __s64;\n"
	"typedef __u8 u8; typedef __s8 s8; typedef __u16 u16; typedef __s16 s16; typedef __u32 "
	"u32;\n"
	"typedef __s32 s32; typedef __u64 u64; typedef __s64 s64;\n"
	"typedef __u16 __be16; typedef __u32 __be32; typedef __u64 __be64; typedef __u32 __wsum;\n"
	"typedef unsigned long size_t; typedef _Bool bool;\n"
	"#define NULL ((void *)0)\n"
	"#ifdef __aarch64__\n"
	"struct pt_regs { u64 regs[31], sp, pc, pstate; };\n"
	"#else\n"
	"struct pt_regs { unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, "
	"si,\n"
	"	di, orig_ax, ip, cs, flags, sp, ss; };\n"
	"#endif\n"
	"struct bpf_raw_tracepoint_args { u64 args[0]; };\n"
	"struct bpf_perf_event_data { struct pt_regs regs; u64 sample_period, addr; };\n"
	"struct __sk_buff { u32 len; };\n"
	"struct cred { u32 uid, gid; };\n"
	"struct mm { u64 start; struct task *owner; int counts[4]; };\n"
	"struct task {\n"
	"	int pid, tgid; char comm[16]; struct mm *mm; struct cred cred;\n"
	"	unsigned a : 3, b : 5; u64 c : 48; u64 words[20]; __int128 wide;\n"
	"	struct task *parent; struct { int inner; union { int x; long y; }; };\n"
	"};\n"
	"struct tracepoint__test__event {\n"
	"	u64 __common; u32 n; int data_loc_name; char comm[16]; const char *path;\n"
	"};\n";

static const struct ebcc_cc_file types_file = {EBCC_CC_KERNEL_TYPES, kernel_types,
					       sizeof(kernel_types) - 1};

static struct ebcc_cc_request request;
static struct ebcc_cc_answer answer;

static void setup(void)
{
	request = (struct ebcc_cc_request){
		.source_path = "test.c",
		.files = &types_file,
		.file_count = 1,
		.arch = EBCC_ARCH_X86_64,
		.cpu_version = 3,
		.cpu_count = 3,
		.flags = EBCC_CC_WANT_IR,
	};
	memset(&answer, 0, sizeof(answer));
}

static void teardown(void)
{
	ebcc_cc_answer_deinit(&answer);
}

static enum ebcc_cc_status compile(const char *source)
{
	request.source = source;
	request.source_size = strlen(source);
	return ebcc_cc_compile(&request, &answer);
}

static void compile_ok(const char *source)
{
	enum ebcc_cc_status status = compile(source);

	ck_assert_msg(status == EBCC_CC_OK, "%s\n%s", source,
		      answer.diagnostic_count ? answer.diagnostics[0].rendered : "?");
}

static const struct ebcc_cc_diagnostic *compile_error(const char *source)
{
	ck_assert_int_eq(compile(source), EBCC_CC_SOURCE_ERROR);
	for (size_t i = 0; i < answer.diagnostic_count; i++)
		if (answer.diagnostics[i].severity == EBCC_CC_ERROR)
			return &answer.diagnostics[i];
	ck_abort_msg("no error among the diagnostics");
	return NULL;
}

/* The optimized IR of a function. To be freed. */
static char *function_ir(const char *name)
{
	const char *at = answer.ir, *end;
	char signature[128];

	snprintf(signature, sizeof(signature), "@%s(", name);
	for (; (at = strstr(at, "\ndefine ")); at++) {
		const char *line_end = strchr(at + 1, '\n');
		const char *found = strstr(at, signature);

		if (found && found < line_end)
			break;
	}
	ck_assert_msg(at != NULL, "no %s in the IR", name);
	end = strstr(at, "\n}");
	return strndup(at, end - at);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		n++;
	return n;
}

static unsigned count_in(const char *function, const char *what)
{
	char *text = function_ir(function);
	unsigned n = count(text, what);

	free(text);
	return n;
}

static unsigned helper_calls(const char *function, unsigned helper)
{
	char call[64];

	snprintf(call, sizeof(call), "inttoptr (i64 %u to ptr)(", helper);
	return count_in(function, call);
}

/* The kernel. */

static char kernel_log[1 << 16];

static int on_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t used = strlen(kernel_log);

	if (level != LIBBPF_DEBUG)
		vsnprintf(kernel_log + used, sizeof(kernel_log) - used, format, args);
	return 0;
}

static enum bpf_prog_type program_type(const char *section)
{
	static const struct {
		const char *part;
		enum bpf_prog_type type;
	} types[] = {
		{"tracepoint", BPF_PROG_TYPE_TRACEPOINT},
		{"raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT},
		{"perf_event", BPF_PROG_TYPE_PERF_EVENT},
		{"__sk_buff", BPF_PROG_TYPE_SCHED_CLS},
		{"xdp", BPF_PROG_TYPE_XDP},
	};

	for (size_t i = 0; i < COUNT(types); i++)
		if (strstr(section, types[i].part))
			return types[i].type;
	return BPF_PROG_TYPE_KPROBE;
}

static struct bpf_object *open_object(void)
{
	struct bpf_object *object = bpf_object__open_mem(answer.object, answer.object_size, NULL);
	struct bpf_program *program;

	ck_assert_ptr_nonnull(object);
	bpf_object__for_each_program (program, object)
		bpf_program__set_type(program, program_type(bpf_program__section_name(program)));
	return object;
}

static void verify(const char *source)
{
	struct bpf_object *object;

	kernel_log[0] = '\0';
	object = open_object();
	ck_assert_msg(!bpf_object__load(object), "%s\n%s", source, kernel_log);
	bpf_object__close(object);
}

/* Uses both pipelines; keeps the answer of the first. */
static void compile_and_verify(const char *source)
{
	request.pipeline = EBCC_CC_PIPELINE_PLAIN;
	compile_ok(source);
	verify(source);
	ebcc_cc_answer_deinit(&answer);
	request.pipeline = EBCC_CC_PIPELINE_O2;
	compile_ok(source);
	verify(source);
}

/* Reads: a program's body with a kernel pointer t, and how many probe reads it needs. */

static const struct {
	const char *body;
	unsigned reads;
} reads[] = {
	{"return t->pid;", 1},
	{"return t->mm->owner->pid;", 3},
	{"struct task *u = t; return u->pid;", 1},
	{"return (i ? t : t->parent)->pid;", 2},
	{"struct task own = {.pid = 3}; return own.pid;", 0},
	{"struct task own = {.pid = 3}; struct task *u = i ? &own : t; return u->pid;", 1},
	{"return tgid(t);", 1},
	{"struct cred own = {7, 8}; return uid(&own);", 0},
	{"struct cred own = {7, 8}; return uid(&own) + uid(&t->cred);", 1},
	{"return PARENT(PARENT(t))->pid;", 3},
	{"return t->comm[i & 15];", 1},
	{"return t->words[i & 7];", 1},
	{"return *(int *)((char *)t + i);", 1},
	{"u64 *p = t->words; return p[3] + *(p + 4);", 2},
	{"return t->a;", 1},
	{"return t->b;", 1},
	{"return t->c;", 1},
	{"return t->a + t->b + t->c;", 1},
	{"return t->inner + t->x;", 2},
	{"return t->y;", 1},
	{"struct cred c = t->cred; numbers.increment(i); return uid(&c);", 1},
	{"struct cred c = t->cred; return c.uid + c.gid;", 2},
	{"struct cred c = t->cred; bpf_trace_printk(\"%s\", &c); return 0;", 1},
	{"struct task own; own = *t; return own.pid + own.tgid + own.cred.uid;", 3},
	{"__int128 w = t->wide; return w >> 64;", 1},
	{"char comm[16]; __builtin_memcpy(comm, t->comm, 16); return comm[i & 15];", 1},
	{"char comm[16]; __builtin_memcpy(&comm, &t->comm, sizeof(comm)); return comm[0];", 1},
	{"return __builtin_memcmp(t->comm, \"ab\", 2);", 1},
	{"return &t->mm->owner == 0;", 1},
	{"return (long)&t->cred.gid & 1;", 0},
	{"if (t->pid == 5 && t->tgid == 6) return 1; return 0;", 2},
	{"int n = 0; while (n < 100 && t) { t = t->parent; n++; } return n;", 1},
	{"#pragma unroll\nfor (int n = 0; n < 3; n++) t = t->parent; return t->pid;", 4},
	{"return bpf_ktime_get_ns() + t->pid;", 1},
	{"struct task *u = (void *)PT_REGS_PARM1(ctx); return u->pid;", 1},
	{"struct task *u = (struct task *)bpf_get_current_task(); return u->pid;", 1},
	{"struct task **p = kept.lookup(&i); return p && *p ? (*p)->pid : 0;", 1},
	{"struct task *u = t; kept.update(&i, &u); return 0;", 0},
	{"u64 *v = numbers.lookup(&i); if (v) *v += t->pid; return 0;", 1},
	{"void *p = t; return ((struct task *)p)->pid;", 1},
	{"unsigned long address = (unsigned long)t + 4; return *(int *)address;", 1},
	{"return ((struct pt_regs *)PT_REGS_PARM1(ctx))->ip;", 1},
	{"struct pt_regs *regs = PT_REGS_SYSCALL_CTX(ctx); return PT_REGS_PARM4_SYSCALL(regs);", 1},
	{"volatile int *p = &t->pid; return *p;", 1},
	{"bool big = t->pid > 100; return big ? t->tgid : 0;", 2},
	{"return ctx->di + ctx->ip + PT_REGS_RC(ctx) + PT_REGS_SP(ctx) + PT_REGS_FP(ctx);", 0},
	{"static const int table[] = {1, 2, 3, 4}; return table[i & 3];", 0},
	{"struct cred c[2] = {}; c[i & 1].uid = 4; return c[0].uid;", 0},
};

#define READ_PRELUDE                                                                               \
	"BPF_HASH(kept, int, struct task *);\nBPF_HASH(numbers, int);\n"                           \
	"#define PARENT(t) ((t)->parent)\n"                                                        \
	"static inline int tgid(struct task *t) { return t->tgid; }\n"                             \
	"static int uid(struct cred *c) { return c->uid; }\n"

/* One program per case in a single source: a compile for each would take long. */
START_TEST(implicit_reads)
{
	static char source[1 << 16];
	size_t used = snprintf(source, sizeof(source), "%s", READ_PRELUDE);

	for (size_t i = 0; i < COUNT(reads); i++)
		used += snprintf(source + used, sizeof(source) - used,
				 "int f%zu(struct pt_regs *ctx, struct task *t, int i)\n{\n%s\n}\n",
				 i, reads[i].body);
	compile_and_verify(source);
	for (size_t i = 0; i < COUNT(reads); i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%zu", i);
		ck_assert_msg(helper_calls(name, 4) == reads[i].reads, "%u reads, not %u: %s",
			      helper_calls(name, 4), reads[i].reads, reads[i].body);
	}
}
END_TEST

/* Every method of every map. */

static const char *const methods[] = {
	"u64 *v = h.lookup(&k); if (v) *v = 1;",
	"u64 *v = h.lookup_or_try_init(&k, &zero); if (v) *v = 1;",
	"u64 *v = h.lookup_or_init(&k, &zero); *v += 1;",
	"(*h.lookup_or_init(&k, &zero))++;",
	"h.update(&k, &zero); h.insert(&k, &zero); h.delete(&k);",
	"h.increment(k); h.increment(k, 5); h.atomic_increment(k); h.atomic_increment(k, -1);",
	"s.increment((struct key){1, 2}); s.increment(sk, 3); s.atomic_increment(sk);",
	"l.increment(lk); l.atomic_increment(lk, 2);",
	"small.increment(1);",
	"hist.increment(bpf_log2l(k)); hist.atomic_increment(3, 2); hists.increment(sk);",
	"u64 *v; int i = 1; v = a.lookup(&i); if (v) lock_xadd(v, 1); a.increment(2);",
	"pa.increment(1); ph.increment(k); u64 *v = ph.lookup(&k); if (v) (*v)++;",
	"__typeof__(in_place.lookup(0)) v = in_place.lookup(&k32); if (v) v->n = 1;",
	"struct leaf { int n; u64 m; } x = {}, *v = in_place.lookup_or_init(&k32, &x); v->n++;",
	"h.increment(stacks.get_stackid(ctx, 0)); h.increment(ids.get_stackid(ctx, 256));",
	"struct key e = {}; events.perf_submit(ctx, &e, sizeof(e));",
	"struct key e = {}; ring.ringbuf_output(&e, sizeof(e), 0);",
	"struct key *e = ring.ringbuf_reserve(sizeof(*e)); if (!e) return 1;\n"
	"e->a = k; e->b = 2; if (k) ring.ringbuf_submit(e, 0); else ring.ringbuf_discard(e, 0);",
	"return ring.ringbuf_query(0);",
	"k = counters.perf_read(0); counters.perf_counter_value(0, &value, sizeof(value));",
	"programs.call(ctx, 1);",
	"if (groups.check_current_task(0) > 0) return 0;",
	"q.push(&k, 0); q.pop(&k); q.peek(&k); st.push(&sk, 0); st.pop(&sk); st.peek(&sk);",
	"lru.increment(k32); u64 *v = lrup.lookup(&k32); if (v) *v = 1;",
	"t.increment(k32); pub.increment(k32); shared.increment(1); pinned.increment(k32);",
	"k32 = tstacks.get_stackid(ctx, 0); tpa.increment(1); th.atomic_increment(1);",
	"tprog.call(ctx, 0);",
	"flagged.update(&k32, &zero);",
	"bpf_map_update_elem(&h, &k, &zero, 0); u64 *v = bpf_map_lookup_elem(&h, &k); if (v) *v = "
	"1;",
	"other.increment(k32);",
	"bpf_trace_printk(\"none\\n\");",
	"bpf_trace_printk(\"%d %s %llu\\n\", k32, comm, k);",
	"bpf_trace_printk(\"%d %d %d %d %s\\n\", 1, 2, 3, k32, comm);",
	"char f[] = \"%d\\n\"; bpf_trace_printk(f, sizeof(f), 3);",
	"h.increment(bpf_ntohs(k32) + bpf_htonl(k32) + bpf_log2(k32));",
};

#define METHOD_PRELUDE                                                                             \
	"struct key { u32 a, b; }; struct large { u64 x[5]; };\n"                                  \
	"struct { u64 counter, enabled, running; } static value;\n"                                \
	"BPF_HASH(h); BPF_HASH(s, struct key, u64, 64); BPF_HASH(l, struct large, u32);\n"         \
	"BPF_ARRAY(small, u8, 4); BPF_HISTOGRAM(hist); BPF_HISTOGRAM(hists, struct key, 16);\n"    \
	"BPF_ARRAY(a); BPF_PERCPU_ARRAY(pa, u64, 4); BPF_PERCPU_HASH(ph, u64);\n"                  \
	"BPF_HASH(in_place, u32, struct { int n; u64 m; });\n"                                     \
	"BPF_STACK_TRACE(stacks, 1000); BPF_STACK_TRACE_BUILDID(ids, 16);\n"                       \
	"BPF_PERF_OUTPUT(events); BPF_RINGBUF_OUTPUT(ring, 4); BPF_PERF_ARRAY(counters, 4);\n"     \
	"BPF_PROG_ARRAY(programs, 4); BPF_CGROUP_ARRAY(groups, 1);\n"                              \
	"BPF_QUEUE(q, u64, 10); BPF_STACK(st, struct key, 10, 0);\n"                               \
	"BPF_TABLE(\"lru_hash\", u32, u64, lru, 10); BPF_TABLE(\"lru_percpu_hash\", u32, u64, "    \
	"lrup, 10);\n"                                                                             \
	"BPF_TABLE(\"hash\", u32, u64, t, 10); BPF_TABLE_PUBLIC(\"hash\", u32, u64, pub, 10);\n"   \
	"BPF_TABLE_SHARED(\"array\", int, u64, shared, 10);\n"                                     \
	"BPF_TABLE_PINNED(\"hash\", u32, u64, pinned, 10, \"/sys/fs/bpf/none\");\n"                \
	"BPF_TABLE(\"stacktrace\", int, u64[127], tstacks, 16);\n"                                 \
	"BPF_TABLE(\"percpu_array\", u32, u32, tpa, 3); BPF_TABLE(\"histogram\", int, u64, th, "   \
	"8);\n"                                                                                    \
	"BPF_TABLE(\"prog\", u32, u32, tprog, 8); BPF_F_TABLE(\"hash\", u32, u64, flagged, 10, "   \
	"1);\n"                                                                                    \
	"BPF_TABLE(\"extern\", u32, u64, other, 10);\n"

START_TEST(methods_pass_the_verifier)
{
	static char source[1 << 16];
	size_t used = snprintf(source, sizeof(source), "%s", METHOD_PRELUDE);

	for (size_t i = 0; i < COUNT(methods); i++)
		used += snprintf(source + used, sizeof(source) - used,
				 "int f%zu(struct pt_regs *ctx)\n{\n"
				 "u64 k = 1, zero = 0; u32 k32 = 2; struct key sk = {};\n"
				 "struct large lk = {}; char comm[16] = {};\n%s\nreturn 0;\n}\n",
				 i, methods[i]);
	compile_and_verify(source);
	/* No table of methods and no marker is left. */
	ck_assert_uint_eq(count(answer.ir, "@__ebcc_map_"), 0);
	ck_assert_uint_eq(count(answer.ir, "@__ebcc_lookup"), 0);
	ck_assert_uint_eq(count(answer.ir, "@__ebcc_increment"), 0);
}
END_TEST

/* Maps of every kind, and the type and sizes that they should have in the kernel. */

static const struct {
	const char *source, *name;
	enum bpf_map_type type;
	unsigned key, value, entries, flags;
} maps[] = {
	{"BPF_HASH(m);", "m", BPF_MAP_TYPE_HASH, 8, 8, 10240, 0},
	{"BPF_HASH(m, u32);", "m", BPF_MAP_TYPE_HASH, 4, 8, 10240, 0},
	{"BPF_HASH(m, u32, struct cred);", "m", BPF_MAP_TYPE_HASH, 4, 8, 10240, 0},
	{"BPF_HASH(m, u32, struct cred, 7);", "m", BPF_MAP_TYPE_HASH, 4, 8, 7, 0},
	{"#define SIZE 9\nBPF_HASH(m, struct {u32 a; u64 b;}, struct {char c[3];}, SIZE);", "m",
	 BPF_MAP_TYPE_HASH, 16, 3, 9, 0},
	{"#define NAME m\nBPF_HASH(NAME, u32);", "m", BPF_MAP_TYPE_HASH, 4, 8, 10240, 0},
	{"BPF_PERCPU_HASH(m, u32, u64, 5);", "m", BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 5, 0},
	{"BPF_LPM_TRIE(m, struct cred);", "m", BPF_MAP_TYPE_LPM_TRIE, 8, 8, 10240, 1},
	{"BPF_ARRAY(m);", "m", BPF_MAP_TYPE_ARRAY, 4, 8, 10240, 0},
	{"BPF_ARRAY(m, u8, 3);", "m", BPF_MAP_TYPE_ARRAY, 4, 1, 3, 0},
	{"BPF_PERCPU_ARRAY(m, struct cred);", "m", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 10240, 0},
	{"BPF_HISTOGRAM(m);", "m", BPF_MAP_TYPE_ARRAY, 4, 8, 64, 0},
	{"BPF_HISTOGRAM(m, int, 20);", "m", BPF_MAP_TYPE_ARRAY, 4, 8, 20, 0},
	{"BPF_HISTOGRAM(m, struct cred);", "m", BPF_MAP_TYPE_HASH, 8, 8, 64, 0},
	{"typedef struct { u32 a; u64 b; } key_t; BPF_HISTOGRAM(m, key_t, 30);", "m",
	 BPF_MAP_TYPE_HASH, 16, 8, 30, 0},
	{"BPF_STACK_TRACE(m, 1000);", "m", BPF_MAP_TYPE_STACK_TRACE, 4, 127 * 8, 1024, 0},
	{"BPF_STACK_TRACE(m, 16384);", "m", BPF_MAP_TYPE_STACK_TRACE, 4, 127 * 8, 16384, 0},
	{"BPF_STACK_TRACE_BUILDID(m, 1);", "m", BPF_MAP_TYPE_STACK_TRACE, 4, 127 * 32, 1, 32},
	{"BPF_PERF_OUTPUT(m);", "m", BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 0, 0},
	{"BPF_PERF_ARRAY(m, 3);", "m", BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 3, 0},
	{"BPF_RINGBUF_OUTPUT(m, 8);", "m", BPF_MAP_TYPE_RINGBUF, 0, 0, 8 * 4096, 0},
	{"BPF_PROG_ARRAY(m, 3);", "m", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 3, 0},
	{"BPF_CGROUP_ARRAY(m, 3);", "m", BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 3, 0},
	{"BPF_QUEUE(m, u64, 3);", "m", BPF_MAP_TYPE_QUEUE, 0, 8, 3, 0},
	{"BPF_STACK(m, u64, 3);", "m", BPF_MAP_TYPE_STACK, 0, 8, 3, 0},
	{"BPF_QUEUESTACK(\"stack\", m, u32, 3, 0);", "m", BPF_MAP_TYPE_STACK, 0, 4, 3, 0},
	{"BPF_QUEUESTACK_PUBLIC(\"queue\", m, u32, 3, 0);", "m", BPF_MAP_TYPE_QUEUE, 0, 4, 3, 0},
	{"BPF_QUEUESTACK_SHARED(\"queue\", m, u32, 3, 0);", "m", BPF_MAP_TYPE_QUEUE, 0, 4, 3, 0},
	{"BPF_QUEUESTACK_PINNED(\"queue\", m, u32, 3, 0, \"/x\");", "m", BPF_MAP_TYPE_QUEUE, 0, 4,
	 3, 0},
	{"BPF_XDP_REDIRECT_MAP(\"devmap\", int, m, 3);", "m", BPF_MAP_TYPE_DEVMAP, 4, 4, 3, 0},
	{"BPF_DEVMAP(m, 3);", "m", BPF_MAP_TYPE_DEVMAP, 4, 4, 3, 0},
	{"BPF_CPUMAP(m, 3);", "m", BPF_MAP_TYPE_CPUMAP, 4, 4, 3, 0},
	{"BPF_XSKMAP(m, 3);", "m", BPF_MAP_TYPE_XSKMAP, 4, 4, 3, 0},
	{"BPF_XSKMAP(m, 3, \"/sys/fs/bpf/x\");", "m", BPF_MAP_TYPE_XSKMAP, 4, 4, 3, 0},
	{"BPF_SOCKMAP(m, 3);", "m", BPF_MAP_TYPE_SOCKMAP, 4, 4, 3, 0},
	{"BPF_SOCKHASH(m);", "m", BPF_MAP_TYPE_SOCKHASH, 4, 4, 10240, 0},
	{"BPF_SOCKHASH(m, u64, 3);", "m", BPF_MAP_TYPE_SOCKHASH, 8, 4, 3, 0},
	{"BPF_SK_STORAGE(m, u64);", "m", BPF_MAP_TYPE_SK_STORAGE, 4, 8, 0, 1},
	{"BPF_INODE_STORAGE(m, u64);", "m", BPF_MAP_TYPE_INODE_STORAGE, 4, 8, 0, 1},
	{"BPF_TASK_STORAGE(m, u64);", "m", BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 0, 1},
	{"BPF_CGROUP_STORAGE(m, u64);", "m", BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8, 0, 0},
	{"BPF_PERCPU_CGROUP_STORAGE(m, u64);", "m", BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, 16, 8, 0,
	 0},
	{"BPF_ARRAY_OF_MAPS(m, \"inner\", 3);", "m", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 3, 0},
	{"BPF_HASH_OF_MAPS(m, \"inner\");", "m", BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 10240, 0},
	{"BPF_HASH_OF_MAPS(m, u64, \"inner\", 3);", "m", BPF_MAP_TYPE_HASH_OF_MAPS, 8, 4, 3, 0},
	{"BPF_TABLE(\"hash\", u32, u64, m, 3);", "m", BPF_MAP_TYPE_HASH, 4, 8, 3, 0},
	{"BPF_TABLE(\"lpm_trie\", u64, u64, m, 3);", "m", BPF_MAP_TYPE_LPM_TRIE, 8, 8, 3, 1},
	{"BPF_TABLE(\"devmap_hash\", u32, u32, m, 3);", "m", BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 3, 0},
	{"BPF_TABLE(\"array_of_maps$inner\", u32, u32, m, 3);", "m", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4,
	 4, 3, 0},
	{"BPF_TABLE_PUBLIC(\"hash\", u32, u64, m, 3);", "m", BPF_MAP_TYPE_HASH, 4, 8, 3, 0},
	{"BPF_TABLE_SHARED(\"hash\", u32, u64, m, 3, 1);", "m", BPF_MAP_TYPE_HASH, 4, 8, 3, 1},
	{"BPF_F_TABLE(\"hash\", u32, u64, m, 3, 1);", "m", BPF_MAP_TYPE_HASH, 4, 8, 3, 1},
	{"BPF_TABLE_PINNED(\"hash\", u32, u64, m, 3, \"/x\", 1);", "m", BPF_MAP_TYPE_HASH, 4, 8, 3,
	 1},
};

START_TEST(map_definitions)
{
	struct bpf_object *object;
	struct bpf_map *map;

	compile_ok(maps[_i].source);
	object = open_object();
	map = bpf_object__find_map_by_name(object, maps[_i].name);
	ck_assert_msg(map != NULL, "%s", maps[_i].source);
	ck_assert_int_eq(bpf_map__type(map), maps[_i].type);
	ck_assert_uint_eq(bpf_map__key_size(map), maps[_i].key);
	ck_assert_uint_eq(bpf_map__value_size(map), maps[_i].value);
	ck_assert_uint_eq(bpf_map__max_entries(map), maps[_i].entries);
	ck_assert_uint_eq(bpf_map__map_flags(map), maps[_i].flags);
	/* Maps of maps need an inner map, and pinned ones need the loader; all others are
	 * created. */
	if (!strstr(maps[_i].source, "MAPS(") && !strstr(maps[_i].source, "of_maps")) {
		kernel_log[0] = '\0';
		ck_assert_msg(!bpf_object__load(object), "%s\n%s", maps[_i].source, kernel_log);
	}
	bpf_object__close(object);
}
END_TEST

/* The pages of ring buffers are the kernel's, which may be larger on arm64. */
START_TEST(ring_buffers_have_pages_of_the_kernel)
{
	static const char source[] = "BPF_RINGBUF_OUTPUT(m, 8);";
	struct bpf_object *object;

	request.page_size = 65536;
	compile_ok(source);
	object = open_object();
	ck_assert_uint_eq(bpf_map__max_entries(bpf_object__find_map_by_name(object, "m")),
			  8 * 65536);
	bpf_object__close(object);
}
END_TEST

/* The macro that a source declares its map by. */
static const struct ebcc_table_macro *macro_of(const char *source)
{
	const char *start = strstr(source, "BPF_");

	return ebcc_table_macro_of(start, strcspn(start, "("));
}

/* A map has the methods that base/kinds.h has of its macro, and no others. */
START_TEST(maps_have_their_methods)
{
	const struct ebcc_table_macro *macro = macro_of(maps[_i].source);
	char source[4096];
	size_t used, members = 0;

	ck_assert_msg(macro != NULL, "%s", maps[_i].source);
	used = (size_t)snprintf(source, sizeof(source), "%s\n", maps[_i].source);
	for (const struct ebcc_table_method *method = ebcc_table_methods; method->name; method++) {
		if (!(macro->methods & method->group))
			continue;
		used += (size_t)snprintf(source + used, sizeof(source) - used,
					 "_Static_assert(sizeof(m.%s) == 8, \"\");\n",
					 method->name);
		members++;
	}
	/* What the markers pass turns increment() and atomic_increment() into. */
	if (macro->methods & EBCC_METHODS_KEYED)
		members += 2;
	snprintf(source + used, sizeof(source) - used,
		 "_Static_assert(sizeof(m) == %zu, \"methods\");\n", members * 8);
	compile_ok(source);
}
END_TEST

START_TEST(every_macro_has_a_map)
{
	for (const struct ebcc_table_macro *macro = ebcc_table_macros; macro->name; macro++) {
		size_t i = 0;

		while (i < COUNT(maps) && macro_of(maps[i].source) != macro)
			i++;
		ck_assert_msg(i < COUNT(maps), "%s", macro->name);
	}
}
END_TEST

START_TEST(unknown_table_type)
{
	const struct ebcc_cc_diagnostic *error =
		compile_error("\nBPF_TABLE(\"hsah\", u32, u64, m, 3);\n");

	ck_assert_ptr_nonnull(strstr(error->message, "unknown table type \"hsah\""));
	ck_assert_uint_eq(error->line, 2);
}
END_TEST

/* Errors of the passes have the line and column of the source. */

static const struct {
	const char *line, *message;
} errors[] = {
	{"t->pid = 1;", "cannot write to kernel memory"},
	{"t->mm->start += 1;", "cannot write to kernel memory"},
	{"t->comm[i & 3] = 'x';", "cannot write to kernel memory"},
	{"set_tgid(t);", "cannot write to kernel memory"},
	{"struct task *u = t->parent; u->a = 1;", "cannot write to kernel memory"},
	{"lock_xadd(&t->words[1], 1);", "cannot write to kernel memory"},
	{"__builtin_memset(t->comm, 0, 16);", "cannot write to kernel memory"},
	{"t->cred = (struct cred){1, 2};", "cannot write to kernel memory"},
	{"*(int *)bpf_get_current_task() = 1;", "cannot write to kernel memory"},
	{"structs.increment(i);", "leaf is an integer"},
	{"bytes.atomic_increment(1);", "leaf is an integer"},
	{"return count_down(i);", "calls itself"},
	{"bpf_trace_printk(\"%f\", 1.0 * i);", "can't print value 1"},
};

#define ERROR_PRELUDE                                                                              \
	"BPF_HASH(structs, int, struct cred); BPF_ARRAY(bytes, u8);\n"                             \
	"static void set_tgid(struct task *t) {\n t->tgid = 1; }\n"                                \
	"static int count_down(int n) {\n if (n < 3) return 0;\n return count_down(n - 1); }\n"

START_TEST(errors_have_a_place)
{
	const struct ebcc_cc_diagnostic *error;
	char source[2048];

	snprintf(source, sizeof(source),
		 ERROR_PRELUDE "int kprobe__f(struct pt_regs *ctx, struct task *t, int i)\n{\n%s\n"
			       "return 0;\n}\n",
		 errors[_i].line);
	error = compile_error(source);
	ck_assert_msg(strstr(error->message, errors[_i].message) != NULL, "%s", error->message);
	ck_assert_str_eq(error->path, "test.c");
	/* An error in a helper function is reported at its line there. */
	if (strstr(errors[_i].line, "set_tgid"))
		ck_assert_uint_eq(error->line, 3);
	else if (strstr(errors[_i].line, "count_down"))
		ck_assert_uint_eq(error->line, 6);
	else
		ck_assert_uint_eq(error->line, 9);
	ck_assert_uint_gt(error->column, 0);
	ck_assert_ptr_null(answer.object);
}
END_TEST

/* These are not errors: a struct leaf whose increment is never called, a store that may be to the
 * program's own memory. */
START_TEST(stores_that_may_be_right)
{
	compile_and_verify("BPF_ARRAY(structs, struct cred, 2);\n"
			   "int kprobe__f(struct pt_regs *ctx, struct task *t, int i) {\n"
			   " struct cred *c = structs.lookup(&i), own = {}, *p;\n"
			   " p = c ? c : &own; p->uid = t->cred.uid; return own.uid; }\n");
	ck_assert_uint_eq(helper_calls("kprobe__f", 4), 1);
}
END_TEST

/* Programs. */

START_TEST(every_kind_of_program)
{
	static const char source[] =
		"BPF_PERF_OUTPUT(events);\n"
		"struct event { u32 n; char comm[16]; };\n"
		"int kprobe__do_exit(struct pt_regs *ctx, struct task *t) { return t->pid; }\n"
		"int kretprobe__do_exit(struct pt_regs *ctx) { return PT_REGS_RC(ctx); }\n"
		"int syscall__openat(struct pt_regs *ctx, int dfd, const char *path, int flags)\n"
		"{ char c[8]; bpf_probe_read_user_str(c, sizeof(c), path); return flags + c[0] + "
		"path[1]; }\n"
		"TRACEPOINT_PROBE(test, event) { struct event e = {.n = args->n};\n"
		" TP_DATA_LOC_READ_CONST(e.comm, name, 8); TP_DATA_LOC_READ_STR(e.comm, name, 8);\n"
		" bpf_probe_read_kernel(e.comm, 16, args->comm); e.n += args->path[0];\n"
		" __builtin_memcpy(e.comm, args->comm, 16); e.n += args->comm[e.n & 15];\n"
		" events.perf_submit(args, &e, sizeof(e)); return 0; }\n"
		"RAW_TRACEPOINT_PROBE(sys_enter) { struct task *t = (void *)ctx->args[0]; return "
		"t->pid; }\n"
		"int on_sample(struct bpf_perf_event_data *ctx) { return ctx->sample_period + "
		"ctx->regs.ip; }\n"
		"int hello(void *ctx) { bpf_trace_printk(\"hello\\n\"); return 0; }\n"
		"int nothing(void) { return 0; }\n"
		"void silent(struct pt_regs *ctx) { bpf_trace_printk(\"x\\n\"); }\n"
		"int lacks_return(struct pt_regs *ctx) { bpf_trace_printk(\"x\\n\"); }\n"
		"int both(struct pt_regs *ctx) { return hello(ctx); }\n";
	static const struct {
		const char *program, *section;
	} expected[] = {
		{"kprobe__do_exit", "kprobe/do_exit"},
		{"kretprobe__do_exit", "kretprobe/do_exit"},
		{"syscall__openat", "kprobe"},
		{"tracepoint__test__event", "tracepoint/test/event"},
		{"raw_tracepoint__sys_enter", "raw_tp/sys_enter"},
		{"on_sample", "perf_event"},
		{"hello", ".ebcc/void/hello"},
		{"nothing", ".ebcc/void/nothing"},
		{"silent", "kprobe"},
		{"lacks_return", "kprobe"},
		{"both", "kprobe"},
	};
	struct bpf_object *object;
	struct bpf_program *program;
	unsigned n = 0;

	compile_and_verify(source);
	object = open_object();
	for (size_t i = 0; i < COUNT(expected); i++) {
		program = bpf_object__find_program_by_name(object, expected[i].program);
		ck_assert_msg(program != NULL, "%s", expected[i].program);
		ck_assert_str_eq(bpf_program__section_name(program), expected[i].section);
	}
	bpf_object__for_each_program (program, object)
		n++;
	ck_assert_uint_eq(n, COUNT(expected));
	bpf_object__close(object);
	/* dfd is not used, so only two of the call's arguments are read, and one character. */
	ck_assert_uint_eq(helper_calls("syscall__openat", 113), 2);
	ck_assert_uint_eq(helper_calls("syscall__openat", 4), 1);
}
END_TEST

START_TEST(typed_programs_unpack_their_arguments)
{
	compile_ok("KFUNC_PROBE(vfs_read, struct task *t, int n, char c)\n"
		   "{ return t->mm->owner->pid + n + c; }\n"
		   "KRETFUNC_PROBE(vfs_read, struct task *t, long ret) { return ret; }\n"
		   "MODULE_KFUNC_PROBE(ext4, ext4_sync, struct task *t) { return 1; }\n"
		   "LSM_PROBE(file_open, struct task *t) { return t->pid; }\n"
		   "KMOD_RET(f, int n) { return n; }\n"
		   "struct bpf_iter__task { struct task *task; };\n"
		   "BPF_ITER(task) { struct task *t = ctx->task; return t ? t->pid : 0; }\n"
		   "KFUNC_PROBE(none) { return 0; }\n");
	ck_assert_uint_eq(count(answer.ir, "(i64 4 to ptr)"), 0);
	ck_assert_uint_eq(count(answer.ir, "(i64 113 to ptr)"), 0);
	ck_assert_uint_eq(count(answer.ir, "section \"fentry/vfs_read\""), 1);
	ck_assert_uint_eq(count(answer.ir, "section \"fexit/vfs_read\""), 1);
	ck_assert_uint_eq(count(answer.ir, "section \"lsm/file_open\""), 1);
	ck_assert_uint_eq(count(answer.ir, "section \"fmod_ret/f\""), 1);
	ck_assert_uint_eq(count(answer.ir, "section \"iter/task\""), 1);
}
END_TEST

START_TEST(callbacks)
{
	static const char source[] =
		"struct state { u64 task; int sum; };\nBPF_HASH(h, u32, struct cred);\n"
		"static long each(u32 i, void *c) { struct state *s = c; struct task *t = (void "
		"*)s->task;\n"
		" s->sum += t->pid; return 0; }\n"
		"static long entry(void *map, u32 *key, struct cred *value, void *c)\n"
		"{ struct state *s = c; s->sum += value->uid + *key; value->gid = 1; return 0; }\n"
		"int kprobe__f(struct pt_regs *ctx) { struct state s = {.task = "
		"bpf_get_current_task()};\n"
		" bpf_loop(3, each, &s, 0); bpf_for_each_map_elem(&h, entry, &s, 0); return s.sum; "
		"}\n";

	compile_and_verify(source);
	ck_assert_uint_eq(helper_calls("each", 4), 1);
	ck_assert_uint_eq(helper_calls("entry", 4), 0);
	ck_assert_uint_eq(count(answer.ir, "define internal"), 2);
}
END_TEST

START_TEST(arm64)
{
	request.arch = EBCC_ARCH_ARM64;
	compile_ok("int kprobe__f(struct pt_regs *ctx, struct task *t, u64 a, u64 b, u64 c, u64 d, "
		   "u64 e, u64 f)\n"
		   "{ return t->pid + f + PT_REGS_RC(ctx) + PT_REGS_IP(ctx) + PT_REGS_FP(ctx); }\n"
		   "int uprobe(struct pt_regs *ctx) { return *(int *)PT_REGS_PARM2(ctx); }\n");
	ck_assert_uint_eq(helper_calls("kprobe__f", 4), 1);
	ck_assert_uint_eq(count_in("kprobe__f", "i64 48"), 1); /* x6 */
	ck_assert_uint_eq(helper_calls("uprobe", 4), 1);
}
END_TEST

START_TEST(arm64_usdt_arguments)
{
	request.arch = EBCC_ARCH_ARM64;
	compile_ok(
		"int f(struct pt_regs *ctx) { s64 v; bpf_usdt_readarg(1, ctx, &v); return v; }\n");
	ck_assert_uint_eq(count_in("f", "i64 256"), 1); /* the offset of pc */
	ck_assert_uint_gt(count_in("f", ", 264"), 0);	/* the last register: 34 * 8 - 8 */
	ck_assert_uint_eq(count_in("f", ", 160"), 0);	/* x86-64's */
}
END_TEST

/* Events: their type is in BTF, their losses are counted. */

static const struct btf_type *variable_type(struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_VAR);

	return id < 0 ? NULL : btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
}

START_TEST(event_types)
{
	const struct btf_type *type;
	struct bpf_object *object;
	struct btf *btf;

	compile_ok("struct one { u32 pid; char comm[16]; }; typedef struct { u64 x; } two_t;\n"
		   "BPF_PERF_OUTPUT(a); BPF_PERF_OUTPUT(b); BPF_PERF_OUTPUT(c); "
		   "BPF_RINGBUF_OUTPUT(d, 1);\n"
		   "BPF_PERF_OUTPUT(unused); BPF_RINGBUF_OUTPUT(e, 1); BPF_PERF_OUTPUT(f); "
		   "BPF_PERF_OUTPUT(g);\n"
		   "static void send(struct pt_regs *ctx, struct one *o) { a.perf_submit(ctx, o, "
		   "sizeof(*o)); }\n"
		   "int kprobe__f(struct pt_regs *ctx) { struct one o = {}; two_t t = {}; u64 n = "
		   "1; char s[20] = {};\n"
		   " send(ctx, &o); b.perf_submit(ctx, &t, sizeof(t)); c.perf_submit(ctx, &n, "
		   "sizeof(n));\n"
		   " f.perf_submit(ctx, s, sizeof(s)); g.perf_submit(ctx, (void *)&o, sizeof(o));\n"
		   " d.ringbuf_output(&o, sizeof(o), 0);\n"
		   " struct one *r = e.ringbuf_reserve(sizeof(*r)); if (r) { *r = o; "
		   "e.ringbuf_submit(r, 0); }\n"
		   " return 0; }\n");
	object = open_object();
	btf = bpf_object__btf(object);
	for (const char *const *name = (const char *const[]){"a", "d", "e", "g", NULL}; *name;
	     name++) {
		char variable[32];

		snprintf(variable, sizeof(variable), "__ebcc_event_%s", *name);
		type = variable_type(btf, variable);
		ck_assert_msg(type && btf_is_ptr(type), "%s", variable);
		type = btf__type_by_id(btf, type->type);
		ck_assert(btf_is_struct(type));
		ck_assert_str_eq(btf__name_by_offset(btf, type->name_off), "one");
		ck_assert_uint_eq(type->size, 20);
		ck_assert_uint_eq(btf_vlen(type), 2);
	}
	type = btf__type_by_id(btf, variable_type(btf, "__ebcc_event_b")->type);
	ck_assert(btf_is_typedef(type));
	type = btf__type_by_id(btf, variable_type(btf, "__ebcc_event_c")->type);
	ck_assert_str_eq(btf__name_by_offset(btf, type->name_off), "u64");
	type = btf__type_by_id(btf, variable_type(btf, "__ebcc_event_f")->type);
	ck_assert(btf_is_array(type));
	ck_assert_uint_eq(btf_array(type)->nelems, 20);
	ck_assert_ptr_null(variable_type(btf, "__ebcc_event_unused"));
	/* Counters exist only for maps in use: a cache line per CPU, three CPUs rounded up to
	 * four. */
	type = variable_type(btf, "__ebcc_lost_a");
	ck_assert_ptr_nonnull(type);
	ck_assert_int_eq(
		btf__resolve_size(btf, btf__find_by_name_kind(btf, "__ebcc_lost_a", BTF_KIND_VAR)),
		4 * 64);
	ck_assert_ptr_null(variable_type(btf, "__ebcc_lost_unused"));
	/* The variable in which a ring buffer's reader says when to wake it has a cache line of its
	 * own. */
	for (const char *const *name = (const char *const[]){"d", "e", NULL}; *name; name++) {
		char variable[32];

		snprintf(variable, sizeof(variable), "__ebcc_batch_%s", *name);
		ck_assert_ptr_nonnull(variable_type(btf, variable));
		ck_assert_int_eq(
			btf__resolve_size(btf, btf__find_by_name_kind(btf, variable, BTF_KIND_VAR)),
			64);
	}
	ck_assert_ptr_null(variable_type(btf, "__ebcc_batch_a"));
	verify("event types");
	bpf_object__close(object);
}
END_TEST

START_TEST(facts_about_tables)
{
	compile_ok(
		"BPF_HISTOGRAM(h); BPF_TABLE_PINNED(\"hash\", u32, u64, p, 3, \"/sys/fs/bpf/p\");\n"
		"BPF_TABLE_SHARED(\"array\", int, u64, s, 3); BPF_ARRAY_OF_MAPS(m, \"inner\", 3);\n"
		"BPF_QUEUESTACK_PUBLIC(\"queue\", q, u32, 3, 0); BPF_HASH(plain);\n");
	ck_assert_ptr_nonnull(memmem(answer.object, answer.object_size, "table=histogram\n", 17));
	ck_assert_ptr_nonnull(memmem(answer.object, answer.object_size,
				     "table=hash\npinned=/sys/fs/bpf/p\n", 33));
	ck_assert_ptr_nonnull(
		memmem(answer.object, answer.object_size, "table=array\nscope=shared\n", 26));
	ck_assert_ptr_nonnull(
		memmem(answer.object, answer.object_size, "table=array_of_maps$inner\n", 27));
	ck_assert_ptr_nonnull(
		memmem(answer.object, answer.object_size, "table=queue\nscope=public\n", 26));
	ck_assert_uint_eq(count(answer.ir, "@__ebcc_table_"), 5);
}
END_TEST

/* If lookup_or_init fails, the rest of the program doesn't run. */
START_TEST(lookup_or_init_ends_the_program)
{
	compile_and_verify(
		"BPF_HASH(h, u32);\n"
		"int kprobe__f(struct pt_regs *ctx) { u32 k = 1; u64 zero = 5, *v = "
		"h.lookup_or_init(&k, &zero);\n"
		" if (PT_REGS_RC(ctx)) (*v)++; bpf_trace_printk(\"here\\n\"); return 7; }\n");
	ck_assert_uint_eq(helper_calls("kprobe__f", 1), 2);
	ck_assert_uint_eq(helper_calls("kprobe__f", 2), 1);
	ck_assert_uint_eq(helper_calls("kprobe__f", 6), 1);
	ck_assert_uint_eq(count_in("kprobe__f", "i32 0"), 1);
}
END_TEST

START_TEST(packets)
{
	static const char source[] =
		"#include <bcc/proto.h>\nBPF_HASH(sources, u32);\n"
		"int filter(struct __sk_buff *skb) { u8 *cursor = 0;\n"
		" struct ethernet_t *e = cursor_advance(cursor, sizeof(*e));\n"
		" if (e->type != 0x0800) return 0;\n"
		" struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));\n"
		" if (ip->nextp != 6 || ip->hlen < 5) return 0;\n"
		" cursor_advance(cursor, (ip->hlen << 2) - sizeof(*ip));\n"
		" struct tcp_t *tcp = cursor_advance(cursor, sizeof(*tcp));\n"
		" if (tcp->flag_syn && tcp->dst_port == 80) sources.increment(ip->src);\n"
		" ip->ttl = 9; tcp->flag_ack = 1; e->dst = 0x010203040506ULL;\n"
		" return load_byte(skb, 0) + load_half(skb, 12) + load_word(skb, 26); }\n";

	compile_and_verify(source);
	ck_assert_uint_eq(helper_calls("filter", 9), 3);
	ck_assert_uint_ge(count_in("filter", "@llvm.bpf.load.half"), 3);
	ck_assert_uint_eq(count(answer.ir, "call ptr @llvm.preserve"), 0);
}
END_TEST

/* Accesses to a struct with this attribute stay marked for the backend, in addresses of probe reads
 * too. LLVM keeps a table of them beyond the module, so each process (Check forks one) compiles
 * only one such source. */
#define MOVED                                                                                      \
	"struct __attribute__((preserve_access_index)) moved { int a; struct moved *next; };\n"    \
	"int kprobe__f(struct pt_regs *ctx, struct moved *m) { return m->next->a; }\n"

START_TEST(relocatable)
{
	request.pipeline = _i ? EBCC_CC_PIPELINE_PLAIN : EBCC_CC_PIPELINE_O2;
	compile_ok(MOVED);
	ck_assert_uint_eq(helper_calls("kprobe__f", 4), 2);
	ck_assert_uint_eq(count_in("kprobe__f", "@\"llvm.moved:0:8$0:1\""), 1);
	ck_assert_uint_eq(count_in("kprobe__f", "@\"llvm.moved:0:0$0:0\""), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dialect");
	TCase *tcase = tcase_create("dialect");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (geteuid()) {
		printf("SKIPPED: dialect: only root may have the kernel verify programs\n");
		return 77;
	}
	libbpf_set_print(on_libbpf);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, implicit_reads);
	tcase_add_test(tcase, methods_pass_the_verifier);
	tcase_add_loop_test(tcase, map_definitions, 0, COUNT(maps));
	tcase_add_test(tcase, ring_buffers_have_pages_of_the_kernel);
	tcase_add_loop_test(tcase, maps_have_their_methods, 0, COUNT(maps));
	tcase_add_test(tcase, every_macro_has_a_map);
	tcase_add_test(tcase, unknown_table_type);
	tcase_add_loop_test(tcase, errors_have_a_place, 0, COUNT(errors));
	tcase_add_test(tcase, stores_that_may_be_right);
	tcase_add_test(tcase, every_kind_of_program);
	tcase_add_test(tcase, typed_programs_unpack_their_arguments);
	tcase_add_test(tcase, callbacks);
	tcase_add_test(tcase, arm64);
	tcase_add_test(tcase, arm64_usdt_arguments);
	tcase_add_test(tcase, event_types);
	tcase_add_test(tcase, facts_about_tables);
	tcase_add_test(tcase, lookup_or_init_ends_the_program);
	tcase_add_test(tcase, packets);
	tcase_add_loop_test(tcase, relocatable, 0, 2);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
