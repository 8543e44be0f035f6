/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Perf events as what programs are attached to, and links on them.
 */
#ifndef EBCC_ATTACH_PERF_LINK_H
#define EBCC_ATTACH_PERF_LINK_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

#include "load/link.h"

/* perf_event_open(2), close-on-exec. The descriptor, or -1 and errno. */
int ebcc_perf_event_open(const struct perf_event_attr *attr, int pid, int cpu, int group_fd);

/* The same for an event of the tracing kinds (tracepoint, kprobe, uprobe), whose programs run on
 * every CPU whichever it was opened on. @pid: one process, or 0 / -1 for all. */
int ebcc_perf_event_open_tracing(const struct perf_event_attr *attr, int pid);

/*
 * Sets @program on a perf event (disabled so far) and enables it: with a BPF link where the kernel
 * has them for perf events (5.15), by ioctl otherwise.
 * @perf_fd: taken over, also on failure.
 * @cookie: what bpf_get_attach_cookie() gives; other than 0 it needs a link.
 * @ret: the one descriptor that keeps the program attached; owned by the caller.
 */
MUST_CHECK struct ebcc_error *ebcc_perf_event_set_program(int perf_fd, struct ebcc_program *program,
							  uint64_t cookie, int *ret);

/* Creates a link named "@kind:@target" on one perf event. @perf_fd: taken over, also on failure. */
MUST_CHECK struct ebcc_error *ebcc_perf_link_create(struct ebcc_program *program, int perf_fd,
						    uint64_t cookie, const char *kind,
						    const char *target, struct ebcc_link **ret);

/* A dynamic event source of perf ("kprobe", "uprobe"): its type, and the bit of its config that
 * asks for a return probe. False: the kernel doesn't have it. */
bool ebcc_perf_source(const char *name, uint32_t *ret_type, uint64_t *ret_return_bit);

#endif /* EBCC_ATTACH_PERF_LINK_H */
