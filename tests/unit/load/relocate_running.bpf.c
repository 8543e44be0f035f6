// SPDX-License-Identifier: Apache-2.0
/* Relocations against the running kernel, which libbpf and ebcc must resolve alike. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define RELOCATED __attribute__((preserve_access_index))

struct list_head {
	struct list_head *next;
} RELOCATED;

struct task_struct {
	int pid;
	int tgid;
	struct list_head tasks;
	unsigned sched_reset_on_fork : 1;
	unsigned in_execve : 1;
	unsigned long start_time;
	char comm[16];
	struct task_struct *real_parent;
	long no_kernel_has_this;
} RELOCATED;

enum bpf_map_type___other { BPF_MAP_TYPE_HASH___other = 77 };

#define PROGRAM(name, expression)                                                                  \
	SEC("socket") int name(void *context)                                                      \
	{                                                                                          \
		struct task_struct *task = context;                                                \
                                                                                                   \
		return expression;                                                                 \
	}

#define INFO(member, kind) __builtin_preserve_field_info(task->member, kind)
#define MEMBER(member)                                                                             \
	PROGRAM(offset_##member, INFO(member, BPF_FIELD_BYTE_OFFSET))                              \
	PROGRAM(size_##member, INFO(member, BPF_FIELD_BYTE_SIZE))                                  \
	PROGRAM(signed_##member, INFO(member, BPF_FIELD_SIGNED))                                   \
	PROGRAM(exists_##member, INFO(member, BPF_FIELD_EXISTS))                                   \
	PROGRAM(left_##member, INFO(member, BPF_FIELD_LSHIFT_U64))                                 \
	PROGRAM(right_##member, INFO(member, BPF_FIELD_RSHIFT_U64))

MEMBER(pid)
MEMBER(tgid)
MEMBER(start_time)
PROGRAM(pointer, INFO(real_parent, BPF_FIELD_BYTE_OFFSET))
MEMBER(sched_reset_on_fork)
MEMBER(in_execve)
PROGRAM(inner, INFO(tasks.next, BPF_FIELD_BYTE_OFFSET))
PROGRAM(element, INFO(comm[3], BPF_FIELD_BYTE_OFFSET))
PROGRAM(whole, INFO(comm, BPF_FIELD_BYTE_SIZE))
PROGRAM(no_member, INFO(no_kernel_has_this, BPF_FIELD_EXISTS))
PROGRAM(type, bpf_core_type_exists(struct task_struct))
PROGRAM(type_size, bpf_core_type_size(struct task_struct))
PROGRAM(type_id, bpf_core_type_id_kernel(struct task_struct))
PROGRAM(local_id, bpf_core_type_id_local(struct task_struct))
PROGRAM(value, bpf_core_enum_value(enum bpf_map_type___other, BPF_MAP_TYPE_HASH___other))

char _license[] SEC("license") = "GPL";
