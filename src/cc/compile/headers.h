/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling against kernel headers, which take the place of the types from BTF.
 */
#ifndef EBCC_COMPILE_HEADERS_H
#define EBCC_COMPILE_HEADERS_H

#include "base/disk_cache.h"
#include "compile/client.h"
#include "kernel/headers.h"
#include "types/ktypes.h"

struct ebcc_headers_compile {
	const struct ebcc_cc_request *request; /* without kernel types */
	const struct ebcc_kernel_headers *headers;
	struct ebcc_kernel_info *kernel;
	struct ebcc_compiler_client *client;
	struct ebcc_disk_cache *cache; /* may be NULL */
	const struct ebcc_log *log;
};

/*
 * Compiles once. Takes ownership of @scan. The caller frees @answer, whose dependencies don't
 * include files of the header tree: instead, lines that identify the tree and tracepoints
 * (ebcc_ktypes_inputs()) are appended to @inputs, and those of ebcc_ktypes_notes() to @notes.
 */
MUST_CHECK struct ebcc_error *ebcc_compile_with_headers(const struct ebcc_headers_compile *compile,
							struct ebcc_scan *scan,
							struct ebcc_cc_answer *answer,
							struct ebcc_buf *inputs,
							struct ebcc_buf *notes);

/* Finds the headers that the environment names (ignored if AT_SECURE is set), or else, unless
 * @named_only, the installed ones. Sets *ret to NULL if there are none. */
MUST_CHECK struct ebcc_error *ebcc_compile_find_headers(const struct ebcc_kernel_info *kernel,
							struct ebcc_disk_cache *cache,
							bool named_only,
							struct ebcc_kernel_headers **ret);

/* Appends the environment variables that select headers, for a cache key. */
void ebcc_compile_headers_key(struct ebcc_buf *key);

/* Resolves @asked by EBCC_KERNEL_TYPES if it is auto. EBCC_ERROR_INVALID_ARGUMENT if the variable
 * is not btf, headers or auto. */
MUST_CHECK struct ebcc_error *ebcc_compile_types(enum ebcc_kernel_types asked,
						 enum ebcc_kernel_types *ret);

#endif /* EBCC_COMPILE_HEADERS_H */
