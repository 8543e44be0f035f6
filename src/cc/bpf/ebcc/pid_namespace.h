/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of processes as the tracing process's PID namespace numbers them. dialect.h includes this
 * where a source names one of the functions (ktypes.c asks for the types then).
 *
 * A task has a number in its own namespace and in each above it: struct pid holds them all, and
 * ours is the one beside our namespace. bpf_get_ns_current_pid_tgid() would know the current task
 * only, and refuses one of a namespace below ours, which has a number here all the same.
 */
#ifndef EBCC_PID_NAMESPACE_H
#define EBCC_PID_NAMESPACE_H

#define __EBCC_MAX_PID_NS_LEVEL 32 /* MAX_PID_NS_LEVEL: so deep may namespaces lie in one another  \
				    */

/* The inode number of the tracing process's PID namespace, which the loader sets; 0 for the
 * initial one, where the verifier drops what follows a comparison with 0. */
const volatile u32 __ebcc_pid_namespace = 0;

__EBCC_INLINE u32 __ebcc_ns_number(struct pid *pid)
{
	u32 namespace = __ebcc_pid_namespace, level;
	struct upid *number;

	if (!pid)
		return 0;
	level = pid->level;
	/* From its own namespace upwards: that one is most often ours. */
#pragma clang loop unroll(disable)
	for (int i = 0; i <= __EBCC_MAX_PID_NS_LEVEL; i++) {
		if (level > __EBCC_MAX_PID_NS_LEVEL)
			return 0;
		number = &pid->numbers[level];
		if (number->ns->ns.inum == namespace)
			return number->nr;
		level--;
	}
	return 0;
}

/* Of any task: the process in the upper half, the thread in the lower one; 0 for a task outside of
 * the tracing process's PID namespace. */
__EBCC_INLINE u64 ebcc_ns_task_pid_tgid(struct task_struct *task)
{
	if (!__ebcc_pid_namespace)
		return (u64)task->tgid << 32 | (u32)task->pid;
	return (u64)__ebcc_ns_number(task->group_leader->thread_pid) << 32 |
	       __ebcc_ns_number(task->thread_pid);
}

/* The same of the current task: what bpf_get_current_pid_tgid() is for the initial namespace. */
__EBCC_INLINE u64 ebcc_ns_pid_tgid(void)
{
	if (!__ebcc_pid_namespace)
		return bpf_get_current_pid_tgid();
	return ebcc_ns_task_pid_tgid((struct task_struct *)bpf_get_current_task());
}

/* Whether a task is in the tracing process's PID namespace itself, not in one below or beside it:
 * then numbers of processes in the arguments of its system calls mean the same here. */
__EBCC_INLINE bool ebcc_ns_task_is_native(struct task_struct *task)
{
	u32 namespace = __ebcc_pid_namespace, level;
	struct pid *pid = task->thread_pid;

	if (!pid)
		return false;
	level = pid->level;
	if (!namespace)
		return level == 0;
	if (level > __EBCC_MAX_PID_NS_LEVEL)
		return false;
	return pid->numbers[level].ns->ns.inum == namespace;
}

#endif /* EBCC_PID_NAMESPACE_H */
