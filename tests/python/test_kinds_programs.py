# SPDX-License-Identifier: Apache-2.0
"""Every type of program that this machine's kernel runs, attached and seen to run."""

import ctypes as ct
import json
import os
import signal
import socket
import subprocess
import time

import pytest

import ebcc
from ebcc import BPF, BPFAttachType, PerfSWConfig, PerfType
from conftest import LIMIT, getpgid
from kernel_calls import cgroup, in_cgroup, network_namespace, run, run_raw_tracepoint

COUNTS = "BPF_ARRAY(counts, u64, 8);\n"


def counts(bpf):
    return [leaf.value for leaf in bpf["counts"].values()]


# Packets.

def udp_pair():
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    sink.settimeout(5)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return out, sink


UDP_FILTER = COUNTS + """
    #include <bcc/proto.h>
    int prog(struct __sk_buff *skb) {
        u8 *cursor = 0;
        struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
        if (ethernet->type != 0x0800)
            return 0;
        struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
        if (ip->nextp != 17)
            return 0;
        struct udp_t *udp = cursor_advance(cursor, sizeof(*udp));
        counts.increment(0);
        counts.increment(1, udp->length - 8);
        return udp->dport == PORT ? -1 : 0;
    }"""


def test_raw_socket_gets_what_the_filter_passes(load):
    with network_namespace():
        out, sink = udp_pair()
        port = sink.getsockname()[1]
        bpf = load(UDP_FILTER.replace("PORT", str(port)))
        function = bpf.load_func("prog", BPF.SOCKET_FILTER)
        BPF.attach_raw_socket(function, "lo")
        out.sendto(b"0123456789", sink.getsockname())
        out.sendto(b"to another port", ("127.0.0.1", port - 1))
        raw = socket.socket(fileno=os.dup(function.sock))
        raw.settimeout(5)
        packets = [raw.recv(2048) for _ in range(2)]  # as it leaves and as it arrives
        assert {packet[42:] for packet in packets} == {b"0123456789"}
        raw.setblocking(False)
        with pytest.raises(BlockingIOError):
            raw.recv(2048)
        assert counts(bpf)[:2] == [4, 2 * 10 + 2 * 15]
        raw.close()
        with pytest.raises(ebcc.Error, match="no network interface"):
            BPF.attach_raw_socket(function, "nosuchdevice")


def test_filter_of_one_socket(load):
    """A filter sees the datagram from its UDP header on, and may shorten it."""
    bpf = load(COUNTS + """
        int prog(struct __sk_buff *skb) {
            counts.increment(0);
            return load_byte(skb, 8) == 'd' ? 0 : 8 + 4;
        }""")
    out, sink = udp_pair()
    link = bpf.module.program(b"prog").attach_socket(sink.fileno())
    out.sendto(b"dropped", sink.getsockname())
    out.sendto(b"shortened", sink.getsockname())
    assert sink.recv(100) == b"shor"
    link.destroy()
    out.sendto(b"dropped no more", sink.getsockname())
    assert sink.recv(100) == b"dropped no more"
    assert counts(bpf)[0] == 2


def test_xdp_on_a_device(load):
    bpf = load(COUNTS + """
        #include <linux/if_ether.h>
        #include <linux/ip.h>
        #include <linux/udp.h>
        #include <linux/in.h>
        int prog(struct xdp_md *ctx) {
            void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
            struct ethhdr *ethernet = data;
            struct iphdr *ip = (void *)(ethernet + 1);
            struct udphdr *udp = (void *)(ip + 1);
            if ((void *)(udp + 1) > end)
                return XDP_PASS;
            if (ethernet->h_proto != htons(ETH_P_IP) || ip->protocol != IPPROTO_UDP)
                return XDP_PASS;
            counts.increment(0);
            counts.increment(1, ntohs(udp->len));
            return ntohs(udp->len) == 8 + 4 ? XDP_DROP : XDP_PASS;
        }""")
    function = bpf.load_func("prog", BPF.XDP)
    with network_namespace():
        BPF.attach_xdp("lo", function, BPF.XDP_FLAGS_SKB_MODE)
        out, sink = udp_pair()
        out.sendto(b"drop", sink.getsockname())
        out.sendto(b"passes", sink.getsockname())
        assert sink.recv(100) == b"passes"
        assert counts(bpf)[:2] == [2, 12 + 14]
        shown = subprocess.run(["ip", "-d", "link", "show", "lo"], capture_output=True, text=True,
                               check=True).stdout
        assert "xdpgeneric" in shown
        with pytest.raises(ebcc.Error, match="another mode, or may not be replaced|another program is attached there"):
            BPF.attach_xdp("lo", function, BPF.XDP_FLAGS_SKB_MODE | BPF.XDP_FLAGS_UPDATE_IF_NOEXIST)
        BPF.remove_xdp("lo", BPF.XDP_FLAGS_SKB_MODE)
        out.sendto(b"drop", sink.getsockname())
        assert sink.recv(100) == b"drop"


def test_closing_after_xdp_was_removed_says_nothing(load, capfd):
    """Nor does a failed attempt to attach print anything."""
    with network_namespace():
        for _ in range(2):
            bpf = load("int prog(struct xdp_md *ctx) { return XDP_PASS; }")
            BPF.attach_xdp("lo", bpf.load_func("prog", BPF.XDP), BPF.XDP_FLAGS_SKB_MODE)
            BPF.remove_xdp(b"lo", BPF.XDP_FLAGS_SKB_MODE)
            bpf.close()
        with pytest.raises(ebcc.AttachError):
            bpf = load("int prog(struct xdp_md *ctx) { return XDP_PASS; }")
            BPF.attach_xdp("lo", bpf.load_func("prog", BPF.XDP), BPF.XDP_FLAGS_REPLACE | 1 << 30)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("call", [
    lambda: BPF.attach_xdp("lo", 5), lambda: BPF.attach_raw_socket("prog", "lo"),
    lambda: BPF.attach_func(None, 0, BPFAttachType.CGROUP_INET_INGRESS)])
def test_an_argument_that_is_not_a_program_is_named(call):
    with pytest.raises(ebcc.InvalidArgumentError, match="is not a program: pass what load_func"):
        call()


def test_xdp_is_detached_with_its_module(load):
    with network_namespace():
        bpf = load("int prog(struct xdp_md *ctx) { return XDP_PASS; }")
        BPF.attach_xdp("lo", bpf.load_func("prog", BPF.XDP), 0)
        show = ["ip", "-d", "link", "show", "lo"]
        assert "xdp" in subprocess.run(show, capture_output=True, text=True, check=True).stdout
        bpf.close()
        assert "xdp" not in subprocess.run(show, capture_output=True, text=True, check=True).stdout


def test_tc_on_a_device(load, bpffs):
    """The tc command attaches the pinned program."""
    bpf = load(COUNTS + """
        #include <linux/pkt_cls.h>
        int prog(struct __sk_buff *skb) {
            counts.increment(0);
            counts.increment(1, skb->len);
            skb->mark = 77;
            return skb->len == 14 + 28 + 4 ? TC_ACT_SHOT : TC_ACT_OK;
        }""")
    function = bpf.load_func("prog", BPF.SCHED_CLS)
    pin = os.path.join(bpffs, "pinned")
    subprocess.run(["bpftool", "prog", "pin", "id", str(_program_id(function.fd)), pin], check=True)
    with network_namespace():
        subprocess.run(["tc", "qdisc", "add", "dev", "lo", "clsact"], check=True)
        subprocess.run(["tc", "filter", "add", "dev", "lo", "ingress", "bpf", "da",
                        "object-pinned", pin], check=True)
        out, sink = udp_pair()
        out.sendto(b"drop", sink.getsockname())
        out.sendto(b"passes", sink.getsockname())
        assert sink.recv(100) == b"passes"
        assert counts(bpf)[:2] == [2, 42 + 4 + 42 + 6]


def _program_id(descriptor):
    with open("/proc/self/fdinfo/%d" % descriptor, encoding="ascii") as info:
        return next(int(line.split()[1]) for line in info if line.startswith("prog_id"))


# Control groups.

TCP_SCRIPT = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
client.send(b"x"); server.recv(1)
"""


def in_group(bpf, programs, script):
    """Attaches programs [(name, type, attach type)] to a new cgroup, and runs a script in it. Returns its output."""
    with cgroup("programs") as path:
        descriptor = os.open(path, os.O_RDONLY)
        functions = [(bpf.load_func(name, kind, attach_type=attach), attach)
                     for name, kind, attach in programs]
        for function, attach in functions:
            bpf.attach_func(function, descriptor, attach)
        try:
            return in_cgroup(path, "/usr/bin/python3", "-c", script, text=True).stdout
        finally:
            for function, attach in functions:
                bpf.detach_func(function, descriptor, attach)
            os.close(descriptor)


def test_cgroup_packets(load, cgroup2):
    bpf = load(COUNTS + """
        int out(struct __sk_buff *skb) {
            counts.increment(0);
            counts.increment(1, skb->len);
            return skb->len != 28 + 4;
        }
        int in(struct __sk_buff *skb) { counts.increment(2); return 1; }""")
    in_group(bpf, [("out", BPF.CGROUP_SKB, BPFAttachType.CGROUP_INET_EGRESS),
                   ("in", BPF.CGROUP_SKB, BPFAttachType.CGROUP_INET_INGRESS)], """
import socket
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 0)); sink.settimeout(5)
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    out.sendto(b"drop", sink.getsockname())
    raise SystemExit("not dropped")
except PermissionError:
    pass
out.sendto(b"passes", sink.getsockname())
assert sink.recv(100) == b"passes"
""")
    assert counts(bpf)[:3] == [2, 28 + 4 + 28 + 6, 1]


def test_cgroup_sockets(load, cgroup2):
    bpf = load(COUNTS + """
        int create(struct bpf_sock *sk) {
            counts.increment(0);
            if (sk->family == AF_INET6)
                return 0;
            sk->mark = 9;
            return 1;
        }""")
    output = in_group(bpf, [("create", BPF.CGROUP_SOCK, BPFAttachType.CGROUP_INET_SOCK_CREATE)], """
import socket
try:
    socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
except PermissionError:
    print("refused")
print(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).getsockopt(socket.SOL_SOCKET, 36))
""")
    assert (output, counts(bpf)[0]) == ("refused\n9\n", 2)


def test_cgroup_addresses(load, cgroup2):
    """connect() is redirected; bind() is refused."""
    listener = socket.create_server(("127.0.0.1", 0))
    bpf = load(COUNTS + """
        int connect4(struct bpf_sock_addr *ctx) {
            counts.increment(0);
            if (ctx->user_ip4 == bpf_htonl(0x7f000009) && ctx->user_port == bpf_htons(99)) {
                ctx->user_ip4 = bpf_htonl(0x7f000001);
                ctx->user_port = bpf_htons(%d);
            }
            return 1;
        }
        int bind4(struct bpf_sock_addr *ctx) {
            counts.increment(1);
            return ctx->user_port != bpf_htons(12345);
        }""" % listener.getsockname()[1])
    output = in_group(bpf, [
        ("connect4", BPF.CGROUP_SOCK_ADDR, BPFAttachType.CGROUP_INET4_CONNECT),
        ("bind4", BPF.CGROUP_SOCK_ADDR, BPFAttachType.CGROUP_INET4_BIND)], """
import socket
client = socket.create_connection(("127.0.0.9", 99))
print(client.getpeername()[0])
try:
    socket.socket().bind(("127.0.0.1", 12345))
except PermissionError:
    print("refused")
""")
    listener.close()
    assert (output, counts(bpf)[:2]) == ("127.0.0.1\nrefused\n", [1, 1])


def test_cgroup_devices_and_sysctls(load, cgroup2):
    bpf = load(COUNTS + """
        int device(struct bpf_cgroup_dev_ctx *ctx) {
            counts.increment(0);
            return !(ctx->major == 1 && ctx->minor == 5); // /dev/zero
        }
        int sysctl(struct bpf_sysctl *ctx) {
            char name[64] = {};
            counts.increment(1);
            bpf_sysctl_get_name(ctx, name, sizeof(name), 0);
            return name[0] != 'k' || name[7] != 'o' || ctx->write;
        }""")
    output = in_group(bpf, [
        ("device", BPF.CGROUP_DEVICE, BPFAttachType.CGROUP_DEVICE),
        ("sysctl", BPF.CGROUP_SYSCTL, BPFAttachType.CGROUP_SYSCTL)], """
for path in "/dev/null", "/dev/zero", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/hostname":
    try:
        open(path).read(1)
        print("read")
    except PermissionError:
        print("refused")
""")
    assert output == "read\nrefused\nrefused\nread\n"
    assert counts(bpf)[0] >= 2 and counts(bpf)[1] >= 2


def test_cgroup_socket_options(load, cgroup2):
    bpf = load(COUNTS + """
        int get(struct bpf_sockopt *ctx) {
            int *value = ctx->optval;
            counts.increment(0);
            if (ctx->level != 6 || ctx->optname != 4) // TCP_KEEPIDLE
                return 1;
            if ((void *)(value + 1) > ctx->optval_end)
                return 0;
            *value = 4242;
            ctx->retval = 0;
            return 1;
        }
        int set(struct bpf_sockopt *ctx) {
            counts.increment(1);
            return ctx->optname != 5; // TCP_KEEPINTVL
        }""")
    output = in_group(bpf, [
        ("get", BPF.CGROUP_SOCKOPT, BPFAttachType.CGROUP_GETSOCKOPT),
        ("set", BPF.CGROUP_SOCKOPT, BPFAttachType.CGROUP_SETSOCKOPT)], """
import socket
sock = socket.socket()
print(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE))
try:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
except PermissionError:
    print("refused")
""")
    assert (output, counts(bpf)[1]) == ("4242\nrefused\n", 1)


def test_socket_operations(load, cgroup2):
    bpf = load(COUNTS + """
        BPF_HASH(ports, u32, u32);
        int ops(struct bpf_sock_ops *ops) {
            u32 local, remote;
            switch (ops->op) {
            case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
                local = ops->local_port; remote = bpf_ntohl(ops->remote_port);
                ports.update(&local, &remote);
                counts.increment(0);
                bpf_sock_ops_cb_flags_set(ops, BPF_SOCK_OPS_STATE_CB_FLAG);
                break;
            case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
                counts.increment(1);
                break;
            case BPF_SOCK_OPS_STATE_CB:
                counts.increment(2);
                break;
            }
            return 0;
        }""")
    output = in_group(bpf, [("ops", BPF.SOCK_OPS, BPFAttachType.CGROUP_SOCK_OPS)], TCP_SCRIPT + """
print(client.getsockname()[1], client.getpeername()[1])
client.close()
""")
    local, remote = (int(port) for port in output.split())
    assert {key.value: leaf.value for key, leaf in bpf["ports"].items()} == {local: remote}
    assert counts(bpf)[:2] == [1, 1] and counts(bpf)[2] >= 1


@pytest.mark.parametrize("kind, context", [("CGROUP_SOCK_ADDR", "bpf_sock_addr"), ("CGROUP_SOCKOPT", "bpf_sockopt")])
def test_a_missing_attach_type_is_an_error(load, kind, context):
    bpf = load("int prog(struct %s *ctx) { return 1; }" % context)
    with pytest.raises(ebcc.Error, match="of type %s is loaded for the hook .* no attach type was given" % kind.lower()):
        bpf.load_func("prog", getattr(BPF, kind))


def test_attaching_to_what_is_not_a_cgroup_is_an_error(load, cgroup2):
    bpf = load("int prog(struct __sk_buff *skb) { return 1; }")
    function = bpf.load_func("prog", BPF.CGROUP_SKB)
    with open("/dev/null", "rb") as null:
        with pytest.raises(ebcc.AttachError, match="can't attach program prog"):
            bpf.attach_func(function, null.fileno(), BPFAttachType.CGROUP_INET_EGRESS)
    with pytest.raises(ebcc.AttachError, match="no program is attached"):
        with open("/dev/null", "rb") as null:
            bpf.detach_func(function, null.fileno(), BPFAttachType.CGROUP_INET_EGRESS)


def test_cgroup_program_is_detached_with_its_module(load, cgroup2):
    with cgroup("leaves") as path:
        descriptor = os.open(path, os.O_RDONLY)
        bpf = load("int prog(struct __sk_buff *skb) { return 1; }")
        bpf.attach_func(bpf.load_func("prog", BPF.CGROUP_SKB), descriptor,
                        BPFAttachType.CGROUP_INET_EGRESS)
        show = ["bpftool", "-j", "cgroup", "show", path]
        shown = json.loads(subprocess.run(show, capture_output=True, check=True).stdout)
        assert [program["name"] for program in shown] == ["prog"]
        bpf.close()
        assert subprocess.run(show, capture_output=True, check=True).stdout.strip() in (b"", b"[]")
        os.close(descriptor)


# Tracing.

def test_raw_tracepoints(load):
    bpf = load(COUNTS + """
        RAW_TRACEPOINT_PROBE(sys_enter) {
            struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
            FILTER
            if (ctx->args[1] != 121) // getpgid
                return 0;
            counts.increment(0);
            counts.increment(1, PT_REGS_PARM1(regs));
            return 0;
        }
        int other(struct bpf_raw_tracepoint_args *ctx) {
            FILTER
            if (ctx->args[0] && PT_REGS_PARM1((struct pt_regs *)ctx->args[0]) == 4000001)
                counts.increment(2, (s64)ctx->args[1] == -3); // ESRCH
            return 0;
        }""")
    bpf.attach_raw_tracepoint("sys_exit", "other")
    getpgid(4000000, 4000001)
    assert counts(bpf)[:3] == [2, 8000001, 1]
    bpf.detach_raw_tracepoint("sys_exit")
    getpgid(4000001)
    assert counts(bpf)[:3] == [3, 12000002, 1]


def test_raw_tracepoint_test_run(load):
    bpf = load("int prog(struct bpf_raw_tracepoint_args *ctx) {"
               " return ctx->args[0] + ctx->args[1]; }")
    assert run_raw_tracepoint(bpf.load_func("prog", BPF.RAW_TRACEPOINT), 40, 2) == 42


def test_task_pointer_of_a_raw_tracepoint(load):
    """An argument that points to kernel memory is followed in plain C."""
    bpf = load("""
        struct seen { u32 pid, parent, same; char comm[16]; };
        BPF_HASH(seen, u32, struct seen);
        RAW_TRACEPOINT_PROBE(sched_process_exit) {
            struct task_struct *task = (struct task_struct *)ctx->args[0];
            struct seen value = {};
            u32 pid = task->tgid;
            if (task->real_parent->tgid != OWN_PID)
                return 0;
            value.pid = pid;
            value.parent = task->real_parent->tgid;
            value.same = task == task->group_leader;
            bpf_probe_read_kernel_str(value.comm, sizeof(value.comm), task->comm);
            seen.update(&pid, &value);
            return 0;
        }""")
    child = subprocess.Popen(["sleep", "0"])
    child.wait()
    value = bpf["seen"][child.pid]
    assert (value.pid, value.parent, value.same) == (child.pid, os.getpid(), 1)
    assert value.comm == b"sleep"


def test_perf_events(load):
    bpf = load("""
        BPF_HASH(samples, u32, u64);
        BPF_HASH(periods, u32, u64);
        int on_clock(struct bpf_perf_event_data *ctx) {
            u32 one = 1; u64 period = ctx->sample_period;
            FILTER
            samples.increment(ctx->regs.ip >> 63);
            periods.update(&one, &period);
            return 0;
        }
        int on_fault(struct bpf_perf_event_data *ctx) {
            FILTER
            samples.increment(2);
            return 0;
        }""")
    bpf.attach_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK, "on_clock",
                          sample_period=1000000, pid=os.getpid())
    bpf.attach_perf_event(PerfType.SOFTWARE, PerfSWConfig.PAGE_FAULTS, "on_fault",
                          sample_period=1, pid=os.getpid())
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    import mmap
    with mmap.mmap(-1, 50 * 4096) as area:
        for page in range(50):
            area[page * 4096] = 1
    samples = {key.value: leaf.value for key, leaf in bpf["samples"].items()}
    assert samples.get(0, 0) + samples.get(1, 0) > 20
    assert samples[2] >= 50
    assert bpf["periods"][1].value == 1000000


def test_context_of_a_uprobe(load):
    """The program reads the registers of a user function, and user memory."""
    bpf = load("""
        BPF_HASH(calls, u64, u64);
        struct text { char first[16]; };
        BPF_HASH(names, u64, struct text);
        int on_getenv(struct pt_regs *ctx, const char *name) {
            struct text text = {};
            u64 key = 1;
            FILTER
            bpf_probe_read_user_str(text.first, sizeof(text.first), name);
            names.update(&key, &text);
            calls.increment(PT_REGS_PARM1(ctx) == (u64)name);
            return 0;
        }""")
    libc = ct.CDLL("libc.so.6")
    bpf.attach_uprobe(name="c", sym="getenv", fn_name="on_getenv", pid=os.getpid())
    libc.getenv(b"EBCC_SOME_NAME")
    assert bpf["names"][1].first == b"EBCC_SOME_NAME"
    assert bpf["calls"][1].value >= 1


def test_attaching_an_untyped_program_as_a_typed_one_is_an_error(load):
    bpf = load("int plain(void *ctx) { return 0; }")
    for method in (bpf.attach_kfunc, bpf.attach_kretfunc, bpf.attach_lsm, bpf.attach_fmod_ret):
        with pytest.raises(ebcc.AttachError, match="does not say what it traces"):
            method("plain")
        with pytest.raises(ebcc.NotFoundError):
            method("missing")
    with pytest.raises(ebcc.AttachError, match="its name must begin with bpf_iter__"):
        bpf.module.program(b"plain").attach_iter()


def test_text_of_an_iterator(load):
    """Values of every size and sign, a string of the kernel's, and a text without values."""
    bpf = load(r"""
        BPF_ITER(task) {
            struct task_struct *task = ctx->task;
            u32 big = ~0;
            s8 small = -5;
            if (!task || task->pid != OWN_PID)
                return 0;
            BPF_SEQ_PRINTF(ctx->meta->seq, "%d %s %d %llu %lld %x\n", task->tgid, task->comm, small, big, -1LL, 0xabc);
            BPF_SEQ_PRINTF(ctx->meta->seq, "%d %d %d %d %d %d %d %d %d %d %d %d\n", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
            if (BPF_SEQ_PRINTF(ctx->meta->seq, "100%%\n") == 0)
                BPF_SEQ_PRINTF(ctx->meta->seq, "end\n");
            return 0;
        }""")
    with open("/proc/self/comm", encoding="utf-8") as file:
        comm = file.read().strip()
    with os.fdopen(bpf.attach_iter("task").open()) as file:
        assert file.read() == f"{os.getpid()} {comm} -5 4294967295 -1 abc\n1 2 3 4 5 6 7 8 9 10 11 12\n100%\nend\n"


def test_a_program_sends_a_signal(load):
    """The child gets the signal when it makes the system call."""
    bpf = load("""
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            struct task_struct *task = (struct task_struct *)bpf_get_current_task();
            if (task->real_parent->tgid == OWN_PID && args->pid == 4000077)
                bpf_send_signal(SIGUSR1);
            return 0;
        }""".replace("SIGUSR1", str(int(signal.SIGUSR1))))
    assert bpf
    child = subprocess.run(["/usr/bin/python3", "-c", "import os; os.getpgid(4000077)"],
                           check=False, timeout=LIMIT)
    assert child.returncode == -signal.SIGUSR1


def test_programs_that_share_a_section(load):
    """Each is loaded or rejected separately, and an error has its line."""
    bpf = load("""
        BPF_ARRAY(values, u64, 4);
        int first(struct xdp_md *ctx) { values.increment(1); return XDP_DROP; }
        int second(struct xdp_md *ctx) {
            int key = 1;
            u64 *value = values.lookup(&key);
            return *value;
        }
        int third(struct xdp_md *ctx) { values.increment(2); return XDP_TX; }""")
    assert [run(bpf.load_func(name, BPF.XDP))[0] for name in ("third", "first")] == [3, 1]
    with pytest.raises(ebcc.LoadError, match=r"at main.c:7: return \*value;"):
        bpf.load_func("second", BPF.XDP)
    assert [leaf.value for leaf in bpf["values"].values()] == [0, 1, 1, 0]


def test_a_forked_child_detaches_nothing(load, cgroup2):
    """Closing the inherited module in the child leaves the parent's programs attached."""
    bpf = load("""
        int on_packet(struct xdp_md *ctx) { return XDP_PASS; }
        int egress(struct __sk_buff *skb) { return 1; }
        int filter(struct __sk_buff *skb) { return 8 + 2; }""")
    out, sink = udp_pair()
    with network_namespace(), cgroup("fork") as path:
        descriptor = os.open(path, os.O_RDONLY)
        BPF.attach_xdp("lo", bpf.load_func("on_packet", BPF.XDP), BPF.XDP_FLAGS_SKB_MODE)
        bpf.attach_func(bpf.load_func("egress", BPF.CGROUP_SKB), descriptor,
                        BPFAttachType.CGROUP_INET_EGRESS)
        bpf.module.program(b"filter").attach_socket(sink.fileno())
        child = os.fork()
        if not child:
            bpf.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        show = subprocess.run(["ip", "-d", "link", "show", "lo"], capture_output=True, text=True,
                              check=True).stdout
        assert "xdpgeneric" in show
        show = subprocess.run(["bpftool", "-j", "cgroup", "show", path], capture_output=True,
                              text=True, check=True).stdout
        assert '"egress"' in show
        out.sendto(b"shortened", sink.getsockname())
        assert sink.recv(100) == b"sh"
        bpf.close()
        os.close(descriptor)
