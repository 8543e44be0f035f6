// SPDX-License-Identifier: Apache-2.0
/*
 * Tracepoints, in two forms: as trace events, which are perf events with an id from tracefs, whose
 * programs see the fields of the event; and raw, by name, whose programs see the arguments of the
 * tracepoint itself.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/attach.h"
#include "attach/perf_link.h"
#include "base/buf.h"
#include "base/near_names.h"
#include "base/open_file.h"
#include "base/options.h"
#include "kernel/renames.h"
#include "kernel/tracefs.h"
#include "load/link.h"

/* Rejects names that would lead out of the events directory. */
static bool is_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

static struct ebcc_error *invalid_name(const char *category, const char *event)
{
	return ebcc_error_create(
		EBCC_ERROR_INVALID_ARGUMENT,
		"\"%s:%s\" is not the name of a tracepoint (CATEGORY:EVENT, such as "
		"sched:sched_switch)",
		category, event);
}

static bool suggest_event(void *ctx, const char *category, const char *event)
{
	char name[EBCC_NEAR_NAMES_LENGTH];
	int length = snprintf(name, sizeof(name), "%s:%s", category, event);

	if (length < (int)sizeof(name))
		ebcc_near_names_add(ctx, name);
	return true;
}

static struct ebcc_error *event_not_found(const char *name, const char *category, const char *event)
{
	AUTO_BUF struct ebcc_buf near_text = EBCC_BUF_INIT;
	struct ebcc_near_names near;

	if (!ebcc_rename_tell(EBCC_RENAMED_TRACEPOINT, category, event, &near_text)) {
		ebcc_near_names_init(&near, name);
		TRY(ebcc_tracepoints_walk(suggest_event, &near));
		ebcc_near_names_suggest(&near, &near_text);
	}
	return ebcc_error_with_subject(ebcc_error_create(EBCC_ERROR_NOT_FOUND, "no tracepoint %s%s",
							 name, ebcc_buf_string(&near_text)),
				       name);
}

/* Reads the id of a trace event, which perf_event_open() needs. */
static struct ebcc_error *event_id(const char *category, const char *event, uint64_t *ret)
{
	AUTO_FREE char *path = NULL, *name = NULL;
	char text[32], *end;

	if (!is_name(category) || !is_name(event))
		return invalid_name(category, event);
	TRY(ebcc_tracepoint_id_path(category, event, &path));
	if (asprintf(&name, "%s:%s", category, event) < 0) {
		name = NULL;
		return ebcc_error_no_memory();
	}
	if (!ebcc_read_small_file(path, text, sizeof(text))) {
		if (errno == ENOENT || errno == ENOTDIR)
			return event_not_found(name, category, event);
		return ebcc_error_os(EBCC_ERROR_OS, errno, "can't read %s", path);
	}
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (errno || end == text || *end)
		return ebcc_error_create(EBCC_ERROR_FORMAT, "%s does not hold a number", path);
	return NULL;
}

struct ebcc_error *ebcc_program_attach_tracepoint(struct ebcc_program *program,
						  const char *category, const char *event,
						  const struct ebcc_tracepoint_opts *caller_opts,
						  struct ebcc_link **ret)
{
	struct ebcc_tracepoint_opts opts = {.sz = sizeof(opts)};
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
		.disabled = 1,
	};
	AUTO_FREE char *name = NULL;
	uint64_t id = 0;
	int fd;
	LOG_STAGE(&program->module->log, ATTACH);

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_tracepoint_opts"));
	TRY(event_id(category, event, &id));
	TRY(ebcc_attach_prepare(program, BPF_PROG_TYPE_TRACEPOINT));
	if (asprintf(&name, "%s:%s", category, event) < 0) {
		name = NULL;
		return ebcc_error_no_memory();
	}
	attr.config = id;
	fd = ebcc_perf_event_open_tracing(&attr, -1);
	if (fd < 0)
		return ebcc_error_with_subject(
			ebcc_error_os(EBCC_ERROR_OS, errno, "can't open tracepoint %s", name),
			name);
	return ebcc_perf_link_create(program, fd, opts.cookie, "tracepoint", name, ret);
}

/* Nearly all trace events have the name of their tracepoint; those of system calls don't have a
 * tracepoint. */
static bool suggest_raw(void *ctx, const char *category, const char *event)
{
	if (strcmp(category, "syscalls"))
		ebcc_near_names_add(ctx, event);
	return true;
}

static struct ebcc_error *raw_not_found(const char *event)
{
	AUTO_BUF struct ebcc_buf near_text = EBCC_BUF_INIT;
	struct ebcc_near_names near;

	ebcc_near_names_init(&near, event);
	/* Failures don't matter: it is only a suggestion, and raw tracepoints don't need tracefs.
	 */
	ebcc_error_destroy(ebcc_tracepoints_walk(suggest_raw, &near));
	ebcc_near_names_suggest(&near, &near_text);
	return ebcc_error_create(EBCC_ERROR_NOT_FOUND, "no raw tracepoint %s%s", event,
				 ebcc_buf_string(&near_text));
}

/* The kernel's attributes, with the member that libbpf's call can't set. */
struct raw_tracepoint_attr {
	uint64_t name;
	uint32_t program_fd;
	uint32_t reserved;
	uint64_t cookie; /* since Linux 6.10 */
};

static int open_raw_tracepoint(const char *event, int program_fd, uint64_t cookie)
{
	struct raw_tracepoint_attr attr = {.name = (uint64_t)(uintptr_t)event,
					   .program_fd = (uint32_t)program_fd,
					   .cookie = cookie};

	if (!cookie)
		return bpf_raw_tracepoint_open(event, program_fd);
	return (int)syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
}

static struct ebcc_error *raw_error(const struct ebcc_program *program, const char *event,
				    uint64_t cookie, int errnum)
{
	if (errnum == ENOENT)
		return raw_not_found(event);
	/* How older kernels reject a member that they do not know. */
	if (cookie && (errnum == E2BIG || errnum == EINVAL))
		return ebcc_error_create(EBCC_ERROR_UNSUPPORTED,
					 "this kernel has no attach cookies for raw tracepoints "
					 "(Linux 6.10 and later have them)");
	return ebcc_error_os(EBCC_ERROR_ATTACH, errnum,
			     "can't attach program %s to raw tracepoint %s", program->name, event);
}

struct ebcc_error *
ebcc_program_attach_raw_tracepoint(struct ebcc_program *program, const char *event,
				   const struct ebcc_raw_tracepoint_opts *caller_opts,
				   struct ebcc_link **ret)
{
	struct ebcc_raw_tracepoint_opts opts = {.sz = sizeof(opts)};
	struct ebcc_error *error;
	struct ebcc_link *link;

	TRY(ebcc_opts_read(&opts, sizeof(opts), caller_opts, "ebcc_raw_tracepoint_opts"));
	if (program->type != BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE)
		TRY(ebcc_attach_prepare(program, BPF_PROG_TYPE_RAW_TRACEPOINT));
	TRY(ebcc_link_create(program, sizeof(*link), ebcc_link_detach_nothing, &link,
			     "raw_tracepoint:%s", event));
	link->release = ebcc_link_release_fd;
	link->fd = open_raw_tracepoint(event, program->fd, opts.cookie);
	if (link->fd >= 0) {
		*ret = link;
		return NULL;
	}
	error = raw_error(program, event, opts.cookie, errno);
	ebcc_link_destroy(link);
	return ebcc_error_with_subject(error, event);
}
