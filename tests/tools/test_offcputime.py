"""offcputime, with a program that sleeps in a known chain of functions for known times."""
import os
import re
import subprocess
import sys
import time

from stackrun import blocks, chains, folded, process, records, starts_with, trace  # noqa: F401
from toolrun import LIMIT, Tool, repeated_when_skipped, run

# A nap takes a millisecond. On a busy machine, a few naps are over before the thread has left its CPU,
# so the tests require only nine tenths of the time. The thread may also be preempted on its way into a
# nap or out of it. That is a wait with the same user stack, in state 0 and of any length, so the tests
# recognize naps by their time or by their kernel stack.
NAP = ("nap", "rest", "main")


def naps(found):
    """The stacks in which the program naps."""
    return [stack for stack in found if starts_with(stack["user"], *NAP)]


@repeated_when_skipped
def test_time_of_a_chain(process):
    """Naps take the requested time, and a little more; no other process appears."""
    took = []

    def act():
        begin = time.monotonic()
        process.call("rest", 200)
        took.append(time.monotonic() - begin)
    found = records("offcputime", act, "-p", process.pid)
    assert {(stack["pid"], stack["tid"], stack["comm"]) for stack in found} == {
        (process.pid, process.pid, "chains")}
    spent = sum(stack["us"] for stack in naps(found))
    assert 180_000 <= spent <= took[0] * 1e6
    kernel = max(naps(found), key=lambda stack: stack["us"])["kernel"]
    assert kernel.index("__schedule") < kernel.index("do_nanosleep") < len(kernel) - 1
    assert kernel[-1].startswith(("entry_SYSCALL_64", "el0t_64_sync"))


@repeated_when_skipped
def test_time_limits(process):
    """-m and -M: naps take more than a millisecond, and far less than ten seconds."""
    def spent(*options):
        found = records("offcputime", lambda: process.call("rest", 50), "-p", process.pid, *options)
        return sum(stack["us"] for stack in naps(found))
    assert spent("-m", 1000) >= 45_000 and spent("-M", 10_000_000) >= 45_000
    assert spent("-m", 10_000_000) == 0 and spent("-M", 100) < 20_000


@repeated_when_skipped
def test_states(process):
    """A sleep is interruptible (1), not uninterruptible (2)."""
    def spent(state):
        found = records("offcputime", lambda: process.call("rest", 50), "-p", process.pid,
                        "--state", state)
        return sum(stack["us"] for stack in naps(found))
    assert spent(1) >= 45_000 and spent(3) >= 45_000
    assert spent(2) < 20_000 and spent(0) < 20_000


@repeated_when_skipped
def test_preempted(process):
    """State 0: a thread that shares a CPU with another waits for it, in whatever function it is."""
    cpu = str(min(os.sched_getaffinity(0)))
    subprocess.run(["taskset", "-pc", cpu, str(process.pid)], check=True, capture_output=True)
    rival = subprocess.Popen(["taskset", "-c", cpu, sys.executable, "-c", "while True: pass"])
    try:
        found = records("offcputime", lambda: process.call("spin", 500), "-p", process.pid,
                        "--state", 0)
    finally:
        rival.kill()
        rival.wait(timeout=LIMIT)
    # Most of it may be at the end of clock_gettime(), whose caller is not in the stack: the C library has no frame
    # pointers.
    spent = sum(stack["us"] for stack in found if "main" in (stack["user"] or ()))
    assert spent > 50_000


@repeated_when_skipped
def test_threads(process):
    """-t selects one thread; -u selects the threads of programs, -k those of the kernel."""
    def spent(*options):
        return sum(stack["us"] for stack in naps(records(
            "offcputime", lambda: process.call("rest", 50), "--stack-storage-size", 16384,
            *options)) if stack["tid"] == process.pid)
    assert spent("-t", process.pid) >= 45_000 and spent("-u") >= 45_000
    assert spent("-k") == 0 and spent("-t", os.getpid()) == 0


@repeated_when_skipped
def test_one_part_of_stacks(process):
    for option, gone, kept in (("-U", "kernel", "user"), ("-K", "user", "kernel")):
        found = records("offcputime", lambda: process.call("rest", 20), option, "-p", process.pid)
        assert found and all(stack[gone] == [] and stack[kept] for stack in found)


@repeated_when_skipped
def test_folded(process):
    lines = folded(trace("offcputime", lambda: process.call("rest", 50), "-df", "-p", process.pid))
    spent = [value for line, value in lines.items()
             if re.fullmatch(r"chains;.*main;rest;nap;-;[^;]+;.*do_nanosleep;.*__schedule", line)]
    assert max(spent) >= 45_000


@repeated_when_skipped
def test_text(process):
    text = trace("offcputime", lambda: process.call("rest", 100), "-p", process.pid)
    found = blocks(text, rf"Tracing off-CPU time \(us\) of PID {process.pid} by user \+ kernel "
                         r"stack\.\.\. Hit Ctrl-C to end\.")
    nap = [block for block in found if "    nap" in block][-1]
    place = nap.index("    nap")
    assert nap[place:place + 3] == ["    nap", "    rest", "    main"]
    assert nap[-2] == f"    -                chains ({process.pid})" and int(nap[-1]) >= 90_000
    times = [int(block[-1]) for block in found]
    assert times == sorted(times)


@repeated_when_skipped
def test_flame_graph(process, tmp_path):
    path = tmp_path / "waits.svg"
    with Tool("offcputime", "-p", process.pid, "--flamegraph", path) as tool:
        tool.wait_until_asleep()
        process.call("rest", 50)
        status, output, errors = tool.interrupt()
    assert status == 0 and errors.endswith(b": open it in a browser\n")
    assert output.count(b"\n") == 1
    text = path.read_text(encoding="utf-8")
    assert ">nap\n" in text and ">do_nanosleep\n" in text and 'data-unit="us"' in text
    assert ">Flame graph of off-CPU time<" in text
    assert f">Tracing off-CPU time (us) of PID {process.pid} by user + kernel stack<" in text


def test_duration(process):
    begin = time.monotonic()
    status, output, errors = run("offcputime", "-p", process.pid, "--json", "0.3")
    assert (status, output, errors) == (0, b"", b"") and time.monotonic() - begin >= 0.3


def test_too_little_room(process):
    with Tool("offcputime", "--stack-storage-size", 1, "-p", process.pid, "-f") as tool:
        tool.wait_until_asleep()
        process.call("rest", 5)
        process.call("rest", 5)
        status, output, errors = tool.interrupt()
    assert status == 0
    assert re.fullmatch(rb"offcputime: \d+ stacks? could not be kept; --stack-storage-size 2 gives "
                        rb"more room\n", errors)
    assert b"[Missed " in output


def test_help():
    status, output, errors = run("offcputime", "--help")
    assert (status, errors) == (0, b"")
    for word in (b"--pid", b"--tid", b"--user-threads-only", b"--kernel-threads-only",
                 b"--user-stacks-only", b"--kernel-stacks-only", b"--delimited", b"--folded",
                 b"--stack-storage-size", b"--min-block-time", b"--max-block-time", b"--state",
                 b"--json", b"--flamegraph", b"DURATION", b"examples:"):
        assert word in output
