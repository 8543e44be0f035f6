// SPDX-License-Identifier: Apache-2.0
/*
 * Relocations of portable objects: the numbers in the instructions, compared with the kernel's
 * types (relocate_kernel.h) and with what libbpf makes of the same object; what a kernel lacks;
 * broken objects.
 */
#include "load/runtime_fixture.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "advice/verifier_log.h"
#include "elf/bpf_object.h"
#include "load/object.h"
#include "load/relocate.h"
#include "load/relocate_kernel.h"

static char *object, *relocated;
static size_t object_size;
static struct ebcc_kernel_btf *kernel;
static struct ebcc_unresolved unresolved;
static struct bpf_object *opened;

/* The BTF of another object, as that of a kernel. */
static struct ebcc_buf inputs; /* of tracepoints, that relocating has read */

static struct ebcc_kernel_btf *read_btf(const char *path)
{
	struct ebcc_kernel_btf *btf;
	const char *section;
	size_t size, section_size;
	char *bytes;

	read_object(path, &bytes, &size);
	ck_assert(ebcc_elf_section(bytes, size, ".BTF", &section, &section_size));
	check_ok(ebcc_kernel_btf_create_from_bytes(section, section_size, "a kernel", &btf));
	free(bytes);
	return btf;
}

static void setup(void)
{
	read_object(RELOCATE_OBJECT, &object, &object_size);
	kernel = read_btf(RELOCATE_KERNEL_OBJECT);
	check_ok(ebcc_relocate(object, object_size, kernel, &unresolved, &inputs, &relocated));
	opened = bpf_object__open_mem(relocated, object_size, NULL);
	ck_assert_ptr_nonnull(opened);
}

static void teardown(void)
{
	bpf_object__close(opened);
	ebcc_buf_deinit(&inputs);
	ebcc_unresolved_deinit(&unresolved);
	ebcc_kernel_btf_destroy(kernel);
	free(relocated);
	free(object);
}

static const struct bpf_insn *instructions(const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(opened, name);

	ck_assert_msg(program != NULL, "no program %s", name);
	return bpf_program__insns(program);
}

#define MOVED(member) offsetof(struct moved, member)

/* Bit fields begin behind the last plain member before them. */
#define BITS (MOVED(in) + sizeof(struct inner))

static const struct {
	const char *program;
	int64_t value;
} numbers[] = {
	{"offset_of_x", MOVED(x)},
	{"offset_of_inner", MOVED(in.b)},
	{"offset_of_element", MOVED(list[2].a)},
	{"offset_of_character", MOVED(name[3])},
	{"offset_in_tail", MOVED(tail[5])},
	{"offset_of_variant", MOVED(variant.i)},
	{"offset_of_second", 2 * sizeof(struct moved) + MOVED(next)},
	{"size_of_c", sizeof(short)},
	{"size_of_name", 16},
	{"size_of_f2", 4},
	{"offset_of_f1", BITS},
	{"offset_of_f2", BITS + 4},
	{"left_shift_of_f1", 64 - 5 - 3},
	{"right_shift_of_f1", 64 - 3},
	{"left_shift_of_f2", 64 - 27},
	{"right_shift_of_f2", 64 - 27},
	{"signed_s3", 1},
	{"signed_f2", 0},
	{"exists_x", 1},
	{"exists_before", 0},
	{"exists_changed", 0},
	{"exists_gone", 0},
	{"offset_in_older", MOVED(x)},
	{"type_exists", 1},
	{"type_exists_typedef", 1},
	{"type_exists_older", 1},
	{"type_absent", 0},
	{"type_size", sizeof(struct moved)},
	{"type_matches", 1},
	{"type_differs", 0},
	{"value_of_busy", BUSY},
	{"exists_busy", 1},
	{"exists_gone_value", 0},
};

/* The number is in the first instruction: r0 = NUMBER, in one or two slots. */
START_TEST(numbers_in_instructions)
{
	const struct bpf_insn *first = instructions(numbers[_i].program);

	ck_assert_msg(first->imm == numbers[_i].value, "%s: %d, not %ld", numbers[_i].program,
		      first->imm, (long)numbers[_i].value);
}
END_TEST

START_TEST(large_number)
{
	const struct bpf_insn *first = instructions("value_of_huge");

	ck_assert_uint_eq((uint32_t)first[0].imm, HUGE & 0xffffffff);
	ck_assert_uint_eq((uint32_t)first[1].imm, HUGE >> 32);
}
END_TEST

/* A load has the new offset, and the new size if the number has no sign. */
START_TEST(loads)
{
	const struct bpf_insn *load = instructions("load_x");

	ck_assert_int_eq(load->off, MOVED(x));
	load = instructions("load_c");
	ck_assert_int_eq(load->off, MOVED(c));
	ck_assert_uint_eq(BPF_SIZE(load->code), BPF_H);
}
END_TEST

static const struct {
	const char *program, *text;
} missing[] = {
	{"load_before", "on this kernel, struct moved has no member 'before' of a compatible type"},
	{"load_absent", "this kernel has no struct absent"},
	{"value_of_gone", "on this kernel, enum state has no 'GONE'"},
	/* A signed number of another size can't be loaded by the same instruction. */
	{"load_d", "on this kernel, struct moved has no member 'd' of a compatible type"},
};

/* Such an instruction is one that the verifier rejects, and the text says why. */
START_TEST(what_is_missing)
{
	const struct bpf_insn *call = instructions(missing[_i].program);
	uint32_t index = (uint32_t)call->imm - EBCC_UNRESOLVED_HELPER;

	ck_assert_uint_eq(call->code, BPF_JMP | BPF_CALL);
	ck_assert_uint_lt(index, unresolved.count);
	ck_assert_str_eq(unresolved.texts[index], missing[_i].text);
}
END_TEST

START_TEST(nothing_is_left_to_relocate)
{
	char *stripped;

	ck_assert(ebcc_has_relocations(object, object_size));
	ck_assert(!ebcc_has_relocations(relocated, object_size));
	check_ok(ebcc_relocations_strip(object, object_size, &stripped));
	ck_assert(!ebcc_has_relocations(stripped, object_size));
	free(stripped);
	check_error(ebcc_relocations_strip(relocated, object_size, &stripped), EBCC_ERROR_FORMAT,
		    "there are none");
}
END_TEST

/* libbpf relocates the same object for the running kernel. */
START_TEST(same_as_libbpf)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct ebcc_unresolved none;
	struct ebcc_kernel_btf *running;
	struct bpf_object *theirs, *ours;
	struct bpf_program *program;
	char *bytes, *copy;
	size_t size;

	if (geteuid()) {
		printf("SKIPPED: same_as_libbpf: only root may load programs\n");
		return;
	}
	read_object(RELOCATE_RUNNING_OBJECT, &bytes, &size);
	check_ok(ebcc_kernel_btf_create(NULL, NULL, &running));
	check_ok(ebcc_relocate(bytes, size, running, &none, &inputs, &copy));
	ck_assert_uint_eq(none.count, 0);
	theirs = bpf_object__open_mem(bytes, size, &opts);
	ours = bpf_object__open_mem(copy, size, &opts);
	ck_assert_int_eq(bpf_object__load(theirs), 0);
	bpf_object__for_each_program (program, theirs) {
		const char *name = bpf_program__name(program);
		struct bpf_program *own = bpf_object__find_program_by_name(ours, name);
		size_t count = bpf_program__insn_cnt(program);

		ck_assert_uint_eq(bpf_program__insn_cnt(own), count);
		ck_assert_msg(!memcmp(bpf_program__insns(own), bpf_program__insns(program),
				      count * sizeof(struct bpf_insn)),
			      "%s differs", name);
	}
	bpf_object__close(theirs);
	bpf_object__close(ours);
	ebcc_kernel_btf_destroy(running);
	ebcc_unresolved_deinit(&none);
	free(copy);
	free(bytes);
}
END_TEST

/* Every byte of .BTF.ext and .BTF, changed: an error or another result, never a crash. */
START_TEST(broken_objects)
{
	static const char *const sections[] = {".BTF.ext", ".BTF"};
	size_t size, errors = 0;

	for (size_t s = 0; s < 2; s++) {
		const char *section;

		ck_assert(ebcc_elf_section(object, object_size, sections[s], &section, &size));
		for (size_t i = 0; i < size; i++) {
			char *place = object + (section - object) + i, kept = *place, *copy = NULL;
			struct ebcc_unresolved none = {0};
			struct ebcc_error *error;

			*place = (char)(kept ^ (1 << _i));
			error = ebcc_relocate(object, object_size, kernel, &none, &inputs, &copy);
			errors += error != NULL;
			ebcc_error_destroy(error);
			ebcc_unresolved_deinit(&none);
			free(copy);
			*place = kept;
		}
	}
	ck_assert_uint_gt(errors, 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relocate");
	TCase *tcase = tcase_create("relocate");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, numbers_in_instructions, 0, sizeof(numbers) / sizeof(*numbers));
	tcase_add_test(tcase, large_number);
	tcase_add_test(tcase, loads);
	tcase_add_loop_test(tcase, what_is_missing, 0, sizeof(missing) / sizeof(*missing));
	tcase_add_test(tcase, nothing_is_left_to_relocate);
	tcase_add_test(tcase, same_as_libbpf);
	tcase_add_loop_test(tcase, broken_objects, 0, 8);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
