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

#if defined(__x86_64__)
#define PT_REGS_PARM1(ctx) ((ctx)->di)
#define PT_REGS_PARM2(ctx) ((ctx)->si)
#define PT_REGS_PARM3(ctx) ((ctx)->dx)
#define PT_REGS_PARM4(ctx) ((ctx)->cx)
#define PT_REGS_PARM5(ctx) ((ctx)->r8)
#define PT_REGS_PARM6(ctx) ((ctx)->r9)
#define PT_REGS_PARM4_SYSCALL(regs) ((regs)->r10)
#define PT_REGS_RET(ctx) ((ctx)->sp)
#define PT_REGS_FP(ctx) ((ctx)->bp)
#define PT_REGS_RC(ctx) ((ctx)->ax)
#define PT_REGS_SP(ctx) ((ctx)->sp)
#define PT_REGS_IP(ctx) ((ctx)->ip)
#elif defined(__aarch64__)
#define PT_REGS_PARM1(ctx) ((ctx)->regs[0])
#define PT_REGS_PARM2(ctx) ((ctx)->regs[1])
#define PT_REGS_PARM3(ctx) ((ctx)->regs[2])
#define PT_REGS_PARM4(ctx) ((ctx)->regs[3])
#define PT_REGS_PARM5(ctx) ((ctx)->regs[4])
#define PT_REGS_PARM6(ctx) ((ctx)->regs[5])
#define PT_REGS_PARM4_SYSCALL(regs) ((regs)->regs[3])
#define PT_REGS_RET(ctx) ((ctx)->regs[30])
#define PT_REGS_FP(ctx) ((ctx)->regs[29])
#define PT_REGS_RC(ctx) ((ctx)->regs[0])
#define PT_REGS_SP(ctx) ((ctx)->sp)
#define PT_REGS_IP(ctx) ((ctx)->pc)
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
