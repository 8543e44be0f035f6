// SPDX-License-Identifier: Apache-2.0
/*
 * Programs that run on samples of perf events: clocks, hardware and software counters. Events are
 * per CPU, so a link for all CPUs has one event for each CPU that is online.
 */

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "attach/attach.h"
#include "attach/perf_link.h"
#include "base/cpus.h"
#include "base/open_file.h"
#include "base/options.h"
#include "load/link.h"

/* The kernel accepts attributes of up to a page; the first version of the struct was 64 bytes. */
#define ATTR_SIZE_LIMIT 4096
#define MAX_SAMPLE_RATE "/proc/sys/kernel/perf_event_max_sample_rate"

struct perf_events_link {
	struct ebcc_link base;
	size_t count;
	int fds[];
};

static void release_perf_events(struct ebcc_link *link, struct ebcc_closing *closing)
{
	struct perf_events_link *events = (struct perf_events_link *)link;

	for (size_t i = 0; i < events->count; i++)
		ebcc_closing_add_link(closing, &events->fds[i]);
}

/* Makes the attributes to open events with. @ret is malloc'ed. */
static struct ebcc_error *make_attr(const struct ebcc_perf_event_opts *opts,
				    struct perf_event_attr **ret)
{
	size_t size = opts->attr ? opts->attr_size : sizeof(**ret);
	struct perf_event_attr *attr;

	if (size < PERF_ATTR_SIZE_VER0 || size > ATTR_SIZE_LIMIT)
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"attr_size is %zu, not the size of a struct perf_event_attr", size);
	attr = calloc(1, size < sizeof(*attr) ? sizeof(*attr) : size);
	if (!attr)
		return ebcc_error_no_memory();
	if (opts->attr) {
		memcpy(attr, opts->attr, size);
	} else {
		attr->type = opts->type;
		attr->config = opts->config;
		attr->freq = opts->sample_freq > 0;
		attr->sample_period = opts->sample_freq ? opts->sample_freq : opts->sample_period;
	}
	attr->size = (uint32_t)size;
	attr->disabled = 1; /* until the program is attached, so that it sees every sample */
	*ret = attr;
	return NULL;
}

static struct ebcc_error *check_cpus(const struct ebcc_perf_event_opts *opts)
{
	if (opts->cpu_count && !opts->cpus)
		return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
					 "cpu_count is %zu, but cpus is NULL", opts->cpu_count);
	for (size_t i = 0; i < opts->cpu_count; i++)
		if (opts->cpus[i] < 0)
			return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
						 "%d is not the number of a CPU", opts->cpus[i]);
	return NULL;
}

static struct ebcc_error *check_sampling(const struct perf_event_attr *attr,
					 const struct ebcc_perf_event_opts *opts)
{
	if (!opts->attr && opts->sample_period && opts->sample_freq)
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"both sample_period and sample_freq are given: a perf event can "
			"have only one of them");
	if (!attr->sample_period)
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"neither sample_period nor sample_freq is given: the program runs "
			"once every sample_period events, or sample_freq times a second");
	return NULL;
}

static bool is_online(int cpu)
{
	AUTO_FREE int *cpus = NULL;
	size_t count = 0;
	struct ebcc_error *error = ebcc_online_cpus(&cpus, &count);
	bool found = error != NULL; /* without a list of CPUs, don't claim that it is offline */

	for (size_t i = 0; i < count; i++)
		found = found || cpus[i] == cpu;
	ebcc_error_destroy(error);
	return found;
}

static struct ebcc_error *cpu_not_online(int cpu)
{
	return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "CPU %d does not exist or is offline", cpu);
}

static struct ebcc_error *open_error(const struct perf_event_attr *attr, int pid, int cpu,
				     int errnum)
{
	char rate[32];

	switch (errnum) {
	case ENOENT:
	case EOPNOTSUPP:
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"this machine has no perf event of type %u, config %llu; virtual "
			"machines often lack the hardware ones: try a software clock "
			"(type 1, config 0)",
			attr->type, (unsigned long long)attr->config);
	case ESRCH:
		return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "there is no process %d", pid);
	case ENODEV:
		return cpu_not_online(cpu);
	case EINVAL:
		if (!is_online(cpu))
			return cpu_not_online(cpu);
		if (attr->freq && ebcc_read_small_file(MAX_SAMPLE_RATE, rate, sizeof(rate)) &&
		    attr->sample_freq > strtoull(rate, NULL, 10))
			return ebcc_error_create(EBCC_ERROR_INVALID_ARGUMENT,
						 "%llu samples a second exceed the limit, "
						 "kernel.perf_event_max_sample_rate (%s)",
						 (unsigned long long)attr->sample_freq, rate);
		/* fall through */
	default:
		return ebcc_error_os(EBCC_ERROR_OS, errnum,
				     "can't open perf event of type %u, config %llu on CPU %d",
				     attr->type, (unsigned long long)attr->config, cpu);
	}
}

/* Opens the event on each of the CPUs. Unless the caller named them, one that went offline
 * meanwhile is skipped. */
static struct ebcc_error *open_events(struct perf_events_link *link,
				      const struct perf_event_attr *attr,
				      const struct ebcc_perf_event_opts *opts, const int *cpus,
				      size_t count)
{
	int group = opts->group_fd > 0 ? opts->group_fd : -1;
	int pid = opts->pid > 0 ? opts->pid : -1;

	for (size_t i = 0; i < count; i++) {
		int event = ebcc_perf_event_open(attr, pid, cpus[i], group), fd;

		if (event < 0 && errno == ENODEV && !opts->cpu_count)
			continue;
		if (event < 0)
			return open_error(attr, pid, cpus[i], errno);
		TRY(ebcc_perf_event_set_program(event, link->base.program, opts->cookie, &fd));
		link->fds[link->count++] = fd;
	}
	if (!link->count)
		return ebcc_error_create(EBCC_ERROR_ATTACH,
					 "the perf event can't be opened on any online CPU");
	link->base.fd = link->fds[0];
	link->base.several = link->count > 1;
	return NULL;
}

struct ebcc_error *ebcc_program_attach_perf_event(struct ebcc_program *program,
						  const struct ebcc_perf_event_opts *caller_opts,
						  struct ebcc_link **ret)
{
	struct ebcc_perf_event_opts opts = {.sz = sizeof(opts)};
	AUTO_FREE struct perf_event_attr *attr = NULL;
	AUTO_FREE int *online = NULL;
	struct ebcc_error *error;
	struct ebcc_link *link;
	const int *cpus;
	size_t count;
	LOG_STAGE(&program->module->log, ATTACH);

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_perf_event_opts"));
	TRY(make_attr(&opts, &attr));
	TRY(check_sampling(attr, &opts));
	TRY(check_cpus(&opts));
	cpus = opts.cpus;
	count = opts.cpu_count;
	if (!count) {
		TRY(ebcc_online_cpus(&online, &count));
		cpus = online;
	}
	TRY(ebcc_attach_prepare(program, BPF_PROG_TYPE_PERF_EVENT));
	TRY(ebcc_link_create(program, sizeof(struct perf_events_link) + count * sizeof(int),
			     ebcc_link_detach_nothing, &link, "perf_event:%u:%llu", attr->type,
			     (unsigned long long)attr->config));
	link->release = release_perf_events;
	error = open_events((struct perf_events_link *)link, attr, &opts, cpus, count);
	if (error) {
		ebcc_link_destroy(link);
		return error;
	}
	*ret = link;
	return NULL;
}
