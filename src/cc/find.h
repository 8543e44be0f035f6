/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to attach to, as lists that the attach_*.c files search for names and explanations.
 * The public finders are in ebcc.h.
 */
#ifndef EBCC_FIND_H
#define EBCC_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "hash.h"

/* What the kernel runs when a probe is hit, in debugfs. */
#define EBCC_KPROBE_BLACKLIST "/sys/kernel/debug/kprobes/blacklist"

/* Since Linux 6.10 a function that allocates memory is a macro, which notes who allocates, around a
 * function with this behind its name (alloc_hooks() in include/linux/alloc_tag.h). */
#define EBCC_ALLOCATION_SUFFIX "_noprof"

/* Sees one trace event; returns false to end the walk. The names are borrowed for the call. */
typedef bool (*ebcc_tracepoint_fn)(void *ctx, const char *category, const char *event);

/* Calls @fn for each trace event of this kernel. Fails where tracefs can't be read. */
MUST_CHECK struct ebcc_error *ebcc_tracepoints_walk(ebcc_tracepoint_fn fn, void *ctx);

/* Adds the functions that ftrace can trace to @names. *@ret_known: whether the kernel tells. */
MUST_CHECK struct ebcc_error *ebcc_read_traceable_functions(struct ebcc_hash *names,
							    bool *ret_known);

/* Adds the functions that kprobes must not be set in to @names: none where debugfs isn't readable.
 */
MUST_CHECK struct ebcc_error *ebcc_read_kprobe_blacklist(struct ebcc_hash *names);

/* Whether a name is that of a piece or pad that compilers make of a function, not of one to probe.
 */
bool ebcc_is_function_piece(const char *name);

/*
 * Opens what a user probe names as its binary: a path as it is, else a library, else a program of
 * PATH. With a @pid above 0 as that process sees it, and within its root directory.
 * @ret_fd: owned by the caller. @ret_path: malloc'ed, as the process names the file.
 * Errors: EBCC_ERROR_NOT_FOUND, EBCC_ERROR_FORMAT for what is no regular file.
 */
MUST_CHECK struct ebcc_error *ebcc_open_binary(const char *name, int pid, int *ret_fd,
					       char **ret_path);

/*
 * ifunc.c: the address, as in the file, of what the loader chose for the indirect function @name of
 * a library. False: this process has not loaded the library, so that nobody tells. @fd: the
 * library, open; @path: its path.
 */
bool ebcc_find_variant(int fd, const char *path, const char *name, uint64_t *ret);

/* The entry of a loader cache (the contents of ld.so.cache) for a library "c" or "libc.so.6", or
 * NULL. Borrowed from @cache, whose @size bytes may hold anything. */
const char *ebcc_library_in_cache(const char *cache, size_t size, const char *name);

#endif /* EBCC_FIND_H */
