// SPDX-License-Identifier: Apache-2.0
/* Where tracefs is mounted, and its files; see tracefs.h. */
#include "tracefs.h"

#include <errno.h>
#include <unistd.h>

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
					  "%s may not be read: run this as root", places[0]),
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
