// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <sys/utsname.h>

#include "arch/arch.h"

/* The register table of this machine must agree with the C library's headers. */
#if defined(__x86_64__)
#include <sys/user.h>
#define REGISTER(name, member, bytes) {name, offsetof(struct user_regs_struct, member), bytes}
#endif

START_TEST(own_machine)
{
	const struct ebcc_arch *own = ebcc_arch_own();
	struct utsname name;

	ck_assert_int_eq(uname(&name), 0);
	ck_assert_str_eq(own->name, name.machine);
	ck_assert_ptr_eq(ebcc_arch_of_name(name.machine), own);
	ck_assert_ptr_eq(ebcc_arch_of_id(own->id), own);
	ck_assert_ptr_eq(ebcc_arch_of_elf(own->elf_machine), own);
}
END_TEST

START_TEST(names)
{
	ck_assert_ptr_eq(ebcc_arch_of_name("x86"), &ebcc_arch_x86_64);
	ck_assert_ptr_eq(ebcc_arch_of_name("x86_64"), &ebcc_arch_x86_64);
	ck_assert_ptr_eq(ebcc_arch_of_name("arm64"), &ebcc_arch_arm64);
	ck_assert_ptr_eq(ebcc_arch_of_name("aarch64"), &ebcc_arch_arm64);
	ck_assert_ptr_null(ebcc_arch_of_name("riscv64"));
	ck_assert_ptr_null(ebcc_arch_of_name(""));
	ck_assert_ptr_null(ebcc_arch_of_id(0));
	ck_assert_ptr_null(ebcc_arch_of_id(3));
	ck_assert_ptr_null(ebcc_arch_of_elf(EM_RISCV));
}
END_TEST

START_TEST(config_options)
{
	bool set;

	ck_assert(ebcc_arch_config_option(EBCC_ARCH_X86_64, "CONFIG_X86_64", &set) && set);
	ck_assert(ebcc_arch_config_option(EBCC_ARCH_X86_64, "CONFIG_ARM64", &set) && !set);
	ck_assert(ebcc_arch_config_option(EBCC_ARCH_ARM64, "CONFIG_ARM64", &set) && set);
	ck_assert(ebcc_arch_config_option(EBCC_ARCH_ARM64, "CONFIG_X86", &set) && !set);
	ck_assert(!ebcc_arch_config_option(EBCC_ARCH_X86_64, "CONFIG_SMP", &set));
}
END_TEST

#if defined(__x86_64__)
START_TEST(registers_x86_64)
{
	static const struct {
		const char *name;
		size_t offset, size;
	} cases[] = {
		REGISTER("rdi", rdi, 8),  REGISTER("edi", rdi, 4), REGISTER("di", rdi, 2),
		REGISTER("dil", rdi, 1),  REGISTER("rax", rax, 8), REGISTER("al", rax, 1),
		REGISTER("r8", r8, 8),	  REGISTER("r9d", r9, 4),  REGISTER("r10w", r10, 2),
		REGISTER("r11b", r11, 1), REGISTER("r12", r12, 8), REGISTER("r13", r13, 8),
		REGISTER("r14", r14, 8),  REGISTER("r15", r15, 8), REGISTER("rip", rip, 8),
		REGISTER("rsp", rsp, 8),  REGISTER("rbp", rbp, 8), REGISTER("rbx", rbx, 8),
		REGISTER("rcx", rcx, 8),  REGISTER("rdx", rdx, 8), REGISTER("rsi", rsi, 8),
	};
	static const char *const unknown[] = {"",     "r",    "r7", "r16", "r8x",
					      "r8dd", "xmm0", "x0", "rzz"};
	const struct ebcc_arch *arch = &ebcc_arch_x86_64;
	struct ebcc_arch_register found;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_msg(arch->find_register(cases[i].name, &found), "%s", cases[i].name);
		ck_assert_msg(found.offset == cases[i].offset && found.size == cases[i].size &&
				      !found.zero,
			      "%s: %u, %u", cases[i].name, found.offset, found.size);
	}
	/* The second lowest byte of rax. */
	ck_assert(arch->find_register("ah", &found));
	ck_assert_uint_eq(found.offset, offsetof(struct user_regs_struct, rax) + 1);
	ck_assert_uint_eq(found.size, 1);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		ck_assert_msg(!arch->find_register(unknown[i], &found), "%s", unknown[i]);
	ck_assert(arch->is_vector_register("xmm3") && arch->is_vector_register("ymm0") &&
		  arch->is_vector_register("st"));
	ck_assert(!arch->is_vector_register("") && !arch->is_vector_register("rax"));
	ck_assert_uint_eq(arch->instruction_pointer, offsetof(struct user_regs_struct, rip));
	ck_assert_uint_eq(arch->syscall.offsets[3], offsetof(struct user_regs_struct, r10));
	ck_assert_uint_eq(arch->call.offsets[3], offsetof(struct user_regs_struct, rcx));
}
END_TEST
#endif

START_TEST(registers_arm64)
{
	const struct ebcc_arch *arch = &ebcc_arch_arm64;
	struct ebcc_arch_register found;

	ck_assert(arch->find_register("x3", &found));
	ck_assert(found.offset == 24 && found.size == 8 && !found.zero);
	ck_assert(arch->find_register("w30", &found));
	ck_assert(found.offset == 240 && found.size == 4);
	ck_assert(arch->find_register("sp", &found));
	ck_assert(found.offset == 248 && found.size == 8);
	ck_assert(arch->find_register("wzr", &found) && found.zero);
	ck_assert(!arch->find_register("x31", &found));
	ck_assert(!arch->find_register("", &found));
	ck_assert(arch->is_vector_register("d0") && arch->is_vector_register("v31"));
	ck_assert(!arch->is_vector_register("") && !arch->is_vector_register("x0"));
}
END_TEST

START_TEST(jump_slots)
{
	/* endbr64; jmp *0x2fd6(%rip) at 0x1030: the slot is at 0x1030 + 10 + 0x2fd6. */
	static const unsigned char x86[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0xd6, 0x2f, 0, 0};
	/* adrp x16, 0x11000; ldr x17, [x16, #24] at 0x5b0. */
	static const unsigned char arm[] = {0x90, 0x00, 0x00, 0xb0, 0x11, 0x0e, 0x40, 0xf9};
	uint64_t slot;

	ck_assert(ebcc_arch_x86_64.find_jump_slot(x86, sizeof(x86), 0x1030, &slot));
	ck_assert_uint_eq(slot, 0x1030 + 10 + 0x2fd6);
	ck_assert(!ebcc_arch_x86_64.find_jump_slot(x86, 9, 0x1030, &slot));
	ck_assert(ebcc_arch_arm64.find_jump_slot(arm, sizeof(arm), 0x5b0, &slot));
	ck_assert_uint_eq(slot, 0x11000 + 24);
	ck_assert(!ebcc_arch_arm64.find_jump_slot(arm, 4, 0x5b0, &slot));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arch");
	TCase *tcase = tcase_create("arch");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, own_machine);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, config_options);
#if defined(__x86_64__)
	tcase_add_test(tcase, registers_x86_64);
#endif
	tcase_add_test(tcase, registers_arm64);
	tcase_add_test(tcase, jump_slots);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
