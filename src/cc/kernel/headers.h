/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 2 when BTF is not enough: the headers of the running kernel. Where distributions put them,
 * which directory has which part, the compiler flags for them, and the text that includes them
 * before a source (the preamble).
 */
#ifndef EBCC_KERNEL_HEADERS_H
#define EBCC_KERNEL_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/disk_cache.h"
#include "base/error.h"
#include "kernel/info.h"

/* Two flags for each include directory, and others that the headers need. */
#define EBCC_KERNEL_HEADERS_FLAGS 20

struct ebcc_kernel_headers {
	char *build;  /* the configured tree, with include/generated */
	char *source; /* the other headers; the same directory if the headers are not split */
	const char *flags[EBCC_KERNEL_HEADERS_FLAGS]; /* in the format of request.cflags */
	size_t flag_count;
	char *directories[EBCC_KERNEL_HEADERS_FLAGS]; /* include directories, in search order */
	size_t directory_count;
	char *release; /* the kernel release they are for, as uname -r prints it; NULL: unknown */
};

struct ebcc_kernel_headers_opts {
	const char *named;  /* the tree to use (BCC_KERNEL_SOURCE); NULL: search for one */
	const char *suffix; /* directory in /lib/modules/REL (BCC_KERNEL_MODULES_SUFFIX); NULL:
			       "build" */
};

/*
 * Finds the headers: the named tree if there is one; else the first of /lib/modules/REL/build,
 * /usr/src/linux-headers-REL, and /sys/kernel/kheaders.tar.xz, which is unpacked into @cache's
 * directory once (or skipped if @cache is NULL). These are below @kernel's root. *ret is NULL if
 * there are no headers.
 *
 * EBCC_ERROR_KERNEL_TYPES if a named tree has no configured headers. The caller destroys @ret.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_headers_find(const struct ebcc_kernel_info *kernel,
						       const struct ebcc_kernel_headers_opts *opts,
						       struct ebcc_disk_cache *cache,
						       struct ebcc_kernel_headers **ret);
void ebcc_kernel_headers_destroy(struct ebcc_kernel_headers *headers);

/*
 * Appends the preamble: what makes kernel headers compile for BPF, the headers that sources expect
 * without including them, and the kernel headers among the @count that a source includes.
 */
MUST_CHECK struct ebcc_error *
ebcc_kernel_headers_preamble(const struct ebcc_kernel_headers *headers, const char *const *includes,
			     size_t count, struct ebcc_buf *text);

/*
 * Appends a text that distinguishes this tree from others, and from itself after it was configured
 * again: for each file that configuring writes, a line with its path, inode, size and modification
 * time.
 */
MUST_CHECK struct ebcc_error *
ebcc_kernel_headers_identity(const struct ebcc_kernel_headers *headers, struct ebcc_buf *text);

/* Appends the same files as lines "file PATH", in the format of ebcc_ktypes_inputs(). */
MUST_CHECK struct ebcc_error *ebcc_kernel_headers_inputs(const struct ebcc_kernel_headers *headers,
							 struct ebcc_buf *text);

/* Whether a path is in the tree, so that the tree's identity covers the file. */
bool ebcc_kernel_headers_contain(const struct ebcc_kernel_headers *headers, const char *path);

#endif /* EBCC_KERNEL_HEADERS_H */
