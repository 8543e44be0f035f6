// SPDX-License-Identifier: Apache-2.0
/* What is made of the verifier's words: the reason, and advice where a common mistake shows. */
#include "advice/verifier_log.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "ebcc.h"

/* The message for a log that ends with this reason. */
static const char *message_of(const char *reason)
{
	static char message[512];
	char log[256];
	struct ebcc_rejection rejection = {
		.program = "p",
		.section = "xdp",
		.instruction_count = 2,
		.log = log,
		.object_bytes = "",
	};
	struct ebcc_error *error;

	snprintf(log, sizeof(log),
		 "0: R1=ctx() R10=fp0\n0: (95) exit\n%s\n"
		 "processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0\n",
		 reason);
	error = ebcc_verifier_error(&rejection);
	ck_assert_ptr_nonnull(error);
	snprintf(message, sizeof(message), "%s", ebcc_error_message(error));
	ebcc_error_destroy(error);
	return message;
}

/* R0 is the program's result; another register is a variable. */
START_TEST(registers_that_were_never_set)
{
	ck_assert_str_eq(message_of("R0 !read_ok"),
			 "program 'p': the kernel's verifier rejected it: R0 !read_ok (the program "
			 "ends without a return value: add return 0)");
	ck_assert_str_eq(message_of("R3 !read_ok"),
			 "program 'p': the kernel's verifier rejected it: R3 !read_ok (a value is "
			 "used that was never set)");
}
END_TEST

/* The kernel has names only for the helpers that it has. */
START_TEST(helpers_that_the_kernel_lacks)
{
	ck_assert_str_eq(message_of("invalid func unknown#181"),
			 "program 'p': the kernel's verifier rejected it: invalid func unknown#181 "
			 "(this kernel does not have the helper bpf_loop())");
	ck_assert_str_eq(message_of("invalid func unknown#99999"),
			 "program 'p': the kernel's verifier rejected it: invalid func "
			 "unknown#99999 (helper function number 99999, which this kernel does not "
			 "have)");
	ck_assert_ptr_nonnull(strstr(message_of("unknown func unknown#177"),
				     "(the helper bpf_trace_vprintk(): bpf_trace_printk() with "
				     "more than three values needs Linux 5.16: "));
	ck_assert_str_eq(message_of("unknown func bpf_loop#181"),
			 "program 'p': the kernel's verifier rejected it: unknown func "
			 "bpf_loop#181 (this kernel doesn't have the helper, or not for programs "
			 "of this type)");
}
END_TEST

START_TEST(reasons_without_advice)
{
	ck_assert_str_eq(message_of("something new."),
			 "program 'p': the kernel's verifier rejected it: something new");
}
END_TEST

START_TEST(statistics_of_accepted_programs)
{
	struct ebcc_verifier_statistics statistics;

	ebcc_verifier_statistics_read("verification time 115 usec\n"
				      "stack depth 16+32+8\n"
				      "processed 37 insns (limit 1000000) max_states_per_insn 1\n",
				      &statistics);
	ck_assert_uint_eq(statistics.microseconds, 115);
	ck_assert_uint_eq(statistics.stack, 56);
	ck_assert_uint_eq(statistics.processed, 37);
	/* A kernel may say less, and a log can end anywhere. */
	ebcc_verifier_statistics_read("; processed 3\nprocessed 4", &statistics);
	ck_assert_uint_eq(statistics.processed, 4);
	ck_assert_uint_eq(statistics.stack, 0);
	ebcc_verifier_statistics_read("stack depth", &statistics);
	ebcc_verifier_statistics_read("stack depth 8+", &statistics);
	ck_assert_uint_eq(statistics.stack, 8);
	ebcc_verifier_statistics_read("", &statistics);
	ck_assert_uint_eq(statistics.processed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("verifier_log");
	TCase *tcase = tcase_create("messages");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, registers_that_were_never_set);
	tcase_add_test(tcase, helpers_that_the_kernel_lacks);
	tcase_add_test(tcase, reasons_without_advice);
	tcase_add_test(tcase, statistics_of_accepted_programs);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
