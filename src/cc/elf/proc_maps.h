/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process has mapped, and its files. Both may be hostile: a process chooses its maps, its
 * mount namespace and its root directory, so its files are looked up within that root, and only
 * regular ones are opened.
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
	uint64_t start, end, offset; /* bytes; the offset is the file's */
	uint64_t inode;
	unsigned major, minor; /* of the file system's device */
	bool executable, writable;
	const char *path; /* of a file, beginning with "/"; else NULL. Borrowed from the text */
	bool vdso;	  /* the kernel's code in each process */
	bool deleted;	  /* the file is no longer at its path */
};

/* Appends the text of /proc/PID/maps. EBCC_ERROR_NOT_FOUND: there is no such process. */
MUST_CHECK struct ebcc_error *ebcc_maps_read(int pid, struct ebcc_buf *text);

/*
 * Takes the next line off a text of maps, which is changed: paths are cut off and unescaped in
 * place. Lines that aren't understood are passed over. False: there are no more.
 */
bool ebcc_maps_next(char **at, struct ebcc_mapping *ret);

/*
 * Opens a regular file for reading as a process names it: within its root directory, if @path is
 * absolute. @pid 0: as this process does.
 * Errors: EBCC_ERROR_NOT_FOUND (no such process or file), EBCC_ERROR_FORMAT (no regular file),
 * EBCC_ERROR_OS, EBCC_ERROR_PERMISSION. @ret is owned by the caller.
 */
MUST_CHECK struct ebcc_error *ebcc_process_open(int pid, const char *path, int *ret);

/* The same for what a process has mapped, be its path another file's by now. */
MUST_CHECK struct ebcc_error *ebcc_mapping_open(int pid, const struct ebcc_mapping *mapping,
						int *ret);

#endif /* EBCC_ELF_PROC_MAPS_H */
