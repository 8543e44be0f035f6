// SPDX-License-Identifier: Apache-2.0
/*
 * The compiler from its user's side: real sources through the real helper, which the client finds
 * in this program's directory. Diagnostics, virtual and real headers, flags, limits.
 */
#include <check.h>
#include <ctype.h>
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "compile/client.h"

static const char kernel_types[] =
	"typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32;\n"
	"typedef unsigned long long __u64; typedef signed char __s8; typedef short __s16;\n"
	"typedef int __s32; typedef long long __s64; typedef __u8 u8; typedef __u16 u16;\n"
	"typedef __u32 u32; typedef __u64 u64; typedef __s8 s8; typedef __s16 s16;\n"
	"typedef __s32 s32; typedef __s64 s64; typedef __u16 __be16; typedef __u32 __be32;\n"
	"typedef __u64 __be64; typedef unsigned long size_t; typedef _Bool bool;\n"
	"enum { false = 0, true = 1 };\n"
	"#define NULL ((void *)0)\n"
	"struct pt_regs { unsigned long di; };\n";

static struct ebcc_compiler_client *client;
static struct ebcc_timing timing;
static const struct ebcc_log timed = {.timing = &timing};
static char directory[] = "/tmp/ebcc-test-compiler.XXXXXX";

static void start(void)
{
	unsetenv("EBCC_CC");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_ptr_null(ebcc_compiler_client_create(&timed, EBCC_COMPILER_HELPER, &client));
}

static void stop(void)
{
	char command[sizeof(directory) + 8];

	ebcc_compiler_client_destroy(client);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static const struct ebcc_cc_file types_file = {
	.path = EBCC_CC_KERNEL_TYPES,
	.text = kernel_types,
	.size = sizeof(kernel_types) - 1,
};

static struct ebcc_cc_request request_for(const char *source)
{
	static const char *const readable[] = {directory};

	return (struct ebcc_cc_request){
		.source = source,
		.source_size = strlen(source),
		.source_path = "main.c",
		.files = &types_file,
		.file_count = 1,
		.arch = EBCC_ARCH_X86_64,
		.cpu_version = 3,
		.cpu_count = 2,
		.readable = readable,
		.readable_count = 1,
	};
}

static struct ebcc_cc_answer run(const struct ebcc_cc_request *request)
{
	struct ebcc_cc_answer answer;
	struct ebcc_error *error = ebcc_compiler_client_compile(client, request, &answer);

	ck_assert_msg(!error, "%s\n%s", error ? ebcc_error_message(error) : "",
		      error && ebcc_error_details(error) ? ebcc_error_details(error) : "");
	return answer;
}

static struct ebcc_cc_answer compile_flags(const char *source, const char *const *cflags,
					   size_t count)
{
	struct ebcc_cc_request request = request_for(source);

	request.cflags = cflags;
	request.cflag_count = count;
	return run(&request);
}

static struct ebcc_cc_answer compile(const char *source)
{
	return compile_flags(source, NULL, 0);
}

static void assert_ok(const struct ebcc_cc_answer *answer)
{
	ck_assert_msg(answer->status == EBCC_CC_OK, "%s",
		      answer->diagnostic_count ? answer->diagnostics[0].rendered : "no diagnostic");
	ck_assert_uint_gt(answer->object_size, sizeof(Elf64_Ehdr));
	ck_assert_mem_eq(answer->object, ELFMAG, SELFMAG);
}

static const struct ebcc_cc_diagnostic *only_diagnostic(const struct ebcc_cc_answer *answer)
{
	for (size_t i = 1; i < answer->diagnostic_count; i++)
		fputs(answer->diagnostics[i].rendered, stderr);
	ck_assert_uint_eq(answer->diagnostic_count, 1);
	return &answer->diagnostics[0];
}

#define AUTO_ANSWER CLEANUP(ebcc_cc_answer_deinit)

START_TEST(syntax_error)
{
	struct ebcc_cc_answer answer AUTO_ANSWER = compile("int prog(void *ctx)\n"
							   "{\n"
							   "\treturn missing + 1;\n"
							   "}\n");
	const struct ebcc_cc_diagnostic *diagnostic = only_diagnostic(&answer);

	ck_assert_int_eq(answer.status, EBCC_CC_SOURCE_ERROR);
	ck_assert_ptr_null(answer.object);
	ck_assert_int_eq(diagnostic->severity, EBCC_CC_ERROR);
	ck_assert_str_eq(diagnostic->path, "main.c");
	ck_assert_uint_eq(diagnostic->line, 3);
	ck_assert_uint_eq(diagnostic->column, 9);
	ck_assert_str_eq(diagnostic->message, "use of undeclared identifier 'missing'");
	ck_assert_str_eq(diagnostic->rendered,
			 "main.c:3:9: error: use of undeclared identifier 'missing'\n"
			 "    3 |         return missing + 1;\n"
			 "      |                ^\n");
}
END_TEST

START_TEST(unknown_function_and_type)
{
	struct ebcc_cc_answer function AUTO_ANSWER =
		compile("int prog(void *ctx) { return nothing_like_it(1); }\n");
	struct ebcc_cc_answer type AUTO_ANSWER = compile("nowhere_t x;\n");

	ck_assert_int_eq(function.status, EBCC_CC_SOURCE_ERROR);
	ck_assert_ptr_nonnull(strstr(function.diagnostics[0].message, "'nothing_like_it'"));
	ck_assert_int_eq(type.status, EBCC_CC_SOURCE_ERROR);
	ck_assert_str_eq(type.diagnostics[0].message, "unknown type name 'nowhere_t'");
}
END_TEST

/* One declaration of each kind. */
static const char many_names[] =
	"#define N 4\n"
	"enum kind { ONE, TWO };\n"
	"typedef struct { u32 a; u64 b; } pair_t;\n"
	"struct key_t {\n"
	"	u32 pid; char comm[16]; pair_t pair; enum kind kind; u32 bits : 3; pair_t "
	"array[N];\n"
	"	struct { u8 in; } inner; int (*call)(struct key_t *, pair_t);\n"
	"};\n"
	"struct leaf_t { u64 time; struct key_t *next; union { u32 x; u64 y; } u; struct leaf_t "
	"*self; };\n"
	"BPF_HASH(counts, struct key_t, struct leaf_t, 128);\n"
	"BPF_ARRAY(array, pair_t, 8);\n"
	"BPF_PERF_OUTPUT(events);\n"
	"BPF_HISTOGRAM(hist, struct key_t);\n"
	"BPF_TABLE(\"percpu_array\", int, pair_t, per, 4);\n"
	"BPF_RINGBUF_OUTPUT(ring, 8);\n"
	"extern pair_t outside(struct key_t *key, enum kind kind) "
	"__attribute__((section(\".ksyms\")));\n"
	"static const struct leaf_t zero_leaf = {};\n"
	"const char *const names[] = {\"one\", \"two\"};\n"
	"pair_t global_pair = {1, 2};\n"
	"static inline int helper(struct key_t *k, pair_t p, u64 *out)\n"
	"{\n"
	"	k->pair = p;\n"
	"	for (int i = 0; i < N; i++) { pair_t local = k->array[i]; *out += local.a; }\n"
	"	return k->pid > 3 ? ONE : TWO;\n"
	"}\n"
	"int prog(struct pt_regs *ctx, struct key_t *task, u32 size)\n"
	"{\n"
	"	struct key_t key = {};\n"
	"	struct leaf_t *leaf, zero = zero_leaf;\n"
	"	pair_t p = {.a = 1, .b = 2};\n"
	"	u64 out = size;\n"
	"	if (helper(&key, p, &out) == ONE || names[size & 1][0] == 'o')\n"
	"		return 0;\n"
	"	leaf = counts.lookup_or_try_init(&key, &zero);\n"
	"	if (leaf) { leaf->time = bpf_ktime_get_ns(); lock_xadd(&leaf->u.y, out); }\n"
	"	hist.increment(key);\n"
	"	events.perf_submit(ctx, &key, sizeof(key));\n"
	"	struct key_t *record = ring.ringbuf_reserve(sizeof(struct key_t));\n"
	"	if (record) { *record = key; ring.ringbuf_submit(record, 0); }\n"
	"	int zero_index = 0;\n"
	"	pair_t *found = array.lookup(&zero_index);\n"
	"	if (found) found->a = task->pid + global_pair.a;\n"
	"	bpf_trace_printk(\"%d\\n\", key.pid);\n"
	"	return (int)sizeof(struct leaf_t) + __builtin_offsetof(struct leaf_t, time);\n"
	"}\n"
	"int typed(unsigned long long *ctx) { pair_t q = {.a = ctx[0]}; int k = 0; "
	"array.update(&k, &q); return 0; }\n";

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The beginning of the next name after @at, or the end. */
static const char *next_name(const char *at)
{
	while (in_name(*at))
		at++;
	while (*at && !in_name(*at))
		at++;
	return at;
}

/* Whether the same name occurs before @name. */
static bool was_before(const char *name)
{
	size_t size = 0;

	while (in_name(name[size]))
		size++;
	for (const char *other = many_names; other < name; other = next_name(other))
		if (!memcmp(other, name, size) && !in_name(other[size]))
			return true;
	return false;
}

/* Whatever name is misspelled, the result is an answer. A crash in process would crash the test. */
START_TEST(misspelt_names)
{
	struct ebcc_compiler_client *inside;

	ck_assert_ptr_null(ebcc_compiler_client_create(NULL, EBCC_COMPILER_IN_PROCESS, &inside));
	ck_assert_ptr_null(ebcc_compiler_client_start(inside));
	for (const char *name = many_names; *name; name = next_name(name)) {
		struct ebcc_buf text AUTO_BUF = EBCC_BUF_INIT;
		struct ebcc_cc_request request;
		struct ebcc_cc_answer answer;
		struct ebcc_error *error;

		if (was_before(name))
			continue;
		ebcc_buf_append(&text, many_names, name - many_names);
		ebcc_buf_append_string(&text, "lost_");
		ebcc_buf_append_string(&text, name);
		request = request_for(ebcc_buf_string(&text));
		error = ebcc_compiler_client_compile(inside, &request, &answer);
		ck_assert_msg(!error, "%s: %.20s", error ? ebcc_error_message(error) : "", name);
		ck_assert_msg(answer.status != EBCC_CC_INTERNAL_ERROR, "%.20s", name);
		ck_assert(answer.status == EBCC_CC_OK || answer.diagnostic_count);
		ebcc_cc_answer_deinit(&answer);
	}
	ebcc_compiler_client_destroy(inside);
}
END_TEST

/* Members that debug info can't describe: clang would crash on them. */
START_TEST(invalid_members)
{
	static const char *const members[] = {
		"enum kind kind;",
		"lost_t member;",
		"struct lost member;",
		"lost_t member[4];",
		"int member[];\n\tint behind;",
		"int member[LOST];",
		"union { struct lost member; } u;",
		"struct record_t itself;",
		"void member;",
		"int member(int);",
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text),
			 "struct record_t {\n\tu32 pid;\n\t%s\n};\n"
			 "BPF_HASH(table, struct record_t, u64);\n"
			 "int outside(struct record_t *record);\n"
			 "int prog(struct pt_regs *ctx)\n"
			 "{\n"
			 "\tstruct record_t record = {};\n"
			 "\ttable.increment(record);\n"
			 "\treturn outside(&record);\n"
			 "}\n",
			 members[i]);

		struct ebcc_cc_answer answer AUTO_ANSWER = compile(text);

		ck_assert_msg(answer.status == EBCC_CC_SOURCE_ERROR, "%s", members[i]);
		ck_assert_msg(answer.diagnostics[0].line == 3 ||
				      answer.diagnostics[0].severity == EBCC_CC_WARNING,
			      "%s: %s", members[i], answer.diagnostics[0].rendered);
	}
}
END_TEST

START_TEST(warnings_are_warnings)
{
	struct ebcc_cc_answer answer AUTO_ANSWER = compile("int prog(void *ctx)\n"
							   "{\n"
							   "\tlong number = 5;\n"
							   "\tchar *pointer = number;\n"
							   "\tint *other = pointer;\n"
							   "\treturn other == 0;\n"
							   "}\n");

	assert_ok(&answer);
	ck_assert_uint_eq(answer.diagnostic_count, 2);
	ck_assert_int_eq(answer.diagnostics[0].severity, EBCC_CC_WARNING);
	ck_assert_uint_eq(answer.diagnostics[0].line, 4);
	ck_assert_ptr_nonnull(strstr(answer.diagnostics[0].rendered, "-Wint-conversion"));
	ck_assert_uint_eq(answer.diagnostics[1].line, 5);
	ck_assert_ptr_nonnull(strstr(answer.diagnostics[1].rendered, "-Wincompatible-pointer"));
}
END_TEST

START_TEST(unused_things_are_no_noise)
{
	struct ebcc_cc_answer answer AUTO_ANSWER =
		compile("#include <linux/sched.h>\n"
			"static int unused_function(void) { return 1; }\n"
			"static int unused_variable;\n"
			"int prog(void *ctx) { int unused = 1; 5; return 0; }\n");

	assert_ok(&answer);
	ck_assert_uint_eq(answer.diagnostic_count, 0);
}
END_TEST

START_TEST(kernel_headers_are_empty)
{
	struct ebcc_cc_answer answer AUTO_ANSWER =
		compile("#include <uapi/linux/ptrace.h>\n"
			"#include <linux/sched.h>\n"
			"#include <linux/blkdev.h>\n"
			"#include <net/sock.h>\n"
			"#include <asm/page.h>\n"
			"#include <stdint.h>\n"
			"#include <stdbool.h>\n"
			"#include <stddef.h>\n"
			"#include <string.h>\n"
			"#include <stdlib.h>\n"
			"uint32_t one;\n"
			"int prog(struct pt_regs *ctx)\n"
			"{\n"
			"\tstruct { char a; u64 b; } x;\n"
			"\tmemset(&x, 0, sizeof(x));\n"
			"\treturn offsetof(struct pt_regs, di) + x.a;\n"
			"}\n");

	assert_ok(&answer);
	ck_assert_uint_eq(answer.diagnostic_count, 0);
}
END_TEST

START_TEST(unknown_header)
{
	struct ebcc_cc_answer answer AUTO_ANSWER =
		compile("#include <nowhere/at_all.h>\nint prog(void *ctx) { return 0; }\n");

	ck_assert_int_eq(answer.status, EBCC_CC_SOURCE_ERROR);
	ck_assert_str_eq(only_diagnostic(&answer)->message, "'nowhere/at_all.h' file not found");
	ck_assert_uint_eq(answer.diagnostics[0].line, 1);
}
END_TEST

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static const struct ebcc_cc_dependency *find_dependency(const struct ebcc_cc_answer *answer,
							const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	for (size_t i = 0; i < answer->dependency_count; i++)
		if (!strcmp(answer->dependencies[i].path, path))
			return &answer->dependencies[i];
	return NULL;
}

/* Headers in the source's directory and from -I are recorded as dependencies, and so are missing
 * ones. */
START_TEST(local_headers_are_dependencies)
{
	const char source[] = "#include \"local.h\"\n"
			      "#include <shared.h>\n"
			      "#include <linux/own.h>\n"
			      "int prog(void *ctx) { return LOCAL + SHARED + OWN; }\n";
	char path[64], flag[64];
	const char *const cflags[] = {flag};
	struct ebcc_cc_request request = request_for(source);
	const struct ebcc_cc_dependency *dependency;
	uint64_t hash;

	snprintf(path, sizeof(path), "%s/source.c", directory);
	snprintf(flag, sizeof(flag), "-I%s/include", directory);
	write_file("local.h", "#define LOCAL 1\n");
	snprintf(path, sizeof(path), "%s/include", directory);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/include/linux", directory);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	write_file("include/shared.h", "#define SHARED 2\n");
	write_file("include/linux/own.h", "#define OWN 4\n");
	snprintf(path, sizeof(path), "%s/source.c", directory);
	request.source_path = path;
	request.cflags = cflags;
	request.cflag_count = 1;

	struct ebcc_cc_answer answer AUTO_ANSWER = run(&request);

	assert_ok(&answer);
	dependency = find_dependency(&answer, "local.h");
	ck_assert_ptr_nonnull(dependency);
	ck_assert(!dependency->missing);
	hash = dependency->hash;
	ck_assert_uint_ne(hash, 0);
	ck_assert_ptr_nonnull(find_dependency(&answer, "include/shared.h"));
	ck_assert_ptr_nonnull(find_dependency(&answer, "include/linux/own.h"));
	ck_assert_ptr_null(find_dependency(&answer, "source.c"));

	write_file("local.h", "#define LOCAL 3\n");
	struct ebcc_cc_answer changed AUTO_ANSWER = run(&request);

	ck_assert_uint_ne(find_dependency(&changed, "local.h")->hash, hash);
}
END_TEST

START_TEST(missing_candidates_are_dependencies)
{
	char flag[64], path[64];
	const char *const cflags[] = {flag};
	struct ebcc_cc_request request =
		request_for("#include <stdint.h>\nint prog(void *ctx) { return 0; }\n");

	snprintf(flag, sizeof(flag), "-I%s", directory);
	snprintf(path, sizeof(path), "%s/none/source.c", directory);
	request.source_path = path;
	request.cflags = cflags;
	request.cflag_count = 1;

	struct ebcc_cc_answer answer AUTO_ANSWER = run(&request);

	assert_ok(&answer);
	ck_assert_ptr_nonnull(find_dependency(&answer, "stdint.h"));
	ck_assert(find_dependency(&answer, "stdint.h")->missing);
}
END_TEST

START_TEST(flags_reach_clang)
{
	static const char *const cflags[] = {
		"-DONE=1",    "-D",	 "TWO=2",    "-O0", "-g", "-Wall", "-fno-strict-aliasing",
		"-std=gnu11", "-UTHREE", "-DTHREE=3"};
	struct ebcc_cc_answer answer AUTO_ANSWER =
		compile_flags("_Static_assert(ONE + TWO + THREE == 6, \"\");\n"
			      "_Static_assert(EBCC_CPU_COUNT == 2, \"\");\n"
			      "#ifndef __x86_64__\n#error no architecture\n#endif\n"
			      "int prog(void *ctx) { return 0; }\n",
			      cflags, sizeof(cflags) / sizeof(cflags[0]));

	assert_ok(&answer);
}
END_TEST

/* Flags that build systems pass. Each alone, because a flag that is not accepted would hide the
 * others. */
START_TEST(flags_of_the_driver)
{
	static const char *const cflags[] = {
		"-O3",
		"-g3",
		"-pipe",
		"-w",
		"-ansi",
		"-std=c99",
		"-std=c11",
		"-std=iso9899:2011",
		"-fsigned-char",
		"-fno-strict-overflow",
		"-fno-exceptions",
		"-fstack-protector-strong",
		"-fno-stack-clash-protection",
		"-fcf-protection",
		"-mbranch-protection=standard",
		"-flto=auto",
		"-ffile-prefix-map=/build=.",
		"-fasynchronous-unwind-tables",
		"-fdelete-null-pointer-checks",
		"-fno-PIE",
		"-fverbose-asm",
		"-fno-math-errno",
		"-fno-gcse",
		"-fno-tree-vectorize",
		"-mno-red-zone",
		"-mcmodel=kernel",
		"-march=native",
		"-Qunused-arguments",
		"-Wl,-z,now",
		"-L/usr/lib",
		"-lelf",
		"-ferror-limit=5",
		"-fdiagnostics-show-option",
	};

	for (size_t i = 0; i < sizeof(cflags) / sizeof(cflags[0]); i++) {
		struct ebcc_cc_answer answer AUTO_ANSWER =
			compile_flags("_Static_assert((char)-1 < 0, \"\");\n"
				      "int prog(void *ctx) { return 0; }\n",
				      &cflags[i], 1);

		assert_ok(&answer);
	}
}
END_TEST

/* Flags that replace parts of paths in messages and debug info apply to __FILE__ too. */
START_TEST(prefix_of_file)
{
	static const char *const cflags[] = {"-ffile-prefix-map=main=very/long"};
	struct ebcc_cc_answer answer AUTO_ANSWER = compile_flags(
		"_Static_assert(sizeof(__FILE__) == sizeof(\"very/long.c\"), __FILE__);\n"
		"int prog(void *ctx) { return 0; }\n",
		cflags, 1);

	assert_ok(&answer);
}
END_TEST

START_TEST(unsigned_char)
{
	static const char *const cflags[] = {"-funsigned-char"};
	struct ebcc_cc_answer answer AUTO_ANSWER =
		compile_flags("_Static_assert((char)-1 == 255, \"\");\n"
			      "int prog(void *ctx) { return 0; }\n",
			      cflags, 1);

	assert_ok(&answer);
}
END_TEST

static void assert_bad_flag(const char *flag, const char *part)
{
	struct ebcc_cc_answer answer AUTO_ANSWER =
		compile_flags("int prog(void *ctx) { return 0; }\n", &flag, 1);

	ck_assert_int_eq(answer.status, EBCC_CC_SOURCE_ERROR);
	ck_assert_int_eq(answer.diagnostics[0].severity, EBCC_CC_ERROR);
	ck_assert_msg(strstr(answer.diagnostics[0].rendered, part), "%s",
		      answer.diagnostics[0].rendered);
	ck_assert_ptr_nonnull(strstr(answer.diagnostics[0].rendered, flag));
}

START_TEST(bad_flags_are_diagnostics)
{
	assert_bad_flag("-fno-such-flag", "unknown argument");
	assert_bad_flag("stray.c", "compiler flag expected");
	assert_bad_flag("-I", "without its argument");
	assert_bad_flag("-std=klingon", "invalid value");
	assert_bad_flag("-Wp,-DONE=1", "give that one directly");
	assert_bad_flag("-m32", "unknown argument");
}
END_TEST

START_TEST(werror_is_obeyed)
{
	static const char *const cflags[] = {"-Wunused-variable", "-Werror"};
	struct ebcc_cc_answer warned AUTO_ANSWER =
		compile_flags("int prog(void *ctx) { int idle; return 0; }\n", cflags, 1);
	struct ebcc_cc_answer answer AUTO_ANSWER =
		compile_flags("int prog(void *ctx) { int idle; return 0; }\n", cflags, 2);

	assert_ok(&warned);
	ck_assert_int_eq(only_diagnostic(&warned)->severity, EBCC_CC_WARNING);
	ck_assert_int_eq(answer.status, EBCC_CC_SOURCE_ERROR);
	ck_assert_ptr_nonnull(strstr(answer.diagnostics[0].rendered, "-Werror,-Wunused-variable"));
}
END_TEST

/* The compile writes no files, whatever the flags ask for. */
START_TEST(flags_write_no_file)
{
	char path[64];
	const char *const cflags[] = {"-MD",	 "-MF", path, "-Xclang", "-dependency-file",
				      "-Xclang", path};

	snprintf(path, sizeof(path), "%s/deps", directory);

	struct ebcc_cc_answer answer AUTO_ANSWER = compile_flags(
		"int prog(void *ctx) { return 0; }\n", cflags, sizeof(cflags) / sizeof(cflags[0]));

	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

static const Elf64_Shdr *section(const struct ebcc_cc_answer *answer, const char *name)
{
	const Elf64_Ehdr *ehdr = (const void *)answer->object;
	const Elf64_Shdr *shdrs = (const void *)(answer->object + ehdr->e_shoff);
	const char *names = answer->object + shdrs[ehdr->e_shstrndx].sh_offset;

	for (int i = 0; i < ehdr->e_shnum; i++)
		if (!strcmp(names + shdrs[i].sh_name, name))
			return &shdrs[i];
	return NULL;
}

START_TEST(object_has_btf_and_no_dwarf)
{
	struct ebcc_cc_answer answer AUTO_ANSWER =
		compile("struct record { u32 first; u64 second; };\n"
			"struct record record;\n"
			"int prog(void *ctx)\n"
			"{\n"
			"\trecord.second++;\n"
			"\treturn 0;\n"
			"}\n");
	const Elf64_Ehdr *ehdr;

	assert_ok(&answer);
	ehdr = (const void *)answer.object;
	ck_assert_int_eq(ehdr->e_machine, EM_BPF);
	ck_assert_int_eq(ehdr->e_ident[EI_DATA], ELFDATA2LSB);
	ck_assert_ptr_nonnull(section(&answer, ".BTF"));
	ck_assert_ptr_nonnull(section(&answer, ".BTF.ext"));
	ck_assert_ptr_null(section(&answer, ".debug_info"));
	ck_assert_ptr_null(section(&answer, ".debug_line"));
	/* Source lines come from the request, even if there is a file main.c in the working
	 * directory. */
	ck_assert_ptr_nonnull(memmem(answer.object, answer.object_size, "\trecord.second++;", 17));
	ck_assert_ptr_nonnull(memmem(answer.object, answer.object_size, "second", 6));
}
END_TEST

START_TEST(listings)
{
	struct ebcc_cc_request request =
		request_for("#define VALUE 4711\nint prog(void *ctx) { return VALUE; }\n");

	request.flags = EBCC_CC_WANT_IR | EBCC_CC_WANT_ASM | EBCC_CC_WANT_PREPROCESSED;

	struct ebcc_cc_answer answer AUTO_ANSWER = run(&request);

	assert_ok(&answer);
	ck_assert_ptr_nonnull(strstr(answer.ir, "ret i32 4711"));
	ck_assert_ptr_nonnull(strstr(answer.preprocessed, "return 4711;"));
	ck_assert_str_eq(answer.assembly, "section .ebcc/void/prog\n"
					  "prog:\n"
					  "; int prog(void *ctx) { return VALUE; } @ main.c:2\n"
					  "\tw0 = 4711\n"
					  "\texit\n");
}
END_TEST

START_TEST(same_input_same_answer)
{
	const char source[] = "int counter;\nint prog(void *ctx) { return counter++; }\n";
	struct ebcc_cc_answer first AUTO_ANSWER = compile(source);
	struct ebcc_cc_answer second AUTO_ANSWER = compile(source);

	assert_ok(&first);
	ck_assert_uint_eq(first.object_size, second.object_size);
	ck_assert_mem_eq(first.object, second.object, first.object_size);
}
END_TEST

START_TEST(both_architectures_and_pipelines)
{
	struct ebcc_cc_request request = request_for("#ifdef __aarch64__\n"
						     "int prog(void *ctx) { return 64; }\n"
						     "#endif\n");

	request.arch = EBCC_ARCH_ARM64;
	request.pipeline = EBCC_CC_PIPELINE_PLAIN;
	request.cpu_version = 1;

	struct ebcc_cc_answer answer AUTO_ANSWER = run(&request);

	assert_ok(&answer);
}
END_TEST

/* The backend's errors have the form of clang's: with location, source line and caret, once. */
START_TEST(stack_too_large)
{
	struct ebcc_cc_answer answer AUTO_ANSWER =
		compile("int prog(void *ctx)\n"
			"{\n"
			"\tchar large[1024];\n"
			"\n"
			"\tbpf_get_current_comm(large, sizeof(large));\n"
			"\treturn large[5];\n"
			"}\n");

	ck_assert_int_eq(answer.status, EBCC_CC_SOURCE_ERROR);
	ck_assert_int_eq(only_diagnostic(&answer)->severity, EBCC_CC_ERROR);
	ck_assert_ptr_nonnull(strstr(answer.diagnostics[0].message, "512 bytes of stack"));
	ck_assert_str_eq(answer.diagnostics[0].path, "main.c");
	ck_assert_uint_eq(answer.diagnostics[0].line, 6);
	ck_assert_uint_eq(answer.diagnostics[0].column, 9);
	ck_assert_ptr_nonnull(strstr(answer.diagnostics[0].rendered, "main.c:6:9: error: "));
	ck_assert_ptr_nonnull(strstr(answer.diagnostics[0].rendered, "    6 | \treturn large[5];\n"
								     "      | \t       ^\n"));
}
END_TEST

/* Compiles, and checks how often the front end had to run. */
static void compile_in_runs(const char *source, const char *const *cflags, size_t count,
			    unsigned runs)
{
	uint64_t before = timing.stages[EBCC_STAGE_PARSE].runs;
	struct ebcc_cc_answer answer AUTO_ANSWER = compile_flags(source, cflags, count);

	assert_ok(&answer);
	ck_assert_uint_eq(answer.diagnostic_count, 0);
	ck_assert_uint_eq(timing.stages[EBCC_STAGE_PARSE].runs - before, runs);
}

/* Helpers are found whether their names are in the source, pasted, or in a local header. */
START_TEST(helpers_by_any_name)
{
	compile_in_runs("int prog(void *ctx) { return bpf_get_prandom_u32(); }\n", NULL, 0, 1);
	compile_in_runs("#define CALL(name) bpf_##name()\n"
			"int prog(void *ctx) { return CALL(get_prandom_u32); }\n",
			NULL, 0, 2);
}
END_TEST

/* The same for methods of maps, of which those that a source doesn't name are left out. */
START_TEST(methods_by_any_name)
{
	static const char *const flag[] = {"-DADD=increment"};
	struct ebcc_cc_answer wrong AUTO_ANSWER =
		compile("BPF_HASH(h);\nint prog(void *ctx) { h.incremnt(1); return 0; }\n");

	compile_in_runs("BPF_HISTOGRAM(h);\n"
			"BPF_ARRAY_OF_MAPS(m, \"inner\", 4);\n"
			"BPF_TABLE(\"sk_storage\", int, u64, s, 0);\n"
			"int prog(void *ctx) { h.increment(1); return 0; }\n",
			NULL, 0, 1);
	compile_in_runs("#define CALL(name) h.incre##name(1)\n"
			"BPF_HISTOGRAM(h);\n"
			"int prog(void *ctx) { CALL(ment); return 0; }\n",
			NULL, 0, 2);
	compile_in_runs("BPF_HISTOGRAM(h);\nint prog(void *ctx) { h.ADD(1); return 0; }\n", flag, 1,
			1);
	compile_in_runs("BPF_HASH(h);\n"
			"int prog(void *ctx)\n"
			"{\n"
			"\tu64 key = 1;\n"
			"\treturn !bpf_map_lookup_elem(&h, &key);\n"
			"}\n",
			NULL, 0, 1);
	/* Clang proposes methods that the first run has left out. */
	ck_assert_int_eq(wrong.status, EBCC_CC_SOURCE_ERROR);
	ck_assert_ptr_nonnull(strstr(wrong.diagnostics[0].message, "did you mean 'increment'"));
}
END_TEST

/* Sources that make the front end run out of stack or time affect only the helper. */
START_TEST(monstrous_sources)
{
	struct ebcc_buf deep AUTO_BUF = EBCC_BUF_INIT, wide AUTO_BUF = EBCC_BUF_INIT;

	ebcc_buf_append_string(&deep, "int x = ");
	for (int i = 0; i < 100000; i++)
		ebcc_buf_append_char(&deep, '(');
	struct ebcc_cc_answer nested AUTO_ANSWER = compile(ebcc_buf_string(&deep));

	ck_assert_int_eq(nested.status, EBCC_CC_SOURCE_ERROR);
	for (int i = 0; i < 100000; i++)
		ebcc_buf_append_string(&wide, "undeclared(); ");
	struct ebcc_cc_answer many AUTO_ANSWER = compile(ebcc_buf_string(&wide));

	ck_assert_int_eq(many.status, EBCC_CC_SOURCE_ERROR);
	ck_assert_uint_lt(many.diagnostic_count, 1000);
	struct ebcc_cc_answer empty AUTO_ANSWER = compile("");

	ck_assert_int_ne(empty.status, EBCC_CC_INTERNAL_ERROR);
}
END_TEST

/* Endless use of memory affects only the helper: the error says so, and the next compile works. */
#ifndef __SANITIZE_ADDRESS__
START_TEST(memory_limit)
{
	struct ebcc_compiler_client *small;
	struct ebcc_buf source AUTO_BUF = EBCC_BUF_INIT;
	struct ebcc_cc_answer answer;
	struct ebcc_error *error;

	for (int i = 0; i < 200000; i++)
		ebcc_buf_printf(&source, "struct s%d { int a, b, c; } v%d;\n", i, i);

	struct ebcc_cc_request request = request_for(ebcc_buf_string(&source));

	setenv("EBCC_CC_MEMORY", "120", 1);
	ck_assert_ptr_null(ebcc_compiler_client_create(NULL, EBCC_COMPILER_HELPER, &small));
	unsetenv("EBCC_CC_MEMORY");
	error = ebcc_compiler_client_compile(small, &request, &answer);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_COMPILE);
	ck_assert_msg(strstr(ebcc_error_message(error), "120 MiB"), "%s",
		      ebcc_error_message(error));
	ebcc_error_destroy(error);
	request = request_for("int prog(void *ctx) { return 0; }\n");
	ck_assert_ptr_null(ebcc_compiler_client_compile(small, &request, &answer));
	assert_ok(&answer);
	ebcc_cc_answer_deinit(&answer);
	ebcc_compiler_client_destroy(small);
}
END_TEST
#endif

/* The macros expand to 2^40 tokens. */
START_TEST(time_limit)
{
	struct ebcc_buf source AUTO_BUF = EBCC_BUF_INIT;
	struct ebcc_compiler_client *hasty;
	struct ebcc_cc_answer answer;
	struct ebcc_error *error;

	ebcc_buf_append_string(&source, "#define M0 1\n");
	for (int i = 1; i <= 40; i++)
		ebcc_buf_printf(&source, "#define M%d M%d ; M%d\n", i, i - 1, i - 1);
	ebcc_buf_append_string(&source, "int prog(void *ctx) { M40; return 0; }\n");

	struct ebcc_cc_request request = request_for(ebcc_buf_string(&source));

	setenv("EBCC_CC_TIMEOUT", "1", 1);
	ck_assert_ptr_null(ebcc_compiler_client_create(NULL, EBCC_COMPILER_HELPER, &hasty));
	unsetenv("EBCC_CC_TIMEOUT");
	error = ebcc_compiler_client_compile(hasty, &request, &answer);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_COMPILE);
	ck_assert_msg(strstr(ebcc_error_message(error), "used up its time (1 seconds"), "%s",
		      ebcc_error_message(error));
	ebcc_error_destroy(error);
	ebcc_compiler_client_destroy(hasty);
}
END_TEST

/* LLVM aborts the helper: that is an error, and the next compile works. */
START_TEST(fatal_error_in_llvm)
{
	struct ebcc_cc_request request = request_for("int take(int n, ...)\n"
						     "{\n"
						     "	__builtin_va_list list;\n"
						     "	__builtin_va_start(list, n);\n"
						     "	return __builtin_va_arg(list, int);\n"
						     "}\n");
	struct ebcc_cc_answer answer;
	struct ebcc_error *error = ebcc_compiler_client_compile(client, &request, &answer);

	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_COMPILE);
	ck_assert_msg(strstr(ebcc_error_message(error), "crashed (Aborted: LLVM ERROR"), "%s",
		      ebcc_error_message(error));
	ck_assert_ptr_nonnull(strstr(ebcc_error_details(error), "LLVM ERROR"));
	ebcc_error_destroy(error);

	struct ebcc_cc_answer next AUTO_ANSWER = compile("int prog(void *ctx) { return 0; }\n");

	assert_ok(&next);
}
END_TEST

/* Errors about unsupported code have a location in the source. */
START_TEST(unsupported_code)
{
	struct ebcc_cc_answer answer AUTO_ANSWER = compile("int prog(long *ctx)\n"
							   "{\n"
							   "	long size = ctx[0];\n"
							   "	return ctx[1] / size;\n"
							   "}\n");

	ck_assert_int_eq(answer.status, EBCC_CC_SOURCE_ERROR);
	ck_assert_uint_eq(only_diagnostic(&answer)->line, 4);
	ck_assert_ptr_nonnull(strstr(answer.diagnostics[0].message, "signed division"));
}
END_TEST

/* The pid of a process's only child. */
static pid_t only_child(pid_t parent)
{
	char path[64];
	pid_t child = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	if (fscanf(file, "%d", &child) != 1)
		child = 0;
	fclose(file);
	return child;
}

/* Whether a helper has done what it does before it serves: no new privileges is the last thing. */
static bool has_set_its_limits(pid_t helper)
{
	char path[64], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", helper);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		found |= !strcmp(line, "NoNewPrivs:\t1\n");
	if (file)
		fclose(file);
	return found;
}

/* Five seconds at most, in steps of ten milliseconds. */
#define WAIT_FOR(condition)                                                                        \
	for (int wait_ = 0; wait_ < 500 && !(condition); wait_++)                                  \
	usleep(10000)

START_TEST(helper_dies_with_its_parent)
{
	pid_t parent = fork(), helper = 0;

	if (!parent) {
		if (ebcc_compiler_client_start(client))
			_exit(1);
		pause();
	}
	WAIT_FOR((helper = only_child(parent)));
	ck_assert_int_ne(helper, 0);
	WAIT_FOR(has_set_its_limits(helper));
	ck_assert_int_eq(kill(parent, SIGKILL), 0);
	ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
	WAIT_FOR(kill(helper, 0));
	ck_assert_int_eq(kill(helper, 0), -1);
}
END_TEST

START_TEST(in_process)
{
	struct ebcc_cc_request request = request_for("int prog(void *ctx) { return 4711; }\n");
	struct ebcc_compiler_client *inside;
	struct ebcc_cc_answer answer;
	struct ebcc_error *error;

	ck_assert_ptr_null(ebcc_compiler_client_create(NULL, EBCC_COMPILER_IN_PROCESS, &inside));
	ck_assert_ptr_null(ebcc_compiler_client_start(inside));
	error = ebcc_compiler_client_compile(inside, &request, &answer);
	ck_assert_msg(!error, "%s", error ? ebcc_error_message(error) : "");
	assert_ok(&answer);

	struct ebcc_cc_answer other AUTO_ANSWER = run(&request);

	ck_assert_uint_eq(other.object_size, answer.object_size);
	ck_assert_mem_eq(other.object, answer.object, answer.object_size);
	ebcc_cc_answer_deinit(&answer);
	ebcc_compiler_client_destroy(inside);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compiler");
	TCase *tcase = tcase_create("sources");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, syntax_error);
	tcase_add_test(tcase, unknown_function_and_type);
	tcase_add_test(tcase, misspelt_names);
	tcase_add_test(tcase, invalid_members);
	tcase_add_test(tcase, warnings_are_warnings);
	tcase_add_test(tcase, unused_things_are_no_noise);
	tcase_add_test(tcase, kernel_headers_are_empty);
	tcase_add_test(tcase, unknown_header);
	tcase_add_test(tcase, local_headers_are_dependencies);
	tcase_add_test(tcase, missing_candidates_are_dependencies);
	tcase_add_test(tcase, flags_reach_clang);
	tcase_add_test(tcase, flags_of_the_driver);
	tcase_add_test(tcase, prefix_of_file);
	tcase_add_test(tcase, unsigned_char);
	tcase_add_test(tcase, bad_flags_are_diagnostics);
	tcase_add_test(tcase, werror_is_obeyed);
	tcase_add_test(tcase, flags_write_no_file);
	tcase_add_test(tcase, object_has_btf_and_no_dwarf);
	tcase_add_test(tcase, listings);
	tcase_add_test(tcase, same_input_same_answer);
	tcase_add_test(tcase, both_architectures_and_pipelines);
	tcase_add_test(tcase, stack_too_large);
	tcase_add_test(tcase, helpers_by_any_name);
	tcase_add_test(tcase, methods_by_any_name);
	tcase_add_test(tcase, monstrous_sources);
#ifndef __SANITIZE_ADDRESS__ /* there is no limit then */
	tcase_add_test(tcase, memory_limit);
#endif
	tcase_add_test(tcase, time_limit);
	tcase_add_test(tcase, fatal_error_in_llvm);
	tcase_add_test(tcase, unsupported_code);
	tcase_add_test(tcase, helper_dies_with_its_parent);
	tcase_add_test(tcase, in_process);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
