# SPDX-License-Identifier: Apache-2.0
"""Surroundings that refuse a call or never answer: every call returns in time, with its result or the true reason."""

import errno
import functools
import os
import re
import subprocess
import textwrap

import pytest

from conftest import LIMIT

# What a tracing program does, in a process of its own.
TRACE = """
import ctypes, os, sys
import ebcc, ebcc.log, ebcc.symbols
from ebcc import BPF
libc = ctypes.CDLL(None, use_errno=True)

def refuse(number, error):
    instructions = b"".join(
        (0x20).to_bytes(2, "little") + bytes(6) if kind == "load" else
        (0x15).to_bytes(2, "little") + bytes((0, 1)) + value.to_bytes(4, "little") if kind == "equal" else
        (0x06).to_bytes(2, "little") + bytes(2) + value.to_bytes(4, "little")
        for kind, value in (("load", 0), ("equal", number), ("return", 0x50000 | error), ("return", 0x7FFF0000)))
    class Program(ctypes.Structure):
        _fields_ = [("count", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(Program(4, instructions)), 0, 0) == 0

def trace():
    counts = []
    with BPF(text='''
            BPF_HASH(calls, u32);
            BPF_PERF_OUTPUT(perf);
            BPF_RINGBUF_OUTPUT(ring, 8);
            int entered(void *ctx) { return 0; }
            TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
                u32 pid = args->pid;
                if (pid != OWN) return 0;
                calls.increment(pid);
                perf.perf_submit(args, &pid, sizeof(pid));
                ring.ringbuf_output(&pid, sizeof(pid), 0);
                return 0;
            }''', cflags=["-DOWN=%d" % os.getpid()]) as b:
        b.attach_uprobe(name="c", sym="getpgid", fn_name="entered")
        b["perf"].open_perf_buffer(lambda *event: counts.append("perf"))
        b["ring"].open_ring_buffer(lambda *event: counts.append("ring"))
        os.getpgid(os.getpid())
        b.perf_buffer_poll(1000)
        b.ring_buffer_poll(1000)
        assert sorted(counts) == ["perf", "ring"] and len(b["calls"]) == 1
        address = ctypes.cast(libc.getpgid, ctypes.c_void_p).value
        assert BPF.sym(address, os.getpid()) in (b"getpgid", b"__getpgid", b"[unknown]")
"""

# System calls that the filters of containers refuse, or that other kernels lack.
CALLS = ["pidfd_send_signal", "pidfd_open", "memfd_create", "close_range", "clone3", "openat2", "faccessat2",
         "landlock_create_ruleset", "landlock_restrict_self", "seccomp", "prctl", "capset", "prlimit64", "statx",
         "unshare", "process_vm_readv", "perf_event_open", "bpf", "epoll_create1", "getrandom", "kill",
         "setpgid", "chdir", "sched_getaffinity"]


@functools.lru_cache
def numbers():
    text = subprocess.run(["cc", "-E", "-dM", "-include", "asm/unistd.h", "-x", "c", "/dev/null"],
                          capture_output=True, text=True, check=True).stdout
    found = {name: int(number) for name, number in re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.M)}
    # Older headers don't have their names. Their numbers are the same on all machines.
    return {"landlock_create_ruleset": 444, "landlock_restrict_self": 446, "faccessat2": 439} | found


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOSYS])
def test_a_refused_system_call_hangs_nothing(error):
    """One call is refused from the start: nothing hangs, and what fails raises an error of the package."""
    script = TRACE + textwrap.dedent("""
        refuse(int(sys.argv[1]), int(sys.argv[2]))
        try:
            trace()
        except ebcc.Error as failure:
            print(type(failure).__name__, str(failure)[:300])
        else:
            print("traced")
        """)
    environment = dict(os.environ, EBCC_CACHE="off")
    running = {}
    outcomes = {}
    for name in CALLS + [None] * 2:
        # Two at a time.
        if len(running) == 2 or name is None:
            oldest = next(iter(running))
            output, errors = running.pop(oldest).communicate(timeout=LIMIT)
            outcomes[oldest] = output
            assert errors == "", oldest
        if name:
            running[name] = subprocess.Popen(
                ["/usr/bin/python3", "-c", script, str(numbers()[name]), str(error)], text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    failed = {name for name, outcome in outcomes.items() if outcome != "traced\n"}
    assert all(re.match(r"(\w+Error) .", outcomes[name]) for name in failed), outcomes
    # Tracing works without any of the other calls.
    assert failed <= {"memfd_create", "clone3", "perf_event_open", "bpf", "epoll_create1", "setpgid"}, outcomes


def test_a_pid_namespace_whose_first_process_has_ended_is_named(python):
    result = python("""
        import ctypes
        import ebcc
        from ebcc import BPF
        text = "int f(void *ctx) { return 0; }"
        assert ctypes.CDLL(None, use_errno=True).unshare(0x20000000) == 0
        BPF(text=text).close()
        try:
            BPF(text=text)
        except ebcc.CompileError as error:
            print(error)
        """, env=dict(os.environ, EBCC_CACHE="off"))
    assert "the first process in it has ended" in result.stdout, result


def test_a_limit_of_address_space_is_named(python):
    result = python("""
        import resource
        import ebcc, ebcc.log
        from ebcc import BPF
        resource.setrlimit(resource.RLIMIT_AS, (48 << 20, -1))
        try:
            BPF(text="int f(void *ctx) { return 0; }")
        except ebcc.CompileError as error:
            print(error)
        """, env=dict(os.environ, EBCC_CACHE="off"))
    assert "limit of 48 MiB of address space (RLIMIT_AS, ulimit -v)" in result.stdout, result
