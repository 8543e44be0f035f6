# SPDX-License-Identifier: Apache-2.0
"""The helper modules: containers, syscall, tcp, perf, disassembler, utils, libbcc."""

import argparse
import ctypes as ct
import errno
import os
import platform
import socket
import struct
import subprocess
import sys

import pytest

import ebcc
from bcc import StrcmpRewrite, containers, libbcc
from ebcc import BPF, PerfSWConfig, PerfType, disassembler, perf, syscall, tcp, utils
from ebcc import exec as command
from conftest import getpgid, wait_until

COUNT = """
    BPF_HASH(counts);
    TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
        u64 key = 1;
        FILTER
        if (container_should_be_filtered())
            return 0;
        counts.increment(key);
        return 0;
    }"""


def container_options(**options):
    return argparse.Namespace(**{"cgroupmap": None, "mntnsmap": None, **options})


def own_cgroup(root):
    with open("/proc/self/cgroup", encoding="ascii") as file:
        path = next(line.split(":", 2)[2].strip() for line in file if line.startswith("0::"))
    return os.stat(root + path).st_ino


def counted(load, text):
    bpf = load(text)
    getpgid(1)
    return 1 in bpf["counts"]


def pin_hash(path, key_size, value_size, *entries):
    """Pins a hash with these keys, as another program would."""
    subprocess.run(["bpftool", "map", "create", path, "type", "hash", "key", str(key_size),
                    "value", str(value_size), "entries", "1024", "name", "selection"], check=True)
    for entry in entries:
        key = [str(byte) for byte in entry.to_bytes(key_size, sys.byteorder)]
        subprocess.run(["bpftool", "map", "update", "pinned", path, "key", *key, "value",
                        *["0"] * value_size], check=True)


def test_without_a_container_filter(load):
    assert counted(load, containers.filter_by_containers(container_options()) + COUNT)


@pytest.mark.parametrize("chosen", [True, False])
def test_containers_by_mount_namespace(load, bpffs, chosen):
    path = os.path.join(bpffs, "mounts")
    number = os.stat("/proc/self/ns/mnt").st_ino
    pin_hash(path, 8, 4, number if chosen else number + 1)
    text = containers.filter_by_containers(container_options(mntnsmap=path))
    assert counted(load, text + COUNT) is chosen


@pytest.mark.parametrize("chosen", [True, False])
def test_containers_by_control_group(load, bpffs, cgroup2, chosen):
    import kernel_calls
    path = os.path.join(bpffs, "groups")
    number = own_cgroup(kernel_calls.cgroup_root())
    pin_hash(path, 8, 8, number if chosen else number + 1)
    text = containers.filter_by_containers(container_options(cgroupmap=path))
    assert counted(load, text + COUNT) is chosen


def test_path_with_source_text_is_refused():
    with pytest.raises(ValueError):
        containers.filter_by_containers(container_options(cgroupmap='/x"); int a('))


def test_system_call_numbers():
    """The numbers are those with which the C library of this machine makes the calls."""
    libc = ct.CDLL(None)
    number = {name: number for number, name in syscall.syscalls.items()}
    assert libc.syscall(number[b"getpid"]) == os.getpid()
    assert libc.syscall(number[b"getppid"]) == os.getppid()
    assert syscall.syscall_name(number[b"openat"]) == b"openat"
    assert syscall.syscall_name(451) == b"cachestat" and syscall.syscall_name(462) == b"mseal"
    assert syscall.syscall_name(9999) == b"[unknown: 9999]"
    assert sorted(syscall.syscalls) == list(syscall.syscalls) and len(syscall.syscalls) > 300


def test_tcp_names():
    assert tcp.tcpstate[1] == "ESTABLISHED" and tcp.tcpstate[12] == "NEW_SYN_RECV"
    assert tcp.flags2str(tcp.TCPHDR_SYN | tcp.TCPHDR_ACK) == "SYN|ACK"
    assert tcp.flags2str(0) == "" and tcp.flags2str(0xff).split("|")[-1] == "CWR"


def test_perf_attribute_layout(load):
    attr = perf.Perf.perf_event_attr()
    assert ct.sizeof(attr) == attr.size == 120
    attr.sample_freq = 99
    assert attr.sample_period == 99
    attr.precise_ip = 3
    attr.config1 = 1 << 40
    # Offsets in uapi linux/perf_event.h; precise_ip is bits 15 and 16 of the flags.
    raw = bytes(attr)
    assert struct.unpack_from("<Q", raw, 16)[0] == 99
    assert struct.unpack_from("<Q", raw, 40)[0] == 3 << 15
    assert struct.unpack_from("<Q", raw, 56)[0] == 1 << 40
    with pytest.raises(AttributeError, match="no_such"):
        attr.no_such = 1


def test_perf_attribute_attaches(load):
    bpf = load("""
        BPF_ARRAY(hits, u64, 1);
        int hit(struct bpf_perf_event_data *ctx) { hits.increment(0); return 0; }""")
    attr = perf.Perf.perf_event_attr(type=PerfType.SOFTWARE, config=PerfSWConfig.TASK_CLOCK,
                                     sample_period=100000)
    bpf.attach_perf_event_raw(attr, fn_name="hit", pid=os.getpid())
    sum(number * number for number in range(200000))
    bpf.detach_perf_event(PerfType.SOFTWARE, PerfSWConfig.TASK_CLOCK)
    assert bpf["hits"][0].value > 5


def test_perf_events_without_programs():
    opened = perf.Perf.perf_event_open(PerfSWConfig.TASK_CLOCK, pid=os.getpid(),
                                       ptype=PerfType.SOFTWARE, freq=99)
    try:
        assert len(opened) == len(utils.get_online_cpus())
    finally:
        for descriptor in opened:
            os.close(descriptor)
    with pytest.raises(OSError):
        perf.Perf.perf_event_open(0, ptype=99)


def encode(code, dst=0, src=0, offset=0, imm=0):
    return struct.pack("<BBhi", code, src << 4 | dst, offset, imm)


@pytest.mark.parametrize("insn, text", [
    (encode(0xbf, 6, 1), "r6 = r1"), (encode(0xbc, 6, 1), "w6 = w1"),
    (encode(0x07, 10, imm=-8), "r10 += -8"), (encode(0x57, 1, imm=255), "r1 &= 0xff"),
    (encode(0x3f, 1, 2), "r1 /= r2"), (encode(0x3f, 1, 2, 1), "r1 s/= r2"),
    (encode(0xbf, 1, 2, 32), "r1 = (s32)r2"), (encode(0xc7, 1, imm=4), "r1 s>>= 4"),
    (encode(0x87, 3), "r3 = -r3"), (encode(0xdc, 2, imm=16), "r2 = be16 r2"),
    (encode(0xd7, 2, imm=64), "r2 = bswap64 r2"),
    (encode(0x7b, 10, 1, -8), "*(u64*)(r10 -8) = r1"), (encode(0x62, 10, 0, -4, 7), "*(u32*)(r10 -4) = 7"),
    (encode(0x71, 2, 1, 16), "r2 = *(u8*)(r1 +16)"), (encode(0x89, 2, 1, 4), "r2 = *(s16*)(r1 +4)"),
    (encode(0xdb, 1, 2, 0, 0), "lock *(u64*)(r1 +0) += r2"),
    (encode(0xdb, 1, 2, 8, 0x01), "r2 = atomic_fetch_add(*(u64*)(r1 +8), r2)"),
    (encode(0xc3, 1, 2, 0, 0xe1), "r2 = atomic_xchg(*(u32*)(r1 +0), r2)"),
    (encode(0xdb, 1, 2, 0, 0xf1), "r0 = atomic_cmpxchg(*(u64*)(r1 +0), r0, r2)"),
    (encode(0x30, imm=12), "r0 = *(u8*)skb[12]"), (encode(0x48, 0, 3, 0, -2), "r0 = *(u16*)skb[r3 -2]"),
    (encode(0x55, 0, 0, 3, 5), "if r0 != 5 goto pc+3 <4>"),
    (encode(0x2e, 1, 2, -1), "if w1 > w2 goto pc-1 <0>"),
    (encode(0x05, offset=-1), "goto pc-1 <0>"), (encode(0x06, imm=9), "goto pc+9 <10>"),
    (encode(0x85, imm=14), "call bpf_get_current_pid_tgid#14"),
    (encode(0x85, imm=99999), "call unknown helper #99999"),
    (encode(0x85, 0, 1, 0, 2), "call pc+2 <3>"), (encode(0x95), "exit"),
    (encode(0xff), "unknown instruction 0xff")])
def test_instructions(insn, text):
    assert disassembler.disassemble_str(insn) == ["   0: (%02x) %s" % (insn[0], text)]


def test_wide_instructions():
    map_load = encode(0x18, 1, 1, 0, 7) + encode(0)
    assert disassembler.disassemble_str(map_load) == [
        "   0: (18) r1 = <map at fd #7>", "   1:      (64-bit upper word)"]
    number = encode(0x18, 2, 0, 0, -1) + encode(0, imm=1)
    assert disassembler.disassemble_str(number)[0] == "   0: (18) r2 = 0x1ffffffff"
    assert "half" in disassembler.disassemble_str(encode(0x18))[0]


def test_disassembled_program(load):
    bpf = load("int answer(struct __sk_buff *skb) { return 42; }")
    lines = bpf.disassemble_func("answer").splitlines()
    assert lines[0] == "Disassemble of BPF program answer:"
    assert lines[1].endswith("0 = 42") and lines[-1].endswith("(95) exit")
    assert len(lines) == 1 + len(bpf.dump_func(b"answer")) // 8
    with pytest.raises(ebcc.NotFoundError):
        bpf.disassemble_func("no")


def test_decoded_table(load):
    bpf = load("""
        struct inner { u16 a; char b[6]; };
        struct key { u32 x; struct inner in; u32 low:3, high:29; };
        BPF_HASH(t, struct key, u64[2]);
        BPF_QUEUE(q, u32, 4);
        int prog(struct __sk_buff *skb) {
            struct key key = {}; u32 value = 1;
            t.delete(&key); q.push(&value, 0); return 0; }""")
    head, *lines = bpf.decode_table("t", sizeinfo=True).splitlines()
    fdinfo = open("/proc/self/fdinfo/%d" % bpf["t"].map_fd, encoding="ascii").read()
    number = next(line.split()[1] for line in fdinfo.splitlines() if line.startswith("map_id"))
    assert head == "Layout of BPF map t (type HASH, FD %d, ID %s):" % (bpf["t"].map_fd, number)
    assert lines == [
        "  struct {", "    [0 +4] unsigned int x;", "    [4 +8] struct {",
        "      [4 +2] unsigned short a;", "      [6 +6] char b[6];", "    } in;",
        "    [12,0 +3 bit] unsigned int low:3;", "    [12,3 +29 bit] unsigned int high:29;",
        "  } key;", "  unsigned long long value[2];"]
    assert bpf.decode_table(b"q").splitlines()[1:] == ["  unsigned int value;"]


@pytest.mark.parametrize("name, literal, counted_calls", [("equal", "abc", 1), ("other", "abd", 0)])
def test_strcmp_in_expressions(load, name, literal, counted_calls):
    rewritten = StrcmpRewrite.rewrite_expr('STRCMP("%s", where) && 1' % literal, False, True, [],
                                           "", 7)
    assert rewritten["expr"] == 'streq_7("%s", where) && 1' % literal
    assert rewritten["probeid"] == 8 and "bpf_probe_read_user" in rewritten["streq_functions"]
    word = ct.create_string_buffer(b"abc")
    bpf = load(rewritten["streq_functions"] + """
        BPF_ARRAY(hits, u64, 1);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            u64 where = %d;
            FILTER
            if (%s)
                hits.increment(0);
            return 0;
        }""" % (ct.addressof(word), rewritten["expr"]))
    getpgid(1)
    assert bpf["hits"][0].value == counted_calls


def test_rewriting_several_strings():
    rewritten = StrcmpRewrite.rewrite_expr('STRCMP("a", x) || STRCMP("b", y)', False, False, ["y"],
                                           "", 0)
    assert rewritten["expr"] == 'streq_0("a", x) || streq_1("b", y)'
    assert rewritten["streq_functions"].count("bpf_probe_read(") == 1
    assert rewritten["streq_functions"].count("bpf_probe_read_user(") == 1


def test_language_detection():
    assert utils.detect_language(["java", "python"], os.getpid()) == "python"
    assert utils.detect_language(["java", "ruby"], os.getpid()) is None
    assert utils.detect_language(["python"], 1 << 22) is None


def test_functions_of_libbcc():
    assert libbcc.lib.bcc_procutils_which_so(b"c", 0) == BPF.find_library("c")
    assert libbcc.lib.bcc_procutils_which_so(ct.c_char_p(b"no-such-library")) is None
    assert libbcc.lib.bcc_procutils_language(os.getpid()) == b"python"
    assert libbcc.lib.kernel_struct_has_field(b"task_struct", b"pid") == 1
    assert libbcc.lib.bpf_has_kernel_btf() == 1
    symbol = libbcc.bcc_symbol(name=b"x", offset=3)
    assert symbol.name == b"x" and symbol.offset == 3 and libbcc.bcc_symbol_option().lazy_symbolize == 0


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are those of x86-64")
def test_system_call_numbers_of_x86_64():
    assert syscall.syscall_name(0) == b"read" and syscall.syscall_name(257) == b"openat"


def test_descriptor_of_a_table(load):
    bpf = load("BPF_HASH(t); int f(struct __sk_buff *skb) { u64 k = 0; t.delete(&k); return 0; }")
    assert libbcc.lib.bpf_table_fd(bpf.module, b"t") == bpf["t"].map_fd >= 0
    assert libbcc.lib.bpf_table_fd(bpf.module, b"no") == -1
    assert bpf.free_bcc_memory() == 0 and 1 not in bpf["t"]


def test_address_of_a_function_by_its_name():
    symbol, option = libbcc.bcc_symbol(), libbcc.bcc_symbol_option(use_symbol_type=(1 << 16) - 1)

    def resolve(module, name, address=0):
        return libbcc.lib.bcc_resolve_symname(module, name, address, 0, ct.byref(option),
                                              ct.byref(symbol))

    assert resolve(b"c", b"labs") == 0
    assert (symbol.name, symbol.module) == (b"labs", BPF.find_library("c"))
    assert {symbol.offset} == BPF.get_user_addresses("c", "^labs$")
    assert resolve(symbol.module, b"", 0x1234) == 0 and symbol.offset == 0x1234
    assert resolve(b"c", b"no_such_function") == resolve(b"/no/such/file", b"labs") == -1
    option.use_symbol_type = 1 << 10  # only indirect functions
    assert resolve(b"c", b"labs") == -1


def test_functions_on_descriptors(load, bpffs):
    """Pins a table, and uses it only through its descriptor."""
    bpf = load("BPF_HASH(t, u32, u64); int f(struct __sk_buff *skb) { return 4; }")
    lib, path = libbcc.lib, os.fsencode(bpffs) + b"/t"
    assert lib.bpf_obj_pin(bpf["t"].map_fd, ct.c_char_p(path)) == 0
    fd, key, leaf = lib.bpf_obj_get(path), ct.c_uint(7), ct.c_ulonglong(2**40)
    assert lib.bpf_get_first_key(fd, ct.byref(key), ct.sizeof(key)) < 0
    assert lib.bpf_update_elem(fd, ct.byref(key), ct.byref(leaf), 0) == 0
    leaf.value, first = 0, ct.c_uint()
    assert lib.bpf_lookup_elem(fd, ct.byref(key), ct.byref(leaf)) == 0 and leaf.value == 2**40
    assert lib.bpf_get_first_key(fd, ct.byref(first), 4) == 0 and first.value == 7
    assert lib.bpf_get_next_key(fd, ct.byref(first), ct.byref(first)) < 0
    assert lib.bpf_delete_elem(fd, ct.byref(key)) == 0 and len(bpf["t"]) == 0
    assert lib.bpf_delete_elem(fd, ct.byref(key)) < 0 and ct.get_errno() == errno.ENOENT
    assert lib.bpf_obj_get(path + b"-missing") < 0
    os.close(fd)
    first, second = socket.socketpair(type=socket.SOCK_DGRAM)
    with first, second:
        assert lib.bpf_attach_socket(second.fileno(), bpf.load_func("f", BPF.SOCKET_FILTER).fd) == 0
        first.send(b"shortened")
        assert second.recv(100) == b"shor"
        assert lib.bpf_attach_socket(second.fileno(), first.fileno()) == -errno.EINVAL
    with pytest.raises(AttributeError, match="lib has no function bpf_create_map"):
        lib.bpf_create_map(1, b"x", 4, 4, 1, 0)


def test_command_that_waits_for_its_tracer(load, tmp_path):
    """All that it does is traced, including its exec."""
    pid = command.run_cmd(["touch", str(tmp_path / "made")])
    bpf = load("""
        BPF_ARRAY(execs, u64, 1);
        TRACEPOINT_PROBE(sched, sched_process_exec) {
            if (bpf_get_current_pid_tgid() >> 32 == %d)
                execs.increment(0);
            return 0;
        }""" % pid)
    assert not command.cmd_exited(pid) and not (tmp_path / "made").exists()
    command.cmd_ready(pid)
    wait_until(lambda: command.cmd_exited(pid))
    assert (tmp_path / "made").exists() and bpf["execs"][0].value == 1
    assert command.cmd_exited(pid)
    assert command.run_cmd([]) is None
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        command.run_cmd(["no-such-program"])
