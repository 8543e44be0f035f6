// SPDX-License-Identifier: Apache-2.0
/*
 * Deduces configuration options from what a kernel shows (config.h). If a struct has a member only
 * with some option, finding the member proves that the option is set. Its absence proves nothing,
 * since members are renamed. So most of the checks below can only answer yes; only those that can't
 * become outdated answer no.
 */
#include "kernel/config.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"

#define VERSION(major, minor) ((uint32_t)(major) << 16 | (minor) << 8)

/* Evidence that an option is set: a member in BTF, or a file. */
struct evidence {
	const char *symbol;
	const char *record, *member;
	const char *path; /* below the root */
};

/* Options that are y or not set, never m. */
static const struct evidence evidence[] = {
	{"CONFIG_AUDIT", "task_struct", "loginuid", NULL},
	{"CONFIG_AUDITSYSCALL", "task_struct", "audit_context", NULL},
	{"CONFIG_BLK_CGROUP", "bio", "bi_blkg", NULL},
	{"CONFIG_BLK_INLINE_ENCRYPTION", "bio", "bi_crypt_context", NULL},
	{"CONFIG_CGROUPS", "task_struct", "cgroups", NULL},
	{"CONFIG_CGROUP_SCHED", "task_struct", "sched_task_group", NULL},
	{"CONFIG_CGROUP_WRITEBACK", "inode", "i_wb", NULL},
	{"CONFIG_CPUSETS", "task_struct", "mems_allowed", NULL},
	{"CONFIG_DETECT_HUNG_TASK", "task_struct", "last_switch_count", NULL},
	{"CONFIG_FAIR_GROUP_SCHED", "sched_entity", "my_q", NULL},
	{"CONFIG_FSNOTIFY", "inode", "i_fsnotify_mask", NULL},
	{"CONFIG_FS_POSIX_ACL", "inode", "i_acl", NULL},
	{"CONFIG_FUNCTION_GRAPH_TRACER", "task_struct", "ret_stack", NULL},
	{"CONFIG_IPC_NS", NULL, NULL, "/proc/self/ns/ipc"},
	{"CONFIG_KEYS", "cred", "session_keyring", NULL},
	{"CONFIG_LIVEPATCH", "task_struct", "patch_state", NULL},
	{"CONFIG_MEMCG", "mm_struct", "owner", NULL},
	{"CONFIG_MODULES", NULL, NULL, "/proc/modules"},
	{"CONFIG_NETFILTER", "net", "nf", NULL},
	{"CONFIG_NET_NS", NULL, NULL, "/proc/self/ns/net"},
	{"CONFIG_NUMA", "task_struct", "mempolicy", NULL},
	{"CONFIG_NUMA_BALANCING", "task_struct", "numa_faults", NULL},
	{"CONFIG_PERF_EVENTS", "task_struct", "perf_event_mutex", NULL},
	{"CONFIG_PID_NS", NULL, NULL, "/proc/self/ns/pid"},
	{"CONFIG_POSIX_TIMERS", "signal_struct", "posix_timers", NULL},
	{"CONFIG_PREEMPT_RCU", "task_struct", "rcu_read_lock_nesting", NULL},
	{"CONFIG_QUOTA", "super_block", "s_dquot", NULL},
	{"CONFIG_RPS", "netdev_rx_queue", "rps_map", NULL},
	{"CONFIG_RT_GROUP_SCHED", "sched_rt_entity", "my_q", NULL},
	{"CONFIG_RT_MUTEXES", "task_struct", "pi_waiters", NULL},
	{"CONFIG_SECCOMP", "seccomp", "mode", NULL},
	{"CONFIG_SECCOMP_FILTER", "seccomp", "filter", NULL},
	{"CONFIG_SECURITY", "cred", "security", NULL},
	{"CONFIG_STACKPROTECTOR", "task_struct", "stack_canary", NULL},
	{"CONFIG_SYSVIPC", "task_struct", "sysvsem", NULL},
	{"CONFIG_TASKSTATS", "signal_struct", "stats", NULL},
	{"CONFIG_TASKS_RCU", "task_struct", "rcu_tasks_nvcsw", NULL},
	{"CONFIG_TASK_DELAY_ACCT", "task_struct", "delays", NULL},
	{"CONFIG_TASK_IO_ACCOUNTING", "task_io_accounting", "read_bytes", NULL},
	{"CONFIG_TASK_XACCT", "task_io_accounting", "rchar", NULL},
	{"CONFIG_THREAD_INFO_IN_TASK", "task_struct", "thread_info", NULL},
	{"CONFIG_TIME_NS", NULL, NULL, "/proc/self/ns/time"},
	{"CONFIG_TRANSPARENT_HUGEPAGE", NULL, NULL, "/sys/kernel/mm/transparent_hugepage"},
	{"CONFIG_UPROBES", "task_struct", "utask", NULL},
	{"CONFIG_USER_NS", NULL, NULL, "/proc/self/ns/user"},
	{"CONFIG_UTS_NS", NULL, NULL, "/proc/self/ns/uts"},
	{"CONFIG_XFRM", "sock", "sk_policy", NULL},
};

/* Options that are set in all supported kernels, since the given version. */
static const struct {
	const char *symbol;
	uint32_t since;
} common_options[] = {
	{"CONFIG_64BIT", 0},
	{"CONFIG_MMU", 0},
	/* x86-64 selects it since 4.17, arm64 since 4.19. */
	{"CONFIG_ARCH_HAS_SYSCALL_WRAPPER", VERSION(4, 19)},
};

static bool has_member(const struct ebcc_kernel_btf *btf, const char *record, const char *member)
{
	uint32_t id = btf ? ebcc_kernel_btf_find(btf, record, BTF_KIND_STRUCT) : 0;

	return id && ebcc_kernel_btf_has_member(btf, id, member);
}

static bool is_present(const struct ebcc_kernel_info *kernel, const struct ebcc_kernel_btf *btf,
		       const struct evidence *found)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT;

	if (found->record)
		return has_member(btf, found->record, found->member);
	ebcc_buf_printf(&path, "%s%s", kernel->root, found->path);
	return !path.failed && !access(path.data, F_OK);
}

/* Finds an option that depends on the architecture only. *@ret is static; NULL: not set. Returns
 * false if it is not known. */
static bool find_machine_option(const struct ebcc_kernel_info *kernel, const char *symbol,
				const char **ret)
{
	bool set;

	if (ebcc_arch_config_option(kernel->arch, symbol, &set)) {
		*ret = set ? "y" : NULL;
		return true;
	}
	for (size_t i = 0; i < sizeof(common_options) / sizeof(*common_options); i++) {
		if (strcmp(common_options[i].symbol, symbol))
			continue;
		*ret = "y";
		return kernel->version_code >= common_options[i].since;
	}
	return false;
}

static bool has_word(const char *text, const char *word)
{
	size_t size = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += size)
		if ((at == text || at[-1] == ' ') && (!at[size] || at[size] == ' '))
			return true;
	return false;
}

/* Finds an option by its word in "#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-01-01)", which the
 * kernel's build writes. Without its word, CONFIG_PREEMPT_DYNAMIC (new in 5.12) may still be set:
 * PREEMPT_RT replaces the word, and kernels before 5.16 write PREEMPT. */
static bool find_version_word(const struct ebcc_kernel_info *kernel, const char *symbol,
			      const char **ret)
{
	static const char *const words[] = {"SMP", "PREEMPT_DYNAMIC", "PREEMPT_RT"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(symbol + strlen("CONFIG_"), words[i]) || *kernel->version != '#')
			continue;
		*ret = has_word(kernel->version, words[i]) ? "y" : NULL;
		return *ret || strcmp(words[i], "PREEMPT_DYNAMIC") ||
		       kernel->version_code < VERSION(5, 12);
	}
	return false;
}

/* The coarse clocks advance with the timer tick, so their resolution is its period. */
static long timer_frequency(void)
{
	struct timespec resolution;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) || resolution.tv_sec ||
	    resolution.tv_nsec < 100000)
		return 0;
	return (1000000000 + resolution.tv_nsec / 2) / resolution.tv_nsec;
}

/* The value of a numeric option that the kernel shows; 0: not known. */
static long find_number(const struct ebcc_kernel_info *kernel, const char *symbol)
{
	AUTO_BUF struct ebcc_buf path = EBCC_BUF_INIT, text = EBCC_BUF_INIT;
	AUTO_ERROR struct ebcc_error *error = NULL;

	if (!strcmp(symbol, "CONFIG_HZ"))
		return *kernel->root ? 0 : timer_frequency();
	if (strcmp(symbol, "CONFIG_NR_CPUS"))
		return 0;
	/* kernel_max is one less (Documentation/admin-guide/cputopology.rst of the kernel). */
	ebcc_buf_printf(&path, "%s/sys/devices/system/cpu/kernel_max", kernel->root);
	error = ebcc_buf_read_file(&text, ebcc_buf_string(&path), 64);
	return error || !text.size ? 0 : strtol(text.data, NULL, 10) + 1;
}

static struct ebcc_error *deduce(const struct ebcc_kernel_info *kernel,
				 const struct ebcc_kernel_btf *btf, const char *symbol, char **ret,
				 bool *ret_known)
{
	AUTO_BUF struct ebcc_buf text = EBCC_BUF_INIT;
	long number = find_number(kernel, symbol);
	const char *value = NULL;

	*ret_known = true;
	if (number > 0) {
		ebcc_buf_printf(&text, "%ld", number);
		return ebcc_buf_take(&text, ret, NULL);
	}
	if (find_machine_option(kernel, symbol, &value) ||
	    find_version_word(kernel, symbol, &value))
		return ebcc_copy_string(value, ret);
	for (size_t i = 0; i < sizeof(evidence) / sizeof(*evidence); i++)
		if (!strcmp(evidence[i].symbol, symbol) && is_present(kernel, btf, &evidence[i]))
			return ebcc_copy_string("y", ret);
	*ret_known = false;
	return NULL;
}

struct ebcc_error *ebcc_kernel_option(struct ebcc_kernel_info *kernel,
				      const struct ebcc_kernel_btf *btf, const char *symbol,
				      char **ret, bool *ret_known)
{
	TRY(ebcc_kernel_config(kernel, symbol, ret));
	*ret_known = kernel->config_path != NULL;
	if (*ret_known)
		return NULL;
	return deduce(kernel, btf, symbol, ret, ret_known);
}
