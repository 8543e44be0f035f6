/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processors that programs can be compiled for and traced on: all that differs between them, in
 * one struct, filled by one file for each (x86_64.c, arm64.c). To port ebcc to another processor,
 * add a file and its entry in arch.c, and the registers' names in bpf/ebcc/registers.h.
 */
#ifndef EBCC_ARCH_ARCH_H
#define EBCC_ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored in objects and in the disk cache: numbers stay as they are. */
enum ebcc_arch_id {
	EBCC_ARCH_X86_64 = 1,
	EBCC_ARCH_ARM64 = 2,
};

/* Where struct pt_regs has a register, in bytes, and how much of it a name stands for. */
struct ebcc_arch_register {
	uint16_t offset;
	uint8_t size;
	bool zero; /* reads as 0 */
};

/* Arguments in registers: their offsets in struct pt_regs, in order. */
struct ebcc_arch_convention {
	unsigned count;
	unsigned offsets[8];
};

struct ebcc_arch {
	enum ebcc_arch_id id;
	const char *name;	 /* as uname -m */
	const char *kernel_name; /* of its directory below arch/ in the kernel's sources */
	uint16_t elf_machine;	 /* EM_X86_64, ... */
	uint32_t audit_arch;	 /* AUDIT_ARCH_X86_64, ...: what seccomp filters see */
	size_t page_size;	 /* bytes; 0: kernels of several sizes exist */

	/* Where the kernel's half of the addresses begins, with four and with five levels of page
	 * tables; 0: that depends on the kernel's configuration. */
	uint64_t page_offset_l4, page_offset_l5;

	/* Configuration options that all its kernels have set, and no other kernel; ends with
	 * NULL. */
	const char *const *config_options;

	uint16_t instruction_pointer;	     /* its offset in struct pt_regs */
	struct ebcc_arch_convention call;    /* of C functions */
	struct ebcc_arch_convention syscall; /* of system calls, in the wrapper's own pt_regs */
	const char *syscall_prefix;	     /* of the kernel's wrappers: "__x64_sys_" */

	/* What clang defines when it compiles for this processor and not when it compiles for
	 * BPF; ends with NULL. */
	const char *const *cflags;

	/* Flags of an entry of ld.so.cache for this processor's 64-bit libraries (FLAG_* in
	 * glibc's sysdeps/generic/ldconfig.h). */
	int32_t loader_cache_flags;

	/* Relocations of a slot in the global offset table that a PLT stub jumps through. */
	unsigned slot_relocations[2];

	/* Finds the slot that a PLT stub, @size bytes of @code at @address, jumps through. False:
	 * no such jump is in it. */
	bool (*find_jump_slot)(const unsigned char *code, size_t size, uint64_t address,
			       uint64_t *ret);

	/* Finds a general register by its assembler name ("rdi", "eax", "x3"), as USDT notes have
	 * it, without a prefix like "%". */
	bool (*find_register)(const char *name, struct ebcc_arch_register *ret);
	/* Whether a name is that of a vector or floating-point register. */
	bool (*is_vector_register)(const char *name);
};

extern const struct ebcc_arch ebcc_arch_x86_64, ebcc_arch_arm64;

/* NULL where there is none: an @id that comes from outside, another processor. */
const struct ebcc_arch *ebcc_arch_of_id(int id);
/* @name: as uname -m, or as the kernel's build calls it (ARCH=x86). */
const struct ebcc_arch *ebcc_arch_of_name(const char *name);
const struct ebcc_arch *ebcc_arch_of_elf(unsigned machine);
/* Whether @symbol is an option that says which processor a kernel is for; *@ret: whether kernels
 * for
 * @id have it set. */
bool ebcc_arch_config_option(enum ebcc_arch_id id, const char *symbol, bool *ret);
/* The processor that this library was built for. */
const struct ebcc_arch *ebcc_arch_own(void);

#endif /* EBCC_ARCH_ARCH_H */
