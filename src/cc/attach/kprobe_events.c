// SPDX-License-Identifier: Apache-2.0
/*
 * The name of an event's group, "ebcc_PID_STARTTIME_PIDNAMESPACE", identifies the process that
 * created the event. If that process is gone, the next one that attaches removes the event.
 */
#include "attach/kprobe_events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/process.h"
#include "kernel/pid_namespace.h"
#include "kernel/tracefs.h"

#define GROUP_PREFIX "ebcc_"
#define EVENTS_LIMIT (16u << 20)
/* Event names are limited to 63 characters, and a number makes them unique: this much of the
 * function's name is enough. */
#define EVENT_FUNCTION_LENGTH 30

int ebcc_kprobe_events_write(const char *path, const char *command)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0)
		return errno;
	return write(fd, command, strlen(command)) < 0 ? errno : 0;
}

int ebcc_kprobe_event_remove(const char *path, const char *event)
{
	AUTO_FREE char *command = NULL;

	if (asprintf(&command, "-:%s", event) < 0) {
		command = NULL;
		return ENOMEM;
	}
	return ebcc_kprobe_events_write(path, command);
}

/* Whether the group was created by a process of our PID namespace that is gone. Pids of other
 * namespaces mean nothing here. */
static bool is_left_behind(const char *group, unsigned long namespace)
{
	unsigned long long ticks;
	unsigned long owner_namespace;
	long pid;
	int end = 0;

	if (sscanf(group, GROUP_PREFIX "%ld_%llu_%lu/%n", &pid, &ticks, &owner_namespace, &end) !=
		    3 ||
	    !end)
		return false;
	return owner_namespace == namespace && ebcc_process_start_time(pid) != ticks;
}

struct sweep {
	const char *path; /* of kprobe_events */
	unsigned long namespace;
};

/* A line is "KIND:GROUP/EVENT LOCATION ARGUMENTS". */
static void remove_if_left(void *ctx, char *line)
{
	const struct sweep *sweep = ctx;
	char *group = strchr(line, ':');

	if (!group || !is_left_behind(group + 1, sweep->namespace))
		return;
	group[1 + strcspn(group + 1, " ")] = '\0';
	ebcc_kprobe_event_remove(sweep->path, group + 1);
}

void ebcc_kprobe_events_sweep(void)
{
	AUTO_BUF struct ebcc_buf events = EBCC_BUF_INIT;
	AUTO_FREE char *path = NULL;
	struct ebcc_error *error = ebcc_tracefs_path("kprobe_events", &path);
	struct sweep sweep = {.namespace = ebcc_pid_namespace_inode()};

	if (!error)
		error = ebcc_buf_read_file(&events, path, EVENTS_LIMIT);
	sweep.path = path;
	if (!error)
		ebcc_buf_each_line(&events, remove_if_left, &sweep);
	ebcc_error_destroy(error);
}

struct ebcc_error *ebcc_kprobe_event_name(const char *function, char **ret)
{
	static atomic_uint number;
	char cleaned[EVENT_FUNCTION_LENGTH + 1];
	size_t length = 0;

	for (; function[length] && length < EVENT_FUNCTION_LENGTH; length++) {
		char c = function[length];
		bool plain =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		cleaned[length] = plain ? c : '_';
	}
	cleaned[length] = '\0';
	if (asprintf(ret, GROUP_PREFIX "%ld_%llu_%lu/p_%s_%u", (long)getpid(),
		     (unsigned long long)ebcc_process_start_time(getpid()),
		     (unsigned long)ebcc_pid_namespace_inode(), cleaned,
		     atomic_fetch_add(&number, 1)) >= 0)
		return NULL;
	*ret = NULL;
	return ebcc_error_no_memory();
}
