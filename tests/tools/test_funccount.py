"""funccount, while functions of programs are called, or tracepoints passed, a known number of times."""
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from toolrun import Tool, Worker, caller, repeated_when_skipped, run  # noqa: F401

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    """The path of calls.c's program."""
    path = tmp_path_factory.mktemp("calls") / "calls"
    subprocess.run(["cc", "-O1", "-o", path, HERE / "calls.c"], check=True)
    return path


def trace(act, *arguments):
    """What the tool counts while act() runs."""
    with Tool("funccount", "--json", *arguments) as tool:
        tool.wait_until_asleep()
        act()
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    events = [json.loads(line) for line in output.splitlines()]
    assert all(abs(event["time"] - time.time()) < 600 for event in events)
    counts = {event["func"]: event["count"] for event in events}
    assert len(counts) == len(events)
    assert list(counts.values()) == sorted(counts.values())
    return counts


@repeated_when_skipped
def test_functions_of_a_program(binary, caller):
    """All calls are counted; functions that don't match, or aren't called, don't appear."""
    def act():
        caller.call("work_one", 300)
        caller.call("rest", 50)
        caller.call("work_two", 7)
    assert trace(act, f"{binary}:work_*") == {"work_one": 300, "work_two": 7}
    assert trace(act, f"p:{binary}:work_two") == {"work_two": 7}
    assert trace(act, "-r", f"{binary}:(work_o|re)") == {"work_one": 300, "rest": 50}


@repeated_when_skipped
def test_one_process(binary, caller):
    """-p leaves out other processes of the same program."""
    other = Worker(binary)
    try:
        def act():
            caller.call("rest", 20)
            other.call("rest", 30)
        assert trace(act, "-p", other.pid, f"{binary}:rest") == {"rest": 30}
        assert trace(act, f"{binary}:rest") == {"rest": 50}
    finally:
        other.close()


@repeated_when_skipped
def test_library(caller):
    """The short name of the C library is enough."""
    counts = trace(lambda: caller.call("work_one", 5), "-p", caller.pid, "c:puts")
    assert sum(counts.values()) == 1


@repeated_when_skipped
def test_usdt_probe(binary, caller):
    """All locations of a probe are counted."""
    def act():
        caller.call("work_one", 8)
        caller.call("rest", 50)
        caller.call("work_two", 4)
    assert trace(act, f"u:{binary}:w*k") == {"work": 12}
    assert trace(act, "-p", caller.pid, "-r", f"u:{binary}:wor") == {"work": 12}


@repeated_when_skipped
def test_usdt_probe_with_a_semaphore(monkeypatch, tmp_path):
    """Probes that a program passes only while they are traced, such as Python's."""
    interpreter = os.path.realpath("/usr/bin/python3")
    script = ("import gc, sys\n"
              "gc.disable()\n"
              "for line in sys.stdin:\n"
              "    gc.collect()\n"
              "    print('done', flush=True)\n")
    with subprocess.Popen([interpreter, "-c", script], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        def act():
            for _ in range(3):
                process.stdin.write(b"\n")
                process.stdin.flush()
                assert process.stdout.readline() == b"done\n"
        counts = trace(act, "-p", process.pid, f"u:{interpreter}:gc__*")
        assert counts == {"gc__start": 3, "gc__done": 3}
        # The program's name is enough: it is looked up in PATH.
        (tmp_path / "test-interpreter").symlink_to(interpreter)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert trace(act, "-p", process.pid, "u:test-interpreter:gc__start") == {"gc__start": 3}
        process.stdin.close()


def test_damaged_programs(tmp_path, binary):
    """A truncated file, or one that is not a program, gives one line on standard error."""
    whole = binary.read_bytes()
    path = os.fsencode(tmp_path / "damaged")
    other = b"funccount: cannot read the probes of %s: " % path
    without = b"funccount: nothing matches 'u:%s:work'\n" % path
    for contents, reason in ((b"", other), (b"#!/bin/sh\n", other), (whole[:100], without),
                             (whole[:-500], without),
                             (whole[:40] + b"\xff" * 8 + whole[48:], without)):
        (tmp_path / "damaged").write_bytes(contents)
        status, output, errors = run("funccount", f"u:{tmp_path}/damaged:work")
        assert (status, output, errors.count(b"\n")) == (1, b"", 1)
        assert errors.startswith(reason)


@repeated_when_skipped
def test_tracepoints():
    """Tracepoints by wildcard and by regular expression, of this process only."""
    def act():
        for _ in range(40):
            os.getppid()
        os.getpgid(0)
    expected = {"syscalls:sys_enter_getppid": 40, "syscalls:sys_enter_getpgid": 1}
    assert trace(act, "-p", os.getpid(), "t:syscalls:sys_enter_getp*") == expected
    assert trace(act, "-p", os.getpid(), "-r", "t:sys.alls:sys_enter_getp(pid|gid)$") == expected


@repeated_when_skipped
def test_one_cpu():
    cpus = sorted(os.sched_getaffinity(0))

    def act():
        for number, cpu in enumerate(cpus[:2]):
            os.sched_setaffinity(0, [cpu])
            for _ in range(10 + number):
                os.getppid()
        os.sched_setaffinity(0, cpus)
    assert trace(act, "-p", os.getpid(), "-c", cpus[0], "t:syscalls:sys_enter_getppid") == {
        "syscalls:sys_enter_getppid": 10}


@repeated_when_skipped
def test_text():
    with Tool("funccount", "-T", "-p", os.getpid(), "t:syscalls:sys_enter_getp*") as tool:
        tool.wait_until_asleep()
        for _ in range(12):
            os.getppid()
        status, output, errors = tool.interrupt()
    lines = output.decode().splitlines()
    assert (status, errors) == (0, b"")
    assert re.fullmatch(r"Tracing \d+ functions for 't:syscalls:sys_enter_getp\*'\.\.\. "
                        r"Hit Ctrl-C to end\.", lines[0])
    assert re.fullmatch(r"\d\d:\d\d:\d\d", lines[2]) and lines[3].split() == ["FUNC", "COUNT"]
    assert [line.split() for line in lines[4:]] == [["syscalls:sys_enter_getppid", "12"]]


@repeated_when_skipped
def test_intervals():
    """Each interval shows only its own calls."""
    with Tool("funccount", "-i", "0.4", "-p", os.getpid(), "t:syscalls:sys_enter_getppid") as tool:
        tool.wait_for_text(b"COUNT\n")
        os.getppid()
        tool.wait_for(lambda output: b"COUNT\n" in output.partition(b"getppid ")[2])
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    assert re.findall(rb"getppid +(\d+)\n", output) == [b"1"]


def test_duration():
    """It prints after each full interval, and once for the rest of the time."""
    begin = time.monotonic()
    status, output, errors = run("funccount", "-i", "0.4", "-d", "1", "-p", os.getpid(), "t:syscalls:sys_enter_getppid")
    assert (status, errors, output.count(b"COUNT\n")) == (0, b"", 3)
    assert time.monotonic() - begin > 1


def test_source(caller, binary):
    """-D shows the source, with constants and definitions first."""
    status, output, errors = run("funccount", "-D", "-d", "0.1", f"{binary}:work_*")
    assert (status, errors) == (0, b"")
    assert output.startswith(b"#define NUMBERED_PLACES PLACE(0) PLACE(1)") and b"static inline int count(u64 key)" in output


@pytest.mark.parametrize(("pattern", "reason"), [
    ("t:sched:no_such_*", b"nothing matches 't:sched:no_such_*'"),
    ("c:no_such_*", b"nothing matches 'c:no_such_*'"),
    ("u:c:no_such_*", b"nothing matches 'u:c:no_such_*'"),
    ("c:mallocc", b"nothing matches 'c:mallocc'; did you mean malloc,"),
    ("t:sched:sched_swich", b"nothing matches 't:sched:sched_swich'; did you mean sched:sched_switch"),
    ("u:no_such_library:f", b"no library and no program in PATH is named no_such_library"),
    ("no_such_library:f", b"no_such_library"),
    ("t:syscalls:*", b" functions match, but only 10 are allowed"),
])
def test_nothing_to_count(pattern, reason):
    status, output, errors = run("funccount", pattern,
                                 env={**os.environ, "BCC_PROBE_LIMIT": "10"})
    assert (status, output) == (1, b"")
    assert errors.startswith(b"funccount: ") and errors.count(b"\n") == 1 and reason in errors


def test_help():
    status, output, errors = run("funccount", "--help")
    assert (status, errors) == (0, b"")
    for word in (b"--pid", b"--interval", b"--duration", b"--timestamp", b"--regexp", b"--cpu",
                 b"--debug", b"--json", b"PATTERN", b"examples:"):
        assert word in output
