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
	uint64_t address;   /* virtual, as in the file */
	uint64_t base;	    /* of the section .stapsdt.base when the note was written, or 0 */
	uint64_t semaphore; /* address; 0: there is none */
};

/* Sees one note; returns false to end the walk. */
typedef bool (*ebcc_usdt_note_fn)(void *ctx, const struct ebcc_usdt_note *note);

/*
 * Calls @fn for each probe's note in the @size bytes of a section; notes of other kinds are passed
 * over. @address_size: 4 or 8, in bytes; in this machine's byte order.
 * Errors: EBCC_ERROR_FORMAT, at the first note that is cut short or lacks a string.
 */
MUST_CHECK struct ebcc_error *ebcc_usdt_walk_notes(const void *data, size_t size,
						   unsigned address_size, ebcc_usdt_note_fn fn,
						   void *ctx);

/* The same for a file, with addresses as they are in it now: a file that was moved (prelinked)
 * after its notes were written has the section .stapsdt.base elsewhere than they say. Notes that
 * say nothing (base 0) have the right addresses already. A file without notes is not an error. */
MUST_CHECK struct ebcc_error *ebcc_usdt_walk_file(struct ebcc_elf *elf, ebcc_usdt_note_fn fn,
						  void *ctx);

#endif /* EBCC_USDT_NOTES_H */
