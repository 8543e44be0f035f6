// SPDX-License-Identifier: Apache-2.0
/* Closing many descriptors, with ordinary files in place of links and events. */
#include "load/closing.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int open_one(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(all_are_closed_and_no_others)
{
	static const size_t counts[] = {0, 1, 2, 63, 64, 65, 300};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct ebcc_closing closing = {0};
		int fds[600], other = open_one();

		for (size_t j = 0; j < 2 * counts[i]; j++) {
			int fd = fds[j] = open_one();

			if (j % 2)
				ebcc_closing_add_link(&closing, &fd);
			else
				ebcc_closing_add_event(&closing, &fd);
			ck_assert_int_eq(fd, -1);
			ebcc_closing_add_link(&closing, &fd);
		}
		ck_assert_uint_eq(closing.links.count, counts[i]);
		ck_assert_uint_eq(closing.events.count, counts[i]);
		ebcc_closing_run(&closing);
		for (size_t j = 0; j < 2 * counts[i]; j++)
			ck_assert_int_eq(fcntl(fds[j], F_GETFD), -1);
		ck_assert_int_ge(fcntl(other, F_GETFD), 0);
		/* Nothing is left to close. */
		ebcc_closing_run(&closing);
		close(other);
	}
}
END_TEST

/* The caller's signal mask is what it was, so that Ctrl-C still ends what comes after. */
START_TEST(signals_stay_as_they_were)
{
	struct ebcc_closing closing = {0};
	sigset_t mask;

	for (int i = 0; i < 10; i++) {
		int fd = open_one();

		ebcc_closing_add_link(&closing, &fd);
	}
	ebcc_closing_run(&closing);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	ck_assert_int_eq(sigismember(&mask, SIGTERM), 0);
	ck_assert_int_eq(sigismember(&mask, SIGINT), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("closing");
	TCase *tcase = tcase_create("closing");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, all_are_closed_and_no_others);
	tcase_add_test(tcase, signals_stay_as_they_were);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
