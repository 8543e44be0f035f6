/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_ATTACH_UPROBE_H
#define EBCC_ATTACH_UPROBE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "elf/symbols.h"

/* The location of a user probe. */
struct ebcc_uprobe_place {
	int file;		   /* open descriptor of the file */
	const char *path;	   /* its path, which may be another file by now */
	uint64_t offset;	   /* in the file */
	uint64_t semaphore_offset; /* of a counter of tracers, which the kernel maintains; or 0 */
	int pid;		   /* one process, or 0 or -1 for all */
	bool on_return;
};

/* Opens the perf event of a user probe, disabled. The caller owns @ret. If the kernel refuses the
 * location, the error has its errno. */
MUST_CHECK struct ebcc_error *ebcc_uprobe_open(const struct ebcc_uprobe_place *place, int *ret);

/* Attaches a program with such an event. @name: of the place in the file. */
MUST_CHECK struct ebcc_error *ebcc_uprobe_attach(struct ebcc_program *program,
						 const struct ebcc_uprobe_place *place,
						 uint64_t cookie, const char *name,
						 struct ebcc_link **ret);

/*
 * Attaches a program to @count places of one file with a uprobe.multi link. *@ret is -1 if the
 * kernel has no such links, or refuses this one: then events may still do.
 * @common: what is the same for all places.
 * @semaphores, @cookies: one for each place, or NULL.
 */
MUST_CHECK struct ebcc_error *ebcc_uprobe_link(struct ebcc_program *program,
					       const struct ebcc_uprobe_place *common,
					       const uint64_t *offsets, const uint64_t *semaphores,
					       const uint64_t *cookies, size_t count, int *ret);

#define EBCC_UPROBE_PATH_SIZE PATH_MAX
/* A path by which the kernel finds the open file @file: its ordinary path, if that is still the
 * same file. @ret: EBCC_UPROBE_PATH_SIZE bytes. */
void ebcc_uprobe_kernel_path(int file, const char *path, char *ret);

/* Warns in the log if the file was built by Go, whose stacks return probes may damage. */
void ebcc_uprobe_warn_of_go(struct ebcc_program *program, struct ebcc_elf *elf, const char *path);

#endif /* EBCC_ATTACH_UPROBE_H */
