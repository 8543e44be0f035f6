"""Attaching to tracepoints, raw tracepoints, user functions and perf events, and detaching."""

import ctypes
import os
import time

import pytest

import bcc
import ebcc
from ebcc import BPF, PerfSWConfig, PerfType
from conftest import getpgid

COUNT = """
BPF_HASH(counts, u32, u64);
int count(void *ctx) {
    u32 which = 0;
    FILTER
    counts.increment(which);
    return 0;
}
"""
libc = ctypes.CDLL(None)


def counted(bpf):
    return sum(leaf.value for leaf in bpf["counts"].values())


def test_tracepoint(load):
    bpf = load(COUNT)
    bpf.attach_tracepoint(tp="syscalls:sys_enter_getpgid", fn_name="count")
    assert bpf.num_open_tracepoints() == 1
    getpgid(1, 2, 3)
    assert counted(bpf) == 3
    bpf.detach_tracepoint(b"syscalls:sys_enter_getpgid")
    assert bpf.num_open_tracepoints() == 0
    getpgid(1)
    assert counted(bpf) == 3


def test_tracepoints_by_regular_expression(load):
    bpf = load(COUNT)
    bpf.attach_tracepoint(tp_re="syscalls:sys_(enter|exit)_getpgid$", fn_name="count")
    assert bpf.num_open_tracepoints() == 2
    getpgid(1, 2)
    assert counted(bpf) == 4


def test_tracepoint_attaches_itself(load):
    bpf = load("""
        BPF_HASH(counts, u32, u64);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            u32 pid = args->pid;
            FILTER
            counts.increment(pid);
            return 0;
        }
        int tracepoint__syscalls__sys_exit_getpgid(struct tracepoint__syscalls__sys_exit_getpgid *args) {
            u32 result = args->ret;
            FILTER
            counts.increment(result);
            return 0;
        }""")
    assert bpf.num_open_tracepoints() == 2
    own = os.getpgid(0)
    getpgid(0)
    found = {key.value: leaf.value for key, leaf in bpf["counts"].items()}
    assert found == {0: 2, own: 2}


def test_raw_tracepoint(load):
    bpf = load("""
        BPF_HASH(counts, u32, u64);
        int count(struct bpf_raw_tracepoint_args *ctx) {
            u32 number = ctx->args[1];
            FILTER
            counts.increment(number);
            return 0;
        }""")
    bpf.attach_raw_tracepoint(tp="sys_enter", fn_name="count")
    with pytest.raises(ebcc.AttachError, match="already"):
        bpf.attach_raw_tracepoint(tp="sys_enter", fn_name="count")
    getpgid(1, 2, 3, 4)
    assert bpf["counts"][121].value == 4  # getpgid
    bpf.detach_raw_tracepoint("sys_enter")
    getpgid(1)
    assert bpf["counts"][121].value == 4


def test_raw_tracepoint_attaches_itself(load):
    bpf = load("""
        BPF_HASH(counts, u32, u64);
        RAW_TRACEPOINT_PROBE(sys_enter) {
            u32 number = ctx->args[1];
            FILTER
            counts.increment(number);
            return 0;
        }""")
    getpgid(1, 2)
    assert bpf["counts"][121].value == 2


def test_uprobe_and_uretprobe(load):
    bpf = load("""
        BPF_HASH(arguments, u64, u64);
        BPF_HASH(results, u64, u64);
        int on_call(struct pt_regs *ctx, long number) {
            u64 key = number;
            FILTER
            arguments.increment(key);
            return 0;
        }
        int on_return(struct pt_regs *ctx) {
            u64 key = PT_REGS_RC(ctx);
            FILTER
            results.increment(key);
            return 0;
        }""")
    bpf.attach_uprobe(name="c", sym="labs", fn_name="on_call", pid=os.getpid())
    bpf.attach_uretprobe(name=b"c", sym=b"labs", fn_name=b"on_return", pid=os.getpid())
    assert bpf.num_open_uprobes() == 2
    libc.labs.argtypes = [ctypes.c_long]
    libc.labs(-5)
    libc.labs(5)
    assert {key.value: leaf.value for key, leaf in bpf["arguments"].items()} == {2**64 - 5: 1, 5: 1}
    assert {key.value: leaf.value for key, leaf in bpf["results"].items()} == {5: 2}
    bpf.detach_uprobe(name="c", sym="labs", pid=os.getpid())
    assert bpf.num_open_uprobes() == 1
    libc.labs(5)
    assert bpf["arguments"][5].value == 1
    assert bpf["results"][5].value == 3
    bpf.detach_uretprobe(name="c", sym="labs", pid=os.getpid())
    with pytest.raises(ebcc.AttachError, match="no uretprobe is attached to c labs"):
        bpf.detach_uretprobe(name="c", sym="labs", pid=os.getpid())


def test_detaching_by_another_name_of_the_same_file(load):
    bpf = load(COUNT)
    path = BPF.find_library("c")
    bpf.attach_uprobe(name="c", sym="labs", fn_name="count", pid=os.getpid())
    bpf.attach_uretprobe(name=path, sym="labs", fn_name="count", pid=os.getpid())
    with pytest.raises(ebcc.AttachError, match="no uprobe is attached"):
        bpf.detach_uprobe(name="m", sym="labs", pid=os.getpid())
    bpf.detach_uprobe(name=path, sym="labs", pid=os.getpid())
    assert bpf.num_open_uprobes() == 1
    bpf.detach_uretprobe(name=b"c", sym="labs", pid=os.getpid())
    libc.labs(1)
    assert (bpf.num_open_uprobes(), counted(bpf)) == (0, 0)


def test_attached_probes_are_a_mapping(load):
    bpf = load(COUNT).attach_uprobe(name="c", sym="labs", fn_name="count", pid=os.getpid())
    [(key, programs)] = bpf.uprobe_fds.items()
    assert list(programs) == [b"count"]
    bpf.detach_uprobe_event(key)
    assert not bpf.uprobe_fds and bpf.uprobe_fds.get(key) is None


def test_uprobes_by_address_and_by_regular_expression(load):
    [(name, address)] = BPF.get_user_functions_and_addresses("c", "^labs$")
    assert name == b"labs"
    bpf = load(COUNT)
    bpf.attach_uprobe(name="c", addr=address, fn_name="count", pid=os.getpid())
    libc.labs(1)
    assert counted(bpf) == 1
    bpf.detach_uprobe(name="c", addr=address, pid=os.getpid())
    bpf.attach_uprobe(name="c", sym_re="^l?labs$", fn_name="count", pid=os.getpid())
    libc.labs(1)
    assert counted(bpf) == 2


def test_perf_event(load):
    bpf = load(COUNT)
    bpf.attach_perf_event(ev_type=PerfType.SOFTWARE, ev_config=PerfSWConfig.CPU_CLOCK,
                          fn_name="count", sample_freq=499, pid=0)
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    assert 20 <= counted(bpf) <= 400
    bpf.detach_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK)
    seen = counted(bpf)
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    assert counted(bpf) == seen


def test_perf_event_without_period_or_frequency(load):
    with pytest.raises(ebcc.AttachError, match="sample_period.*sample_freq"):
        load(COUNT).attach_perf_event(ev_type=PerfType.SOFTWARE, ev_config=PerfSWConfig.CPU_CLOCK,
                                      fn_name="count")


@pytest.mark.parametrize("call, message", [
    (lambda b: b.attach_tracepoint(tp="syscalls:sys_enter_getpgi", fn_name="count"),
     "sys_enter_getpgid"),
    (lambda b: b.attach_tracepoint(tp="syscals:sys_enter_getpgid", fn_name="count"),
     "syscalls:sys_enter_getpgid"),
    (lambda b: b.attach_raw_tracepoint(tp="sched_swich", fn_name="count"), "sched_switch"),
    (lambda b: b.attach_uprobe(name="c", sym="mallocc", fn_name="count"), "malloc"),
    (lambda b: b.attach_uprobe(name="/no/such/file", sym="f", fn_name="count"), "/no/such/file"),
    (lambda b: b.attach_uprobe(name="nosuchlib", sym="f", fn_name="count"), "nosuchlib"),
    (lambda b: b.attach_tracepoint(tp_re="^nosuch:", fn_name="count"), "no tracepoint matches"),
])
def test_error_names_what_is_missing(load, call, message):
    bpf = load(COUNT)
    with pytest.raises(ebcc.AttachError, match=message):
        call(bpf)
    assert bpf.num_open_tracepoints() == bpf.num_open_uprobes() == 0


@pytest.mark.parametrize("call", [
    lambda b: b.attach_tracepoint(tp="nocolon", fn_name="count"),
    lambda b: b.attach_tracepoint(fn_name="count"),
    lambda b: b.attach_tracepoint(tp="syscalls:sys_enter_getpgid"),
    lambda b: b.attach_uprobe(name="c", fn_name="count"),
    lambda b: b.attach_uprobe(sym="labs", fn_name="count"),
    lambda b: b.attach_perf_event(fn_name="count", sample_freq=1),
])
def test_missing_arguments(load, call):
    with pytest.raises(ebcc.InvalidArgumentError):
        call(load(COUNT))


def test_probes_of_all_objects_are_counted(load):
    before = bcc._get_num_open_probes()
    first, second = load(COUNT), load(COUNT)
    for bpf in first, second:
        bpf.attach_uprobe(name="c", sym="labs", fn_name="count", pid=os.getpid())
    assert bcc._get_num_open_probes() == before + 2
    first.cleanup()
    assert bcc._get_num_open_probes() == before + 1
    second.cleanup()
    assert bcc._get_num_open_probes() == before


def test_probe_limit(load, monkeypatch):
    monkeypatch.setenv("BCC_PROBE_LIMIT", "1")
    bpf = load(COUNT)
    bpf.attach_uprobe(name="c", sym="labs", fn_name="count", pid=os.getpid())
    with pytest.raises(ebcc.AttachError, match="BCC_PROBE_LIMIT=1"):
        bpf.attach_uprobe(name="c", sym="llabs", fn_name="count", pid=os.getpid())


def test_detaching_what_is_not_attached(load):
    bpf = load(COUNT)
    for call, message in ((lambda: bpf.detach_kprobe("vfs_read"), "no kprobe is attached to vfs_read"),
                          (lambda: bpf.detach_tracepoint("a:b"), "attached to a:b"),
                          (lambda: bpf.detach_perf_event(1, 0), "perf event 1:0")):
        with pytest.raises(ebcc.AttachError, match=message):
            call()


def test_stack_trace(load):
    bpf = load("""
        BPF_STACK_TRACE(stacks, 16384);
        BPF_HASH(ids, u32, int);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            u32 zero = 0;
            FILTER
            int id = stacks.get_stackid(args, 0);
            ids.update(&zero, &id);
            return 0;
        }""")
    getpgid(1)
    stack_id = bpf["ids"][0]
    names = list(bpf["stacks"].walk(stack_id, BPF.ksym))
    assert len(names) >= 2
    assert any(b"syscall" in name for name in names), names
    addresses = list(bpf["stacks"].walk(stack_id.value))
    assert len(addresses) == len(names) and min(addresses) > 1 << 63
    with pytest.raises(KeyError):
        bpf["stacks"].walk(-14)
    assert [key.value for key in bpf["stacks"]] == [stack_id.value]
