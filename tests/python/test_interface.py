# SPDX-License-Identifier: Apache-2.0
"""Values of the parts of bcc 0.37's interface that other files don't test. tests/conformance/test_other_interface.py
checks that no name is missing."""

import ctypes as ct
import errno
import json
import os
import signal
import socket
import struct
import subprocess
import time

import pytest

import bcc
import ebcc
from bcc import BPF, disassembler, libbcc, table, tcp, utils
from bcc.perf import Perf
from ebcc import ctype, histogram
from ebcc import exec as command
from conftest import getpgid
from kernel_calls import network_namespace, run

lib = bcc.lib


def test_versions():
    """Scripts compare the version of bcc, and the library has its own."""
    assert tuple(map(int, bcc.__version__.split("."))) == (0, 37, 0)
    assert ebcc.__version__ == ebcc._ebcc.version != bcc.__version__
    assert bcc.version.__version__ == bcc.__version__


def test_paths_of_kernel_file_systems():
    assert os.path.exists(bcc.TRACEFS + "/events/syscalls/sys_enter_getpgid/id")
    assert isinstance(bcc.TRACEFS, str) and bcc.DEBUGFS == "/sys/kernel/debug"


def test_library_of_a_process():
    library = BPF.find_library("c").decode()
    with open("/proc/self/maps", encoding="ascii") as maps:
        own = {line.split()[5] for line in maps if "/libc.so" in line}
    assert {os.path.realpath(BPF.find_library("c", os.getpid()))} == {os.fsencode(path) for path in own}
    assert BPF.find_library("no-such-library", os.getpid()) is None
    assert BPF.find_library("c", 0).decode() == BPF.find_library(b"c", pid=0).decode() == library


def test_enumerators_of_the_kernel():
    assert BPF.kernel_enum_has_val("bpf_prog_type", "BPF_PROG_TYPE_XDP") == 1
    assert BPF.kernel_enum_has_val(enum_name=b"bpf_prog_type", value_name=b"BPF_PROG_TYPE_NO") == 0
    assert BPF.kernel_enum_has_val("no_such_enum", "X") == -1
    assert lib.kernel_enum_has_val(b"bpf_prog_type", b"BPF_PROG_TYPE_XDP") == 1


def test_names_of_tcp_states():
    assert [tcp.state2str(state) for state in (1, 10, 12)] == ["ESTABLISHED", "LISTEN", "NEW_SYN_RECV"]
    assert tcp.state2str(99) == "99"


def test_classes_by_their_c_types():
    assert ct.sizeof(BPF.str2ctype["unsigned __int128"]) == 16
    assert BPF.str2ctype["unsigned int"] is ct.c_uint
    assert BPF.CLOCK_MONOTONIC == time.CLOCK_MONOTONIC
    argument = utils.ArgString("a\udcff")
    assert argument.s == "a\udcff" and bytes(argument) == b"a\xff"


# Commands.

def test_command_without_a_pid(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_commands", {})
    with pytest.raises(ValueError, match="no command"):
        command.cmd_ready()
    first = command.run_cmd(["touch", str(tmp_path / "first")])
    second = command.run_cmd(args=["touch", str(tmp_path / "second")])
    assert not command.cmd_exited()
    command.cmd_ready()
    deadline = time.monotonic() + 30
    while not command.cmd_exited() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert command.cmd_exited() and command.cmd_exited(second)
    command.cmd_ready()  # again
    assert os.listdir(tmp_path) == ["second"] and not command.cmd_exited(first)
    command.cmd_ready(first)
    os.waitpid(first, 0)
    assert command.cmd_exited(first) and sorted(os.listdir(tmp_path)) == ["first", "second"]


def test_command_that_ends_before_it_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_commands", {})
    pid = command.run_cmd(["touch", str(tmp_path / "made")])
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with pytest.raises(ProcessLookupError, match="has already ended"):
        command.cmd_ready()
    assert command.cmd_exited() and os.listdir(tmp_path) == []
    with pytest.raises(ValueError, match="no command with process id 1 was started"):
        command.cmd_exited(1)


def test_command_ends_with_its_tracer(python, tmp_path):
    """If the tracer ends without cmd_ready(), no process is left, and no command was run."""
    done = python("""
        import os
        from bcc import exec as command
        print(command.run_cmd(["touch", %r]), command.run_cmd(["sleep", "1000"]), flush=True)
        os._exit(0)""" % str(tmp_path / "made"))
    for pid in done.stdout.split():
        deadline = time.monotonic() + 30
        while os.path.exists("/proc/%s/fd/0" % pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not os.path.exists("/proc/%s/fd/0" % pid)
    assert os.listdir(tmp_path) == []


# Perf events.

def tracepoint_id(name):
    with open("%s/events/%s/id" % (bcc.TRACEFS, name), encoding="ascii") as file:
        return int(file.read())


def test_custom_perf_event():
    """A counter of system calls, which then gets a filter."""
    attr = Perf.perf_event_attr(type=Perf.PERF_TYPE_TRACEPOINT, config=tracepoint_id("syscalls/sys_enter_getpgid"))
    counters = Perf.perf_custom_event_open(attr, pid=os.getpid())
    try:
        assert len(counters) == len(utils.get_online_cpus())
        getpgid(1, 2, 2)
        for counter in counters:
            assert Perf.ioctl(counter, Perf.PERF_EVENT_IOC_SET_FILTER, b"pid == 2") == 0
        getpgid(1, 2, 2)
        counts = [struct.unpack("Q", os.read(counter, 8))[0] for counter in counters]
    finally:
        for counter in counters:
            os.close(counter)
    assert sum(counts) == 3 + 2
    with pytest.raises(OSError):
        Perf.perf_custom_event_open(Perf.perf_event_attr(type=99))


def test_counter_of_the_library():
    config = tracepoint_id("syscalls/sys_enter_getpgid")
    counters = [lib.bpf_open_perf_event(Perf.PERF_TYPE_TRACEPOINT, config, os.getpid(), cpu)
                for cpu in utils.get_online_cpus()]
    getpgid(1, 2, 2)
    assert sum(struct.unpack("Q", os.read(counter, 8))[0] for counter in counters) == 3
    assert [lib.bpf_close_perf_event_fd(counter) for counter in counters] == [0] * len(counters)
    assert lib.bpf_close_perf_event_fd(counters[0]) == -errno.EBADF
    assert lib.bpf_open_perf_event(99, 0, -1, 0) == -1 and ct.get_errno()


# Test runs.

REVERSE = """
    int prog(struct %s *ctx) {
        u8 *data = (u8 *)(long)ctx->data, *end = (u8 *)(long)ctx->data_end, first;
        if (data + 64 > end)
            return 9;
        first = data[0]; data[0] = data[63]; data[63] = first;
        return 2;
    }"""


@pytest.mark.parametrize("kind, context", [("XDP", "xdp_md"), ("SCHED_CLS", "__sk_buff")])
def test_run_of_a_program(load, kind, context):
    function = load(REVERSE % context).load_func("prog", getattr(BPF, kind))
    packet = (ct.c_ubyte * 64)(*range(1, 65))
    changed, size = (ct.c_ubyte * 100)(), ct.c_uint32()
    result, duration = ct.c_uint32(), ct.c_uint32()
    assert lib.bpf_prog_test_run(function.fd, 3, ct.byref(packet), 64, ct.byref(changed), ct.byref(size),
                                 ct.byref(result), ct.byref(duration)) == 0
    # Three runs on the same packet.
    assert (result.value, size.value, duration.value > 0) == (2, 64, True)
    assert bytes(changed[:64]) == bytes([64, *range(2, 64), 1])
    small = (ct.c_ubyte * 10)()
    assert lib.bpf_prog_test_run(function.fd, 1, packet, 64, small, ct.byref(size), None, None) < 0
    assert ct.get_errno() == errno.ENOSPC and bytes(small) == bytes([64, *range(2, 11)])
    assert lib.bpf_prog_test_run(function.fd, 1, packet, 64, None, None, ct.byref(result), None) == 0
    assert lib.bpf_prog_test_run(-1, 1, packet, 64, None, None, ct.byref(result), None) < 0


def test_run_with_options(load):
    """A socket filter gets a context, and what it writes there is returned."""
    function = load("""
        int prog(struct __sk_buff *skb) { skb->cb[1] = skb->cb[0] + 1; return skb->len; }
    """).load_func("prog", BPF.SOCKET_FILTER)
    packet, context, after = (ct.c_ubyte * 60)(), (ct.c_uint32 * 48)(), (ct.c_uint32 * 48)()
    context[12] = 41  # cb[0]
    options = libbcc.bpf_test_run_opts(
        sz=ct.sizeof(libbcc.bpf_test_run_opts), data_in=ct.cast(packet, ct.c_void_p), data_size_in=60,
        ctx_in=ct.cast(context, ct.c_void_p), ctx_size_in=ct.sizeof(context),
        ctx_out=ct.cast(after, ct.c_void_p), ctx_size_out=ct.sizeof(after), repeat=1)
    assert lib.bpf_prog_test_run_opts(function.fd, ct.byref(options)) == 0
    # Its packet begins after the link-layer header.
    assert (options.retval, after[12], after[13]) == (60 - 14, 41, 42)


def test_socket_and_device(load):
    filters = load("int all(struct __sk_buff *skb) { return 20; } int pass(struct xdp_md *ctx) { return XDP_PASS; }")
    with network_namespace():
        descriptor = lib.bpf_open_raw_sock(b"lo")
        assert lib.bpf_attach_socket(descriptor, filters.load_func("all", BPF.SOCKET_FILTER).fd) == 0
        with socket.socket(fileno=descriptor) as raw, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            raw.setblocking(True)
            raw.settimeout(30)
            sender.sendto(b"a datagram", ("127.0.0.1", 9))
            assert len(raw.recv(1000)) == 20
        assert lib.bpf_open_raw_sock(b"no-such-device") == -errno.ENODEV
        program = filters.load_func("pass", BPF.XDP)
        assert lib.bpf_attach_xdp(b"lo", program.fd, BPF.XDP_FLAGS_SKB_MODE) == 0
        shown = json.loads(subprocess.run(["ip", "-j", "link", "show", "lo"], capture_output=True, check=True).stdout)
        assert "xdp" in shown[0]
        assert lib.bpf_attach_xdp(b"lo", -1, BPF.XDP_FLAGS_SKB_MODE) == 0
        assert lib.bpf_attach_xdp(b"no-such-device", program.fd, 0) == -errno.ENODEV


# Tables.

def test_properties_of_tables(load):
    """They agree with bpftool."""
    bpf = load("""
        BPF_HASH(t, u32, u64, 77); BPF_QUEUE(q, u32, 3);
        int prog(struct __sk_buff *skb) { u32 k = 1; q.push(&k, 0); t.delete(&k); return 0; }""")
    shown = json.loads(subprocess.run(["bpftool", "-j", "map", "show", "id", str(bpf["t"].map_id)],
                                      capture_output=True, check=True).stdout)
    assert (shown["name"], shown["max_entries"], shown["type"]) == ("t", 77, "hash")
    number = lib.bpf_table_id(bpf.module, b"t")
    assert number == bpf["t"].map_id != bpf["q"].map_id > 0
    assert lib.bpf_table_type_id(bpf.module, number) == table.BPF_MAP_TYPE_HASH
    assert lib.bpf_table_max_entries_id(bpf.module, number) == 77
    assert lib.bpf_table_flags_id(bpf.module, bpf["q"].map_id) == 0
    assert lib.bpf_table_id(bpf.module, b"no") == 2 ** 64 - 1
    assert lib.bpf_table_type_id(bpf.module, 2 ** 64 - 1) == -1
    assert "ID %d" % number in bpf.decode_table("t")
    assert lib.bpf_num_functions(bpf.module) == 1 and lib.bpf_function_name(bpf.module, 0) == b"prog"
    assert lib.bpf_function_name(bpf.module, 1) is lib.bpf_function_name(bpf.module, -1) is None
    assert lib.bpf_function_size(bpf.module, b"prog") == len(bpf.dump_func("prog"))
    assert lib.bpf_function_size(bpf.module, b"no") == 0
    assert lib.bpf_module_rw_engine_enabled() is True and lib.bcc_free_memory() == 0


def test_batches_on_descriptors(load):
    bpf = load("BPF_HASH(t, u32, u64); int f(struct __sk_buff *skb) { u32 k = 0; t.delete(&k); return 0; }")
    fd, count = bpf["t"].map_fd, ct.c_uint32(3)
    keys, leaves = (ct.c_uint32 * 3)(1, 2, 3), (ct.c_uint64 * 3)(10, 20, 30)
    assert lib.bpf_update_batch(fd, keys, leaves, ct.byref(count)) == 0 and count.value == 3
    assert {key.value: leaf.value for key, leaf in bpf["t"].items()} == {1: 10, 2: 20, 3: 30}
    count.value = 1
    assert lib.bpf_delete_batch(fd, ct.byref(ct.c_uint32(2)), ct.byref(count)) == 0
    batch, found, values = ct.c_uint32(), (ct.c_uint32 * 3)(), (ct.c_uint64 * 3)()
    count.value = 3
    lib.bpf_lookup_batch(fd, None, ct.byref(batch), found, values, ct.byref(count))
    assert dict(zip(found[:count.value], values[:count.value])) == {1: 10, 3: 30}
    count.value = 3
    lib.bpf_lookup_and_delete_batch(fd, None, ct.byref(batch), found, values, ct.byref(count))
    assert count.value == 2 and len(bpf["t"]) == 0


# The C type of keys and leaves, a value, and its type in Python.
SIMPLE = [("u32", 4000000000, int), ("s32", -5, int), ("u64", 2 ** 64 - 1, int), ("s64", -2 ** 63, int),
          ("u8", 255, int), ("bool", True, bool), ("char", b"c", bytes), ("void *", 2 ** 63, int),
          ("enum bpf_map_type", 7, int)]


@pytest.mark.parametrize("kind, value, plain", SIMPLE, ids=lambda part: part if isinstance(part, str) else "")
def test_numbers_in_batches(load, kind, value, plain):
    """Scripts can use them as numbers and as ctypes objects."""
    bpf = load("""
        BPF_HASH(t, %s, %s); BPF_HASH(copy, %s, %s);
        int f(struct __sk_buff *skb) { return t.lookup((void *)0) || copy.lookup((void *)0); }""" % ((kind,) * 4))
    entries, copy = bpf["t"], bpf["copy"]
    entries[entries.Key(value)] = entries.Leaf(value)
    (key, leaf), = entries.items_lookup_batch()
    assert (key, leaf) == (value, value) == (key.value, leaf.value)
    assert isinstance(key, int if plain is bool else plain) and type(key.value) is type(leaf.value) is plain
    assert {key: 1}[value] == 1 and {value: 1}[leaf] == 1 and hash(key) == hash(value)
    assert "%s" % key == str(key) == "{}".format(leaf) == str(value) and repr(key) == repr(value)
    if plain is not bytes:
        assert int(key) == key + 0 == value and "%d" % leaf == "%d" % value and sorted([key, 0 * leaf])
        assert json.dumps([key + 0]) == json.dumps([value + 0]) and (key or not value)
    copy[key] = leaf
    assert copy[key].value == copy[value].value == copy.pop(key).value == value
    copy.items_update_batch((copy.Key * 1)(key), (copy.Leaf * 1)(leaf))
    array = (copy.Key * 2)()
    array[1] = key
    assert array[1] == entries.Key(key).value == value and copy[array[1]].value == value
    copy.items_delete_batch((copy.Key * 1)(key))
    assert len(copy) == 0 and copy.key_sprintf(key) == copy.key_sprintf(copy.Key(value))
    (key, leaf), = entries.items_lookup_and_delete_batch()
    assert (key.value, leaf.value) == (value, value) and len(entries) == 0


def test_other_values_in_batches(load):
    """Structs, arrays and per-CPU values are ctypes objects, as elsewhere. Floats can be used in both ways, too."""
    bpf = load("""
        struct pair { u32 a; char name[4]; };
        BPF_HASH(pairs, struct pair, struct pair); BPF_PERCPU_HASH(counts, u32, u64);
        int f(struct __sk_buff *skb) { return pairs.lookup((void *)0) || counts.lookup((void *)0); }""")
    pairs, counts = bpf["pairs"], bpf["counts"]
    pairs[pairs.Key(1, b"one")] = pairs.Leaf(2, b"two")
    (key, leaf), = pairs.items_lookup_batch()
    assert (key.a, key.name, leaf.a, leaf.name) == (1, b"one", 2, b"two")
    assert isinstance(key, pairs.Key) and pairs[key].a == 2
    counts[counts.Key(5)] = counts.Leaf(*range(counts.total_cpu))
    (key, leaf), = counts.items_lookup_batch()
    assert key == key.value == 5 and list(leaf) == list(range(counts.total_cpu))
    assert list(counts[key]) == list(leaf)
    number = ctype.number(ct.c_double(0.5))
    assert number == number.value == 0.5 and type(number.value) is float and "%.1f" % number == "0.5"


def test_shared_table_with_flags(load):
    """With BPF_F_NO_PREALLOC. The other module writes to the same table."""
    owner = load("""
        BPF_TABLE_SHARED("hash", u32, u64, interface_flags, 50, BPF_F_NO_PREALLOC);
        BPF_TABLE_SHARED("hash", struct { u16 a, b; }, u64, interface_plain, 51);
        int f(struct __sk_buff *skb) { return 0; }""")
    user = load("""
        BPF_TABLE("extern", u32, u64, interface_flags, 50);
        int f(struct __sk_buff *skb) { u32 k = 5; u64 v = 6; interface_flags.update(&k, &v); return 1; }""")
    assert owner["interface_flags"].flags == 1 and owner["interface_plain"].flags == 0
    assert run(user.load_func("f", BPF.SOCKET_FILTER))[0] == 1
    assert owner["interface_flags"][5].value == 6 and owner["interface_flags"].map_id == user["interface_flags"].map_id


def test_histogram_as_json():
    counts = [0, 1, 5, 0, 2] + [0] * (table.log2_index_max - 5)
    hist = table.get_json_hist(counts, "usecs")
    assert hist["val_type"] == "usecs" and [slot["count"] for slot in hist["data"]] == [1, 5, 0, 2]
    assert (hist["data"][3]["interval-start"], hist["data"][3]["interval-end"]) == (8, 15)
    assert table.get_json_hist(counts, "usecs", ("disk", "sda"))["disk"] == "sda"
    assert table.stars_max == histogram.BAR_WIDTH == 40


def test_sections_of_a_histogram(load):
    bpf = load("""
        struct key { u32 disk; u64 slot; };
        BPF_HISTOGRAM(t, struct key); BPF_HISTOGRAM(plain);
        int f(struct __sk_buff *skb) {
            struct key key = {7, 3};
            t.increment(key); key.disk = 2; t.increment(key); key.slot = 64; t.increment(key);
            plain.increment(1);
            return 0;
        }""")
    run(bpf.load_func("f", BPF.SOCKET_FILTER))
    counts, buckets = {}, []
    bpf["t"].decode_c_struct(counts, buckets, None, sorted)
    assert buckets == [2, 7] and counts[7] == [0, 0, 0, 1] + [0] * 61
    assert counts[2] == [0, 0, 0, 1] + [0] * 60 + [1]
    counts, buckets = {}, []
    bpf["t"].decode_c_struct(counts, buckets, lambda disk: "disk %d" % disk, None, index_max=100)
    assert sorted(buckets) == ["disk 2", "disk 7"] and len(counts["disk 2"]) == 100
    iterator = bpf["plain"].Iter(bpf["plain"])
    assert iterator.next().value == 0 and next(iterator).value == 1 and len(list(iterator)) == 62


def test_walking_a_stack(load):
    bpf = load("""
        BPF_STACK_TRACE(stacks, 16384); BPF_ARRAY(ids, int, 1);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            FILTER
            int zero = 0, id = stacks.get_stackid(args, BPF_F_USER_STACK);
            ids.update(&zero, &id);
            return 0;
        }""")
    getpgid(1)
    walker = bpf["stacks"].walk(bpf["ids"][0].value)
    assert isinstance(walker, table.StackTrace.StackWalker) and iter(walker) is walker
    addresses = [walker.next(), *walker]
    named = list(bpf["stacks"].walk(bpf["ids"][0], lambda address: BPF.sym(address, os.getpid())))
    assert len(addresses) == len(named) >= 1 and b"getpgid" in named[0]
    # Frames after the first empty one are ignored.
    assert list(table.StackTrace.StackWalker([5, 6, 0, 7], 0)) == [5, 6]
    frames = (table.bcc_stacktrace_build_id * 3)((1, (1,) * 20, (16,)), (2, (0,) * 20, (0xffff,)))
    walked = list(table.StackTrace.StackWalker(frames, table.StackTrace.BPF_F_STACK_BUILD_ID))
    assert [(frame.status, frame.u.offset, frame.ip) for frame in walked] == [(1, 16, 16), (2, 0xffff, 0xffff)]


# Instructions.

def test_instructions_by_their_parts():
    insn = disassembler.BPFInstr(instr=0xfffffff8_fffe_a107)
    assert (insn.opcode, insn.dst, insn.src, insn.offset, insn.offsetu) == (7, 1, 10, -2, 0xfffe)
    assert (insn.imm, insn.immu, bytes(insn)) == (-8, 0xfffffff8, bytes.fromhex("07a1fefff8ffffff"))
    assert disassembler.BPFDecoder.decode(3, insn, None) == ("r1 += -8", 0)
    assert disassembler.disassemble_instruction(3, insn) == ("   3: (07) r1 += -8", 0)
    low, high = disassembler.BPFInstr(instr=0x00000001_00000218), disassembler.BPFInstr(instr=2 << 32)
    assert disassembler.BPFDecoder.decode(0, low, high) == ("r2 = 0x200000001", 1)
    assert disassembler.BPFDecoder.bpf_helpers[1] == "map_lookup_elem"


def test_layouts_of_classes():
    class Inner(ct.Structure):
        _fields_ = [("low", ct.c_uint, 3), ("high", ct.c_uint, 29)]

    class Outer(ct.Structure):
        _fields_ = [("a", ct.c_ubyte * 4), ("inner", Inner)]

    decoder = disassembler.MapDecoder
    assert [decoder.get_ct_name(kind) for kind in (ct.c_int, ct.c_ubyte * 4, Outer)] == [
        "int", "unsigned char[4]", "struct"]
    assert decoder.format_size_info(4, 2) == "" and decoder.format_size_info(4, 2, True) == "[4 +2] "
    assert decoder.print_ct_map(Outer, " ", 8, True) == [
        " [8 +4] unsigned char a[4];", " [12 +4] struct {", "   [12,0 +3 bit] unsigned int low:3;",
        "   [12,3 +29 bit] unsigned int high:29;", " } inner;"]
    assert decoder.print_map_ctype(ct.c_int * 3, "key", True) == ["  int key[3];"]


# Symbols.

def test_symbols_of_the_library():
    cache = lib.bcc_symcache_new(os.getpid(), None)
    address, symbol = ct.c_ulonglong(), libbcc.bcc_symbol()
    assert lib.bcc_symcache_resolve_name(cache, None, b"labs", ct.byref(address)) == 0
    assert lib.bcc_symcache_resolve(cache, address.value + 1, ct.byref(symbol)) == 0
    assert symbol.name == symbol.demangle_name and symbol.offset == 1
    assert BPF.sym(address.value, os.getpid()) == symbol.name and b"libc" in symbol.module
    assert lib.bcc_symcache_resolve_no_demangle(cache, 1, ct.byref(symbol)) == -1
    assert (symbol.name, symbol.offset, symbol.module) == (None, 1, None)
    assert lib.bcc_symcache_resolve_name(cache, None, b"no_such_function", ct.byref(address)) == -1
    lib.bcc_symbol_free_demangle_name(ct.byref(symbol))
    lib.bcc_symcache_refresh(cache)
    lib.bcc_free_symcache(cache, os.getpid())


def test_functions_of_a_file():
    found = []
    kind = ct.CFUNCTYPE(ct.c_int, ct.c_char_p, ct.c_ulonglong)
    library = BPF.find_library("c")
    assert lib.bcc_foreach_function_symbol(library, kind(lambda name, address: found.append((name, address)) or 0)) == 0
    assert dict(found)[b"labs"] in BPF.get_user_addresses("c", "^labs$")
    first = []
    assert lib.bcc_foreach_function_symbol(library, lambda name, address: first.append(name) or 1) == 0
    assert len(first) == 1 and lib.bcc_foreach_function_symbol(b"/no/such", lambda name, address: 0) == -1
    assert lib.bcc_procutils_which_so_in_process(b"c", os.getpid()) == BPF.find_library("c", os.getpid())


# The C dialect.

def test_names_of_the_dialect(load):
    bpf = load("""
        BPF_ARRAY(values, u64, 16);
        static void keep(int index, u64 value) { values.update(&index, &value); }
        BPF_PERF_OUTPUT(events);
        int f(struct __sk_buff *skb) {
            unsigned __int128 wide = (unsigned __int128)0x0102030405060708ULL << 64 | 0x1112131415161718ULL;
            u32 bits = skb->len;
            keep(0, bpf_hton128(wide) >> 64);
            keep(1, bpf_ntoh128(wide));
            keep(2, MASK(12)); keep(3, MASK(64)); keep(4, MASK(bits)); keep(5, MASK128(72) >> 64);
            keep(6, bpf_num_cpus());
            keep(7, CUR_CPU_IDENTIFIER);
        #if defined(CC_USING_FENTRY) && defined(bpf_target_defined)
            keep(8, 1);
        #endif
        #if defined(bpf_target_x86) == defined(__x86_64__) && defined(bpf_target_arm64) == defined(__aarch64__)
            keep(9, 1);
        #endif
            return 0;
        }""")
    run(bpf.load_func("f", BPF.SOCKET_FILTER), bytes(14 + 20))
    assert [leaf.value for leaf in bpf["values"].values()][:10] == [
        0x1817161514131211, 0x0807060504030201, 0xfff, 2 ** 64 - 1, 2 ** 20 - 1, 0xff,
        len(utils.get_possible_cpus()), 0xffffffff, 1, 1]


def bits_of(packet, offset, first_bit, bits):
    number = int.from_bytes(packet, "big")
    return number >> (len(packet) * 8 - offset * 8 - first_bit - bits) & ((1 << bits) - 1)


def with_bits(packet, place, value):
    """The packet with the lowest bits of a value at a place."""
    offset, first_bit, bits = place
    mask, shift = (1 << bits) - 1, (len(packet) - offset) * 8 - first_bit - bits
    return (int.from_bytes(packet, "big") & ~(mask << shift) | (value & mask) << shift).to_bytes(len(packet), "big")


PLACES = [(14, 0, 8), (14, 0, 64), (3, 0, 16), (5, 3, 1), (5, 7, 2), (6, 4, 12), (9, 5, 64), (11, 7, 57), (2, 13, 20),
          (16, 6, 0), (56, 0, 64)]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_bits_of_a_packet(load, place):
    """Reads and writes only the bits at a place, which is counted from the most significant bit."""
    new = 0xa5c396f00f693c5a & ((1 << place[2]) - 1)
    bpf = load("""
        BPF_ARRAY(values, u64, 2);
        int f(struct __sk_buff *skb) {
            int zero = 0, one = 1;
            u64 value = bpf_dext_pkt(skb, %d, %d, %d);
            values.update(&zero, &value);
            bpf_dins_pkt(skb, %d, %d, %d, 0xa5c396f00f693c5aULL);
            value = bpf_dext_pkt(skb, %d, %d, %d);
            values.update(&one, &value);
            return 7;
        }""" % (place * 3))
    packet = bytes(byte * 37 % 251 for byte in range(64))
    result, after = run(bpf.load_func("f", BPF.SCHED_CLS), packet)
    assert result == 7 and bpf["values"][0].value == bits_of(packet, *place)
    assert bpf["values"][1].value == new
    assert after == with_bits(packet, place, new)


def test_bits_of_a_packet_at_a_place_that_it_contains(load):
    bpf = load("""
        BPF_ARRAY(values, u64, 1);
        int f(struct __sk_buff *skb) {
            int zero = 0;
            u64 value = bpf_dext_pkt(skb, load_byte(skb, 0), load_byte(skb, 1), load_byte(skb, 2));
            values.update(&zero, &value);
            return bpf_dins_pkt(skb, load_byte(skb, 0), load_byte(skb, 1), load_byte(skb, 2), 0xa5c396f00f693c5aULL);
        }""")
    function = bpf.load_func("f", BPF.SCHED_CLS)
    for place in PLACES + [(4, 3, 80)]:
        packet = bytes(place) + bytes(byte * 37 % 251 for byte in range(61))
        result, after = run(function, packet)
        assert bpf["values"][0].value == bits_of(packet, *place) & 2 ** 64 - 1
        if place[2] > 64:
            assert result == -errno.EINVAL and after == packet
        else:
            assert result == 0 and after == with_bits(packet, place, 0xa5c396f00f693c5a)


def test_more_bits_than_a_number_has(load):
    with pytest.raises(ebcc.CompileError, match="at most 64 bits"):
        load("int f(struct __sk_buff *skb) { return bpf_dext_pkt(skb, 0, 0, 65); }")


def test_stores_into_a_packet(load):
    bpf = load("""
        int f(struct __sk_buff *skb) {
            bpf_store_byte(skb, 0, 0xa1);
            bpf_store_half(skb, 1, 0xb1b2);
            bpf_store_word(skb, 3, 0xc1c2c3c4);
            bpf_store_dword(skb, 7, 0xd1d2d3d4d5d6d7d8ULL);
            return load_dword(skb, 7) == 0xd1d2d3d4d5d6d7d8ULL && load_half(skb, 1) == 0xb1b2;
        }""")
    result, after = run(bpf.load_func("f", BPF.SCHED_CLS), bytes(32))
    assert result == 1 and after == bytes.fromhex("a1b1b2c1c2c3c4d1d2d3d4d5d6d7d8") + bytes(17)


def checksum(data):
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(source, port):
    """An IPv4 packet with a UDP datagram and correct checksums."""
    payload = b"sixteen bytes..."
    pseudo = struct.pack(">II2H", source, 0x0a000002, 17, 8 + len(payload))
    udp = struct.pack(">HHHH", port, 53, 8 + len(payload), 0)
    sum_of_udp = checksum(pseudo + udp + payload)
    header = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + 8 + len(payload), 1, 0, 64, 17, 0, source, 0x0a000002)
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    return bytes(12) + b"\x08\x00" + header + udp[:6] + struct.pack(">H", sum_of_udp) + payload


def test_checksums_are_updated(load):
    """A program rewrites an address, and a function that it calls rewrites a port."""
    bpf = load("""
        #include <bcc/proto.h>
        static inline int new_port(struct __sk_buff *skb, struct udp_t *udp, u16 from, u16 to) {
            udp->sport = to;
            return incr_cksum_l4(&udp->crc, from, to, 0);
        }
        int f(struct __sk_buff *skb) {
            u8 *cursor = 0;
            struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
            struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
            struct udp_t *udp = cursor_advance(cursor, sizeof(*udp));
            u32 from = ip->src, to = 0xc0a80105;
            ip->src = to;
            if (incr_cksum_l3(&ip->hchecksum, from, to) || incr_cksum_l4(&udp->crc, from, to, 1))
                return -1;
            return new_port(skb, udp, udp->sport, 4242);
        }""")
    result, after = run(bpf.load_func("f", BPF.SCHED_CLS), datagram(0x0a010203, 1234))
    assert result == 0 and after == datagram(0xc0a80105, 4242)


def test_checksums_that_cannot_be_updated(load):
    with pytest.raises(ebcc.CompileError, match="values of 2 or 4 bytes"):
        load("int f(struct __sk_buff *skb) { u64 to = 1; return incr_cksum_l3(10, 0, to); }")
    with pytest.raises(ebcc.CompileError, match="the first parameter"):
        load("""
            static inline int helper(u32 to) { return incr_cksum_l3(10, 0, to); }
            int f(struct __sk_buff *skb) { return helper(skb->len); }""")


def test_table_of_devices(load):
    bpf = load("""
        BPF_XDP_REDIRECT_MAP("devmap", int, devices, 4);
        int f(struct xdp_md *ctx) { return devices.redirect_map(2, XDP_DROP); }""")
    assert bpf["devices"].ttype == table.BPF_MAP_TYPE_DEVMAP and len(bpf["devices"]) == 4
    assert run(bpf.load_func("f", BPF.XDP))[0] == BPF.XDP_DROP
