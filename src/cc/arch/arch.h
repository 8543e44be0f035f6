/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The architectures that programs can be compiled for and traced on. Everything that differs
 * between them is in one struct, which a file for each architecture fills in (x86_64.c, arm64.c).
 * To port ebcc to another architecture, add such a file, an entry for it in arch.c, and the names
 * of its registers in bpf/ebcc/registers.h.
 */
#ifndef EBCC_ARCH_ARCH_H
#define EBCC_ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored in objects and in the disk cache, so the numbers must never change. */
enum ebcc_arch_id {
	EBCC_ARCH_X86_64 = 1,
	EBCC_ARCH_ARM64 = 2,
};

/* A register name: the offset in struct pt_regs and the size of what it refers to, in bytes. */
struct ebcc_arch_register {
	uint16_t offset;
	uint8_t size;
	bool zero; /* reads as 0 */
};

/* The registers that hold the arguments, in order, as offsets in struct pt_regs. */
struct ebcc_arch_convention {
	unsigned count;
	unsigned offsets[8];
};

struct ebcc_arch {
	enum ebcc_arch_id id;
	const char *name;	 /* as uname -m prints it */
	const char *kernel_name; /* its directory in arch/ of the kernel's sources */
	uint16_t elf_machine;	 /* EM_X86_64, ... */
	uint32_t audit_arch;	 /* AUDIT_ARCH_X86_64, ...: what seccomp filters see */
	size_t page_size;	 /* in bytes; 0: depends on the kernel's configuration */

	/* PAGE_OFFSET with four and with five levels of page tables; 0: depends on the kernel's
	 * configuration. */
	uint64_t page_offset_l4, page_offset_l5;

	/* Configuration options that are set in all kernels of this architecture and in no others;
	 * ends with NULL. */
	const char *const *config_options;

	uint16_t instruction_pointer;	     /* offset in struct pt_regs */
	struct ebcc_arch_convention call;    /* of C functions */
	struct ebcc_arch_convention syscall; /* of system calls, in the wrapper's own pt_regs */
	const char *syscall_prefix;	     /* of the kernel's wrappers: "__x64_sys_" */

	/* Macros that clang defines when it compiles for this architecture but not for BPF, as
	 * flags; ends with NULL. */
	const char *const *cflags;

	/* The flags that entries for 64-bit libraries have in ld.so.cache (FLAG_* in glibc's
	 * sysdeps/generic/ldconfig.h). */
	int32_t loader_cache_flags;

	/* Relocation types of the GOT slots that PLT stubs jump through. */
	unsigned slot_relocations[2];

	/* Finds the address of the GOT slot that a PLT stub (@size bytes of @code, at @address)
	 * jumps through. Returns false if it contains no such jump. */
	bool (*find_jump_slot)(const unsigned char *code, size_t size, uint64_t address,
			       uint64_t *ret);

	/* Finds a general-purpose register by its assembler name ("rdi", "eax", "x3"), as in USDT
	 * notes but without a prefix like "%". */
	bool (*find_register)(const char *name, struct ebcc_arch_register *ret);
	/* Whether @name is a vector or floating-point register. */
	bool (*is_vector_register)(const char *name);
};

extern const struct ebcc_arch ebcc_arch_x86_64, ebcc_arch_arm64;

/* These return NULL for an unknown architecture. @id may be any number, such as one from a file. */
const struct ebcc_arch *ebcc_arch_of_id(int id);
/* @name: as uname -m prints it, or as the kernel's build names it (ARCH=x86). */
const struct ebcc_arch *ebcc_arch_of_name(const char *name);
const struct ebcc_arch *ebcc_arch_of_elf(unsigned machine);
/* Whether @symbol is a configuration option that tells which architecture a kernel is for. *@ret:
 * whether it is set in kernels for @id. */
bool ebcc_arch_config_option(enum ebcc_arch_id id, const char *symbol, bool *ret);
/* The architecture that this library was built for. */
const struct ebcc_arch *ebcc_arch_own(void);

#endif /* EBCC_ARCH_ARCH_H */
