/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory maps of a process, and its files. Both may be hostile: a process chooses its maps, its
 * mount namespace and its root directory. So its files are looked up inside that root, and only
 * regular files are opened.
 */
#ifndef EBCC_ELF_PROC_MAPS_H
#define EBCC_ELF_PROC_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* One line of /proc/PID/maps. */
struct ebcc_mapping {
	uint64_t start, end, offset; /* in bytes; the offset is in the file */
	uint64_t inode;
	unsigned major, minor; /* of the file system's device */
	bool executable, writable;
	const char *path; /* of a file, begins with "/"; else NULL. Borrowed from the text */
	bool vdso;	  /* code that the kernel maps into each process */
	bool deleted;	  /* the file has been deleted or replaced */
};

/* Appends the text of /proc/PID/maps. EBCC_ERROR_NOT_FOUND if there is no such process. */
MUST_CHECK struct ebcc_error *ebcc_maps_read(int pid, struct ebcc_buf *text);

/*
 * Parses the next line of a text of maps and advances *@at. The text is modified: paths are
 * terminated and unescaped in place. Malformed lines are skipped. Returns false at the end.
 */
bool ebcc_maps_next(char **at, struct ebcc_mapping *ret);

/*
 * Opens a regular file for reading as a process sees it: an absolute @path is resolved inside its
 * root directory. @pid 0: this process.
 * Errors: EBCC_ERROR_NOT_FOUND (no such process or file), EBCC_ERROR_FORMAT (not a regular file),
 * EBCC_ERROR_OS, EBCC_ERROR_PERMISSION. @ret is owned by the caller.
 */
MUST_CHECK struct ebcc_error *ebcc_process_open(int pid, const char *path, int *ret);

/* The same for a mapped file of a process, even if there is another file at its path by now. */
MUST_CHECK struct ebcc_error *ebcc_mapping_open(int pid, const struct ebcc_mapping *mapping,
						int *ret);

#endif /* EBCC_ELF_PROC_MAPS_H */
