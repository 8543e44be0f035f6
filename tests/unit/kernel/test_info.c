// SPDX-License-Identifier: Apache-2.0
/* The identity of a kernel, from files that the tests write and from this machine's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "kernel/info.h"

#define VERSION(a, b, c) ((a) << 16 | (b) << 8 | (c))

static char root[64];
static struct ebcc_kernel_info *info;

static void setup(void)
{
	unsetenv("BCC_LINUX_VERSION_CODE");
	unsetenv("ARCH");
	strcpy(root, "/tmp/ebcc-test-kernel.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void cleanup(void)
{
	char command[128];

	ebcc_kernel_info_destroy(info);
	info = NULL;
	snprintf(command, sizeof(command), "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
}

/* Writes ROOT/PATH and creates its directories. */
static void write_file(const char *path, const void *data, size_t size)
{
	char full[256];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

static void write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

static void create(const char *release, const char *version)
{
	struct ebcc_kernel_info_opts opts = {
		.root = root, .release = release, .version = version, .machine = "x86_64"};

	ebcc_kernel_info_destroy(info);
	info = NULL;
	ck_assert_ptr_null(ebcc_kernel_info_create(&opts, &info));
}

static void check_config(const char *symbol, const char *expected)
{
	char *value;

	ck_assert_ptr_null(ebcc_kernel_config(info, symbol, &value));
	if (expected)
		ck_assert_str_eq(value, expected);
	else
		ck_assert_ptr_null(value);
	free(value);
}

START_TEST(test_version_text)
{
	ck_assert_uint_eq(ebcc_kernel_version_parse("6.1.192-2"), VERSION(6, 1, 192));
	ck_assert_uint_eq(ebcc_kernel_version_parse("6.18"), VERSION(6, 18, 0));
	ck_assert_uint_eq(ebcc_kernel_version_parse("6.18-rc1"), VERSION(6, 18, 0));
	ck_assert_uint_eq(ebcc_kernel_version_parse("4.9.337"), VERSION(4, 9, 255));
	ck_assert_uint_eq(ebcc_kernel_version_parse("6.1.x"), VERSION(6, 1, 0));
	ck_assert_uint_eq(ebcc_kernel_version_parse("linux"), 0);
	ck_assert_uint_eq(ebcc_kernel_version_parse(""), 0);
	ck_assert_uint_eq(ebcc_kernel_version_parse("6"), 0);
	ck_assert_uint_eq(ebcc_kernel_version_parse("600.1.2"), 0);
	ck_assert_uint_eq(ebcc_kernel_version_parse("6.99999999999999999999.2"), 0);
}
END_TEST

START_TEST(test_version_sources)
{
	create("6.18.44-custom", "#1 SMP PREEMPT_DYNAMIC @0");
	ck_assert_uint_eq(info->version_code, VERSION(6, 18, 44));
	create("6.1.0-56-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-01-01)");
	ck_assert_uint_eq(info->version_code, VERSION(6, 1, 192));
	write_text("/proc/version_signature", "Ubuntu 5.15.0-60.66-generic 5.15.78\n");
	create("5.15.0-60-generic", "#66-Ubuntu SMP");
	ck_assert_uint_eq(info->version_code, VERSION(5, 15, 78));
	setenv("BCC_LINUX_VERSION_CODE", "263444", 1);
	create("5.15.0-60-generic", "#66-Ubuntu SMP");
	ck_assert_uint_eq(info->version_code, 263444);
	setenv("BCC_LINUX_VERSION_CODE", "nonsense", 1);
	create("5.15.0-60-generic", "#66-Ubuntu SMP");
	ck_assert_uint_eq(info->version_code, VERSION(5, 15, 78));
}
END_TEST

START_TEST(test_version_option)
{
	struct ebcc_kernel_info_opts opts = {
		.root = root, .release = "6.1.0", .version_code = 12345};

	ck_assert_ptr_null(ebcc_kernel_info_create(&opts, &info));
	ck_assert_uint_eq(info->version_code, 12345);
}
END_TEST

START_TEST(test_machine)
{
	struct ebcc_kernel_info_opts opts = {
		.root = root, .release = "6.1.0", .machine = "aarch64"};
	struct ebcc_error *error;

	ck_assert_ptr_null(ebcc_kernel_info_create(&opts, &info));
	ck_assert_int_eq(info->arch, EBCC_ARCH_ARM64);
	ebcc_kernel_info_destroy(info);
	info = NULL;
	opts.machine = NULL;
	setenv("ARCH", "x86", 1);
	ck_assert_ptr_null(ebcc_kernel_info_create(&opts, &info));
	ck_assert_int_eq(info->arch, EBCC_ARCH_X86_64);
	ebcc_kernel_info_destroy(info);
	info = NULL;
	opts.machine = "vax";
	error = ebcc_kernel_info_create(&opts, &info);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), "vax"));
	ebcc_error_destroy(error);
}
END_TEST

/* With a root, the kernel's identity is read from its files only, never from the running kernel. */
START_TEST(test_root_identity)
{
	struct ebcc_kernel_info_opts opts = {.root = root};
	struct ebcc_error *error;
	char tracefs[128];

	error = ebcc_kernel_info_create(&opts, &info);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), "/proc/sys/kernel/osrelease"));
	ebcc_error_destroy(error);
	write_text("/proc/sys/kernel/osrelease", "6.1.0-56-arm64\n");
	ck_assert_ptr_null(ebcc_kernel_info_create(&opts, &info));
	ck_assert_str_eq(info->release, "6.1.0-56-arm64");
	ck_assert_uint_eq(info->version_code, VERSION(6, 1, 0));
	ebcc_kernel_info_destroy(info);
	info = NULL;
	write_text("/proc/sys/kernel/version", "#1 SMP Debian 6.1.192-2 (2026-01-01)\n");
	write_text("/proc/sys/kernel/arch", "aarch64\n");
	ck_assert_ptr_null(ebcc_kernel_info_create(&opts, &info));
	ck_assert_uint_eq(info->version_code, VERSION(6, 1, 192));
	ck_assert_int_eq(info->arch, EBCC_ARCH_ARM64);
	snprintf(tracefs, sizeof(tracefs), "%s/sys/kernel/tracing", root);
	ck_assert_str_eq(info->tracefs, tracefs);
}
END_TEST

START_TEST(test_build_id)
{
	static const uint32_t other[] = {4, 4, 0x100, 0x00786e4c, 7};
	uint32_t note[3 + 1 + 5] = {4, 20, 3, 0x00554e47, 0x04030201, 0, 0, 0, 0xff};
	char notes[sizeof(other) + sizeof(note)];

	memcpy(notes, other, sizeof(other));
	memcpy(notes + sizeof(other), note, sizeof(note));
	write_file("/sys/kernel/notes", notes, sizeof(notes));
	create("6.1.0", "");
	ck_assert_str_eq(info->build_id, "01020304000000000000000000000000ff000000");
	/* Sizes that are out of bounds. */
	note[1] = 0xfffffff0;
	memcpy(notes + sizeof(other), note, sizeof(note));
	write_file("/sys/kernel/notes", notes, sizeof(notes));
	create("6.1.0", "");
	ck_assert_str_eq(info->build_id, "");
	note[0] = 0xffffffff;
	write_file("/sys/kernel/notes", note, sizeof(note));
	create("6.1.0", "");
	ck_assert_str_eq(info->build_id, "");
}
END_TEST

START_TEST(test_cpus)
{
	write_text("/sys/devices/system/cpu/possible", "0-3,8-11\n");
	create("6.1.0", "");
	ck_assert_uint_eq(info->cpu_count, 12);
	write_text("/sys/devices/system/cpu/possible", "0\n");
	create("6.1.0", "");
	ck_assert_uint_eq(info->cpu_count, 1);
	write_text("/sys/devices/system/cpu/possible", "0-99999999999\n");
	create("6.1.0", "");
	ck_assert_uint_eq(info->cpu_count, sysconf(_SC_NPROCESSORS_CONF));
}
END_TEST

START_TEST(test_config)
{
	static const char config[] = "# CONFIG_NUMA is not set\nCONFIG_HZ=1000\nCONFIG_HZ_1000=y\n"
				     "CONFIG_EXT4_FS=m\nCONFIG_NAME=\"a b\"\n";
	char path[256];
	gzFile file;

	create("6.1.0", "");
	check_config("CONFIG_HZ", NULL);
	ck_assert_ptr_null(info->config_path);
	write_text("/lib/modules/6.1.0/build/.config", config);
	create("6.1.0", "");
	check_config("CONFIG_HZ", "1000");
	check_config("CONFIG_HZ_1000", "y");
	check_config("CONFIG_EXT4_FS", "m");
	check_config("CONFIG_NAME", "\"a b\"");
	check_config("CONFIG_NUMA", NULL);
	check_config("CONFIG_H", NULL);
	/* The file that the kernel itself provides comes first. */
	snprintf(path, sizeof(path), "%s/proc/config.gz", root);
	write_text("/proc/x", "");
	file = gzopen(path, "w");
	gzputs(file, "CONFIG_HZ=300\n");
	gzclose(file);
	create("6.1.0", "");
	check_config("CONFIG_HZ", "300");
	ck_assert_ptr_nonnull(strstr(info->config_path, "config.gz"));
}
END_TEST

START_TEST(test_this_machine)
{
	ck_assert_ptr_null(ebcc_kernel_info_create(NULL, &info));
	ck_assert_uint_ge(info->version_code, VERSION(4, 0, 0));
	ck_assert_uint_eq(info->page_size, sysconf(_SC_PAGESIZE));
	ck_assert_uint_ge(info->cpu_count, 1);
	ck_assert_uint_eq(strlen(info->build_id), 40);
	ck_assert_ptr_null(info->tracefs);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_info");
	TCase *tests = tcase_create("identity");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, cleanup);
	tcase_add_test(tests, test_version_text);
	tcase_add_test(tests, test_version_sources);
	tcase_add_test(tests, test_version_option);
	tcase_add_test(tests, test_machine);
	tcase_add_test(tests, test_root_identity);
	tcase_add_test(tests, test_build_id);
	tcase_add_test(tests, test_cpus);
	tcase_add_test(tests, test_config);
	tcase_add_test(tests, test_this_machine);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
