// SPDX-License-Identifier: Apache-2.0
/*
 * Finding kernel headers in the places and layouts that distributions use, with trees made by the
 * tests, and unpacking those that are built into a kernel.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/headers.h"

#define RELEASE "9.8.7-test"

static char root[64];
static struct ebcc_kernel_info kernel;
static struct ebcc_disk_cache *cache;

/* Runs a shell command in the root. */
static void shell(const char *command)
{
	char *line;

	ck_assert_int_gt(asprintf(&line, "set -e; cd %s; %s", root, command), 0);
	ck_assert_int_eq(system(line), 0);
	free(line);
}

static void setup(void)
{
	struct ebcc_disk_cache_opts opts;
	char directory[96];

	strcpy(root, "/tmp/ebcc-headers-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	kernel = (struct ebcc_kernel_info){
		.root = root, .release = RELEASE, .arch = EBCC_ARCH_X86_64};
	snprintf(directory, sizeof(directory), "%s/cache", root);
	opts = (struct ebcc_disk_cache_opts){.directory = directory};
	cache = ebcc_disk_cache_create(&opts, NULL);
	ck_assert_ptr_nonnull(cache);
}

static void teardown(void)
{
	ebcc_disk_cache_destroy(cache);
	shell("rm -rf * && rmdir $PWD");
}

#define CONFIGURED(tree)                                                                           \
	"mkdir -p " tree "/include/generated; echo '#define X 1' > " tree                          \
	"/include/generated/autoconf.h; "
#define SOURCES(tree) "mkdir -p " tree "/include/linux; echo > " tree "/include/linux/types.h; "
#define MODULES "lib/modules/" RELEASE

static struct ebcc_kernel_headers *find_with(const struct ebcc_kernel_headers_opts *opts)
{
	struct ebcc_kernel_headers *headers = (void *)1;
	struct ebcc_error *error = ebcc_kernel_headers_find(&kernel, opts, cache, &headers);

	ck_assert_msg(!error, "%s", error ? ebcc_error_message(error) : "");
	return headers;
}

static struct ebcc_kernel_headers *find(void)
{
	return find_with(&(struct ebcc_kernel_headers_opts){0});
}

/* Both paths are relative to the root. */
static void is_tree(struct ebcc_kernel_headers *headers, const char *build, const char *source)
{
	char expected[256], *real, *expected_real;

	ck_assert_ptr_nonnull(headers);
	snprintf(expected, sizeof(expected), "%s/%s", root, build);
	ck_assert_str_eq(headers->build, expected);
	snprintf(expected, sizeof(expected), "%s/%s", root, source);
	real = realpath(headers->source, NULL);
	expected_real = realpath(expected, NULL);
	ck_assert_str_eq(real, expected_real);
	free(real);
	free(expected_real);
	ebcc_kernel_headers_destroy(headers);
}

START_TEST(nothing_there)
{
	ck_assert_ptr_null(find());
	/* Sources that were not configured, or a configuration without sources, are not enough. */
	shell(SOURCES(MODULES "/build"));
	ck_assert_ptr_null(find());
	shell("rm -r " MODULES "; " CONFIGURED(MODULES "/build"));
	ck_assert_ptr_null(find());
}
END_TEST

START_TEST(one_piece)
{
	shell(CONFIGURED(MODULES "/build") SOURCES(MODULES "/build"));
	is_tree(find(), MODULES "/build", MODULES "/build");
}
END_TEST

START_TEST(split_in_two_by_makefile)
{
	shell(CONFIGURED("usr/src/h-amd64")
		      SOURCES("usr/src/h-common") "echo include $PWD/usr/src/h-common/Makefile > "
						  "usr/src/h-amd64/Makefile;"
						  "mkdir -p " MODULES
						  "; ln -s $PWD/usr/src/h-amd64 " MODULES "/build");
	is_tree(find(), MODULES "/build", "usr/src/h-common");
}
END_TEST

START_TEST(split_in_two_and_moved)
{
	shell(CONFIGURED("elsewhere/h-amd64") SOURCES(
		"elsewhere/h-common") "printf 'KBUILD_OUTPUT=x\\ninclude "
				      "/usr/src/h-common/Makefile\\n' > elsewhere/h-amd64/Makefile;"
				      "mkdir -p " MODULES "; ln -s $PWD/elsewhere/h-amd64 " MODULES
				      "/build");
	is_tree(find(), MODULES "/build", "elsewhere/h-common");
}
END_TEST

START_TEST(built_outside_of_its_source)
{
	shell(CONFIGURED("out") SOURCES("linux") "ln -s $PWD/linux out/source;"
						 "mkdir -p " MODULES "; ln -s $PWD/out " MODULES
						 "/build");
	is_tree(find(), MODULES "/build", "linux");
	shell("rm out/source; ln -s $PWD/linux " MODULES "/source");
	is_tree(find(), MODULES "/build", "linux");
}
END_TEST

START_TEST(package_without_link)
{
	shell(CONFIGURED("usr/src/linux-headers-" RELEASE)
		      SOURCES("usr/src/linux-headers-" RELEASE));
	is_tree(find(), "usr/src/linux-headers-" RELEASE, "usr/src/linux-headers-" RELEASE);
}
END_TEST

START_TEST(named_suffix)
{
	struct ebcc_kernel_headers_opts opts = {.suffix = "kernel"};

	shell(CONFIGURED(MODULES "/build") SOURCES(MODULES "/build") CONFIGURED(MODULES "/kernel")
		      SOURCES(MODULES "/kernel"));
	is_tree(find_with(&opts), MODULES "/kernel", MODULES "/kernel");
}
END_TEST

START_TEST(named_tree_is_the_only_one)
{
	char named[128];
	struct ebcc_kernel_headers_opts opts = {.named = named};
	struct ebcc_kernel_headers *headers;
	struct ebcc_error *error;

	snprintf(named, sizeof(named), "%s/mine", root);
	shell(CONFIGURED(MODULES "/build") SOURCES(MODULES "/build"));
	error = ebcc_kernel_headers_find(&kernel, &opts, cache, &headers);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_KERNEL_TYPES);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), named));
	ebcc_error_destroy(error);
	shell(CONFIGURED("mine") SOURCES("mine"));
	is_tree(find_with(&opts), "mine", "mine");
}
END_TEST

START_TEST(directories_by_machine)
{
	struct ebcc_kernel_headers *headers;
	char expected[256];

	shell(CONFIGURED(MODULES "/build") SOURCES(MODULES "/build"));
	kernel.arch = EBCC_ARCH_ARM64;
	headers = find();
	snprintf(expected, sizeof(expected), "%s/" MODULES "/build/arch/arm64/include", root);
	ck_assert_str_eq(headers->flags[0], "-isystem");
	ck_assert_str_eq(headers->flags[1], expected);
	ck_assert_uint_eq(headers->directory_count, 8);
	snprintf(expected, sizeof(expected), "%s/" MODULES "/build/x", root);
	ck_assert(ebcc_kernel_headers_contain(headers, expected));
	snprintf(expected, sizeof(expected), "%s/" MODULES "/builder", root);
	ck_assert(!ebcc_kernel_headers_contain(headers, expected));
	ebcc_kernel_headers_destroy(headers);
}
END_TEST

START_TEST(preamble_has_what_the_tree_has)
{
	static const char *const includes[] = {"linux/types.h", "linux/none.h",
					       "linux/../linux/types.h", "bcc/proto.h"};
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	struct ebcc_kernel_headers *headers;
	struct ebcc_error *error;

	shell(CONFIGURED(MODULES "/build") SOURCES(MODULES "/build"));
	headers = find();
	error = ebcc_kernel_headers_preamble(headers, includes,
					     sizeof(includes) / sizeof(includes[0]), &text);
	ck_assert_ptr_null(error);
	ck_assert_ptr_nonnull(strstr(text.data, "#include <linux/types.h>\n"));
	ck_assert_ptr_null(strstr(text.data, "none.h"));
	ck_assert_ptr_null(strstr(text.data, ".."));
	ck_assert_ptr_null(strstr(text.data, "proto.h"));
	ebcc_kernel_headers_destroy(headers);
}
END_TEST

START_TEST(identity_changes_with_the_configuration)
{
	AUTO_BUF struct ebcc_buf before = EBCC_BUF_INIT, same = EBCC_BUF_INIT;
	AUTO_BUF struct ebcc_buf after = EBCC_BUF_INIT;
	struct ebcc_kernel_headers *headers;

	shell(CONFIGURED(MODULES "/build") SOURCES(MODULES "/build"));
	headers = find();
	ck_assert_ptr_null(ebcc_kernel_headers_identity(headers, &before));
	ck_assert_ptr_null(ebcc_kernel_headers_identity(headers, &same));
	ck_assert_str_eq(before.data, same.data);
	shell("echo '#define Y 1' >> " MODULES "/build/include/generated/autoconf.h");
	ck_assert_ptr_null(ebcc_kernel_headers_identity(headers, &after));
	ck_assert_str_ne(before.data, after.data);
	ebcc_kernel_headers_destroy(headers);
}
END_TEST

START_TEST(carried_by_the_kernel)
{
	struct ebcc_kernel_headers *headers;
	struct stat first, second;
	char path[256];

	shell(CONFIGURED("t") SOURCES(
		"t") "d=t/include/$(printf 'long%.0s' $(seq 40)); mkdir $d; echo deep > $d/x.h;"
		     "mkdir -p sys/kernel; tar -C t -cJf sys/kernel/kheaders.tar.xz .; rm -r t");
	headers = find();
	ck_assert_ptr_nonnull(headers);
	ck_assert(!strncmp(headers->build, ebcc_disk_cache_path(cache),
			   strlen(ebcc_disk_cache_path(cache))));
	snprintf(path, sizeof(path), "%s/include/generated/autoconf.h", headers->build);
	ck_assert_int_eq(stat(path, &first), 0);
	ebcc_kernel_headers_destroy(headers);
	shell("[ $(cat cache/kheaders-*/include/long*/x.h) = deep ]");
	/* It is unpacked only once, and no temporary files are left. */
	headers = find();
	ck_assert_int_eq(stat(path, &second), 0);
	ck_assert_uint_eq(first.st_ino, second.st_ino);
	ebcc_kernel_headers_destroy(headers);
	shell("[ $(ls cache | wc -l) = 1 ]");
}
END_TEST

static void archive_fails(void)
{
	struct ebcc_kernel_headers_opts opts = {0};
	struct ebcc_kernel_headers *headers;
	struct ebcc_error *error = ebcc_kernel_headers_find(&kernel, &opts, cache, &headers);

	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_FORMAT);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), "kheaders.tar.xz"));
	ebcc_error_destroy(error);
	shell("[ $(ls cache | wc -l) = 0 ]");
}

START_TEST(bad_archives)
{
	shell("mkdir -p sys/kernel; echo no archive > sys/kernel/kheaders.tar.xz");
	archive_fails();
	shell(CONFIGURED("t") SOURCES("t") "tar -C t -cJf whole.tar.xz .;"
					   "head -c -50 whole.tar.xz > sys/kernel/kheaders.tar.xz");
	archive_fails();
	/* A name that leads out of the directory. */
	shell("echo x > evil; tar -C t -P --transform 's,^,../../,' -cJf "
	      "sys/kernel/kheaders.tar.xz .");
	archive_fails();
	shell("[ ! -e include ]");
	/* A header whose checksum is wrong. */
	shell("tar -C t -cf bad.tar .; printf X | dd of=bad.tar bs=1 seek=2 conv=notrunc "
	      "2>/dev/null;"
	      "xz -c bad.tar > sys/kernel/kheaders.tar.xz");
	archive_fails();
	/* A member that is larger than the rest of the archive. */
	shell("seq 5000 > t/large; tar -C t -cf bad.tar large;"
	      "head -c 2000 bad.tar | xz -c > sys/kernel/kheaders.tar.xz");
	archive_fails();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("headers");
	TCase *tcase = tcase_create("headers");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_there);
	tcase_add_test(tcase, one_piece);
	tcase_add_test(tcase, split_in_two_by_makefile);
	tcase_add_test(tcase, split_in_two_and_moved);
	tcase_add_test(tcase, built_outside_of_its_source);
	tcase_add_test(tcase, package_without_link);
	tcase_add_test(tcase, named_suffix);
	tcase_add_test(tcase, named_tree_is_the_only_one);
	tcase_add_test(tcase, directories_by_machine);
	tcase_add_test(tcase, preamble_has_what_the_tree_has);
	tcase_add_test(tcase, identity_changes_with_the_configuration);
	tcase_add_test(tcase, carried_by_the_kernel);
	tcase_add_test(tcase, bad_archives);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
