// SPDX-License-Identifier: Apache-2.0
/*
 * Symbols of ELF files: the results agree with nm and the linker, and reading a damaged file fails
 * without crashing.
 */
#include "elf/symbols.h"

#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "error_checks.h"

static bool add_to_hash(void *ctx, const struct ebcc_elf_symbol *symbol)
{
	uint64_t *place;

	if (symbol->old_version)
		return true;
	place = ebcc_hash_insert_string(ctx, symbol->name);
	ck_assert_ptr_nonnull(place);
	*place = symbol->address;
	return true;
}

/* Every function that nm lists is found at the same address. */
START_TEST(functions_equal_those_of_nm)
{
	AUTO_HASH struct ebcc_hash functions = {0};
	AUTO_ELF struct ebcc_elf *elf = NULL;
	unsigned long long address;
	char name[256], type;
	size_t compared = 0;
	FILE *nm;

	ck_assert_ok(ebcc_elf_open(EBCC_TEST_ELF_SAMPLE, &elf));
	ebcc_elf_walk_functions(elf, add_to_hash, &functions);
	nm = popen("nm --defined-only --without-symbol-versions " EBCC_TEST_ELF_SAMPLE, "r");
	ck_assert_ptr_nonnull(nm);
	while (fscanf(nm, "%llx %c %255s", &address, &type, name) == 3) {
		uint64_t *found = ebcc_hash_find_string(&functions, name);

		if (!strcmp(name, "sample_versioned")) /* listed twice; see the next test */
			continue;
		if (type == 'T' || type == 't' || type == 'i') {
			ck_assert_msg(found != NULL, "%s is missing", name);
			ck_assert_uint_eq(*found, address);
			compared++;
		} else {
			ck_assert_msg(!found, "%s of type %c is not a function", name, type);
		}
	}
	ck_assert_int_eq(pclose(nm), 0);
	ck_assert_uint_ge(compared, 7);
}
END_TEST

START_TEST(default_version_is_found)
{
	struct ebcc_elf_symbol symbol, first, second;
	AUTO_ELF struct ebcc_elf *elf = NULL;

	ck_assert_ok(ebcc_elf_open(EBCC_TEST_ELF_SAMPLE, &elf));
	ck_assert_ok(ebcc_elf_find_function(elf, "sample_versioned", &symbol));
	ck_assert_ok(ebcc_elf_find_function(elf, "sample_first_version", &first));
	ck_assert_ok(ebcc_elf_find_function(elf, "sample_second_version", &second));
	ck_assert_uint_eq(symbol.address, second.address);
	ck_assert_uint_ne(symbol.address, first.address);
	ck_assert(!symbol.indirect && !symbol.old_version);
	ck_assert_ok(ebcc_elf_find_function(elf, "sample_chosen", &symbol));
	ck_assert(symbol.indirect);
}
END_TEST

START_TEST(missing_functions_name_near_ones)
{
	struct ebcc_elf_symbol symbol;
	AUTO_ELF struct ebcc_elf *elf = NULL;

	ck_assert_ok(ebcc_elf_open(EBCC_TEST_ELF_SAMPLE, &elf));
	assert_fails(ebcc_elf_find_function(elf, "sample_plian", &symbol), EBCC_ERROR_NOT_FOUND,
		     "did you mean sample_plain?");
	assert_fails(ebcc_elf_find_function(elf, "sample_data", &symbol), EBCC_ERROR_NOT_FOUND,
		     "has no function sample_data");
}
END_TEST

/* Long enough to compare some of its code. */
__attribute__((noinline)) int function_of_this_program(const char *text)
{
	int sum = 0;

	while (*text)
		sum = sum * 31 + *text++;
	return sum;
}

/* The bytes at the offset are the function's code, as in this program's memory. */
START_TEST(offsets_lead_to_the_code)
{
	extern const char __ehdr_start[];
	const void *code = (const void *)function_of_this_program;
	AUTO_CLOSE int fd = open("/proc/self/exe", O_RDONLY);
	AUTO_ELF struct ebcc_elf *elf = NULL;
	struct ebcc_elf_symbol symbol;
	uint64_t offset;
	char bytes[32];

	ck_assert_ok(ebcc_elf_open("/proc/self/exe", &elf));
	ck_assert_ok(ebcc_elf_find_function(elf, "function_of_this_program", &symbol));
	ck_assert_uint_eq(symbol.address, (uintptr_t)code - (uintptr_t)__ehdr_start);
	ck_assert_ok(ebcc_elf_address_to_offset(elf, symbol.address, &offset));
	ck_assert_int_eq(pread(fd, bytes, sizeof(bytes), (off_t)offset), sizeof(bytes));
	ck_assert_mem_eq(bytes, code, sizeof(bytes));
	assert_fails(ebcc_elf_address_to_offset(elf, UINT64_MAX, &offset), EBCC_ERROR_NOT_FOUND,
		     "in no executable segment");
	assert_fails(ebcc_elf_address_to_offset(elf, 0, &offset), EBCC_ERROR_NOT_FOUND,
		     "in no executable segment");
}
END_TEST

START_TEST(other_files_are_refused)
{
	char pipe_path[] = "/tmp/ebcc-test-pipe-XXXXXX";
	struct ebcc_elf *elf = NULL;

	ck_assert_ptr_nonnull(mkdtemp(pipe_path));
	ck_assert_int_eq(rmdir(pipe_path), 0);
	ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
	assert_fails(ebcc_elf_open(pipe_path, &elf), EBCC_ERROR_FORMAT, "not a regular file");
	unlink(pipe_path);
	assert_fails(ebcc_elf_open("/tmp", &elf), EBCC_ERROR_FORMAT, "not a regular file");
	assert_fails(ebcc_elf_open("/dev/zero", &elf), EBCC_ERROR_FORMAT, "not a regular file");
	assert_fails(ebcc_elf_open("/etc/passwd", &elf), EBCC_ERROR_FORMAT, "not an ELF file");
	assert_fails(ebcc_elf_open("/nowhere", &elf), EBCC_ERROR_NOT_FOUND, "no file /nowhere");
	assert_fails(ebcc_elf_open("/etc/passwd/x", &elf), EBCC_ERROR_NOT_FOUND, "no file");
	ck_assert_ptr_null(elf);
}
END_TEST

/* ---- Damaged files ---- */

static struct ebcc_buf sample;
static char damaged_path[64];
static int damaged_fd;

static void setup_damaged(void)
{
	ck_assert_ok(ebcc_buf_read_file(&sample, EBCC_TEST_ELF_SAMPLE, 16u << 20));
	damaged_fd = memfd_create("damaged", MFD_CLOEXEC);
	ck_assert_int_ge(damaged_fd, 0);
	snprintf(damaged_path, sizeof(damaged_path), "/proc/self/fd/%d", damaged_fd);
}

static void teardown_damaged(void)
{
	close(damaged_fd);
	ebcc_buf_deinit(&sample);
}

static bool touch_symbol(void *ctx, const struct ebcc_elf_symbol *symbol)
{
	*(size_t *)ctx += strlen(symbol->name) + 1;
	return true;
}

/* Reads everything in a file that may be damaged. Returns the size of the names that were read. */
static size_t read_damaged(const char *data, size_t size)
{
	AUTO_ELF struct ebcc_elf *elf = NULL;
	struct ebcc_elf_symbol symbol;
	struct ebcc_error *error;
	size_t touched = 0;
	uint64_t offset;

	ck_assert_int_eq(ftruncate(damaged_fd, 0), 0);
	ck_assert_int_eq(pwrite(damaged_fd, data, size, 0), (ssize_t)size);
	error = ebcc_elf_open(damaged_path, &elf);
	if (error) {
		ebcc_error_destroy(error);
		return 0;
	}
	ebcc_elf_walk_functions(elf, touch_symbol, &touched);
	error = ebcc_elf_find_function(elf, "sample_plain", &symbol);
	if (!error)
		error = ebcc_elf_address_to_offset(elf, symbol.address, &offset);
	ebcc_error_destroy(error);
	return touched;
}

START_TEST(truncated_files)
{
	size_t whole = read_damaged(sample.data, sample.size);

	ck_assert_uint_gt(whole, 0);
	for (size_t size = 0; size < sample.size; size += 64)
		ck_assert_uint_le(read_damaged(sample.data, size), whole);
}
END_TEST

START_TEST(flipped_bits)
{
	AUTO_FREE char *copy = malloc(sample.size);
	Elf64_Ehdr header;
	size_t readable = 0;

	ck_assert_ptr_nonnull(copy);
	memcpy(&header, sample.data, sizeof(header));
	srandom(1);
	for (int round = 0; round < 6000; round++) {
		/* Damages in the headers of the file and its sections have the most effect. */
		size_t start = round % 3 == 1 ? header.e_shoff : 0;
		size_t size = round % 3 == 0 ? 1024 : sample.size - start;

		memcpy(copy, sample.data, sample.size);
		for (int flips = 1 + (int)(random() % 12); flips; flips--)
			copy[start + random() % size] ^= (char)(1 << random() % 8);
		readable += read_damaged(copy, sample.size) > 0;
	}
	ck_assert_uint_gt(readable, 100);
}
END_TEST

/* Sets each 8-byte word of the headers to extreme values. */
START_TEST(extreme_sizes_and_offsets)
{
	static const uint64_t extremes[] = {0,		1,	    0x7fffffffffffffff,
					    UINT64_MAX, 1ull << 40, 0xffffffff};
	AUTO_FREE char *copy = malloc(sample.size);
	Elf64_Ehdr header;

	ck_assert_ptr_nonnull(copy);
	memcpy(&header, sample.data, sizeof(header));
	for (size_t at = header.e_shoff; at + 8 <= sample.size; at += 8) {
		for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
			memcpy(copy, sample.data, sample.size);
			memcpy(copy + at, &extremes[i], 8);
			read_damaged(copy, sample.size);
		}
	}
	for (size_t at = 16; at + 8 <= 1024; at += 8) {
		for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
			memcpy(copy, sample.data, sample.size);
			memcpy(copy + at, &extremes[i], 8);
			read_damaged(copy, sample.size);
		}
	}
	ck_assert_uint_gt(read_damaged(sample.data, sample.size), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("elf_symbols");
	TCase *whole = tcase_create("whole"), *damaged = tcase_create("damaged");
	SRunner *runner;
	int failed;

	tcase_add_test(whole, functions_equal_those_of_nm);
	tcase_add_test(whole, default_version_is_found);
	tcase_add_test(whole, missing_functions_name_near_ones);
	tcase_add_test(whole, offsets_lead_to_the_code);
	tcase_add_test(whole, other_files_are_refused);
	suite_add_tcase(suite, whole);
	tcase_add_checked_fixture(damaged, setup_damaged, teardown_damaged);
	tcase_set_timeout(damaged, 120);
	tcase_add_test(damaged, truncated_files);
	tcase_add_test(damaged, flipped_bits);
	tcase_add_test(damaged, extreme_sizes_and_offsets);
	suite_add_tcase(suite, damaged);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
