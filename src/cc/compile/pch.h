/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The precompiled header of kernel headers: built once per tree, list of headers and
 * compiler, and kept in the disk cache under that cache's rules.
 */
#ifndef EBCC_COMPILE_PCH_H
#define EBCC_COMPILE_PCH_H

#include "base/disk_cache.h"
#include "compile/client.h"
#include "kernel/headers.h"

struct ebcc_pch_opts {
	const struct ebcc_kernel_headers *headers;
	const char *preamble;		       /* its text */
	const struct ebcc_cc_request *request; /* the compile that it is for: machine and flags */
	const struct ebcc_log *log;
};

/*
 * Appends the precompiled header to @ret, from the cache or built now. Leaves @ret empty when
 * the cache is NULL (building would only cost time), or when the headers have errors: then the
 * compile that includes them tells.
 *
 * Of the request's flags those enter that change how headers are read: -f, -m, -std, and -D and -U
 * of names that begin with CONFIG_ or an underscore. Others are for the source alone.
 */
MUST_CHECK struct ebcc_error *ebcc_compile_pch(struct ebcc_compiler_client *client,
					       struct ebcc_disk_cache *cache,
					       const struct ebcc_pch_opts *opts,
					       struct ebcc_buf *ret);

#endif /* EBCC_COMPILE_PCH_H */
