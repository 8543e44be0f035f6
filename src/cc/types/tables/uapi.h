/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user-space headers whose constants sources can use. This file is not compiled: at build time
 * the preprocessor lists the macros and enumerators that the headers define, and macro_table.c makes
 * a table of them. Enumerators that BTF has are taken from BTF, but BTF lacks enums that no kernel
 * code uses by name.
 */
/* This must come first: it defines less after a header of the C library. */
#include <linux/stat.h>

#include <asm/ioctls.h>
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/ethtool.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/if_vlan.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/inet_diag.h>
#include <linux/input-event-codes.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/limits.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/mempolicy.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/neighbour.h>
#include <linux/net.h>
#include <linux/net_tstamp.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/oom.h>
#include <linux/perf_event.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/random.h>
#include <linux/resource.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/seg6.h>
#include <linux/sem.h>
#include <linux/shm.h>
#include <linux/signal.h>
#include <linux/snmp.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/sysctl.h>
#include <linux/taskstats.h>
#include <linux/tcp.h>
#include <linux/time.h>
#include <linux/timerfd.h>
#include <linux/tipc.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <linux/un.h>
#include <linux/unistd.h>
#include <linux/utsname.h>
#include <linux/vm_sockets.h>
#include <linux/wait.h>
#include <linux/xattr.h>
#include <linux/xfrm.h>
/* AF_*, PF_*, SOL_*: the kernel doesn't export its own definitions to user space. */
#include <sys/socket.h>
/* From newer versions of linux/bpf.h than the oldest supported build system has. */
#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif
#ifndef BPF_JCOND
#define BPF_JCOND 0xe0
#endif
#ifndef BPF_LOAD_ACQ
#define BPF_LOAD_ACQ 0x100
#define BPF_STORE_REL 0x110
#endif
#ifndef BPF_F_BEFORE
#define BPF_F_BEFORE (1U << 3)
#define BPF_F_AFTER (1U << 4)
#define BPF_F_ID (1U << 5)
#endif
#ifndef BPF_F_PREORDER
#define BPF_F_PREORDER (1U << 6)
#endif
#ifndef BPF_F_XDP_DEV_BOUND_ONLY
#define BPF_F_XDP_DEV_BOUND_ONLY (1U << 6)
#endif
#ifndef BPF_F_TEST_REG_INVARIANTS
#define BPF_F_TEST_REG_INVARIANTS (1U << 7)
#endif
#ifndef BPF_F_NETFILTER_IP_DEFRAG
#define BPF_F_NETFILTER_IP_DEFRAG (1U << 0)
#endif
