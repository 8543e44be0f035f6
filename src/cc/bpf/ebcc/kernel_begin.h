/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comes before kernel headers: makes headers that were written for the kernel's own compiler
 * and machine ones that clang can parse for BPF. Machine code in inline functions becomes a
 * comment that carries the original's text; the headers pass of the IR decides what happens
 * to it where a program uses such a function. kernel_end.h undoes what must not reach the
 * source.
 */
#ifndef EBCC_KERNEL_BEGIN_H
#define EBCC_KERNEL_BEGIN_H

#define __KERNEL__ 1
#ifndef KBUILD_MODNAME
#define KBUILD_MODNAME "ebcc"
#endif
#define CC_USING_FENTRY 1
/* Checked variants of the functions on strings, which end in a panic. */
#define __NO_FORTIFY 1
#define __HAVE_BUILTIN_BSWAP16__ 1
#define __HAVE_BUILTIN_BSWAP32__ 1
#define __HAVE_BUILTIN_BSWAP64__ 1
/* gcc's named address spaces of x86: per-CPU variables are never reached through them here. */
#define __seg_gs
#define __seg_fs

#endif /* EBCC_KERNEL_BEGIN_H */

/*
 * The statement's keywords come in any order, the last one before the parenthesis: that one
 * is a macro. Labels of variables (`int x asm("y")`) must differ, or clang takes the variables for
 * one.
 */
#define __EBCC_STRING_(x) #x
#define __EBCC_STRING(x) __EBCC_STRING_(x)
#define __EBCC_MACHINE_CODE(...) "#ebcc " __EBCC_STRING(__COUNTER__) " " #__VA_ARGS__
#define __EBCC_MACHINE_JUMP(...) "#ebcc goto " __EBCC_STRING(__COUNTER__) " " #__VA_ARGS__
/* For headers that the source includes behind the preamble: clang_shim.cc gives the keywords these
 * definitions as long as such a header lasts. */
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

/* Before any other: the configuration, and what the kernel's build includes by its flags. What gcc
 * was found to have when the kernel was configured is not what clang has. */
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
