// SPDX-License-Identifier: Apache-2.0
#include "load/capture.h"

#include <errno.h>
#include <string.h>

#include "kernel/privilege.h"

/* How much of libbpf's output is kept for one error, in bytes. */
#define CAPTURE_LIMIT 4096

static void capture_message(void *ctx, enum ebcc_log_level level, const char *message)
{
	struct ebcc_capture *capture = ctx;
	const char *prefix = "libbpf: ";

	ebcc_log(capture->forward, level, "%s", message);
	if (!strncmp(message, prefix, strlen(prefix)))
		message += strlen(prefix);
	if (capture->text.size + strlen(message) < CAPTURE_LIMIT)
		ebcc_buf_printf(&capture->text, "%s\n", message);
}

void ebcc_capture_init(struct ebcc_capture *capture, const struct ebcc_log *forward)
{
	*capture = (struct ebcc_capture){.forward = forward};
	capture->log = (struct ebcc_log){.fn = capture_message, .ctx = capture};
}

void ebcc_capture_deinit(struct ebcc_capture *capture)
{
	ebcc_buf_deinit(&capture->text);
}

void ebcc_capture_reason(const struct ebcc_capture *capture, struct ebcc_buf *buf)
{
	const char *text = ebcc_buf_string(&capture->text), *end;
	const char *btf_log_end = strstr(text, "-- END BTF LOAD LOG");

	for (const char *line = btf_log_end ? btf_log_end : text; (end = strchr(line, '\n'));
	     line = end + 1) {
		size_t length = end - line;

		if (memmem(line, length, "BTF", 3) && strncmp(line, "prog '", 6))
			continue;
		ebcc_buf_append_string(buf, " (");
		ebcc_buf_append(buf, line, length);
		ebcc_buf_append_char(buf, ')');
		return;
	}
}

struct ebcc_error *ebcc_load_error(int errnum, const char *what, const struct ebcc_capture *capture)
{
	AUTO_BUF struct ebcc_buf reason = EBCC_BUF_INIT;

	if (errnum == EPERM && ebcc_privilege_holds(true))
		return ebcc_error_create(
			EBCC_ERROR_UNSUPPORTED,
			"%s: this user has the privileges, but the kernel refuses it: this kernel "
			"is built without what it needs, is locked down "
			"(/sys/kernel/security/lockdown), or a security module forbids it",
			what);
	if (errnum == EPERM)
		return ebcc_error_create(
			EBCC_ERROR_PERMISSION,
			"%s: the kernel does not let this user load BPF: run as root, or "
			"with CAP_BPF and CAP_PERFMON (for packets: CAP_NET_ADMIN)",
			what);
	ebcc_capture_reason(capture, &reason);
	if (errnum == ENOMEM)
		return ebcc_error_create(EBCC_ERROR_NO_MEMORY,
					 "%s: the kernel is out of memory, or the limit on locked "
					 "memory (ulimit -l) is too small%s",
					 what, ebcc_buf_string(&reason));
	return ebcc_error_os(EBCC_ERROR_LOAD, errnum, "%s: the kernel refused to load it%s", what,
			     ebcc_buf_string(&reason));
}
