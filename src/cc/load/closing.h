/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing the descriptors that keep programs attached, as fast as the kernel lets us. The kernel
 * takes the program off at once and then waits, in close(), until nothing runs it any more: some
 * 30 ms for a link, whether it is closed alone or with many others at the same time, so links are
 * closed by several threads. Perf events are closed after them and one by one, because the kernel
 * holds a lock while it waits for these; by then, their programs no longer run.
 */
#ifndef EBCC_LOAD_CLOSING_H
#define EBCC_LOAD_CLOSING_H

#include <stddef.h>

#include "base/cleanup.h"

struct ebcc_closing {
	struct ebcc_closing_list {
		int *fds;
		size_t count, capacity;
	} links, events;
};

/* Take over a descriptor and set it to -1: that of a BPF link or of an event that has a program
 * without one, and that of an event that a link is attached to. Without memory for it, it is closed
 * now. Nothing happens if it is -1. */
void ebcc_closing_add_link(struct ebcc_closing *closing, int *fd);
void ebcc_closing_add_event(struct ebcc_closing *closing, int *fd);

/* Closes them all, and returns when the kernel has removed everything. */
void ebcc_closing_run(struct ebcc_closing *closing);
#define AUTO_CLOSING CLEANUP(ebcc_closing_run)

#endif /* EBCC_LOAD_CLOSING_H */
