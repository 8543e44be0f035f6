// SPDX-License-Identifier: Apache-2.0
/* Hand-made diagnostics: what is left out, which names are restored, and unusual renderings. */
#include "advice/diagnostics.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "advice/hints.h"
#include "advice/source_warnings.h"

static char *text;
static struct ebcc_buf buf;

/* Renders errors located at main.c:LINE:5. The texts are borrowed. */
static const char *render(const struct ebcc_cc_diagnostic *diagnostics, size_t count)
{
	struct ebcc_cc_answer answer = {
		.diagnostics = (struct ebcc_cc_diagnostic *)diagnostics,
		.diagnostic_count = count,
	};

	ebcc_buf_clear(&buf);
	ebcc_diagnostics_render(&answer, &(struct ebcc_compiled){.source = "", .types = ""},
				EBCC_CC_ERROR, &buf);
	text = buf.data;
	return ebcc_buf_string(&buf);
}

static struct ebcc_cc_diagnostic error_of(unsigned line, char *message, char *rendered)
{
	return (struct ebcc_cc_diagnostic){
		.severity = EBCC_CC_ERROR,
		.path = "main.c",
		.line = line,
		.column = 5,
		.message = message,
		.rendered = rendered,
	};
}

static void teardown(void)
{
	ebcc_buf_deinit(&buf);
}

START_TEST(internal_names_are_put_back)
{
	struct ebcc_cc_diagnostic one =
		error_of(1, "'__ebcc_map_a' and '__ebcc_update__b_c' and 'struct __ebcc_x'",
			 "main.c:1:5: error: ...\n");

	ck_assert_str_eq(render(&one, 1), "main.c:1:5: error: 'a' and 'b_c.update' and 'struct x'");
}
END_TEST

START_TEST(types_of_tables_are_their_own)
{
	struct ebcc_cc_diagnostic one = error_of(
		1, "of type 'typeof (*__ebcc_map_counts.key) *' (aka 'unsigned int *'); remove &",
		"main.c:1:5: error: ...\n");

	ck_assert_str_eq(render(&one, 1), "main.c:1:5: error: of type 'unsigned int *'; remove &");
	one.message = "of type 'typeof (*__ebcc_map_counts.key)";
	ck_assert_str_eq(render(&one, 1), "main.c:1:5: error: of type 'typeof (*counts.key)");
}
END_TEST

START_TEST(pieces_about_headers_of_the_library_go)
{
	struct ebcc_cc_diagnostic list[2] = {
		error_of(3, "bad",
			 "In file included from " EBCC_CC_ROOT "/x.h:3:\n"
			 "main.c:3:5: error: bad\n    3 | abcdef\n      |     ^\n"
			 "<scratch space>:1:1: note: expanded from here\n    1 | x\n"
			 "mine.h:9:1: note: expanded from macro 'MINE'\n    9 | y\n" EBCC_CC_ROOT
			 "/x.h:1:1: note: expanded from macro 'X'\n    1 | z\n"),
		{.severity = EBCC_CC_NOTE,
		 .path = EBCC_CC_KERNEL_TYPES,
		 .line = 7,
		 .message = "declared here",
		 .rendered = EBCC_CC_KERNEL_TYPES ":7: note: declared here\n"},
	};

	ck_assert_str_eq(render(list, 2),
			 "main.c:3:5: error: bad\n    3 | abcdef\n      |     ^\n"
			 "mine.h:9:1: note: expanded from macro 'MINE'\n    9 | y");
}
END_TEST

START_TEST(renderings_of_odd_shapes)
{
	static char *const renderings[] = {"",
					   "\n",
					   "   \n",
					   "error: ",
					   "error: \n    1 | ",
					   "main.c:1:5: error: x\n    1 | abc"};

	for (size_t i = 0; i < sizeof(renderings) / sizeof(renderings[0]); i++) {
		struct ebcc_cc_diagnostic one =
			error_of(1, "argument may not have 'void' type", renderings[i]);

		one.column = 4000000000U;
		ck_assert_ptr_nonnull(strstr(render(&one, 1), "argument may not have 'void'"));
		ck_assert_ptr_null(strstr(text, "note:"));
		one.line = one.column = 0;
		one.path = "";
		ck_assert_int_eq(strncmp(render(&one, 1), "error: argument", 15), 0);
	}
}
END_TEST

START_TEST(static_functions_are_found)
{
	static const char source[] = "static int a(int x) { return x; }\n"
				     "int b(void) { return a(1); }\n"
				     "static u64 c (struct x *y,\n int (*d)(int))\n{\n}\n"
				     "static int e(int);\n"
				     "static int f";

	ck_assert(ebcc_source_has_static_function(source, "a"));
	ck_assert(ebcc_source_has_static_function(source, "c"));
	ck_assert(!ebcc_source_has_static_function(source, "b"));
	ck_assert(!ebcc_source_has_static_function(source, "d"));
	ck_assert(!ebcc_source_has_static_function(source, "e"));
	ck_assert(!ebcc_source_has_static_function(source, "f"));
	ck_assert(!ebcc_source_has_static_function(source, ""));
	ck_assert(!ebcc_source_has_static_function("static int g(", "g"));
}
END_TEST

static const char *refused(const char *format, const char *release)
{
	static char piece[32];
	size_t length;
	const char *found = ebcc_refused_format(format, strlen(format), release, &length);

	snprintf(piece, sizeof(piece), "%.*s", found ? (int)length : 0, found ? found : "");
	return piece;
}

/* The rules of Linux 5.10 differ from those since 5.13. */
START_TEST(formats_by_kernel)
{
	ck_assert_str_eq(refused("%d %s\\n", "5.10.0-32-amd64"), "");
	ck_assert_str_eq(refused("%d %s\\n", "6.1.0"), "");
	ck_assert_str_eq(refused("%s and %s", "5.10.0"), "%s");
	ck_assert_str_eq(refused("%s and %s", "5.13.0"), "");
	ck_assert_str_eq(refused("%5d", "5.10.0"), "%5d");
	ck_assert_str_eq(refused("%5d %-10s %03x", "6.1.0"), "");
	ck_assert_str_eq(refused("%X", "5.10.0"), "%X");
	ck_assert_str_eq(refused("%c", "5.14.0"), "%c");
	ck_assert_str_eq(refused("%c", "5.15.0"), "");
	ck_assert_str_eq(refused("%c %zu", NULL), "%zu");
	ck_assert_str_eq(refused("100%", "6.1.0"), "%");
	ck_assert_str_eq(refused("%llx %pks %pI4 %%", "6.1.0"), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diagnostics");
	TCase *tcase = tcase_create("diagnostics");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, internal_names_are_put_back);
	tcase_add_test(tcase, types_of_tables_are_their_own);
	tcase_add_test(tcase, pieces_about_headers_of_the_library_go);
	tcase_add_test(tcase, renderings_of_odd_shapes);
	tcase_add_test(tcase, static_functions_are_found);
	tcase_add_test(tcase, formats_by_kernel);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
