/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notes that describe USDT probes in an ELF file (section .note.stapsdt, version 3 of their
 * format): https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
 */
#ifndef EBCC_USDT_NOTES_H
#define EBCC_USDT_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ebcc_elf;

/* One location of a probe. The strings are borrowed from the section. */
struct ebcc_usdt_note {
	const char *provider, *name;
	const char *arguments;
	uint64_t address;   /* virtual address in the file */
	uint64_t base;	    /* of the section .stapsdt.base when the note was written, or 0 */
	uint64_t semaphore; /* address; 0: there is none */
};

/* Called for each note; returns false to end the walk. */
typedef bool (*ebcc_usdt_note_fn)(void *ctx, const struct ebcc_usdt_note *note);

/*
 * Calls @fn for each note on a probe in a section of @size bytes; other notes are skipped.
 * @address_size is 4 or 8 bytes. The data must have this machine's byte order.
 * Fails with EBCC_ERROR_FORMAT at the first note that is truncated or lacks a string.
 */
MUST_CHECK struct ebcc_error *ebcc_usdt_walk_notes(const void *data, size_t size,
						   unsigned address_size, ebcc_usdt_note_fn fn,
						   void *ctx);

/* The same for a file, with addresses adjusted if the file was moved (prelinked) after its notes
 * were written: its section .stapsdt.base then has another address than the notes say. Notes with
 * base 0 are already right. A file without notes is not an error. */
MUST_CHECK struct ebcc_error *ebcc_usdt_walk_file(struct ebcc_elf *elf, ebcc_usdt_note_fn fn,
						  void *ctx);

#endif /* EBCC_USDT_NOTES_H */
