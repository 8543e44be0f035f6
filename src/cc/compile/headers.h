/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compile against kernel headers: what it puts into the request in place of BTF's types.
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
 * Compiles once. @scan is taken over. @answer is the caller's to free; what it read of the headers'
 * tree is no longer among its dependencies: @inputs gets, appended, the lines that stand for the
 * tree and for tracepoints (ebcc_ktypes_inputs()), @notes what ebcc_ktypes_notes() has to say.
 */
MUST_CHECK struct ebcc_error *ebcc_compile_with_headers(const struct ebcc_headers_compile *compile,
							struct ebcc_scan *scan,
							struct ebcc_cc_answer *answer,
							struct ebcc_buf *inputs,
							struct ebcc_buf *notes);

/* Finds headers as the environment names them (not looked at where AT_SECURE is set), else the
 * installed ones unless @named_only. *ret = NULL: none. */
MUST_CHECK struct ebcc_error *ebcc_compile_find_headers(const struct ebcc_kernel_info *kernel,
							struct ebcc_disk_cache *cache,
							bool named_only,
							struct ebcc_kernel_headers **ret);

/* Appends what of the environment chooses headers, for a cache key. */
void ebcc_compile_headers_key(struct ebcc_buf *key);

/* What EBCC_KERNEL_TYPES says, where @asked leaves it open. EBCC_ERROR_INVALID_ARGUMENT for another
 * word than btf, headers and auto. */
MUST_CHECK struct ebcc_error *ebcc_compile_types(enum ebcc_kernel_types asked,
						 enum ebcc_kernel_types *ret);

#endif /* EBCC_COMPILE_HEADERS_H */
