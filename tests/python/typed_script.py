# SPDX-License-Identifier: Apache-2.0
"""A script for the type checker (test_api_stubs.py): it is checked, never run."""

import ctypes as ct
from pathlib import Path
from typing import Any

import bcc
import ebcc
from bcc import ArgString, lib
from bcc.containers import filter_by_containers
from bcc.libbcc import bcc_symbol, bpf_test_run_opts
from bcc.table import get_json_hist
from bcc.utils import StrcmpRewrite
from ebcc import (BPF, USDT, AttachError, BPFAttachType, CompileError, Perf, PerfHWConfig, PerfSWConfig, PerfType,
                  SymbolCache, USDTException, printb)
from ebcc import exec as command
from ebcc.disassembler import BPFInstr, MapDecoder, disassemble_instruction
from ebcc.flamegraph import Graph, read_folded
from ebcc.syscall import syscall_name, syscalls
from ebcc.table import HashTable, PerCpuArray, QueueStack, RingBuf, StackTrace
from ebcc.tcp import TCPHDR_ACK, flags2str, state2str, tcpstate
from ebcc.usdt import USDTProbe
from ebcc.utils import detect_language, get_online_cpus


class Event(ct.Structure):
    _fields_ = [("pid", ct.c_uint32)]


def compiled(source: str | bytes, pid: int) -> BPF:
    try:
        return BPF(text=source, cflags=["-DPID=%d" % pid, b"-DX"], constants={"limit": 5, b"other": 6}, debug=ebcc.DEBUG_BPF,
                   usdt_contexts=[USDT(pid=pid)], kernel_types="btf")
    except (CompileError, AttachError, ebcc.UnsupportedAttachError) as error:
        print(error, error.errno, error.details)
        raise


def tables(b: BPF) -> int:
    total = 0
    counts = b["counts"]
    for key, leaf in counts.items():
        total += int(leaf.value) + int(key.pid)
    for key, leaf in b[b"counts"].items_lookup_batch():
        print(key + 1, leaf.value)
    counts[counts.Key(1)] = counts.Leaf(2)
    del counts[1]
    print(len(counts), 5 in counts, counts.pop(5), counts.get(5), [key.value for key in counts], counts.map_id)
    counts.items_update_batch((counts.Key * 2)(1, 2), (counts.Leaf * 2)(3, 4))
    counts.print_log2_hist("usecs", section_header="disk", section_print_fn=lambda disk: str(disk))
    per_cpu: PerCpuArray = b.get_table("per_cpu", reducer=lambda one, other: one + other)
    hashed: HashTable = b["counts"]
    print(hashed.key_sprintf(5), per_cpu.sum(0).value, per_cpu.average(0) / 2, per_cpu.getvalue(0)[0])
    queue: QueueStack = b["queue"]
    queue.push(5, flags=QueueStack.BPF_EXIST)
    print(queue.pop().value, b["queue"].peek(), b["queue"].pop())
    stacks: StackTrace = b["stacks"]
    names = [BPF.sym(address, 5, show_offset=True).decode() for address in stacks.walk(7)]
    print(names, list(b["stacks"].walk(7, lambda address: b.ksym(address))))
    print(get_json_hist([0, 1, 2], "usecs")["data"], sorted(b), b.decode_table("counts"))
    return total


def events(b: BPF) -> None:
    lost: list[int] = []

    def show(cpu: int, data: int, size: int) -> None:
        event = b["events"].event(data)
        same = ct.cast(data, ct.POINTER(Event)).contents
        printb(b"%d %d %d" % (event.pid, same.pid, cpu + size))

    b["events"].open_perf_buffer(show, page_cnt=64, lost_cb=lost.append)
    ring: RingBuf = b["ring"]
    ring.open_ring_buffer(lambda ctx, data, size: print(ring.event(data)))
    while True:
        b.perf_buffer_poll(timeout=100)
        b.ring_buffer_poll(100)
        b.kprobe_poll()
        task, pid, cpu, flags, seconds, message = b.trace_fields(nonblocking=True)
        print(task, pid, cpu, flags, seconds, message, b["events"].lost())


def attached(b: BPF, pid: int) -> None:
    b.attach_kprobe(event=b.get_syscall_fnname("read"), fn_name="f").attach_kretprobe(event="f", fn_name=b"f")
    b.attach_uprobe(name="c", sym="malloc", fn_name="f", pid=pid)
    link = b.attach_tracepoint(tp=b"sched:sched_switch", fn_name="f", cookie=5)
    link.pin("/sys/fs/bpf/link")
    link.unpin(Path("/sys/fs/bpf/link"))
    b.attach_kprobe(event_re="^vfs_", fn_name="f", cookie={b"vfs_read": 5}.__getitem__)
    b.attach_tracepoint(tp_re="sched:.*", fn_name="f", cookie=lambda name: len(name.split(":")[1]))
    b.attach_raw_tracepoint(tp="sched_switch", fn_name="f", cookie=6)
    b.attach_kfunc("vfs_read", cookie=7)
    b.attach_usdt(USDT(pid=pid), "probe", "f", cookie=8)
    b["counts"].pin(b"/sys/fs/bpf/table")
    b["queue"].unpin("/sys/fs/bpf/table")
    b.attach_perf_event(ev_type=PerfType.SOFTWARE, ev_config=PerfSWConfig.CPU_CLOCK, fn_name="f", sample_freq=49)
    b.attach_perf_event_raw(Perf.perf_event_attr(config=PerfHWConfig.CPU_CYCLES), fn_name="f")
    function: BPF.Function = b.load_func("f", BPF.XDP)
    function.pin("/sys/fs/bpf/program")
    BPF.attach_xdp("lo", function, BPF.XDP_FLAGS_SKB_MODE)
    BPF.attach_func(function, 5, BPFAttachType.CGROUP_INET_INGRESS)
    result = ct.c_uint32()
    packet = (ct.c_ubyte * 64)()
    print(lib.bpf_prog_test_run(function.fd, 1, packet, 64, None, None, ct.byref(result), None), result.value)
    options = bpf_test_run_opts(sz=ct.sizeof(bpf_test_run_opts), repeat=1)
    print(lib.bpf_prog_test_run_opts(function.fd, ct.byref(options)), options.retval + 1)
    print([fd + 1 for fd in Perf.perf_custom_event_open(Perf.perf_event_attr())], b.num_open_kprobes() + 1)


def helpers(arguments: Any) -> str:
    probe: USDTProbe
    for probe in USDT(path="c").enumerate_probes():
        print(probe.short_name(), probe.get_location(0).get_argument(0).size)
    try:
        print(SymbolCache(5).resolve(7), syscall_name(0), len(syscalls), get_online_cpus()[0])
    except USDTException as error:
        print(error)
    pid = command.run_cmd(["ls", b"-l"])
    command.cmd_ready()
    print(command.cmd_exited(), pid, tcpstate[1], state2str(2), flags2str(TCPHDR_ACK), detect_language(["c"], 5))
    insn = BPFInstr(instr=5)
    print(disassemble_instruction(0, insn)[0].upper(), MapDecoder.get_ct_name(ct.c_int), insn.dst, bcc_symbol().name)
    graph: Graph = read_folded(["a;b 5"])
    print(graph.svg("title", ""), ebcc.__version__.split("."), bcc.__version__, ebcc.TRACEFS + "/events")
    print(StrcmpRewrite.rewrite_expr("", False, False, [], "", 0)["expr"], str(ArgString("x")), BPF.support_kfunc())
    library = BPF.find_library("c", pid or 0)
    return filter_by_containers(arguments) + (library or b"").decode()
