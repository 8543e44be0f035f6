// SPDX-License-Identifier: Apache-2.0
/* The scan: what counts as a use, as a definition, or as neither. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "types/source_scan.h"

#define USES (EBCC_SCAN_TOKEN | EBCC_SCAN_TAG | EBCC_SCAN_MEMBER)

static struct ebcc_scan scan;

static void scan_with(const char *text, const struct ebcc_scan_opts *opts)
{
	ebcc_scan_deinit(&scan);
	ck_assert_ptr_null(ebcc_scan_source(text, strlen(text), opts, &scan));
}

static void scan_it(const char *text)
{
	scan_with(text, NULL);
}

static unsigned uses(const char *name)
{
	return ebcc_scan_uses(&scan, name);
}

static void cleanup(void)
{
	ebcc_scan_deinit(&scan);
}

START_TEST(test_uses)
{
	scan_it("int f(struct sock *sk) { return sk->sk_family == AF_INET && a.len > 1; }");
	ck_assert_uint_eq(uses("sock"), EBCC_SCAN_TAG);
	ck_assert_uint_eq(uses("sk_family"), EBCC_SCAN_MEMBER);
	ck_assert_uint_eq(uses("len"), EBCC_SCAN_MEMBER);
	ck_assert_uint_eq(uses("AF_INET"), EBCC_SCAN_TOKEN);
	ck_assert_uint_eq(uses("sk"), EBCC_SCAN_TOKEN);
	ck_assert_uint_eq(uses("nothing"), 0);
	scan_it("enum pid_type t; union bpf_attr *u; x = y.z->w;");
	ck_assert_uint_eq(uses("pid_type"), EBCC_SCAN_TAG);
	ck_assert_uint_eq(uses("bpf_attr"), EBCC_SCAN_TAG);
	ck_assert_uint_eq(uses("w"), EBCC_SCAN_MEMBER);
}
END_TEST

START_TEST(test_decoys)
{
	scan_it("// struct inode\n/* struct dentry\n * path */ char *s = \"struct file \\\" mm\"; "
		"char c = '\\''; int x = 0x1fUL + 1.5e+3;\n// joined \\\n struct cred\nint last;");
	ck_assert_uint_eq(uses("inode"), 0);
	ck_assert_uint_eq(uses("dentry"), 0);
	ck_assert_uint_eq(uses("path"), 0);
	ck_assert_uint_eq(uses("file"), 0);
	ck_assert_uint_eq(uses("mm"), 0);
	ck_assert_uint_eq(uses("UL"), 0);
	ck_assert_uint_eq(uses("e"), 0);
	ck_assert_uint_eq(uses("cred"), 0);
	ck_assert(uses("last") & EBCC_SCAN_TOKEN);
}
END_TEST

START_TEST(test_dead_branch)
{
	scan_it("#if 0\nstruct dead { int a; };\n#ifdef X\nstruct dead2 x;\n#endif\n#else\n"
		"struct alive y;\n#endif\n#  if 0\nstruct dead3 z;\n#elif B\nstruct alive2 "
		"w;\n#endif\n"
		"#if 0 || C\nstruct alive3 v;\n#endif\n");
	ck_assert_uint_eq(uses("dead"), 0);
	ck_assert_uint_eq(uses("dead2"), 0);
	ck_assert_uint_eq(uses("dead3"), 0);
	ck_assert_uint_eq(uses("alive"), EBCC_SCAN_TAG);
	ck_assert_uint_eq(uses("alive2"), EBCC_SCAN_TAG);
	ck_assert_uint_eq(uses("alive3"), EBCC_SCAN_TAG);
	/* An unterminated #if 0: the rest is skipped, and the scan ends. */
	scan_it("#if 0\nstruct dead x;");
	ck_assert_uint_eq(uses("dead"), 0);
}
END_TEST

/* Names that may also be kernel macros. */
START_TEST(test_definitions_in_capitals)
{
	scan_it("enum { /* first */ A = 1,\n#if 1\n B, // second\n#endif\n C };\n"
		"struct s { u32 D; u8 E[4]; enum { F, G } H; };\n"
		"static int f(int I, struct t *J) { const u64 K = L, M; return N; }\n"
		"static int g(void) { if (f(O, (u8)P)) goto Q; return sizeof(R) * S; }\n");
	for (char name[] = "A"; *name <= 'M'; (*name)++) {
		bool defined =
			uses(name) & (EBCC_SCAN_DEFINES_ENUMERATOR | EBCC_SCAN_DEFINES_OBJECT);

		if (*name != 'J' && *name != 'M')
			ck_assert_msg(defined == (*name != 'H' && *name != 'L'), "%s", name);
	}
	for (char name[] = "N"; *name <= 'S'; (*name)++)
		ck_assert_uint_eq(uses(name), EBCC_SCAN_TOKEN);
}
END_TEST

START_TEST(test_definitions)
{
	scan_it("struct a { int x; }; struct __attribute__((packed)) b { int x; };\n"
		"struct c __attribute__((aligned(8))) { int x; };\nstruct d;\n"
		"enum e { E1 = 1, E2, E3 = E4 };\nenum { F1, F2 };\n"
		"typedef unsigned int my_t;\ntypedef struct g { int h; } g_t, *g_p;\n"
		"typedef int (*fn_t)(int arg, struct i *j);\ntypedef char name_t[16];\n");
	ck_assert(uses("a") & EBCC_SCAN_DEFINES_TAG);
	ck_assert(uses("b") & EBCC_SCAN_DEFINES_TAG);
	ck_assert(uses("c") & EBCC_SCAN_DEFINES_TAG);
	ck_assert_uint_eq(uses("d"), EBCC_SCAN_TAG);
	ck_assert(uses("e") & EBCC_SCAN_DEFINES_TAG);
	ck_assert(uses("E1") & EBCC_SCAN_DEFINES_ENUMERATOR);
	ck_assert(uses("E2") & EBCC_SCAN_DEFINES_ENUMERATOR);
	ck_assert_uint_eq(uses("E4"), EBCC_SCAN_TOKEN);
	ck_assert(uses("F2") & EBCC_SCAN_DEFINES_ENUMERATOR);
	ck_assert(uses("my_t") & EBCC_SCAN_DEFINES_TYPEDEF);
	ck_assert(uses("g_t") & EBCC_SCAN_DEFINES_TYPEDEF);
	ck_assert(uses("g_p") & EBCC_SCAN_DEFINES_TYPEDEF);
	ck_assert(uses("fn_t") & EBCC_SCAN_DEFINES_TYPEDEF);
	ck_assert(uses("name_t") & EBCC_SCAN_DEFINES_TYPEDEF);
	ck_assert(!(uses("h") & EBCC_SCAN_DEFINES_TYPEDEF));
	ck_assert(!(uses("arg") & EBCC_SCAN_DEFINES_TYPEDEF));
	ck_assert_uint_eq(uses("i"), EBCC_SCAN_TAG);
}
END_TEST

/* Attribute macros count as uses wherever they are, and not as names of variables or members. */
START_TEST(test_attributes)
{
	scan_it("struct a { int x __packed; } __aligned(SIZE) one; typedef struct { int y; } b_t "
		"__used;\n"
		"struct __randomize_layout c { int z; } __packed; static int d __maybe_unused;\n"
		"int e(void) __attribute__((noinline, aligned(sizeof(struct t)))) { return "
		"p->__init; }\n");
	ck_assert_uint_eq(uses("__packed"), EBCC_SCAN_TOKEN);
	ck_assert_uint_eq(uses("__aligned"), EBCC_SCAN_TOKEN);
	ck_assert(uses("SIZE") & EBCC_SCAN_TOKEN);
	ck_assert(uses("one") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("b_t") & EBCC_SCAN_DEFINES_TYPEDEF);
	ck_assert(uses("c") & EBCC_SCAN_DEFINES_TAG);
	ck_assert_uint_eq(uses("__randomize_layout"), EBCC_SCAN_TOKEN);
	ck_assert(uses("d") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("e") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("t") & EBCC_SCAN_TAG);
	ck_assert_uint_eq(uses("noinline"), 0);
	ck_assert_uint_eq(uses("__init"), EBCC_SCAN_MEMBER);
	/* Unknown words that may be meant as attributes. */
	scan_it("struct a { int x; } __mystery; struct b { int x; } __named; int c = __named.x;\n"
		"typedef struct { union { int x; } __inner; } __type; struct d { int x; } __packed "
		"__odd;");
	ck_assert(uses("__mystery") & EBCC_SCAN_DOUBTFUL);
	ck_assert(!(uses("__mystery") & EBCC_SCAN_TOKEN));
	ck_assert(uses("__named") & EBCC_SCAN_TOKEN);
	ck_assert(uses("__inner") & EBCC_SCAN_DOUBTFUL);
	ck_assert(uses("__odd") & EBCC_SCAN_DOUBTFUL);
	ck_assert(!(uses("__type") & EBCC_SCAN_DOUBTFUL));
}
END_TEST

START_TEST(test_objects)
{
	scan_it("BPF_HASH(start, u32);\nBPF_TABLE(\"hash\", struct key, u64, counts, 10);\n"
		"const volatile pid_t target = 0;\nstatic u64 total[4];\nstruct s { int m; } one;\n"
		"static inline int helper(struct t *p) { u32 local = 1; other(p); return local; }\n"
		"int proto(int a);\nint later(void) __attribute__((noinline)) { return 0; }\n");
	ck_assert(uses("start") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("counts") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("target") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("total") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("one") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("helper") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("later") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert_uint_eq(uses("pid_t"), EBCC_SCAN_TOKEN);
	ck_assert_uint_eq(uses("u64"), EBCC_SCAN_TOKEN);
	ck_assert_uint_eq(uses("local"), EBCC_SCAN_TOKEN);
	ck_assert_uint_eq(uses("other"), EBCC_SCAN_TOKEN);
	ck_assert(uses("proto") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert_uint_eq(uses("key"), EBCC_SCAN_TAG);
}
END_TEST

START_TEST(test_macros)
{
	scan_it("#define LIMIT NAME_MAX\n#define GET(p) \\\n\t((p)->f_inode)\n#ifdef CONFIG_NUMA\n"
		"#endif\n#if defined(CONFIG_HZ) && LINUX_VERSION_CODE > 3\n#endif\n");
	ck_assert(uses("LIMIT") & EBCC_SCAN_DEFINES_MACRO);
	ck_assert(uses("GET") & EBCC_SCAN_DEFINES_MACRO);
	ck_assert_uint_eq(uses("NAME_MAX"), EBCC_SCAN_TOKEN);
	ck_assert_uint_eq(uses("f_inode"), EBCC_SCAN_MEMBER);
	ck_assert_uint_eq(uses("CONFIG_NUMA"), EBCC_SCAN_TOKEN);
	ck_assert_uint_eq(uses("CONFIG_HZ"), EBCC_SCAN_TOKEN);
	ck_assert_uint_eq(uses("LINUX_VERSION_CODE"), EBCC_SCAN_TOKEN);
	/* Pasted names are not found; they have to be learnt from diagnostics. */
	scan_it("#define TYPE(x) struct x##_struct\nTYPE(task) *t;");
	ck_assert_uint_eq(uses("task_struct"), 0);
	/* A brace in a macro's body doesn't affect the text after it. */
	scan_it("#define OPEN {\nint global;\n");
	ck_assert(uses("global") & EBCC_SCAN_DEFINES_OBJECT);
}
END_TEST

START_TEST(test_programs)
{
	scan_it("TRACEPOINT_PROBE(sched, sched_switch) { return 0; }\n"
		"int tracepoint__irq__softirq_entry(struct tracepoint__irq__softirq_entry *args) { "
		"}\n"
		"int kprobe__vfs_read(struct pt_regs *ctx, struct file *f) { return 0; }\n"
		"int syscall__open(struct pt_regs *ctx);\n"
		"RAW_TRACEPOINT_PROBE(sched_wakeup) { }\nBPF_ITER(task) { }\n");
	ck_assert_uint_eq(scan.tracepoint_count, 2);
	ck_assert_str_eq(scan.tracepoints[0].category, "sched");
	ck_assert_str_eq(scan.tracepoints[0].event, "sched_switch");
	ck_assert_ptr_null(scan.tracepoints[1].category);
	ck_assert_str_eq(scan.tracepoints[1].event, "irq__softirq_entry");
	ck_assert_uint_eq(uses("bpf_raw_tracepoint_args"), EBCC_SCAN_TAG);
	ck_assert_uint_eq(uses("bpf_iter__task"), EBCC_SCAN_TAG);
}
END_TEST

START_TEST(test_names_of_maps)
{
	scan_it("BPF_HASH(counts, u32); BPF_TABLE(\"hash\", u32, u64, table, 10);\n"
		"BPF_QUEUESTACK_SHARED(\"queue\", queue, u64, 10, 0);\n"
		"BPF_XDP_REDIRECT_MAP(\"devmap\", int, devices, 10);\n"
		"BPF_ITER(task) { BPF_PROBE_READ_INTO(&mm, source); }\n");
	ck_assert(uses("counts") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("table") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("queue") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(uses("devices") & EBCC_SCAN_DEFINES_OBJECT);
	ck_assert(!(uses("u64") & EBCC_SCAN_DEFINES_OBJECT));
	/* Macros that declare no table. */
	ck_assert(!(uses("task") & EBCC_SCAN_DEFINES_OBJECT));
}
END_TEST

START_TEST(test_core_read)
{
	scan_it("x = BPF_CORE_READ(task, mm, owner); y = task + real_parent;");
	ck_assert(uses("mm") & EBCC_SCAN_MEMBER);
	ck_assert(uses("owner") & EBCC_SCAN_MEMBER);
	ck_assert(!(uses("real_parent") & EBCC_SCAN_MEMBER));
}
END_TEST

START_TEST(test_flags)
{
	static const char *const flags[] = {"-DFILTER=(t->tgid == PID)", "-D", "WHO=1", "-DBARE",
					    "-O2"};
	struct ebcc_scan_opts opts = {.cflags = flags, .cflag_count = 5};

	scan_with("int x;", &opts);
	ck_assert_uint_eq(uses("tgid"), EBCC_SCAN_MEMBER);
	ck_assert_uint_eq(uses("PID"), EBCC_SCAN_TOKEN);
	ck_assert_uint_eq(uses("FILTER"), EBCC_SCAN_DEFINES_MACRO);
	ck_assert_uint_eq(uses("BARE"), EBCC_SCAN_DEFINES_MACRO);
	ck_assert_uint_eq(scan.define_count, 3);
	ck_assert_str_eq(scan.defines[1], "WHO");
}
END_TEST

START_TEST(test_includes)
{
	scan_it("#include <linux/sched.h>\n#include <uapi/linux/ptrace.h>\n");
	ck_assert_uint_eq(scan.include_count, 2);
	ck_assert_str_eq(scan.includes[1], "uapi/linux/ptrace.h");
	ck_assert(!scan.net_headers);
	scan_it("#include <net/sock.h>\n");
	ck_assert(scan.net_headers);
	scan_it("#include <uapi/linux/tcp.h>\n");
	ck_assert(scan.net_headers);
	/* Unterminated, or without a name. */
	scan_it("#include <linux/sched.h\n#include\n#include \"\nint x;");
	ck_assert(uses("x") & EBCC_SCAN_TOKEN);
}
END_TEST

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(test_local_headers)
{
	char directory[] = "/tmp/ebcc-test-scan.XXXXXX", path[256], include[256], clean[256];
	const char *flags[] = {include};
	struct ebcc_scan_opts opts = {.path = path, .cflags = flags, .cflag_count = 1};

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/main.c", directory);
	snprintf(include, sizeof(include), "-I%s", directory);
	write_file(directory, "one.h",
		   "#include \"two.h\"\nstruct mine { struct from_one *p; };\n");
	write_file(directory, "two.h", "#include \"one.h\"\nstruct from_two *q;\n");
	write_file(directory, "three.h", "#define THREE from_three\n");
	scan_with("#include \"one.h\"\n#include <three.h>\n#include \"absent.h\"\n", &opts);
	ck_assert(uses("mine") & EBCC_SCAN_DEFINES_TAG);
	ck_assert_uint_eq(uses("from_one"), EBCC_SCAN_TAG);
	ck_assert_uint_eq(uses("from_two"), EBCC_SCAN_TAG);
	ck_assert_uint_eq(uses("from_three"), EBCC_SCAN_TOKEN);
	ck_assert_uint_eq(scan.file_count, 3);
	snprintf(clean, sizeof(clean), "rm -r %s", directory);
	ck_assert_int_eq(system(clean), 0);
}
END_TEST

/* The scan must cope with every prefix of a source. */
START_TEST(test_cut_off)
{
	static const char text[] =
		"#define A(x) \\\n x##y /* c */\n#include <a.h>\nenum e { X = 'c', Y };\n"
		"TRACEPOINT_PROBE(a, b) { return BPF_CORE_READ(args, c); } // end\n"
		"typedef struct { char *s; } t; BPF_TABLE(\"hash\", u32, u64, name, 10);\n#if "
		"0\nx\n#endif\n";

	for (size_t size = 0; size < sizeof(text); size++) {
		char *copy = malloc(size);

		memcpy(copy, text, size);
		ebcc_scan_deinit(&scan);
		ck_assert_ptr_null(ebcc_scan_source(copy, size, NULL, &scan));
		free(copy);
	}
	ck_assert(uses("name") & EBCC_SCAN_DEFINES_OBJECT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source_scan");
	TCase *tests = tcase_create("scan");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, NULL, cleanup);
	tcase_add_test(tests, test_uses);
	tcase_add_test(tests, test_decoys);
	tcase_add_test(tests, test_dead_branch);
	tcase_add_test(tests, test_definitions);
	tcase_add_test(tests, test_definitions_in_capitals);
	tcase_add_test(tests, test_attributes);
	tcase_add_test(tests, test_objects);
	tcase_add_test(tests, test_macros);
	tcase_add_test(tests, test_programs);
	tcase_add_test(tests, test_names_of_maps);
	tcase_add_test(tests, test_core_read);
	tcase_add_test(tests, test_flags);
	tcase_add_test(tests, test_includes);
	tcase_add_test(tests, test_local_headers);
	tcase_add_test(tests, test_cut_off);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
