// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel types: what is selected from a small BTF made here, what is learnt from a failed compile,
 * and, with this machine's BTF, that the text compiles and has the kernel's layout.
 */
#include <bpf/btf.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/btf.h"
#include "types/ktypes.h"

static char directory[64], btf_path[96];
static struct ebcc_kernel_info *kernel;
static struct ebcc_ktypes *ktypes;
static struct ebcc_buf text;

static void write_bytes(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

/*
 * struct task { int pid; struct mm *mm; struct files *files; struct inner in; struct other *other;
 *               int (*run)(struct task *); enum state state; size2_t counted; };
 * and the types that it uses, and duplicates.
 */
static struct btf *make_btf(void)
{
	struct btf *btf = btf__new_empty();
	int i, mm, files, inner, other, task, state, proto, size2, dup;

	i = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	mm = btf__add_struct(btf, "mm", 16);
	btf__add_field(btf, "owner", mm + 1, 0, 0);
	btf__add_field(btf, "users", i, 64, 0);
	btf__add_ptr(btf, mm + 8); /* task, below */
	files = btf__add_struct(btf, "files", 4);
	btf__add_field(btf, "count", i, 0, 0);
	inner = btf__add_struct(btf, "inner", 8);
	btf__add_field(btf, "low", i, 0, 3);
	btf__add_field(btf, "high", i, 3, 5);
	btf__add_field(btf, "wide", i, 32, 0);
	other = btf__add_fwd(btf, "other", BTF_FWD_STRUCT);
	state = btf__add_enum(btf, "state", 4);
	btf__add_enum_value(btf, "RUNNING", 0);
	btf__add_enum_value(btf, "STOPPED", 7);
	size2 = btf__add_typedef(btf, "size2_t", i);
	proto = btf__add_func_proto(btf, i);
	task = btf__add_struct(btf, "task", 64);
	ck_assert_int_eq(task, mm + 8);
	btf__add_field(btf, "pid", i, 0, 0);
	btf__add_field(btf, "mm", task + 1, 64, 0);
	btf__add_field(btf, "files", task + 2, 128, 0);
	btf__add_field(btf, "in", inner, 192, 0);
	btf__add_field(btf, "other", task + 3, 256, 0);
	btf__add_field(btf, "run", task + 4, 320, 0);
	btf__add_field(btf, "state", state, 384, 0);
	btf__add_field(btf, "counted", size2, 416, 0);
	btf__add_ptr(btf, mm);
	btf__add_ptr(btf, files);
	btf__add_ptr(btf, other);
	btf__add_ptr(btf, proto);
	btf__add_enum(btf, NULL, 4);
	btf__add_enum_value(btf, "TASK_COMM_LEN", 24);
	btf__add_enum_value(btf, "true", 1);
	dup = btf__add_struct(btf, "files", 8);
	btf__add_field(btf, "second", i, 0, 0);
	btf__add_field(btf, "again", i, 32, 0);
	i = btf__add_struct(btf, "holder", 8);
	btf__add_field(btf, "dup", dup, 0, 0);
	i = btf__add_enum64(btf, "wide_state", 8, false);
	btf__add_enum64_value(btf, "WIDE", 1ull << 40);
	return btf;
}

static void setup(void)
{
	struct ebcc_kernel_info_opts opts = {.version_code = 0x060100, .machine = "x86_64"};
	struct btf *btf = make_btf();
	const void *data;
	uint32_t size;

	strcpy(directory, "/tmp/ebcc-test-ktypes.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(btf_path, sizeof(btf_path), "%s/btf", directory);
	data = btf__raw_data(btf, &size);
	write_bytes(btf_path, data, size);
	btf__free(btf);
	ck_assert_ptr_null(ebcc_kernel_info_create(&opts, &kernel));
}

static void cleanup(void)
{
	char command[128];

	ebcc_ktypes_destroy(ktypes);
	ktypes = NULL;
	ebcc_kernel_info_destroy(kernel);
	ebcc_buf_deinit(&text);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static void open_with(const char *source, const struct ebcc_scan_opts *scan_opts,
		      const struct ebcc_ktypes_opts *opts)
{
	struct ebcc_scan scan;

	ebcc_ktypes_destroy(ktypes);
	ktypes = NULL;
	ck_assert_ptr_null(ebcc_scan_source(source, strlen(source), scan_opts, &scan));
	ck_assert_ptr_null(ebcc_ktypes_create(&scan, kernel, opts, &ktypes));
}

static const char *generate(bool whole)
{
	ebcc_buf_clear(&text);
	ck_assert_ptr_null(ebcc_ktypes_generate(ktypes, whole, &text));
	return ebcc_buf_string(&text);
}

/* The text for a source, from the small BTF. */
static const char *generate_for(const char *source)
{
	struct ebcc_ktypes_opts opts = {.btf_path = btf_path};

	open_with(source, NULL, &opts);
	return generate(false);
}

static bool has(const char *piece)
{
	return strstr(ebcc_buf_string(&text), piece);
}

static void learn(const char *message, const char *rendered, bool expected)
{
	struct ebcc_cc_diagnostic diagnostic = {.severity = EBCC_CC_ERROR,
						.path = "main.c",
						.message = (char *)message,
						.rendered = (char *)rendered};
	bool learnt;

	ck_assert_ptr_null(ebcc_ktypes_learn(ktypes, &diagnostic, 1, &learnt));
	ck_assert_int_eq(learnt, expected);
	generate(false);
}

START_TEST(test_preamble)
{
	generate_for("int x;");
	ck_assert(has("typedef unsigned long long __u64;"));
	ck_assert(has("typedef _Bool bool;"));
	ck_assert(has("struct pt_regs;"));
	ck_assert(!has("struct task {"));
	ck_assert(!has("RUNNING"));
}
END_TEST

START_TEST(test_named)
{
	generate_for("struct task *t;");
	ck_assert(has("struct task {\n"));
	/* Members by value are complete, too. */
	ck_assert(has("struct inner {\n\tint low: 3;\n\tint high: 5;\n\tint wide;\n};"));
	ck_assert(has("enum state {\n\tRUNNING = 0,\n\tSTOPPED = 7,\n};"));
	ck_assert(has("typedef int size2_t;"));
	/* Types behind pointers are only declared. */
	ck_assert(has("struct mm;"));
	ck_assert(!has("struct mm {"));
	ck_assert(has("struct files *files;"));
	ck_assert(!has("struct files {"));
	/* A pointer to a function becomes void *. */
	ck_assert(has("void *run;"));
}
END_TEST

START_TEST(test_followed_members)
{
	generate_for("int f(struct task *t) { return t->mm->users; }");
	ck_assert(has("struct mm {\n"));
	ck_assert(!has("struct files {"));
	/* A variable of that name doesn't count as a member access. */
	generate_for("int f(struct task *t) { int mm = 1; return mm; }");
	ck_assert(!has("struct mm {"));
}
END_TEST

START_TEST(test_tokens)
{
	generate_for("int f(size2_t n) { return n == STOPPED; }");
	ck_assert(has("typedef int size2_t;"));
	ck_assert(has("STOPPED = 7"));
	ck_assert(!has("struct task {"));
	generate_for("char comm[TASK_COMM_LEN];");
	ck_assert(has("TASK_COMM_LEN = 24"));
	ck_assert(!has("#define TASK_COMM_LEN"));
	/* The preamble defines `true` itself. */
	ck_assert(has("true___kernel = 1"));
	generate_for("u64 x = WIDE;");
	ck_assert(has("WIDE = 1099511627776ULL"));
}
END_TEST

START_TEST(test_source_defines)
{
	generate_for("struct mm { int mine; }; int f(struct task *t) { return t->mm->mine; }");
	ck_assert(has("struct task {\n"));
	ck_assert(!has("struct mm {"));
	/* The kernel's struct is needed by value, so it gets another name. */
	generate_for("struct inner { int mine; }; struct task *t;");
	ck_assert(!has("struct inner {"));
	ck_assert(has("struct inner___kernel {"));
	ck_assert(has("struct inner___kernel in;"));
	generate_for("enum { STOPPED = 3 }; struct task *t;");
	ck_assert(!has("\tSTOPPED ="));
	ck_assert(has("STOPPED___kernel = 7"));
	generate_for("typedef u64 size2_t; struct task *t;");
	ck_assert(has("size2_t___kernel counted;"));
	generate_for("#define STOPPED 3\nint x = STOPPED;");
	ck_assert(!has("STOPPED"));
	generate_for("BPF_HASH(STOPPED); struct task *t;");
	ck_assert(has("STOPPED___kernel = 7"));
}
END_TEST

START_TEST(test_duplicates)
{
	/* The first one keeps the name; the other one is renamed. */
	generate_for("struct holder *h; struct files *f;");
	ck_assert(has("struct files {\n\tint count;\n};"));
	ck_assert(has("struct files___2 {\n"));
	ck_assert(has("struct files___2 dup;"));
}
END_TEST

START_TEST(test_whole)
{
	struct ebcc_ktypes_opts opts = {.btf_path = btf_path};

	open_with("struct mm { int mine; };", NULL, &opts);
	generate(true);
	ck_assert(has("struct task {\n"));
	ck_assert(has("struct files {\n"));
	ck_assert(has("WIDE ="));
	ck_assert(!has("struct mm {"));
}
END_TEST

START_TEST(test_core)
{
	struct ebcc_ktypes_opts opts = {.btf_path = btf_path, .portable = true};

	open_with("struct task *t;", NULL, &opts);
	generate(false);
	ck_assert(has("preserve_access_index"));
	ck_assert_ptr_nonnull(strstr(strstr(text.data, "struct task {"), "attribute pop"));
	generate_for("struct task *t;");
	ck_assert(!has("preserve_access_index"));
}
END_TEST

START_TEST(test_flags)
{
	static const char *const flags[] = {"-Dpid=4", "-DWHAT=STOPPED"};
	struct ebcc_scan_opts scan_opts = {.cflags = flags, .cflag_count = 2};
	struct ebcc_ktypes_opts opts = {.btf_path = btf_path};

	open_with("struct task *t;", &scan_opts, &opts);
	generate(false);
	/* The macros affect the source but not the kernel's text. */
	ck_assert(has("#pragma push_macro(\"pid\")\n#undef pid\n"));
	ck_assert_ptr_nonnull(strstr(strstr(text.data, "struct task {"), "pop_macro(\"pid\")"));
	ck_assert(has("STOPPED = 7"));
}
END_TEST

START_TEST(test_macros)
{
	generate_for("int x = min(1, 2); int e = -ENOENT; int s = AF_INET6; // max(1, 2)");
	ck_assert(has("#define min("));
	ck_assert(has("#define ENOENT 2\n"));
	/* Macros that a macro uses are added, too. */
	ck_assert(has("#define AF_INET6 PF_INET6\n#define PF_INET6 10\n") ||
		  has("#define PF_INET6 10\n#define AF_INET6 PF_INET6\n") ||
		  (has("#define AF_INET6 PF_INET6\n") && has("#define PF_INET6 10\n")));
	ck_assert(!has("#define max("));
	generate_for("#define min(a, b) ((a) < (b) ? (a) : (b))\nint x = min(1, 2);");
	ck_assert(!has("#define min("));
	generate_for("static int ilog2(u64 x) { return 0; }");
	ck_assert(!has("fls64"));
	generate_for("int x = ilog2(8);");
	ck_assert_ptr_nonnull(strstr(strstr(text.data, "int fls64("), "int ilog2("));
	generate_for("int v = LINUX_VERSION_CODE; int p = PAGE_SIZE;");
	ck_assert(has("#define LINUX_VERSION_CODE 393472\n"));
	ck_assert(has("#define PAGE_SIZE "));
}
END_TEST

START_TEST(test_aliases)
{
	generate_for("int f(struct sock *sk) { return sk->sk_family; }");
	ck_assert(!has("#define sk_family"));
	learn("no member named 'sk_family' in 'struct sock'", "", true);
	ck_assert(has("#define sk_family __sk_common.skc_family"));
	generate_for("#include <net/sock.h>\nint f(struct sock *sk) { return sk->sk_family; }");
	ck_assert(has("#define sk_family __sk_common.skc_family"));
	generate_for("#include <net/sock.h>\nint sk_family;");
	ck_assert(!has("#define sk_family"));
}
END_TEST

/* Opens a source for a kernel with a configuration made here. */
static void open_configured(const char *source)
{
	static const char config[] = "CONFIG_HZ=300\nCONFIG_NUMA=y\nCONFIG_EXT4_FS=m\n";
	struct ebcc_kernel_info_opts opts = {.root = directory, .release = "6.1.0"};
	struct ebcc_ktypes_opts ktypes_opts = {.btf_path = btf_path};
	char path[128];

	snprintf(path, sizeof(path), "mkdir -p %s/boot", directory);
	ck_assert_int_eq(system(path), 0);
	snprintf(path, sizeof(path), "%s/boot/config-6.1.0", directory);
	write_bytes(path, config, strlen(config));
	ebcc_kernel_info_destroy(kernel);
	ck_assert_ptr_null(ebcc_kernel_info_create(&opts, &kernel));
	open_with(source, NULL, &ktypes_opts);
}

START_TEST(test_config)
{
	open_configured(
		"#ifdef CONFIG_NUMA\n#endif\n#ifdef CONFIG_EXT4_FS\n#endif\n"
		"#ifdef CONFIG_EXT4_FS_MODULE\n#endif\n#ifdef CONFIG_SMP\n#endif\nint hz = HZ;");
	generate(false);
	ck_assert(has("#define CONFIG_NUMA 1\n"));
	ck_assert(!has("#define CONFIG_EXT4_FS 1"));
	ck_assert(has("#define CONFIG_EXT4_FS_MODULE 1\n"));
	ck_assert(!has("#define CONFIG_SMP"));
	ck_assert(has("#define HZ 300\n"));
	ck_assert_ptr_nonnull(strstr(ebcc_ktypes_inputs(ktypes), "config CONFIG_SMP n\n"));
	ck_assert_ptr_nonnull(strstr(ebcc_ktypes_inputs(ktypes), "config CONFIG_HZ 300\n"));
}
END_TEST

START_TEST(test_learn_missing)
{
	static const char *const messages[] = {
		"incomplete definition of type 'struct files'",
		"variable has incomplete type 'struct files'",
		"field has incomplete type 'struct files'",
		"invalid application of 'sizeof' to an incomplete type 'struct files'",
		"incomplete definition of type 'files_t' (aka 'struct files')",
		"tentative definition has type 'struct files' that is never completed",
	};

	generate_for("struct task *t;");
	ck_assert(!has("struct files {"));
	learn(messages[_i], "", true);
	ck_assert(has("struct files {\n\tint count;\n};"));
	learn(messages[_i], "", false);
}
END_TEST

START_TEST(test_learn_ordinary)
{
	generate_for("PASTE(siz, e2_t) x; PASTE(STO, PPED); PASTE(A, F_INET);");
	learn("unknown type name 'size2_t'; did you mean 'size_t'?", "", true);
	ck_assert(has("typedef int size2_t;"));
	learn("use of undeclared identifier 'STOPPED'", "", true);
	ck_assert(has("STOPPED = 7"));
	learn("call to undeclared function 'ntohs'; ISO C99 and later do not support implicit "
	      "function declarations",
	      "", true);
	ck_assert(has("#define ntohs("));
	learn("use of undeclared identifier 'AF_INET'", "", true);
	ck_assert(has("#define PF_INET 2\n"));
	learn("expected ';' after expression", "", false);
}
END_TEST

START_TEST(test_learn_dead_definition)
{
	/* The scan saw a definition that the compiler skipped. */
	generate_for(
		"#ifdef NEVER\nstruct files { int old; };\n#endif\nint f(struct files *f) { }");
	ck_assert(!has("struct files {"));
	learn("incomplete definition of type 'struct files'", "", true);
	ck_assert(has("struct files {\n\tint count;\n};"));
}
END_TEST

START_TEST(test_learn_clashes)
{
	generate_for("DEFINE(files); struct files *f; enum state s; size2_t n;");
	ck_assert(has("struct files {"));
	learn("redefinition of 'files'",
	      "main.c:1:8: error: redefinition of 'files'\n    1 | struct files { int a; };\n"
	      "      |        ^\n",
	      true);
	ck_assert(!has("struct files {"));
	learn("redefinition of enumerator 'STOPPED'",
	      "main.c:1:8: error: redefinition of enumerator 'STOPPED'\n    1 | enum { STOPPED };\n"
	      "      |        ^\n",
	      true);
	ck_assert(has("STOPPED___kernel"));
	ck_assert(has("RUNNING = 0"));
	ck_assert(has("typedef int size2_t;"));
	learn("typedef redefinition with different types ('u64' vs 'int')",
	      "main.c:2:13: error: typedef redefinition\n    2 | typedef u64 size2_t;\n"
	      "      |             ^\n",
	      true);
	ck_assert(!has("typedef int size2_t;"));
	learn("use of 'state' with tag type that does not match previous declaration", "", true);
	ck_assert(!has("enum state {"));
	learn("use of undeclared label 'x'", "", false);
}
END_TEST

/* If macros produce the clashing names, the note about the earlier definition shows their kind. */
START_TEST(test_learn_clashes_in_macros)
{
	struct ebcc_cc_diagnostic diagnostics[] = {
		{.severity = EBCC_CC_ERROR,
		 .message = "redefinition of 'files'",
		 .rendered = "main.c:2:1: error: redefinition of 'files'\n    2 | DEFINE(file);\n"
			     "      | ^\n"},
		{.severity = EBCC_CC_NOTE,
		 .message = "previous definition is here",
		 .rendered = "types.h:9:8: note: previous definition is here\n"
			     "    9 | struct files {\n      |        ^\n"},
		{.severity = EBCC_CC_ERROR,
		 .message = "typedef redefinition with different types ('u64' vs 'int')",
		 .rendered = "main.c:3:1: error: typedef redefinition\n    3 | TYPE(size2);\n"
			     "      | ^\n"},
		{.severity = EBCC_CC_NOTE,
		 .message = "previous definition is here",
		 .rendered = "types.h:12:13: note: previous definition is here\n"
			     "   12 | typedef int size2_t;\n      |             ^\n"},
	};
	bool learnt;

	generate_for("DEFINE(file); struct files *f; TYPE(size2); size2_t n; int x = STOPPED;");
	ck_assert_ptr_null(ebcc_ktypes_learn(ktypes, diagnostics, 4, &learnt));
	ck_assert(learnt);
	generate(false);
	ck_assert(!has("struct files {"));
	ck_assert(!has("size2_t;"));
	ck_assert(has("STOPPED = 7"));
	ck_assert_ptr_null(ebcc_ktypes_learn(ktypes, diagnostics, 4, &learnt));
	ck_assert(!learnt);
}
END_TEST

/* Failures that other types, or kernel headers, may or may not fix. */
static const struct {
	const char *message, *rendered;
	bool types, headers;
} failures[] = {
	{"use of undeclared identifier 'x'", "main.c:1:1: error: ...\n 1 | x;\n   | ^\n", true,
	 true},
	{"expected ';' after expression", "main.c:1:4: error: ...\n 1 | f()\n   |    ^\n", false,
	 false},
	{"expected ';' after expression", "main.c:1:4: error: ...\n 1 | f() }\n   |    ^\n", false,
	 false},
	{"expected ')'", "main.c:1:13: error: ...\n 1 | f(char __user *p)\n   |               ^\n",
	 false, true},
	{"expected ')'", "main.c:1:13: error: ...\n 1 | f(a, 1 *p)\n   |        ^\n", false, false},
	{"expected a type", "main.c:1:1: error: ...\n 1 | x\n   | ^\n", true, true},
	{"no member named 'x' in 'const struct __ebcc_methods_counts'", "", false, false},
	{"no member named 'x' in 'struct task_struct'", "", true, true},
	{"too few arguments to function call, expected 2, have 1", "", false, false},
};

START_TEST(test_what_may_help)
{
	struct ebcc_cc_diagnostic diagnostics[] = {
		{.severity = EBCC_CC_WARNING, .path = "", .message = "unknown type name 'x'"},
		{.severity = EBCC_CC_ERROR,
		 .path = "",
		 .message = (char *)failures[_i].message,
		 .rendered = (char *)failures[_i].rendered},
	};
	struct ebcc_cc_answer answer = {
		.status = EBCC_CC_SOURCE_ERROR, .diagnostics = diagnostics, .diagnostic_count = 2};

	ck_assert_int_eq(ebcc_ktypes_may_help(&answer), failures[_i].types);
	ck_assert_int_eq(ebcc_ktypes_headers_may_help(&answer), failures[_i].headers);
	answer.parsed = true;
	ck_assert(!ebcc_ktypes_may_help(&answer) && !ebcc_ktypes_headers_may_help(&answer));
}
END_TEST

START_TEST(test_tracepoints)
{
	struct ebcc_ktypes_opts opts = {.btf_path = btf_path, .tracefs_path = directory};
	static const char format[] =
		"format:\n\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
		"\tfield:struct task * task;\toffset:8;\tsize:8;\tsigned:0;\n"
		"\tfield:struct inner in;\toffset:16;\tsize:8;\tsigned:0;\n";
	char path[128];

	snprintf(path, sizeof(path), "mkdir -p %s/events/my__cat/ev", directory);
	ck_assert_int_eq(system(path), 0);
	snprintf(path, sizeof(path), "%s/events/my__cat/ev/format", directory);
	write_bytes(path, format, strlen(format));
	open_with("TRACEPOINT_PROBE(my__cat, ev) { return args->task->pid; }", NULL, &opts);
	generate(false);
	ck_assert(has(
		"struct tracepoint__my__cat__ev {\n\tu64 __do_not_use__;\n\tstruct task * task;\n"
		"\tstruct inner in __attribute__((packed));\n};"));
	/* The types that the struct uses come before it. */
	ck_assert_ptr_nonnull(
		strstr(strstr(text.data, "struct inner {"), "struct tracepoint__my__cat"));
	ck_assert(has("struct task {\n"));
	ck_assert_str_eq(ebcc_ktypes_notes(ktypes), "");
	ck_assert_ptr_nonnull(strstr(ebcc_ktypes_inputs(ktypes), "tracepoint my__cat:ev "));

	open_with("int tracepoint__my__cat__ev(struct tracepoint__my__cat__ev *args) { return 0; }",
		  NULL, &opts);
	generate(false);
	ck_assert(has("struct tracepoint__my__cat__ev {"));

	open_with("TRACEPOINT_PROBE(my__cat, nothing) { return 0; }", NULL, &opts);
	generate(false);
	ck_assert_str_eq(ebcc_ktypes_notes(ktypes),
			 "this kernel has no tracepoint my__cat:nothing\n");
	learn("incomplete definition of type 'struct tracepoint__my__cat__ev'", "", true);
	ck_assert(has("struct tracepoint__my__cat__ev {"));
}
END_TEST

static enum ebcc_error_code open_code(const char *path)
{
	struct ebcc_kernel_btf *btf;
	struct ebcc_error *error = ebcc_kernel_btf_create(path, NULL, &btf);
	enum ebcc_error_code code;

	ck_assert_ptr_nonnull(error);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), path));
	code = ebcc_error_code(error);
	ebcc_error_destroy(error);
	return code;
}

START_TEST(test_bad_files)
{
	struct ebcc_buf file = EBCC_BUF_INIT;
	char path[128];

	snprintf(path, sizeof(path), "%s/bad", directory);
	ck_assert_int_eq(open_code(path), EBCC_ERROR_OS);
	write_bytes(path, "", 0);
	ck_assert_int_eq(open_code(path), EBCC_ERROR_FORMAT);
	write_bytes(path, "\177ELF and nothing of it", 22);
	ck_assert_int_eq(open_code(path), EBCC_ERROR_KERNEL_TYPES);
	ck_assert_ptr_null(ebcc_buf_read_file(&file, btf_path, 1 << 20));
	for (size_t size = 0; size < file.size; size += 7) {
		write_bytes(path, file.data, size);
		ck_assert_int_eq(open_code(path), EBCC_ERROR_FORMAT);
	}
	ebcc_buf_deinit(&file);
}
END_TEST

/* Corrupted BTF gives either a text or an error. */
START_TEST(test_corrupted_btf)
{
	struct ebcc_ktypes_opts opts;
	struct ebcc_buf file = EBCC_BUF_INIT;
	char path[128];
	unsigned texts = 0, random = 12345;

	snprintf(path, sizeof(path), "%s/lie", directory);
	opts = (struct ebcc_ktypes_opts){.btf_path = path};
	ck_assert_ptr_null(ebcc_buf_read_file(&file, btf_path, 1 << 20));
	for (int i = 0; i < 1000; i++) {
		const char *source =
			"struct task *t; struct holder h; int x = t->mm->owner + WIDE;";
		struct ebcc_error *error;
		struct ebcc_scan scan;
		size_t at;
		char kept;

		random = random * 1103515245 + 12345;
		at = 24 + (random >> 8) % (file.size - 24);
		kept = file.data[at];
		random = random * 1103515245 + 12345;
		file.data[at] = random & 0x100 ? (random >> 16) % 64 : random >> 16;
		write_bytes(path, file.data, file.size);
		file.data[at] = kept;
		ck_assert_ptr_null(ebcc_scan_source(source, strlen(source), NULL, &scan));
		ebcc_ktypes_destroy(ktypes);
		ktypes = NULL;
		error = ebcc_ktypes_create(&scan, kernel, &opts, &ktypes);
		ebcc_buf_clear(&text);
		if (!error)
			error = ebcc_ktypes_generate(ktypes, i % 2, &text);
		texts += !error;
		ebcc_error_destroy(error);
		ebcc_scan_deinit(&scan);
	}
	/* A changed name or offset is harmless; a changed kind or count is an error. */
	ck_assert_uint_gt(texts, 100);
	ck_assert_uint_lt(texts, 1000);
	ebcc_buf_deinit(&file);
}
END_TEST

START_TEST(test_endless_types)
{
	struct ebcc_ktypes_opts opts = {.btf_path = btf_path};
	struct btf *btf = btf__new_empty();
	struct ebcc_error *error;
	const void *data;
	uint32_t size;

	/* struct a { struct a; }, without a name in between; typedef b b; */
	btf__add_struct(btf, "a", 8);
	btf__add_field(btf, _i == 0 ? NULL : "self", 1, 0, 0);
	btf__add_typedef(btf, "b", 2);
	btf__add_array(btf, 3, 3, 2);
	btf__add_typedef(btf, "c", 3);
	data = btf__raw_data(btf, &size);
	write_bytes(btf_path, data, size);
	btf__free(btf);
	open_with(_i == 2 ? "c x;" : "struct a x; b y;", NULL, &opts);
	error = ebcc_ktypes_generate(ktypes, false, &text);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
	ebcc_error_destroy(error);
}
END_TEST

/* Types that lead back to themselves without a struct in between, and others that are infinite or
 * too large. Each function gets the id that its first type will have, and returns the id of the
 * type that the test then uses as a member. */
static int pointer_to_itself(struct btf *btf, int id)
{
	return btf__add_ptr(btf, id);
}

static int const_of_itself(struct btf *btf, int id)
{
	return btf__add_const(btf, id);
}

static int volatile_of_restrict(struct btf *btf, int id)
{
	btf__add_volatile(btf, id + 1);
	return btf__add_restrict(btf, id);
}

static int pointer_to_const_pointer(struct btf *btf, int id)
{
	btf__add_ptr(btf, id + 1);
	return btf__add_const(btf, id);
}

static int typedef_of_pointer(struct btf *btf, int id)
{
	btf__add_typedef(btf, "endless_t", id + 1);
	return btf__add_ptr(btf, id);
}

static int tag_of_pointer(struct btf *btf, int id)
{
	btf__add_type_tag(btf, "user", id + 1);
	return btf__add_ptr(btf, id);
}

static int array_of_itself(struct btf *btf, int id)
{
	return btf__add_array(btf, id, id, 2);
}

static int array_of_pointers(struct btf *btf, int id)
{
	btf__add_array(btf, 1, id + 1, 2);
	return btf__add_ptr(btf, id);
}

static int function_that_gives_itself(struct btf *btf, int id)
{
	btf__add_func_proto(btf, id + 1);
	btf__add_ptr(btf, id);
	return btf__add_typedef(btf, "function_t", id + 1);
}

static int function_that_takes_itself(struct btf *btf, int id)
{
	btf__add_func_proto(btf, 1);
	btf__add_func_param(btf, "self", id + 1);
	btf__add_ptr(btf, id);
	return btf__add_typedef(btf, "function_t", id + 1);
}

static int nameless_struct_behind_pointer(struct btf *btf, int id)
{
	btf__add_struct(btf, NULL, 8);
	btf__add_field(btf, "self", id + 1, 0, 0);
	return btf__add_ptr(btf, id);
}

static int deep_qualifiers(struct btf *btf, int id)
{
	for (int i = 0; i < 10000; i++)
		btf__add_const(btf, id + i + 1);
	return btf__add_typedef(btf, "deep_t", 1) - 10000;
}

static int deep_pointers(struct btf *btf, int id)
{
	for (int i = 0; i < 10000; i++)
		btf__add_ptr(btf, i ? id + i - 1 : 1);
	return id + 9999;
}

static int deep_structs(struct btf *btf, int id)
{
	char name[16];

	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "deep%d", i);
		btf__add_struct(btf, name, 4);
		btf__add_field(btf, "in", i ? id + i - 1 : 1, 0, 0);
	}
	return id + 9999;
}

/* The last one contains 2 to the power of 60 of the first. */
static int pairs_of_structs(struct btf *btf, int id)
{
	char name[16];

	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "pair%d", i);
		btf__add_struct(btf, name, 0);
		btf__add_field(btf, "left", i ? id + i - 1 : 1, 0, 0);
		btf__add_field(btf, "right", i ? id + i - 1 : 1, 0, 0);
	}
	return id + 59;
}

static int pairs_of_parameters(struct btf *btf, int id)
{
	for (int i = 0; i < 60; i++) {
		btf__add_func_proto(btf, 1);
		btf__add_func_param(btf, "left", i ? id + 2 * i - 1 : 1);
		btf__add_func_param(btf, "right", i ? id + 2 * i - 1 : 1);
		btf__add_ptr(btf, id + 2 * i);
	}
	return btf__add_typedef(btf, "pairs_t", id + 119);
}

/* A member of two gigabytes in a struct of 64 bytes. */
static int array_beyond_its_struct(struct btf *btf, int id)
{
	btf__add_array(btf, 1, 1, 0x1fc00001);
	btf__add_struct(btf, "small", 64);
	btf__add_field(btf, "large", id, 0, 0);
	return id + 1;
}

static int (*const without_end[])(struct btf *, int) = {
	pointer_to_itself,
	const_of_itself,
	volatile_of_restrict,
	pointer_to_const_pointer,
	typedef_of_pointer,
	tag_of_pointer,
	array_of_itself,
	array_of_pointers,
	function_that_gives_itself,
	function_that_takes_itself,
	nameless_struct_behind_pointer,
	deep_qualifiers,
	deep_pointers,
	deep_structs,
	pairs_of_structs,
	pairs_of_parameters,
	array_beyond_its_struct,
};

START_TEST(test_types_without_end)
{
	struct ebcc_ktypes_opts opts = {.btf_path = btf_path};
	struct btf *btf = btf__new_empty();
	struct ebcc_error *error;
	const void *data;
	uint32_t size;
	int end, holder;

	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	end = without_end[_i](btf, 2);
	btf__add_typedef(btf, "end_t", end);
	holder = btf__add_struct(btf, "holder", 64);
	btf__add_field(btf, "end", end, 0, 0);
	btf__add_struct(btf, "task", 8);
	btf__add_field(btf, "holder", holder + 2, 0, 0);
	btf__add_ptr(btf, holder);
	data = btf__raw_data(btf, &size);
	write_bytes(btf_path, data, size);
	btf__free(btf);
	for (int whole = 0; whole < 4; whole++) {
		open_with(whole < 2 ? "struct task *t; int x = t->holder->end->end; end_t y;"
				    : "end_t y;",
			  NULL, &opts);
		ebcc_buf_clear(&text);
		error = ebcc_ktypes_generate(ktypes, whole & 1, &text);
		ck_assert_msg(error, "%s", ebcc_buf_string(&text));
		ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
		ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), btf_path));
		ebcc_error_destroy(error);
	}
}
END_TEST

START_TEST(test_modules)
{
	struct btf *base = btf__parse(btf_path, NULL), *module = btf__new_empty_split(base);
	char path[128], modules[96];
	struct ebcc_ktypes_opts opts = {.btf_path = btf_path, .module_btf_dir = modules};
	const void *data;
	uint32_t size;
	int id;

	snprintf(modules, sizeof(modules), "%s/modules", directory);
	snprintf(path, sizeof(path), "mkdir %s", modules);
	ck_assert_int_eq(system(path), 0);
	id = btf__add_struct(module, "module_thing", 8);
	btf__add_field(module, "task", id + 1, 0, 0);
	btf__add_ptr(module, btf__find_by_name_kind(base, "task", BTF_KIND_STRUCT));
	data = btf__raw_data(module, &size);
	snprintf(path, sizeof(path), "%s/my_module", modules);
	write_bytes(path, data, size);
	snprintf(path, sizeof(path), "%s/broken", modules);
	write_bytes(path, data, size / 2);
	btf__free(module);
	btf__free(base);

	open_with("int f(struct module_thing *m) { return m->task->pid; }", NULL, &opts);
	generate(false);
	ck_assert(has("struct module_thing {\n\tstruct task *task;\n};"));
	ck_assert(has("struct task {\n\tint pid;\n"));
	ck_assert_ptr_nonnull(strstr(ebcc_ktypes_inputs(ktypes), "/my_module\n"));
	ck_assert_ptr_null(strstr(ebcc_ktypes_inputs(ktypes), "/broken\n"));
	/* If nothing is missing, modules are not opened. */
	open_with("int f(struct task *t) { return t->pid; }", NULL, &opts);
	generate(false);
	ck_assert_ptr_null(strstr(ebcc_ktypes_inputs(ktypes), "my_module"));
}
END_TEST

/* Whether the text and this source compile with plain clang. */
static bool compiles(const char *source)
{
	char header[128], main_c[128], command[512];

	snprintf(header, sizeof(header), "%s/types.h", directory);
	snprintf(main_c, sizeof(main_c), "%s/main.c", directory);
	write_bytes(header, ebcc_buf_string(&text), text.size);
	write_bytes(main_c, source, strlen(source));
	snprintf(command, sizeof(command),
		 EBCC_TEST_CLANG " -target bpf -O2 -g -D__x86_64__ -D'__attribute_const__=' "
				 "-include %s -c %s -o %s/main.o",
		 header, main_c, directory);
	return system(command) == 0;
}

static const char *const snippets[] = {
	/* Followed pointers, macros, constants. */
	"u32 f(struct task_struct *t, struct sk_buff *skb) {"
	" u32 pid = t->mm->owner->real_parent->pid; char comm[TASK_COMM_LEN] = {};"
	" return pid + comm[0] + skb->dev->ifindex + skb->protocol + ntohs(3) + min(1, 2); }",
	/* Embedded structs, unions, bit fields. */
	"int f(struct request *rq, struct dentry *d, struct tcphdr *th) {"
	" return rq->bio->bi_iter.bi_size + d->d_name.len + d->d_parent->d_inode->i_sb->s_dev"
	" + th->syn + (rq->cmd_flags & REQ_OP_MASK) + req_op(rq) + S_ISREG(d->d_inode->i_mode); }",
	/* Functions of headers that need types, too. */
	"int f(struct sock *sk, struct sk_buff *skb, struct scatterlist *sg) {"
	" return tcp_sk(sk)->snd_cwnd + inet_sk(sk)->inet_sport + ip_hdr(skb)->saddr"
	" + tcp_hdr(skb)->dest + skb_queue_len(&sk->sk_receive_queue) + sg_next(sg)->length; }",
	/* Time, version, configuration, page size. */
	"u64 f(u64 n) { BUILD_BUG_ON(LINUX_VERSION_CODE < KERNEL_VERSION(4, 0, 0));"
	" return jiffies_to_msecs(n) + div_u64(n, 3) + NSEC_PER_SEC + PAGE_SIZE + HZ + "
	"IS_ENABLED(CONFIG_SMP)"
	" + DNAME_INLINE_LEN + EINVAL + O_CREAT + SIGKILL + AF_INET6 + IPPROTO_TCP + CLONE_NEWNS"
	" + ETH_P_IP + PERF_COUNT_HW_CPU_CYCLES + __NR_openat + NAME_MAX + CAP_SYS_ADMIN + "
	"MAJOR(n); }",
	/* Macros that sources test for to distinguish kernels. */
	"#ifndef CAP_OPT_NONE\n#error\n#endif\n#ifndef bio_dev\n#error\n#endif\n"
	"u64 f(u64 options) { return (options & CAP_OPT_NOAUDIT) | CAP_OPT_INSETID; }",
	/* Enumerators of user-space headers that BTF may lack: with an explicit value, counted from
	 * another one, and counted from 0. */
	"_Static_assert(BPF_DEVCG_ACC_WRITE == 4 && BPF_DEVCG_DEV_CHAR == 2, \"\");"
	"_Static_assert(XFRMNLGRP_EXPIRE == 2 && IFLA_MTU == 4 && NLMSG_MIN_TYPE == 16, \"\");"
	"unsigned f(int a) { return AUDIT_ARCH_X86_64 + BPF_MAP_TYPE_HASH + a; }",
	/* Names of the kernel that the source defines itself. */
	"struct path { int mine; }; typedef char qstr_t; enum { PIDTYPE_PID = 77 };"
	" int f(struct file *file, struct path *p) { return file->f_mode + p->mine + PIDTYPE_PID; "
	"}",
};

START_TEST(test_config_questions)
{
	static const char source[] =
		"#if !IS_ENABLED(CONFIG_NUMA) || !IS_ENABLED(CONFIG_EXT4_FS)\n#error\n#endif\n"
		"#if IS_ENABLED(CONFIG_SMP)\n#error\n#endif\n"
		"_Static_assert(IS_BUILTIN(CONFIG_NUMA) && !IS_MODULE(CONFIG_NUMA), \"\");"
		"_Static_assert(!IS_BUILTIN(CONFIG_EXT4_FS) && IS_MODULE(CONFIG_EXT4_FS), \"\");"
		"_Static_assert(!IS_REACHABLE(CONFIG_SMP) && !IS_MODULE(CONFIG_SMP), \"\");";

	open_configured(source);
	generate(false);
	ck_assert(compiles(source));
}
END_TEST

START_TEST(test_real_snippets)
{
	open_with(snippets[_i], NULL, NULL);
	generate(false);
	ck_assert_uint_lt(text.size, 200000);
	ck_assert_msg(compiles(snippets[_i]), "does not compile: %s", snippets[_i]);
	/* A source that compiles with selected types must compile with all of them. */
	generate(true);
	ck_assert_uint_gt(text.size, 1000000);
	ck_assert_msg(compiles(snippets[_i]), "does not compile with all types: %s", snippets[_i]);
}
END_TEST

/* Appends assertions that the compiler's layout of a struct is the one in BTF. */
static void assert_layout(const struct ebcc_kernel_btf *btf, const char *name,
			  struct ebcc_buf *source)
{
	const struct ebcc_btf_part *part;
	const struct btf_type *t =
		ebcc_kernel_btf_type(btf, ebcc_kernel_btf_find(btf, name, BTF_KIND_STRUCT), &part);

	ck_assert_ptr_nonnull(t);
	ebcc_buf_printf(source, "_Static_assert(sizeof(struct %s) == %u, \"size\");\n", name,
			t->size);
	for (int i = 0; i < btf_vlen(t); i++) {
		const char *member = ebcc_kernel_btf_name(btf, part, btf_members(t)[i].name_off);

		if (*member && !btf_member_bitfield_size(t, i))
			ebcc_buf_printf(source,
					"_Static_assert(__builtin_offsetof(struct %s, %s) == %u, "
					"\"%s\");\n",
					name, member, btf_member_bit_offset(t, i) / 8, member);
	}
}

START_TEST(test_real_layout)
{
	static const char *const names[] = {
		"task_struct", "mm_struct", "sock",	   "tcp_sock", "sk_buff", "request", "bio",
		"file",	       "inode",	    "super_block", "net",      "pt_regs", "rq",	     "page",
	};
	AUTO_BUF struct ebcc_buf source = EBCC_BUF_INIT;
	struct ebcc_kernel_btf *btf;

	ck_assert_ptr_null(ebcc_kernel_btf_create(NULL, NULL, &btf));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_layout(btf, names[i], &source);
	ebcc_kernel_btf_destroy(btf);
	open_with(source.data, NULL, NULL);
	generate(false);
	ck_assert(compiles(source.data));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ktypes");
	TCase *tests = tcase_create("kernel types");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, cleanup);
	tcase_add_test(tests, test_preamble);
	tcase_add_test(tests, test_named);
	tcase_add_test(tests, test_followed_members);
	tcase_add_test(tests, test_tokens);
	tcase_add_test(tests, test_source_defines);
	tcase_add_test(tests, test_duplicates);
	tcase_add_test(tests, test_whole);
	tcase_add_test(tests, test_core);
	tcase_add_test(tests, test_flags);
	tcase_add_test(tests, test_macros);
	tcase_add_test(tests, test_aliases);
	tcase_add_test(tests, test_config);
	tcase_add_loop_test(tests, test_learn_missing, 0, 6);
	tcase_add_test(tests, test_learn_ordinary);
	tcase_add_test(tests, test_learn_dead_definition);
	tcase_add_test(tests, test_learn_clashes);
	tcase_add_test(tests, test_learn_clashes_in_macros);
	tcase_add_loop_test(tests, test_what_may_help, 0, sizeof(failures) / sizeof(*failures));
	tcase_add_test(tests, test_tracepoints);
	tcase_add_test(tests, test_bad_files);
	tcase_add_test(tests, test_corrupted_btf);
	tcase_add_loop_test(tests, test_endless_types, 0, 3);
	tcase_add_loop_test(tests, test_types_without_end, 0,
			    sizeof(without_end) / sizeof(*without_end));
	tcase_add_test(tests, test_modules);
	tcase_add_test(tests, test_config_questions);
	tcase_add_loop_test(tests, test_real_snippets, 0, sizeof(snippets) / sizeof(*snippets));
	tcase_add_test(tests, test_real_layout);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
