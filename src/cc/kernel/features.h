/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this kernel supports. Each feature is probed by trying to use it, when it is first asked
 * for, and the answer is kept for the life of the process. Version numbers are never used.
 */
#ifndef EBCC_KERNEL_FEATURES_H
#define EBCC_KERNEL_FEATURES_H

#include <stdbool.h>

enum ebcc_feature {
	EBCC_FEATURE_BATCH,	     /* batch calls on hash maps and arrays */
	EBCC_FEATURE_MEMCG_ACCOUNT,  /* maps count against the memory cgroup, not RLIMIT_MEMLOCK */
	EBCC_FEATURE_PERF_LINK,	     /* bpf_link for perf events */
	EBCC_FEATURE_COOKIE,	     /* bpf_get_attach_cookie() in perf and tracing programs */
	EBCC_FEATURE_KPROBE_MULTI,   /* one link for many functions */
	EBCC_FEATURE_KPROBE_SESSION, /* entry and return of many functions, in one program */
	EBCC_FEATURE_UPROBE_MULTI,   /* one link for many places of a file, in one process or all */
	EBCC_FEATURE_UPROBE_SESSION, /* entry and return of many functions of a file */
	EBCC_FEATURE_CPU_V3,	     /* instruction set 3: 32-bit jumps */
	EBCC_FEATURE_CPU_V4,	     /* instruction set 4: sign extension, long jumps */
	EBCC_FEATURE_FENTRY,	     /* attaching fentry programs (reads the BTF: ~2 ms) */
	EBCC_FEATURE_MODIFY_RETURN,  /* attaching fmod_ret programs (reads the BTF) */
	EBCC_FEATURE_LSM,	     /* attaching programs to LSM hooks (reads the BTF) */
	EBCC_FEATURE_RAW_TRACEPOINT, /* raw tracepoints */
	EBCC_FEATURE_COUNT,
};

/* Whether the kernel has the feature. Returns false without the privilege to probe it, and for what
 * the environment variable EBCC_WITHOUT names ("uprobe_multi,perf_link"). Thread-safe. */
bool ebcc_feature(enum ebcc_feature feature);

/* The highest BPF instruction set version (2, 3 or 4) that the kernel accepts. Thread-safe. */
unsigned ebcc_feature_cpu_version(void);

/* For tests: from now on ebcc_feature() returns @value, as on another kernel. */
void ebcc_feature_override(enum ebcc_feature feature, bool value);

#endif /* EBCC_KERNEL_FEATURES_H */
