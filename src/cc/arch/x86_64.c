// SPDX-License-Identifier: Apache-2.0
/*
 * x86-64. The offsets are those of struct pt_regs in arch/x86/include/uapi/asm/ptrace.h; the
 * calling convention is that of the System V psABI.
 */
#include <ctype.h>
#include <elf.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"

enum {
	R15 = 0,
	R14 = 8,
	R13 = 16,
	R12 = 24,
	BP = 32,
	BX = 40,
	R11 = 48,
	R10 = 56,
	R9 = 64,
	R8 = 72,
	AX = 80,
	CX = 88,
	DX = 96,
	SI = 104,
	DI = 112,
	IP = 128,
	SP = 152,
};

static const char *const cflags[] = {
	"-D__x86_64__=1", "-D__x86_64=1", "-D__amd64__=1", "-D__TARGET_ARCH_x86=1", NULL,
};

static const char *const config_options[] = {"CONFIG_X86", "CONFIG_X86_64", NULL};

/* Registers with names that begin with "r" (8 bytes), "e" (4 bytes) or neither (2 bytes), and the
 * name of the lowest byte. */
static const struct {
	char whole[4], byte[4];
	uint16_t offset;
} old_registers[] = {
	{"bp", "bpl", BP}, {"bx", "bl", BX},  {"ax", "al", AX},	 {"cx", "cl", CX},
	{"dx", "dl", DX},  {"si", "sil", SI}, {"di", "dil", DI}, {"sp", "spl", SP},
};

/* r8 to r15. */
static const uint16_t new_registers[] = {R8, R9, R10, R11, R12, R13, R14, R15};

static bool find_new_register(const char *name, struct ebcc_arch_register *ret)
{
	char *end;
	unsigned long number = strtoul(name + 1, &end, 10);

	if (*name != 'r' || !isdigit((unsigned char)name[1]) || number < 8 || number > 15)
		return false;
	*ret = (struct ebcc_arch_register){.offset = new_registers[number - 8], .size = 8};
	if (!*end)
		return true;
	ret->size = *end == 'd' ? 4 : *end == 'w' ? 2 : *end == 'b' || *end == 'l' ? 1 : 0;
	return ret->size && !end[1];
}

static bool find_register(const char *name, struct ebcc_arch_register *ret)
{
	for (size_t i = 0; i < sizeof(old_registers) / sizeof(*old_registers); i++) {
		const char *whole = old_registers[i].whole;

		*ret = (struct ebcc_arch_register){.offset = old_registers[i].offset};
		if ((*name == 'r' || *name == 'e') && !strcmp(name + 1, whole))
			ret->size = *name == 'r' ? 8 : 4;
		else if (!strcmp(name, whole))
			ret->size = 2;
		else if (!strcmp(name, old_registers[i].byte))
			ret->size = 1;
		if (ret->size)
			return true;
		/* The second lowest byte: %ah, %bh, %ch, %dh. */
		if (whole[1] == 'x' && name[0] == whole[0] && name[1] == 'h' && !name[2]) {
			ret->offset++;
			ret->size = 1;
			return true;
		}
	}
	*ret = (struct ebcc_arch_register){.offset = IP, .size = *name == 'e' ? 4 : 8};
	return !strcmp(name, "rip") || !strcmp(name, "eip") || find_new_register(name, ret);
}

static bool is_vector_register(const char *name)
{
	return !strncmp(name + (*name != '\0'), "mm", 2) || !strncmp(name, "mm", 2) ||
	       !strncmp(name, "st", 2);
}

/* jmp *DISPLACEMENT(%rip), possibly after an endbr64 or a bnd prefix. */
static bool find_jump_slot(const unsigned char *code, size_t size, uint64_t address, uint64_t *ret)
{
	for (size_t i = 0; i + 6 <= size; i++) {
		int32_t displacement;

		if (code[i] != 0xff || code[i + 1] != 0x25)
			continue;
		memcpy(&displacement, code + i + 2, sizeof(displacement));
		*ret = address + i + 6 + (uint64_t)(int64_t)displacement;
		return true;
	}
	return false;
}

const struct ebcc_arch ebcc_arch_x86_64 = {
	.id = EBCC_ARCH_X86_64,
	.name = "x86_64",
	.kernel_name = "x86",
	.elf_machine = EM_X86_64,
	.audit_arch = AUDIT_ARCH_X86_64,
	.page_size = 4096,
	/* Documentation/arch/x86/x86_64/mm.rst */
	.page_offset_l4 = 0xffff888000000000,
	.page_offset_l5 = 0xff11000000000000,
	.config_options = config_options,
	.instruction_pointer = IP,
	.call = {6, {DI, SI, DX, CX, R8, R9}},
	/* The syscall instruction overwrites cx, so the fourth argument is in r10. */
	.syscall = {6, {DI, SI, DX, R10, R8, R9}},
	.syscall_prefix = "__x64_sys_",
	.cflags = cflags,
	.loader_cache_flags = 0x0303,
	.slot_relocations = {R_X86_64_JUMP_SLOT, R_X86_64_GLOB_DAT},
	.find_jump_slot = find_jump_slot,
	.find_register = find_register,
	.is_vector_register = is_vector_register,
};
