# SPDX-License-Identifier: Apache-2.0
"""The packet headers of bcc/proto.h: every field is read and written, in packets that the tests make."""

import os
import pathlib
import struct

import pytest

import ebcc
from ebcc import BPF
from kernel_calls import run

MAC_A, MAC_B = bytes.fromhex("0a1b2c3d4e5f"), bytes.fromhex("f0e1d2c3b4a5")


def ethernet(kind, dst=MAC_A, src=MAC_B):
    return dst + src + struct.pack(">H", kind)


def ipv4(protocol, payload=b"", tos=0xb8, identification=0x1234, fragment=0x4005, ttl=61,
         src=0x0a010203, dst=0xc0a80105):
    return struct.pack(">BBHHHBBHII", 0x45, tos, 20 + len(payload), identification, fragment, ttl,
                       protocol, 0xbeef, src, dst) + payload


UDP = struct.pack(">HHHH", 0xd431, 53, 8 + 16, 0xabcd)
TCP = struct.pack(">HHIIBBHHH", 0xd431, 443, 0x89abcdef, 0x01234567, 0x5a, 0b10110010, 0xfeed,
                  0xcafe, 0x0102)

HEADERS = {
    # struct: (the headers before it, its bytes, {field: value})
    "ethernet_t": (b"", ethernet(0x0800), {
        "dst": 0x0a1b2c3d4e5f, "src": 0xf0e1d2c3b4a5, "type": 0x0800}),
    "dot1q_t": (ethernet(0x8100), struct.pack(">HH", 0b101_1_001000110100, 0x86dd), {
        "pri": 5, "cfi": 1, "vlanid": 0x234, "type": 0x86dd}),
    "arp_t": (ethernet(0x0806), struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2) + MAC_B +
              bytes([10, 1, 2, 3]) + MAC_A + bytes([192, 168, 1, 5]), {
        "htype": 1, "ptype": 0x0800, "hlen": 6, "plen": 4, "oper": 2, "sha": 0xf0e1d2c3b4a5,
        "spa": 0x0a010203, "tha": 0x0a1b2c3d4e5f, "tpa": 0xc0a80105}),
    "ip_t": (ethernet(0x0800), ipv4(17), {
        "ver": 4, "hlen": 5, "tos": 0xb8, "tlen": 20, "identification": 0x1234, "ffo_unused": 0,
        "df": 1, "mf": 0, "foffset": 5, "ttl": 61, "nextp": 17, "hchecksum": 0xbeef,
        "src": 0x0a010203, "dst": 0xc0a80105}),
    "icmp_t": (ethernet(0x0800) + ipv4(1), struct.pack(">BBH", 8, 3, 0x9876), {
        "type": 8, "code": 3, "checksum": 0x9876}),
    "ip6_t": (ethernet(0x86dd), struct.pack(">IHBBQQQQ", 0x6abcdef0, 0x1122, 6, 63,
                                            0x20010db8_00000001, 0x2, 0xfe80 << 48,
                                            0x89abcdef01234567), {
        "ver": 6, "priority": 0xab, "flow_label": 0xcdef0, "payload_len": 0x1122,
        "next_header": 6, "hop_limit": 63, "src_hi": 0x20010db800000001, "src_lo": 2,
        "dst_hi": 0xfe80 << 48, "dst_lo": 0x89abcdef01234567}),
    "ip6_opt_t": (ethernet(0x86dd), bytes([58, 1, 0, 1, 2, 3, 4, 5]), {
        "next_header": 58, "ext_len": 1}),
    "icmp6_t": (ethernet(0x86dd), struct.pack(">BBH", 135, 4, 0x4321), {
        "type": 135, "code": 4, "checksum": 0x4321}),
    "udp_t": (ethernet(0x0800) + ipv4(17), UDP, {
        "sport": 0xd431, "dport": 53, "length": 24, "crc": 0xabcd}),
    "tcp_t": (ethernet(0x0800) + ipv4(6), TCP, {
        "src_port": 0xd431, "dst_port": 443, "seq_num": 0x89abcdef, "ack_num": 0x01234567,
        "offset": 5, "reserved": 0xa, "flag_cwr": 1, "flag_ece": 0, "flag_urg": 1, "flag_ack": 1,
        "flag_psh": 0, "flag_rst": 0, "flag_syn": 1, "flag_fin": 0, "rcv_wnd": 0xfeed,
        "cksum": 0xcafe, "urg_ptr": 0x0102}),
    "vxlan_t": (ethernet(0x0800) + ipv4(17) + UDP, bytes.fromhex("0812345689abcdef"), {
        "rsv1": 0, "iflag": 1, "rsv2": 0, "rsv3": 0x123456, "key": 0x89abcd, "rsv4": 0xef}),
    "vxlan_gbp_t": (ethernet(0x0800) + ipv4(17) + UDP, bytes.fromhex("884812349abcde42"), {
        "gflag": 1, "rsv1": 0, "iflag": 1, "rsv2": 0, "rsv3": 0, "dflag": 1, "rsv4": 0, "aflag": 1,
        "rsv5": 0, "tag": 0x1234, "key": 0x9abcde, "rsv6": 0x42}),
}

# struct: {field: (first bit, number of bits)}, to check stores.
PLACES = {
    "ethernet_t": {"dst": (0, 48), "src": (48, 48), "type": (96, 16)},
    "dot1q_t": {"pri": (0, 3), "cfi": (3, 1), "vlanid": (4, 12), "type": (16, 16)},
    "arp_t": {"oper": (48, 16), "sha": (64, 48), "spa": (112, 32), "tha": (144, 48),
              "tpa": (192, 32)},
    "ip_t": {"ver": (0, 4), "hlen": (4, 4), "tos": (8, 8), "df": (49, 1), "mf": (50, 1),
             "foffset": (51, 13), "ttl": (64, 8), "src": (96, 32), "dst": (128, 32)},
    "ip6_t": {"ver": (0, 4), "priority": (4, 8), "flow_label": (12, 20), "payload_len": (32, 16),
              "src_hi": (64, 64), "dst_lo": (256, 64)},
    "icmp_t": {"code": (8, 8), "checksum": (16, 16)},
    "udp_t": {"sport": (0, 16), "dport": (16, 16), "crc": (48, 16)},
    "tcp_t": {"dst_port": (16, 16), "seq_num": (32, 32), "offset": (96, 4), "reserved": (100, 4),
              "flag_cwr": (104, 1), "flag_ack": (107, 1), "flag_fin": (111, 1),
              "rcv_wnd": (112, 16)},
    "vxlan_t": {"iflag": (4, 1), "rsv3": (8, 24), "key": (32, 24), "rsv4": (56, 8)},
}


def with_bits(data, place, width, value):
    """The bytes with one field, which is in network byte order, replaced."""
    number = int.from_bytes(data, "big")
    shift = len(data) * 8 - place - width
    mask = ((1 << width) - 1) << shift
    return ((number & ~mask) | (value << shift) & mask).to_bytes(len(data), "big")


def reader(name, before, fields):
    """A program that stores every field of one header in an array."""
    reads = "\n".join("index = %d; value = header->%s; values.update(&index, &value);" % (i, field)
                      for i, field in enumerate(fields))
    return """
        #include <bcc/proto.h>
        BPF_ARRAY(values, u64, 32);
        int prog(struct __sk_buff *skb) {
            u8 *cursor = 0;
            int index; u64 value;
            cursor_advance(cursor, %d);
            struct %s *header = cursor_advance(cursor, sizeof(*header));
            %s
            return 1;
        }""" % (len(before), name, reads)


@pytest.mark.parametrize("kind", ["SCHED_CLS", "SOCKET_FILTER"])
@pytest.mark.parametrize("name", sorted(HEADERS))
def test_fields_are_read(load, name, kind):
    before, header, fields = HEADERS[name]
    bpf = load(reader(name, before, fields))
    packet = before + header + bytes(40)
    # A test run of a socket filter removes a link-layer header first: it gets one more.
    link = ethernet(0x0800) if kind == "SOCKET_FILTER" else b""
    assert run(bpf.load_func("prog", getattr(BPF, kind)), link + packet)[0] == 1
    values = [leaf.value for leaf in bpf["values"].values()]
    assert dict(zip(fields, values)) == fields


@pytest.mark.parametrize("name, field", [(name, field) for name in sorted(PLACES)
                                         for field in PLACES[name]])
def test_fields_are_written(load, name, field):
    before, header, fields = HEADERS[name]
    place, width = PLACES[name][field]
    new = 0xa5a5a5a5a5a5a5a5 & ((1 << width) - 1) if width > 1 else 1 - fields[field]
    bpf = load("""
        #include <bcc/proto.h>
        int prog(struct __sk_buff *skb) {
            u8 *cursor = (u8 *)%d;
            struct %s *header = cursor_advance(cursor, sizeof(*header));
            header->%s = %dULL;
            return header->%s == %dULL;
        }""" % (len(before), name, field, new, field, new))
    packet = before + header + bytes(32)
    result, after = run(bpf.load_func("prog", BPF.SCHED_CLS), packet)
    assert result == 1
    assert after == before + with_bits(header, place, width, new) + bytes(32)


PARSER = """
    #include <bcc/proto.h>
    BPF_ARRAY(values, u64, 16);
    static inline void keep(int index, u64 value) { values.update(&index, &value); }
    int prog(struct __sk_buff *skb) {
        u8 *cursor = 0;
        struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
        u16 type = ethernet->type;
        if (type == 0x8100) {
            struct dot1q_t *tag = cursor_advance(cursor, sizeof(*tag));
            keep(0, tag->vlanid);
            type = tag->type;
        }
        switch (type) {
        case 0x0800: goto ip;
        case 0x86dd: goto ip6;
        default: return -1;
        }
    ip6: {
            struct ip6_t *ip6 = cursor_advance(cursor, sizeof(*ip6));
            keep(1, ip6->dst_lo);
            if (ip6->next_header != 17)
                return -2;
            goto udp;
        }
    ip: {
            struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
            // Options follow.
            cursor_advance(cursor, (ip->hlen << 2) - sizeof(*ip));
            keep(1, ip->dst);
            if (ip->nextp == 6)
                goto tcp;
            if (ip->nextp != 17)
                return -3;
        }
    udp: {
            struct udp_t *udp = cursor_advance(cursor, sizeof(*udp));
            keep(2, udp->dport);
            if (udp->dport != 4789)
                return 2;
            struct vxlan_t *vxlan = cursor_advance(cursor, sizeof(*vxlan));
            keep(3, vxlan->key);
            struct ethernet_t *inner = cursor_advance(cursor, sizeof(*inner));
            keep(4, inner->src);
            return 3;
        }
    tcp: {
            struct tcp_t *tcp = cursor_advance(cursor, sizeof(*tcp));
            keep(2, tcp->dst_port);
            keep(5, tcp->flag_syn && !tcp->flag_fin ? tcp->seq_num : 0);
            cursor_advance(cursor, (tcp->offset << 2) - sizeof(*tcp));
            keep(6, load_byte(skb, (u64)cursor));
            keep(7, load_half(skb, (u64)cursor));
            keep(8, load_word(skb, (u64)cursor));
            keep(9, load_dword(skb, (u64)cursor));
            return 4;
        }
    }"""


def values_after(load, packet, kind="SCHED_CLS"):
    bpf = load(PARSER)
    result, _ = run(bpf.load_func("prog", getattr(BPF, kind)), packet)
    return result, [leaf.value for leaf in bpf["values"].values()][:10]


def test_parser_of_tcp_with_options(load):
    options = bytes(12)
    ip = bytearray(ipv4(6, bytes(64)))
    ip[0] = 0x46  # one word of options
    ip[20:] = bytes(4)
    tcp = bytearray(TCP)
    tcp[12] = 0x80  # three words of options
    packet = ethernet(0x0800) + bytes(ip[:24]) + bytes(tcp) + options + b"GET / HTTP" + bytes(20)
    result, values = values_after(load, packet)
    assert result == 4
    assert values == [0, 0xc0a80105, 443, 0, 0, 0x89abcdef, ord("G"),
                      int.from_bytes(b"GE", "big"), int.from_bytes(b"GET ", "big"),
                      int.from_bytes(b"GET / HT", "big")]


def test_parser_of_vxlan_in_a_vlan(load):
    udp = struct.pack(">HHHH", 1, 4789, 50, 0)
    vxlan = bytes.fromhex("0800000000abcd00")
    packet = ethernet(0x8100) + struct.pack(">HH", 0x3456, 0x0800) + \
        ipv4(17, udp + vxlan + ethernet(0x0800, MAC_B, MAC_A)) + bytes(16)
    # The kernel removes the tag of a received packet, but not that of a test run's packet.
    result, values = values_after(load, packet)
    assert (result, values[:5]) == (3, [0x456, 0xc0a80105, 4789, 0xabcd, 0x0a1b2c3d4e5f])


def test_parser_of_udp_in_ip6(load):
    ip6 = HEADERS["ip6_t"][1]
    packet = ethernet(0x86dd) + ip6[:6] + bytes([17]) + ip6[7:] + UDP + bytes(32)
    result, values = values_after(load, bytes(14) + packet, "SOCKET_FILTER")
    assert (result, values[:3]) == (2, [0, 0x89abcdef01234567, 53])


def test_load_beyond_the_packet_ends_the_program(load):
    bpf = load("int prog(struct __sk_buff *skb) { return load_word(skb, 4000) + 5; }")
    assert run(bpf.load_func("prog", BPF.SOCKET_FILTER))[0] == 0


def test_arithmetic_on_fields(load):
    bpf = load("""
        #include <bcc/proto.h>
        int prog(struct __sk_buff *skb) {
            u8 *cursor = 0;
            struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
            struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
            ip->ttl--;
            ip->tos |= 1;
            ip->tlen += 0x100;
            ip->dst = ip->src;
            ethernet->src = ethernet->dst;
            return ip->ttl;
        }""")
    result, after = run(bpf.load_func("prog", BPF.SCHED_CLS),
                        ethernet(0x0800) + ipv4(17) + bytes(20))
    assert result == 60
    assert after[:34] == ethernet(0x0800, MAC_A, MAC_A) + struct.pack(
        ">BBHHHBBHII", 0x45, 0xb9, 0x114, 0x1234, 0x4005, 60, 17, 0xbeef, 0x0a010203, 0x0a010203)


def test_a_header_that_the_source_declares(load):
    """It works like those of bcc/proto.h."""
    bpf = load("""
        #include <bcc/proto.h>
        struct mine_t {
            u32 high:12;
            u32 low:20;
            u16 tail;
        } BPF_PACKET_HEADER;
        int prog(struct __sk_buff *skb) {
            u8 *cursor = (u8 *)14;
            struct mine_t *mine = cursor_advance(cursor, sizeof(*mine));
            mine->tail = mine->high;
            return mine->low;
        }""")
    result, after = run(bpf.load_func("prog", BPF.SCHED_CLS),
                        bytes(14) + bytes.fromhex("abcdef010000") + bytes(40))
    assert (result, after[14:20].hex()) == (0xdef01, "abcdef010abc")


@pytest.mark.parametrize("bytes_of", ["struct ethhdr", "struct iphdr"])
def test_direct_packet_access(load, bytes_of):
    """The kernel's own header structs, through data pointers whose bounds are checked."""
    bpf = load("""
        #include <linux/if_ether.h>
        #include <linux/ip.h>
        int prog(struct xdp_md *ctx) {
            void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
            struct ethhdr *ethernet = data;
            struct iphdr *ip = data + sizeof(*ethernet);
            if ((void *)(ip + 1) > end)
                return XDP_ABORTED;
            if (sizeof(%s) != 14 && ip->daddr != htonl(0xc0a80105))
                return XDP_DROP;
            if (ethernet->h_proto != htons(ETH_P_IP) || ip->ihl != 5)
                return XDP_DROP;
            ip->ttl = 7;
            ethernet->h_dest[5] = 0x77;
            return XDP_TX;
        }""" % bytes_of)
    result, after = run(bpf.load_func("prog", BPF.XDP), ethernet(0x0800) + ipv4(17) + bytes(40))
    assert (result, after[22], after[5]) == (BPF.XDP_TX, 7, 0x77)
    assert run(bpf.load_func("prog", BPF.XDP), ethernet(0x0800) + bytes(10))[0] == BPF.XDP_ABORTED


def test_packet_helpers_of_a_classifier(load):
    bpf = load("""
        #include <linux/pkt_cls.h>
        #include <bcc/proto.h>
        int prog(struct __sk_buff *skb) {
            u8 mac[6] = {1, 2, 3, 4, 5, 6};
            u32 word = 0;
            skb->mark = 5;
            skb->priority = skb->len;
            if (bpf_skb_store_bytes(skb, 6, mac, sizeof(mac), 0))
                return TC_ACT_SHOT;
            if (bpf_skb_load_bytes(skb, 26, &word, sizeof(word)) || word != htonl(0x0a010203))
                return TC_ACT_SHOT;
            bpf_l3_csum_replace(skb, 24, htons(0x1234), htons(0x1235), 2);
            return skb->protocol == htons(0x0800) ? TC_ACT_PIPE : TC_ACT_OK;
        }""")
    packet = ethernet(0x0800) + ipv4(17) + bytes(30)
    result, after = run(bpf.load_func("prog", BPF.SCHED_CLS), packet)
    assert (result, after[6:12], after[24:26].hex()) == (3, bytes([1, 2, 3, 4, 5, 6]), "beee")


def test_a_field_that_is_too_wide_is_an_error(load):
    with pytest.raises(ebcc.CompileError, match="can't be accessed as one value"):
        load("""
            #include <bcc/proto.h>
            struct wide_t { unsigned __int128 all; } BPF_PACKET_HEADER;
            int prog(struct __sk_buff *skb) {
                u8 *cursor = 0;
                struct wide_t *wide = cursor_advance(cursor, sizeof(*wide));
                return wide->all > 5;
            }""")


def test_the_current_task_in_a_packet_program(load):
    """Reads of the task are probe reads; reads of the packet are not."""
    bpf = load("""
        #include <linux/sched.h>
        BPF_HASH(seen, u32, u64);
        int prog(struct __sk_buff *skb) {
            void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
            struct task_struct *task = (struct task_struct *)bpf_get_current_task();
            u32 pid = task->group_leader->tgid;
            u64 first = 0, *found;
            if (data + 14 > data_end)
                return 0;
            first = *(u8 *)data + task->comm[0];
            seen.update(&pid, &first);
            found = seen.lookup(&pid);
            return found ? *found : 0;
        }""")
    assert run(bpf.load_func("prog", BPF.SCHED_CLS), b"\x05" + bytes(63))[0] == \
        5 + pathlib.Path("/proc/self/comm").read_bytes()[0]
    assert [key.value for key in bpf["seen"].keys()] == [os.getpid()]


def test_headers_in_static_functions(load):
    """Cursors and packet structs are passed to static functions, by value and by pointer."""
    bpf = load("""
        #include <bcc/proto.h>
        static inline struct ip_t *next_ip(u8 **cursor) {
            struct ip_t *ip = cursor_advance(*cursor, sizeof(*ip));
            return ip;
        }
        static u32 sum(struct ip_t *ip, int times) {
            return ip->ttl * times + ip->hlen;
        }
        static void age(struct ip_t *ip) { ip->ttl -= 1; }
        int prog(struct __sk_buff *skb) {
            u8 *cursor = 0;
            struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
            struct ip_t *ip;
            if (ethernet->type != 0x0800)
                return -1;
            ip = next_ip(&cursor);
            age(ip);
            return sum(ip, 100) + (u64)cursor;
        }""")
    result, after = run(bpf.load_func("prog", BPF.SCHED_CLS),
                        ethernet(0x0800) + ipv4(17) + bytes(30))
    assert (result, after[22]) == (60 * 100 + 5 + 34, 60)


def test_arrays_in_headers_and_loops(load):
    bpf = load("""
        #include <bcc/proto.h>
        int prog(struct __sk_buff *skb) {
            u8 *cursor = (u8 *)14;
            u32 sum = 0, hops = 0;
            u8 next = 0;
            #pragma unroll
            for (int i = 0; i < 4; i++) {
                struct ip6_opt_t *option = cursor_advance(cursor, sizeof(*option));
                sum += option->pad[5] + option->pad[0] * 256;
                option->pad[1] = 0x40 + i;
                next = option->next_header;
                hops++;
                if (next == 59)
                    break;
            }
            return sum * 10 + hops;
        }""")
    options = [bytes([0, 0, i, 0, 0, 0, 0, 7]) for i in range(2)]
    options.append(bytes([59, 0, 2, 0, 0, 0, 0, 9]))
    result, after = run(bpf.load_func("prog", BPF.SCHED_CLS),
                        bytes(14) + b"".join(options) + bytes(40))
    assert result == (7 + 7 + 256 + 9 + 512) * 10 + 3
    assert [after[14 + 3 + 8 * i] for i in range(4)] == [0x40, 0x41, 0x42, 0]


COUNTER = """
    #define KBUILD_MODNAME "counter"
    #include <uapi/linux/bpf.h>
    #include <linux/in.h>
    #include <linux/if_ether.h>
    #include <linux/if_packet.h>
    #include <linux/if_vlan.h>
    #include <linux/ip.h>
    #include <linux/ipv6.h>

    BPF_TABLE(MAPTYPE, uint32_t, long, seen, 256);

    static inline int protocol_of_ip4(void *data, u64 offset, void *end) {
        struct iphdr *ip = data + offset;
        if ((void *)&ip[1] > end)
            return 0;
        return ip->protocol;
    }
    static inline int protocol_of_ip6(void *data, u64 offset, void *end) {
        struct ipv6hdr *ip6 = data + offset;
        if ((void *)&ip6[1] > end)
            return 0;
        return ip6->nexthdr;
    }
    int prog(struct CTXTYPE *ctx) {
        void *end = (void *)(long)ctx->data_end, *data = (void *)(long)ctx->data;
        struct ethhdr *ethernet = data;
        uint64_t offset = sizeof(*ethernet);
        uint32_t index;
        uint16_t kind;
        long *count;
        if (data + offset > end)
            return RETURNCODE;
        kind = ethernet->h_proto;
        for (int i = 0; i < 2; i++) {
            if (kind == htons(ETH_P_8021Q) || kind == htons(ETH_P_8021AD)) {
                struct vlan_hdr *tag = data + offset;
                offset += sizeof(struct vlan_hdr);
                if (data + offset > end)
                    return RETURNCODE;
                kind = tag->h_vlan_encapsulated_proto;
            }
        }
        if (kind == htons(ETH_P_IP))
            index = protocol_of_ip4(data, offset, end);
        else if (kind == htons(ETH_P_IPV6))
            index = protocol_of_ip6(data, offset, end);
        else
            index = 0;
        count = seen.lookup(&index);
        if (count)
            __sync_fetch_and_add(count, 1);
        return RETURNCODE;
    }
"""


@pytest.mark.parametrize("context, kind, verdict", [
    ("xdp_md", "XDP", "XDP_DROP"), ("__sk_buff", "SCHED_CLS", "TC_ACT_SHOT")])
@pytest.mark.parametrize("table", ["percpu_array", "array"])
def test_names_come_from_flags(load, context, kind, verdict, table):
    """The context, the verdict and the type of the table come from -D flags."""
    bpf = load(COUNTER, cflags=["-w", "-DCTXTYPE=" + context, "-DRETURNCODE=" + verdict,
                                '-DMAPTYPE="%s"' % table])
    function = bpf.load_func("prog", getattr(BPF, kind))
    ip6 = struct.pack(">IHBB", 6 << 28, 0, 58, 64) + bytes(32)
    for packet in (ethernet(0x0800) + ipv4(17), ethernet(0x86dd) + ip6,
                   ethernet(0x88a8) + struct.pack(">HHHH", 1, 0x8100, 2, 0x0800) + ipv4(6),
                   ethernet(0x0800) + ipv4(17)):
        result, _ = run(function, packet + bytes(30))
        assert result == {"XDP_DROP": 1, "TC_ACT_SHOT": 2}[verdict]
    seen = bpf["seen"]
    count = (lambda key: seen.sum(key).value) if table == "percpu_array" else \
        (lambda key: seen[key].value)
    assert [count(key) for key in (17, 58, 6, 0)] == [2, 1, 1, 0]


@pytest.mark.parametrize(("source", "name", "kind"), [
    ("int xdp(struct xdp_md *ctx) { return XDP_PASS; }", "xdp", "XDP"),
    ("BPF_HASH(xdp); int prog(struct xdp_md *ctx) { u64 key = 0; xdp.increment(key); return XDP_PASS; }", "prog", "XDP"),
    ("int sockops(struct bpf_sock_ops *ctx) { return 0; }", "sockops", "SOCK_OPS")])
def test_names_of_sections_are_allowed(source, name, kind):
    """A program or a table may have the name of the object's section that programs of its type go to."""
    with BPF(text=source) as bpf:
        assert bpf.load_func(name, getattr(BPF, kind)).fd > 0


@pytest.mark.parametrize("source", [
    "int license(void *ctx) { return 0; }",
    "BPF_HASH(license); int prog(void *ctx) { u64 key = 0; license.increment(key); return 0; }"])
def test_nothing_can_be_called_license(source):
    with pytest.raises(ebcc.CompileError, match="1:.*can be called license.*choose another name"):
        BPF(text=source)
