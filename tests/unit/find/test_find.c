// SPDX-License-Identifier: Apache-2.0
/* Finding functions, trace events, user functions and libraries; and the trace pipe. */
#include "elf/library.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "error_checks.h"
#include "kernel/tracefs.h"

static bool list_has(char **list, const char *name)
{
	for (; *list; list++)
		if (!strcmp(*list, name))
			return true;
	return false;
}

static void assert_sorted(char **list, size_t count)
{
	for (size_t i = 1; i < count; i++)
		ck_assert_msg(strcmp(list[i - 1], list[i]) < 0, "%s before %s", list[i - 1],
			      list[i]);
	ck_assert_ptr_null(list[count]);
}

/* ---- Kernel ---- */

START_TEST(kernel_functions)
{
	AUTO_FREE char **list = NULL, **anchored = NULL, **all = NULL;
	struct ebcc_find_opts opts = {.sz = sizeof(opts), .limit = 1};
	size_t count, anchored_count, all_count;

	ck_assert_ok(ebcc_kernel_find_functions("vfs_(read|write)v?$", NULL, &list, &count));
	ck_assert(list_has(list, "vfs_read") && list_has(list, "vfs_write"));
	ck_assert_uint_le(count, 4);
	assert_sorted(list, count);
	/* Matches begin at the start of a name, as with Python's re.match(), with or without ^. */
	ck_assert_ok(ebcc_kernel_find_functions("^vfs_(read|write)v?$", NULL, &anchored,
						&anchored_count));
	ck_assert_uint_eq(count, anchored_count);
	free(anchored);
	ck_assert_ok(ebcc_kernel_find_functions("vfs_(read|write)v?$", &opts, &anchored,
						&anchored_count));
	ck_assert_uint_eq(anchored_count, 1);
	ck_assert_str_eq(anchored[0], list[0]);
	ck_assert_ptr_null(anchored[1]);
	free(anchored);
	ck_assert_ok(ebcc_kernel_find_functions("fs_read$", NULL, &anchored, &anchored_count));
	ck_assert(!list_has(anchored, "vfs_read"));
	ck_assert_ok(ebcc_kernel_find_functions("", NULL, &all, &all_count));
	ck_assert_uint_gt(all_count, 10000);
	assert_sorted(all, all_count);
	/* The code of this function was freed after boot. */
	ck_assert(!list_has(all, "start_kernel"));
}
END_TEST

START_TEST(bad_expressions_are_refused)
{
	char **list = NULL;
	size_t count;

	assert_fails(ebcc_kernel_find_functions("vfs_(", NULL, &list, &count),
		     EBCC_ERROR_INVALID_ARGUMENT, "\"vfs_(\" is not a regular expression");
	assert_fails(ebcc_kernel_find_tracepoints("[", NULL, &list, &count),
		     EBCC_ERROR_INVALID_ARGUMENT, "\"[\"");
	ck_assert_ptr_null(list);
}
END_TEST

START_TEST(tracepoints)
{
	AUTO_FREE char **list = NULL;
	size_t count;

	ck_assert_ok(ebcc_kernel_find_tracepoints("sched:sched_process_(fork|exit)$", NULL, &list,
						  &count));
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(list[0], "sched:sched_process_exit");
	ck_assert_str_eq(list[1], "sched:sched_process_fork");
	ck_assert(ebcc_kernel_has_tracepoint("sched", "sched_switch"));
	ck_assert(!ebcc_kernel_has_tracepoint("sched", "sched_swich"));
	ck_assert(!ebcc_kernel_has_tracepoint("sched", ""));
	ck_assert(!ebcc_kernel_has_tracepoint("..", "events/sched/sched_switch"));
}
END_TEST

START_TEST(syscall_prefix)
{
	char name[64];
	AUTO_FREE char **list = NULL;
	size_t count;

	snprintf(name, sizeof(name), "%sgetpgid$", ebcc_kernel_syscall_prefix());
	ck_assert_ok(ebcc_kernel_find_functions(name, NULL, &list, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_ptr_eq(ebcc_kernel_syscall_prefix(), ebcc_kernel_syscall_prefix());
}
END_TEST

/* ---- User files ---- */

START_TEST(user_functions)
{
	AUTO_FREE char **names = NULL;
	AUTO_FREE uint64_t *addresses = NULL;
	size_t count;

	ck_assert_ok(ebcc_binary_find_functions(EBCC_TEST_ELF_SAMPLE, "sample_(plain|hidden|data)$",
						NULL, &names, &addresses, &count));
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(names[0], "sample_hidden");
	ck_assert_str_eq(names[1], "sample_plain");
	ck_assert_uint_ne(addresses[0], addresses[1]);
	ck_assert_uint_ne(addresses[0], 0);
	ck_assert_ptr_null(names[2]);
	assert_fails(ebcc_binary_find_functions("/nowhere", "x", NULL, &names, &addresses, &count),
		     EBCC_ERROR_NOT_FOUND, "/nowhere");
}
END_TEST

struct loaded {
	const char *part;
	char path[4096];
};

static int see_loaded(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct loaded *loaded = ctx;

	if (!strstr(info->dlpi_name, loaded->part))
		return 0;
	snprintf(loaded->path, sizeof(loaded->path), "%s", info->dlpi_name);
	return 1;
}

static void assert_same_file(const char *path, const char *expected)
{
	struct stat a, b;

	ck_assert_msg(!stat(path, &a) && !stat(expected, &b), "%s or %s is missing", path,
		      expected);
	ck_assert_msg(a.st_dev == b.st_dev && a.st_ino == b.st_ino, "%s, not %s", path, expected);
}

START_TEST(libraries)
{
	static const char *const names[] = {"c", "libc.so", "libc.so.6"};
	struct ebcc_binary_opts own = {.sz = sizeof(own), .pid = getpid()};
	struct loaded loaded = {.part = "/libc.so"};
	char *path = NULL;

	ck_assert_int_eq(dl_iterate_phdr(see_loaded, &loaded), 1);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_ok(ebcc_library_find(names[i], NULL, &path));
		assert_same_file(path, loaded.path);
		free(path);
		ck_assert_ok(ebcc_library_find(names[i], &own, &path));
		assert_same_file(path, loaded.path);
		free(path);
	}
	ck_assert_ok(ebcc_library_find(loaded.path, NULL, &path));
	ck_assert_str_eq(path, loaded.path);
	free(path);
	path = NULL;
	assert_fails(ebcc_library_find("nosuchlib", NULL, &path), EBCC_ERROR_NOT_FOUND,
		     "nosuchlib");
	assert_fails(ebcc_library_find("nosuchlib", &own, &path), EBCC_ERROR_NOT_FOUND,
		     "has no library nosuchlib loaded");
	assert_fails(ebcc_library_find("/no/such", NULL, &path), EBCC_ERROR_NOT_FOUND, "/no/such");
	assert_fails(ebcc_library_find("", NULL, &path), EBCC_ERROR_INVALID_ARGUMENT, "empty");
	ck_assert_ptr_null(path);
}
END_TEST

START_TEST(programs)
{
	char *path = NULL;
	int fd = -1;

	ck_assert_ok(ebcc_open_binary("sh", 0, &fd, &path));
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(path[0], '/');
	ck_assert_str_eq(strrchr(path, '/'), "/sh");
	free(path);
}
END_TEST

/* Whatever the cache contains, the search stays within it, and so does what it returns. */
START_TEST(damaged_library_caches)
{
	AUTO_BUF struct ebcc_buf cache = EBCC_BUF_INIT;
	size_t found = 0;

	ck_assert_ok(ebcc_buf_read_file(&cache, "/etc/ld.so.cache", 64u << 20));
	ck_assert_ptr_nonnull(ebcc_library_in_cache(cache.data, cache.size, "c"));
	srandom(2);
	for (int round = 0; round < 3000; round++) {
		size_t size = round % 2 ? cache.size : (size_t)random() % cache.size;
		char *copy = malloc(size);
		const char *path;

		memcpy(copy, cache.data, size);
		for (int flips = (int)(random() % 200); size && flips; flips--)
			copy[(size_t)random() % (round % 3     ? size
						 : size < 4096 ? size
							       : 4096)] ^=
				(char)(1 << random() % 8);
		path = ebcc_library_in_cache(copy, size, "c");
		if (path) {
			ck_assert(path > copy && path < copy + size);
			ck_assert_uint_lt(strlen(path), size);
			found++;
		}
		free(copy);
	}
	ck_assert_uint_gt(found, 10);
}
END_TEST

/* ---- The trace pipe ---- */

static void write_marker(const char *text)
{
	const char *tracefs;
	char path[4096];
	int fd;

	ck_assert_ok(ebcc_tracefs_find(&tracefs));
	snprintf(path, sizeof(path), "%s/trace_marker", tracefs);
	fd = open(path, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

START_TEST(trace_pipe_gives_lines)
{
	struct ebcc_trace_pipe *pipe;
	char marker[64], expected[80];
	bool found = false;
	const char *line;

	snprintf(marker, sizeof(marker), "ebcc test %d one\n", (int)getpid());
	snprintf(expected, sizeof(expected), "ebcc test %d one", (int)getpid());
	ck_assert_ok(ebcc_trace_pipe_open(true, &pipe));
	write_marker(marker);
	for (int i = 0; i < 100000 && !found; i++) {
		ck_assert_ok(ebcc_trace_pipe_read(pipe, &line));
		if (!line)
			break;
		ck_assert_ptr_null(strchr(line, '\n'));
		found = strlen(line) > strlen(expected) &&
			!strcmp(line + strlen(line) - strlen(expected), expected);
	}
	ck_assert(found);
	ebcc_trace_pipe_close(pipe);
}
END_TEST

static void ignore_signal(int signal)
{
}

START_TEST(trace_pipe_is_interrupted_by_signals)
{
	struct sigaction action = {.sa_handler = ignore_signal};
	struct ebcc_trace_pipe *pipe;
	struct ebcc_error *error = NULL;
	const char *line;

	sigaction(SIGALRM, &action, NULL);
	ck_assert_ok(ebcc_trace_pipe_open(false, &pipe));
	ualarm(50000, 50000);
	/* Other programs may be printing; skip their lines. */
	while (!error)
		error = ebcc_trace_pipe_read(pipe, &line);
	ualarm(0, 0);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_INTERRUPTED);
	ebcc_error_destroy(error);
	ebcc_trace_pipe_close(pipe);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("find");
	TCase *finding = tcase_create("finding"), *trace_pipe = tcase_create("trace_pipe");
	SRunner *runner;
	int failed;

	tcase_set_timeout(finding, 120);
	tcase_add_test(finding, kernel_functions);
	tcase_add_test(finding, bad_expressions_are_refused);
	tcase_add_test(finding, tracepoints);
	tcase_add_test(finding, syscall_prefix);
	tcase_add_test(finding, user_functions);
	tcase_add_test(finding, libraries);
	tcase_add_test(finding, programs);
	tcase_add_test(finding, damaged_library_caches);
	suite_add_tcase(suite, finding);
	tcase_add_test(trace_pipe, trace_pipe_gives_lines);
	tcase_add_test(trace_pipe, trace_pipe_is_interrupted_by_signals);
	suite_add_tcase(suite, trace_pipe);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
