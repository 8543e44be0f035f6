/*
 * Two functions whose names are only in the table of Go's runtime, in the layout of Go version
 * LAYOUT (102, 116, 118, 120, or 126, which has the address of the code in another section). With
 * MERGED, the table is among other data, where the system's linker puts it in a position-independent
 * program. The main program calls both functions for each line that it reads.
 */
#if LAYOUT == 102
#define MAGIC 0xfffffffb
#elif LAYOUT == 116
#define MAGIC 0xfffffffa
#elif LAYOUT == 118
#define MAGIC 0xfffffff0
#else
#define MAGIC 0xfffffff1
#endif
#if LAYOUT >= 118
#define ADDRESS(function) .long function - first
#define PLACE .long
#else
#define ADDRESS(function) .quad function
#define PLACE .quad
#endif
#ifndef COUNT
#define COUNT 2
#endif
#ifndef FIRST_NAME
#define FIRST_NAME name1 - names
#endif

	.section .go.buildinfo, "aw"
	.ascii "\xff Go buildinf:"

	.text
	.globl first, second
	.type first, %function
	.type second, %function
	.balign 32
first:
	nop
	nop
	ret
	.balign 32
second:
	nop
	ret
	.balign 32
last:
	ret

#ifdef MERGED
	.section .data.rel.ro, "aw"
	.quad 0xfffffffb, MAGIC
#else
	.section .gopclntab, "a"
#endif
	.balign 32
table:
	.long MAGIC
	.byte 0, 0, 1, 8
	.quad COUNT
#if LAYOUT == 102
	.equ names, table
	.equ records, table
#else
	.quad 0
#if LAYOUT == 126
	.quad 0
#elif LAYOUT >= 118
	.quad first
#endif
	.quad names - table, files - table, files - table, files - table, records - table
names:
#endif
#if LAYOUT != 102
name1:	.asciz "main.first"
name2:	.asciz "main.(*T).second"
files:
	.balign 8
records:
#endif
	ADDRESS(first)
	PLACE record1 - records
	ADDRESS(second)
	PLACE record2 - records
	ADDRESS(last)
	.long 0
record1:
	ADDRESS(first)
	.long FIRST_NAME
record2:
	ADDRESS(second)
	.long name2 - names
#if LAYOUT == 102
name1:	.asciz "main.first"
name2:	.asciz "main.(*T).second"
#endif
	.balign 8
	.skip 64

#if LAYOUT == 126
	.section .go.module, "aw"
	.skip 22 * 8
	.quad first
	.skip 64
#endif
	.section .note.GNU-stack, "", %progbits
