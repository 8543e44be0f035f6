/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of USDT probes, from the text of a note ("-4@%edi 8@-8(%rbp)") to what a program's map
 * holds of them (usdt_spec.h). An operand is written as the machine's assembler has it, after its
 * size in bytes, which is negative for a signed one.
 */
#ifndef EBCC_USDT_ARGS_H
#define EBCC_USDT_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/ebcc/usdt_spec.h"
#include "ebcc.h"

/*
 * Takes the next argument off a text of them and moves *@at behind it. Blanks separate arguments,
 * but not within brackets. False: there are no more.
 */
bool ebcc_usdt_next_argument(const char **at, const char **ret, size_t *ret_length);

/*
 * Parses one argument of @length bytes. @machine: of the ELF file (EM_X86_64, EM_386, EM_AARCH64).
 * What is not understood, or can't be read by programs, has a reason in @ret->unreadable.
 */
void ebcc_usdt_parse(unsigned machine, const char *text, size_t length,
		     struct ebcc_usdt_operand *ret);

/* Facts that an operand alone doesn't tell. */
struct ebcc_usdt_place {
	unsigned machine;
	bool fixed;	   /* the file is loaded at the addresses that it names */
	uint64_t location; /* address of the probe's location, as in the file */
	uint64_t symbol;   /* that of the operand's symbol, if it has one */
};

/* Makes an operand that can be read into what programs read. NULL, or a reason (static) why it
 * can't be read after all; then @ret says that there is no argument. */
const char *ebcc_usdt_encode(const struct ebcc_usdt_operand *operand,
			     const struct ebcc_usdt_place *place, struct ebcc_usdt_argument *ret);

#endif /* EBCC_USDT_ARGS_H */
