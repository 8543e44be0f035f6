/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sources written for libbpf expect of its header of this name: the arguments and the result of
 * what a program is attached to, as parameters of the program (BPF_PROG, BPF_KPROBE and similar) or by
 * the names of registers. The names and their meanings are libbpf's, as its documentation gives them.
 *
 * The parameters after a context of registers, or of words, are what the arguments pass makes of
 * them (compiler/passes/arguments.c), so BPF_KPROBE and BPF_PROG only declare the context. The other
 * macros call the body with values: what follows `int BPF_KRETPROBE(name, long ret)` is the body of
 * __ebcc_body__name.
 */
#ifndef EBCC_BPF_TRACING_H
#define EBCC_BPF_TRACING_H

#include "bpf/bpf_core_read.h"

/* Contexts may be declared as other pointers. */
#undef __EBCC_REGISTERS
#define __EBCC_REGISTERS(ctx) ((struct pt_regs *)(ctx))

/* Registers in memory that isn't the program's context, such as those of a system call. */
#define __EBCC_READ_REGISTER(ctx, which)                                                           \
	({                                                                                         \
		__typeof__(which(ctx)) __ebcc_register;                                            \
                                                                                                   \
		bpf_core_read(&__ebcc_register, sizeof(__ebcc_register), &which(ctx));             \
		__ebcc_register;                                                                   \
	})
#define PT_REGS_PARM1_CORE(ctx) __EBCC_READ_REGISTER(ctx, PT_REGS_PARM1)
#define PT_REGS_PARM2_CORE(ctx) __EBCC_READ_REGISTER(ctx, PT_REGS_PARM2)
#define PT_REGS_PARM3_CORE(ctx) __EBCC_READ_REGISTER(ctx, PT_REGS_PARM3)
#define PT_REGS_PARM4_CORE(ctx) __EBCC_READ_REGISTER(ctx, PT_REGS_PARM4)
#define PT_REGS_PARM5_CORE(ctx) __EBCC_READ_REGISTER(ctx, PT_REGS_PARM5)
#define PT_REGS_PARM6_CORE(ctx) __EBCC_READ_REGISTER(ctx, PT_REGS_PARM6)
#define PT_REGS_RET_CORE(ctx) __EBCC_READ_REGISTER(ctx, PT_REGS_RET)
#define PT_REGS_FP_CORE(ctx) __EBCC_READ_REGISTER(ctx, PT_REGS_FP)
#define PT_REGS_RC_CORE(ctx) __EBCC_READ_REGISTER(ctx, PT_REGS_RC)
#define PT_REGS_SP_CORE(ctx) __EBCC_READ_REGISTER(ctx, PT_REGS_SP)
#define PT_REGS_IP_CORE(ctx) __EBCC_READ_REGISTER(ctx, PT_REGS_IP)

/* On arm64 the register of the first argument has the result when the call returns. */
#if defined(__aarch64__)
#undef PT_REGS_PARM1_SYSCALL
#define PT_REGS_PARM1_SYSCALL(regs) (__EBCC_REGISTERS(regs)->orig_x0)
#endif

#define PT_REGS_SYSCALL_REGS(ctx) PT_REGS_SYSCALL_CTX(ctx)
#define PT_REGS_PARM1_CORE_SYSCALL(regs) __EBCC_READ_REGISTER(regs, PT_REGS_PARM1_SYSCALL)
#define PT_REGS_PARM2_CORE_SYSCALL(regs) __EBCC_READ_REGISTER(regs, PT_REGS_PARM2_SYSCALL)
#define PT_REGS_PARM3_CORE_SYSCALL(regs) __EBCC_READ_REGISTER(regs, PT_REGS_PARM3_SYSCALL)
#define PT_REGS_PARM4_CORE_SYSCALL(regs) __EBCC_READ_REGISTER(regs, PT_REGS_PARM4_SYSCALL)
#define PT_REGS_PARM5_CORE_SYSCALL(regs) __EBCC_READ_REGISTER(regs, PT_REGS_PARM5_SYSCALL)
#define PT_REGS_PARM6_CORE_SYSCALL(regs) __EBCC_READ_REGISTER(regs, PT_REGS_PARM6_SYSCALL)

/* The address that a traced function returns to, at its entry; at its return, where it returned. */
#if defined(__x86_64__)
#define BPF_KPROBE_READ_RET_IP(ip, ctx)                                                            \
	bpf_probe_read_kernel(&(ip), sizeof(ip), (const void *)PT_REGS_RET(ctx))
#define BPF_KRETPROBE_READ_RET_IP(ip, ctx)                                                         \
	bpf_probe_read_kernel(&(ip), sizeof(ip), (const void *)(PT_REGS_FP(ctx) + sizeof(ip)))
#elif defined(__aarch64__)
#define BPF_KPROBE_READ_RET_IP(ip, ctx) ((ip) = PT_REGS_RET(ctx), 0L)
#define BPF_KRETPROBE_READ_RET_IP BPF_KPROBE_READ_RET_IP
#endif

/* Parameters are the arguments of a target that BTF describes, or of a raw tracepoint. */
#undef BPF_PROG
#define BPF_PROG(name, ...) name(unsigned long long *ctx, ##__VA_ARGS__)
#define BPF_PROG2(name, ...) name(unsigned long long *ctx, ##__VA_ARGS__)

/* Parameters are the arguments of a traced function. */
#define BPF_KPROBE(name, ...) name(struct pt_regs *ctx, ##__VA_ARGS__)
#define BPF_UPROBE(name, ...) name(struct pt_regs *ctx, ##__VA_ARGS__)

/* A program that passes values, which begin with a comma, to a body with @parameters after ctx. */
#define __EBCC_WITH_VALUES(name, values, ...)                                                      \
	name(struct pt_regs *ctx);                                                                 \
	static inline __attribute__((always_inline)) __typeof__(name((void *)0))                   \
		__ebcc_body__##name(struct pt_regs *ctx, ##__VA_ARGS__);                           \
	__typeof__(name((void *)0)) name(struct pt_regs *ctx)                                      \
	{                                                                                          \
		_Pragma("clang diagnostic push")                                                   \
		_Pragma("clang diagnostic ignored \"-Wint-conversion\"")                           \
		return __ebcc_body__##name(ctx values);                                            \
		_Pragma("clang diagnostic pop")                                                    \
	}                                                                                          \
	static inline __attribute__((always_inline)) __typeof__(name((void *)0))                   \
		__ebcc_body__##name(struct pt_regs *ctx, ##__VA_ARGS__)
#define __EBCC_AND ,

/* The parameter, if there is one, is the result of the traced function. */
#define __EBCC_RESULT0
#define __EBCC_RESULT1 __EBCC_AND (void *)PT_REGS_RC(ctx)
#define BPF_KRETPROBE(name, ...)                                                                   \
	__EBCC_WITH_VALUES(name, __EBCC_CONCAT(__EBCC_RESULT, __EBCC_COUNT(__VA_ARGS__)),          \
			   ##__VA_ARGS__)
#define BPF_URETPROBE(name, ...) BPF_KRETPROBE(name, ##__VA_ARGS__)

/* Parameters are the arguments of a system call, from the registers that its wrapper gets. */
#define __EBCC_SYSCALL_ARGUMENT(n)                                                                 \
	__EBCC_AND (void *)PT_REGS_PARM##n##_CORE_SYSCALL(PT_REGS_SYSCALL_REGS(ctx))
#define __EBCC_SYSCALL0
#define __EBCC_SYSCALL1 __EBCC_SYSCALL_ARGUMENT(1)
#define __EBCC_SYSCALL2 __EBCC_SYSCALL1 __EBCC_SYSCALL_ARGUMENT(2)
#define __EBCC_SYSCALL3 __EBCC_SYSCALL2 __EBCC_SYSCALL_ARGUMENT(3)
#define __EBCC_SYSCALL4 __EBCC_SYSCALL3 __EBCC_SYSCALL_ARGUMENT(4)
#define __EBCC_SYSCALL5 __EBCC_SYSCALL4 __EBCC_SYSCALL_ARGUMENT(5)
#define __EBCC_SYSCALL6 __EBCC_SYSCALL5 __EBCC_SYSCALL_ARGUMENT(6)
#define BPF_KSYSCALL(name, ...)                                                                    \
	__EBCC_WITH_VALUES(name, __EBCC_CONCAT(__EBCC_SYSCALL, __EBCC_COUNT(__VA_ARGS__)),         \
			   ##__VA_ARGS__)
#define BPF_KPROBE_SYSCALL BPF_KSYSCALL

#endif /* EBCC_BPF_TRACING_H */
