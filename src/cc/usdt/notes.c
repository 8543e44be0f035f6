// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the section .note.stapsdt. A note is three words (sizes of name and description, type), the
 * name "stapsdt", and the description: three addresses and three strings. Name and description are
 * padded to a multiple of 4 bytes.
 */
#include "usdt/notes.h"

#include <string.h>

#include "elf/symbols.h"

#define OWNER "stapsdt"
#define TYPE_PROBE 3

struct note_header {
	uint32_t name_size, description_size, type;
};

/* The rest of a section. */
struct bytes {
	const char *at;
	size_t size;
};

/* Takes @size bytes and the padding after them. Returns NULL if there are fewer. */
static const char *take_bytes(struct bytes *bytes, size_t size)
{
	const char *taken = bytes->at;
	size_t padded = size + (-size & 3);

	if (size > bytes->size)
		return NULL;
	/* The padding may be missing at the end. */
	if (padded > bytes->size)
		padded = bytes->size;
	bytes->at += padded;
	bytes->size -= padded;
	return taken;
}

static bool take_address(struct bytes *bytes, unsigned size, uint64_t *ret)
{
	const char *taken = take_bytes(bytes, size);

	*ret = 0;
	if (taken)
		memcpy(ret, taken, size);
	return taken;
}

/* Takes a string with its NUL; what follows is not aligned. */
static const char *take_string(struct bytes *bytes)
{
	const char *taken = bytes->at;
	const char *end = bytes->size ? memchr(taken, '\0', bytes->size) : NULL;

	if (!end)
		return NULL;
	bytes->size -= (size_t)(end + 1 - taken);
	bytes->at = end + 1;
	return taken;
}

static bool parse(struct bytes description, unsigned address_size, struct ebcc_usdt_note *ret)
{
	if (!take_address(&description, address_size, &ret->address) ||
	    !take_address(&description, address_size, &ret->base) ||
	    !take_address(&description, address_size, &ret->semaphore))
		return false;
	ret->provider = take_string(&description);
	ret->name = ret->provider ? take_string(&description) : NULL;
	ret->arguments = ret->name ? take_string(&description) : NULL;
	return ret->arguments && *ret->name;
}

struct ebcc_error *ebcc_usdt_walk_notes(const void *data, size_t size, unsigned address_size,
					ebcc_usdt_note_fn fn, void *ctx)
{
	struct bytes left = {data, size};

	while (left.size) {
		const char *words = take_bytes(&left, sizeof(struct note_header));
		struct ebcc_usdt_note note;
		struct note_header header;
		const char *name, *description;

		if (words)
			memcpy(&header, words, sizeof(header));
		name = words ? take_bytes(&left, header.name_size) : NULL;
		description = name ? take_bytes(&left, header.description_size) : NULL;
		if (!description)
			return ebcc_error_create(EBCC_ERROR_FORMAT,
						 "the notes on USDT probes are cut short");
		if (header.type != TYPE_PROBE || header.name_size != sizeof(OWNER) ||
		    memcmp(name, OWNER, sizeof(OWNER)))
			continue;
		if (!parse((struct bytes){description, header.description_size}, address_size,
			   &note))
			return ebcc_error_create(EBCC_ERROR_FORMAT,
						 "a note on a USDT probe is malformed");
		if (!fn(ctx, &note))
			break;
	}
	return NULL;
}

struct move {
	ebcc_usdt_note_fn fn;
	void *ctx;
	uint64_t base; /* address of .stapsdt.base in the file, or 0 */
};

/* A note with base 0 was written without one; tools that move the file adjust its addresses. The
 * same file may also have notes with a base. */
static bool visit(void *ctx, const struct ebcc_usdt_note *note)
{
	const struct move *move = ctx;
	uint64_t distance = move->base && note->base ? move->base - note->base : 0;
	struct ebcc_usdt_note moved = *note;

	moved.address += distance;
	if (note->semaphore)
		moved.semaphore += distance;
	return move->fn(move->ctx, &moved);
}

struct ebcc_error *ebcc_usdt_walk_file(struct ebcc_elf *elf, ebcc_usdt_note_fn fn, void *ctx)
{
	struct ebcc_elf_kind kind = ebcc_elf_kind(elf);
	struct move move = {.fn = fn, .ctx = ctx};
	struct ebcc_elf_part notes, base;

	if (!ebcc_elf_find_section(elf, ".note.stapsdt", &notes) || !notes.size)
		return NULL;
	if (!kind.native_order)
		return ebcc_error_create(EBCC_ERROR_FORMAT, "its byte order is not this machine's");
	if (ebcc_elf_find_section(elf, ".stapsdt.base", &base))
		move.base = base.address;
	return ebcc_usdt_walk_notes(notes.data, notes.size, kind.address_size, visit, &move);
}
