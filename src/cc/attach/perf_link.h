/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching programs to perf events.
 */
#ifndef EBCC_ATTACH_PERF_LINK_H
#define EBCC_ATTACH_PERF_LINK_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

#include "load/link.h"

/* Calls perf_event_open(2) with close-on-exec. Returns the descriptor, or -1 and sets errno. */
int ebcc_perf_event_open(const struct perf_event_attr *attr, int pid, int cpu, int group_fd);

/* The same for a tracing event (tracepoint, kprobe, uprobe), whose programs run on every CPU, no
 * matter on which one it was opened. @pid is a process, or 0 or -1 for all. */
int ebcc_perf_event_open_tracing(const struct perf_event_attr *attr, int pid);

/* EBCC_ERROR_UNSUPPORTED if the kernel has no attach cookies, unless @cookie is 0. */
MUST_CHECK struct ebcc_error *ebcc_cookie_check(uint64_t cookie);

/*
 * Attaches @program to a perf event, which is still disabled, and enables it: with a BPF link if
 * the kernel has links for perf events (5.15), else with ioctl(2).
 * @perf_fd: consumed, even on failure.
 * @cookie: the result of bpf_get_attach_cookie(); if not 0, a link is required.
 * @ret: the descriptor that keeps the program attached; owned by the caller.
 */
MUST_CHECK struct ebcc_error *ebcc_perf_event_set_program(int perf_fd, struct ebcc_program *program,
							  uint64_t cookie, int *ret);

/* Creates a link named "@kind:@target" for one perf event. @perf_fd is consumed, even on failure.
 */
MUST_CHECK struct ebcc_error *ebcc_perf_link_create(struct ebcc_program *program, int perf_fd,
						    uint64_t cookie, const char *kind,
						    const char *target, struct ebcc_link **ret);

/* Looks up an event source of perf ("kprobe", "uprobe"): its type, and the bit of its config that
 * selects a return probe. Returns false if the kernel doesn't have it. */
bool ebcc_perf_source(const char *name, uint32_t *ret_type, uint64_t *ret_return_bit);

#endif /* EBCC_ATTACH_PERF_LINK_H */
