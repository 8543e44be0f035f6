// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching by the names and sections of programs. A stand-in for attaching to kernel functions
 * records which functions it was called for, without a kernel.
 */
#include "base/kinds.h"
#include "load/link.h"

#include <check.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct ebcc_module module;
static struct ebcc_program programs[4], *pointers[4];
static char *sections[4];    /* of programs, where they were allocated */
static char attached[4][64]; /* "function" or "function returns" */
static size_t attached_count;
static const char *unknown; /* a function that the kernel doesn't have */

static struct ebcc_error *detach_nothing(struct ebcc_link *link)
{
	attached_count--;
	return NULL;
}

struct ebcc_error *__wrap_ebcc_program_attach_kprobe(struct ebcc_program *program,
						     const struct ebcc_kprobe_opts *opts,
						     struct ebcc_link **ret)
{
	if (unknown && !strcmp(opts->function, unknown))
		return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "no kernel function %s",
					 opts->function);
	snprintf(attached[attached_count++], sizeof(attached[0]), opts->offset ? "%s%s+%u" : "%s%s",
		 opts->function, opts->on_return ? " returns" : "", (unsigned)opts->offset);
	return ebcc_link_create(program, sizeof(**ret), detach_nothing, ret, "kprobe:%s",
				opts->function);
}

static void setup(void)
{
	module = (struct ebcc_module){.owner = getpid(), .programs = pointers};
	attached_count = 0;
	unknown = NULL;
}

static void teardown(void)
{
	while (module.links)
		ebcc_link_destroy(module.links);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		free(sections[i]);
		sections[i] = NULL;
	}
}

static void add_program_in(char *name, const char *section)
{
	struct ebcc_program *program = &programs[module.program_count];

	*program = (struct ebcc_program){.module = &module, .name = name, .fd = -1};
	ebcc_attach_target_init(&program->target, section);
	pointers[module.program_count++] = program;
}

/* In the section that the compiler gives a program on a function. */
static void add_program(char *name)
{
	const char *target;
	const struct ebcc_program_kind *kind = ebcc_program_kind_of(name, &target);
	bool named = kind && kind->attach != EBCC_ATTACH_BY_HAND;

	sections[module.program_count] =
		named ? ebcc_program_section(kind, target) : strdup("kprobe");
	add_program_in(name, sections[module.program_count]);
}

static void attach(void)
{
	struct ebcc_error *error = ebcc_module_attach_named(&module);

	ck_assert_msg(!error, "%s", error ? ebcc_error_message(error) : "");
}

START_TEST(functions_and_their_returns)
{
	add_program("kprobe__vfs_read");
	add_program("kretprobe__vfs_read");
	attach();
	ck_assert_uint_eq(attached_count, 2);
	ck_assert_str_eq(attached[0], "vfs_read");
	ck_assert_str_eq(attached[1], "vfs_read returns");
}
END_TEST

/* A script may use the name that the function of a system call has on another kernel. */
static char *const system_calls[] = {"kprobe__sys_clone", "kprobe____x64_sys_clone",
				     "kprobe____arm64_sys_clone"};

START_TEST(system_calls_are_their_wrappers)
{
	char wrapper[64];

	snprintf(wrapper, sizeof(wrapper), "%sclone", ebcc_kernel_syscall_prefix());
	add_program(system_calls[_i]);
	attach();
	ck_assert_uint_eq(attached_count, 1);
	ck_assert_str_eq(attached[0], wrapper);
}
END_TEST

START_TEST(returns_of_system_calls)
{
	char wrapper[64];

	snprintf(wrapper, sizeof(wrapper), "%sclone returns", ebcc_kernel_syscall_prefix());
	add_program("kretprobe__sys_clone");
	attach();
	ck_assert_uint_eq(attached_count, 1);
	ck_assert_str_eq(attached[0], wrapper);
}
END_TEST

START_TEST(other_names_are_left_alone)
{
	add_program("syscall__clone");
	add_program("count");
	add_program("kprobe__");
	attach();
	ck_assert_uint_eq(attached_count, 0);
	ck_assert_ptr_null(module.links);
}
END_TEST

/* The section that a source gives decides, whatever the program's name would say. */
START_TEST(sections_decide)
{
	char wrapper[64];

	snprintf(wrapper, sizeof(wrapper), "%skill", ebcc_kernel_syscall_prefix());
	add_program_in("kprobe__vfs_read", "kprobe/vfs_write");
	add_program_in("left", "kretprobe/vfs_open");
	add_program_in("call", "ksyscall/kill");
	add_program_in("kprobe__by_hand", "uprobe.multi");
	attach();
	ck_assert_uint_eq(attached_count, 3);
	ck_assert_str_eq(attached[0], "vfs_write");
	ck_assert_str_eq(attached[1], "vfs_open returns");
	ck_assert_str_eq(attached[2], wrapper);
}
END_TEST

START_TEST(offsets_in_sections)
{
	add_program_in("inner", "kprobe/vfs_read+0x10");
	attach();
	ck_assert_uint_eq(attached_count, 1);
	ck_assert_str_eq(attached[0], "vfs_read+16");
}
END_TEST

START_TEST(optional_programs_are_left_out)
{
	add_program_in("maybe", "kprobe/vfs_read");
	programs[0].optional = true;
	attach();
	ck_assert_uint_eq(attached_count, 0);
}
END_TEST

static const struct {
	const char *section, *form;
} incomplete[] = {
	{"kprobe/vfs_read+x", "kprobe/FUNCTION+OFFSET"},
	{"kprobe/+8", "kprobe/FUNCTION+OFFSET"},
	{"tp/sched", "tp/CATEGORY/EVENT"},
	{"tracepoint//switch", "tracepoint/CATEGORY/EVENT"},
	{"uprobe/:main", "uprobe/BINARY:SYMBOL+OFFSET"},
	{"uprobe//bin/true:", "uprobe/BINARY:SYMBOL+OFFSET"},
	{"usdt//bin/true", "usdt/BINARY:PROVIDER:PROBE"},
	{"usdt//bin/true:name", "usdt/BINARY:PROVIDER:PROBE"},
	{"usdt/:provider:name", "usdt/BINARY:PROVIDER:PROBE"},
	{"kprobe.multi/vfs_[a-z]", "kprobe.multi/PATTERN"},
	{"kprobe.session/vfs_[a-z]", "kprobe.session/PATTERN"},
	{"uprobe.multi//bin/true:ma[i]n", "uprobe.multi/BINARY:PATTERN"},
	{"uretprobe.multi.s//bin/true:", "uretprobe.multi.s/BINARY:PATTERN"},
	{"uprobe.session/:main", "uprobe.session/BINARY:PATTERN"},
};

START_TEST(incomplete_targets_are_errors)
{
	struct ebcc_error *error;
	char message[256];

	add_program_in("program", incomplete[_i].section);
	error = ebcc_module_attach_named(&module);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_INVALID_ARGUMENT);
	snprintf(message, sizeof(message),
		 "the section \"%s\" does not say what to attach to: it must be \"%s\"",
		 incomplete[_i].section, incomplete[_i].form);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), message));
	ebcc_error_destroy(error);
}
END_TEST

static const char *const unknown_ways[] = {"fentry.multi/vfs_*", "fsession/vfs_read",
					   "freplace/main"};

START_TEST(unknown_ways_are_errors)
{
	struct ebcc_error *error;

	add_program_in("program", unknown_ways[_i]);
	error = ebcc_module_attach_named(&module);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), unknown_ways[_i]));
	ebcc_error_destroy(error);
}
END_TEST

START_TEST(all_or_nothing)
{
	struct ebcc_error *error;

	unknown = "vfs_raed";
	add_program("kprobe__vfs_read");
	add_program("kprobe__vfs_raed");
	error = ebcc_module_attach_named(&module);
	ck_assert_ptr_nonnull(error);
	ck_assert_str_eq(ebcc_error_message(error),
			 "program kprobe__vfs_raed: no kernel function vfs_raed");
	ebcc_error_destroy(error);
	ck_assert_ptr_null(module.links);
	ck_assert_uint_eq(attached_count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("autoattach");
	TCase *tcase = tcase_create("names");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, functions_and_their_returns);
	tcase_add_loop_test(tcase, system_calls_are_their_wrappers, 0,
			    sizeof(system_calls) / sizeof(system_calls[0]));
	tcase_add_test(tcase, returns_of_system_calls);
	tcase_add_test(tcase, other_names_are_left_alone);
	tcase_add_test(tcase, sections_decide);
	tcase_add_test(tcase, offsets_in_sections);
	tcase_add_test(tcase, optional_programs_are_left_out);
	tcase_add_loop_test(tcase, incomplete_targets_are_errors, 0,
			    sizeof(incomplete) / sizeof(incomplete[0]));
	tcase_add_loop_test(tcase, unknown_ways_are_errors, 0,
			    sizeof(unknown_ways) / sizeof(unknown_ways[0]));
	tcase_add_test(tcase, all_or_nothing);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
