"""bpf_trace_printk() and the trace pipe. The pipe belongs to the whole machine, so each test looks only
for lines of its own process."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

import ebcc
from ebcc import trace
from ebcc.utils import get_online_cpus
from conftest import LIMIT, getpgid, wait_until

PRINT = """
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    FILTER
    bpf_trace_printk("number %d: twice %d\\n", args->pid, 2 * args->pid);
    return 0;
}
"""


@pytest.mark.parametrize("line, fields", [
    (b"            bash-1234    [001] d..31  1234.567890: bpf_trace_printk: Hello: world",
     (b"bash", 1234, 1, b"d..31", 1234.56789, b"Hello: world")),
    (b"  Web Content (x-99      [000] ....   7.000001: bpf_trace_printk: a",
     (b"Web Content (x", 99, 0, b"....", 7.000001, b"a")),
    (b"           <...>-4194304 [127] d.h2.  0.000001: 0x00000001: old kernels",
     (b"<...>", 4194304, 127, b"d.h2.", 0.000001, b"old kernels")),
    (b"           a-b-c-77      (     70) [002] d...  5.5: bpf_trace_printk: with a tgid",
     (b"a-b-c", 77, 2, b"d...", 5.5, b"with a tgid")),
])
def test_fields_of_a_line(line, fields):
    head, rest = line.split(b"-%d" % fields[1])
    assert trace.parse(head.rjust(16) [-16:] + b"-%d" % fields[1] + rest) == fields


@pytest.mark.parametrize("line", [b"CPU:1 [LOST 3 EVENTS]", b"", b"# tracer: nop", b"x" * 40])
def test_lines_that_are_not_events(line):
    assert trace.parse(line) is None


# Other readers of the pipe take lines, and other programs add some. So a test prints its line again and again until it
# finds it.

def wait_for_fields(bpf, number):
    def look():
        getpgid(number)
        while (fields := bpf.trace_fields(nonblocking=True))[0] is not None:
            if fields[1] == os.getpid() and fields[5].startswith(b"number %d:" % number):
                return fields
        return None

    return wait_until(look)


def test_trace_fields(load):
    bpf = load(PRINT)
    assert len(bpf.trace_fields(nonblocking=True)) == 6
    task, pid, cpu, flags, timestamp, message = wait_for_fields(bpf, 4000007)
    with open("/proc/self/comm", "rb") as file:
        assert task in (file.read().rstrip(b"\n"), b"<...>")  # the kernel may have forgotten the name
    assert pid == os.getpid() and cpu in get_online_cpus()
    assert isinstance(flags, bytes)
    assert 0 < timestamp <= time.monotonic() + 1
    assert message == b"number 4000007: twice 8000014"


def test_nonblocking_without_lines(load):
    bpf = load(PRINT)
    wait_until(lambda: bpf.trace_readline(nonblocking=True) == b"" and
               bpf.trace_fields(nonblocking=True) == (None,) * 6)


def test_trace_open_is_a_file_of_lines(load):
    bpf = load(PRINT)

    def look():
        getpgid(4000008)
        return [line for line in bpf.trace_open(nonblocking=True) if b"number 4000008" in line]

    assert re.search(rb": bpf_trace_printk: number 4000008: twice 8000016\n$", wait_until(look)[0])


def test_a_pipe_that_the_script_closed_is_opened_again(load):
    bpf = load(PRINT)
    with bpf.trace_open(nonblocking=True) as pipe:
        assert not pipe.closed
    assert pipe.closed
    with pytest.raises(ebcc.StateError, match="the trace pipe is closed"):
        pipe.readline()
    wait_for_fields(bpf, 4000009)


SCRIPT = """
import os, threading, time
from ebcc import BPF
b = BPF(text=r'''SOURCE'''.replace("OWN", str(os.getpid())))
def act():
    while True:
        try:
            os.getpgid(4000005)
        except OSError:
            time.sleep(0.05)
threading.Thread(target=act, daemon=True).start()
"""


@pytest.mark.parametrize("call, expected", [
    ("b.trace_print()", r"-\d+ +\[\d+\].*: bpf_trace_printk: number 4000005: twice 8000010$"),
    ("b.trace_print(fmt='{1} {5}')", r"^\d+ b'number 4000005: twice 8000010'$"),
])
def test_trace_print_until_interrupted(call, expected):
    script = SCRIPT.replace("SOURCE", PRINT.replace(
        "FILTER", "if (bpf_get_current_pid_tgid() >> 32 != OWN) return 0;"))
    process = subprocess.Popen([sys.executable, "-c", script + call], stdout=subprocess.PIPE,
                               text=True, stderr=subprocess.PIPE)
    for line in process.stdout:
        if re.search(expected, line.rstrip("\n")):
            break
    else:
        raise AssertionError(process.stderr.read())
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LIMIT)
    assert (process.returncode, errors.strip().splitlines()[-1]) == \
        (-signal.SIGINT, "KeyboardInterrupt")
