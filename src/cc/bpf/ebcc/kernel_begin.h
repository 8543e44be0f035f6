/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included before kernel headers, which are written for the kernel's own compiler and processor, so
 * that clang can parse them for BPF. Inline assembly becomes an assembler comment with the original
 * text; the headers pass decides what to do with it if a program uses such a function. kernel_end.h
 * undefines what must not affect the source.
 */
#ifndef EBCC_KERNEL_BEGIN_H
#define EBCC_KERNEL_BEGIN_H

#define __KERNEL__ 1
#ifndef KBUILD_MODNAME
#define KBUILD_MODNAME "ebcc"
#endif
#define CC_USING_FENTRY 1
/* No checked variants of string functions, which may panic. */
#define __NO_FORTIFY 1
#define __HAVE_BUILTIN_BSWAP16__ 1
#define __HAVE_BUILTIN_BSWAP32__ 1
#define __HAVE_BUILTIN_BSWAP64__ 1
/* gcc's named address spaces for per-CPU variables on x86, which BPF programs can't use. */
#define __seg_gs
#define __seg_fs

#endif /* EBCC_KERNEL_BEGIN_H */

/*
 * The keywords of an assembly statement come in any order; the last one, before the parenthesis,
 * acts as a macro. Assembly names of variables (`int x asm("y")`) must differ, or clang would treat
 * the variables as the same.
 */
#define __EBCC_STRING_(x) #x
#define __EBCC_STRING(x) __EBCC_STRING_(x)
#define __EBCC_MACHINE_CODE(...) "#ebcc " __EBCC_STRING(__COUNTER__) " " #__VA_ARGS__
#define __EBCC_MACHINE_JUMP(...) "#ebcc goto " __EBCC_STRING(__COUNTER__) " " #__VA_ARGS__
/* For headers that the source includes after the preamble: clang_shim.cc gives the keywords these
 * definitions while such a header is being read. */
#define __EBCC_KEYWORD_volatile(...) (__EBCC_MACHINE_CODE(__VA_ARGS__))
#define __EBCC_KEYWORD_goto(...) (__EBCC_MACHINE_JUMP(__VA_ARGS__))
#define __EBCC_KEYWORD_asm(...) asm(__EBCC_MACHINE_CODE(__VA_ARGS__))
#define __EBCC_KEYWORD_register
#define volatile(...) (__EBCC_MACHINE_CODE(__VA_ARGS__))
#define __volatile__(...) (__EBCC_MACHINE_CODE(__VA_ARGS__))
#define __volatile(...) (__EBCC_MACHINE_CODE(__VA_ARGS__))
#define goto(...) (__EBCC_MACHINE_JUMP(__VA_ARGS__))
#define asm(...) asm(__EBCC_MACHINE_CODE(__VA_ARGS__))
#define __asm__(...) __asm__(__EBCC_MACHINE_CODE(__VA_ARGS__))
#define __asm(...) __asm(__EBCC_MACHINE_CODE(__VA_ARGS__))
#define register

/* First the configuration, and what the kernel's build includes by flags. Features that were
 * detected in gcc when the kernel was configured don't apply to clang. */
#if __has_include(<linux/compiler-version.h>)
#include <linux/compiler-version.h>
#endif
#include <linux/kconfig.h>
#undef CONFIG_CC_HAS_ASM_INLINE
#undef CONFIG_CC_HAS_NAMED_AS
#undef CONFIG_USE_X86_SEG_SUPPORT
#include <linux/compiler_types.h>
#include <linux/version.h>

/* What existing sources expect without an include. */
#include <linux/types.h>
#include <linux/ptrace.h>
#include <linux/log2.h>
#include <uapi/linux/bpf.h>
#include <uapi/linux/if_packet.h>
#include <asm/page.h>
