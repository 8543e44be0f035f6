// SPDX-License-Identifier: Apache-2.0
/*
 * The disk cache with anything that a disk and other users can do to it. A lookup always returns
 * the bytes that were stored, or misses.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/disk_cache.h"

static char base[64], directory[128];
static char log_text[4096];

static void collect_log(void *ctx, enum ebcc_log_level level, const char *message)
{
	size_t used = strlen(log_text);

	snprintf(log_text + used, sizeof(log_text) - used, "%s\n", message);
}

static const struct ebcc_log test_log = {.fn = collect_log};
static const struct ebcc_cache_key key = {.low = 0x1234, .high = 0xabcdef};
static const char key_name[] = "0000000000abcdef0000000000001234.o";

static void setup(void)
{
	strcpy(base, "/tmp/ebcc-cache-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	snprintf(directory, sizeof(directory), "%s/cache", base);
	log_text[0] = '\0';
}

static void teardown(void)
{
	char command[128];

	umount2(directory, MNT_DETACH);
	snprintf(command, sizeof(command), "rm -rf %s", base);
	ck_assert_int_eq(system(command), 0);
}

static struct ebcc_disk_cache *open_cache(uint64_t size_limit)
{
	struct ebcc_disk_cache_opts opts = {.directory = directory, .size_limit = size_limit};

	return ebcc_disk_cache_create(&opts, &test_log);
}

static bool gives(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *which,
		  const char *expected)
{
	AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;

	if (!ebcc_disk_cache_get(cache, which, "o", &buf))
		return false;
	ck_assert_str_eq(ebcc_buf_string(&buf), expected);
	return true;
}

static void entry_path(char path[256])
{
	snprintf(path, 256, "%s/%s", directory, key_name);
}

START_TEST(returns_what_was_stored)
{
	struct ebcc_disk_cache *cache = open_cache(0);
	struct ebcc_cache_key other = {.low = 1, .high = key.high};

	ck_assert_ptr_nonnull(cache);
	ck_assert(!gives(cache, &key, ""));
	ebcc_disk_cache_put(cache, &key, "o", "data", 4);
	ck_assert(gives(cache, &key, "data"));
	ck_assert(!gives(cache, &other, ""));
	ebcc_disk_cache_put(cache, &key, "o", "newer data", 10);
	ck_assert(gives(cache, &key, "newer data"));
	ebcc_disk_cache_destroy(cache);
	cache = open_cache(0);
	ck_assert(gives(cache, &key, "newer data"));
	ebcc_disk_cache_destroy(cache);
}
END_TEST

static void store(struct ebcc_disk_cache *cache, uint64_t low, const char *kind, time_t used)
{
	const struct ebcc_cache_key which = {.low = low};
	const struct timespec times[2] = {{.tv_sec = used}, {.tv_sec = used}};
	char path[192];

	ebcc_disk_cache_put(cache, &which, kind, "bytes", 5);
	snprintf(path, sizeof(path), "%s/%032llx.%s", directory, (unsigned long long)low, kind);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* The name of an entry may belong to a file that isn't one. */
static void write_text(const char *name, const char *text)
{
	char path[192];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

START_TEST(lists_checks_and_removes_entries)
{
	struct ebcc_disk_cache *cache = open_cache(0);
	AUTO_FREE struct ebcc_disk_cache_entry *entries = NULL;
	AUTO_BUF struct ebcc_buf bytes = EBCC_BUF_INIT;
	const struct ebcc_cache_key none = {.low = 99};
	size_t count;

	store(cache, 1, "answer", 1000);
	store(cache, 2, "manifest", 3000);
	store(cache, 3, "answer", 2000);
	write_text("README", "");
	write_text("00000000000000000000000000000001.", "");
	write_text("00000000000000000000000000000001.longer_than_any_kind_can_be", "");
	ck_assert_ptr_null(ebcc_disk_cache_list(cache, &entries, &count));
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(entries[0].key.low, 2);
	ck_assert_str_eq(entries[0].kind, "manifest");
	ck_assert_int_eq(entries[0].used, 3000);
	ck_assert_uint_gt(entries[0].size, 5);
	ck_assert_uint_eq(entries[1].key.low, 3);
	ck_assert_uint_eq(entries[2].key.low, 1);
	ck_assert_int_eq(ebcc_disk_cache_check(cache, &entries[0].key, "manifest", &bytes),
			 EBCC_CACHE_ENTRY_VALID);
	ck_assert_str_eq(ebcc_buf_string(&bytes), "bytes");
	ck_assert_int_eq(ebcc_disk_cache_check(cache, &none, "answer", &bytes),
			 EBCC_CACHE_ENTRY_MISSING);
	write_text("00000000000000000000000000000001.answer", "damaged");
	ck_assert_int_eq(ebcc_disk_cache_check(cache, &entries[2].key, "answer", &bytes),
			 EBCC_CACHE_ENTRY_DAMAGED);
	ck_assert_int_eq(ebcc_disk_cache_check(cache, &entries[2].key, "answer", &bytes),
			 EBCC_CACHE_ENTRY_DAMAGED); /* it is still there */
	ck_assert_ptr_null(ebcc_disk_cache_remove(cache, &entries[0].key, "manifest"));
	ck_assert_int_eq(ebcc_disk_cache_check(cache, &entries[0].key, "manifest", &bytes),
			 EBCC_CACHE_ENTRY_MISSING);
	ck_assert_ptr_null(ebcc_disk_cache_remove(cache, &none, "answer"));
	ebcc_disk_cache_destroy(cache);
}
END_TEST

START_TEST(every_damage_is_a_miss)
{
	struct ebcc_disk_cache *cache = open_cache(0);
	char path[256], bytes[128];
	ssize_t size;

	entry_path(path);
	ebcc_disk_cache_put(cache, &key, "o", "some data", 9);
	{
		AUTO_CLOSE int fd = open(path, O_RDONLY);

		size = read(fd, bytes, sizeof(bytes));
		ck_assert_int_eq(size, 5 * 8 + 9);
	}
	for (ssize_t at = 0; at < size; at++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		bytes[at] ^= 0x40;
		ck_assert_int_eq(write(fd, bytes, size), size);
		close(fd);
		bytes[at] ^= 0x40;
		ck_assert_msg(!gives(cache, &key, ""), "byte %zd flipped", at);
		/* A damaged entry is removed, and can be written again. */
		ck_assert_int_eq(access(path, F_OK), -1);
	}
	for (ssize_t length = 0; length < size; length++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		ck_assert_int_eq(write(fd, bytes, length), length);
		close(fd);
		ck_assert_msg(!gives(cache, &key, ""), "cut to %zd", length);
	}
	ebcc_disk_cache_put(cache, &key, "o", "some data", 9);
	ck_assert(gives(cache, &key, "some data"));
	ebcc_disk_cache_destroy(cache);
}
END_TEST

START_TEST(an_entry_under_another_name_is_a_miss)
{
	struct ebcc_disk_cache *cache = open_cache(0);
	struct ebcc_cache_key other = {.low = 0x9999, .high = 0xabcdef};
	char from[256], to[256];

	ebcc_disk_cache_put(cache, &other, "o", "other", 5);
	snprintf(from, sizeof(from), "%s/0000000000abcdef0000000000009999.o", directory);
	entry_path(to);
	ck_assert_int_eq(rename(from, to), 0);
	ck_assert(!gives(cache, &key, ""));
	ebcc_disk_cache_destroy(cache);
}
END_TEST

START_TEST(others_files_are_not_read)
{
	struct ebcc_disk_cache *cache = open_cache(0);
	char path[256], target[256];

	entry_path(path);
	ebcc_disk_cache_put(cache, &key, "o", "data", 4);
	ck_assert_int_eq(chmod(path, 0620), 0);
	ck_assert(!gives(cache, &key, ""));
	ck_assert_ptr_nonnull(strstr(log_text, "is not used"));
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert(gives(cache, &key, "data"));
	ck_assert_int_eq(chown(path, 12345, -1), 0);
	ck_assert(!gives(cache, &key, ""));
	ck_assert_int_eq(chown(path, 0, -1), 0);
	/* A symbolic link to a valid entry, and a FIFO that nobody writes to. */
	snprintf(target, sizeof(target), "%s/target", base);
	ck_assert_int_eq(rename(path, target), 0);
	ck_assert_int_eq(symlink(target, path), 0);
	ck_assert(!gives(cache, &key, ""));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert(!gives(cache, &key, ""));
	ebcc_disk_cache_destroy(cache);
}
END_TEST

START_TEST(an_untrusted_directory_is_not_used)
{
	ck_assert_int_eq(mkdir(directory, 0700), 0);
	ck_assert_int_eq(chmod(directory, 0770), 0);
	ck_assert_ptr_null(open_cache(0));
	ck_assert_ptr_nonnull(strstr(log_text, "can write to it"));
	ck_assert_int_eq(chmod(directory, 0700), 0);
	ck_assert_int_eq(chown(directory, 12345, -1), 0);
	ck_assert_ptr_null(open_cache(0));
	ck_assert_int_eq(chown(directory, 0, -1), 0);
	/* Others can replace a directory whose parent they can write to. */
	ck_assert_int_eq(chmod(base, 0777), 0);
	ck_assert_ptr_null(open_cache(0));
	ck_assert_int_eq(chmod(base, 01777), 0);
	{
		struct ebcc_disk_cache *cache = open_cache(0);

		ck_assert_ptr_nonnull(cache);
		ebcc_disk_cache_destroy(cache);
	}
	ck_assert_int_eq(chmod(base, 0700), 0);
	ck_assert_int_eq(chown(base, 12345, -1), 0);
	ck_assert_ptr_null(open_cache(0));
	ck_assert_int_eq(chown(base, 0, -1), 0);
}
END_TEST

START_TEST(a_full_disk_and_a_read_only_one_are_misses)
{
	struct ebcc_disk_cache *cache;
	static char big[256 << 10];
	struct ebcc_cache_key other = {.low = 7};

	ck_assert_int_eq(mkdir(directory, 0700), 0);
	ck_assert_int_eq(mount("tmpfs", directory, "tmpfs", 0, "size=64k,mode=0700"), 0);
	cache = open_cache(0);
	ck_assert_ptr_nonnull(cache);
	ebcc_disk_cache_put(cache, &key, "o", "data", 4);
	ebcc_disk_cache_put(cache, &other, "o", big, sizeof(big));
	ck_assert(!gives(cache, &other, ""));
	ck_assert(gives(cache, &key, "data"));
	ck_assert_ptr_nonnull(strstr(log_text, "No space left on device"));
	ck_assert_int_eq(mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	ebcc_disk_cache_put(cache, &other, "o", "data", 4);
	ck_assert(!gives(cache, &other, ""));
	ck_assert(gives(cache, &key, "data"));
	ck_assert_ptr_nonnull(strstr(log_text, "Read-only file system"));
	ebcc_disk_cache_destroy(cache);
}
END_TEST

static unsigned count_files(uint64_t *ret_total)
{
	DIR *listing = opendir(directory);
	struct dirent *dirent;
	unsigned count = 0;

	*ret_total = 0;
	while ((dirent = readdir(listing))) {
		struct stat status;

		if (fstatat(dirfd(listing), dirent->d_name, &status, 0) || !S_ISREG(status.st_mode))
			continue;
		count++;
		*ret_total += status.st_size;
	}
	closedir(listing);
	return count;
}

START_TEST(the_size_is_bounded_and_the_oldest_go_first)
{
	struct ebcc_disk_cache *cache = open_cache(100000);
	static char data[10000];
	uint64_t total;

	memset(data, 'x', sizeof(data) - 1);
	for (int i = 0; i < 40; i++) {
		struct ebcc_cache_key which = {.low = i};
		struct timespec old[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
		char path[256];

		ebcc_disk_cache_put(cache, &which, "o", data, sizeof(data) - 1);
		snprintf(path, sizeof(path), "%s/%016x%016x.o", directory, 0, i);
		/* In the order of their numbers, even if several were written in one clock tick. */
		if (!access(path, F_OK))
			utimensat(AT_FDCWD, path, old, 0);
	}
	count_files(&total);
	ck_assert_uint_le(total, 100000);
	ck_assert_uint_ge(total, 50000);
	ck_assert(!gives(cache, &(struct ebcc_cache_key){.low = 0}, ""));
	ck_assert(gives(cache, &(struct ebcc_cache_key){.low = 38}, data));
	/* Larger than the whole cache: it isn't stored, and nothing is evicted for it. */
	ebcc_disk_cache_destroy(cache);
	cache = open_cache(5000);
	ebcc_disk_cache_put(cache, &key, "o", data, sizeof(data));
	ck_assert(!gives(cache, &key, ""));
	ck_assert(gives(cache, &(struct ebcc_cache_key){.low = 38}, data));
	ebcc_disk_cache_destroy(cache);
}
END_TEST

START_TEST(concurrent_writers_and_readers_see_whole_entries)
{
	enum { PROCESSES = 4, ROUNDS = 300 };
	pid_t children[PROCESSES];
	uint64_t total;

	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		struct ebcc_disk_cache *cache = open_cache(0);

		for (int round = 0; round < ROUNDS; round++) {
			AUTO_BUF struct ebcc_buf buf = EBCC_BUF_INIT;
			char data[3000];

			memset(data, 'a' + (i + round) % 26, sizeof(data));
			ebcc_disk_cache_put(cache, &key, "o", data, 1 + (i * 997 + round) % 2999);
			if (!ebcc_disk_cache_get(cache, &key, "o", &buf))
				_exit(1);
			for (size_t at = 1; at < buf.size; at++) {
				if (buf.data[at] != buf.data[0])
					_exit(2);
			}
		}
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_uint_eq(count_files(&total), 1);
}
END_TEST

START_TEST(environment_sets_directory_or_turns_off)
{
	struct ebcc_disk_cache *cache;

	setenv("EBCC_CACHE", "off", 1);
	ck_assert_ptr_null(ebcc_disk_cache_create(NULL, &test_log));
	setenv("EBCC_CACHE", "relative/path", 1);
	ck_assert_ptr_null(ebcc_disk_cache_create(NULL, &test_log));
	ck_assert_ptr_nonnull(strstr(log_text, "not an absolute path"));
	setenv("EBCC_CACHE", directory, 1);
	cache = ebcc_disk_cache_create(NULL, &test_log);
	ck_assert_ptr_nonnull(cache);
	ebcc_disk_cache_put(cache, &key, "o", "data", 4);
	ebcc_disk_cache_destroy(cache);
	{
		char path[256];

		entry_path(path);
		ck_assert_int_eq(access(path, F_OK), 0);
	}
	/* A NULL cache always misses, and is safe to use. */
	ck_assert(!gives(NULL, &key, ""));
	ebcc_disk_cache_put(NULL, &key, "o", "data", 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("disk_cache");
	TCase *tcase = tcase_create("disk_cache");
	SRunner *runner;
	int failed;

	if (geteuid()) {
		fprintf(stderr,
			"run as root: the test gives files to other users and mounts tmpfs\n");
		return 77;
	}
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, returns_what_was_stored);
	tcase_add_test(tcase, lists_checks_and_removes_entries);
	tcase_add_test(tcase, every_damage_is_a_miss);
	tcase_add_test(tcase, an_entry_under_another_name_is_a_miss);
	tcase_add_test(tcase, others_files_are_not_read);
	tcase_add_test(tcase, an_untrusted_directory_is_not_used);
	tcase_add_test(tcase, a_full_disk_and_a_read_only_one_are_misses);
	tcase_add_test(tcase, the_size_is_bounded_and_the_oldest_go_first);
	tcase_add_test(tcase, concurrent_writers_and_readers_see_whole_entries);
	tcase_add_test(tcase, environment_sets_directory_or_turns_off);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
