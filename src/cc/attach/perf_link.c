// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching programs to perf events. A BPF link keeps event and program alive; on kernels that
 * don't have it (before 5.15), the event's own descriptor keeps the program attached.
 */
#include "attach/perf_link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cpus.h"
#include "base/open_file.h"
#include "kernel/features.h"
#include "load/program.h"

int ebcc_perf_event_open(const struct perf_event_attr *attr, int pid, int cpu, int group_fd)
{
	return (int)syscall(SYS_perf_event_open, attr, pid, cpu, group_fd, PERF_FLAG_FD_CLOEXEC);
}

int ebcc_perf_event_open_tracing(const struct perf_event_attr *attr, int pid)
{
	AUTO_FREE int *cpus = NULL;
	struct ebcc_error *error;
	size_t count;
	int fd;

	if (pid > 0)
		return ebcc_perf_event_open(attr, pid, -1, -1);
	fd = ebcc_perf_event_open(attr, -1, 0, -1);
	if (fd >= 0 || errno != ENODEV)
		return fd;
	/* CPU 0 is offline. */
	error = ebcc_online_cpus(&cpus, &count);
	if (error) {
		ebcc_error_destroy(error);
		errno = ENODEV;
		return -1;
	}
	return ebcc_perf_event_open(attr, -1, cpus[0], -1);
}

static struct ebcc_error *set_error(struct ebcc_program *program, int errnum)
{
	if (errnum == EEXIST)
		return ebcc_error_create(EBCC_ERROR_ATTACH,
					 "program %s is already attached to this event",
					 program->name);
	return ebcc_error_with_subject(
		ebcc_error_os(EBCC_ERROR_ATTACH, errnum,
			      "the kernel refuses to attach program %s to this event",
			      program->name),
		program->name);
}

struct ebcc_error *ebcc_cookie_check(uint64_t cookie)
{
	if (!cookie || (ebcc_feature(EBCC_FEATURE_PERF_LINK) && ebcc_feature(EBCC_FEATURE_COOKIE)))
		return NULL;
	return ebcc_error_create(
		EBCC_ERROR_UNSUPPORTED,
		"this kernel has no attach cookies (Linux 5.15 and later have them)");
}

/* The variant of the program for a single event: that for links of many may have been loaded first.
 */
static struct ebcc_error *single_fd(struct ebcc_program *program, int *ret)
{
	*ret = program->fd;
	if (program->type != BPF_PROG_TYPE_KPROBE)
		return NULL;
	return ebcc_program_load_variant(program, BPF_PROG_TYPE_KPROBE, 0, ret);
}

/* *@ret is the link's descriptor, or -1 if the event itself keeps the program attached. */
static struct ebcc_error *set_program(int event, struct ebcc_program *program, uint64_t cookie,
				      int *ret)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = cookie);
	bool can_link = ebcc_feature(EBCC_FEATURE_PERF_LINK);
	AUTO_CLOSE int link = -1;
	int fd;

	TRY(ebcc_cookie_check(cookie));
	TRY(single_fd(program, &fd));
	if (can_link)
		link = bpf_link_create(fd, event, BPF_PERF_EVENT, &opts);
	if (can_link ? link < 0 : ioctl(event, PERF_EVENT_IOC_SET_BPF, fd))
		return set_error(program, errno);
	if (ioctl(event, PERF_EVENT_IOC_ENABLE, 0))
		return ebcc_error_os(EBCC_ERROR_ATTACH, errno,
				     "can't enable the event of program %s", program->name);
	*ret = TAKE_FD(link);
	return NULL;
}

struct ebcc_error *ebcc_perf_event_set_program(int perf_fd, struct ebcc_program *program,
					       uint64_t cookie, int *ret)
{
	AUTO_CLOSE int event = perf_fd;
	int link;

	TRY(set_program(event, program, cookie, &link));
	*ret = link >= 0 ? link : TAKE_FD(event);
	return NULL;
}

/* With a BPF link, the event's own descriptor is not needed; but it shows to other tools what this
 * process traces (bpftool perf show). */
struct perf_link {
	struct ebcc_link base;
	int event;
};

static void release_perf_link(struct ebcc_link *link, struct ebcc_closing *closing)
{
	struct perf_link *perf = (struct perf_link *)link;

	if (link->fd == perf->event)
		link->fd = -1;
	ebcc_closing_add_link(closing, &link->fd);
	ebcc_closing_add_event(closing, &perf->event);
}

struct ebcc_error *ebcc_perf_link_create(struct ebcc_program *program, int perf_fd, uint64_t cookie,
					 const char *kind, const char *target,
					 struct ebcc_link **ret)
{
	AUTO_CLOSE int event = perf_fd;
	AUTO_CLOSE int fd = -1;
	struct perf_link *link;

	TRY(set_program(event, program, cookie, &fd));
	TRY(ebcc_link_create(program, sizeof(*link), ebcc_link_detach_nothing,
			     (struct ebcc_link **)&link, "%s:%s", kind, target));
	link->base.release = release_perf_link;
	link->base.fd = fd >= 0 ? TAKE_FD(fd) : event;
	link->event = TAKE_FD(event);
	*ret = &link->base;
	return NULL;
}

/* Parses a string that is a decimal number of at most @limit. */
static bool parse_number(const char *text, unsigned long limit, unsigned long *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoul(text, &end, 10);
	return !errno && !*end && *ret <= limit;
}

bool ebcc_perf_source(const char *name, uint32_t *ret_type, uint64_t *ret_return_bit)
{
	char path[128], text[64];
	unsigned long type, bit;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	if (!ebcc_read_small_file(path, text, sizeof(text)) ||
	    !parse_number(text, UINT32_MAX, &type))
		return false;
	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/format/retprobe", name);
	if (!ebcc_read_small_file(path, text, sizeof(text)) || strncmp(text, "config:", 7) ||
	    !parse_number(text + 7, 63, &bit))
		return false;
	*ret_type = (uint32_t)type;
	*ret_return_bit = 1ull << bit;
	return true;
}
