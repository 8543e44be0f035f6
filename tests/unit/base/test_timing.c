// SPDX-License-Identifier: Apache-2.0
/* The times of nested stages, and how they are shown. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/timing.h"

#define MS 1000000ull

static void spend(uint64_t ns)
{
	uint64_t end = ebcc_now_ns() + ns;

	while (ebcc_now_ns() < end)
		;
}

START_TEST(inner_stages_stop_the_outer_one)
{
	struct ebcc_timing timing = {0};
	uint64_t begin = ebcc_now_ns(), all;

	{
		TIME_STAGE(&timing, ATTACH);
		spend(MS);
		{
			TIME_STAGE(&timing, LOAD);
			spend(3 * MS);
		}
		spend(MS);
	}
	all = ebcc_now_ns() - begin;
	ck_assert_int_eq(timing.current, EBCC_STAGE_NONE);
	ck_assert_uint_eq(timing.stages[EBCC_STAGE_ATTACH].runs, 1);
	ck_assert_uint_eq(timing.stages[EBCC_STAGE_LOAD].runs, 1);
	ck_assert_uint_ge(timing.stages[EBCC_STAGE_LOAD].ns, 3 * MS);
	ck_assert_uint_ge(timing.stages[EBCC_STAGE_ATTACH].ns, 2 * MS);
	ck_assert_uint_le(timing.stages[EBCC_STAGE_ATTACH].ns + timing.stages[EBCC_STAGE_LOAD].ns,
			  all);
}
END_TEST

START_TEST(another_process_has_a_part)
{
	struct ebcc_timing timing = {0};
	struct ebcc_stage_time times[EBCC_STAGE_COUNT] = {
		[EBCC_STAGE_PARSE] = {.ns = 2 * MS, .runs = 2},
		[EBCC_STAGE_EMIT] = {.ns = MS, .runs = 1},
	};
	uint64_t begin = ebcc_now_ns();

	{
		TIME_STAGE(&timing, HELPER);
		spend(5 * MS);
		ebcc_timing_add(&timing, times);
	}
	ck_assert_uint_eq(timing.stages[EBCC_STAGE_PARSE].ns, 2 * MS);
	ck_assert_uint_eq(timing.stages[EBCC_STAGE_PARSE].runs, 2);
	ck_assert_uint_eq(timing.stages[EBCC_STAGE_EMIT].ns, MS);
	ck_assert_uint_ge(timing.stages[EBCC_STAGE_HELPER].ns, 2 * MS);
	ck_assert_uint_le(timing.stages[EBCC_STAGE_HELPER].ns, ebcc_now_ns() - begin - 3 * MS);
}
END_TEST

START_TEST(the_line)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	struct ebcc_timing timing = {0};

	ebcc_timing_describe(&timing, &buf);
	ck_assert_str_eq(ebcc_buf_string(&buf), "");
	timing.stages[EBCC_STAGE_SCAN] = (struct ebcc_stage_time){MS / 4, 2};
	timing.stages[EBCC_STAGE_PARSE] = (struct ebcc_stage_time){12 * MS, 2};
	timing.stages[EBCC_STAGE_ATTACH] = (struct ebcc_stage_time){1500 * MS, 1};
	ebcc_timing_describe(&timing, &buf);
	ck_assert_str_eq(ebcc_buf_string(&buf), "scan 0.25, parse 12.00 (2), attach 1500.00 ms");
}
END_TEST

START_TEST(without_a_timing)
{
	TIME_STAGE(NULL, LOAD);
}
END_TEST

START_TEST(only_on_request)
{
	unsetenv("EBCC_TRACE");
	ck_assert(!ebcc_timing_wanted());
	setenv("EBCC_TRACE", "0", 1);
	ck_assert(!ebcc_timing_wanted());
	setenv("EBCC_TRACE", "", 1);
	ck_assert(!ebcc_timing_wanted());
	setenv("EBCC_TRACE", "1", 1);
	ck_assert(ebcc_timing_wanted());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timing");
	TCase *tcase = tcase_create("timing");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, inner_stages_stop_the_outer_one);
	tcase_add_test(tcase, another_process_has_a_part);
	tcase_add_test(tcase, the_line);
	tcase_add_test(tcase, without_a_timing);
	tcase_add_test(tcase, only_on_request);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
