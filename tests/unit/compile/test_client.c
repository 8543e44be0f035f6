// SPDX-License-Identifier: Apache-2.0
/*
 * The client against helpers that crash, hang, give invalid answers or are missing: shell scripts
 * named by EBCC_CC, with the socket as their standard input.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "compile/client.h"

static char directory[] = "/tmp/ebcc-test-client.XXXXXX";
static char helper[sizeof(directory) + 16];

static void make_directory(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(helper, sizeof(helper), "%s/ebcc-cc", directory);
	setenv("EBCC_CC", helper, 1);
	setenv("EBCC_CC_TIMEOUT", "20", 1);
}

static void remove_directory(void)
{
	unlink(helper);
	rmdir(directory);
}

static void write_helper(const char *script)
{
	FILE *file = fopen(helper, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(helper, 0755), 0);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static struct ebcc_error *compile_with(struct ebcc_compiler_client *client)
{
	const struct ebcc_cc_request request = {
		.source = "int x;",
		.source_size = 6,
		.arch = EBCC_ARCH_X86_64,
		.cpu_version = 3,
		.cpu_count = 1,
	};
	struct ebcc_cc_answer answer;
	struct ebcc_error *error = ebcc_compiler_client_compile(client, &request, &answer);

	ck_assert_ptr_null(answer.object);
	ck_assert_ptr_null(answer.diagnostics);
	return error;
}

/* One compile with a client of its own. */
static struct ebcc_error *compile(void)
{
	struct ebcc_compiler_client *client;
	struct ebcc_error *error;

	ck_assert_ptr_null(ebcc_compiler_client_create(NULL, EBCC_COMPILER_HELPER, &client));
	error = compile_with(client);
	ebcc_compiler_client_destroy(client);
	return error;
}

static void assert_fails(struct ebcc_error *error, const char *part)
{
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_COMPILE);
	ck_assert_msg(strstr(ebcc_error_message(error), part), "\"%s\" is not in \"%s\"", part,
		      ebcc_error_message(error));
	ebcc_error_destroy(error);
}

static void assert_no_children(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(missing_helper)
{
	unlink(helper);
	assert_fails(compile(), "does not exist");
	unsetenv("EBCC_CC");
	assert_fails(compile(), "not installed");
	setenv("EBCC_CC", directory, 1);
	assert_fails(compile(), "can't start");
}
END_TEST

START_TEST(crash)
{
	struct ebcc_error *error;

	write_helper("echo 'last words' >&2; kill -SEGV $$");
	error = compile();
	ck_assert_ptr_nonnull(error);
	ck_assert_str_eq(ebcc_error_details(error), "last words\n");
	assert_fails(error, "crashed (Segmentation fault: last words)");
	assert_no_children();
}
END_TEST

START_TEST(killed)
{
	write_helper("kill -KILL $$");
	assert_fails(compile(), "was killed");
}
END_TEST

START_TEST(exit_at_once)
{
	write_helper("exit 3");
	assert_fails(compile(), "exit status 3");
	write_helper("exit 0");
	assert_fails(compile(), "exit status 0");
	assert_no_children();
}
END_TEST

START_TEST(out_of_memory)
{
	write_helper("echo 'LLVM ERROR: out of memory' >&2; kill -ABRT $$");
	assert_fails(compile(), "EBCC_CC_MEMORY");
}
END_TEST

START_TEST(hang)
{
	double before = seconds();

	setenv("EBCC_CC_TIMEOUT", "1", 1);
	write_helper("exec sleep 1000");
	assert_fails(compile(), "within 1 seconds");
	ck_assert(seconds() - before >= 1 && seconds() - before < 100);
	assert_no_children();
}
END_TEST

/* On a busy machine a compile may take longer than its limit by the clock: the client waits as
 * long as the helper runs now and then. */
START_TEST(slow_but_running)
{
	double before = seconds();

	setenv("EBCC_CC_TIMEOUT", "1", 1);
	write_helper("i=0; while [ $i -lt 2000000 ]; do i=$((i + 1)); done; exit 7");
	assert_fails(compile(), "exit status 7");
	ck_assert(seconds() - before > 1.1);
	assert_no_children();
}
END_TEST

/* It has closed the socket but keeps running: the client must not wait for it. */
START_TEST(closed_but_alive)
{
	double before = seconds();

	write_helper("exec sleep 1000 <&-");
	assert_fails(compile(), "killed");
	ck_assert(seconds() - before < 100);
	assert_no_children();
}
END_TEST

START_TEST(garbage)
{
	write_helper("printf 'Segmentation fault, and much more than a header' >&0; sleep 5");
	assert_fails(compile(), "does not belong to this version");
	assert_no_children();
}
END_TEST

/* It sends back the request, which is not an answer. */
START_TEST(echo)
{
	write_helper("exec cat <&0 >&0");
	assert_fails(compile(), "unexpected kind");
}
END_TEST

/* Magic, kind, size 5 and a checksum that doesn't match the five bytes that follow. */
START_TEST(wrong_checksum)
{
	write_helper("printf 'Ecc5\\002\\0\\0\\0\\005\\0\\0\\0\\0\\0\\0\\0"
		     "\\1\\1\\1\\1\\1\\1\\1\\1abcde' >&0; sleep 5");
	assert_fails(compile(), "checksum");
}
END_TEST

/* A header that announces more bytes than follow. */
START_TEST(truncated_answer)
{
	write_helper("printf 'Ecc5\\002\\0\\0\\0\\377\\0\\0\\0\\0\\0\\0\\0"
		     "\\1\\1\\1\\1\\1\\1\\1\\1abcde' >&0");
	assert_fails(compile(), "exit status 0");
}
END_TEST

START_TEST(children_reaped_by_others)
{
	signal(SIGCHLD, SIG_IGN);
	write_helper("exit 3");
	assert_fails(compile(), "ended without an answer");
	write_helper("exec sleep 1000 <&-");
	assert_fails(compile(), "ended without an answer");
	signal(SIGCHLD, SIG_DFL);
}
END_TEST

START_TEST(closed_standard_descriptors)
{
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	write_helper("echo words >&2; exit 4");
	assert_fails(compile(), "exit status 4");
}
END_TEST

/* The helper inherits no descriptors except the socket and the file for its output. */
START_TEST(inherits_nothing)
{
	int leak = dup(STDERR_FILENO);
	struct ebcc_error *error;

	setenv("SECRET", "1", 1);
	write_helper("ls /proc/$$/fd >&2; echo \"[$SECRET]\" >&2; exit 1");
	error = compile();
	ck_assert_ptr_nonnull(error);
	/* Higher descriptors are the shell's own, for the script. */
	ck_assert_msg(!strncmp(ebcc_error_details(error), "0\n1\n", 4), "%s",
		      ebcc_error_details(error));
	ck_assert_ptr_nonnull(strstr(ebcc_error_details(error), "\n2\n"));
	ck_assert_ptr_nonnull(strstr(ebcc_error_details(error), "[]"));
	for (int fd = 3; fd < 10; fd++) {
		char number[8];

		snprintf(number, sizeof(number), "\n%d\n", fd);
		ck_assert_ptr_null(strstr(ebcc_error_details(error), number));
	}
	ebcc_error_destroy(error);
	close(leak);
}
END_TEST

START_TEST(own_process_group)
{
	struct ebcc_error *error;
	char expected[32];

	write_helper("read pid comm state ppid pgrp rest < /proc/$$/stat; echo $pgrp $pid >&2; "
		     "exit 1");
	error = compile();
	ck_assert_ptr_nonnull(error);
	snprintf(expected, sizeof(expected), "%d ", atoi(ebcc_error_details(error)));
	ck_assert_int_ne(atoi(expected), getpgrp());
	ck_assert_int_eq(atoi(strchr(ebcc_error_details(error), ' ')), atoi(expected));
	ebcc_error_destroy(error);
}
END_TEST

static void ignore_signal(int number)
{
	(void)number;
}

/* Sends @number to this process five times a second, from a child that the caller kills. */
static pid_t send_later(int number)
{
	pid_t parent = getpid(), pid = fork();

	while (!pid) {
		usleep(200000);
		if (getppid() != parent)
			_exit(0);
		kill(parent, number);
	}
	return pid;
}

START_TEST(interrupted)
{
	struct sigaction action = {.sa_handler = ignore_signal, .sa_flags = SA_RESTART};
	double before = seconds();
	struct ebcc_error *error;
	pid_t sender;

	sigaction(SIGINT, &action, NULL);
	write_helper("exec sleep 1000");
	sender = send_later(SIGINT);
	error = compile();
	ck_assert_ptr_nonnull(error);
	ck_assert_msg(ebcc_error_code(error) == EBCC_ERROR_INTERRUPTED, "%s",
		      ebcc_error_message(error));
	ck_assert(seconds() - before < 100);
	ebcc_error_destroy(error);
	kill(sender, SIGKILL);
	ck_assert_int_eq(waitpid(sender, NULL, 0), sender);
	assert_no_children();
}
END_TEST

static bool ask_later(void *ctx)
{
	return ++*(int *)ctx == 3;
}

/* The caller is asked about ten times a second whether to continue. */
START_TEST(interrupted_by_the_caller)
{
	int asked = 0;
	const struct ebcc_log log = {.interrupted = ask_later, .interrupted_ctx = &asked};
	struct ebcc_compiler_client *client;
	struct ebcc_error *error;
	double before = seconds();

	write_helper("exec sleep 1000");
	ck_assert_ptr_null(ebcc_compiler_client_create(&log, EBCC_COMPILER_HELPER, &client));
	error = compile_with(client);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_INTERRUPTED);
	ck_assert_int_eq(asked, 3);
	ck_assert(seconds() - before < 100);
	ebcc_error_destroy(error);
	ebcc_compiler_client_destroy(client);
	assert_no_children();
}
END_TEST

/* Processes that a helper has started end with it: here one keeps a pipe open. */
START_TEST(leaves_no_children)
{
	char fifo[sizeof(directory) + 16], byte;
	int end;

	snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	end = open(fifo, O_RDONLY | O_NONBLOCK);
	ck_assert_int_ge(end, 0);
	setenv("EBCC_CC_TIMEOUT", "1", 1);
	write_helper("exec 5>\"$(dirname $0)/fifo\"; echo >&5; sleep 1000 & sleep 1000");
	assert_fails(compile(), "did not finish within 1 seconds");
	ck_assert_int_eq(read(end, &byte, 1), 1);
	ck_assert_int_eq(poll(&(struct pollfd){.fd = end, .events = POLLIN}, 1, 10000), 1);
	ck_assert_int_eq(read(end, &byte, 1), 0);
	close(end);
	unlink(fifo);
	assert_no_children();
}
END_TEST

/* A profiler's timer does not end a compile. */
START_TEST(timer_does_not_interrupt)
{
	struct sigaction action = {.sa_handler = ignore_signal};
	struct itimerval timer = {.it_interval.tv_usec = 10000, .it_value.tv_usec = 10000};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	write_helper("sleep 0.3; exit 7");
	assert_fails(compile(), "exit status 7");
	setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}
END_TEST

/* A client whose helper died starts another one. */
START_TEST(starts_again)
{
	struct ebcc_compiler_client *client;
	siginfo_t ended;

	ck_assert_ptr_null(ebcc_compiler_client_create(NULL, EBCC_COMPILER_HELPER, &client));
	write_helper("exit 3");
	ck_assert_ptr_null(ebcc_compiler_client_start(client));
	ck_assert_int_eq(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
	write_helper("exit 4");
	assert_fails(compile_with(client), "exit status 4");
	write_helper("exit 5");
	assert_fails(compile_with(client), "exit status 5");
	ebcc_compiler_client_destroy(client);
	assert_no_children();
}
END_TEST

/* A forked child does not kill its parent's helper. */
START_TEST(fork_leaves_helper_alone)
{
	struct ebcc_compiler_client *client;
	pid_t child;
	int status;

	write_helper("sleep 1; exit 6");
	ck_assert_ptr_null(ebcc_compiler_client_create(NULL, EBCC_COMPILER_HELPER, &client));
	ck_assert_ptr_null(ebcc_compiler_client_start(client));
	child = fork();
	if (!child) {
		ebcc_compiler_client_destroy(client);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	assert_fails(compile_with(client), "exit status 6");
	ebcc_compiler_client_destroy(client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compiler_client");
	TCase *tcase = tcase_create("helpers");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, make_directory, remove_directory);
	tcase_add_test(tcase, missing_helper);
	tcase_add_test(tcase, crash);
	tcase_add_test(tcase, killed);
	tcase_add_test(tcase, exit_at_once);
	tcase_add_test(tcase, out_of_memory);
	tcase_add_test(tcase, hang);
	tcase_add_test(tcase, slow_but_running);
	tcase_add_test(tcase, closed_but_alive);
	tcase_add_test(tcase, garbage);
	tcase_add_test(tcase, echo);
	tcase_add_test(tcase, wrong_checksum);
	tcase_add_test(tcase, truncated_answer);
	tcase_add_test(tcase, children_reaped_by_others);
	tcase_add_test(tcase, closed_standard_descriptors);
	tcase_add_test(tcase, inherits_nothing);
	tcase_add_test(tcase, own_process_group);
	tcase_add_test(tcase, interrupted);
	tcase_add_test(tcase, interrupted_by_the_caller);
	tcase_add_test(tcase, leaves_no_children);
	tcase_add_test(tcase, timer_does_not_interrupt);
	tcase_add_test(tcase, starts_again);
	tcase_add_test(tcase, fork_leaves_helper_alone);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
