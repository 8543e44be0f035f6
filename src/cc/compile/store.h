/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Object stores: portable objects that were compiled elsewhere, each under a key that is made from
 * its source, flags, architecture and this library's version. What a compile would give on this
 * kernel doesn't matter: the loader adjusts the object.
 *
 * An example: a tool's source is compiled when a package is built.
 *
 *	ebcc_store_key()	of the request: the same here and on every machine
 *	ebcc_store_add()	writes /usr/lib/ebcc/objects/KEY.object
 *
 * On a user's machine, before a compiler is looked for:
 *
 *	ebcc_store_key()
 *	ebcc_store_find()	returns what was added, unless a file that the source includes is
 *				there and differs
 *
 * A store is a directory of files like those of the disk cache, or the contents of such files in
 * memory, one after the other (in a bundle).
 */
#ifndef EBCC_COMPILE_STORE_H
#define EBCC_COMPILE_STORE_H

#include "base/disk_cache.h"
#include "compiler/compiler.h"

/* Makes the key, also from the pipeline. @header_text: what precedes the source, or NULL. */
MUST_CHECK struct ebcc_error *ebcc_store_key(const struct ebcc_cc_request *request,
					     const char *header_text, struct ebcc_cache_key *ret);

/* The store to which everything that is compiled is added (EBCC_RECORD), or NULL. Borrowed from the
 * environment. */
const char *ebcc_store_recording(void);

/* A store in memory; borrowed. */
struct ebcc_memory_store {
	const void *bytes; /* NULL: none */
	size_t size;
};

/*
 * Looks into @memory, then into the directories that EBCC_OBJECTS names (separated by colons;
 * "off": into no directory at all), then into the installed one. A directory is read only if nobody
 * but root and the effective user can write to it. The name of the source (@source_path) tells
 * where the files are that it includes. Writes the answer, owned by the caller, to @ret, and where
 * it was found to @where. Returns false if there is none that is valid here.
 */
bool ebcc_store_find(const struct ebcc_log *log, const struct ebcc_memory_store *memory,
		     const struct ebcc_cache_key *key, const char *source_path,
		     struct ebcc_cc_answer *ret, struct ebcc_buf *where);

/* Adds an answer to the store in @directory, an absolute path, which is created if it doesn't
 * exist. EBCC_ERROR_OS if it can't be written. */
MUST_CHECK struct ebcc_error *ebcc_store_add(const char *directory,
					     const struct ebcc_cache_key *key,
					     const char *source_path,
					     const struct ebcc_cc_answer *answer);

/* Appends the places that ebcc_store_find() looks into, as part of a sentence; nothing if there is
 * none. */
void ebcc_store_places(const struct ebcc_memory_store *memory, struct ebcc_buf *text);

#endif /* EBCC_COMPILE_STORE_H */
