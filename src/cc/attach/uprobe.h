/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_ATTACH_UPROBE_H
#define EBCC_ATTACH_UPROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Where a user probe is set. */
struct ebcc_uprobe_place {
	int file;		   /* open descriptor of the file */
	const char *path;	   /* its path, which may lead elsewhere by now */
	uint64_t offset;	   /* in the file */
	uint64_t semaphore_offset; /* of a counter of tracers that the kernel keeps, or 0 */
	int pid;		   /* one process, or 0 / -1 for all */
	bool on_return;
};

/* Opens the perf event of a user probe, disabled. @ret: owned by the caller. The error of a place
 * that the kernel refuses has its errno. */
MUST_CHECK struct ebcc_error *ebcc_uprobe_open(const struct ebcc_uprobe_place *place, int *ret);

#endif /* EBCC_ATTACH_UPROBE_H */
