// SPDX-License-Identifier: Apache-2.0
/*
 * Perf buffers on CPUs that come and go (perf_cpus.h). libbpf can't add a ring to a buffer, so each
 * later ring is a libbpf perf buffer of its own, for one CPU. Its epoll descriptor is added to the
 * epoll set of the first buffer.
 */
#include "load/perf_cpus.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/process.h"

struct late_ring {
	struct perf_buffer *buffer; /* NULL: not needed yet */
	uint64_t seen;		    /* slot.ringless at the last update */
};

struct ebcc_perf_cpus {
	struct ebcc_perf_opts opts;
	struct perf_buffer *first; /* for the CPUs that were online at the start */
	struct late_ring *late;	   /* one for each slot */
};

static uint64_t ringless(const struct ebcc_perf_cpus *cpus, size_t cpu)
{
	return __atomic_load_n(&cpus->opts.slots[cpu].ringless, __ATOMIC_RELAXED);
}

/* The value of slot.listener that means this process: its pid (lower half) and, because pids are
 * reused, its start time. Forked processes share the memory of the slots, so they see it. */
static uint64_t own_listener(void)
{
	return ebcc_process_start_time(getpid()) << 32 | (uint32_t)getpid();
}

static void set_listener(struct ebcc_perf_cpus *cpus, uint64_t value)
{
	if (cpus->opts.slot_count)
		__atomic_store_n(&cpus->opts.slots[0].listener, value, __ATOMIC_SEQ_CST);
}

int ebcc_perf_cpus_other_listener(const struct ebcc_loss_slot *slots, size_t slot_count)
{
	uint64_t listener = slot_count ? __atomic_load_n(&slots[0].listener, __ATOMIC_SEQ_CST) : 0;
	pid_t pid = (pid_t)(uint32_t)listener;

	if (!listener || pid == getpid() || !ebcc_process_runs(pid, listener >> 32))
		return 0;
	return pid;
}

struct ebcc_error *ebcc_perf_cpus_create(const struct ebcc_perf_opts *opts,
					 struct ebcc_perf_cpus **ret)
{
	struct ebcc_perf_cpus *cpus = calloc(1, sizeof(*cpus));
	/* This opens a file in /proc. Do it first, so that a program that traces opens doesn't
	 * report it. */
	uint64_t listener = own_listener();
	struct ebcc_error *error;

	if (!cpus)
		return ebcc_error_no_memory();
	cpus->opts = *opts;
	cpus->late = calloc(opts->slot_count + 1, sizeof(*cpus->late));
	if (!cpus->late) {
		free(cpus);
		return ebcc_error_no_memory();
	}
	for (size_t i = 0; i < opts->slot_count; i++)
		cpus->late[i].seen = ringless(cpus, i);
	cpus->first = perf_buffer__new_raw(opts->map_fd, opts->pages, &cpus->opts.attr, opts->event,
					   opts->ctx, NULL);
	if (!cpus->first) {
		error = ebcc_error_os(EBCC_ERROR_OS, errno, "%zu pages for each CPU", opts->pages);
		free(cpus->late);
		free(cpus);
		return error;
	}
	set_listener(cpus, listener);
	*ret = cpus;
	return NULL;
}

static void buffer_destroy(struct perf_buffer *buffer, bool own)
{
	if (!buffer || own) {
		perf_buffer__free(buffer);
		return;
	}
	for (size_t i = 0; i < perf_buffer__buffer_cnt(buffer); i++)
		close(perf_buffer__buffer_fd(buffer, i));
	close(perf_buffer__epoll_fd(buffer));
}

void ebcc_perf_cpus_destroy(struct ebcc_perf_cpus *cpus, bool own)
{
	if (!cpus)
		return;
	if (own)
		set_listener(cpus, 0);
	for (size_t i = 0; i < cpus->opts.slot_count; i++)
		buffer_destroy(cpus->late[i].buffer, own);
	buffer_destroy(cpus->first, own);
	free(cpus->late);
	free(cpus);
}

/* Opens a ring for @cpu. If it has one, that is dead: reads its last events and frees it. */
static void open_late(struct ebcc_perf_cpus *cpus, int cpu)
{
	struct ebcc_perf_opts *opts = &cpus->opts;
	struct epoll_event event = {.events = EPOLLIN};
	LIBBPF_OPTS(perf_buffer_raw_opts, raw_opts, .cpu_cnt = 1, .cpus = &cpu, .map_keys = &cpu);
	struct perf_buffer **place = &cpus->late[cpu].buffer;

	if (*place) {
		perf_buffer__consume(*place);
		perf_buffer__free(*place);
	}
	*place = perf_buffer__new_raw(opts->map_fd, opts->pages, &opts->attr, opts->event,
				      opts->ctx, &raw_opts);
	if (*place)
		epoll_ctl(ebcc_perf_cpus_fd(cpus), EPOLL_CTL_ADD, perf_buffer__epoll_fd(*place),
			  &event);
}

void ebcc_perf_cpus_update(struct ebcc_perf_cpus *cpus)
{
	for (size_t i = 0; i < cpus->opts.slot_count; i++) {
		uint64_t now = ringless(cpus, i);

		if (now == cpus->late[i].seen)
			continue;
		cpus->late[i].seen = now;
		open_late(cpus, (int)i);
	}
}

int ebcc_perf_cpus_consume(struct ebcc_perf_cpus *cpus)
{
	int err = perf_buffer__consume(cpus->first);

	for (size_t i = 0; i < cpus->opts.slot_count && err >= 0; i++)
		if (cpus->late[i].buffer)
			err = perf_buffer__consume(cpus->late[i].buffer);
	return err;
}

int ebcc_perf_cpus_fd(const struct ebcc_perf_cpus *cpus)
{
	return perf_buffer__epoll_fd(cpus->first);
}
