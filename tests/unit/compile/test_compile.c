// SPDX-License-Identifier: Apache-2.0
/*
 * From source to object, through the public interface: selecting kernel types and retrying,
 * diagnostics, and caching.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ebcc.h"

static char base[64];
static char log_text[65536];

static void collect_log(void *ctx, enum ebcc_log_level level, const char *message)
{
	size_t used = strlen(log_text);

	snprintf(log_text + used, sizeof(log_text) - used, "%d %s\n", level, message);
}

static void setup(void)
{
	strcpy(base, "/tmp/ebcc-compile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	setenv("EBCC_CACHE", "off", 1);
	log_text[0] = '\0';
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", base);
	ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", base, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static struct ebcc_error *create(const char *source, struct ebcc_module_opts *opts,
				 struct ebcc_module **ret)
{
	opts->sz = sizeof(*opts);
	opts->log = collect_log;
	log_text[0] = '\0';
	return ebcc_module_create(source, strlen(source), opts, ret);
}

/* Compiles a source, which must have the program of that name. */
static void compiles_with(const char *source, struct ebcc_module_opts *opts, const char *program)
{
	struct ebcc_module *module = NULL;
	struct ebcc_error *error = create(source, opts, &module);
	struct ebcc_program *found;

	ck_assert_msg(!error, "%s", error ? ebcc_error_message(error) : "");
	error = ebcc_module_find_program(module, program, &found);
	ck_assert_msg(!error, "%s", error ? ebcc_error_message(error) : "");
	ebcc_module_destroy(module);
}

static void compiles(const char *source)
{
	compiles_with(source, &(struct ebcc_module_opts){0}, "probe");
}

/* The source must not compile. The caller frees the error. */
static struct ebcc_error *fails(const char *source)
{
	struct ebcc_module *module = NULL;
	struct ebcc_error *error = create(source, &(struct ebcc_module_opts){0}, &module);

	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_COMPILE);
	return error;
}

static int occurrences(const char *text, const char *what)
{
	int count = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		count++;
	return count;
}

static void has(const struct ebcc_error *error, const char *what, int times)
{
	ck_assert_msg(occurrences(ebcc_error_message(error), what) == times,
		      "\"%s\" is not %d times in: %s", what, times, ebcc_error_message(error));
}

START_TEST(types_of_named_and_followed_structs)
{
	compiles("#include <linux/sched.h>\n"
		 "int probe(struct pt_regs *ctx) {\n"
		 "	struct task_struct *task = (struct task_struct *)bpf_get_current_task();\n"
		 "	return task->real_parent->mm->owner->tgid + "
		 "task->nsproxy->pid_ns_for_children->level;\n"
		 "}\n");
}
END_TEST

START_TEST(decoys_in_comments_and_strings)
{
	compiles("/* struct task_struct { int a; }; \" */\n"
		 "// typedef int pid_t; '\n"
		 "static const char text[] = \"struct task_struct { \\\" enum pid_type {\";\n"
		 "int probe(struct pt_regs *ctx) {\n"
		 "	struct task_struct *task = (void *)bpf_get_current_task();\n"
		 "	pid_t pid = task->pid; char c = '\"';\n"
		 "	return pid == PIDTYPE_TGID ? c : text[pid & 7];\n"
		 "}\n");
}
END_TEST

START_TEST(names_defined_where_the_preprocessor_skips)
{
	compiles("#if 0\n"
		 "struct task_struct { int none; };\n"
		 "enum pid_type { PIDTYPE_TGID };\n"
		 "typedef int dev_t;\n"
		 "#endif\n"
		 "int probe(struct pt_regs *ctx) {\n"
		 "	struct task_struct *task = (void *)bpf_get_current_task();\n"
		 "	dev_t device = task->signal->tty->ops->ioctl ? PIDTYPE_TGID : 2;\n"
		 "	return device;\n"
		 "}\n");
}
END_TEST

START_TEST(names_made_by_pasting)
{
	compiles("#define JOIN(a, b) a##b\n"
		 "int probe(struct pt_regs *ctx) {\n"
		 "	struct JOIN(task, _struct) *task = (void *)bpf_get_current_task();\n"
		 "	JOIN(pid, _t) pid = task->JOIN(group, _leader)->pid;\n"
		 "	return pid + JOIN(PIDTYPE, _SID) + task->JOIN(real_, parent)->JOIN(m, "
		 "m)->map_count;\n"
		 "}\n");
}
END_TEST

START_TEST(names_that_only_a_flag_holds)
{
	static const char *const cflags[] = {"-DTYPE=struct task_struct", "-D",
					     "FIELD=real_parent->mm", "-DLIMIT=PIDTYPE_MAX"};

	compiles_with("int probe(struct pt_regs *ctx) {\n"
		      "	TYPE *task = (void *)bpf_get_current_task();\n"
		      "	return task->FIELD->map_count + LIMIT;\n"
		      "}\n",
		      &(struct ebcc_module_opts){.cflags = cflags, .cflag_count = 4}, "probe");
}
END_TEST

START_TEST(a_source_that_defines_kernel_names_itself)
{
	compiles("struct task_struct { int mine; };\n"
		 "typedef struct { u64 a, b; } cpumask_t;\n"
		 "enum pid_type { PIDTYPE_PID = 77 };\n"
		 "#define TASK_COMM_LEN 5\n"
		 "#define PF_KTHREAD 3\n"
		 "static inline int min_of(int a, int b) { return a < b ? a : b; }\n"
		 "int probe(struct pt_regs *ctx) {\n"
		 "	struct task_struct task = {.mine = PIDTYPE_PID};\n"
		 "	cpumask_t mask = {1, 2};\n"
		 "	char comm[TASK_COMM_LEN];\n"
		 "	_Static_assert(sizeof(struct task_struct) == 4, \"own\");\n"
		 "	_Static_assert(sizeof(comm) == 5, \"own\");\n"
		 "	return min_of(task.mine, mask.b) + PF_KTHREAD;\n"
		 "}\n");
}
END_TEST

START_TEST(a_kernel_type_defined_by_a_macro_of_the_source)
{
	/* Neither the scan nor a single diagnostic shows all of it, so this takes several
	 * rounds. */
	compiles("#define DEFINE(tag) struct tag { int own; }\n"
		 "DEFINE(mm_struct);\n"
		 "DEFINE(file);\n"
		 "int probe(struct pt_regs *ctx) {\n"
		 "	struct mm_struct mm = {1};\n"
		 "	struct file file = {2};\n"
		 "	struct task_struct *task = (void *)bpf_get_current_task();\n"
		 "	return mm.own + file.own + task->pid;\n"
		 "}\n");
}
END_TEST

START_TEST(offsets_are_those_of_the_kernel)
{
	/* The selected types have the kernel's layout. */
	compiles("#define JOIN(a, b) a##b\n"
		 "int probe(struct pt_regs *ctx) {\n"
		 "	_Static_assert(sizeof(struct task_struct) > 1000, \"whole struct\");\n"
		 "	_Static_assert(offsetof(struct task_struct, comm) > 100, \"far in\");\n"
		 "	_Static_assert(sizeof(((struct task_struct *)0)->comm) == TASK_COMM_LEN, "
		 "\"comm\");\n"
		 "	return 0;\n"
		 "}\n");
}
END_TEST

START_TEST(tracepoint_structs_come_from_tracefs)
{
	compiles_with("TRACEPOINT_PROBE(syscalls, sys_enter_openat) {\n"
		      "	return args->dfd + (args->filename != 0) + args->flags;\n"
		      "}\n",
		      &(struct ebcc_module_opts){0}, "tracepoint__syscalls__sys_enter_openat");
}
END_TEST

START_TEST(a_syntax_error_is_shown_once_where_it_is)
{
	struct ebcc_error *error = fails("int probe(struct pt_regs *ctx) {\n"
					 "	int a = 1\n"
					 "	return a;\n"
					 "}\n");

	has(error, "main.c:2:11: error: expected ';'", 1);
	has(error, "^", 1);
	has(error, "int a = 1", 1);
	ck_assert_str_eq(ebcc_error_subject(error), "main.c");
	ck_assert_ptr_nonnull(ebcc_error_details(error));
	ebcc_error_destroy(error);
}
END_TEST

START_TEST(unknown_names_are_named)
{
	struct ebcc_error *error = fails("static int helper(no_such_type x) { return 0; }\n"
					 "int probe(struct pt_regs *ctx) {\n"
					 "	struct no_such_struct x;\n"
					 "	return no_such_function(no_such_variable);\n"
					 "}\n");

	has(error, "main.c:1:19: error: unknown type name 'no_such_type'", 1);
	has(error, "incomplete type 'struct no_such_struct'", 1);
	has(error, "call to undeclared function 'no_such_function'", 1);
	has(error, "use of undeclared identifier 'no_such_variable'", 1);
	ebcc_error_destroy(error);
}
END_TEST

START_TEST(a_store_to_kernel_memory_is_refused_with_its_line)
{
	struct ebcc_error *error =
		fails("int probe(struct pt_regs *ctx) {\n"
		      "	struct task_struct *task = (void *)bpf_get_current_task();\n"
		      "	task->real_parent->pid = 5;\n"
		      "	return 0;\n"
		      "}\n");

	has(error, "main.c:3:", 1);
	has(error, "task->real_parent->pid = 5;", 1);
	ebcc_error_destroy(error);
}
END_TEST

START_TEST(warnings_go_to_the_log)
{
	compiles("#warning look here\n"
		 "int probe(struct pt_regs *ctx) { return 0; }\n");
	ck_assert_ptr_nonnull(strstr(log_text, "2 main.c:1:2: warning: look here"));
}
END_TEST

START_TEST(header_text_comes_before_the_source)
{
	compiles_with("int probe(struct pt_regs *ctx) { struct task_struct *t = (void *)"
		      "bpf_get_current_task(); return t->FIELD + LIMIT; }\n",
		      &(struct ebcc_module_opts){.header_text = "#define FIELD tgid\n"
								"enum { LIMIT = 10 };\n"},
		      "probe");
}
END_TEST

START_TEST(headers_beside_the_source_and_of_flags)
{
	char path[256], include[256], directory[256];
	const char *cflags[] = {include};
	struct ebcc_module_opts opts = {.file_name = path, .cflags = cflags, .cflag_count = 1};

	snprintf(path, sizeof(path), "%s/prog.c", base);
	snprintf(include, sizeof(include), "-I%s/inc", base);
	snprintf(directory, sizeof(directory), "%s/inc", base);
	ck_assert_int_eq(mkdir(directory, 0700), 0);
	write_file("near.h", "#include <linux/mm_types.h>\n#define READ(t) ((t)->mm->map_count)\n");
	write_file("inc/far.h", "typedef struct task_struct task_type;\n");
	compiles_with("#include \"near.h\"\n#include <far.h>\n"
		      "int probe(struct pt_regs *ctx) {\n"
		      "	task_type *task = (void *)bpf_get_current_task();\n"
		      "	return READ(task);\n"
		      "}\n",
		      &opts, "probe");
}
END_TEST

START_TEST(a_btf_file_that_is_missing_or_no_btf)
{
	struct ebcc_module *module;
	struct ebcc_module_opts opts = {.btf_path = "/no/such/btf"};
	struct ebcc_error *error = create("int probe(void *ctx) { return 0; }", &opts, &module);

	ck_assert_ptr_nonnull(error);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), "/no/such/btf"));
	ebcc_error_destroy(error);
	opts.btf_path = "/etc/passwd";
	error = create("int probe(void *ctx) { return 0; }", &opts, &module);
	ck_assert_ptr_nonnull(error);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), "/etc/passwd"));
	ebcc_error_destroy(error);
}
END_TEST

START_TEST(in_process_and_helper_make_the_same_object)
{
	const char *source = "BPF_HASH(counts, u32, u64);\n"
			     "int probe(struct pt_regs *ctx) { counts.increment(1); return 0; }\n";
	struct ebcc_module *helper, *inside;
	struct ebcc_module_opts opts = {0};
	const void *left, *right;
	size_t left_size, right_size;

	ck_assert_ptr_null(create(source, &opts, &helper));
	opts.compiler = EBCC_COMPILER_IN_PROCESS;
	ck_assert_ptr_null(create(source, &opts, &inside));
	left = ebcc_module_object(helper, &left_size);
	right = ebcc_module_object(inside, &right_size);
	ck_assert_uint_eq(left_size, right_size);
	ck_assert_int_eq(memcmp(left, right, left_size), 0);
	ebcc_module_destroy(helper);
	ebcc_module_destroy(inside);
}
END_TEST

START_TEST(debug_texts_are_collected)
{
	struct ebcc_module_opts opts = {.debug = EBCC_DEBUG_LLVM_IR | EBCC_DEBUG_BPF |
						 EBCC_DEBUG_PREPROCESSOR | EBCC_DEBUG_SOURCE};
	struct ebcc_module *module;

	ck_assert_ptr_null(create("#define VALUE 4711\n"
				  "int probe(struct pt_regs *ctx) { return VALUE; }\n",
				  &opts, &module));
	ck_assert_ptr_nonnull(strstr(ebcc_module_debug_text(module, EBCC_DEBUG_LLVM_IR), "4711"));
	ck_assert_ptr_nonnull(strstr(ebcc_module_debug_text(module, EBCC_DEBUG_BPF), "4711"));
	ck_assert_ptr_nonnull(
		strstr(ebcc_module_debug_text(module, EBCC_DEBUG_PREPROCESSOR), "return 4711;"));
	ck_assert_ptr_nonnull(
		strstr(ebcc_module_debug_text(module, EBCC_DEBUG_SOURCE), "return VALUE"));
	ck_assert_ptr_null(ebcc_module_debug_text(module, EBCC_DEBUG_BTF));
	ebcc_module_destroy(module);
}
END_TEST

/* Whether the cache answered this compile. */
static bool hits(const char *source, struct ebcc_module_opts *opts)
{
	struct ebcc_module *module = NULL;
	struct ebcc_error *error = create(source, opts, &module);

	ck_assert_msg(!error, "%s", error ? ebcc_error_message(error) : "");
	ebcc_module_destroy(module);
	return strstr(log_text, "compiled earlier");
}

START_TEST(every_input_of_a_cached_answer_counts)
{
	static const char *const flag[] = {"-DEXTRA=1"};
	const char *source = "#include \"near.h\"\n"
			     "#if __has_include(\"later.h\")\n#include \"later.h\"\n#endif\n"
			     "TRACEPOINT_PROBE(syscalls, sys_enter_getpgid)\n"
			     "{ return args->pid + VALUE + CONFIG_HZ; }\n";
	char path[256], other[256], directory[256];
	struct ebcc_module_opts opts = {.file_name = path};

	snprintf(path, sizeof(path), "%s/prog.c", base);
	snprintf(other, sizeof(other), "%s/other.c", base);
	snprintf(directory, sizeof(directory), "%s/cache", base);
	setenv("EBCC_CACHE", directory, 1);
	write_file("near.h", "#define VALUE 1\n");
	ck_assert(!hits(source, &opts));
	ck_assert(hits(source, &opts));
	/* A header's text; when it is restored, the first answer is found again. */
	write_file("near.h", "#define VALUE 2\n");
	ck_assert(!hits(source, &opts));
	ck_assert(hits(source, &opts));
	write_file("near.h", "#define VALUE 1\n");
	ck_assert(hits(source, &opts));
	/* A header that didn't exist before. */
	write_file("later.h", "#define LATER\n");
	ck_assert(!hits(source, &opts));
	ck_assert(hits(source, &opts));
	/* The source, its name, flags, the text before it, debug texts. */
	ck_assert(!hits("int probe(void *ctx) { return 0; }", &opts));
	opts.file_name = other;
	ck_assert(!hits(source, &opts));
	opts.file_name = path;
	opts.cflags = flag;
	opts.cflag_count = 1;
	ck_assert(!hits(source, &opts));
	opts.cflag_count = 0;
	opts.header_text = "#define BEFORE\n";
	ck_assert(!hits(source, &opts));
	opts.header_text = NULL;
	opts.debug = EBCC_DEBUG_LLVM_IR;
	ck_assert(!hits(source, &opts));
	ck_assert(hits(source, &opts));
	opts.debug = 0;
	opts.btf_path = "/sys/kernel/btf/vmlinux";
	ck_assert(!hits(source, &opts));
	opts.btf_path = NULL;
	/* The kernel's version, as the source sees it. */
	setenv("BCC_LINUX_VERSION_CODE", "328448", 1);
	ck_assert(!hits(source, &opts));
	unsetenv("BCC_LINUX_VERSION_CODE");
	ck_assert(hits(source, &opts));
	setenv("EBCC_CACHE", "off", 1);
	ck_assert(!hits(source, &opts));
}
END_TEST

START_TEST(a_cached_answer_brings_its_warnings_and_texts)
{
	struct ebcc_module_opts opts = {.debug = EBCC_DEBUG_LLVM_IR};
	const char *source = "#warning look here\nint probe(struct pt_regs *ctx) { return 0; }\n";
	char directory[256];
	struct ebcc_module *module;

	snprintf(directory, sizeof(directory), "%s/cache", base);
	setenv("EBCC_CACHE", directory, 1);
	ck_assert(!hits(source, &opts));
	ck_assert_ptr_null(create(source, &opts, &module));
	ck_assert_ptr_nonnull(strstr(log_text, "compiled earlier"));
	ck_assert_ptr_nonnull(strstr(log_text, "warning: look here"));
	ck_assert_ptr_nonnull(strstr(ebcc_module_debug_text(module, EBCC_DEBUG_LLVM_IR), "probe"));
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(a_source_that_fails_is_not_cached)
{
	struct ebcc_module_opts opts = {0};
	struct ebcc_module *module;
	char directory[256];

	snprintf(directory, sizeof(directory), "%s/cache", base);
	setenv("EBCC_CACHE", directory, 1);
	for (int i = 0; i < 2; i++) {
		struct ebcc_error *error =
			create("int probe(void *ctx) { return x; }", &opts, &module);

		ck_assert_ptr_nonnull(error);
		has(error, "use of undeclared identifier 'x'", 1);
		ebcc_error_destroy(error);
	}
}
END_TEST

/* An object is complete: another module made from it has the same programs, tables and types. */
START_TEST(an_object_stands_for_its_source)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts)};
	const char *source = "struct event { int a; char b; };\n"
			     "BPF_HASH(counts, u32, struct event);\n"
			     "BPF_PERF_OUTPUT(events);\n"
			     "int probe(struct pt_regs *ctx) {\n"
			     "	struct event e = {.a = 1};\n"
			     "	events.perf_submit(ctx, &e, sizeof(e)); return 0;\n"
			     "}\n";
	struct ebcc_module *module, *again;
	const void *object, *second;
	struct ebcc_program *program;
	struct ebcc_table *table;
	size_t size, second_size;

	ck_assert_ptr_null(create(source, &opts, &module));
	object = ebcc_module_object(module, &size);
	ck_assert_ptr_null(ebcc_module_second_object(module, &second, &second_size));
	opts.second_object = second;
	opts.second_object_size = second_size;
	ck_assert_ptr_null(ebcc_module_create_from_object(object, size, &opts, &again));
	ck_assert_ptr_null(ebcc_module_second_object(again, &object, &size));
	ck_assert_uint_eq(size, second_size);
	ck_assert_int_eq(memcmp(object, second, size), 0);
	ebcc_module_destroy(module);
	ck_assert_uint_eq(ebcc_module_program_count(again), 1);
	ck_assert_ptr_null(ebcc_module_find_program(again, "probe", &program));
	ck_assert_ptr_null(ebcc_module_find_table(again, "events", &table));
	ck_assert_ptr_nonnull(ebcc_table_event_type(table));
	ck_assert_ptr_null(ebcc_module_find_table(again, "counts", &table));
	ck_assert_uint_eq(ebcc_table_leaf_size(table), 8);
	ebcc_module_destroy(again);
}
END_TEST

START_TEST(an_object_is_checked)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts)};
	struct ebcc_module *module;
	const void *object;
	size_t size;
	struct ebcc_error *error;

	error = ebcc_module_create_from_object("no ELF", 6, &opts, &module);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
	ebcc_error_destroy(error);
	error = ebcc_module_create_from_object("", 0, &opts, &module);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_INVALID_ARGUMENT);
	ebcc_error_destroy(error);
	ck_assert_ptr_null(create("int probe(struct pt_regs *ctx) { return 0; }", &opts, &module));
	object = ebcc_module_object(module, &size);
	{
		struct ebcc_module *alone;

		ck_assert_ptr_null(ebcc_module_create_from_object(object, size, NULL, &alone));
		error = ebcc_module_second_object(alone, &object, &size);
		ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_STATE);
		ebcc_error_destroy(error);
		ebcc_module_destroy(alone);
	}
	ebcc_module_destroy(module);
}
END_TEST

/* The first type in such an object is the parameter's, a pointer. Here it points to itself. */
START_TEST(an_object_with_an_endless_type)
{
	static const char header[] = {'\x9f', '\xeb', 1, 0, 24, 0, 0, 0};
	struct ebcc_module_opts opts = {.sz = sizeof(opts)};
	uint32_t type[3], first = 1;
	struct ebcc_module *module, *damaged;
	struct ebcc_error *error;
	const void *object;
	char *copy, *place;
	size_t size;

	ck_assert_ptr_null(create("int probe(struct pt_regs *ctx) { return 0; }", &opts, &module));
	object = ebcc_module_object(module, &size);
	copy = memcpy(malloc(size), object, size);
	place = memmem(copy, size, header, sizeof(header));
	ck_assert_ptr_nonnull(place);
	memcpy(type, place + 24, sizeof(type));
	ck_assert_uint_eq(type[1], 2u << 24);
	memcpy(place + 24 + 8, &first, sizeof(first));
	error = ebcc_module_create_from_object(copy, size, &opts, &damaged);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), "contains itself"));
	ebcc_error_destroy(error);
	opts.second_object = copy;
	opts.second_object_size = size;
	error = ebcc_module_create_from_object(object, size, &opts, &damaged);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
	ebcc_error_destroy(error);
	free(copy);
	ebcc_module_destroy(module);
}
END_TEST

/* Writes a file below the root directory of the test's kernel. */
static void write_below(const char *file, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/kernel%s", base, file);
	for (char *slash = path + strlen(base) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	write_file(path + strlen(base) + 1, text);
}

/* Version, configuration and tracepoints come from below the root, and so do types, through a
 * link. */
START_TEST(a_root_stands_for_another_kernel)
{
	const char *source =
		"#if LINUX_VERSION_CODE != KERNEL_VERSION(5, 4, 7) || CONFIG_HZ != 123\n"
		"#error not that kernel\n"
		"#endif\n"
		"TRACEPOINT_PROBE(fruit, apple) {\n"
		"	return args->ripeness + sizeof(struct task_struct);\n"
		"}\n";
	char directory[256], target[300], cache[256];
	struct ebcc_module_opts opts = {.kernel_root = directory};
	struct ebcc_module *module;
	struct ebcc_error *error;

	snprintf(directory, sizeof(directory), "%s/kernel", base);
	snprintf(cache, sizeof(cache), "%s/cache", base);
	setenv("EBCC_CACHE", cache, 1);
	error = create(source, &opts, &module);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_NOT_FOUND);
	ebcc_error_destroy(error);
	write_below("/proc/sys/kernel/osrelease", "5.4.7\n");
	write_below("/boot/config-5.4.7", "CONFIG_HZ=123\n");
	write_below("/sys/kernel/btf/none", "");
	write_below("/sys/kernel/tracing/events/fruit/apple/format",
		    "name: apple\nID: 9\nformat:\n"
		    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		    "\n"
		    "\tfield:int ripeness;\toffset:8;\tsize:4;\tsigned:1;\n"
		    "\nprint fmt: \"%d\", REC->ripeness\n");
	snprintf(target, sizeof(target), "%s/sys/kernel/btf/vmlinux", directory);
	ck_assert_int_eq(symlink("/sys/kernel/btf/vmlinux", target), 0);
	compiles_with(source, &opts, "tracepoint__fruit__apple");
	ck_assert(hits(source, &opts));
	/* Changes there make cached answers invalid. */
	write_below("/boot/config-5.4.7", "CONFIG_HZ=124\n");
	error = create(source, &opts, &module);
	has(error, "error: not that kernel", 1);
	ebcc_error_destroy(error);
	write_below("/boot/config-5.4.7", "CONFIG_HZ=123\n");
	write_below("/sys/kernel/tracing/events/fruit/apple/format",
		    "name: apple\nID: 9\nformat:\n"
		    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		    "\n"
		    "\tfield:int weight;\toffset:8;\tsize:4;\tsigned:1;\n"
		    "\nprint fmt: \"%d\", REC->weight\n");
	error = create(source, &opts, &module);
	has(error, "no member named 'ripeness'", 1);
	ebcc_error_destroy(error);
}
END_TEST

/* Makes a root with the running kernel's release and types, but the notes of another build. */
static void write_other_build(char *root, size_t size)
{
	/* Sizes of name and data, type, name, data. */
	static const uint32_t note[] = {4, 4, 3, 0x00554e47, 0xefbeadde};
	char target[300], path[300];
	struct utsname uts;
	FILE *file;

	ck_assert_int_eq(uname(&uts), 0);
	snprintf(root, size, "%s/kernel", base);
	write_below("/proc/sys/kernel/osrelease", uts.release);
	write_below("/proc/sys/kernel/version", uts.version);
	write_below("/sys/kernel/btf/none", "");
	snprintf(target, sizeof(target), "%s/sys/kernel/btf/vmlinux", root);
	ck_assert_int_eq(symlink("/sys/kernel/btf/vmlinux", target), 0);
	snprintf(path, sizeof(path), "%s/sys/kernel/notes", root);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(note, 1, sizeof(note), file), sizeof(note));
	ck_assert_int_eq(fclose(file), 0);
}

static struct ebcc_error *load_object(struct ebcc_module *from, bool any_kernel)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts), .any_kernel = any_kernel};
	struct ebcc_module *module = NULL;
	struct ebcc_error *error;
	const void *object;
	size_t size;

	object = ebcc_module_object(from, &size);
	error = ebcc_module_create_from_object(object, size, &opts, &module);
	ebcc_module_destroy(module);
	return error;
}

static void refused_as_of(struct ebcc_error *error, const char *kernel)
{
	struct utsname uts;

	ck_assert_int_eq(uname(&uts), 0);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_OTHER_KERNEL);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), kernel));
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), uts.release));
	ebcc_error_destroy(error);
}

/* Such an object would read at the other kernel's offsets. */
START_TEST(an_object_of_another_kernel_is_refused)
{
	static const char *const sources[] = {
		"int probe(struct task_struct *task) { return task->pid; }",
		"int probe(struct pt_regs *ctx) { return sizeof(struct task_struct); }",
		"int probe(struct pt_regs *ctx) { return LINUX_VERSION_CODE; }",
	};
	char directory[256];
	struct ebcc_module_opts opts = {0};

	write_other_build(directory, sizeof(directory));
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		struct ebcc_module *module;

		opts.kernel_root = NULL;
		ck_assert_ptr_null(create(sources[i], &opts, &module));
		ck_assert_ptr_null(load_object(module, false));
		ebcc_module_destroy(module);
		opts.kernel_root = directory;
		ck_assert_ptr_null(create(sources[i], &opts, &module));
		refused_as_of(load_object(module, false), "deadbeef");
		refused_as_of(ebcc_module_load(module), "deadbeef");
		ck_assert_ptr_null(load_object(module, true));
		ebcc_module_destroy(module);
	}
}
END_TEST

/* Without a build id, release, version and types identify the kernel. */
START_TEST(an_object_of_a_kernel_without_build_id)
{
	const char *source = "int probe(struct task_struct *task) { return task->pid; }";
	char directory[256], notes[300];
	struct ebcc_module_opts opts = {.kernel_root = directory};
	struct ebcc_module *module;

	write_other_build(directory, sizeof(directory));
	snprintf(notes, sizeof(notes), "%s/sys/kernel/notes", directory);
	ck_assert_int_eq(unlink(notes), 0);
	ck_assert_ptr_null(create(source, &opts, &module));
	ck_assert_ptr_null(load_object(module, false));
	ebcc_module_destroy(module);
	write_below("/proc/sys/kernel/version", "#2 of \"another\" day\\\n");
	ck_assert_ptr_null(create(source, &opts, &module));
	refused_as_of(load_object(module, false), "#2 of _another_ day_");
	ebcc_module_destroy(module);
	write_below("/proc/sys/kernel/osrelease", "5.4.7\n");
	ck_assert_ptr_null(create(source, &opts, &module));
	refused_as_of(load_object(module, false), "5.4.7");
	ebcc_module_destroy(module);
}
END_TEST

/* An object that doesn't depend on the kernel may be loaded on any. */
START_TEST(an_object_for_any_kernel)
{
	static const char *const sources[] = {
		"BPF_HASH(t, u32);\n"
		"int probe(struct pt_regs *ctx) { u32 k = PT_REGS_PARM1(ctx); t.increment(k); "
		"return 0; }",
		"int probe(struct __sk_buff *skb) { return skb->len; }",
	};
	char directory[256];
	struct ebcc_module_opts opts = {.kernel_root = directory};

	write_other_build(directory, sizeof(directory));
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		struct ebcc_module *module;

		ck_assert_ptr_null(create(sources[i], &opts, &module));
		ck_assert_ptr_null(load_object(module, false));
		ebcc_module_destroy(module);
	}
	setenv("ARCH", "arm64", 1);
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		struct ebcc_module *module;
		struct ebcc_error *error;

		ck_assert_ptr_null(create(sources[1], &opts, &module));
		unsetenv("ARCH");
		error = load_object(module, i);
		has(error, "aarch64", 1);
		ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_OTHER_KERNEL);
		ebcc_error_destroy(error);
		setenv("ARCH", "arm64", 1);
		ebcc_module_destroy(module);
	}
	unsetenv("ARCH");
}
END_TEST

/* The number of CPUs is a constant in the object. What only counts by CPU is right anywhere. */
START_TEST(an_object_for_another_number_of_cpus)
{
	const char *source = "int probe(struct pt_regs *ctx) { return bpf_num_cpus(); }";
	char directory[256];
	struct ebcc_module_opts opts = {.kernel_root = directory};
	struct ebcc_module *module;
	struct ebcc_error *error;

	write_other_build(directory, sizeof(directory));
	ck_assert_ptr_null(create(source, &opts, &module));
	ck_assert_ptr_null(load_object(module, false));
	ebcc_module_destroy(module);
	write_below("/sys/devices/system/cpu/possible", "0-1021\n");
	ck_assert_ptr_null(create(source, &opts, &module));
	error = load_object(module, false);
	ck_assert_ptr_nonnull(error);
	has(error, "was compiled for 1022 CPUs, but this machine has ", 1);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_OTHER_KERNEL);
	ebcc_error_destroy(error);
	ck_assert_ptr_null(load_object(module, true));
	ebcc_module_destroy(module);
	ck_assert_ptr_null(create("BPF_PERCPU_ARRAY(t, u32, 1);\nint probe(struct pt_regs *ctx) { "
				  "t.increment(0); return 0; }",
				  &opts, &module));
	ck_assert_ptr_null(load_object(module, false));
	ebcc_module_destroy(module);
}
END_TEST

START_TEST(misuse_is_told)
{
	struct ebcc_module *module;
	struct ebcc_module_opts opts = {.sz = 0};
	struct ebcc_error *error = ebcc_module_create("", 0, &opts, &module);

	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_INVALID_ARGUMENT);
	ebcc_error_destroy(error);
	error = ebcc_module_create_from_file("/no/such/source.c", NULL, &module);
	ck_assert_int_eq(ebcc_error_errno(error), ENOENT);
	ebcc_error_destroy(error);
	ebcc_module_destroy(NULL);
}
END_TEST

START_TEST(an_empty_source_is_a_module_without_programs)
{
	struct ebcc_module_opts opts = {0};
	struct ebcc_module *module;

	ck_assert_ptr_null(create("", &opts, &module));
	ck_assert_uint_eq(ebcc_module_program_count(module), 0);
	ebcc_module_destroy(module);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compile");
	TCase *tcase = tcase_create("compile");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, types_of_named_and_followed_structs);
	tcase_add_test(tcase, decoys_in_comments_and_strings);
	tcase_add_test(tcase, names_defined_where_the_preprocessor_skips);
	tcase_add_test(tcase, names_made_by_pasting);
	tcase_add_test(tcase, names_that_only_a_flag_holds);
	tcase_add_test(tcase, a_source_that_defines_kernel_names_itself);
	tcase_add_test(tcase, a_kernel_type_defined_by_a_macro_of_the_source);
	tcase_add_test(tcase, offsets_are_those_of_the_kernel);
	tcase_add_test(tcase, tracepoint_structs_come_from_tracefs);
	tcase_add_test(tcase, a_syntax_error_is_shown_once_where_it_is);
	tcase_add_test(tcase, unknown_names_are_named);
	tcase_add_test(tcase, a_store_to_kernel_memory_is_refused_with_its_line);
	tcase_add_test(tcase, warnings_go_to_the_log);
	tcase_add_test(tcase, header_text_comes_before_the_source);
	tcase_add_test(tcase, headers_beside_the_source_and_of_flags);
	tcase_add_test(tcase, a_btf_file_that_is_missing_or_no_btf);
	tcase_add_test(tcase, in_process_and_helper_make_the_same_object);
	tcase_add_test(tcase, debug_texts_are_collected);
	tcase_add_test(tcase, every_input_of_a_cached_answer_counts);
	tcase_add_test(tcase, a_cached_answer_brings_its_warnings_and_texts);
	tcase_add_test(tcase, a_source_that_fails_is_not_cached);
	tcase_add_test(tcase, an_object_stands_for_its_source);
	tcase_add_test(tcase, an_object_is_checked);
	tcase_add_test(tcase, an_object_with_an_endless_type);
	tcase_add_test(tcase, a_root_stands_for_another_kernel);
	tcase_add_test(tcase, an_object_of_another_kernel_is_refused);
	tcase_add_test(tcase, an_object_of_a_kernel_without_build_id);
	tcase_add_test(tcase, an_object_for_any_kernel);
	tcase_add_test(tcase, an_object_for_another_number_of_cpus);
	tcase_add_test(tcase, misuse_is_told);
	tcase_add_test(tcase, an_empty_source_is_a_module_without_programs);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
