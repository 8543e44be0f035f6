/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of a traced function by their role, per architecture. The first argument of the
 * kernel's wrapper around a system call points to the system call's own registers; reading them
 * through PT_REGS_SYSCALL_CTX is a read of kernel memory like any other.
 */
#ifndef EBCC_REGISTERS_H
#define EBCC_REGISTERS_H

/* The architecture that the program is for, by the macros that sources check. */
#define bpf_target_defined
#if defined(__x86_64__)
#define bpf_target_x86
#elif defined(__aarch64__)
#define bpf_target_arm64
#endif

/* A pointer to registers. bpf/bpf_tracing.h converts other types. */
#define __EBCC_REGISTERS(ctx) (ctx)

#if defined(__x86_64__)
#define PT_REGS_PARM1(ctx) (__EBCC_REGISTERS(ctx)->di)
#define PT_REGS_PARM2(ctx) (__EBCC_REGISTERS(ctx)->si)
#define PT_REGS_PARM3(ctx) (__EBCC_REGISTERS(ctx)->dx)
#define PT_REGS_PARM4(ctx) (__EBCC_REGISTERS(ctx)->cx)
#define PT_REGS_PARM5(ctx) (__EBCC_REGISTERS(ctx)->r8)
#define PT_REGS_PARM6(ctx) (__EBCC_REGISTERS(ctx)->r9)
#define PT_REGS_PARM4_SYSCALL(regs) (__EBCC_REGISTERS(regs)->r10)
#define PT_REGS_RET(ctx) (__EBCC_REGISTERS(ctx)->sp)
#define PT_REGS_FP(ctx) (__EBCC_REGISTERS(ctx)->bp)
#define PT_REGS_RC(ctx) (__EBCC_REGISTERS(ctx)->ax)
#define PT_REGS_SP(ctx) (__EBCC_REGISTERS(ctx)->sp)
#define PT_REGS_IP(ctx) (__EBCC_REGISTERS(ctx)->ip)
#elif defined(__aarch64__)
#define PT_REGS_PARM1(ctx) (__EBCC_REGISTERS(ctx)->regs[0])
#define PT_REGS_PARM2(ctx) (__EBCC_REGISTERS(ctx)->regs[1])
#define PT_REGS_PARM3(ctx) (__EBCC_REGISTERS(ctx)->regs[2])
#define PT_REGS_PARM4(ctx) (__EBCC_REGISTERS(ctx)->regs[3])
#define PT_REGS_PARM5(ctx) (__EBCC_REGISTERS(ctx)->regs[4])
#define PT_REGS_PARM6(ctx) (__EBCC_REGISTERS(ctx)->regs[5])
#define PT_REGS_PARM4_SYSCALL(regs) (__EBCC_REGISTERS(regs)->regs[3])
#define PT_REGS_RET(ctx) (__EBCC_REGISTERS(ctx)->regs[30])
#define PT_REGS_FP(ctx) (__EBCC_REGISTERS(ctx)->regs[29])
#define PT_REGS_RC(ctx) (__EBCC_REGISTERS(ctx)->regs[0])
#define PT_REGS_SP(ctx) (__EBCC_REGISTERS(ctx)->sp)
#define PT_REGS_IP(ctx) (__EBCC_REGISTERS(ctx)->pc)
#else
#error "ebcc: no registers known for this architecture"
#endif

/* On both architectures system calls take their registers by pointer. */
#define PT_REGS_SYSCALL_CTX(ctx) ((struct pt_regs *)PT_REGS_PARM1(ctx))
#define PT_REGS_PARM1_SYSCALL(regs) PT_REGS_PARM1(regs)
#define PT_REGS_PARM2_SYSCALL(regs) PT_REGS_PARM2(regs)
#define PT_REGS_PARM3_SYSCALL(regs) PT_REGS_PARM3(regs)
#define PT_REGS_PARM5_SYSCALL(regs) PT_REGS_PARM5(regs)
#define PT_REGS_PARM6_SYSCALL(regs) PT_REGS_PARM6(regs)

#endif /* EBCC_REGISTERS_H */
