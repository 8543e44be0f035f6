// SPDX-License-Identifier: Apache-2.0
/* Errors, growable buffers and the hash table. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/write_file.h"

START_TEST(error_carries_everything)
{
	struct ebcc_error *error = ebcc_error_os(EBCC_ERROR_OS, ENOENT, "cannot open %s", "x");

	error = ebcc_error_with_subject(error, "x");
	error = ebcc_error_with_details(error, "line 1\nline 2\n");
	error = ebcc_error_prefix(error, "module %d", 7);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_OS);
	ck_assert_int_eq(ebcc_error_errno(error), ENOENT);
	ck_assert_str_eq(ebcc_error_message(error),
			 "module 7: cannot open x: No such file or directory");
	ck_assert_str_eq(ebcc_error_subject(error), "x");
	ck_assert_str_eq(ebcc_error_details(error), "line 1\nline 2\n");
	ebcc_error_destroy(error);
}
END_TEST

START_TEST(error_permission_and_memory_have_codes)
{
	struct ebcc_error *error = ebcc_error_os(EBCC_ERROR_OS, EPERM, "x");

	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_PERMISSION);
	ebcc_error_destroy(error);
	error = ebcc_error_os(EBCC_ERROR_ATTACH, EPERM, "x");
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_ATTACH);
	ebcc_error_destroy(error);
	error = ebcc_error_os(EBCC_ERROR_OS, ENOMEM, "x");
	ck_assert_ptr_eq(error, ebcc_error_no_memory());
	ebcc_error_destroy(ebcc_error_prefix(error, "static"));
	ck_assert_str_eq(ebcc_error_message(ebcc_error_no_memory()), "out of memory");
}
END_TEST

START_TEST(buf_grows_and_is_terminated)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	char *data;
	size_t size;

	ck_assert_str_eq(ebcc_buf_string(&buf), "");
	for (int i = 0; i < 1000; i++)
		ebcc_buf_printf(&buf, "%03d,", i);
	ck_assert_ptr_null(ebcc_buf_check(&buf));
	ck_assert_uint_eq(buf.size, 4000);
	ck_assert_int_eq(strncmp(ebcc_buf_string(&buf) + 3996, "999,", 5), 0);
	ck_assert_ptr_null(ebcc_buf_take(&buf, &data, &size));
	ck_assert_uint_eq(size, 4000);
	ck_assert_uint_eq(strlen(data), 4000);
	free(data);
	ck_assert_ptr_null(ebcc_buf_take(&buf, &data, &size));
	ck_assert_str_eq(data, "");
	free(data);
}
END_TEST

START_TEST(buf_remembers_failure)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;

	ebcc_buf_append_string(&buf, "kept");
	ebcc_buf_append(&buf, "", SIZE_MAX / 2);
	ebcc_buf_append_string(&buf, "dropped");
	ck_assert_ptr_eq(ebcc_buf_check(&buf), ebcc_error_no_memory());
	ck_assert_str_eq(ebcc_buf_string(&buf), "kept");
	ebcc_buf_clear(&buf);
	ck_assert_ptr_null(ebcc_buf_check(&buf));
}
END_TEST

START_TEST(buf_reads_files_up_to_a_limit)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	char path[] = "/tmp/ebcc-test-XXXXXX";
	int fd = mkstemp(path);
	struct ebcc_error *error;

	ck_assert_int_eq(write(fd, "0123456789", 10), 10);
	close(fd);
	ck_assert_ptr_null(ebcc_buf_read_file(&buf, path, 10));
	ck_assert_str_eq(ebcc_buf_string(&buf), "0123456789");
	ebcc_buf_clear(&buf);
	error = ebcc_buf_read_file(&buf, path, 9);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
	ck_assert_str_eq(ebcc_error_subject(error), path);
	ebcc_error_destroy(error);
	unlink(path);
	error = ebcc_buf_read_file(&buf, path, 9);
	ck_assert_int_eq(ebcc_error_errno(error), ENOENT);
	ebcc_error_destroy(error);
	ebcc_buf_clear(&buf);
	/* A file in /proc reports a size of 0. */
	ck_assert_ptr_null(ebcc_buf_read_file(&buf, "/proc/self/status", 1 << 20));
	ck_assert_ptr_nonnull(strstr(ebcc_buf_string(&buf), "VmHWM"));
}
END_TEST

/* A pipe that nobody writes to would block its reader forever. */
START_TEST(buf_refuses_pipes)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
	char directory[] = "/tmp/ebcc-test-XXXXXX", path[64];
	struct ebcc_error *error;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/pipe", directory);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	error = ebcc_buf_read_file(&buf, path, 10);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
	ck_assert_str_eq(ebcc_error_subject(error), path);
	ebcc_error_destroy(error);
	unlink(path);
	rmdir(directory);
}
END_TEST

/* Reads what a test wrote. */
static void check_file(const char *path, const char *text)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;

	ck_assert_ptr_null(ebcc_buf_read_file(&buf, path, 100));
	ck_assert_str_eq(ebcc_buf_string(&buf), text);
}

/* A file is replaced as a whole, and nothing stays behind. */
START_TEST(write_file_replaces)
{
	char folder[] = "/tmp/ebcc-test.XXXXXX", path[64];
	struct ebcc_error *error;
	struct stat found;
	mode_t mask = umask(027);

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	ck_assert_ptr_null(ebcc_write_file(path, "first", 5));
	check_file(path, "first");
	ck_assert_int_eq(stat(path, &found), 0);
	ck_assert_uint_eq(found.st_mode & 0777, 0640);
	ck_assert_ptr_null(ebcc_write_file(path, "2", 1));
	check_file(path, "2");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	error = ebcc_write_file(path, "3", 1);
	ck_assert_int_eq(ebcc_error_errno(error), ENOENT);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), path));
	ebcc_error_destroy(error);
	umask(mask);
}
END_TEST

/* A device stays one. */
START_TEST(write_file_writes_to_devices)
{
	struct ebcc_error *error;
	struct stat found;

	ck_assert_ptr_null(ebcc_write_file("/dev/null", "text", 4));
	ck_assert_int_eq(stat("/dev/null", &found), 0);
	ck_assert(S_ISCHR(found.st_mode));
	error = ebcc_write_file("/dev/full", "text", 4);
	ck_assert_int_eq(ebcc_error_errno(error), ENOSPC);
	ebcc_error_destroy(error);
}
END_TEST

START_TEST(hash_finds_inserted_keys)
{
	AUTO_HASH struct ebcc_hash hash = {0};
	char key[32];
	size_t seen = 0;

	ck_assert_ptr_null(ebcc_hash_find_string(&hash, "a"));
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "name%d", i);
		*ebcc_hash_insert_string(&hash, key) = i;
	}
	ck_assert_uint_eq(hash.count, 5000);
	*ebcc_hash_insert_string(&hash, "name77") += 1000000;
	ck_assert_uint_eq(hash.count, 5000);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "name%d", i);
		ck_assert_uint_eq(*ebcc_hash_find_string(&hash, key), i == 77 ? 1000077 : i);
	}
	hash_for_each (&hash, entry)
		seen++;
	ck_assert_uint_eq(seen, 5000);
	/* A key has a size: it doesn't end at a NUL. */
	ck_assert_ptr_nonnull(ebcc_hash_find(&hash, "name12", 5));
	ck_assert_ptr_null(ebcc_hash_find(&hash, "name12", 4));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base");
	TCase *tcase = tcase_create("base");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, error_carries_everything);
	tcase_add_test(tcase, error_permission_and_memory_have_codes);
	tcase_add_test(tcase, buf_grows_and_is_terminated);
	tcase_add_test(tcase, buf_remembers_failure);
	tcase_add_test(tcase, buf_reads_files_up_to_a_limit);
	tcase_add_test(tcase, buf_refuses_pipes);
	tcase_add_test(tcase, write_file_replaces);
	tcase_add_test(tcase, write_file_writes_to_devices);
	tcase_add_test(tcase, hash_finds_inserted_keys);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
