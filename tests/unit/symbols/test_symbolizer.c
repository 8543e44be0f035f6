// SPDX-License-Identifier: Apache-2.0
/*
 * The symbolizer as C programs use it: batches of addresses of this process and of the kernel,
 * addresses of names, files known by their build ids, and the bound on memory.
 */
#include <check.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ebcc.h"
#include "elf/symbols.h"
#include "error_checks.h"
#include "symbols/perf_map.h"
#include "symbols/symbolizer_internal.h"

static __attribute__((noinline)) int local_function(int number)
{
	__asm__ volatile("" : "+r"(number));
	return number + 1;
}

/* A function with the mangled name of test::named(int). */
int mangled_function(int number) __asm__("_ZN4test5namedEi");
__attribute__((noinline)) int mangled_function(int number)
{
	__asm__ volatile("" : "+r"(number));
	return number + 2;
}

static struct ebcc_symbolizer *symbolizer;

static void set_up(void)
{
	ck_assert_ok(ebcc_symbolizer_create(NULL, &symbolizer));
}

static void tear_down(void)
{
	ebcc_symbolizer_destroy(symbolizer);
}

static uint64_t address_of(const void *function)
{
	return (uint64_t)(uintptr_t)function;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), part = strlen(end);

	return length >= part && !strcmp(text + length - part, end);
}

START_TEST(batches_keep_their_order)
{
	uint64_t addresses[] = {address_of(local_function) + 1, 16, address_of(mangled_function),
				address_of(dlsym(RTLD_DEFAULT, "qsort")) + 2};
	struct ebcc_symbol symbols[4];

	ck_assert_ok(ebcc_symbolizer_resolve(symbolizer, getpid(), addresses, 4, 0, symbols,
					     sizeof(symbols[0])));
	ck_assert_str_eq(symbols[0].name, "local_function");
	ck_assert_uint_eq(symbols[0].offset, 1);
	ck_assert(ends_with(symbols[0].module, "/test_symbols_symbolizer"));
	ck_assert_ptr_null(symbols[1].name);
	ck_assert_ptr_null(symbols[1].module);
	ck_assert_uint_eq(symbols[1].offset, 16);
	ck_assert_str_eq(symbols[2].name, "test::named(int)");
	ck_assert_str_eq(symbols[3].name, "qsort");
	ck_assert_uint_eq(symbols[3].offset, 2);
	ck_assert_ok(ebcc_symbolizer_resolve(symbolizer, getpid(), &addresses[2], 1,
					     EBCC_SYMBOL_MANGLED, symbols, sizeof(symbols[0])));
	ck_assert_str_eq(symbols[0].name, "_ZN4test5namedEi");
	ck_assert_ok(ebcc_symbolizer_resolve(symbolizer, getpid(), NULL, 0, 0, NULL,
					     sizeof(symbols[0])));
}
END_TEST

/* Programs that were built when a symbol had fewer members, or more. */
START_TEST(symbols_of_other_sizes)
{
	uint64_t addresses[] = {address_of(local_function) + 1, address_of(local_function) + 2};
	struct {
		struct ebcc_symbol symbol;
		uint64_t unknown;
	} newer[2] = {{.unknown = 1}, {.unknown = 2}};
	struct {
		const char *name, *module;
	} older[3] = {[2] = {"untouched", "untouched"}};

	ck_assert_ok(ebcc_symbolizer_resolve(symbolizer, getpid(), addresses, 2, 0,
					     &newer[0].symbol, sizeof(newer[0])));
	for (size_t i = 0; i < 2; i++) {
		ck_assert_str_eq(newer[i].symbol.name, "local_function");
		ck_assert_uint_eq(newer[i].symbol.offset, i + 1);
		ck_assert_uint_eq(newer[i].unknown, 0);
	}
	ck_assert_ok(ebcc_symbolizer_resolve(symbolizer, getpid(), addresses, 2, 0,
					     (struct ebcc_symbol *)older, sizeof(older[0])));
	ck_assert_str_eq(older[0].name, "local_function");
	ck_assert_str_eq(older[1].name, "local_function");
	ck_assert_str_eq(older[2].name, "untouched");
}
END_TEST

START_TEST(unknown_flags_are_refused)
{
	uint64_t address = address_of(local_function);
	struct ebcc_symbol symbol = {.offset = 77};
	unsigned char id[20] = {0};

	assert_fails(ebcc_symbolizer_resolve(symbolizer, getpid(), &address, 1,
					     EBCC_SYMBOL_MANGLED | 6, &symbol, sizeof(symbol)),
		     EBCC_ERROR_INVALID_ARGUMENT, "does not know: 0x6");
	assert_fails(ebcc_symbolizer_resolve(symbolizer, -1, &address, 1, 2, &symbol, 8),
		     EBCC_ERROR_INVALID_ARGUMENT, "flags of ebcc_symbolizer_resolve()");
	assert_fails(ebcc_symbolizer_resolve_build_id(symbolizer, id, 20, 0, 0x80000000, &symbol,
						      sizeof(symbol)),
		     EBCC_ERROR_INVALID_ARGUMENT, "does not know: 0x80000000");
	ck_assert_uint_eq(symbol.offset, 77);
}
END_TEST

START_TEST(kernel_and_back)
{
	struct ebcc_symbol symbol;
	uint64_t address, kernels;

	ck_assert_ok(ebcc_symbolizer_find_name(symbolizer, -1, NULL, "_stext", &kernels));
	address = kernels + 1;
	ck_assert_ok(
		ebcc_symbolizer_resolve(symbolizer, -1, &address, 1, 0, &symbol, sizeof(symbol)));
	ck_assert_ptr_nonnull(symbol.name);
	ck_assert_str_eq(symbol.module, "kernel");
	ck_assert_ok(
		ebcc_symbolizer_find_name(symbolizer, getpid(), NULL, "local_function", &address));
	ck_assert_uint_eq(address, address_of(local_function));
	assert_fails(ebcc_symbolizer_find_name(symbolizer, getpid(), "libc.so.6", "local_function",
					       &address),
		     EBCC_ERROR_NOT_FOUND, "local_function in libc.so.6");
	assert_fails(ebcc_symbolizer_find_name(symbolizer, -1, NULL, "no_such_function", &address),
		     EBCC_ERROR_NOT_FOUND, "no_such_function in the kernel");
}
END_TEST

START_TEST(processes_that_are_not)
{
	struct ebcc_symbol symbol = {.name = "before"};
	uint64_t address = address_of(local_function);
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	assert_fails(ebcc_symbolizer_add_process(symbolizer, pid), EBCC_ERROR_NOT_FOUND,
		     "there is no process");
	assert_fails(ebcc_symbolizer_find_name(symbolizer, pid, NULL, "main", &address),
		     EBCC_ERROR_NOT_FOUND, "there is no process");
	ck_assert_ok(
		ebcc_symbolizer_resolve(symbolizer, pid, &address, 1, 0, &symbol, sizeof(symbol)));
	ck_assert_ptr_null(symbol.name);
	ck_assert_uint_eq(symbol.offset, address);
	ebcc_symbolizer_forget_process(symbolizer, pid);
}
END_TEST

START_TEST(a_library_that_comes_later)
{
	uint64_t address = address_of(local_function);
	struct ebcc_symbol symbol;
	void *library, *function;

	ck_assert_ok(ebcc_symbolizer_resolve(symbolizer, getpid(), &address, 1, 0, &symbol,
					     sizeof(symbol)));
	library = dlopen("libresolv.so.2", RTLD_NOW);
	ck_assert_ptr_nonnull(library);
	function = dlsym(library, "ns_name_skip");
	ck_assert_ptr_nonnull(function);
	address = address_of(function);
	ck_assert_ok(ebcc_symbolizer_resolve(symbolizer, getpid(), &address, 1, 0, &symbol,
					     sizeof(symbol)));
	ck_assert_str_eq(symbol.name, "ns_name_skip");
	dlclose(library);
}
END_TEST

START_TEST(little_memory_still_gives_names)
{
	struct ebcc_symbolizer_opts opts = {.sz = sizeof(opts), .memory_limit = 1};
	uint64_t addresses[] = {address_of(local_function),
				address_of(dlsym(RTLD_DEFAULT, "qsort"))};
	struct ebcc_symbolizer_statistics statistics;
	struct ebcc_symbolizer *small;
	struct ebcc_symbol symbol;

	ck_assert_ok(ebcc_symbolizer_create(&opts, &small));
	for (int round = 0; round < 3; round++) {
		ck_assert_ok(ebcc_symbolizer_resolve(small, getpid(), &addresses[0], 1, 0, &symbol,
						     sizeof(symbol)));
		ck_assert_str_eq(symbol.name, "local_function");
		ck_assert_ok(ebcc_symbolizer_resolve(small, getpid(), &addresses[1], 1, 0, &symbol,
						     sizeof(symbol)));
		ck_assert_str_eq(symbol.name, "qsort");
	}
	ebcc_symbolizer_read_statistics(small, &statistics, sizeof(statistics));
	ck_assert_uint_gt(statistics.memory, 0);
	ck_assert_uint_lt(statistics.memory, 2 << 20);
	ck_assert_uint_eq(statistics.too_large + statistics.no_memory + statistics.no_time, 0);
	/* A program that was built when the struct had fewer members. */
	statistics = (struct ebcc_symbolizer_statistics){.dropped = 7};
	ebcc_symbolizer_read_statistics(small, &statistics,
					offsetof(struct ebcc_symbolizer_statistics, dropped));
	ck_assert_uint_eq(statistics.dropped, 7);
	ebcc_symbolizer_destroy(small);
}
END_TEST

static void add_lines(struct ebcc_perf_map *map, const char *lines)
{
	ck_assert_ok(ebcc_perf_map_add(map, lines, strlen(lines)));
}

static bool perf_map_has(const struct ebcc_perf_map *map, uint64_t address)
{
	const char *name;
	uint64_t offset;

	return ebcc_perf_map_find(map, address, &name, &offset);
}

/* What was read in part could give names of functions that were replaced. */
START_TEST(a_perf_map_starts_over_when_memory_is_short)
{
	static const char second[] = "2000 10 second\n";
	struct ebcc_perf_map map;
	struct ebcc_error *error;

	ebcc_perf_map_init(&map, 1 << 20);
	add_lines(&map, "1000 10 first\n");
	ck_assert(perf_map_has(&map, 0x1000));
	map.names.failed = true;
	error = ebcc_perf_map_add(&map, second, strlen(second));
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_NO_MEMORY);
	ck_assert(!perf_map_has(&map, 0x1000) && !perf_map_has(&map, 0x2000));
	ck_assert_uint_eq(map.size, 0);
	add_lines(&map, "1000 10 first\n2000 10 second\n");
	ck_assert(perf_map_has(&map, 0x1000) && perf_map_has(&map, 0x2000));
	ebcc_perf_map_deinit(&map);
}
END_TEST

/* While an old version of a file is still referred to, the new one is known, too. */
START_TEST(a_file_that_changed_is_found_again)
{
	char path[] = "/tmp/ebcc-test-file.XXXXXX", command[64];
	const struct timespec later[] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};

	ck_assert_int_ge(close(mkstemp(path)), 0);
	snprintf(command, sizeof(command), "cp /proc/%d/exe %s", getpid(), path);
	ck_assert_int_eq(system(command), 0);
	ck_assert_ok(ebcc_symbolizer_add_file(symbolizer, path));
	ck_assert_int_eq(utimensat(AT_FDCWD, path, later, 0), 0);
	ck_assert_ok(ebcc_symbolizer_add_file(symbolizer, path));
	ck_assert_uint_eq(symbolizer->file_count, 2);
	symbolizer_sweep(symbolizer);
	ck_assert_ok(ebcc_symbolizer_add_file(symbolizer, path));
	ck_assert_uint_eq(symbolizer->file_count, 2);
	unlink(path);
}
END_TEST

START_TEST(files_by_build_id)
{
	unsigned char id[64];
	struct ebcc_elf_part note;
	AUTO_ELF struct ebcc_elf *elf = NULL;
	struct ebcc_elf_symbol function;
	struct ebcc_symbol symbol;
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	uint64_t offset;

	ck_assert_int_gt(length, 0);
	path[length] = '\0';
	ck_assert_ok(ebcc_elf_open(path, &elf));
	/* A note's header and "GNU" take 16 bytes. */
	ck_assert(ebcc_elf_find_section(elf, ".note.gnu.build-id", &note) && note.size == 36);
	memcpy(id, note.data + 16, 20);
	ck_assert_ok(ebcc_elf_find_function(elf, "local_function", &function));
	ck_assert_ok(ebcc_elf_address_to_offset(elf, function.address, &offset));
	ck_assert_ok(ebcc_symbolizer_resolve_build_id(symbolizer, id, 20, offset + 1, 0, &symbol,
						      sizeof(symbol)));
	ck_assert_ptr_null(symbol.name);
	ck_assert_ok(ebcc_symbolizer_add_file(symbolizer, path));
	ck_assert_ok(ebcc_symbolizer_resolve_build_id(symbolizer, id, 20, offset + 1, 0, &symbol,
						      sizeof(symbol)));
	ck_assert_str_eq(symbol.name, "local_function");
	ck_assert_uint_eq(symbol.offset, 1);
	ck_assert_str_eq(symbol.module, path);
	id[0] ^= 1;
	ck_assert_ok(ebcc_symbolizer_resolve_build_id(symbolizer, id, 20, offset + 1, 0, &symbol,
						      sizeof(symbol)));
	ck_assert_ptr_null(symbol.name);
	assert_fails(ebcc_symbolizer_add_file(symbolizer, "/proc/self/status"), EBCC_ERROR_FORMAT,
		     "no build id");
	assert_fails(ebcc_symbolizer_add_file(symbolizer, "/no/such/file"), EBCC_ERROR_NOT_FOUND,
		     "/no/such/file");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("symbolizer");
	TCase *symbols = tcase_create("symbols");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(symbols, set_up, tear_down);
	tcase_set_timeout(symbols, 60);
	tcase_add_test(symbols, batches_keep_their_order);
	tcase_add_test(symbols, symbols_of_other_sizes);
	tcase_add_test(symbols, unknown_flags_are_refused);
	tcase_add_test(symbols, kernel_and_back);
	tcase_add_test(symbols, processes_that_are_not);
	tcase_add_test(symbols, a_library_that_comes_later);
	tcase_add_test(symbols, little_memory_still_gives_names);
	tcase_add_test(symbols, a_perf_map_starts_over_when_memory_is_short);
	tcase_add_test(symbols, a_file_that_changed_is_found_again);
	tcase_add_test(symbols, files_by_build_id);
	suite_add_tcase(suite, symbols);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
