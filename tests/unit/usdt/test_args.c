// SPDX-License-Identifier: Apache-2.0
/*
 * Arguments of USDT probes, from source to values: programs of both pipelines run at the entry of a
 * function of this process, where the contents of registers are known. The test fills the map of
 * specs itself, in the layout that programs and library share.
 */
#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/user.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/ebcc/usdt_spec.h"
#include "ebcc.h"

#define COOKIE 0x1122334455667788ULL

/* The registers of the first three integer parameters at the entry of a function. */
#if defined(__x86_64__)
#define FIRST offsetof(struct user_regs_struct, rdi)
#define SECOND offsetof(struct user_regs_struct, rsi)
#define THIRD offsetof(struct user_regs_struct, rdx)
#elif defined(__aarch64__)
#define FIRST offsetof(struct user_regs_struct, regs[0])
#define SECOND offsetof(struct user_regs_struct, regs[1])
#define THIRD offsetof(struct user_regs_struct, regs[2])
#endif

_Static_assert(sizeof(struct ebcc_usdt_argument) == 16, "no padding");
_Static_assert(sizeof(struct ebcc_usdt_spec) == 16 + 16 * EBCC_USDT_MAX_ARGUMENTS, "no padding");

struct answer {
	int64_t whole;
	int32_t half;
	uint16_t quarter;
	int8_t byte;
	uint8_t found;
	int error, text_error;
	char text[16];
};

#define SOURCE_TYPES                                                                               \
	"struct answer { s64 whole; s32 half; u16 quarter; s8 byte; u8 found; int error, "         \
	"text_error; char text[16]; };\n"                                                          \
	"BPF_ARRAY(numbers, u32, 1);\n"                                                            \
	"BPF_ARRAY(answers, struct answer, 1);\n"

#define READ_ALL(n)                                                                                \
	"	struct answer answer;\n"                                                                 \
	"	answer.found = 1;\n"                                                                     \
	"	answer.error = bpf_usdt_readarg(" n ", ctx, &answer.whole);\n"                     \
	"	bpf_usdt_readarg(" n ", ctx, &answer.half);\n"                                     \
	"	bpf_usdt_readarg(" n ", ctx, &answer.quarter);\n"                                  \
	"	bpf_usdt_readarg(" n ", ctx, &answer.byte);\n"                                     \
	"	answer.text_error = bpf_usdt_readarg_p(" n ", ctx, &answer.text, 16);\n"           \
	"	answers.update(&zero, &answer);\n"                                                       \
	"	return 0;\n"

static const char source[] = SOURCE_TYPES
	"int any(struct pt_regs *ctx) {\n"
	"	int zero = 0;\n"
	"	u32 *n = numbers.lookup(&zero);\n"
	"	if (!n)\n"
	"		return 0;\n" READ_ALL("*n") "}\n"
						    "int second(struct pt_regs *ctx) {\n"
						    "	int zero = 0;\n" READ_ALL("2") "}\n";

static struct ebcc_module *module;
static struct ebcc_program *program;
static struct ebcc_link *link_;
static int specs = -1;

static const struct {
	long words[4];
	char text[16];
} memory = {{-1, 0x1234567890abcdef, -3, 0x00000000fffffffe}, "spoken"};

/* The location of the probe. Without counters for coverage, whose instructions the kernel can't
 * step over. */
__attribute__((noinline, no_profile_instrument_function)) static void
traced(const void *first, long second, long third)
{
	asm volatile("" : : "r"(first), "r"(second), "r"(third) : "memory");
}

static void ok(struct ebcc_error *error)
{
	ck_assert_msg(!error, "%s\n%s", error ? ebcc_error_message(error) : "",
		      error && ebcc_error_details(error) ? ebcc_error_details(error) : "");
}

/* The descriptor of the loaded program's map of specs, or -1. The kernel truncates the name. */
static int find_specs(void)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info), ids[16];

	info.map_ids = (uintptr_t)ids;
	info.nr_map_ids = 16;
	ck_assert_int_eq(bpf_obj_get_info_by_fd(ebcc_program_fd(program), &info, &size), 0);
	for (unsigned i = 0; i < info.nr_map_ids; i++) {
		struct bpf_map_info map = {0};
		int fd = bpf_map_get_fd_by_id(ids[i]);

		size = sizeof(map);
		ck_assert_int_eq(bpf_obj_get_info_by_fd(fd, &map, &size), 0);
		if (!strncmp(map.name, EBCC_USDT_SPECS_NAME, sizeof(map.name) - 1)) {
			ck_assert_int_eq(map.key_size, 8);
			ck_assert_int_eq(map.value_size, sizeof(struct ebcc_usdt_spec));
			ck_assert_int_eq(map.max_entries, EBCC_USDT_SPECS_SIZE);
			return fd;
		}
		close(fd);
	}
	return -1;
}

/* Replaces the module by one from the object of the second pipeline. */
static void take_second(void)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts)};
	struct ebcc_module *first = module;
	const void *object;
	size_t size;

	ok(ebcc_module_second_object(first, &object, &size));
	ok(ebcc_module_create_from_object(object, size, &opts, &module));
	ebcc_module_destroy(first);
}

static void attach(bool plain, const char *name, uint64_t cookie)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts)};
	struct ebcc_uprobe_opts probe = {.sz = sizeof(probe),
					 .binary = "/proc/self/exe",
					 .symbol = "traced",
					 .pid = getpid(),
					 .cookie = cookie};

	ok(ebcc_module_create(source, strlen(source), &opts, &module));
	if (plain)
		take_second();
	ok(ebcc_module_find_program(module, name, &program));
	ok(ebcc_program_attach_uprobe(program, &probe, &link_));
	specs = find_specs();
	ck_assert_int_ge(specs, 0);
}

static void setup(void)
{
	setenv("EBCC_CACHE", "off", 1);
	module = NULL;
	link_ = NULL;
	specs = -1;
}

static void teardown(void)
{
	ebcc_link_destroy(link_);
	ebcc_module_destroy(module);
	close(specs);
}

static void set_spec(uint64_t key, const struct ebcc_usdt_spec *spec)
{
	ck_assert_int_eq(bpf_map_update_elem(specs, &key, spec, BPF_ANY), 0);
}

/* What the program reads as argument @n in a call of the traced function. */
static struct answer ask(uint32_t n)
{
	struct answer answer = {0};
	struct ebcc_table *numbers, *answers;
	uint32_t zero = 0;
	bool found;

	ok(ebcc_module_find_table(module, "numbers", &numbers));
	ok(ebcc_module_find_table(module, "answers", &answers));
	ok(ebcc_table_update(numbers, &zero, &n, BPF_ANY));
	ok(ebcc_table_update(answers, &zero, &answer, BPF_ANY));
	traced(&memory, 2, -5);
	ok(ebcc_table_lookup(answers, &zero, &answer, &found));
	ck_assert(answer.found);
	return answer;
}

static void gives(uint32_t n, int64_t value)
{
	struct answer answer = ask(n);

	ck_assert_int_eq(answer.error, 0);
	ck_assert_int_eq(answer.whole, value);
	ck_assert_int_eq(answer.half, (int32_t)value);
	ck_assert_int_eq(answer.quarter, (uint16_t)value);
	ck_assert_int_eq(answer.byte, (int8_t)value);
}

static void gives_error(uint32_t n, int error)
{
	const struct answer answer = ask(n);
	const char zeroes[sizeof(answer.text)] = {0};

	ck_assert_int_eq(answer.error, error);
	ck_assert_int_eq(answer.text_error, error);
	ck_assert_int_eq(answer.whole, 0);
	ck_assert_int_eq(answer.half, 0);
	ck_assert_mem_eq(answer.text, zeroes, sizeof(zeroes));
}

#define ARGUMENT(kind_, base_, value_, size_, is_signed_)                                          \
	((struct ebcc_usdt_argument){.kind = EBCC_USDT_##kind_,                                    \
				     .base = (base_),                                              \
				     .value = (uint64_t)(value_),                                  \
				     .size = (size_),                                              \
				     .is_signed = (is_signed_)})

static struct ebcc_usdt_argument indexed(unsigned base, unsigned index, unsigned shift,
					 int64_t offset)
{
	struct ebcc_usdt_argument argument = ARGUMENT(INDEXED, base, offset, 8, 1);

	argument.index = index;
	argument.shift = shift;
	return argument;
}

START_TEST(constants_and_registers)
{
	struct ebcc_usdt_spec spec = {
		.count = 7,
		.arguments = {
			ARGUMENT(CONSTANT, 0, -7, 4, 1), ARGUMENT(CONSTANT, 0, -7, 4, 0),
			ARGUMENT(CONSTANT, 0, 0x1ff, 1, 1), ARGUMENT(REGISTER, THIRD, 0, 8, 1),
			ARGUMENT(REGISTER, THIRD, 0, 2, 0), ARGUMENT(REGISTER, THIRD, 0, 1, 1),
			ARGUMENT(REGISTER, SECOND, 0, 4, 1)}};

	attach(_i, "any", COOKIE);
	set_spec(COOKIE, &spec);
	gives(1, -7);
	gives(2, 0xfffffff9);
	gives(3, -1);
	gives(4, -5);
	gives(5, 0xfffb);
	gives(6, -5);
	gives(7, 2);
}
END_TEST

START_TEST(user_memory)
{
	struct ebcc_usdt_spec spec = {
		.count = 8,
		.arguments = {ARGUMENT(MEMORY, FIRST, 8, 8, 0), ARGUMENT(MEMORY, FIRST, 8, 4, 1),
			      ARGUMENT(MEMORY, FIRST, 9, 1, 0), ARGUMENT(MEMORY, FIRST, 24, 4, 1),
			      indexed(FIRST, SECOND, 3, 0), indexed(FIRST, SECOND, 2, -8),
			      indexed(EBCC_USDT_NO_REGISTER, SECOND, 2, (intptr_t)&memory),
			      ARGUMENT(MEMORY, EBCC_USDT_NO_REGISTER, 1, 8, 0)}};

	attach(_i, "any", COOKIE);
	set_spec(COOKIE, &spec);
	gives(1, 0x1234567890abcdef);
	gives(2, (int32_t)0x90abcdef);
	gives(3, 0xcd);
	gives(4, -2);
	gives(5, -3);
	gives(6, -1);
	gives(7, 0x1234567890abcdef);
	gives_error(8, -EFAULT);
}
END_TEST

START_TEST(what_a_pointer_points_to)
{
	struct ebcc_usdt_spec spec = {
		.count = 2,
		.arguments = {ARGUMENT(CONSTANT, 0, (uintptr_t)memory.text, 8, 0),
			      ARGUMENT(CONSTANT, 0, 1, 8, 0)}};
	const struct answer answer = (attach(_i, "any", COOKIE), set_spec(COOKIE, &spec), ask(1));

	ck_assert_int_eq(answer.text_error, 0);
	ck_assert_mem_eq(answer.text, memory.text, sizeof(memory.text));
	ck_assert_int_eq(ask(2).error, 0);
	ck_assert_int_eq(ask(2).text_error, -EFAULT);
}
END_TEST

START_TEST(number_known_to_the_compiler)
{
	struct ebcc_usdt_spec spec = {
		.count = 2,
		.arguments = {ARGUMENT(CONSTANT, 0, 1, 8, 0), ARGUMENT(REGISTER, THIRD, 0, 8, 1)}};

	attach(_i, "second", COOKIE);
	gives_error(0, -ENOENT);
	set_spec(COOKIE, &spec);
	gives(0, -5);
}
END_TEST

START_TEST(missing_arguments)
{
	struct ebcc_usdt_spec spec = {.count = EBCC_USDT_MAX_ARGUMENTS + 1};

	attach(_i, "any", COOKIE);
	gives_error(1, -ENOENT);
	spec.arguments[11] = ARGUMENT(CONSTANT, 0, 12, 8, 0);
	set_spec(COOKIE, &spec);
	gives(12, 12);
	gives_error(0, -ENOENT);
	gives_error(1, -ENOENT);
	gives_error(13, -ENOENT);
	gives_error(UINT32_MAX, -ENOENT);
	spec.count = 11;
	set_spec(COOKIE, &spec);
	gives_error(12, -ENOENT);
}
END_TEST

/* Nothing is read outside the registers, and never more than eight bytes. */
START_TEST(broken_specs)
{
	struct ebcc_usdt_spec spec = {
		.count = 4,
		.arguments = {ARGUMENT(REGISTER, sizeof(struct user_regs_struct), 0, 8, 0),
			      ARGUMENT(REGISTER, 0xfffe, 0, 8, 0), ARGUMENT(MEMORY, FIRST, 0, 9, 0),
			      indexed(FIRST, 0x7fff, 0, 0)}};

	attach(_i, "any", COOKIE);
	set_spec(COOKIE, &spec);
	for (uint32_t n = 1; n <= spec.count; n++)
		gives_error(n, -EINVAL);
}
END_TEST

START_TEST(without_a_cookie_by_address)
{
	struct ebcc_usdt_spec spec = {.count = 1,
				      .arguments = {ARGUMENT(REGISTER, SECOND, 0, 8, 0)}};

	attach(_i, "any", 0);
	gives_error(1, -ENOENT);
	set_spec((uintptr_t)traced, &spec);
	gives(1, 2);
}
END_TEST

START_TEST(the_map_is_internal)
{
	struct ebcc_table *table;
	struct ebcc_error *error;

	attach(_i, "any", COOKIE);
	ck_assert_uint_eq(ebcc_module_table_count(module), 2);
	error = ebcc_module_find_table(module, EBCC_USDT_SPECS_NAME, &table);
	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_NOT_FOUND);
	ebcc_error_destroy(error);
}
END_TEST

/* Opens an object as on a kernel without cookies: .kconfig says so, and the number of the helper is
 * one that no kernel knows. */
static struct bpf_object *open_without_cookies(const void *bytes, size_t size)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG);
	int zero = 0, fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "kconfig", 4, 1, 1, &opts);
	struct bpf_object *object = bpf_object__open_mem(bytes, size, NULL);
	struct bpf_program *program, *other;
	struct bpf_insn *insns;
	unsigned replaced = 0;

	ck_assert_ptr_nonnull(object);
	ck_assert_int_eq(bpf_map_update_elem(fd, &zero, &(char){0}, BPF_ANY), 0);
	ck_assert_int_eq(bpf_map_freeze(fd), 0);
	ck_assert_int_eq(bpf_map__reuse_fd(bpf_object__find_map_by_name(object, ".kconfig"), fd),
			 0);
	close(fd);
	program = bpf_object__find_program_by_name(object, "any");
	other = bpf_object__find_program_by_name(object, "second");
	ck_assert_int_eq(bpf_program__set_autoload(other, false), 0);
	insns = (struct bpf_insn *)bpf_program__insns(program);
	for (size_t i = 0; i < bpf_program__insn_cnt(program); i++) {
		if (insns[i].code != (BPF_JMP | BPF_CALL) || insns[i].src_reg ||
		    insns[i].imm != BPF_FUNC_get_attach_cookie)
			continue;
		insns[i].imm = 0x7fff;
		replaced++;
	}
	ck_assert_uint_eq(replaced, 5);
	return object;
}

START_TEST(the_verifier_skips_an_unknown_helper)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts)};
	struct bpf_object *object;
	const void *bytes;
	size_t size;

	ok(ebcc_module_create(source, strlen(source), &opts, &module));
	if (_i)
		take_second();
	bytes = ebcc_module_object(module, &size);
	object = open_without_cookies(bytes, size);
	ck_assert_int_eq(bpf_object__load(object), 0);
	bpf_object__close(object);
}
END_TEST

static bool mentions_usdt(const char *text)
{
	struct ebcc_module_opts opts = {.sz = sizeof(opts)};
	struct ebcc_module *made;
	const void *object;
	size_t size;
	bool found;

	ok(ebcc_module_create(text, strlen(text), &opts, &made));
	object = ebcc_module_object(made, &size);
	found = memmem(object, size, "usdt", strlen("usdt")) ||
		memmem(object, size, "COOKIE", strlen("COOKIE"));
	ebcc_module_destroy(made);
	return found;
}

START_TEST(costs_nothing_unless_used)
{
	ck_assert(!mentions_usdt("BPF_HASH(counts); int any(struct pt_regs *ctx) {\n"
				 "	counts.increment(PT_REGS_IP(ctx)); return 0; }"));
	ck_assert(mentions_usdt("int any(struct pt_regs *ctx) {\n"
				"	char c; return bpf_usdt_readarg(1, ctx, &c); }"));
}
END_TEST

START_TEST(only_numbers_and_pointers)
{
	const char *text = "int any(struct pt_regs *ctx) {\n"
			   "	char name[16]; return bpf_usdt_readarg(1, ctx, &name); }";
	struct ebcc_module_opts opts = {.sz = sizeof(opts)};
	struct ebcc_module *made;
	struct ebcc_error *error = ebcc_module_create(text, strlen(text), &opts, &made);

	ck_assert_int_eq(ebcc_error_code(error), EBCC_ERROR_COMPILE);
	ck_assert_ptr_nonnull(strstr(ebcc_error_message(error), "bpf_usdt_readarg_p()"));
	ebcc_error_destroy(error);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("usdt_args");
	TCase *tcase = tcase_create("usdt_args");
	SRunner *runner;
	int failed;

	if (geteuid()) {
		fprintf(stderr, "skipped: loading programs requires root\n");
		return 77;
	}
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	/* Each of them with both pipelines. */
	tcase_add_loop_test(tcase, constants_and_registers, 0, 2);
	tcase_add_loop_test(tcase, user_memory, 0, 2);
	tcase_add_loop_test(tcase, what_a_pointer_points_to, 0, 2);
	tcase_add_loop_test(tcase, number_known_to_the_compiler, 0, 2);
	tcase_add_loop_test(tcase, missing_arguments, 0, 2);
	tcase_add_loop_test(tcase, broken_specs, 0, 2);
	tcase_add_loop_test(tcase, without_a_cookie_by_address, 0, 2);
	tcase_add_loop_test(tcase, the_map_is_internal, 0, 2);
	tcase_add_loop_test(tcase, the_verifier_skips_an_unknown_helper, 0, 2);
	tcase_add_test(tcase, costs_nothing_unless_used);
	tcase_add_test(tcase, only_numbers_and_pointers);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
