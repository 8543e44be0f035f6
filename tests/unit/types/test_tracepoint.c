// SPDX-License-Identifier: Apache-2.0
/* From format files to structs: valid files, malformed files, and those of this machine. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/tracefs.h"
#include "types/tracepoint.h"

#define COMMON                                                                                     \
	"name: x\nID: 1\nformat:\n"                                                                \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                     \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static struct ebcc_tracepoint_format format;
static struct ebcc_buf text;

static void cleanup(void)
{
	ebcc_tracepoint_format_deinit(&format);
	ebcc_buf_deinit(&text);
}

static struct ebcc_error *parse(const char *file)
{
	ebcc_tracepoint_format_deinit(&format);
	return ebcc_tracepoint_format_parse(file, strlen(file), &format);
}

static uint32_t size_of(void *ctx, const char *name, bool is_union)
{
	return !strcmp(name, "known") && !is_union ? 12 : 0;
}

/* The text of the struct for a format file. */
static const char *print(const char *file)
{
	ck_assert_ptr_null(parse(file));
	ebcc_buf_clear(&text);
	ebcc_tracepoint_print(&format, "cat", "ev", size_of, NULL, &text);
	return ebcc_buf_string(&text);
}

START_TEST(test_fields)
{
	ck_assert_ptr_null(parse(COMMON
				 "\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;\n"
				 "\tfield:char comm[16];\toffset:32;\tsize:16;\tsigned:1;\n"
				 "\tfield:__data_loc char[] name;\toffset:48;\tsize:4;\tsigned:0;\n"
				 "print fmt: \"%s\", field:nonsense\n"));
	ck_assert_uint_eq(format.field_count, 5);
	ck_assert_str_eq(format.fields[2].type, "const char *");
	ck_assert_str_eq(format.fields[2].name, "filename");
	ck_assert_uint_eq(format.fields[2].offset, 24);
	ck_assert(!format.fields[2].is_signed);
	ck_assert(format.fields[3].array);
	ck_assert_uint_eq(format.fields[3].array_length, 16);
	ck_assert_str_eq(format.fields[3].type, "char");
	ck_assert(format.fields[4].data_loc);
	ck_assert_str_eq(format.fields[4].name, "name");
}
END_TEST

START_TEST(test_system_call)
{
	const char *got =
		print(COMMON "\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n"
			     "\tfield:int dfd;\toffset:16;\tsize:8;\tsigned:0;\n"
			     "\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;\n"
			     "\tfield:umode_t mode;\toffset:32;\tsize:8;\tsigned:0;\n"
			     "\tfield:const char *const * argv;\toffset:40;\tsize:8;\tsigned:0;\n"
			     "\tfield:cap_user_header_t header;\toffset:48;\tsize:8;\tsigned:0;\n");

	ck_assert_str_eq(got, "struct tracepoint__cat__ev {\n"
			      "\tu64 __do_not_use__;\n"
			      "\tint __syscall_nr;\n"
			      "\ts64 dfd;\n"
			      "\tconst char * filename;\n"
			      "\tu64 mode;\n"
			      "\tconst char *const * argv;\n"
			      "\tu64 header;\n"
			      "};\n");
}
END_TEST

START_TEST(test_types)
{
	const char *got =
		print(COMMON "\tfield:__data_loc char[] path;\toffset:8;\tsize:4;\tsigned:0;\n"
			     "\tfield:__rel_loc u8[] raw;\toffset:12;\tsize:4;\tsigned:0;\n"
			     "\tfield:pid_t pid;\toffset:16;\tsize:4;\tsigned:1;\n"
			     "\tfield:char comm[TASK_COMM_LEN];\toffset:20;\tsize:16;\tsigned:0;\n"
			     "\tfield:__u8 saddr[4];\toffset:36;\tsize:4;\tsigned:0;\n"
			     "\tfield:unsigned long args[6];\toffset:40;\tsize:48;\tsigned:0;\n"
			     "\tfield:foo_t things[3];\toffset:88;\tsize:12;\tsigned:1;\n"
			     "\tfield:bool on;\toffset:100;\tsize:1;\tsigned:0;\n"
			     "\tfield:enum zone_type zone;\toffset:104;\tsize:4;\tsigned:0;\n"
			     "\tfield:struct page * page;\toffset:112;\tsize:8;\tsigned:0;\n"
			     "\tfield:foo_t * odd;\toffset:120;\tsize:8;\tsigned:0;\n"
			     "\tfield:char default;\toffset:128;\tsize:1;\tsigned:1;\n");

	ck_assert_str_eq(got, "struct tracepoint__cat__ev {\n"
			      "\tu64 __do_not_use__;\n"
			      "\tint data_loc_path;\n"
			      "\tint rel_loc_raw;\n"
			      "\ts32 pid;\n"
			      "\tchar comm[16];\n"
			      "\t__u8 saddr[4];\n"
			      "\tunsigned long args[6];\n"
			      "\ts32 things[3];\n"
			      "\tbool on;\n"
			      "\tu32 zone;\n"
			      "\tstruct page * page;\n"
			      "\tvoid * odd;\n"
			      "\tchar default_;\n"
			      "};\n");
}
END_TEST

START_TEST(test_places)
{
	/* A gap, a misaligned field, structs by value, a size that no integer type has. */
	const char *got = print(COMMON "\tfield:u8 a;\toffset:12;\tsize:1;\tsigned:0;\n"
				       "\tfield:u32 b;\toffset:13;\tsize:4;\tsigned:0;\n"
				       "\tfield:struct known c;\toffset:17;\tsize:12;\tsigned:0;\n"
				       "\tfield:struct unknown d;\toffset:29;\tsize:6;\tsigned:0;\n"
				       "\tfield:big_t e;\toffset:35;\tsize:16;\tsigned:0;\n"
				       "\tfield:u32 overlap;\toffset:40;\tsize:4;\tsigned:0;\n"
				       "\tfield:char none[];\toffset:51;\tsize:0;\tsigned:0;\n");

	ck_assert_str_eq(got, "struct tracepoint__cat__ev {\n"
			      "\tu64 __do_not_use__;\n"
			      "\tchar __pad_8[4];\n"
			      "\tu8 a;\n"
			      "\tu32 b __attribute__((packed));\n"
			      "\tstruct known c __attribute__((packed));\n"
			      "\tchar d[6];\n"
			      "\tchar e[16];\n"
			      "};\n");
}
END_TEST

static const char *const nonsense[] = {
	"",
	"name: x\nID: 1\nformat:\n",
	"\tfield:int x;\toffset:99999999999999999999;\tsize:4;\tsigned:1;\n",
	"\tfield:int x;\toffset:8;\tsize:4294967297;\tsigned:1;\n",
	"\tfield:int x;\toffset:-8;\tsize:4;\tsigned:1;\n",
	"\tfield:int x;\toffset:8;\n",
	"\tfield:int x\n",
	"\tfield:;\toffset:8;\tsize:4;\tsigned:1;\n",
	"\tfield:int;\toffset:8;\tsize:4;\tsigned:1;\n",
	"\tfield:int 3x;\toffset:8;\tsize:4;\tsigned:1;\n",
	"\tfield:int x[;\toffset:8;\tsize:4;\tsigned:1;\n\tfield:int "
	"];\toffset:8;\tsize:4;\tsigned:1;\n",
};

START_TEST(test_nonsense)
{
	struct ebcc_error *error = parse(nonsense[_i]);

	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
	ebcc_error_destroy(error);
}
END_TEST

START_TEST(test_too_many_fields)
{
	struct ebcc_buf file = EBCC_BUF_INIT;
	struct ebcc_error *error;

	for (int i = 0; i < 2000; i++)
		ebcc_buf_printf(&file, "\tfield:int x%d;\toffset:%d;\tsize:4;\tsigned:1;\n", i,
				8 + 4 * i);
	error = parse(file.data);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
	ebcc_error_destroy(error);
	ebcc_buf_deinit(&file);
}
END_TEST

/* Every format file of this machine can be parsed, and its struct has the layout in the file. */
START_TEST(test_this_machine)
{
	struct ebcc_buf source = EBCC_BUF_INIT;
	char **names, command[512], path[] = "/tmp/ebcc-test-tp.XXXXXX.c";
	size_t count;
	FILE *out;
	int fd = mkstemps(path, 2);

	ck_assert_int_ge(fd, 0);
	out = fdopen(fd, "w");
	fputs("typedef signed char s8; typedef unsigned char u8; typedef short s16;\n"
	      "typedef unsigned short u16; typedef int s32; typedef unsigned int u32;\n"
	      "typedef long long s64; typedef unsigned long long u64; typedef s8 __s8;\n"
	      "typedef u8 __u8; typedef s16 __s16; typedef u16 __u16; typedef s32 __s32;\n"
	      "typedef u32 __u32; typedef s64 __s64; typedef u64 __u64; typedef _Bool bool;\n"
	      "typedef u16 __be16; typedef u32 __be32; typedef u64 __be64; typedef u16 __le16;\n"
	      "typedef u32 __le32; typedef u64 __le64; typedef unsigned long size_t;\n"
	      "typedef long ssize_t;\n",
	      out);
	ck_assert_ptr_null(ebcc_tracepoint_list(NULL, &names, &count));
	ck_assert_uint_gt(count, 100);
	for (size_t i = 0; i < count; i++) {
		char category[128], file[256];
		const char *event = strchr(names[i], ':') + 1;

		snprintf(category, sizeof(category), "%.*s", (int)(event - 1 - names[i]), names[i]);
		snprintf(file, sizeof(file), "events/%s/%s/format", category, event);
		ebcc_buf_clear(&source);
		ck_assert_ptr_null(ebcc_tracefs_read(NULL, file, 1 << 20, &source));
		ck_assert_ptr_null(parse(source.data));
		ebcc_buf_clear(&text);
		ebcc_tracepoint_print(&format, category, event, NULL, NULL, &text);
		fputs(ebcc_buf_string(&text), out);
		for (size_t k = 0; k < format.field_count; k++) {
			const struct ebcc_tracepoint_field *field = &format.fields[k];
			const char *prefix = field->data_loc ? "data_loc_" : "";
			char declared[256];

			snprintf(declared, sizeof(declared), " %s%s", prefix, field->name);
			if (!strncmp(field->name, "common_", 7) || !strstr(text.data, declared))
				continue;
			fprintf(out,
				"_Static_assert(__builtin_offsetof(struct tracepoint__%s__%s, "
				"%s%s) == %u "
				"&& sizeof(((struct tracepoint__%s__%s *)0)->%s%s) == %u, "
				"\"%s.%s\");\n",
				category, event, prefix, field->name, field->offset, category,
				event, prefix, field->name, field->size, names[i], field->name);
		}
	}
	fclose(out);
	snprintf(command, sizeof(command), EBCC_TEST_CLANG " -target bpf -fsyntax-only -w %s",
		 path);
	ck_assert_int_eq(system(command), 0);
	unlink(path);
	free(names);
	ebcc_buf_deinit(&source);
}
END_TEST

START_TEST(test_split)
{
	char *category, *event;
	struct ebcc_error *error;

	ck_assert_ptr_null(ebcc_tracepoint_split(NULL, "sched__sched_switch", &category, &event));
	ck_assert_str_eq(category, "sched");
	ck_assert_str_eq(event, "sched_switch");
	free(category);
	free(event);
	error = ebcc_tracepoint_split(NULL, "sched__no_such__event", &category, &event);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_NOT_FOUND);
	ebcc_error_destroy(error);
}
END_TEST

START_TEST(test_missing_files)
{
	struct ebcc_buf file = EBCC_BUF_INIT;
	struct ebcc_error *error;

	error = ebcc_tracefs_read(NULL, "events/sched/no_such/format", 1000, &file);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_NOT_FOUND);
	ebcc_error_destroy(error);
	error = ebcc_tracefs_read(NULL, "events/sched/sched_switch/format", 10, &file);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
	ebcc_error_destroy(error);
	ebcc_buf_deinit(&file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracepoint");
	TCase *tests = tcase_create("formats");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, NULL, cleanup);
	tcase_add_test(tests, test_fields);
	tcase_add_test(tests, test_system_call);
	tcase_add_test(tests, test_types);
	tcase_add_test(tests, test_places);
	tcase_add_loop_test(tests, test_nonsense, 0, sizeof(nonsense) / sizeof(*nonsense));
	tcase_add_test(tests, test_too_many_fields);
	tcase_add_test(tests, test_this_machine);
	tcase_add_test(tests, test_split);
	tcase_add_test(tests, test_missing_files);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
