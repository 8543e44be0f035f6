// SPDX-License-Identifier: Apache-2.0
/*
 * Perf events that programs read: one counter per CPU in a BPF_PERF_ARRAY table. The table keeps
 * each event alive, so no descriptor is kept here.
 */

#include <bpf/bpf.h>
#include <errno.h>

#include "attach/perf_link.h"
#include "base/cpus.h"
#include "base/options.h"

static struct ebcc_error *open_counter(struct ebcc_table *table, struct perf_event_attr *attr,
				       int pid, int cpu)
{
	AUTO_CLOSE int fd = ebcc_perf_event_open(attr, pid, cpu, -1);

	if (fd < 0)
		return ebcc_error_os(errno == ENOENT || errno == EOPNOTSUPP ? EBCC_ERROR_UNSUPPORTED
									    : EBCC_ERROR_OS,
				     errno, "can't count perf event %u:%llu on CPU %d", attr->type,
				     (unsigned long long)attr->config, cpu);
	if (bpf_map_update_elem(ebcc_table_fd(table), &cpu, &fd, BPF_ANY))
		return ebcc_error_os(EBCC_ERROR_OS, errno,
				     "table '%s' can't hold the counter of CPU %d",
				     ebcc_table_name(table), cpu);
	return NULL;
}

struct ebcc_error *ebcc_table_open_counters(struct ebcc_table *table,
					    const struct ebcc_counters_opts *caller_opts)
{
	struct ebcc_counters_opts opts = {.sz = sizeof(opts)};
	struct perf_event_attr attr = {.size = sizeof(attr)};
	AUTO_FREE int *cpus = NULL;
	size_t count;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_counters_opts"));
	if (ebcc_table_map_type(table) != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return ebcc_error_create(
			EBCC_ERROR_INVALID_ARGUMENT,
			"table '%s' can't hold perf events: only a BPF_PERF_ARRAY can",
			ebcc_table_name(table));
	attr.type = opts.type;
	attr.config = opts.config;
	TRY(ebcc_online_cpus(&cpus, &count));
	for (size_t i = 0; i < count; i++)
		if ((uint32_t)cpus[i] < ebcc_table_max_entries(table))
			TRY(open_counter(table, &attr, opts.pid > 0 ? opts.pid : -1, cpus[i]));
	return NULL;
}
