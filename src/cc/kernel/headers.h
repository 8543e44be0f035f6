/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 2 when BTF is not enough: the headers of the running kernel. Where distributions
 * put them, how their parts are told apart, what the compiler is told of them, and the text
 * that includes them before a source (the preamble).
 */
#ifndef EBCC_KERNEL_HEADERS_H
#define EBCC_KERNEL_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/disk_cache.h"
#include "base/error.h"
#include "kernel/info.h"

/* Include directories, each as two flags, and what else headers need. */
#define EBCC_KERNEL_HEADERS_FLAGS 20

struct ebcc_kernel_headers {
	char *build;  /* configured tree: holds include/generated */
	char *source; /* the rest; the same directory where headers are in one piece */
	const char *flags[EBCC_KERNEL_HEADERS_FLAGS]; /* in the form of request.cflags */
	size_t flag_count;
	char *directories[EBCC_KERNEL_HEADERS_FLAGS]; /* include directories, in order of search */
	size_t directory_count;
	char *release; /* of the kernel that they are of, as uname -r; NULL: they don't say */
};

struct ebcc_kernel_headers_opts {
	const char *named;  /* a tree (BCC_KERNEL_SOURCE); NULL: looked for */
	const char *suffix; /* below /lib/modules/REL, for "build" (BCC_KERNEL_MODULES_SUFFIX); may
			       be NULL */
};

/*
 * Finds the headers: the named tree only; else /lib/modules/REL/build, /usr/src/linux-headers-REL,
 * and /sys/kernel/kheaders.tar.xz, which is unpacked into @cache's directory once (NULL: not looked
 * at). All below @kernel's root. *ret = NULL where there are none.
 *
 * EBCC_ERROR_KERNEL_TYPES when a named tree has no configured headers. The caller destroys @ret.
 */
MUST_CHECK struct ebcc_error *ebcc_kernel_headers_find(const struct ebcc_kernel_info *kernel,
						       const struct ebcc_kernel_headers_opts *opts,
						       struct ebcc_disk_cache *cache,
						       struct ebcc_kernel_headers **ret);
void ebcc_kernel_headers_destroy(struct ebcc_kernel_headers *headers);

/*
 * Appends the preamble: what makes kernel headers parse, the headers that sources expect
 * without an include, and those of the kernel among the @count that a source includes.
 */
MUST_CHECK struct ebcc_error *
ebcc_kernel_headers_preamble(const struct ebcc_kernel_headers *headers, const char *const *includes,
			     size_t count, struct ebcc_buf *text);

/*
 * Appends what tells this tree from another, or from itself configured again: a line for each
 * of the files that configuring writes, with path, inode, size and time of change.
 */
MUST_CHECK struct ebcc_error *
ebcc_kernel_headers_identity(const struct ebcc_kernel_headers *headers, struct ebcc_buf *text);

/* Appends the same as lines "file PATH", in the form of ebcc_ktypes_inputs(). */
MUST_CHECK struct ebcc_error *ebcc_kernel_headers_inputs(const struct ebcc_kernel_headers *headers,
							 struct ebcc_buf *text);

/* Whether a path lies in the tree, so that its identity stands for the file. */
bool ebcc_kernel_headers_contain(const struct ebcc_kernel_headers *headers, const char *path);

#endif /* EBCC_KERNEL_HEADERS_H */
