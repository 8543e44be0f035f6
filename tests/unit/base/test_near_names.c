// SPDX-License-Identifier: Apache-2.0
/* Near names: which names are suggested for a mistyped one, and in what words. */
#include "base/near_names.h"

#include <check.h>
#include <string.h>

/* The suggestion for @wanted among names separated by spaces. */
static const char *suggest(const char *wanted, const char *names)
{
	static char text[512];
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	struct ebcc_near_names near;
	char *copy = strdup(names), *name, *rest;

	ebcc_near_names_init(&near, wanted);
	for (name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		ebcc_near_names_add(&near, name);
	ebcc_near_names_suggest(&near, &buf);
	snprintf(text, sizeof(text), "%s", ebcc_buf_string(&buf));
	free(copy);
	return text;
}

START_TEST(typing_mistakes)
{
	ck_assert_str_eq(suggest("vfs_raed", "vfs_write tcp_sendmsg vfs_read do_exit"),
			 "; did you mean vfs_read?");
	ck_assert_str_eq(suggest("tcp_sendmgs", "vfs_write tcp_sendmsg tcp_recvmsg"),
			 "; did you mean tcp_sendmsg?");
	ck_assert_str_eq(suggest("abc", "abd xyz"), "; did you mean abd?");
	ck_assert_str_eq(suggest("evnts", "events counts stacks"), "; did you mean events?");
}
END_TEST

/* Two neighbours in each other's place are one slip, not two. */
START_TEST(swapped_neighbours)
{
	/* Of three letters one may be wrong. */
	ck_assert_str_eq(suggest("acb", "abc xyz"), "; did you mean abc?");
	ck_assert_str_eq(suggest("bac", "abc xyz"), "; did you mean abc?");
	/* These are no neighbours. */
	ck_assert_str_eq(suggest("cba", "abc"), "");
	/* One slip is nearer than two wrong letters, which were seen first. */
	ck_assert_str_eq(suggest("vfs_raed", "vfs_raxy vfs_read"),
			 "; did you mean vfs_read or vfs_raxy?");
}
END_TEST

START_TEST(nearest_come_first_and_once)
{
	ck_assert_str_eq(suggest("vfs_reed", "vfs_readv vfs_read vfs_read vfs_seed vfs_reads"),
			 "; did you mean vfs_read, vfs_seed or vfs_readv?");
}
END_TEST

START_TEST(parts_of_longer_names)
{
	ck_assert_str_eq(suggest("openat", "sys_enter_close sys_enter_openat"),
			 "; did you mean sys_enter_openat?");
	ck_assert_str_eq(suggest("do_sys_open", "do_sys_openat2 do_sys_sync"),
			 "; did you mean do_sys_openat2?");
}
END_TEST

START_TEST(far_names_are_not_suggested)
{
	ck_assert_str_eq(suggest("vfs_read", "kfree schedule x"), "");
	ck_assert_str_eq(suggest("a", "bcd efg"), "");
	ck_assert_str_eq(suggest("", "a b"), "");
	ck_assert_str_eq(suggest("anything", ""), "");
}
END_TEST

START_TEST(long_names_are_skipped)
{
	char longest[EBCC_NEAR_NAMES_LENGTH], longer[EBCC_NEAR_NAMES_LENGTH + 1];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_str_eq(suggest(longest, longer), "");
	ck_assert_str_eq(suggest(longer, longest), "");
	longest[5] = 'b';
	ck_assert_ptr_nonnull(strstr(suggest(longest + 1, longest), longest));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("near_names");
	TCase *names = tcase_create("names");
	SRunner *runner;
	int failed;

	tcase_add_test(names, typing_mistakes);
	tcase_add_test(names, swapped_neighbours);
	tcase_add_test(names, nearest_come_first_and_once);
	tcase_add_test(names, parts_of_longer_names);
	tcase_add_test(names, far_names_are_not_suggested);
	tcase_add_test(names, long_names_are_skipped);
	suite_add_tcase(suite, names);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
