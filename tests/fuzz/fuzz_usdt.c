// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzz target of .note.stapsdt and of the arguments in it: whatever a note says, what is made of it
 * names registers within struct pt_regs and sizes that programs can read.
 */
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "usdt/args.h"
#include "usdt/notes.h"

/* The largest struct pt_regs of both machines, less one register. */
#define LAST_REGISTER 264

static bool is_register(uint16_t offset)
{
	return offset == EBCC_USDT_NO_REGISTER || offset <= LAST_REGISTER;
}

static void check_argument(const struct ebcc_usdt_place *place, const char *text, size_t length)
{
	struct ebcc_usdt_operand operand;
	struct ebcc_usdt_argument argument;
	const char *reason;

	ebcc_usdt_parse(place->machine, text, length, &operand);
	if (!memchr(operand.base, '\0', sizeof(operand.base)) ||
	    !memchr(operand.index, '\0', sizeof(operand.index)) ||
	    !memchr(operand.symbol, '\0', sizeof(operand.symbol)))
		abort();
	reason = ebcc_usdt_encode(&operand, place, &argument);
	if (!reason != (argument.kind != EBCC_USDT_NONE))
		abort();
	if (reason)
		return;
	if (!is_register(argument.base) || !is_register(argument.index) || argument.shift > 3 ||
	    !argument.size || argument.size > 8 || argument.size & (argument.size - 1))
		abort();
}

static bool visit(void *ctx, const struct ebcc_usdt_note *note)
{
	static const unsigned machines[] = {EM_X86_64, EM_386, EM_AARCH64, EM_NONE};
	size_t *strings = ctx;

	*strings += strlen(note->provider) + strlen(note->name) + strlen(note->arguments);
	for (size_t i = 0; i < 2 * sizeof(machines) / sizeof(*machines); i++) {
		const struct ebcc_usdt_place place = {.machine = machines[i / 2],
						      .fixed = i & 1,
						      .location = note->address,
						      .symbol = note->semaphore};
		const char *at = note->arguments, *text;
		size_t length;

		while (ebcc_usdt_next_argument(&at, &text, &length))
			check_argument(&place, text, length);
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t strings = 0;

	for (unsigned address_size = 4; address_size <= 8; address_size += 4) {
		strings = 0;
		ebcc_error_destroy(ebcc_usdt_walk_notes(data, size, address_size, visit, &strings));
		if (strings > size)
			abort();
	}
	return 0;
}
