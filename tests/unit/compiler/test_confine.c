// SPDX-License-Identifier: Apache-2.0
/*
 * Tests the confinement of the compiler's process from inside: a confined child tries what it must
 * not do. What only Landlock forbids is not tried if the kernel doesn't have it.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler/confine.h"

static char directory[] = "/tmp/ebcc-test-confine.XXXXXX";
static char inside[64], outside[64];
/* Checked before the child is confined, because the check itself is forbidden then. */
static bool has_landlock;

static void write_file(const char *path)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs("text\n", file);
	ck_assert_int_eq(fclose(file), 0);
}

static void make_directory(void)
{
	has_landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(outside, sizeof(outside), "%s/outside", directory);
	write_file(outside);
	snprintf(inside, sizeof(inside), "%s/in", directory);
	ck_assert_int_eq(mkdir(inside, 0755), 0);
	strcat(inside, "/file");
	write_file(inside);
}

static void remove_directory(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

/* The line of the first check that failed in the child; 0 if none did. */
static int check_line;
#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition) && !check_line)                                                   \
			check_line = __LINE__;                                                     \
	} while (0)

/* Runs a function in a confined child, which may read only the directory "in". */
static void run_confined(void (*function)(void))
{
	char readable[64];
	const char *const paths[] = {readable};
	int ends[2], status, line = -1;
	pid_t child;

	snprintf(readable, sizeof(readable), "%s/in", directory);
	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		ebcc_confine(paths, 1);
		function();
		if (write(ends[1], &check_line, sizeof(check_line)) < 0)
			_exit(2);
		_exit(0);
	}
	close(ends[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "status %#x", status);
	ck_assert_int_eq(read(ends[0], &line, sizeof(line)), sizeof(line));
	ck_assert_msg(!line, "the check of line %d failed", line);
	close(ends[0]);
}

static void read_files(void)
{
	char text[8] = "";
	int fd = open(inside, O_RDONLY);

	EXPECT(fd >= 0 && read(fd, text, sizeof(text) - 1) == 5 && !strcmp(text, "text\n"));
	if (has_landlock) {
		EXPECT(open(outside, O_RDONLY) < 0 && errno == EACCES);
		EXPECT(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
		EXPECT(open("/proc/self/mem", O_RDONLY) < 0 && errno == EACCES);
	}
}

START_TEST(reads_its_directory_only)
{
	run_confined(read_files);
}
END_TEST

static void write_files(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s.new", inside);
	EXPECT(open(inside, O_WRONLY) < 0 && errno == EPERM);
	EXPECT(open(inside, O_RDWR) < 0 && errno == EPERM);
	EXPECT(open(inside, O_RDONLY | O_TRUNC) < 0 && errno == EPERM);
	EXPECT(open(path, O_RDONLY | O_CREAT, 0600) < 0 && errno == EPERM);
	EXPECT(open("/tmp", O_TMPFILE | O_RDWR, 0600) < 0 && errno == EPERM);
	EXPECT(unlink(inside) < 0 && errno == EPERM);
	EXPECT(rename(inside, path) < 0 && errno == EPERM);
	EXPECT(mkdir(path, 0700) < 0 && errno == EPERM);
	EXPECT(chmod(inside, 0777) < 0 && errno == EPERM);
	EXPECT(symlink("a", path) < 0 && errno == EPERM);
}

START_TEST(writes_nothing)
{
	run_confined(write_files);
	ck_assert_int_eq(access(inside, F_OK), 0);
}
END_TEST

static void reach_out(void)
{
	char *const argv[] = {"true", NULL};

	EXPECT(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
	EXPECT(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM);
	EXPECT(fork() < 0 && errno == EPERM);
	EXPECT(execve("/bin/true", argv, NULL) < 0 && errno == EPERM);
	EXPECT(kill(getppid(), 0) < 0 && errno == EPERM);
	EXPECT(syscall(SYS_tgkill, getppid(), getppid(), 0) < 0 && errno == EPERM);
	EXPECT(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
	EXPECT(syscall(SYS_ptrace, 0, 0, 0, 0) < 0 && errno == EPERM);
	EXPECT(syscall(SYS_prlimit64, getppid(), RLIMIT_CPU, NULL, NULL) < 0 && errno == EPERM);
	EXPECT(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		       MAP_FAILED &&
	       errno == EPERM);
}

START_TEST(starts_and_reaches_nothing)
{
	run_confined(reach_out);
}
END_TEST

/* A confined process can't query its capabilities, so the parent checks those of a waiting
 * child. */
START_TEST(has_no_capabilities)
{
	char readable[64], path[64], line[128], byte;
	const char *const paths[] = {readable};
	int ready[2], end[2], seen = 0;
	pid_t child;
	FILE *file;

	snprintf(readable, sizeof(readable), "%s/in", directory);
	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(end), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		close(end[1]);
		ebcc_confine(paths, 1);
		_exit(write(ready[1], "", 1) != 1 || read(end[0], &byte, 1) != 0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "CapPrm:", 7) || !strncmp(line, "CapEff:", 7) ||
		    !strncmp(line, "CapInh:", 7) || !strncmp(line, "CapAmb:", 7)) {
			ck_assert_msg(strtoull(line + 7, NULL, 16) == 0, "%s", line);
			seen++;
		}
		if (!strncmp(line, "NoNewPrivs:", 11) || !strncmp(line, "Seccomp:", 8)) {
			ck_assert_msg(strtoul(strchr(line, ':') + 1, NULL, 10) > 0, "%s", line);
			seen++;
		}
	}
	fclose(file);
	ck_assert_int_eq(seen, 6);
	close(end[1]);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("confine");
	TCase *tcase = tcase_create("walls");
	SRunner *runner;
	int failed;

	tcase_add_unchecked_fixture(tcase, make_directory, remove_directory);
	tcase_add_test(tcase, reads_its_directory_only);
	tcase_add_test(tcase, writes_nothing);
	tcase_add_test(tcase, starts_and_reaches_nothing);
	tcase_add_test(tcase, has_no_capabilities);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
