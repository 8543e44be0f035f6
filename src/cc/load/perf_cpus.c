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

#include "base/cpus.h"
#include "base/process.h"

struct late_ring {
	struct perf_buffer *buffer; /* NULL: not needed yet */
	uint64_t seen;		    /* slot.ringless at the last update */
};

struct ebcc_perf_cpus {
	struct ebcc_perf_opts opts;
	struct perf_buffer *first; /* for the CPUs that were online at the start: online[i] */
	int *online;
	size_t online_count;
	struct late_ring *late; /* one for each slot */
};

/* A CPU may go offline between the look at the list and the opening of its ring. */
#define OPEN_TRIES 5

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

/* Frees the memory, not the rings. */
static void cpus_free(struct ebcc_perf_cpus *cpus)
{
	free(cpus->late);
	free(cpus->online);
	free(cpus);
}

/* Opens a ring for each CPU that is online. */
static struct ebcc_error *open_first(struct ebcc_perf_cpus *cpus)
{
	const struct ebcc_perf_opts *opts = &cpus->opts;

	for (int i = 0; i < OPEN_TRIES; i++) {
		LIBBPF_OPTS(perf_buffer_raw_opts, raw_opts);

		free(cpus->online);
		cpus->online = NULL;
		TRY(ebcc_online_cpus(&cpus->online, &cpus->online_count));
		raw_opts.cpu_cnt = (int)cpus->online_count;
		raw_opts.cpus = raw_opts.map_keys = cpus->online;
		cpus->first = perf_buffer__new_raw(opts->map_fd, opts->pages, &cpus->opts.attr,
						   opts->event, opts->ctx, &raw_opts);
		if (cpus->first)
			return NULL;
		if (errno != ENODEV)
			break;
	}
	return ebcc_error_os(EBCC_ERROR_OS, errno, "%zu pages for each CPU", opts->pages);
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
		cpus_free(cpus);
		return ebcc_error_no_memory();
	}
	for (size_t i = 0; i < opts->slot_count; i++)
		cpus->late[i].seen = ringless(cpus, i);
	error = open_first(cpus);
	if (error) {
		cpus_free(cpus);
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
	cpus_free(cpus);
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

size_t ebcc_perf_cpus_ring_count(const struct ebcc_perf_cpus *cpus)
{
	return cpus->online_count + cpus->opts.slot_count;
}

struct ebcc_perf_ring ebcc_perf_cpus_ring_at(const struct ebcc_perf_cpus *cpus, size_t index)
{
	bool late = index >= cpus->online_count;
	size_t slot = index - cpus->online_count, size, page = (size_t)sysconf(_SC_PAGESIZE);
	struct perf_buffer *buffer = late ? cpus->late[slot].buffer : cpus->first;
	void *memory;

	if (!buffer || perf_buffer__buffer(buffer, late ? 0 : (int)index, &memory, &size))
		return (struct ebcc_perf_ring){0};
	return (struct ebcc_perf_ring){.page = memory,
				       .data = (const char *)memory + page,
				       .size = size,
				       .cpu = late ? (int)slot : cpus->online[index]};
}

int ebcc_perf_cpus_fd(const struct ebcc_perf_cpus *cpus)
{
	return perf_buffer__epoll_fd(cpus->first);
}
