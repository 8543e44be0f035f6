// SPDX-License-Identifier: Apache-2.0
/*
 * What this process may do: capabilities, settings of the administrator, limits, namespaces.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/open_file.h"
#include "doctor.h"
#include "kernel/features.h"
#include "kernel/pid_namespace.h"
#include "kernel/privilege.h"
#include "report.h"

#define STATUS_LIMIT (64u << 10)
#define MOUNTS_LIMIT (1u << 20)

static void check_privileges(struct doctor *doctor, struct doctor_finding *ret)
{
	AUTO_ERROR struct ebcc_error *error = ebcc_privilege_check();

	ret->value = json_boolean(!error);
	doctor_say(ret, error ? DOCTOR_PROBLEM : DOCTOR_OK, "user %u %s", (unsigned)geteuid(),
		   error ? "may not trace" : "may trace");
	if (error)
		doctor_advise(ret, "%s", ebcc_error_message(error));
}

static const struct {
	unsigned number;
	const char *name, *needed_for;
} capabilities[] = {
	{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "some kinds of programs, and symbols of other processes"},
	{CAP_BPF, "CAP_BPF", "loading programs"},
	{CAP_PERFMON, "CAP_PERFMON", "tracing"},
	{CAP_NET_ADMIN, "CAP_NET_ADMIN", "programs for packets"},
	{CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "reading other processes"},
	{CAP_SYSLOG, "CAP_SYSLOG", "addresses of the kernel"},
	{CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE", "raising limits"},
};

/* The effective capabilities in /proc/self/status, as bits. */
static bool read_capabilities(unsigned long long *ret)
{
	AUTO_BUF struct ebcc_buf status = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error =
		ebcc_buf_read_file(&status, "/proc/self/status", STATUS_LIMIT);
	const char *line = error ? NULL : strstr(ebcc_buf_string(&status), "\nCapEff:");

	return line && sscanf(line, "\nCapEff: %llx", ret) == 1;
}

static void check_capabilities(struct doctor *doctor, struct doctor_finding *ret)
{
	unsigned long long held;
	AUTO_BUF struct ebcc_buf names = EBCC_BUF_INIT, lacking = EBCC_BUF_INIT;

	if (!read_capabilities(&held)) {
		doctor_say(ret, DOCTOR_INFO, "unknown, since /proc is not mounted");
		return;
	}
	ret->value = json_array();
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(*capabilities); i++) {
		const char *name = capabilities[i].name;

		if (held >> capabilities[i].number & 1) {
			json_array_append_new(ret->value, json_string(name));
			ebcc_buf_printf(&names, "%s%s", names.size ? " " : "", name);
		} else {
			ebcc_buf_printf(&lacking, "%s%s (%s)", lacking.size ? ", " : "", name,
					capabilities[i].needed_for);
		}
	}
	doctor_say(ret, DOCTOR_INFO, "%s", names.size ? ebcc_buf_string(&names) : "none");
	if (lacking.size)
		doctor_advise(ret, "not held: %s", ebcc_buf_string(&lacking));
}

static void check_lockdown(struct doctor *doctor, struct doctor_finding *ret)
{
	char text[128], *mode;

	if (!ebcc_read_small_file("/sys/kernel/security/lockdown", text, sizeof(text))) {
		doctor_say(ret, DOCTOR_OK, "the kernel has none, or does not show it");
		return;
	}
	/* The active one of all modes is in brackets. */
	mode = strchr(text, '[');
	mode = mode ? mode + 1 : text;
	mode[strcspn(mode, "]")] = '\0';
	ret->value = cli_json_text(mode);
	doctor_say(ret, strcmp(mode, "confidentiality") ? DOCTOR_OK : DOCTOR_PROBLEM, "%s", mode);
	if (!strcmp(mode, "confidentiality"))
		doctor_advise(ret, "programs can't read kernel memory: boot with "
				   "lockdown=integrity, or without Secure Boot");
}

/* Reads a whole number from a file of /proc. */
static bool read_number(const char *path, long *ret)
{
	char text[32], *end;

	if (!ebcc_read_small_file(path, text, sizeof(text)))
		return false;
	*ret = strtol(text, &end, 10);
	return end != text;
}

/* A setting of the kernel. @limit: values above it are MISSING. */
static void check_setting(struct doctor_finding *ret, const char *path, long limit, bool matters,
			  const char *advice)
{
	long value;

	if (!read_number(path, &value)) {
		doctor_say(ret, DOCTOR_INFO, "%s can't be read", path);
		return;
	}
	ret->value = json_integer(value);
	doctor_say(ret, value > limit && matters ? DOCTOR_MISSING : DOCTOR_OK, "%ld", value);
	if (value > limit && matters)
		doctor_advise(ret, "%s", advice);
}

static void check_paranoid(struct doctor *doctor, struct doctor_finding *ret)
{
	check_setting(ret, "/proc/sys/kernel/perf_event_paranoid", 2, !ebcc_privilege_holds(false),
		      "without CAP_PERFMON no perf event can be opened; sysctl "
		      "kernel.perf_event_paranoid=2");
}

static void check_unprivileged(struct doctor *doctor, struct doctor_finding *ret)
{
	check_setting(ret, "/proc/sys/kernel/unprivileged_bpf_disabled", 0,
		      !ebcc_privilege_holds(false), "users without CAP_BPF can't load anything");
}

static void check_kptr(struct doctor *doctor, struct doctor_finding *ret)
{
	check_setting(ret, "/proc/sys/kernel/kptr_restrict", 1, true,
		      "symbols of the kernel have no addresses; sysctl kernel.kptr_restrict=1");
}

static void check_jit(struct doctor *doctor, struct doctor_finding *ret)
{
	long value;

	if (!read_number("/proc/sys/net/core/bpf_jit_enable", &value)) {
		doctor_say(ret, DOCTOR_INFO, "/proc/sys/net/core/bpf_jit_enable can't be read");
		return;
	}
	ret->value = json_integer(value);
	doctor_say(ret, value ? DOCTOR_OK : DOCTOR_MISSING, value ? "on" : "off");
	if (!value)
		doctor_advise(ret, "programs are interpreted, which is slow; sysctl "
				   "net.core.bpf_jit_enable=1");
}

static void check_memlock(struct doctor *doctor, struct doctor_finding *ret)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit)) {
		doctor_say(ret, DOCTOR_INFO, "unknown");
		return;
	}
	if (limit.rlim_cur == RLIM_INFINITY)
		doctor_say(ret, DOCTOR_OK, "unlimited");
	else
		doctor_say(ret, DOCTOR_OK, "%llu KiB%s", (unsigned long long)limit.rlim_cur >> 10,
			   ebcc_feature(EBCC_FEATURE_MEMCG_ACCOUNT)
				   ? "; this kernel counts tables to the control group"
				   : "; raised when a program is loaded");
	ret->value = limit.rlim_cur == RLIM_INFINITY ? json_null()
						     : json_integer((json_int_t)limit.rlim_cur);
}

static void check_namespace(struct doctor *doctor, struct doctor_finding *ret)
{
	AUTO_ERROR struct ebcc_error *error = ebcc_pid_namespace_check();
	bool inner = ebcc_pid_namespace_is_inner();

	ret->value = json_string(inner ? "inner" : "initial");
	if (error)
		doctor_say(ret, DOCTOR_MISSING, "%s", ebcc_error_message(error));
	else
		doctor_say(ret, DOCTOR_OK, inner ? "not the initial one" : "the initial one");
	if (inner && !error)
		doctor_advise(ret, "programs get pids of the initial one; ebcc_ns_pid_tgid() "
				   "returns those that are valid here");
}

/* What says that this is a container, or NULL. */
static const char *container_sign(void)
{
	static const char *const files[] = {"/run/.containerenv", "/.dockerenv",
					    "/run/systemd/container"};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!access(files[i], F_OK))
			return files[i];
	return getenv("container") ? "the environment variable \"container\"" : NULL;
}

static void check_container(struct doctor *doctor, struct doctor_finding *ret)
{
	const char *sign = container_sign();

	ret->value = json_boolean(sign != NULL);
	if (sign)
		doctor_say(ret, DOCTOR_INFO, "yes, by %s", sign);
	else
		doctor_say(ret, DOCTOR_INFO, "no");
	if (sign)
		doctor_advise(ret, "it needs privileges, and the host's tracefs and /sys/fs/bpf");
}

static void check_cgroup(struct doctor *doctor, struct doctor_finding *ret)
{
	AUTO_BUF struct ebcc_buf mounts = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error =
		ebcc_buf_read_file(&mounts, "/proc/self/mounts", MOUNTS_LIMIT);
	char *save, *line = error || !mounts.size ? NULL : strtok_r(mounts.data, "\n", &save);

	for (; line; line = strtok_r(NULL, "\n", &save)) {
		char place[256], type[32];

		if (sscanf(line, "%*s %255s %31s", place, type) != 2 || strcmp(type, "cgroup2"))
			continue;
		ret->value = cli_json_text(place);
		doctor_say(ret, DOCTOR_OK, "%s", place);
		return;
	}
	doctor_say(ret, DOCTOR_MISSING, "not mounted");
	doctor_advise(ret, "filters by control group need it; mount -t cgroup2 none "
			   "/sys/fs/cgroup");
}

#define GROUP "user"
const struct doctor_check doctor_user_checks[] = {
	{GROUP, "privileges", check_privileges},
	{GROUP, "capabilities", check_capabilities},
	{GROUP, "lockdown", check_lockdown},
	{GROUP, "perf_event_paranoid", check_paranoid},
	{GROUP, "unprivileged_bpf", check_unprivileged},
	{GROUP, "kptr_restrict", check_kptr},
	{GROUP, "JIT", check_jit},
	{GROUP, "locked memory", check_memlock},
	{GROUP, "PID namespace", check_namespace},
	{GROUP, "container", check_container},
	{GROUP, "cgroup v2", check_cgroup},
	{NULL, NULL, NULL},
};
