/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process and thread ids as the tracing process's PID namespace numbers them. dialect.h includes
 * this if a source names one of the functions.
 *
 * A task has a number in its own namespace and in each one above it. struct pid holds them all,
 * each with its namespace, so the right number is the one next to the tracer's namespace.
 * bpf_get_ns_current_pid_tgid() works only for the current task, and fails for tasks in a namespace
 * below the tracer's, although these have a number there.
 *
 * The loader sets the offsets if they are needed, so the source needn't be compiled against more
 * types than it uses itself. In the initial namespace namespace_inode is 0, and the verifier drops
 * everything that depends on another value.
 */
#ifndef EBCC_PID_NAMESPACE_H
#define EBCC_PID_NAMESPACE_H

#include "ebcc/pid_layout.h"

/* MAX_PID_NS_LEVEL of the kernel: the deepest level of nested namespaces. */
#define __EBCC_MAX_PID_NS_LEVEL 32

const volatile struct ebcc_pid_layout __ebcc_pid_layout = {};

/* Reads a pointer from kernel memory; NULL on failure. */
__EBCC_INLINE const char *__ebcc_pid_pointer(const char *address)
{
	const char *value;

	return bpf_probe_read_kernel(&value, sizeof(value), address) ? NULL : value;
}

__EBCC_INLINE u32 __ebcc_pid_value(const char *address)
{
	u32 value;

	return bpf_probe_read_kernel(&value, sizeof(value), address) ? 0 : value;
}

/* The struct upid of a level, in a task's struct pid. */
__EBCC_INLINE const char *__ebcc_pid_number(const char *pid, u32 level)
{
	return pid + __ebcc_pid_layout.pid_numbers + level * __ebcc_pid_layout.number_size;
}

/* Whether the struct upid of a level belongs to the tracing process's namespace. */
__EBCC_INLINE bool __ebcc_pid_is_ours(const char *pid, u32 level)
{
	const char *number = __ebcc_pid_number(pid, level);
	const char *namespace = __ebcc_pid_pointer(number + __ebcc_pid_layout.number_namespace);

	return __ebcc_pid_value(namespace + __ebcc_pid_layout.namespace_number) ==
	       __ebcc_pid_layout.namespace_inode;
}

/* A separate function (the inlining pass knows the prefix), since many programs in a source may
 * call it. */
static __attribute__((__noinline__, __unused__)) u64 __ebcc_subprogram_pid_search(const char *task)
{
	const char *pid = __ebcc_pid_pointer(task + __ebcc_pid_layout.task_pid), *leader;
	u32 level = __ebcc_pid_value(pid + __ebcc_pid_layout.pid_level), thread, process;

	/* From the task's own namespace upwards, since that one is usually the tracer's. */
#pragma clang loop unroll(disable)
	for (int i = 0; pid && i <= __EBCC_MAX_PID_NS_LEVEL; i++, level--) {
		if (level > __EBCC_MAX_PID_NS_LEVEL)
			return 0;
		if (!__ebcc_pid_is_ours(pid, level))
			continue;
		/* The threads of a process are in one namespace. */
		leader = __ebcc_pid_pointer(task + __ebcc_pid_layout.task_group_leader);
		leader = __ebcc_pid_pointer(leader + __ebcc_pid_layout.task_pid);
		thread = __ebcc_pid_value(__ebcc_pid_number(pid, level) +
					  __ebcc_pid_layout.number_value);
		process = __ebcc_pid_value(__ebcc_pid_number(leader, level) +
					   __ebcc_pid_layout.number_value);
		return (u64)process << 32 | thread;
	}
	return 0;
}

/* Like bpf_get_current_pid_tgid(): the process in the upper half, the thread in the lower one. 0 if
 * the task has no number in the tracing process's PID namespace. */
__EBCC_INLINE u64 ebcc_ns_pid_tgid(void)
{
	if (!__ebcc_pid_layout.namespace_inode)
		return bpf_get_current_pid_tgid();
	return __ebcc_subprogram_pid_search((const char *)bpf_get_current_task());
}

/* The same for any struct task_struct *. */
#define ebcc_ns_task_pid_tgid(task)                                                                \
	({                                                                                         \
		struct task_struct *__ebcc_task = (task);                                          \
		__ebcc_pid_layout.namespace_inode                                                  \
			? __ebcc_subprogram_pid_search((const char *)__ebcc_task)                  \
			: ((u64)__ebcc_task->tgid << 32 | (u32)__ebcc_task->pid);                  \
	})

/* Whether a task is in the tracing process's PID namespace itself, and not in one below or outside
 * it. If so, process ids in the arguments of its system calls mean the same as in the tracer. */
#define ebcc_ns_task_is_native(task)                                                               \
	({                                                                                         \
		struct task_struct *__ebcc_task = (task);                                          \
		struct pid *__ebcc_pid = __ebcc_task->thread_pid;                                  \
		u32 __ebcc_level = __ebcc_pid->level;                                              \
		__ebcc_pid_layout.namespace_inode                                                  \
			? __ebcc_level <= __EBCC_MAX_PID_NS_LEVEL &&__ebcc_pid_is_ours(            \
						  (const char *)__ebcc_pid, __ebcc_level)          \
			: !__ebcc_level;                                                           \
	})

#endif /* EBCC_PID_NAMESPACE_H */
