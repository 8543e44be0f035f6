/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The precompiled header of kernel headers: built once per tree, list of headers and compiler, and
 * kept in the disk cache.
 */
#ifndef EBCC_COMPILE_PCH_H
#define EBCC_COMPILE_PCH_H

#include "base/disk_cache.h"
#include "compile/client.h"
#include "kernel/headers.h"

struct ebcc_pch_opts {
	const struct ebcc_kernel_headers *headers;
	const char *preamble; /* its text */
	const struct ebcc_cc_request
		*request; /* the compile that it is for: architecture and flags */
	const struct ebcc_log *log;
};

/*
 * Appends the precompiled header to @ret, from the cache or newly built. Leaves @ret empty if the
 * cache is NULL, because building would only take time, or if the headers have errors, which the
 * compile that includes them reports.
 *
 * Only those of the request's flags are used that affect how headers are read: -f, -m, -std, and -D
 * and -U of names that begin with CONFIG_ or an underscore. Others apply to the source only.
 */
MUST_CHECK struct ebcc_error *ebcc_compile_pch(struct ebcc_compiler_client *client,
					       struct ebcc_disk_cache *cache,
					       const struct ebcc_pch_opts *opts,
					       struct ebcc_buf *ret);

#endif /* EBCC_COMPILE_PCH_H */
