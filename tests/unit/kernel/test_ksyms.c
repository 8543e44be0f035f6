// SPDX-License-Identifier: Apache-2.0
/* Kernel symbols: lookups compared with a simple reading of /proc/kallsyms, and the cost of
 * parsing. */
#include "kernel/ksyms.h"

#include <check.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "error_checks.h"

#define KALLSYMS "/proc/kallsyms"

struct line {
	unsigned long long address;
	char name[512], module[64];
};

/* Reads every @step'th line of kallsyms that has a kernel address. */
static size_t sample_lines(struct line *lines, size_t capacity, size_t step)
{
	FILE *file = fopen(KALLSYMS, "r");
	char text[1024], type;
	size_t count = 0;

	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; count < capacity && fgets(text, sizeof(text), file); i++) {
		struct line *line = &lines[count];

		strcpy(line->module, "kernel");
		if (i % step || sscanf(text, "%llx %c %511s [%63[^]]]", &line->address, &type,
				       line->name, line->module) < 3)
			continue;
		/* BPF programs come and go while this test runs. */
		count += line->address >> 63 && strcmp(line->module, "bpf");
	}
	fclose(file);
	return count;
}

START_TEST(addresses_give_their_symbols)
{
	struct line *lines = calloc(3000, sizeof(*lines));
	size_t count = sample_lines(lines, 3000, 50), same_name = 0;
	struct ebcc_ksyms *ksyms;
	struct ebcc_ksym symbol;

	ck_assert_uint_gt(count, 500);
	ck_assert_ok(ebcc_ksyms_create(&ksyms));
	for (size_t i = 0; i < count; i++) {
		ck_assert(ebcc_ksyms_find(ksyms, lines[i].address, &symbol));
		ck_assert_uint_eq(symbol.address, lines[i].address);
		ck_assert_uint_eq(symbol.offset, 0);
		same_name += !strcmp(symbol.name, lines[i].name);
	}
	/* Some addresses have several names. */
	ck_assert_uint_gt(same_name, count * 8 / 10);
	ck_assert(!ebcc_ksyms_find(ksyms, 0, &symbol));
	ck_assert(!ebcc_ksyms_find(ksyms, 4096, &symbol));
	ck_assert(!ebcc_ksyms_find(ksyms, UINT64_MAX, &symbol));
	ebcc_ksyms_destroy(ksyms);
	free(lines);
}
END_TEST

START_TEST(names_give_their_addresses)
{
	struct line *lines = calloc(3000, sizeof(*lines));
	size_t count = sample_lines(lines, 3000, 50), same_address = 0;
	struct ebcc_ksyms *ksyms;
	struct ebcc_ksym symbol;
	uint64_t address;

	ck_assert_ok(ebcc_ksyms_create(&ksyms));
	for (size_t i = 0; i < count; i++) {
		ck_assert(ebcc_ksyms_find_name(ksyms, NULL, lines[i].name, &address));
		same_address += address == lines[i].address;
		ck_assert(ebcc_ksyms_find_name(ksyms, lines[i].module, lines[i].name, &address));
	}
	/* Several functions can have the same name. */
	ck_assert_uint_gt(same_address, count * 8 / 10);
	ck_assert(ebcc_ksyms_find_name(ksyms, "kernel", "_stext", &address));
	ck_assert(ebcc_ksyms_find(ksyms, address + 1, &symbol));
	ck_assert_uint_eq(symbol.offset, 1);
	ck_assert_str_eq(symbol.module, "kernel");
	ck_assert(!ebcc_ksyms_find_name(ksyms, "nosuchmodule", "_stext", &address));
	ck_assert(!ebcc_ksyms_find_name(ksyms, NULL, "no_such_function_at_all", &address));
	ck_assert_ok(ebcc_ksyms_refresh(ksyms));
	ck_assert(ebcc_ksyms_find_name(ksyms, NULL, "_stext", &address));
	ebcc_ksyms_destroy(ksyms);
	free(lines);
}
END_TEST

/* CPU time of this process, which doesn't depend on what else the machine does. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static bool count_line(void *ctx, const struct ebcc_ksyms_line *line)
{
	++*(size_t *)ctx;
	return true;
}

/* Most of the time goes into the kernel's printing of the file; parsing must not add much to it. */
START_TEST(parse_is_quick)
{
	double read_time = 1e9, parse_time = 1e9;
	size_t lines = 0;

	ck_assert_ok(ebcc_ksyms_walk(count_line, &lines));
	for (int round = 0; round < 5; round++) {
		AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
		struct ebcc_ksyms *ksyms;
		double start = seconds(), middle;

		ck_assert_ok(ebcc_buf_read_file(&text, KALLSYMS, 64u << 20));
		middle = seconds();
		ck_assert_ok(ebcc_ksyms_create(&ksyms));
		read_time = middle - start < read_time ? middle - start : read_time;
		parse_time = seconds() - middle < parse_time ? seconds() - middle : parse_time;
		ebcc_ksyms_destroy(ksyms);
	}
	printf("kallsyms: %zu lines; reading alone %.1f ms, reading and parsing %.1f ms\n", lines,
	       read_time * 1e3, parse_time * 1e3);
	ck_assert_double_lt(parse_time, read_time * 2 + lines * 250e-9);
}
END_TEST

START_TEST(hidden_addresses_are_explained)
{
	struct ebcc_ksyms *ksyms = NULL;
	struct ebcc_error *error;
	size_t lines = 0;

	if (setgid(65534) || setuid(65534))
		ck_abort_msg("this test must be run as root");
	error = ebcc_ksyms_create(&ksyms);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_PERMISSION);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), "kptr_restrict"));
	ck_assert_ptr_null(ksyms);
	ebcc_error_destroy(error);
	/* The names are still visible. */
	ck_assert_ok(ebcc_ksyms_walk(count_line, &lines));
	ck_assert_uint_gt(lines, 10000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ksyms");
	TCase *symbols = tcase_create("symbols"), *speed = tcase_create("speed");
	SRunner *runner;
	int failed;

	tcase_set_timeout(symbols, 120);
	tcase_add_test(symbols, addresses_give_their_symbols);
	tcase_add_test(symbols, names_give_their_addresses);
	tcase_add_test(symbols, hidden_addresses_are_explained);
	suite_add_tcase(suite, symbols);
	/* A separate case, since its result means nothing on an emulated processor. */
	tcase_set_timeout(speed, 120);
	tcase_add_test(speed, parse_is_quick);
	suite_add_tcase(suite, speed);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
