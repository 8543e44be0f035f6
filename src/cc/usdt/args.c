// SPDX-License-Identifier: Apache-2.0
/*
 * Parses operands in the assembler syntax of x86 (AT&T) and arm64. The text comes from the traced
 * program's file and is not trusted: whatever it says, register offsets stay in range.
 */
#include "usdt/args.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"

static const char malformed[] = "its description is malformed";
static const char bad_size[] = "its size is not 1, 2, 4 or 8 bytes";
static const char is_float[] = "it is a floating-point number, which BPF programs can't handle";
static const char in_vector[] = "it is in a vector register, which BPF programs can't read";
static const char unknown_register[] = "it is in a register that BPF programs can't read";
static const char in_segment[] = "it is relative to a segment register (thread-local data)";
static const char relocated[] = "its address is computed by the dynamic linker";
static const char unknown_machine[] = "it is for an unsupported machine";
static const char narrow_index[] = "its index is a 32-bit register that has to be extended";

/* The register names of 32-bit x86 programs exist on x86_64, too. */
static const struct ebcc_arch *arch_of(unsigned machine)
{
	return ebcc_arch_of_elf(machine == EM_386 ? EM_X86_64 : machine);
}

/* ---- Parts of an operand ---- */

struct parser {
	const char *at, *end;
	unsigned machine;
	struct ebcc_usdt_operand *operand;
};

static bool at_end(const struct parser *parser)
{
	return parser->at == parser->end;
}

static char peek(const struct parser *parser)
{
	return at_end(parser) ? '\0' : *parser->at;
}

static void skip_blanks(struct parser *parser)
{
	while (peek(parser) == ' ' || peek(parser) == '\t')
		parser->at++;
}

static bool take(struct parser *parser, char c)
{
	skip_blanks(parser);
	if (peek(parser) != c)
		return false;
	parser->at++;
	return true;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

/* Takes a number or a name and stores it in @word, NUL-terminated. Returns false if there is none
 * or it is too long; @word is then empty. */
static bool take_word(struct parser *parser, char *word, size_t size)
{
	size_t length = 0;

	skip_blanks(parser);
	while (is_word(peek(parser)) && length < size) {
		word[length++] = *parser->at;
		parser->at++;
	}
	if (length == size)
		length = 0;
	word[length] = '\0';
	return length > 0;
}

/* Parses a decimal, hexadecimal or octal number as assemblers do, modulo 2^64. */
static bool parse_number(const char *word, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(word, &end, 0);
	return !errno && isdigit((unsigned char)*word) && !*end;
}

/* Takes the name of a register, and looks it up. Returns NULL, or why it is not usable. */
static const char *take_register(struct parser *parser, char *name, size_t size,
				 struct ebcc_arch_register *ret)
{
	if (!take_word(parser, name, size))
		return malformed;
	if (arch_of(parser->machine)->find_register(name, ret))
		return NULL;
	return arch_of(parser->machine)->is_vector_register(name) ? in_vector : unknown_register;
}

/* Takes a sum of numbers and at most one symbol: "8", "-8", "table+16". Adds the numbers to *@ret
 * and sets the operand's symbol. */
static const char *take_sum(struct parser *parser, int64_t *ret)
{
	struct ebcc_usdt_operand *operand = parser->operand;
	uint64_t sum = 0, number;
	char word[sizeof(operand->symbol)];
	bool negative = false;

	for (;;) {
		if (take(parser, '-'))
			negative = !negative;
		else if (!take(parser, '+'))
			break;
	}
	for (;;) {
		if (!take_word(parser, word, sizeof(word)))
			return malformed;
		if (parse_number(word, &number)) {
			sum += negative ? -number : number;
		} else {
			if (negative || isdigit((unsigned char)*word) || *operand->symbol)
				return malformed;
			memcpy(operand->symbol, word, sizeof(word));
			operand->parts |= EBCC_USDT_PART_SYMBOL;
		}
		if (peek(parser) == '@')
			return relocated;
		negative = take(parser, '-');
		if (!negative && !take(parser, '+'))
			break;
	}
	*ret = (int64_t)sum;
	return NULL;
}

/* ---- x86 ---- */

/* Parses "(%base,%index,scale)", after the offset; each part may be missing. */
static const char *parse_x86_registers(struct parser *parser)
{
	struct ebcc_usdt_operand *operand = parser->operand;
	struct ebcc_arch_register unused;
	const char *reason;
	char word[8];
	uint64_t scale;

	operand->scale = 1;
	if (take(parser, '%')) {
		operand->parts |= EBCC_USDT_PART_BASE;
		reason = take_register(parser, operand->base, sizeof(operand->base), &unused);
		if (reason)
			return reason;
	}
	if (take(parser, ',') && take(parser, '%')) {
		operand->parts |= EBCC_USDT_PART_INDEX;
		reason = take_register(parser, operand->index, sizeof(operand->index), &unused);
		if (reason)
			return reason;
		if (take(parser, ',')) {
			if (!take_word(parser, word, sizeof(word)) || !parse_number(word, &scale) ||
			    (scale != 1 && scale != 2 && scale != 4 && scale != 8))
				return malformed;
			operand->parts |= EBCC_USDT_PART_SCALE;
			operand->scale = (unsigned)scale;
		}
	}
	return take(parser, ')') && operand->parts & (EBCC_USDT_PART_BASE | EBCC_USDT_PART_INDEX)
		       ? NULL
		       : malformed;
}

static const char *parse_x86_register(struct parser *parser)
{
	struct ebcc_usdt_operand *operand = parser->operand;
	struct ebcc_arch_register found;
	const char *reason = take_register(parser, operand->base, sizeof(operand->base), &found);

	if (reason && strlen(operand->base) == 2 && operand->base[1] == 's')
		return in_segment;
	if (reason)
		return reason;
	operand->parts = EBCC_USDT_PART_BASE;
	return NULL;
}

static const char *parse_x86(struct parser *parser)
{
	struct ebcc_usdt_operand *operand = parser->operand;
	const char *reason;

	if (take(parser, '$')) {
		operand->parts = EBCC_USDT_PART_CONSTANT;
		return take_sum(parser, &operand->constant);
	}
	if (take(parser, '%'))
		return parse_x86_register(parser);
	operand->parts = EBCC_USDT_PART_OFFSET;
	if (peek(parser) != '(') {
		reason = take_sum(parser, &operand->offset);
		if (reason)
			return reason;
	}
	return take(parser, '(') ? parse_x86_registers(parser) : NULL;
}

/* ---- arm64 ---- */

/* Parses a number with an optional "#" before it. */
static const char *parse_arm64_number(struct parser *parser, int64_t *ret)
{
	take(parser, '#');
	return take_sum(parser, ret);
}

/* Parses what follows the index register: "lsl 3" or nothing. */
static const char *parse_arm64_shift(struct parser *parser)
{
	struct ebcc_usdt_operand *operand = parser->operand;
	int64_t shift = 0;
	char word[8];

	operand->scale = 1;
	if (!take(parser, ','))
		return *operand->index == 'w' ? narrow_index : NULL;
	if (!take_word(parser, word, sizeof(word)))
		return malformed;
	if (!strcmp(word, "sxtw") || !strcmp(word, "uxtw"))
		return narrow_index;
	if (strcmp(word, "lsl") || parse_arm64_number(parser, &shift) || shift < 0 || shift > 3)
		return malformed;
	operand->parts |= EBCC_USDT_PART_SCALE;
	operand->scale = 1u << shift;
	return NULL;
}

/* Parses "[x0]", "[x0, 8]" or "[x0, x1, lsl 3]", after the opening bracket. */
static const char *parse_arm64_memory(struct parser *parser)
{
	struct ebcc_usdt_operand *operand = parser->operand;
	struct ebcc_arch_register found;
	const char *reason = take_register(parser, operand->base, sizeof(operand->base), &found);
	const char *before;

	operand->parts = EBCC_USDT_PART_OFFSET | EBCC_USDT_PART_BASE;
	if (!reason && take(parser, ',')) {
		skip_blanks(parser);
		before = parser->at;
		if (take(parser, ':') || (take(parser, '#') && take(parser, ':')))
			return relocated;
		parser->at = before;
		reason = take_register(parser, operand->index, sizeof(operand->index), &found);
		if (!reason) {
			operand->parts |= EBCC_USDT_PART_INDEX;
			reason = parse_arm64_shift(parser);
		} else {
			parser->at = before;
			*operand->index = '\0';
			reason = parse_arm64_number(parser, &operand->offset);
		}
	}
	if (reason)
		return reason;
	return take(parser, ']') ? NULL : malformed;
}

static const char *parse_arm64(struct parser *parser)
{
	struct ebcc_usdt_operand *operand = parser->operand;
	struct ebcc_arch_register found;
	const char *reason;

	if (take(parser, '['))
		return parse_arm64_memory(parser);
	if (isalpha((unsigned char)peek(parser))) {
		reason = take_register(parser, operand->base, sizeof(operand->base), &found);
		operand->parts = reason ? 0 : EBCC_USDT_PART_BASE;
		return reason;
	}
	operand->parts = EBCC_USDT_PART_CONSTANT;
	return parse_arm64_number(parser, &operand->constant);
}

/* ---- Arguments ---- */

bool ebcc_usdt_next_argument(const char **at, const char **ret, size_t *ret_length)
{
	const char *text = *at + strspn(*at, " \t");
	unsigned depth = 0;
	size_t length;

	for (length = 0; text[length]; length++) {
		char c = text[length];

		if (!depth && (c == ' ' || c == '\t'))
			break;
		if (c == '(' || c == '[')
			depth++;
		else if ((c == ')' || c == ']') && depth)
			depth--;
	}
	*at = text + length;
	*ret = text;
	*ret_length = length;
	return length > 0;
}

/* Parses "-4@". If that, or only the number, is missing, the size is that of a machine word. */
static const char *parse_size(struct parser *parser)
{
	const char *separator = memchr(parser->at, '@', (size_t)(parser->end - parser->at));
	struct ebcc_usdt_operand *operand = parser->operand;
	const char *at = parser->at;
	bool with_f = false;

	operand->size = parser->machine == EM_386 ? 4 : 8;
	if (!separator || (!isdigit((unsigned char)*at) && *at != '-' && *at != 'f'))
		return NULL;
	operand->is_signed = *at == '-';
	at += operand->is_signed;
	if (!isdigit((unsigned char)*at) && *at != 'f')
		return malformed;
	if (isdigit((unsigned char)*at))
		operand->size = (unsigned)(*at++ - '0');
	if (isdigit((unsigned char)*at))
		return bad_size;
	with_f = *at == 'f';
	at += with_f;
	if (at != separator)
		return malformed;
	parser->at = separator + 1;
	if (with_f)
		return is_float;
	return operand->size == 1 || operand->size == 2 || operand->size == 4 || operand->size == 8
		       ? NULL
		       : bad_size;
}

static const char *parse_operand(struct parser *parser)
{
	const char *reason;

	switch (parser->machine) {
	case EM_X86_64:
	case EM_386:
		reason = parse_x86(parser);
		break;
	case EM_AARCH64:
		reason = parse_arm64(parser);
		break;
	default:
		return unknown_machine;
	}
	if (reason)
		return reason;
	skip_blanks(parser);
	return at_end(parser) ? NULL : malformed;
}

/* The name of a register may stand for fewer bytes than the size says. */
static void limit_size(struct parser *parser)
{
	struct ebcc_usdt_operand *operand = parser->operand;
	struct ebcc_arch_register found;

	if (operand->parts == EBCC_USDT_PART_BASE &&
	    arch_of(parser->machine)->find_register(operand->base, &found) &&
	    found.size < operand->size)
		operand->size = found.size;
}

void ebcc_usdt_parse(unsigned machine, const char *text, size_t length,
		     struct ebcc_usdt_operand *ret)
{
	struct parser parser = {text, text + length, machine, ret};

	memset(ret, 0, sizeof(*ret));
	ret->unreadable = parse_size(&parser);
	if (!ret->unreadable)
		ret->unreadable = parse_operand(&parser);
	if (ret->unreadable)
		ret->parts = 0;
	else
		limit_size(&parser);
}

/* The offset of a register in the program's context, or that it counts as 0. */
static uint16_t encode_register(unsigned machine, const char *name)
{
	struct ebcc_arch_register found;

	if (!arch_of(machine)->find_register(name, &found) || found.zero)
		return EBCC_USDT_NO_REGISTER;
	return found.offset;
}

/* Symbol and probe are loaded together, so their distance is the same in every process. */
static const char *encode_symbol(const struct ebcc_usdt_operand *operand,
				 const struct ebcc_usdt_place *place,
				 struct ebcc_usdt_argument *ret)
{
	const uint16_t ip = arch_of(place->machine)->instruction_pointer;
	bool relative = operand->parts & EBCC_USDT_PART_BASE &&
			encode_register(place->machine, operand->base) == ip;

	if (operand->parts & EBCC_USDT_PART_INDEX || operand->parts & EBCC_USDT_PART_CONSTANT ||
	    (operand->parts & EBCC_USDT_PART_BASE && !relative)) {
		if (!place->fixed)
			return relocated;
		ret->value += place->symbol;
		return NULL;
	}
	ret->base = ip;
	ret->value += place->symbol - place->location;
	return NULL;
}

const char *ebcc_usdt_encode(const struct ebcc_usdt_operand *operand,
			     const struct ebcc_usdt_place *place, struct ebcc_usdt_argument *ret)
{
	struct ebcc_usdt_argument argument = {
		.value = (uint64_t)operand->offset,
		.base = EBCC_USDT_NO_REGISTER,
		.index = EBCC_USDT_NO_REGISTER,
		.kind = EBCC_USDT_MEMORY,
		.size = (uint8_t)operand->size,
		.is_signed = operand->is_signed,
	};
	const char *reason = operand->unreadable;

	*ret = (struct ebcc_usdt_argument){.kind = EBCC_USDT_NONE};
	if (reason)
		return reason;
	if (operand->parts & EBCC_USDT_PART_BASE)
		argument.base = encode_register(place->machine, operand->base);
	if (operand->parts & EBCC_USDT_PART_CONSTANT) {
		argument.kind = EBCC_USDT_CONSTANT;
		argument.value = (uint64_t)operand->constant;
	} else if (!(operand->parts & EBCC_USDT_PART_OFFSET)) {
		argument.kind = EBCC_USDT_REGISTER;
	} else if (operand->parts & EBCC_USDT_PART_INDEX) {
		argument.kind = EBCC_USDT_INDEXED;
		argument.index = encode_register(place->machine, operand->index);
		argument.shift = (uint8_t)__builtin_ctz(operand->scale);
	}
	if (operand->parts & EBCC_USDT_PART_SYMBOL)
		reason = encode_symbol(operand, place, &argument);
	if (!reason)
		*ret = argument;
	return reason;
}
