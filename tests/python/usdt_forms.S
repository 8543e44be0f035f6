/* SPDX-License-Identifier: Apache-2.0 */
/*
 * USDT probes whose arguments are written by hand, in every form of x86-64 assembly. Every register
 * and word has a known value. The program passes its probes once for each byte of its standard
 * input. FIXED is defined if it is linked at fixed addresses.
 */
	.macro probe name:req, arguments:req
	.pushsection .note.stapsdt, "", "note"
	.balign 4
	.4byte 8, 9f - 8f, 3
	.asciz "stapsdt"
8:	.8byte location, _.stapsdt.base, 0
	.asciz "forms"
	.asciz "\name"
	.asciz "\arguments"
9:	.balign 4
	.popsection
	.endm

	.section .stapsdt.base, "aG", "progbits", .stapsdt.base, comdat
	.weak _.stapsdt.base
	.hidden _.stapsdt.base
_.stapsdt.base:
	.space 1
	.size _.stapsdt.base, 1

	.text
	.globl _start
_start:
	xor %eax, %eax			/* read(0, line, 1) */
	xor %edi, %edi
	lea line(%rip), %rsi
	mov $1, %edx
	syscall
	cmp $1, %rax
	jne end
	mov $0x1112131415161718, %rax
	lea table+16(%rip), %rbx
	mov $2, %rcx
	mov $-16, %rdx
	mov $0x5152535455565758, %rsi
	mov $0x6162636465666768, %rdi
	lea table(%rip), %rbp
	mov $0x8182838485868788, %r8
	mov $0x9192939495969798, %r9
	mov $0xa1a2a3a4a5a6a7a8, %r10
	mov $0xb1b2b3b4b5b6b7b8, %r11
	mov $0xc1c2c3c4c5c6c7c8, %r12
	mov $0xd1d2d3d4d5d6d7d8, %r13
	mov $0xe1e2e3e4e5e6e7e8, %r14
	mov $-1, %r15
	movq %rax, %xmm0
	pushq $0x77
	.globl location
location:
	nop
	add $8, %rsp
	mov $1, %eax			/* write(1, line, 1) */
	mov $1, %edi
	lea line(%rip), %rsi
	mov $1, %edx
	syscall
	jmp _start
end:
	mov $60, %eax			/* exit(0) */
	xor %edi, %edi
	syscall

	.data
	.balign 8
table:	.8byte 0xf1f2f3f4f5f6f7f8, 22, -33, 0x0000000080000001, 44
line:	.byte 0

	probe whole, "8@%rax 8@%rcx -8@%rdx 8@%rsi 8@%rdi 8@%r8 8@%r9 8@%r10 8@%r11 8@%r12 8@%r13 8@%r14"
	probe halves, "4@%eax -4@%esi 4@%r8d -4@%r9d 2@%ax -2@%di 2@%r10w -2@%r11w -8@%r15 -4@%r15d 8@%eax -8@%r8d"
	probe bytes, "1@%al 1@%ah 1@%cl 1@%ch 1@%sil 1@%dil -1@%r8b 1@%r9b -1@%r10b -1@%dl 2@%dh %rax"
	probe constants, "-1@$-1 4@$0x7fffffff -8@$-9223372036854775808 2@$65535 1@$0377 -4@$-5 8@$0xffffffffffffffff 4@$-1 8@$5+6-1 -8@$-3-4"
	probe memory, "8@(%rbp) 8@8(%rbp) -8@(%rbx) -4@8(%rbx) -8@-8(%rbx) 8@0x20(%rbp) 1@(%rbp) -1@1(%rbp) 2@6(%rbp) 8@(%rsp) -4@-16(%rbx) 4@12(%rbx)"
	probe indexed, "-8@(%rbp,%rcx,8) 4@(%rbp,%rcx,4) 8@(%rbp,%rcx,4) 8@-8(%rbp,%rcx,8) 1@4(%rbp,%rcx) -8@(%rbx,%rdx) 8@16(%rbx,%rdx,1) 8@32(%rbp,%rdx,1) 2@(%rbp,%rcx,1) 8@(%rbp,%rcx,2)"
	probe symbols, "8@table(%rip) 8@table+8(%rip) 8@8+table(%rip) -8@table+24-8(%rip) 8@table 4@table+0x18"
	probe unreadable, "8f@%xmm0 8@%xmm0 16@%rax 3@%rax 8@nosuch(%rip) 8@table@GOTPCREL(%rip) 8@%fs:0 8@% 4@$ 4@8(%foo) 8@(%rax,%rcx,3) 8@(%rax"
	probe after, "-4@$1 4f@8(%rbp) 8@%rcx"
#ifdef FIXED
	probe fixed, "8@table(,%rcx,8) 8@table+8(,%rcx,4) 8@table-0x20(%rcx,%rcx,8) 8@$table -8@table-14(,%rcx,8)"
#endif
	.section .note.GNU-stack, "", "progbits"
