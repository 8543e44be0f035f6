/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the attach_*.c files share: perf events as carriers of programs, links on them, and
 * facts about event sources and CPUs.
 */
#ifndef EBCC_ATTACH_H
#define EBCC_ATTACH_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

#include "module.h"

/* ---- attach.c ---- */

/*
 * Copies the caller's option struct into @ret, which holds the defaults, as far as both go.
 * @name is the struct's, for the error when sz is not set. NULL @opts leaves the defaults.
 */
MUST_CHECK struct ebcc_error *ebcc_opts_read(void *ret, size_t size, const void *opts,
					     const char *name);

/* Loads @program as @type unless it is; EBCC_ERROR_STATE if it was loaded as another. */
MUST_CHECK struct ebcc_error *ebcc_attach_prepare(struct ebcc_program *program, unsigned type);

/* ---- perf_link.c ---- */

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

/* Reads a small file of sysfs or /proc into @text, without its last newline. False: not readable.
 */
bool ebcc_read_small_file(const char *path, char *text, size_t size);

/* The kernel's notation of CPUs, "0-3,5", in ascending order. @ret malloc'ed. EBCC_ERROR_FORMAT. */
MUST_CHECK struct ebcc_error *ebcc_parse_cpus(const char *text, int **ret, size_t *ret_count);

/* The online CPUs. @ret malloc'ed. */
MUST_CHECK struct ebcc_error *ebcc_online_cpus(int **ret, size_t *ret_count);

/* ---- attach_trace.c ---- */

/* Loads an iterator, whose name begins with bpf_iter__. */
MUST_CHECK struct ebcc_error *ebcc_iter_load(struct ebcc_program *program);

/* ---- attach_uprobe.c ---- */

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

/* ---- attach_kprobe.c ---- */

/*
 * Removes the events in tracefs that tracers of this library left behind when they were killed.
 * Failures don't matter: the next start tries again. Cheap when there are none.
 */
void ebcc_kprobe_sweep(void);

#endif /* EBCC_ATTACH_H */
