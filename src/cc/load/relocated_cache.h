/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that were relocated for the running kernel, kept in the disk cache: the next load reads
 * no BTF. An entry depends on the object, on the build of the kernel, and on the inputs that
 * ebcc_relocate() lists, which are read again.
 */
#ifndef EBCC_LOAD_RELOCATED_CACHE_H
#define EBCC_LOAD_RELOCATED_CACHE_H

#include "base/disk_cache.h"
#include "kernel/info.h"
#include "load/relocate.h"

/* The key of an object on a kernel. @checked: whether what the object records of the kernel's types
 * (types/kernel_needs.h) was compared. */
struct ebcc_cache_key ebcc_relocated_key(const struct ebcc_kernel_info *kernel, const char *bytes,
					 size_t size, bool checked);

/* Finds an entry. @ret is NULL if the object has no relocations, or malloc'ed and @size bytes
 * large; it and @unresolved, which is initialized by the call, belong to the caller. */
bool ebcc_relocated_find(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			 size_t size, struct ebcc_unresolved *unresolved, char **ret);

/* Stores an entry; @relocated may be NULL. @inputs: those of ebcc_relocate(). */
void ebcc_relocated_store(struct ebcc_disk_cache *cache, const struct ebcc_cache_key *key,
			  const char *relocated, size_t size,
			  const struct ebcc_unresolved *unresolved, const struct ebcc_buf *inputs);

#endif /* EBCC_LOAD_RELOCATED_CACHE_H */
