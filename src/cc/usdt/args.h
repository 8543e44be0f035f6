/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of USDT probes, from the text of a note ("-4@%edi 8@-8(%rbp)") to their layout in a
 * program's map (usdt_spec.h). Each is an operand in the syntax of the machine's assembler, after
 * its size in bytes, which is negative if it is signed.
 */
#ifndef EBCC_USDT_ARGS_H
#define EBCC_USDT_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/ebcc/usdt_spec.h"
#include "ebcc.h"

/*
 * Takes the next argument from a text and moves *@at past it. Blanks separate arguments, except
 * within brackets. Returns false if there are no more.
 */
bool ebcc_usdt_next_argument(const char **at, const char **ret, size_t *ret_length);

/*
 * Parses one argument of @length bytes. @machine is that of the ELF file (EM_X86_64, EM_386,
 * EM_AARCH64). If the argument can't be parsed, or programs can't read it, @ret->unreadable says
 * why.
 */
void ebcc_usdt_parse(unsigned machine, const char *text, size_t length,
		     struct ebcc_usdt_operand *ret);

/* What is needed to encode an operand, besides the operand. */
struct ebcc_usdt_place {
	unsigned machine;
	bool fixed;	   /* the file is loaded at its own addresses (not PIE) */
	uint64_t location; /* address of the probe's location in the file */
	uint64_t symbol;   /* address of the operand's symbol in the file, if it has one */
};

/* Encodes a readable operand for programs. Returns NULL, or the reason (a static string) why it
 * can't be read after all; @ret is then of the kind EBCC_USDT_NONE. */
const char *ebcc_usdt_encode(const struct ebcc_usdt_operand *operand,
			     const struct ebcc_usdt_place *place, struct ebcc_usdt_argument *ret);

#endif /* EBCC_USDT_ARGS_H */
