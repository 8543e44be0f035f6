/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the kernel keeps a task's numbers in PID namespaces: the loader sets this for the functions
 * of pid_namespace.h. Both sides include this file, so it uses plain C types only and includes
 * nothing.
 */
#ifndef EBCC_PID_LAYOUT_H
#define EBCC_PID_LAYOUT_H

/* The name of the constant. */
#define EBCC_PID_LAYOUT_NAME "__ebcc_pid_layout"

struct ebcc_pid_layout {
	/* The inode number of the tracing process's PID namespace. 0 for the initial one; then all
	 * the rest is 0 too. */
	unsigned int namespace_inode;
	/* Offsets in bytes, from the start of the struct that has the member. */
	unsigned int task_group_leader; /* task_struct.group_leader */
	unsigned int task_pid;		/* task_struct.thread_pid */
	unsigned int pid_level;		/* pid.level */
	unsigned int pid_numbers;	/* pid.numbers */
	unsigned int number_size;	/* of struct upid */
	unsigned int number_value;	/* upid.nr */
	unsigned int number_namespace;	/* upid.ns */
	unsigned int namespace_number;	/* pid_namespace.ns.inum */
};

#endif /* EBCC_PID_LAYOUT_H */
