// SPDX-License-Identifier: Apache-2.0
/* Finding and reading tracefs; see tracefs.h. */
#include "kernel/tracefs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define EVENTS_LIMIT (64u << 20)

static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

struct ebcc_error *ebcc_tracefs_find(const char **ret)
{
	bool refused = false;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		AUTO_BUF struct ebcc_buf events = EBCC_BUF_INIT;

		ebcc_buf_printf(&events, "%s/events", places[i]);
		TRY(ebcc_buf_check(&events));
		if (!access(events.data, R_OK | X_OK)) {
			*ret = places[i];
			return NULL;
		}
		refused |= errno == EACCES || errno == EPERM;
	}
	if (refused)
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_PERMISSION,
					  "no permission to read %s: run this as root", places[0]),
			places[0]);
	return ebcc_error_with_subject(
		ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"tracefs is not mounted: run `mount -t tracefs tracefs %s` as root",
			places[0]),
		places[0]);
}

struct ebcc_error *ebcc_tracefs_read(const char *tracefs, const char *name, size_t limit,
				     struct ebcc_buf *text)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;

	if (!tracefs)
		TRY(ebcc_tracefs_find(&tracefs));
	ebcc_buf_printf(&path, "%s/%s", tracefs, name);
	TRY(ebcc_buf_check(&path));
	if (access(path.data, F_OK) && (errno == ENOENT || errno == ENOTDIR))
		return ebcc_error_with_subject(
			ebcc_error_create(EBCC_ERROR_NOT_FOUND, "there is no %s", path.data),
			path.data);
	return ebcc_buf_read_file(text, path.data, limit);
}

struct ebcc_error *ebcc_tracefs_path(const char *name, char **ret)
{
	const char *tracefs;

	TRY(ebcc_tracefs_find(&tracefs));
	if (asprintf(ret, "%s/%s", tracefs, name) >= 0)
		return NULL;
	*ret = NULL;
	return ebcc_error_no_memory();
}

/* ---- Trace events ---- */

struct tracepoint_walk {
	ebcc_tracepoint_fn fn;
	void *ctx;
	bool ended;
};

static void visit_tracepoint(void *ctx, char *line)
{
	struct tracepoint_walk *walk = ctx;
	char *colon = strchr(line, ':');

	if (walk->ended || !colon || colon == line || !colon[1])
		return;
	*colon = '\0';
	walk->ended = !walk->fn(walk->ctx, line, colon + 1);
}

struct ebcc_error *ebcc_tracepoints_walk(ebcc_tracepoint_fn fn, void *ctx)
{
	struct tracepoint_walk walk = {.fn = fn, .ctx = ctx};
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;

	TRY(ebcc_tracefs_read(NULL, "available_events", EVENTS_LIMIT, &text));
	ebcc_buf_each_line(&text, visit_tracepoint, &walk);
	return NULL;
}

struct ebcc_error *ebcc_tracepoint_id_path(const char *category, const char *event, char **ret)
{
	AUTO_FREE char *name = NULL;

	if (asprintf(&name, "events/%s/%s/id", category, event) < 0) {
		name = NULL;
		return ebcc_error_no_memory();
	}
	return ebcc_tracefs_path(name, ret);
}

bool ebcc_kernel_has_tracepoint(const char *category, const char *event)
{
	AUTO_FREE char *path = NULL;
	struct ebcc_error *error;

	if (!*category || !*event || *category == '.' || *event == '.' || strchr(category, '/') ||
	    strchr(event, '/'))
		return false;
	error = ebcc_tracepoint_id_path(category, event, &path);
	if (error) {
		ebcc_error_destroy(error);
		return false;
	}
	return !access(path, F_OK);
}
