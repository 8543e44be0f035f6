/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When an earlier answer of the compiler may be given again. Lookup has two levels. The first key
 * is made of what is known before anything is read: the request, the kernel's and the
 * compiler's identity. Under it stands a manifest: for each answer, the conditions that it
 * was made under, which are files with their hashes, files that were looked for and not there, and
 * configuration symbols. The first answer whose conditions all hold is the one.
 */
#ifndef EBCC_COMPILE_CACHE_H
#define EBCC_COMPILE_CACHE_H

#include "base/disk_cache.h"
#include "compiler/compiler.h"
#include "kernel/info.h"

/*
 * The first key. @request without its files (they follow from the rest); @compiler: what
 * identifies the compiler; @types: what else chose the kernel types (options, by name).
 */
MUST_CHECK struct ebcc_error *ebcc_compile_cache_key(const struct ebcc_cc_request *request,
						     const struct ebcc_kernel_info *kernel,
						     const char *compiler, const char *types,
						     struct ebcc_cache_key *ret);

/* Writes an answer whose conditions hold to @ret (owned by the caller). False: none. */
bool ebcc_compile_cache_find(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			     struct ebcc_kernel_info *kernel, struct ebcc_cc_answer *ret);

/*
 * Keeps a good answer. @inputs: the lines of ebcc_ktypes_inputs(); the answer's own
 * dependencies are added to them. An answer whose conditions can't be written down is not kept.
 */
void ebcc_compile_cache_store(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			      const struct ebcc_kernel_info *kernel, const char *inputs,
			      const struct ebcc_cc_answer *answer);

#endif /* EBCC_COMPILE_CACHE_H */
