/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Caches the compiler's answers. Lookup has two levels. The first key is made from what is known
 * before anything is read: the request and the identities of kernel and compiler. It leads to a
 * manifest, which has for each answer the conditions under which it is valid: files with their
 * hashes, files that were looked for and not found, and configuration symbols. The first answer
 * whose conditions all hold is used.
 */
#ifndef EBCC_COMPILE_CACHE_H
#define EBCC_COMPILE_CACHE_H

#include "base/disk_cache.h"
#include "compiler/compiler.h"
#include "kernel/info.h"

/*
 * Makes the first key, from @request except its files, which follow from the rest; @compiler, which
 * identifies the compiler; and @types, the options that select the kernel types.
 */
MUST_CHECK struct ebcc_error *ebcc_compile_cache_key(const struct ebcc_cc_request *request,
						     const struct ebcc_kernel_info *kernel,
						     const char *compiler, const char *types,
						     struct ebcc_cache_key *ret);

/* Writes an answer whose conditions hold to @ret, owned by the caller. Returns false if there is
 * none. */
bool ebcc_compile_cache_find(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			     struct ebcc_kernel_info *kernel, struct ebcc_cc_answer *ret);

/*
 * Stores a successful answer. @inputs: the lines of ebcc_ktypes_inputs(), to which the answer's own
 * dependencies are added. An answer whose conditions can't be expressed is not stored.
 */
void ebcc_compile_cache_store(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			      const struct ebcc_kernel_info *kernel, const char *inputs,
			      const struct ebcc_cc_answer *answer);

/* Decodes a stored answer, owned by the caller. Returns false if the bytes are not a successful
 * one; @ret is initialized in any case, and freed by ebcc_cc_answer_deinit(). */
bool ebcc_compile_cache_parse_answer(const struct ebcc_buf *frame, struct ebcc_cc_answer *ret);

/* ---- For looking at entries of the disk cache ---- */

/* Whether the bytes of an entry are what this version stores in entries of that kind. True for
 * kinds that other parts of the library store. */
bool ebcc_compile_cache_entry_is_valid(const char *kind, const struct ebcc_buf *bytes);

/* The name of the source that the answer in an entry was compiled from, malloc'ed; NULL if the
 * entry is of another kind, or doesn't have it. */
char *ebcc_compile_cache_entry_source(const char *kind, const struct ebcc_buf *bytes);

#endif /* EBCC_COMPILE_CACHE_H */
