"""Compares the definitions in src/cc/types/tables/macros.h and in user-space headers with the headers of kernels.

Constants, and functions applied to samples, are compiled by the C compiler with the kernel's headers, and by ebcc from
BTF; both must give the same values. Code that reads the kernel's structs is compiled by ebcc from BTF and from
headers, and both must give the same BPF code. The kernels are 6.1, 6.12 and the newest one by default. To add 5.10:
    EBCC_TEST_KERNELS="bullseye bookworm trixie sid" python3 -m pytest tests/python/test_kernel_definitions.py
"""

import functools
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from test_headers import section

from ebcc import _ebcc

TOP = Path(__file__).resolve().parent.parent.parent
VM_RUN = TOP / "tests/vm/run"
OWN = (TOP / "src/cc/types/tables/macros.h").read_text()
USER_SPACE = (TOP / "src/cc/types/tables/uapi.h").read_text()
SUITES = os.environ.get("EBCC_TEST_KERNELS", "bookworm trixie sid").split()
BTF, HEADERS = 1, 2
FUNCTION = re.compile(r"^static [^{]*?(\w+)\([^()]*\)\n\{", re.M)

sys.path.insert(0, str(TOP / "tests/conformance"))
import agreement  # noqa: E402  pylint: disable=wrong-import-position

INCLUDES = """
linux/types.h linux/kernel.h linux/minmax.h linux/math.h linux/bits.h linux/sizes.h linux/err.h linux/errno.h
linux/jiffies.h linux/ktime.h linux/log2.h linux/list.h linux/rbtree.h linux/llist.h linux/sched.h linux/sched/prio.h
linux/sched/signal.h linux/sched/task.h linux/sched/task_stack.h linux/kdev_t.h linux/stat.h linux/fs.h linux/dcache.h
linux/namei.h linux/binfmts.h linux/gfp.h linux/mm.h linux/mmzone.h linux/page-flags.h linux/vmstat.h linux/security.h
linux/blkdev.h linux/blk_types.h linux/genhd.h linux/blk-mq.h linux/bio.h linux/socket.h linux/net.h linux/in.h
linux/in6.h linux/inet.h linux/ip.h linux/ipv6.h net/tcp_states.h net/tcp.h net/sock.h net/inet_sock.h net/ipv6.h
linux/tcp.h linux/udp.h linux/icmp.h linux/skbuff.h linux/netdevice.h linux/if_vlan.h linux/netfilter.h
linux/netfilter/x_tables.h linux/scatterlist.h linux/interrupt.h linux/irq.h linux/workqueue.h linux/atomic.h
linux/refcount.h linux/kref.h linux/uidgid.h linux/cred.h linux/cgroup.h linux/nsproxy.h linux/proc_ns.h
linux/kallsyms.h linux/module.h linux/math64.h linux/etherdevice.h linux/filelock.h linux/huge_mm.h linux/cache.h
linux/jhash.h linux/hash.h linux/bitfield.h linux/bitops.h linux/unaligned.h asm/unaligned.h net/checksum.h
net/af_unix.h linux/netlink.h net/netlink.h linux/if_packet.h net/inet_timewait_sock.h linux/overflow.h
net/inet_connection_sock.h linux/signal.h asm/param.h net/raw.h
""".split()

# What can't be compared as it is, by name or pattern, and why. Attributes are in test_attributes.py.
UNCHECKED = {
    r"U?INT(8|16|32|64)_MAX": "from the compiler's stdint.h, not from the kernel's headers",
    r"___GFP_\w+_BIT": "only since 6.10; __GFP_*, which are made from them, are compared",
    r"MAX_PAGE_ORDER|NR_PAGE_ORDERS": "only since 6.8; MAX_ORDER_NR_PAGES, which is made from them, is compared",
    r"PROC_DYNAMIC_FIRST|netlink_sk|packet_sk": "in a .c file of the kernel, not in its headers",
    r"__ARG_PLACEHOLDER_1|__take_second_arg|__kconfig_\w+|__stringify_1|__AC|__THREAD_SIZE_MIN": "parts of macros",
    r"barrier|fallthrough|BUILD_BUG_ON|static_assert": "without a value",
    r"intptr_t|time_t|u_?int|u_?long|u_?short|u_char|u_int\d+_t": "from the C library, or missing in some kernels",
    r"FIELD_SIZEOF|ACCESS_ONCE": "from kernels before 5.10, for old sources",
    r"rcu_dereference(_raw)?|smp_load_acquire": "the kernel's loads have barriers, which a probe doesn't need",
    r"SOCK_DESTROY": "has two meanings in the kernel: an enumerator in net/sock.h, a constant in linux/sock_diag.h",
    r"inet_csk_ca": "an inline function in the kernel; it returns a void pointer, through which nothing can be read",
    r"task_tgid_vnr|from_k[ug]id": "the kernel's give the ID in a namespace",
    r"sg_next": "a kernel function that no header defines",
    r"WRITE_ONCE": "a store",
    r"nth_page": "compared as part of folio_page, in kernels that have that",
    r"sk_fullsock": "compared as part of inet6_sk",
}  # fmt: skip

# Calls of functions and macros with parameters, whose values are compared.
SAMPLES = """
min(3, 5) min(-3, 5) max(3, 5) max(3ul, 5ul) min_t(u8, 300, 100) max_t(int, -1, 1) min3(3, 2, 9) max3(3, 2, 9)
clamp(7, 1, 5) clamp(-7, 1, 5) clamp_t(u8, 300, 5, 90) clamp_val((u8)7, 1, 5) abs(-5) abs(5) abs(-5000000000L)
({ int a = 1, b = 2; swap(a, b); a * 10 + b; })
ARRAY_SIZE(((int[7]){})) DIV_ROUND_UP(7, 2) DIV_ROUND_UP_ULL(7000000001ull, 2) DIV_ROUND_CLOSEST(7u, 2)
DIV_ROUND_CLOSEST(9u, 4u) DIV_ROUND_CLOSEST(7ul, 3) DIV_ROUND_CLOSEST_ULL(7000000001ull, 2)
DIV_ROUND_DOWN_ULL(7000000001ull, 2) mult_frac(1000000007ul, 3ul, 7ul)
roundup(7, 5) rounddown(7, 5) round_up(7, 4) round_down(7, 4) round_up(5000000001ul, 64) ALIGN(13, 8) ALIGN_DOWN(13, 8)
IS_ALIGNED(16, 8) IS_ALIGNED(17, 8) (unsigned long)PTR_ALIGN((char *)13, 8) BIT(3) BIT(40) BIT_ULL(40) _BITUL(7) _BITULL(50)
BITS_PER_TYPE(u16) BITS_TO_LONGS(65) BITS_TO_BYTES(65) BITS_TO_U32(65) BITS_TO_U64(65) BIT_MASK(70) BIT_WORD(70)
BIT_ULL_MASK(70) BIT_ULL_WORD(70) GENMASK(7, 4) GENMASK(63, 1) GENMASK_ULL(39, 21)
sizeof(struct { DECLARE_BITMAP(bits, 65); }) upper_32_bits(0x123456789abcdef0ull) lower_32_bits(0x123456789abcdef0ull)
upper_16_bits(0x12345678) lower_16_bits(0x12345678) likely(5) unlikely(0)
offsetof(struct{u8 a; u32 b;}, b) offsetofend(struct iovec, iov_base)
sizeof_field(struct iovec, iov_len)
(unsigned long)container_of((void *)0x1008, struct iovec, iov_len) sizeof(typeof_member(struct iovec, iov_len))
({ struct { u64 n; u32 at[]; } *p = 0; struct_size(p, at, 3); })
__stringify(abc)[1] sizeof(__stringify(a b)) IS_BUILTIN(CONFIG_NET) IS_MODULE(CONFIG_NET) IS_ENABLED(CONFIG_XFS_FS)
IS_MODULE(CONFIG_XFS_FS) IS_REACHABLE(CONFIG_NET) IS_ENABLED(CONFIG_NO_SUCH_OPTION) IS_ERR_VALUE(-5l) IS_ERR_VALUE(5l)
IS_ERR_VALUE(-4096l) IS_ERR((void *)-5l) IS_ERR((void *)5l) IS_ERR_OR_NULL((void *)0) PTR_ERR((void *)-5l)
(long)ERR_PTR(-5) KERNEL_VERSION(5,4,300) KERNEL_VERSION(6,1,9) __same_type(int, s32) __same_type(int, u32)
__constant_htons(0x1234) __constant_ntohs(0x1234) __constant_htonl(0x12345678) __constant_ntohl(0x12345678) htons(0x1234)
ntohs(0x1234) htonl(0x12345678) ntohl(0x12345678) ___htons(0x1234) ___ntohs(0x1234) ___htonl(0x12345678)
___ntohl(0x12345678) cpu_to_be16(0x1234) cpu_to_be32(0x12345678) cpu_to_be64(0x1234) be16_to_cpu(0x1234)
be32_to_cpu(0x1234) be64_to_cpu(0x1234) __cpu_to_be16(0x1234) __cpu_to_be32(0x1234) __cpu_to_be64(0x1234)
__be16_to_cpu(0x1234) __be32_to_cpu(0x1234) __be64_to_cpu(0x1234) cpu_to_le16(0x1234) cpu_to_le32(0x1234)
cpu_to_le64(0x1234) le16_to_cpu(0x1234) le32_to_cpu(0x1234) le64_to_cpu(0x1234) swab16(0x1234) swab32(0x12345678)
swab64(0x1234) __swab16(0x1234) __swab32(0x1234) __swab64(0x1234)
({ __be16 x = 0x1234; be16_to_cpup(&x); }) ({ __be32 x = 0x1234; be32_to_cpup(&x); }) ({ __be64 x = 0x12;
be64_to_cpup(&x); })
time_after(5ul, 3ul) time_after(3ul, 5ul) time_before(3ul, 5ul) time_after_eq(5ul, 5ul) time_before_eq(5ul, 5ul)
div_u64(1000000007ull, 1000) div64_u64(1000000007ull, 10ull) ({ u32 r; div_u64_rem(1000000007ull, 10, &r) + r; })
div64_ul(1000000007ul, 1000ul) div_s64(-1000000007ll, 1000) div64_s64(-7, -2) div64_s64(7, -2)
mul_u32_u32(0xffffffff, 7) mul_u64_u32_shr(0x123456789abcdef0ull, 0x87654321, 20)
mul_u64_u32_shr(0xffffffffffffffffull, 0xffffffff, 40) ({ u64 n = 1000000007; u32 r = do_div(n, 10); n + r; })
jiffies_to_msecs(1001ul) jiffies_to_usecs(1001ul) jiffies_to_nsecs(1001ul) msecs_to_jiffies(1001) msecs_to_jiffies(1)
usecs_to_jiffies(10001) nsecs_to_jiffies64(1000000000ull) nsecs_to_jiffies(1000000000ull) ktime_to_ns(12345678)
ktime_to_us(12345678) ktime_to_ms(12345678) ktime_to_us(-12345678) ktime_add(5, 3) ktime_sub(5, 3) ns_to_ktime(17)
ms_to_ktime(17) ktime_us_delta(12345678, 345) ktime_ms_delta(345, 12345678)
({ struct timespec64 t = {.tv_sec = 3, .tv_nsec = 7}; timespec64_to_ns(&t); })
fls64(0) fls64(1) fls64(1ull << 40) fls(0) fls(1) fls(0x80000000) ilog2(1) ilog2(1000) ilog2(1ull << 50) is_power_of_2(64)
is_power_of_2(65) is_power_of_2(0) hweight8(0x1ff) hweight16(0x1ffff) hweight32(0xf0f) hweight64(0xffull << 32)
hweight_long(0xfffl) ffs(8) ffs(0) __ffs(8ul) __ffs64(1ull << 40) fls_long(1ul << 40) __fls(1ul << 40) ffz(0xfful)
roundup_pow_of_two(33ul) roundup_pow_of_two(1ul << 40) rounddown_pow_of_two(33ul) order_base_2(1) order_base_2(2)
order_base_2(33) bits_per(1) bits_per(32) bits_per(33) const_ilog2(1000)
rol8(0x81, 1) ror8(0x81, 1) rol16(0x8001, 4) ror16(0x8001, 4) rol32(0x80000001, 8) ror32(0x80000001, 8) rol64(0x81ull, 60)
ror64(0x81ull, 4) rol32(5, 0) sign_extend32(0x80, 7) sign_extend32(0x7f, 7) sign_extend64(0x8000, 15)
__bf_shf(0xf0) FIELD_MAX(0xf0u) FIELD_FIT(0xf0u, 15) FIELD_FIT(0xf0u, 16) FIELD_PREP(0xf0u, 5) FIELD_GET(0xf0u, 0x1234u)
FIELD_PREP(GENMASK_ULL(39, 32), 0x12) FIELD_GET(GENMASK_ULL(39, 32), 0x123456789abcdef0ull)
({ char b[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}; get_unaligned((u32 *)(b + 1)); })
({ char b[9] = {}; put_unaligned((u32)0x12345678, (u32 *)(b + 1)); b[1] * 256 + b[2]; })
({ char b[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}; get_unaligned_le16(b + 1); })
({ char b[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}; get_unaligned_le32(b + 1); })
({ char b[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}; get_unaligned_le64(b + 1); })
({ char b[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}; get_unaligned_be16(b + 1); })
({ char b[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}; get_unaligned_be32(b + 1); })
({ char b[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}; get_unaligned_be64(b + 1); })
jhash_size(5) jhash_mask(5) jhash_1word(1, 2) jhash_2words(1, 2, 3) jhash_3words(1, 2, 3, 4) __jhash_nwords(1, 2, 3, 4)
({ u32 a = 1, b = 2, c = 3; __jhash_mix(a, b, c); a ^ b ^ c; }) ({ u32 a = 1, b = 2, c = 3; __jhash_final(a, b, c); a ^
b ^ c; })
({ u32 k[] = {1, 2, 3, 4, 5, 6, 7}; jhash2(k, 7, 9); }) ({ u32 k[] = {1, 2, 3}; jhash2(k, 3, 9); })
({ u32 k[] = {1, 2}; jhash2(k, 2, 9); }) ({ u32 k[] = {1}; jhash2(k, 0, 9); })
({ char k[] = "0123456789abcdefghijklmnop"; jhash(k, 25, 9); }) ({ char k[] = "0123456789abcdef"; jhash(k, 12, 9); })
({ char k[] = "0123456789abcdef"; jhash(k, 13, 0); }) ({ char k[] = "0123456789abcdef"; jhash(k, 7, 0); })
({ char k[] = "0123456789abcdef"; jhash(k, 1, 0); }) ({ char k[] = "0123456789abcdef"; jhash(k, 0, 5); })
hash_32(12345, 10) hash_64(12345, 10) hash_long(12345, 20) hash_ptr((void *)0x123456, 12)
csum_fold(0x12345678) csum_fold(0xffffffff) csum_fold(0xfffeffff) csum_unfold(0x1234) csum_add(0xffffffff, 2) csum_add(5, 6)
csum_sub(5, 6) csum16_add(0xffff, 2) csum16_sub(5, 6) ({ __sum16 s = 0x1234; csum_replace2(&s, 0x5678, 0x9abc); s; })
({ __sum16 s = 0x1234; csum_replace4(&s, 0x56789abc, 0xdef01234); s; })
({ __sum16 s = 0x1234; csum_replace_by_diff(&s, 0x56789abc); s; })
({ __wsum s = 0x12345678; csum_replace(&s, 0x56789abc, 0xdef01234); s; })
({ u8 a[8] = {1, 2, 3, 4, 5, 6}; is_multicast_ether_addr(a); }) ({ u8 a[8] = {2, 2, 3, 4, 5, 6}; is_unicast_ether_addr(a); })
({ u8 a[8] = {2, 2, 3, 4, 5, 6}; is_local_ether_addr(a); }) ({ u8 a[8] = {}; is_zero_ether_addr(a); })
({ u8 a[8] = {0, 0, 0, 0, 0, 6}; is_zero_ether_addr(a); }) ({ u8 a[8] = {255, 255, 255, 255, 255, 255};
is_broadcast_ether_addr(a); })
({ u8 a[8] = {255, 255, 255, 255, 255, 254}; is_broadcast_ether_addr(a); }) ({ u8 a[8] = {2, 2}; is_valid_ether_addr(a); })
({ u8 a[8] = {2, 2}, b[8] = {2, 2}; ether_addr_equal(a, b); }) ({ u8 a[8] = {2, 2}, b[8] = {2, 3}; ether_addr_equal(a, b); })
ipv4_is_loopback(htonl(0x7f000001)) ipv4_is_loopback(htonl(0x7e000001)) ipv4_is_multicast(htonl(0xe0000001))
ipv4_is_lbcast(htonl(0xffffffff)) ipv4_is_private_10(htonl(0x0a010203)) ipv4_is_private_172(htonl(0xac1f0203))
ipv4_is_private_172(htonl(0xac200203)) ipv4_is_private_192(htonl(0xc0a80203)) ipv4_is_linklocal_169(htonl(0xa9fe0203))
ipv4_is_zeronet(htonl(0)) ipv4_is_zeronet(htonl(0x00010203))
({ struct in6_addr a = {}; ipv6_addr_any(&a); }) ({ struct in6_addr a = {.s6_addr32 = {1}}; ipv6_addr_any(&a); })
({ struct in6_addr a = {.s6_addr32 = {0, 0, 0, htonl(1)}}; ipv6_addr_loopback(&a); })
({ struct in6_addr a = {.s6_addr32 = {0, 0, htonl(0xffff), 5}}; ipv6_addr_v4mapped(&a); })
({ struct in6_addr a = {.s6_addr32 = {7}}, b = {.s6_addr32 = {7}}; ipv6_addr_equal(&a, &b); })
({ struct in6_addr a = {.s6_addr32 = {7}}, b = {.s6_addr32 = {7, 0, 0, 1}}; ipv6_addr_equal(&a, &b); })
({ struct in6_addr a = {.s6_addr = {255, 2}}; ipv6_addr_is_multicast(&a); })
({ struct list_head h; h.next = h.prev = &h; list_empty(&h); }) ({ struct hlist_head h = {}; hlist_empty(&h); })
({ struct rb_root r = {}; RB_EMPTY_ROOT(&r); }) ({ struct rb_node n = {.__rb_parent_color = 0x1001}; (unsigned
long)rb_parent(&n); })
({ struct rb_node n; n.__rb_parent_color = (unsigned long)&n; RB_EMPTY_NODE(&n); })
NICE_TO_PRIO(5) PRIO_TO_NICE(125) MAJOR(0x12345678) MINOR(0x12345678) MKDEV(8, 17) new_encode_dev(MKDEV(259, 1000))
new_decode_dev(0x12345678) huge_encode_dev(MKDEV(259, 1000)) huge_decode_dev(0x12345678) PAGE_ALIGN(5000ul) PFN_UP(5000ul)
PFN_DOWN(5000ul) PFN_PHYS(5) op_is_write(REQ_OP_WRITE) op_is_write(REQ_OP_READ) op_is_sync(REQ_OP_READ)
op_is_sync(REQ_OP_WRITE) op_is_sync(REQ_OP_WRITE | REQ_SYNC) before(1, 2) before(2, 1) before(0xfffffff0, 5) after(1,
2) after(2, 1)
({ struct scatterlist s = {.page_link = 0x1001}; sg_is_chain(&s) != 0; }) ({ struct scatterlist s = {.page_link =
0x1002}; sg_is_last(&s) != 0; })
({ struct scatterlist s = {.page_link = 0x1001}; (unsigned long)sg_chain_ptr(&s); })
({ kuid_t u = {5}; __kuid_val(u); }) ({ kgid_t u = {5}; __kgid_val(u); }) ({ kuid_t a = {5}, b = {6}; uid_eq(a, b) * 2
+ uid_lt(a, b); })
({ kgid_t a = {5}, b = {5}; gid_eq(a, b); }) ({ kuid_t u = {-1}; uid_valid(u); }) KUIDT_INIT(5).val KGIDT_INIT(5).val
GLOBAL_ROOT_UID.val GLOBAL_ROOT_GID.val _AC(5, UL) _AT(u8, 300) _UL(5) _ULL(5) UL(5) ULL(5) USER_HZ THREAD_SIZE
TOP_OF_KERNEL_STACK_PADDING
sizeof(struct { struct_group(both, u8 a; u32 b;); u8 c; })
({ struct { struct_group(both, u8 a; u32 b;); u8 c; } s = {}; s.both.b = 5; s.b + sizeof(s.both); })
sizeof(struct { struct_group_attr(both, __packed, u8 a; u32 b;); u8 c; })
sizeof(struct { struct_group_tagged(pair_of_ours, both, u8 a; u32 b;); u8 c; })
offsetof(struct { u32 n; __struct_group(, both, __packed, u8 a; u32 b;); u8 c; }, c)
sizeof(struct { u32 n; union { DECLARE_FLEX_ARRAY(u8, bytes); DECLARE_FLEX_ARRAY(u32, words); }; })
sizeof(struct sockaddr_storage) offsetof(struct sockaddr_storage, ss_family)
"""  # fmt: skip

# Expressions that read structs: (parameters, expression).
READS = [
    ("struct list_head *h", "(u64)list_entry(h, struct task_struct, tasks)->pid"),
    ("struct list_head *h", "list_first_entry(h, struct task_struct, tasks)->pid"),
    ("struct list_head *h", "list_last_entry(h, struct task_struct, tasks)->pid"),
    ("struct task_struct *t", "list_next_entry(t, tasks)->pid"), ("struct task_struct *t", "list_prev_entry(t, tasks)->pid"),
    ("struct hlist_node *n", "hlist_entry(n, struct task_struct, pid_links[0])->pid"),
    ("struct llist_node *n", "llist_entry(n, struct task_struct, wake_entry.llist)->pid"),
    ("struct rb_node *n", "rb_entry(n, struct task_struct, pushable_dl_tasks)->pid"),
    ("struct list_head *h", "({ struct list_head *at; int n = 0; list_for_each(at, h) if (n++ > 2) break; n; })"),
    ("struct list_head *h", "({ struct task_struct *at; int n = 0; "
     "list_for_each_entry(at, h, tasks) if (n++ > 2) break; n; })"),
    ("struct task_struct *t", "is_idle_task(t)"), ("struct task_struct *t", "task_pid_nr(t)"),
    ("struct task_struct *t", "task_tgid_nr(t)"), ("struct task_struct *t", "(u64)task_stack_page(t)"),
    ("struct task_struct *t", "(u64)task_pt_regs(t)"), ("struct task_struct *t", "task_pt_regs(t)->ip"),
    ("struct file *f", "file_inode(f)->i_ino"), ("struct dentry *d", "d_inode(d)->i_ino"),
    ("struct dentry *d", "d_backing_inode(d)->i_ino"), ("struct request *r", "req_op(r)"), ("struct bio *b", "bio_op(b)"),
    ("struct bio *b", "bio_data_dir(b)"), ("struct bio *b", "bio_sectors(b)"), ("struct request *r", "rq_data_dir(r)"),
    ("struct request *r", "blk_rq_bytes(r)"), ("struct request *r", "blk_rq_pos(r)"), ("struct request *r", "blk_rq_sectors(r)"),
    ("struct request *r", "blk_rq_is_passthrough(r)"), ("struct tcphdr *h", "tcp_flag_byte(h)"),
    ("struct sk_buff *s", "TCP_SKB_CB(s)->seq"), ("struct sk_buff *s", "IPCB(s)->flags"),
    ("struct sk_buff *s", "skb_shinfo(s)->nr_frags"), ("struct sock *s", "tcp_sk(s)->srtt_us"),
    ("struct sock *s", "inet_sk(s)->inet_sport"), ("struct sock *s", "udp_sk(s)->len"), ("struct sock *s", "raw_sk(s)->ipmr_table"),
    ("struct sock *s", "(u64)unix_sk(s)->peer"), ("struct sock *s", "inet_csk(s)->icsk_retransmits"),
    ("struct request_sock *r", "inet_rsk((void *)r)->snd_wscale"), ("struct request_sock *r", "tcp_rsk(r)->snt_isn"),
    ("struct sock *s", "inet_twsk(s)->tw_mark"), ("struct sock *s", "(u64)inet6_sk(s)"),
    ("struct sock *s", "(u64)sock_net(s)"), ("struct net_device *d", "(u64)dev_net(d)"),
    ("struct sk_buff *s", "skb_headlen(s)"), ("struct sk_buff *s", "skb_is_nonlinear(s)"),
    ("struct sk_buff *s", "tcp_hdr(s)->dest"), ("struct sk_buff *s", "udp_hdr(s)->dest"), ("struct sk_buff *s", "icmp_hdr(s)->type"),
    ("struct sk_buff *s", "ip_hdr(s)->daddr"), ("struct sk_buff *s", "ipv6_hdr(s)->hop_limit"),
    ("struct sk_buff *s", "eth_hdr(s)->h_proto"), ("struct sk_buff *s", "(u64)skb_mac_header(s)"),
    ("struct sk_buff *s", "(u64)skb_network_header(s)"), ("struct sk_buff *s", "(u64)skb_transport_header(s)"),
    ("struct sk_buff *s", "(u64)skb_tail_pointer(s)"), ("struct sk_buff *s", "(u64)skb_end_pointer(s)"),
    ("struct sk_buff *s", "skb_mac_header_was_set(s)"), ("struct sk_buff *s", "skb_transport_header_was_set(s)"),
    ("struct sk_buff *s", "tcp_hdrlen(s)"), ("struct sk_buff_head *h", "(u64)skb_peek(h)"),
    ("struct sk_buff_head *h", "skb_queue_empty(h)"), ("struct sk_buff_head *h", "skb_queue_len(h)"),
    ("struct sk_buff *s", "skb_get_queue_mapping(s)"), ("struct sk_buff *s", "skb_rx_queue_recorded(s)"),
    ("struct sk_buff *s", "skb_get_rx_queue(s)"), ("struct sk_buff *s", "skb_is_gso(s)"),
    ("struct tcp_sock *t", "tcp_packets_in_flight(t)"), ("struct hlist_node *n", "hlist_entry_safe(n, struct sock, __sk_common.skc_node)->__sk_common.skc_dport"),

    ("struct hlist_head *h", "({ struct sock *s; int n = 0; sk_for_each(s, h) if (n++ > 2) break; n; })"),
    ("struct scatterlist *s", "(u64)sg_page(s)"),
    ("atomic_t *a", "atomic_read(a)"), ("atomic64_t *a", "atomic64_read(a)"), ("atomic_long_t *a", "atomic_long_read(a)"),
    ("refcount_t *a", "refcount_read(a)"), ("struct kref *a", "kref_read(a)"),
    ("struct folio *f", "(u64)folio_page(f, 3)"),
    ("u64 *p", "READ_ONCE(*p)"), ("unsigned long *p", "test_bit(66, p)"),
]  # fmt: skip

# {expression: word}: not compared if the headers have the word, because their definition then compiles to different
# code, with the same result.
DIFFERENT_CODE = {"blk_rq_is_passthrough(r)": "REQ_OP_SCSI_IN"}


def samples():
    """The expressions in SAMPLES, which are separated by blanks outside parentheses."""
    depth, text = 0, ""
    for character in SAMPLES:
        depth += (character in "({[") - (character in ")}]")
        text += " " if character.isspace() else character
        if not depth and character.isspace():
            if text.strip():
                yield text.strip()
            text = ""


def constants():
    """Names of the constants in macros.h and in user-space headers, except attributes and strings."""
    predefined = subprocess.run(["cc", "-E", "-dM", "-x", "c", "/dev/null"], check=True, text=True, stdout=subprocess.PIPE).stdout
    own = re.findall(r"^#define (\w+)[ \\\n\t]+(?!__attribute__|inline\b|\s)(?:.|\\\n)+$", OWN, re.M)
    macros = subprocess.run(["cc", "-E", "-dM", "-x", "c", "-"], input=USER_SPACE, check=True, text=True, stdout=subprocess.PIPE)
    user_space = re.findall(r'^#define ([A-Z][A-Z0-9_]*|__NR_\w+|__[A-Z0-9_]+) (?!.*["{])(.+)$', macros.stdout, re.M)
    preprocessed = subprocess.run(["cc", "-E", "-P", "-x", "c", "-"], input=USER_SPACE, check=True, text=True, stdout=subprocess.PIPE)
    enums = ",".join(re.findall(r"\benum\b[^;{(]*\{([^}]*)\}", preprocessed.stdout))
    names = dict.fromkeys([*own, *(name for name, _ in user_space), *re.findall(r"(?:^|,)\s*([A-Z_][A-Z0-9_]+)\b", enums)])
    return [name for name in names if f"#define {name} " not in predefined]


def is_unchecked(name):
    return any(re.fullmatch(pattern, name) for pattern in UNCHECKED)


class Kernel:
    """One kernel: its headers, and a directory that stands for "/" on a machine that runs it."""

    def __init__(self, suite, root):
        def path(what):
            done = subprocess.run([VM_RUN, "--kernel", suite, "--" + what], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return Path(done.stdout.strip())

        build, btf = path("headers"), path("btf")
        release = btf.parent.name
        config = next(file for file in (btf.parent / "boot" / f"config-{release}",
                                        btf.parent / "lib/modules" / release / "config") if file.exists())
        self.root = root
        for name, text in (("proc/sys/kernel/osrelease", release), ("proc/sys/kernel/version", "#1 SMP Debian"),
                           ("proc/sys/kernel/arch", "x86_64"), ("sys/devices/system/cpu/possible", "0-1"),
                           (f"boot/config-{release}", config.read_text())):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text + "\n")
        (root / "sys/kernel/btf").mkdir(parents=True)
        (root / "sys/kernel/btf/vmlinux").symlink_to(btf)
        common = Path(re.sub(r"-\w+$", "-common", str(build)))
        parts = ("arch/x86/include", "arch/x86/include/generated", "include", "arch/x86/include/uapi",
                 "arch/x86/include/generated/uapi", "include/uapi", "include/generated/uapi")
        self.build = build
        self.directories = [tree / part for part in parts for tree in (common, build) if (tree / part).is_dir()]
        wanted = dict.fromkeys(INCLUDES + re.findall(r"#include <(.*)>", USER_SPACE))
        self.includes = "".join(f"#include <{name}>\n" for name in wanted
                                if any((directory / name).exists() for directory in self.directories))

    @functools.cached_property
    def words(self):
        """Every word in its headers."""
        files = (file for tree in self.directories if tree.name in ("include", "uapi") for file in tree.rglob("*.h"))
        return set(re.findall(r"\w+", "\n".join(file.read_text(errors="replace") for file in files)))

    def compiled(self, text, types):
        """The BPF object compiled from a source for this kernel."""
        module = _ebcc.Module(source=text.encode(), file_name=None, header=None, cflags=[b"-w"], debug=0, kernel_types=types,
                              compiler=0, btf_path=None, device=None, no_rlimit=False, kernel_root=str(self.root).encode())
        try:
            return module.object()
        finally:
            module.close()


@pytest.fixture(params=SUITES, scope="module")
def kernel(request, tmp_path_factory):
    return Kernel(request.param, tmp_path_factory.mktemp("root"))


def messages_by_name(lines, first, names):
    """{name: its first message}. Each name has a line of its own, from line `first` on; `lines` are (line, message)."""
    found = {}
    for line, message in lines:
        if 0 <= int(line) - first < len(names):
            found.setdefault(names[int(line) - first], message)
    return found


NATIVE_FLAGS = """-nostdinc -D__KERNEL__ -DMODULE -DCC_USING_FENTRY -DKBUILD_MODNAME="x" -std=gnu11 -fms-extensions -O2 -w
-ffreestanding -fno-pie -no-pie -fno-stack-protector -fno-strict-aliasing -mno-sse -include linux/kconfig.h
-include linux/compiler_types.h""".split()
# Prints the values; it is compiled without the kernel's headers. Kernel functions that no header defines are at
# address 0: an expression that calls one faults, and "-" is printed for it.
PRINTER = """
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
extern const unsigned long long constants[];
extern unsigned long long (*const functions[])(void);
extern const unsigned int constant_count, function_count;
static sigjmp_buf before;
static void jump(int number) { siglongjmp(before, number); }
int main(void) {
    for (unsigned int i = 0; i < constant_count; i++)
        printf("%llx\\n", constants[i]);
    signal(SIGSEGV, jump);
    for (volatile unsigned int i = 0; i < function_count; i++)
        if (sigsetjmp(before, 1)) puts("-"); else printf("%llx\\n", functions[i]());
}
"""
# Calls of kernel functions that no header defines, and their results in a kernel with 250 jiffies a second.
RESULTS_AT_250_HZ = {
    "jiffies_to_msecs(1001ul)": 4004, "jiffies_to_usecs(1001ul)": 4004000, "nsecs_to_jiffies64(1000000000ull)": 250,
    "nsecs_to_jiffies(1000000000ull)": 250,
}  # fmt: skip


def native_source(kernel, constants, functions):
    """A source with one line for each header, one more line, and then one for each expression."""
    return "".join([
        kernel.includes, "const unsigned long long constants[] = {\n", *(f"(({text}) | 0ULL),\n" for text in constants),
        *(f"{'' if i else '};'}static unsigned long long f{i}(void) {{ return (({text}) | 0ULL); }}\n"
          for i, text in enumerate(functions)),
        "unsigned long long (*const functions[])(void) = {", ", ".join(f"f{i}" for i in range(len(functions))), "};\n",
        f"const unsigned int constant_count = {len(constants)}, function_count = {len(functions)};\n"])


def native(kernel, constants, functions, directory):
    """Compiles expressions with the kernel's headers and runs them. Returns {expression: value}, and {expression:
    message} for those without a value."""
    own_headers = subprocess.run(["cc", "-print-file-name=include"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    flags = [*NATIVE_FLAGS, "-isystem", own_headers, *(f"-I{name}" for name in kernel.directories)]
    first, complaints = kernel.includes.count("\n") + 2, {}
    source, objects, last = directory / "values.c", directory / "values.o", False
    (directory / "printer.c").write_text(PRINTER)
    while True:
        source.write_text(native_source(kernel, constants, functions))
        output = ["-c", "-o", objects] if last else ["-fsyntax-only"]
        done = subprocess.run(["cc", *flags, *output, source], capture_output=True, text=True, check=False)
        if not done.returncode and last:
            break
        last = not done.returncode
        messages = re.findall(rf"^{re.escape(str(source))}:(\d+):\d+: (?:error|note): (.*)", done.stderr, re.M)
        dropped = {} if last else messages_by_name(messages, first, [*constants, *functions])
        assert dropped or last, done.stderr[:4000]
        complaints.update(dropped)
        constants = [text for text in constants if text not in dropped]
        functions = [text for text in functions if text not in dropped]
    subprocess.run(["cc", "-no-pie", "-w", "-Wl,--unresolved-symbols=ignore-all", directory / "printer.c", objects, "-o",
                    directory / "values"], check=True)
    printed = subprocess.run([directory / "values"], check=True, text=True, stdout=subprocess.PIPE).stdout.split()
    values = dict(zip(constants + functions, printed))
    complaints.update({text: "is not an inline function" for text, value in values.items() if value == "-"})
    return {text: int(value, 16) for text, value in values.items() if value != "-"}, complaints


def returned_number(code):
    """The number that a program returns, or None if it does anything else."""
    if code[-8:] != b"\x95" + bytes(7):
        return None
    opcode, registers, _offset, low = struct.unpack_from("<BBhi", code)
    if registers or len(code) != (24 if opcode == 0x18 else 16):
        return None
    if opcode == 0x18:
        return (low & 0xFFFFFFFF) | struct.unpack_from("<I", code, 12)[0] << 32
    return {0xB7: low & (1 << 64) - 1, 0xB4: low & (1 << 32) - 1}.get(opcode)


def from_btf(kernel, expressions, form):
    """Compiles expressions with ebcc, from the kernel's BTF. Returns the object, the expressions in it, and
    {expression: message} for the others."""
    complaints = {}
    while True:
        try:
            return kernel.compiled(form(expressions), BTF), expressions, complaints
        except _ebcc.Error as error:
            dropped = messages_by_name(re.findall(r"^main\.c:(\d+):\d+: error: (.*)", str(error), re.M), 2, expressions)
            assert dropped, str(error)[:4000]
        complaints.update(dropped)
        expressions = [text for text in expressions if text not in dropped]


def as_table(expressions):
    return ("const volatile u64 values[] = {\n" + "".join(f"(({text}) | 0ULL),\n" for text in expressions)
            + "};\nint probe(void *ctx) { return values[1]; }\n")


def as_functions(expressions):
    return "\n" + "".join(f"u64 f{i}(void *ctx) {{ return (({text}) | 0ULL); }}\n" for i, text in enumerate(expressions))


def test_every_definition_is_accounted_for():
    """Every macro with parameters and every function is in SAMPLES, READS, test_attributes.py or UNCHECKED."""
    names = re.findall(r"^#define (\w+)\((?!(?:[^)]*\)) *(?:\\\n\s*)?(?:__attribute__.*)?$)", OWN, re.M) + FUNCTION.findall(OWN)
    tried = SAMPLES + " ".join(expression for _, expression in READS)
    missing = [name for name in names if not re.search(rf"\b{name}\b", tried) and not is_unchecked(name)]
    assert len(names) > 250 and not missing, missing


@pytest.fixture(scope="module")
def header_values(kernel, tmp_path_factory):
    """By the kernel's headers: the values of constants, those of samples, and the messages about expressions without a
    value."""
    names = [name for name in constants() if name in kernel.words and not is_unchecked(name)]
    values, complaints = native(kernel, names, list(samples()), tmp_path_factory.mktemp("native"))
    tried = {text: values.pop(text) for text in samples() if text in values}
    return values, {**tried, **RESULTS_AT_250_HZ}, complaints


def test_constants_have_the_kernels_values(kernel, header_values):
    """Every constant that both define has the same value, in all 64 bits."""
    values, _samples, _complaints = header_values
    elf, compiled, complaints = from_btf(kernel, list(values), as_table)
    given = dict(zip(compiled, struct.unpack_from(f"<{len(compiled)}Q", section(elf, b".rodata"))))
    assert len(given) > 8000
    wrong = {name: (hex(value), hex(values[name])) for name, value in given.items() if value != values[name]}
    assert not wrong, wrong
    own = set(re.findall(r"^#define (\w+)", OWN, re.M))
    assert not own & complaints.keys(), complaints


def test_functions_have_the_kernels_results(kernel, header_values):
    """Functions and macros with parameters give the same values as the kernel's own."""
    _constants, values, complaints = header_values
    elf, compiled, refusals = from_btf(kernel, list(samples()), as_functions)
    given = {text: returned_number(section(elf, f".ebcc/void/f{i}".encode())) for i, text in enumerate(compiled)}
    unknown = [text for text in given if text not in values]
    wrong = {text: (value, values[text]) for text, value in given.items() if text in values and value != values[text]}
    assert not wrong, wrong
    assert not refusals, refusals
    assert len(unknown) < 30, {text: complaints[text] for text in unknown}
    included = kernel.compiled(kernel.includes + as_functions(compiled), BTF)
    names = [f".ebcc/void/f{i}".encode() for i in range(len(compiled))]
    assert [section(included, name) for name in names] == [section(elf, name) for name in names]


def test_reads_compile_to_the_same_code(kernel, tmp_path, monkeypatch):
    """Code that reads the kernel's structs is the same whether ebcc compiles it from BTF or from headers."""
    monkeypatch.setenv("BCC_KERNEL_SOURCE", str(kernel.build))
    monkeypatch.setenv("EBCC_CACHE", str(tmp_path / "cache"))
    own = set(re.findall(r"^#define (\w+)\(", OWN, re.M)) - kernel.words
    reads = [(parameters, expression) for parameters, expression in READS if not own & set(re.findall(r"\w+", expression))
             and DIFFERENT_CODE.get(expression) not in kernel.words]
    text = kernel.includes + "".join(f"u64 f{i}(struct pt_regs *ctx, {parameters}) {{ return {expression}; }}\n"
                                     for i, (parameters, expression) in enumerate(reads))
    for name, types in (("btf", BTF), ("headers", HEADERS)):
        (tmp_path / name).write_bytes(kernel.compiled(text, types))
    one, two = agreement.functions([str(tmp_path / "btf"), str(tmp_path / "headers")]).values()
    assert len(one) == len(reads) > len(READS) - 5
    differences = {reads[int(re.search(r"f(\d+)>$", name)[1])][1]: agreement.difference({name: one[name]}, {name: two[name]})
                   for name in one}
    differences = {expression: text for expression, text in differences.items() if text}
    assert not differences, "\n".join(f"{expression}:\n{text}" for expression, text in differences.items())
