// SPDX-License-Identifier: Apache-2.0
/*
 * arm64. struct pt_regs (struct user_pt_regs in arch/arm64/include/uapi/asm/ptrace.h) has x0 to
 * x30, then sp and pc, 8 bytes each.
 */
#include <ctype.h>
#include <elf.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"

enum { SP = 31 * 8, PC = 32 * 8 };

static const char *const cflags[] = {"-D__aarch64__=1", "-D__TARGET_ARCH_arm64=1", NULL};

static const char *const config_options[] = {"CONFIG_ARM64", NULL};

static bool find_register(const char *name, struct ebcc_arch_register *ret)
{
	char *end;
	unsigned long number;

	*ret = (struct ebcc_arch_register){.size = *name == 'w' ? 4 : 8};
	if (!strcmp(name, "sp") || !strcmp(name, "wsp")) {
		ret->offset = SP;
		return true;
	}
	if (!strcmp(name, "xzr") || !strcmp(name, "wzr")) {
		ret->zero = true;
		return true;
	}
	if ((*name != 'x' && *name != 'w') || !isdigit((unsigned char)name[1]))
		return false;
	number = strtoul(name + 1, &end, 10);
	ret->offset = (uint16_t)(number * 8);
	return !*end && number <= 30;
}

static bool is_vector_register(const char *name)
{
	return *name && strchr("bhsdqvz", *name) && isdigit((unsigned char)name[1]);
}

/* adrp x16, PAGE; ldr x17, [x16, #OFFSET]. */
static bool find_jump_slot(const unsigned char *code, size_t size, uint64_t address, uint64_t *ret)
{
	for (size_t i = 0; i + 8 <= size; i += 4) {
		uint32_t adrp, ldr;
		int64_t page;

		memcpy(&adrp, code + i, sizeof(adrp));
		memcpy(&ldr, code + i + 4, sizeof(ldr));
		if ((adrp & 0x9f00001f) != 0x90000010 || (ldr & 0xffc003ff) != 0xf9400211)
			continue;
		page = (int64_t)((uint64_t)((adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3)) << 43) >>
		       31;
		*ret = ((address + i) & ~(uint64_t)4095) + (uint64_t)page +
		       (uint64_t)(ldr >> 10 & 0xfff) * 8;
		return true;
	}
	return false;
}

const struct ebcc_arch ebcc_arch_arm64 = {
	.id = EBCC_ARCH_ARM64,
	.name = "aarch64",
	.kernel_name = "arm64",
	.elf_machine = EM_AARCH64,
	.audit_arch = AUDIT_ARCH_AARCH64,
	.config_options = config_options,
	.instruction_pointer = PC,
	.call = {8, {0, 8, 16, 24, 32, 40, 48, 56}},
	.syscall = {6, {0, 8, 16, 24, 32, 40}},
	.syscall_prefix = "__arm64_sys_",
	.cflags = cflags,
	.loader_cache_flags = 0x0a03,
	.slot_relocations = {R_AARCH64_JUMP_SLOT, R_AARCH64_GLOB_DAT},
	.find_jump_slot = find_jump_slot,
	.find_register = find_register,
	.is_vector_register = is_vector_register,
};
