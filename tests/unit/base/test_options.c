// SPDX-License-Identifier: Apache-2.0
/* The rule for option structs: what a caller of another version sets is honoured or refused. */
#include "base/options.h"

#include "error_checks.h"

/* What this version of the library knows, what an older caller had, and what a newer one has. */
struct known {
	size_t sz;
	int first;
	int second;
	long third;
};
struct newer {
	struct known known;
	char fourth[3];
	char unused[5];
};

static struct known opts;

static struct ebcc_error *read_opts(const void *caller_opts)
{
	opts = (struct known){.sz = sizeof(opts), .first = 10, .second = 20, .third = 30};
	return ebcc_opts_read(&opts, sizeof(opts), caller_opts, "known_opts");
}

static void check_opts(int first, int second, long third)
{
	ck_assert_uint_eq(opts.sz, sizeof(opts));
	ck_assert_int_eq(opts.first, first);
	ck_assert_int_eq(opts.second, second);
	ck_assert_int_eq(opts.third, third);
}

START_TEST(no_options_are_defaults)
{
	ck_assert_ok(read_opts(NULL));
	check_opts(10, 20, 30);
}
END_TEST

START_TEST(own_version_sets_everything)
{
	struct known caller = {.sz = sizeof(caller), .first = 1, .third = 3};

	ck_assert_ok(read_opts(&caller));
	check_opts(1, 0, 3);
}
END_TEST

/* What lies behind an older caller's struct is not looked at. */
START_TEST(older_callers_get_defaults)
{
	struct known caller = {.first = 1, .second = 2, .third = 3};

	caller.sz = offsetof(struct known, third);
	ck_assert_ok(read_opts(&caller));
	check_opts(1, 2, 30);
	caller.sz = offsetof(struct known, second);
	ck_assert_ok(read_opts(&caller));
	check_opts(1, 20, 30);
	caller.sz = sizeof(caller.sz);
	ck_assert_ok(read_opts(&caller));
	check_opts(10, 20, 30);
}
END_TEST

START_TEST(unset_sizes_are_refused)
{
	struct known caller = {.first = 1};
	const size_t sizes[] = {0, 1, sizeof(size_t) - 1, 4097, SIZE_MAX};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		caller.sz = sizes[i];
		assert_fails(read_opts(&caller), EBCC_ERROR_INVALID_ARGUMENT,
			     "known_opts.sz is not set: set it to sizeof(struct known_opts)");
		check_opts(10, 20, 30);
	}
}
END_TEST

START_TEST(newer_callers_may_leave_members_unset)
{
	struct newer caller = {
		.known = {.sz = sizeof(caller), .first = 1, .second = 2, .third = 3}};

	ck_assert_ok(read_opts(&caller));
	check_opts(1, 2, 3);
}
END_TEST

/* Each byte beyond what is known counts, the first and the last too; those behind the struct don't.
 */
START_TEST(unknown_members_are_refused)
{
	struct newer caller = {.known = {.sz = offsetof(struct newer, unused), .first = 1}};

	for (size_t i = 0; i < sizeof(caller.fourth); i++) {
		caller.fourth[i] = 1;
		assert_fails(read_opts(&caller), EBCC_ERROR_INVALID_ARGUMENT,
			     "struct known_opts sets a member that this version of the library");
		check_opts(10, 20, 30);
		caller.fourth[i] = 0;
	}
	caller.unused[0] = 1;
	ck_assert_ok(read_opts(&caller));
	check_opts(1, 0, 0);
}
END_TEST

START_TEST(unknown_flags_are_named)
{
	ck_assert_ok(ebcc_flags_check(0, 0, "flags"));
	ck_assert_ok(ebcc_flags_check(5, 7, "flags"));
	ck_assert_ok(ebcc_flags_check(UINT64_MAX, UINT64_MAX, "flags"));
	/* Only those that are unknown are told. */
	assert_fails(ebcc_flags_check(0x8000000000000015, 7, "known_opts.flags"),
		     EBCC_ERROR_INVALID_ARGUMENT, "known_opts.flags has bits that this version");
	assert_fails(ebcc_flags_check(0x8000000000000015, 7, "known_opts.flags"),
		     EBCC_ERROR_INVALID_ARGUMENT, "does not know: 0x8000000000000010");
}
END_TEST

START_TEST(unknown_choices_are_named)
{
	for (unsigned value = 0; value <= 2; value++)
		ck_assert_ok(ebcc_choice_check(value, 2, "known_opts.choice"));
	assert_fails(ebcc_choice_check(3, 2, "known_opts.choice"), EBCC_ERROR_INVALID_ARGUMENT,
		     "known_opts.choice is 3, which this version");
	assert_fails(ebcc_choice_check((unsigned)-1, 2, "known_opts.choice"),
		     EBCC_ERROR_INVALID_ARGUMENT, "its values end at 2");
}
END_TEST

START_TEST(results_fit_what_the_caller_has)
{
	const struct known result = {.sz = 1, .first = 2, .second = 3, .third = 4};
	struct newer newer = {.fourth = {1, 1, 1}, .unused = {1}};
	struct known older = {.third = 30};

	ebcc_result_write(&newer, sizeof(newer), &result, sizeof(result));
	ck_assert_int_eq(newer.known.third, 4);
	for (size_t i = 0; i < sizeof(newer.fourth); i++)
		ck_assert_int_eq(newer.fourth[i], 0);
	ck_assert_int_eq(newer.unused[0], 0);
	ebcc_result_write(&older, offsetof(struct known, third), &result, sizeof(result));
	ck_assert_int_eq(older.second, 3);
	ck_assert_int_eq(older.third, 30);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *rule = tcase_create("rule");
	SRunner *runner;
	int failed;

	tcase_add_test(rule, no_options_are_defaults);
	tcase_add_test(rule, own_version_sets_everything);
	tcase_add_test(rule, older_callers_get_defaults);
	tcase_add_test(rule, unset_sizes_are_refused);
	tcase_add_test(rule, newer_callers_may_leave_members_unset);
	tcase_add_test(rule, unknown_members_are_refused);
	tcase_add_test(rule, unknown_flags_are_named);
	tcase_add_test(rule, unknown_choices_are_named);
	tcase_add_test(rule, results_fit_what_the_caller_has);
	suite_add_tcase(suite, rule);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
