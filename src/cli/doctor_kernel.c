// SPDX-License-Identifier: Apache-2.0
/*
 * What the kernel can do. Features are probed by the library's own table (kernel/features.h).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <linux/version.h>

#include "abilities.h"
#include "compile/headers.h"
#include "doctor.h"
#include "kernel/btf.h"
#include "kernel/features.h"
#include "kernel/privilege.h"
#include "kernel/tracefs.h"
#include "report.h"

#define OLDEST KERNEL_VERSION(5, 10, 0)
#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define KHEADERS "/sys/kernel/kheaders.tar.xz"

static void check_kernel(struct doctor *doctor, struct doctor_finding *ret)
{
	AUTO_KERNEL_INFO struct ebcc_kernel_info *kernel = NULL;
	AUTO_ERROR struct ebcc_error *error = ebcc_kernel_info_create(NULL, &kernel);

	if (error) {
		doctor_say(ret, DOCTOR_PROBLEM, "%s", ebcc_error_message(error));
		return;
	}
	ret->value = cli_json_text(kernel->release);
	doctor_say(ret, kernel->version_code < OLDEST ? DOCTOR_PROBLEM : DOCTOR_OK, "Linux %s",
		   kernel->release);
	if (kernel->version_code < OLDEST)
		doctor_advise(ret, "ebcc needs Linux 5.10 or newer");
}

static void check_bpf(struct doctor *doctor, struct doctor_finding *ret)
{
	bool works = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARRAY, NULL) > 0 &&
		     libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SOCKET_FILTER, NULL) > 0;

	ret->value = json_boolean(works);
	doctor_say(ret, works ? DOCTOR_OK : DOCTOR_PROBLEM,
		   works ? "maps and programs can be loaded" : "nothing can be loaded");
	if (!works)
		doctor_advise(ret, ebcc_privilege_holds(false)
					   ? "the kernel needs CONFIG_BPF_SYSCALL; in a container, "
					     "seccomp must allow bpf(2)"
					   : "it needs the privileges that are missing below");
}

static struct ebcc_kernel_headers *find_headers(const struct doctor *doctor)
{
	struct ebcc_kernel_headers *headers = NULL;

	if (doctor->kernel)
		ebcc_error_destroy(
			ebcc_compile_find_headers(doctor->kernel, NULL, false, &headers));
	return headers;
}

static bool have_headers(const struct doctor *doctor)
{
	struct ebcc_kernel_headers *headers = find_headers(doctor);
	bool found = headers || !access(KHEADERS, R_OK);

	ebcc_kernel_headers_destroy(headers);
	return found;
}

static void check_btf(struct doctor *doctor, struct doctor_finding *ret)
{
	AUTO_KERNEL_BTF struct ebcc_kernel_btf *btf = NULL;
	AUTO_ERROR struct ebcc_error *error = ebcc_kernel_btf_create(NULL, "", &btf);

	doctor->has_btf = !error;
	ret->value = json_boolean(!error);
	if (!error) {
		doctor_say(ret, DOCTOR_OK, "%u types in %s", btf->type_count - 1, BTF_PATH);
		return;
	}
	doctor_say(ret, have_headers(doctor) ? DOCTOR_MISSING : DOCTOR_PROBLEM, "%s",
		   ebcc_error_message(error));
	doctor_advise(ret, "a kernel with CONFIG_DEBUG_INFO_BTF has it; without it, sources are "
			   "compiled with kernel headers, and typed arguments don't exist");
}

static void check_headers(struct doctor *doctor, struct doctor_finding *ret)
{
	struct ebcc_kernel_headers *headers = find_headers(doctor);

	if (headers) {
		ret->value = cli_json_text(headers->build);
		doctor_say(ret, DOCTOR_OK, "%s", headers->build);
	} else if (!access(KHEADERS, R_OK)) {
		ret->value = cli_json_text(KHEADERS);
		doctor_say(ret, DOCTOR_OK, KHEADERS ", which is unpacked when it is needed");
	} else {
		doctor_say(ret, doctor->has_btf ? DOCTOR_INFO : DOCTOR_MISSING,
			   doctor->has_btf ? "none; with BTF few sources need them" : "none");
		doctor_advise(ret,
			      "apt-get install linux-headers-%s, or name a configured tree in "
			      "BCC_KERNEL_SOURCE",
			      doctor->kernel ? doctor->kernel->release : "$(uname -r)");
	}
	ebcc_kernel_headers_destroy(headers);
}

static void check_configuration(struct doctor *doctor, struct doctor_finding *ret)
{
	AUTO_BUF struct ebcc_buf places = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error = NULL;
	AUTO_FREE char *value = NULL;

	if (!doctor->kernel) {
		doctor_say(ret, DOCTOR_INFO, "not looked for");
		return;
	}
	error = ebcc_kernel_config(doctor->kernel, "CONFIG_BPF", &value);
	if (error) {
		doctor_say(ret, DOCTOR_MISSING, "%s", ebcc_error_message(error));
		return;
	}
	ret->value = cli_json_text(doctor->kernel->config_path);
	if (doctor->kernel->config_path) {
		doctor_say(ret, DOCTOR_OK, "%s", doctor->kernel->config_path);
		return;
	}
	ebcc_kernel_config_places(doctor->kernel, &places);
	doctor_say(ret, DOCTOR_INFO, "not found; looked at %s", ebcc_buf_string(&places));
	doctor_advise(ret, "only sources that test for CONFIG_... need it; EBCC_KERNEL_CONFIG can "
			   "name a copy");
}

static void check_tracefs(struct doctor *doctor, struct doctor_finding *ret)
{
	const char *tracefs;
	AUTO_ERROR struct ebcc_error *error = ebcc_tracefs_find(&tracefs);

	ret->value = cli_json_text(error ? NULL : tracefs);
	if (error)
		doctor_say(ret, DOCTOR_PROBLEM, "%s", ebcc_error_message(error));
	else
		doctor_say(ret, DOCTOR_OK, "%s", tracefs);
}

/* ---- Probes ---- */

static void check_kprobes(struct doctor *doctor, struct doctor_finding *ret)
{
	doctor_feature(ret, cli_has_kprobes(),
		       "the kernel needs CONFIG_KPROBES and CONFIG_KPROBE_EVENTS; tracepoints work "
		       "without");
}

static void check_kretprobes(struct doctor *doctor, struct doctor_finding *ret)
{
	doctor_feature(ret, cli_has_kretprobes(), "the kernel needs CONFIG_KRETPROBES");
}

static void check_uprobes(struct doctor *doctor, struct doctor_finding *ret)
{
	doctor_feature(ret, cli_has_uprobes(),
		       "the kernel needs CONFIG_UPROBES and CONFIG_UPROBE_EVENTS");
}

static void check_semaphores(struct doctor *doctor, struct doctor_finding *ret)
{
	doctor_feature(ret, cli_has_semaphores(),
		       "programs whose USDT probes have semaphores can be traced only by pid");
}

#define FEATURE(function, feature, advice)                                                         \
	static void function(struct doctor *doctor, struct doctor_finding *ret)                    \
	{                                                                                          \
		doctor_feature(ret, ebcc_feature(feature), advice);                                \
	}

FEATURE(check_kprobe_multi, EBCC_FEATURE_KPROBE_MULTI,
	"Linux 5.18 with CONFIG_FPROBE has them; without, each function gets its own probe, which "
	"takes longer")
FEATURE(check_uprobe_multi, EBCC_FEATURE_UPROBE_MULTI,
	"Linux 6.10 and stable versions of 6.6 have them; without, each place gets its own probe, "
	"which takes long to remove")
FEATURE(check_kprobe_session, EBCC_FEATURE_KPROBE_SESSION,
	"Linux 6.10 with CONFIG_FPROBE has them; attach one program to the entry and one to the "
	"return")
FEATURE(check_uprobe_session, EBCC_FEATURE_UPROBE_SESSION,
	"Linux 6.13 has them; attach one program to the entry and one to the return")
FEATURE(check_fentry, EBCC_FEATURE_FENTRY,
	"KFUNC_PROBE and KRETFUNC_PROBE need BTF and CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS; "
	"kprobes do without")
FEATURE(check_modify_return, EBCC_FEATURE_MODIFY_RETURN,
	"KMOD_RET needs what fentry needs, and CONFIG_FUNCTION_ERROR_INJECTION")
FEATURE(check_lsm, EBCC_FEATURE_LSM,
	"LSM_PROBE needs CONFIG_BPF_LSM and \"bpf\" in the kernel's parameter lsm=")
FEATURE(check_raw_tracepoints, EBCC_FEATURE_RAW_TRACEPOINT, "use tracepoints")
FEATURE(check_perf_links, EBCC_FEATURE_PERF_LINK,
	"Linux 5.15 has them; without, probes can't be pinned")
FEATURE(check_cookies, EBCC_FEATURE_COOKIE,
	"Linux 5.15 has them; without, a program can't tell apart what it is attached to, and USDT "
	"arguments of libraries can't be read for all processes")
FEATURE(check_batches, EBCC_FEATURE_BATCH,
	"Linux 5.6 has them; without, tables are read entry by entry")

static void check_ring_buffer(struct doctor *doctor, struct doctor_finding *ret)
{
	doctor_feature(ret, libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) > 0,
		       "Linux 5.8 has it; use BPF_PERF_OUTPUT");
}

static void check_instructions(struct doctor *doctor, struct doctor_finding *ret)
{
	unsigned version = ebcc_feature_cpu_version();

	ret->value = json_integer((json_int_t)version);
	doctor_say(ret, DOCTOR_OK, "version %u", version);
}

#define GROUP "kernel"
const struct doctor_check doctor_kernel_checks[] = {
	{GROUP, "kernel", check_kernel},
	{GROUP, "bpf", check_bpf},
	{GROUP, "BTF", check_btf},
	{GROUP, "kernel headers", check_headers},
	{GROUP, "configuration", check_configuration},
	{GROUP, "tracefs", check_tracefs},
	{GROUP, "kprobes", check_kprobes},
	{GROUP, "kretprobes", check_kretprobes},
	{GROUP, "multi links", check_kprobe_multi},
	{GROUP, "fentry", check_fentry},
	{GROUP, "fmod_ret", check_modify_return},
	{GROUP, "LSM hooks", check_lsm},
	{GROUP, "raw tracepoints", check_raw_tracepoints},
	{GROUP, "uprobes", check_uprobes},
	{GROUP, "USDT semaphores", check_semaphores},
	{GROUP, "user multi links", check_uprobe_multi},
	{GROUP, "kernel sessions", check_kprobe_session},
	{GROUP, "user sessions", check_uprobe_session},
	{GROUP, "perf links", check_perf_links},
	{GROUP, "cookies", check_cookies},
	{GROUP, "ring buffer", check_ring_buffer},
	{GROUP, "batches", check_batches},
	{GROUP, "instruction set", check_instructions},
	{NULL, NULL, NULL},
};
