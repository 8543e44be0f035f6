/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that the kernel's headers have had since Linux 6.1, for builds with older headers than
 * these. The names and numbers are those of include/uapi/linux/bpf.h and arch/.../unistd.h of the
 * version that each group names. generate.py reads this after the installed headers and ends where
 * they disagree.
 */

enum bpf_prog_type {
	BPF_PROG_TYPE_NETFILTER = 32, /* Linux 6.4 */
};

enum bpf_attach_type {
	BPF_STRUCT_OPS = 44, /* Linux 6.4 */
	BPF_NETFILTER = 45,
	BPF_TCX_INGRESS = 46, /* Linux 6.6 */
	BPF_TCX_EGRESS = 47,
	BPF_TRACE_UPROBE_MULTI = 48,
	BPF_CGROUP_UNIX_CONNECT = 49, /* Linux 6.7 */
	BPF_CGROUP_UNIX_SENDMSG = 50,
	BPF_CGROUP_UNIX_RECVMSG = 51,
	BPF_CGROUP_UNIX_GETPEERNAME = 52,
	BPF_CGROUP_UNIX_GETSOCKNAME = 53,
	BPF_NETKIT_PRIMARY = 54,
	BPF_NETKIT_PEER = 55,
	BPF_TRACE_KPROBE_SESSION = 56, /* Linux 6.10 */
	BPF_TRACE_UPROBE_SESSION = 57, /* Linux 6.13 */
	BPF_TRACE_FSESSION = 58,       /* Linux 7.0 */
};

enum bpf_map_type {
	BPF_MAP_TYPE_CGRP_STORAGE = 32, /* Linux 6.2 */
	BPF_MAP_TYPE_ARENA = 33,	/* Linux 6.9 */
	BPF_MAP_TYPE_INSN_ARRAY = 34,	/* Linux 6.19 */
};

enum bpf_func_id {
	BPF_FUNC_cgrp_storage_get = 210, /* Linux 6.2 */
	BPF_FUNC_cgrp_storage_delete = 211,
};

/* System calls: from 424 on every architecture has the same numbers. */
#define __NR_cachestat 451 /* Linux 6.5 */
#define __NR_fchmodat2 452 /* Linux 6.6 */
#define __NR_map_shadow_stack 453
#define __NR_futex_wake 454 /* Linux 6.7 */
#define __NR_futex_wait 455
#define __NR_futex_requeue 456
#define __NR_statmount 457 /* Linux 6.8 */
#define __NR_listmount 458
#define __NR_lsm_get_self_attr 459
#define __NR_lsm_set_self_attr 460
#define __NR_lsm_list_modules 461
#define __NR_mseal 462	    /* Linux 6.10 */
#define __NR_setxattrat 463 /* Linux 6.13 */
#define __NR_getxattrat 464
#define __NR_listxattrat 465
#define __NR_removexattrat 466
#define __NR_open_tree_attr 467 /* Linux 6.15 */
#define __NR_file_getattr 468	/* Linux 6.17 */
#define __NR_file_setattr 469
