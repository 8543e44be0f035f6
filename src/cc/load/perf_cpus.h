/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A perf buffer on CPUs that come and go. libbpf opens one ring for each CPU that is online when
 * the buffer is opened. On a CPU that comes online later there is none, and on one that was away
 * the ring is dead. The programs count the events that they could not write for want of a ring
 * (compiler/passes/pipeline.h: __ebcc_lost_NAME); here that makes one.
 */
#ifndef EBCC_LOAD_PERF_CPUS_H
#define EBCC_LOAD_PERF_CPUS_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>

#include "base/error.h"

/* What the programs and the reader of a table tell each other: one such slot for each CPU. */
struct ebcc_loss_slot {
	uint64_t lost;	   /* events that were refused */
	uint64_t ringless; /* those of them for which the CPU had no ring */
	uint64_t listener; /* in the first slot: which process reads (perf_cpus.c), 0: none */
	uint64_t unused[5];
};

/* What the rings of a buffer have in common. */
struct ebcc_perf_opts {
	int map_fd;
	size_t pages;
	struct perf_event_attr attr;
	perf_buffer_event_fn event;
	void *ctx;
	struct ebcc_loss_slot *slots; /* borrowed; NULL: no program counts */
	size_t slot_count;
};

struct ebcc_perf_cpus;

/* The process, other than this one, that has a buffer open and is alive; 0: there is none. A table
 * has one set of rings: who opens it a second time takes the events of the first one away. */
int ebcc_perf_cpus_other_listener(const struct ebcc_loss_slot *slots, size_t slot_count);

/* Opens the buffer. @opts is copied. EBCC_ERROR_OS. */
MUST_CHECK struct ebcc_error *ebcc_perf_cpus_create(const struct ebcc_perf_opts *opts,
						    struct ebcc_perf_cpus **ret);

/* @own: by the process that opened it. A forked child has the descriptors, not the memory, and what
 * libbpf does to free a ring would switch off the parent's: it only closes its descriptors. */
void ebcc_perf_cpus_destroy(struct ebcc_perf_cpus *cpus, bool own);

/* Opens a ring for each CPU that has missed one since the last call, if it is still online. */
void ebcc_perf_cpus_update(struct ebcc_perf_cpus *cpus);

/* As perf_buffer__consume(), of all rings. */
int ebcc_perf_cpus_consume(struct ebcc_perf_cpus *cpus);

/* The epoll descriptor of all rings, those to come included. Borrowed. */
int ebcc_perf_cpus_fd(const struct ebcc_perf_cpus *cpus);

#endif /* EBCC_LOAD_PERF_CPUS_H */
