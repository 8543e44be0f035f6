// SPDX-License-Identifier: Apache-2.0
/* The tables of kinds: which kind a program or table has by its name. */
#include "base/kinds.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ebcc.h"

static const struct {
	const char *program;
	int kind; /* -1: none */
	const char *target;
} programs[] = {
	{"kprobe__vfs_read", EBCC_KIND_KPROBE, "vfs_read"},
	{"kretprobe__vfs_read", EBCC_KIND_KRETPROBE, "vfs_read"},
	{"syscall__clone", EBCC_KIND_SYSCALL, "clone"},
	{"tracepoint__sched__sched_switch", EBCC_KIND_TRACEPOINT, "sched__sched_switch"},
	{"raw_tracepoint__sched_switch", EBCC_KIND_RAW_TRACEPOINT, "sched_switch"},
	{"kfunc__vfs_read", EBCC_KIND_KFUNC, "vfs_read"},
	{"kretfunc__vfs_read", EBCC_KIND_KRETFUNC, "vfs_read"},
	{"kmod_ret__vfs_read", EBCC_KIND_KMOD_RET, "vfs_read"},
	{"lsm__file_open", EBCC_KIND_LSM, "file_open"},
	{"bpf_iter__task", EBCC_KIND_ITER, "task"},
	{"kprobe__", -1, NULL},
	{"kprobe_vfs_read", -1, NULL},
	{"my_kprobe__vfs_read", -1, NULL},
	{"tp_btf__sched_switch", -1, NULL},
	{"", -1, NULL},
};

START_TEST(kinds_of_programs)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const char *target = NULL;
		const struct ebcc_program_kind *kind =
			ebcc_program_kind_of(programs[i].program, &target);

		ck_assert_int_eq(kind ? (int)kind->id : -1, programs[i].kind);
		ck_assert_pstr_eq(target, programs[i].target);
	}
}
END_TEST

START_TEST(kinds_are_in_their_order)
{
	for (int i = 0; i < EBCC_KIND_COUNT; i++) {
		ck_assert_int_eq(ebcc_program_kinds[i].id, i);
		ck_assert_int_eq(
			ebcc_program_kinds[i].section[strlen(ebcc_program_kinds[i].section) - 1],
			'/');
	}
}
END_TEST

static const struct {
	const char *name;
	int kind; /* -1: none */
	const char *prefix, *target;
	bool sleepable;
} sections[] = {
	{"kprobe/vfs_read", EBCC_KIND_KPROBE, "kprobe/", "vfs_read", false},
	{"kprobe/vfs_read+0x4", EBCC_KIND_KPROBE, "kprobe/", "vfs_read+0x4", false},
	{"kprobe", EBCC_KIND_KPROBE, "kprobe/", "", false},
	{"?kprobe/f", EBCC_KIND_KPROBE, "kprobe/", "f", false},
	{"uprobe.multi/libc.so.6:get*", EBCC_KIND_UPROBE_MULTI, "uprobe.multi/", "libc.so.6:get*",
	 false},
	{"uretprobe.multi.s//bin/sh:ma*", EBCC_KIND_URETPROBE_MULTI, "uretprobe.multi.s/",
	 "/bin/sh:ma*", true},
	{"kprobe.session/vfs_*", EBCC_KIND_KPROBE_SESSION, "kprobe.session/", "vfs_*", false},
	{"uprobe.session.s/c:abs", EBCC_KIND_UPROBE_SESSION, "uprobe.session.s/", "c:abs", true},
	{"kprobe.multi/tcp_*", EBCC_KIND_KPROBE_MULTI, "kprobe.multi/", "tcp_*", false},
	{"tp/sched/sched_switch", EBCC_KIND_TRACEPOINT, "tp/", "sched/sched_switch", false},
	{"tracepoint/a/b", EBCC_KIND_TRACEPOINT, "tracepoint/", "a/b", false},
	{"tp_btf/sched_switch", EBCC_KIND_TP_BTF, "tp_btf/", "sched_switch", false},
	{"raw_tracepoint/x", EBCC_KIND_RAW_TRACEPOINT, "raw_tracepoint/", "x", false},
	{"raw_tp.w/x", EBCC_KIND_RAW_TRACEPOINT, "raw_tp.w/", "x", false},
	{"fentry.s/x", EBCC_KIND_KFUNC, "fentry.s/", "x", true},
	{"uprobe//bin/sh:main", EBCC_KIND_UPROBE, "uprobe/", "/bin/sh:main", false},
	{"ksyscall/kill", EBCC_KIND_KSYSCALL, "ksyscall/", "kill", false},
	{"kprobes/x", -1, NULL, NULL, false},
	{"xdp", -1, NULL, NULL, false},
	{"", -1, NULL, NULL, false},
};

START_TEST(sections_are_taken_apart)
{
	struct ebcc_section section = ebcc_section_of(sections[_i].name);

	ck_assert_int_eq(section.kind ? (int)section.kind->id : -1, sections[_i].kind);
	ck_assert_pstr_eq(section.prefix, sections[_i].prefix);
	ck_assert_pstr_eq(section.target, sections[_i].target);
	ck_assert_int_eq(section.sleepable, sections[_i].sleepable);
}
END_TEST

/* Every prefix is found by itself, so no entry hides another one. */
START_TEST(prefixes_of_sections)
{
	const char *prefix;
	size_t count = 0;

	for (; (prefix = ebcc_section_prefix(count)); count++) {
		struct ebcc_section section = ebcc_section_of(prefix);

		ck_assert_ptr_nonnull(section.kind);
		ck_assert_str_eq(section.prefix, prefix);
		ck_assert_str_eq(section.target, "");
	}
	ck_assert_uint_gt(count, EBCC_KIND_COUNT);
}
END_TEST

START_TEST(sections_of_names)
{
	const char *target;
	const struct ebcc_program_kind *kind =
		ebcc_program_kind_of("tracepoint__sched__sched_switch", &target);
	char *section = ebcc_program_section(kind, target);

	ck_assert_str_eq(section, "tracepoint/sched/sched_switch");
	free(section);
	ck_assert_ptr_null(ebcc_program_section(kind, "odd"));
	section = ebcc_program_section(&ebcc_program_kinds[EBCC_KIND_KFUNC], "vfs_read");
	ck_assert_str_eq(section, "fentry/vfs_read");
	free(section);
}
END_TEST

START_TEST(types_of_contexts)
{
	ck_assert_str_eq(ebcc_context_of("pt_regs")->section, "kprobe");
	ck_assert(!ebcc_context_of("pt_regs")->packets);
	ck_assert_str_eq(ebcc_context_of("xdp_md")->section, "xdp");
	ck_assert(ebcc_context_of("xdp_md")->packets);
	ck_assert_ptr_null(ebcc_context_of("__sk_buff")->section);
	ck_assert(ebcc_context_of("__sk_buff")->packets);
	ck_assert_ptr_null(ebcc_context_of("sk_buff"));
	ck_assert_ptr_null(ebcc_context_of("void"));
}
END_TEST

START_TEST(names_of_system_calls)
{
	ck_assert_str_eq(ebcc_syscall_name("sys_clone"), "clone");
	ck_assert_str_eq(ebcc_syscall_name("__x64_sys_clone"), "clone");
	ck_assert_str_eq(ebcc_syscall_name("__arm64_sys_clone"), "clone");
	ck_assert_str_eq(ebcc_syscall_name("__ia32_compat_sys_open"), "open");
	ck_assert_ptr_null(ebcc_syscall_name("__sys_bind"));
	ck_assert_ptr_null(ebcc_syscall_name("ksys_read"));
	ck_assert_ptr_null(ebcc_syscall_name("sys_"));
	ck_assert_ptr_null(ebcc_syscall_name("vfs_read"));
}
END_TEST

START_TEST(arguments_of_system_calls)
{
	ck_assert(ebcc_program_has_syscall_arguments("syscall__clone"));
	ck_assert(ebcc_program_has_syscall_arguments("kprobe__sys_clone"));
	ck_assert(ebcc_program_has_syscall_arguments("kprobe____x64_sys_clone"));
	ck_assert(ebcc_program_has_syscall_arguments("kprobe____arm64_sys_clone"));
	/* A kretprobe has no arguments: when the call returns, the registers have changed. */
	ck_assert(!ebcc_program_has_syscall_arguments("kretprobe__sys_clone"));
	ck_assert(!ebcc_program_has_syscall_arguments("kprobe__vfs_read"));
	ck_assert(!ebcc_program_has_syscall_arguments("kfunc__sys_clone"));
	ck_assert(!ebcc_program_has_syscall_arguments("clone"));
}
END_TEST

START_TEST(macros_and_methods_of_tables)
{
	const struct ebcc_table_macro *macro = ebcc_table_macro_of("BPF_QUEUESTACK_SHARED", 21);

	ck_assert_ptr_nonnull(macro);
	ck_assert_uint_eq(macro->identifier, 1);
	ck_assert_ptr_null(ebcc_table_macro_of("BPF_HASHES", 10));
	ck_assert_ptr_null(ebcc_table_macro_of("BPF_HAS", 7));
	ck_assert_ptr_null(ebcc_table_method_of("lookups", 7));
	ck_assert_str_eq(ebcc_table_method_of("pop(", 3)->arguments, "(&leaf)");
	for (macro = ebcc_table_macros; macro->name; macro++) {
		unsigned methods = 0;

		ck_assert_uint_lt(macro->identifier, macro->least);
		ck_assert_uint_le(macro->least, macro->most);
		for (const struct ebcc_table_method *method = ebcc_table_methods; method->name;
		     method++)
			methods |= macro->methods & method->group;
		ck_assert_uint_eq(methods, macro->methods);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kinds");
	TCase *tcase = tcase_create("names");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, kinds_of_programs);
	tcase_add_test(tcase, kinds_are_in_their_order);
	tcase_add_loop_test(tcase, sections_are_taken_apart, 0,
			    sizeof(sections) / sizeof(sections[0]));
	tcase_add_test(tcase, prefixes_of_sections);
	tcase_add_test(tcase, sections_of_names);
	tcase_add_test(tcase, types_of_contexts);
	tcase_add_test(tcase, names_of_system_calls);
	tcase_add_test(tcase, arguments_of_system_calls);
	tcase_add_test(tcase, macros_and_methods_of_tables);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
