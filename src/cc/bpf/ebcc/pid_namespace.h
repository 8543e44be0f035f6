/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of processes as the tracing process's PID namespace numbers them. dialect.h includes this
 * where a source names one of the functions.
 *
 * A task has a number in its own namespace and in each above it: struct pid holds them all, and
 * ours is the one beside our namespace. bpf_get_ns_current_pid_tgid() would know the current task
 * only, and refuses one of a namespace below ours, which has a number here all the same.
 *
 * The offsets come from the loader, and only where they are needed: the source has no more types
 * to be compiled against than it uses itself, and in the initial namespace the verifier drops
 * everything that follows from a namespace_inode other than 0.
 */
#ifndef EBCC_PID_NAMESPACE_H
#define EBCC_PID_NAMESPACE_H

#include "ebcc/pid_layout.h"

#define __EBCC_MAX_PID_NS_LEVEL                                                                    \
	32 /* MAX_PID_NS_LEVEL: so deep may namespaces lie in one another                          \
	    */

const volatile struct ebcc_pid_layout __ebcc_pid_layout = {};

/* The pointer at an address of the kernel; NULL where that can't be read. */
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

/* A task's number of a level, in struct upid of its struct pid. */
__EBCC_INLINE const char *__ebcc_pid_number(const char *pid, u32 level)
{
	return pid + __ebcc_pid_layout.pid_numbers + level * __ebcc_pid_layout.number_size;
}

/* Whether a level of a task's struct pid is the tracing process's namespace. */
__EBCC_INLINE bool __ebcc_pid_is_ours(const char *pid, u32 level)
{
	const char *number = __ebcc_pid_number(pid, level);
	const char *namespace = __ebcc_pid_pointer(number + __ebcc_pid_layout.number_namespace);

	return __ebcc_pid_value(namespace + __ebcc_pid_layout.namespace_number) ==
	       __ebcc_pid_layout.namespace_inode;
}

/* A function of its own (the inlining pass knows the name), since many programs of a source may
 * call it. */
static __attribute__((noinline, unused)) u64 __ebcc_subprogram_pid_search(const char *task)
{
	const char *pid = __ebcc_pid_pointer(task + __ebcc_pid_layout.task_pid), *leader;
	u32 level = __ebcc_pid_value(pid + __ebcc_pid_layout.pid_level), thread, process;

	/* From its own namespace upwards: that one is most often ours. */
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

/* As bpf_get_current_pid_tgid(): the process in the upper half, the thread in the lower one; 0 for
 * a task outside of the tracing process's PID namespace. */
__EBCC_INLINE u64 ebcc_ns_pid_tgid(void)
{
	if (!__ebcc_pid_layout.namespace_inode)
		return bpf_get_current_pid_tgid();
	return __ebcc_subprogram_pid_search((const char *)bpf_get_current_task());
}

/* The same of any struct task_struct *. */
#define ebcc_ns_task_pid_tgid(task)                                                                \
	({                                                                                         \
		struct task_struct *__ebcc_task = (task);                                          \
		__ebcc_pid_layout.namespace_inode                                                  \
			? __ebcc_subprogram_pid_search((const char *)__ebcc_task)                  \
			: ((u64)__ebcc_task->tgid << 32 | (u32)__ebcc_task->pid);                  \
	})

/* Whether a task is in the tracing process's PID namespace itself, not in one below or beside it:
 * then numbers of processes in the arguments of its system calls mean the same here. */
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
