/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A perf buffer on CPUs that come and go. libbpf opens one ring for each CPU that is online when
 * the buffer is opened. A CPU that comes online later has no ring, and the ring of one that went
 * offline is dead, even after the CPU has come back. The programs count the events that they could
 * not write because there was no ring (compiler/passes/pipeline.h: __ebcc_lost_NAME); when that
 * count changes, ebcc_perf_cpus_update() opens a new one.
 */
#ifndef EBCC_LOAD_PERF_CPUS_H
#define EBCC_LOAD_PERF_CPUS_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>

#include "base/error.h"
#include "load/perf_ring.h"

/* What the programs and the reader of a table tell each other: one slot for each CPU. */
struct ebcc_loss_slot {
	uint64_t lost;	   /* events that the kernel refused */
	uint64_t ringless; /* those refused because the CPU had no ring */
	uint64_t listener; /* in the first slot: the reading process (perf_cpus.c), or 0 */
	uint64_t unused[5];
};

/* Options that apply to every ring of a buffer. */
struct ebcc_perf_opts {
	int map_fd;
	size_t pages;
	struct perf_event_attr attr;
	perf_buffer_event_fn event; /* for what is left in a ring when it is replaced */
	void *ctx;
	struct ebcc_loss_slot *slots; /* borrowed; NULL: no program counts losses */
	size_t slot_count;
};

struct ebcc_perf_cpus;

/* The pid of another live process that has the buffer open, or 0. A table has one set of rings:
 * opening it a second time takes the events away from the first reader. */
int ebcc_perf_cpus_other_listener(const struct ebcc_loss_slot *slots, size_t slot_count);

/* Opens the buffer. @opts is copied. Fails with EBCC_ERROR_OS. */
MUST_CHECK struct ebcc_error *ebcc_perf_cpus_create(const struct ebcc_perf_opts *opts,
						    struct ebcc_perf_cpus **ret);

/* @own says that the caller is the process that opened the buffer. A forked child inherits the
 * descriptors but not the mappings, and freeing a ring through libbpf would disable the parent's;
 * so in a child only the descriptors are closed. */
void ebcc_perf_cpus_destroy(struct ebcc_perf_cpus *cpus, bool own);

/* Opens a ring for each CPU that lacked one since the last call, if it is still online. */
void ebcc_perf_cpus_update(struct ebcc_perf_cpus *cpus);

/* The number of places for rings, and the ring in one of them: that of a CPU, or none (a page of
 * NULL). */
size_t ebcc_perf_cpus_ring_count(const struct ebcc_perf_cpus *cpus);
struct ebcc_perf_ring ebcc_perf_cpus_ring_at(const struct ebcc_perf_cpus *cpus, size_t index);

/* The epoll descriptor of all rings, including those that will be added. Borrowed. */
int ebcc_perf_cpus_fd(const struct ebcc_perf_cpus *cpus);

#endif /* EBCC_LOAD_PERF_CPUS_H */
