/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules for the runtime's tests, created from an object that clang compiled when the tests were
 * built (runtime.bpf.c), so no test here needs this project's compiler.
 */
#ifndef RUNTIME_FIXTURE_H
#define RUNTIME_FIXTURE_H

#include <check.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/buf.h"
#include "load/module.h"
#include "load/tables.h"

/* The object that the second pipeline returns in this test program; NULL: it fails. */
static const char *second_object;
static int second_compiles;

static inline void check_ok(struct ebcc_error *error)
{
	if (error)
		ck_abort_msg("%s\n%s", ebcc_error_message(error),
			     ebcc_error_details(error) ? ebcc_error_details(error) : "");
}

/* Checks that @error has this code and @text in its message, and frees it. */
static inline void check_error(struct ebcc_error *error, enum ebcc_error_code code,
			       const char *text)
{
	ck_assert_msg(error != NULL, "no error; expected: %s", text);
	ck_assert_msg(ebcc_error_code(error) == code && strstr(ebcc_error_message(error), text),
		      "code %d, message: %s", ebcc_error_code(error), ebcc_error_message(error));
	ebcc_error_destroy(error);
}

static inline void read_object(const char *path, char **ret, size_t *ret_size)
{
	struct ebcc_buf buf = EBCC_BUF_INIT;

	check_ok(ebcc_buf_read_file(&buf, path, 1 << 24));
	check_ok(ebcc_buf_take(&buf, ret, ret_size));
}

/* Stands in for the compiler. */
static inline struct ebcc_error *compile_second(struct ebcc_module *module, char **ret_bytes,
						size_t *ret_size)
{
	second_compiles++;
	if (!second_object)
		return ebcc_error_create(EBCC_ERROR_COMPILE, "there is no second object");
	read_object(second_object, ret_bytes, ret_size);
	return NULL;
}

static inline struct ebcc_module *create_module(const char *path, ebcc_log_fn log, void *log_ctx,
						unsigned debug)
{
	/* clang's objects don't say for which kernel they were compiled. */
	struct ebcc_module_opts opts = {.sz = sizeof(opts),
					.log = log,
					.log_ctx = log_ctx,
					.debug = debug,
					.any_kernel = true};
	struct ebcc_module *module;
	size_t size;
	char *bytes;

	read_object(path, &bytes, &size);
	check_ok(ebcc_module_create_from_object(bytes, size, &opts, &module));
	free(bytes);
	module->compile_second = compile_second;
	return module;
}

static inline struct ebcc_table *find_table(struct ebcc_module *module, const char *name)
{
	struct ebcc_table *table = NULL;

	check_ok(ebcc_module_find_table(module, name, &table));
	return table;
}

/* The u64 at the start of ".bss" or ".data". */
static inline uint64_t first_variable(struct ebcc_module *module, const char *section)
{
	uint64_t value[1024] = {0};
	uint32_t zero = 0;
	bool found;

	check_ok(ebcc_table_lookup(ebcc_module_map(module, section), &zero, value, &found));
	ck_assert(found);
	return value[0];
}

/* Makes the programs react only to this process calling getpgid(). */
static inline void target_self(struct ebcc_module *module)
{
	uint32_t pid = (uint32_t)getpid();
	long number = SYS_getpgid;

	check_ok(ebcc_module_set_constant(module, "target_pid", &pid, sizeof(pid)));
	check_ok(ebcc_module_set_constant(module, "wanted_syscall", &number, sizeof(number)));
}

/* Loads a program and attaches it to the entry of system calls. Returns a descriptor to close. */
static inline int attach(struct ebcc_module *module, const char *name)
{
	struct ebcc_program *program;
	int fd;

	check_ok(ebcc_module_find_program(module, name, &program));
	check_ok(ebcc_program_load(program, BPF_PROG_TYPE_RAW_TRACEPOINT, NULL));
	fd = bpf_raw_tracepoint_open("sys_enter", ebcc_program_fd(program));
	ck_assert_int_ge(fd, 0);
	return fd;
}

static inline void trigger(int count)
{
	for (int i = 0; i < count; i++)
		syscall(SYS_getpgid, 0);
}

/* Mounts a private BPF file system, so that pins don't collide with those of others. */
static inline bool own_bpf_file_system(void)
{
	return !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL);
}

static inline int run_suite(TCase *(*const cases[])(void), int count, const char *name)
{
	Suite *suite = suite_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	for (int i = 0; i < count; i++) {
		TCase *tcase = cases[i]();

		tcase_set_timeout(tcase, 60);
		suite_add_tcase(suite, tcase);
	}
	if (geteuid()) {
		/* CTest counts this status as skipped, and shows the reason. */
		puts("skipped: loading BPF requires root");
		return 77;
	}
	if (!own_bpf_file_system()) {
		perror("can't mount a private BPF file system");
		return EXIT_FAILURE;
	}
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif /* RUNTIME_FIXTURE_H */
