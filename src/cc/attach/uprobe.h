/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EBCC_ATTACH_UPROBE_H
#define EBCC_ATTACH_UPROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

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

#endif /* EBCC_ATTACH_UPROBE_H */
