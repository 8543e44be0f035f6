// SPDX-License-Identifier: Apache-2.0
#include "kernel/multi_link.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Flags of both kinds of links, BPF_F_KPROBE_MULTI_RETURN and BPF_F_UPROBE_MULTI_RETURN. */
#define ON_RETURN 1

/* What bpf(2) takes for BPF_LINK_CREATE: the part of every link, and those of these two kinds. */
struct link_attr {
	uint32_t program_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
};

struct kprobe_multi_attr {
	struct link_attr link;
	uint32_t flags;
	uint32_t count;
	uint64_t symbols;
	uint64_t addresses;
	uint64_t cookies;
};

struct uprobe_multi_attr {
	struct link_attr link;
	uint64_t path;
	uint64_t offsets;
	uint64_t semaphores;
	uint64_t cookies;
	uint32_t count;
	uint32_t flags;
	uint32_t pid;
	uint32_t reserved;
};

/* The descriptor is closed by exec(), as all that bpf(2) returns. */
static int create(const void *attr, size_t size)
{
	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, attr, size);
}

static uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

int ebcc_kprobe_multi_link(int program_fd, const struct ebcc_kprobe_multi_request *request)
{
	struct kprobe_multi_attr attr = {
		.link = {.program_fd = (uint32_t)program_fd,
			 .attach_type = (uint32_t)request->attach_type},
		.flags = request->on_return ? ON_RETURN : 0,
		.count = request->count,
		.symbols = address_of(request->symbols),
		.addresses = address_of(request->addresses),
		.cookies = address_of(request->cookies),
	};

	return create(&attr, sizeof(attr));
}

int ebcc_uprobe_multi_link(int program_fd, const struct ebcc_uprobe_multi_request *request)
{
	struct uprobe_multi_attr attr = {
		.link = {.program_fd = (uint32_t)program_fd,
			 .attach_type = (uint32_t)request->attach_type},
		.path = address_of(request->path),
		.offsets = address_of(request->offsets),
		.semaphores = address_of(request->semaphores),
		.cookies = address_of(request->cookies),
		.count = request->count,
		.flags = request->on_return ? ON_RETURN : 0,
		.pid = (uint32_t)request->pid,
	};

	return create(&attr, sizeof(attr));
}
