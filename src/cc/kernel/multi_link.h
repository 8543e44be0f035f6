/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links that attach one program to many functions, by bpf(2): the oldest libbpf that ebcc is built
 * with knows only one of their attach types (base/kinds.h).
 */
#ifndef EBCC_KERNEL_MULTI_LINK_H
#define EBCC_KERNEL_MULTI_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/kinds.h"

struct ebcc_kprobe_multi_request {
	int attach_type; /* BPF_TRACE_KPROBE_MULTI or EBCC_KPROBE_SESSION */
	bool on_return;
	const uint64_t *addresses;
	const char *const *symbols; /* in place of the addresses, or NULL */
	const uint64_t *cookies;    /* or NULL */
	uint32_t count;
};

struct ebcc_uprobe_multi_request {
	int attach_type; /* EBCC_UPROBE_MULTI or EBCC_UPROBE_SESSION */
	bool on_return;
	const char *path;
	const uint64_t *offsets;    /* in the file */
	const uint64_t *semaphores; /* offsets of counters of tracers, 0 for none; or NULL */
	const uint64_t *cookies;    /* or NULL */
	uint32_t count;
	pid_t pid; /* 0: every process */
};

/* Return the link's descriptor, or -1 and set errno. */
int ebcc_kprobe_multi_link(int program_fd, const struct ebcc_kprobe_multi_request *request);
int ebcc_uprobe_multi_link(int program_fd, const struct ebcc_uprobe_multi_request *request);

#endif /* EBCC_KERNEL_MULTI_LINK_H */
