"""profile, with a program whose functions call one another in known chains."""
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from stackrun import blocks, chains, folded, process, records, starts_with, trace  # noqa: F401
from test_opensnoop import cgroup_root, pinned_set  # noqa: F401
from toolrun import LIMIT, Tool, processor_seconds, run

OFTEN = ("often", "work", "spin", "main")
SELDOM = ("seldom", "work", "spin", "main")
RATE = 499


def test_functions_of_a_program(process):
    """Samples are in proportion to time: two thirds are in one function. No other process appears."""
    seconds = 1.5
    found = records("profile", lambda: process.call("spin", int(seconds * 1000)), "-F", RATE, "-p", process.pid)
    assert {(stack["pid"], stack["comm"]) for stack in found} == {(process.pid, "chains")}
    spent = {name[0]: sum(stack["samples"] for stack in found if starts_with(stack["user"], *name))
             for name in (OFTEN, SELDOM)}
    total = sum(stack["samples"] for stack in found)
    assert 0.9 * total <= sum(spent.values()) <= total
    assert 1.3 < spent["often"] / spent["seldom"] < 3.1
    # spin() uses this much processor time, however long that takes. Virtual machines may miss timer interrupts.
    assert 0.2 * RATE * seconds < total < 1.1 * RATE * seconds


def test_both_parts_of_stacks(process):
    """What the kernel does for a program appears below the program's functions."""
    found = records("profile", lambda: process.call("copy", 2000), "-F", RATE, "-p", process.pid)
    inside = [stack for stack in found if stack["user"] and "vfs_read" in (stack["kernel"] or ())]
    # The C library reads the requests, and has no frame pointers: such a stack may be read() alone.
    commands = [stack for stack in inside if "copy" not in stack["user"]]
    assert sum(stack["samples"] for stack in commands) <= 3
    inside = [stack for stack in inside if stack not in commands]
    assert sum(stack["samples"] for stack in inside) > 10
    for stack in inside:
        assert starts_with(stack["user"], "copy", "main")
        assert stack["kernel"][-1].startswith(("entry_SYSCALL_64", "el0t_64_sync"))


@pytest.mark.parametrize(("option", "gone", "kept"), [("-U", "kernel", "user"),
                                                      ("-K", "user", "kernel")])
def test_one_part_of_stacks(process, option, gone, kept):
    found = records("profile", lambda: process.call("copy", 1000), option, "-F", RATE,
                    "-p", process.pid)
    assert all(stack[gone] == [] for stack in found) and any(stack[kept] for stack in found)


def test_folded(process):
    """Lines for flame graph programs have the outermost function first, and each stack once."""
    def act():
        process.call("spin", 300)
        process.call("copy", 1000)
    lines = folded(trace("profile", act, "-f", "-F", RATE, "-p", process.pid))
    # The caller of main() is in the C library, which may have no frame pointers.
    assert any(re.fullmatch(r"chains;.*main;spin;work;often", line) for line in lines)
    assert any(re.fullmatch(r"chains;.*main;copy;[^;]+;.*vfs_read;.*", line) for line in lines)
    assert not any("_[k]" in line or ";-;" in line for line in lines)
    lines = folded(trace("profile", lambda: process.call("copy", 1000), "-fda", "-F", RATE, "-p",
                         process.pid))
    assert any(re.fullmatch(r"chains;.*main;copy;-;[^;]+_\[k\];.*vfs_read_\[k\];.*_\[k\]", line)
               for line in lines)


def test_other_flame_graph_programs(process):
    """The original flame graph script draws each function as wide as our counts say."""
    def act():
        process.call("spin", 300)
        process.call("copy", 1000)
    text = trace("profile", act, "-df", "-F", RATE, "-p", process.pid)
    drawn = subprocess.run(["perl", "/usr/share/perl5/Devel/NYTProf/flamegraph.pl"], input=text,
                           capture_output=True, text=True, check=True)
    assert drawn.stderr == ""
    samples = sum(folded(text).values())
    titles = Counter()
    for name, width in re.findall(r"<title>(\S+) \((\d+) samples", drawn.stdout):
        titles[name] += int(width)
    assert titles["all"] == titles["chains"] == samples
    for name in ("spin", "copy", "vfs_read"):
        assert titles[name] == sum(value for line, value in folded(text).items()
                                   if name in line.split(";"))


def test_text(process):
    """Blocks of functions, innermost first, with the most frequent block last."""
    text = trace("profile", lambda: process.call("spin", 1500), "-F", RATE, "-p", process.pid)
    found = blocks(text, rf"Sampling at {RATE} Hertz of PID {process.pid} by user \+ kernel stack"
                         r"\.\.\. Hit Ctrl-C to end\.")
    last = found[-1]
    assert last[:4] == ["    often", "    work", "    spin", "    main"]
    assert last[-2] == f"    -                chains ({process.pid})"
    counts = [int(block[-1]) for block in found]
    assert last[-1] == f"        {counts[-1]}" and counts == sorted(counts)


def test_duration():
    """It ends by itself. A period may be given instead of a frequency."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as spinner:
        try:
            before = processor_seconds(spinner.pid)
            begin = time.monotonic()
            status, output, errors = run("profile", "-c", "2000000", "-p", spinner.pid, "-f", "0.5")
            took = time.monotonic() - begin
            used = processor_seconds(spinner.pid) - before
        finally:
            spinner.kill()
    assert (status, errors) == (0, b"") and took >= 0.5
    assert 0 < sum(folded(output.decode()).values()) <= used / 2e-3 + 1


def test_threads(process):
    """-L selects threads, separated by commas."""
    arguments = ("-F", RATE, "-L", f"{process.pid},{os.getpid()}")
    found = records("profile", lambda: process.call("spin", 200), *arguments)
    assert process.pid in {stack["pid"] for stack in found} <= {process.pid, os.getpid()}


def test_one_cpu(process):
    """-C leaves out what runs on other CPUs."""
    cpus = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(process.pid, [cpus[0]])

    def samples(cpu):
        found = records("profile", lambda: process.call("spin", 200), "-F", RATE, "-p",
                        process.pid, "-C", cpu)
        return sum(stack["samples"] for stack in found)
    assert samples(cpus[0]) > 10
    assert all(samples(cpu) == 0 for cpu in cpus[1:2])


def test_processes_that_end_before_the_tool(chains):
    """Processes that ended before the tool still have names for their functions, if they ran for a moment."""
    def act():
        with subprocess.Popen([chains], stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.DEVNULL) as process:
            pids.append(process.pid)
            process.communicate("spin 2500\n")
    pids = []
    found = [stack for stack in records("profile", act, "-U", "-F", 199) if stack["pid"] in pids]
    assert sum(stack["samples"] for stack in found if starts_with(stack["user"], *OFTEN)) > 10


def test_too_little_room(process):
    """Stacks that could not be kept are counted and shown as missed, and a message says which option helps."""
    with Tool("profile", "--stack-storage-size", 1, "-F", RATE, "-fp", process.pid) as tool:
        tool.wait_until_asleep()
        process.call("spin", 300)
        status, output, errors = tool.interrupt()
    assert status == 0
    assert re.fullmatch(rb"profile: \d+ stacks? could not be kept; --stack-storage-size 2 gives "
                        rb"more room\n", errors)
    lines = folded(output.decode())
    assert lines["chains;[Missed User Stack]"] > 0


def test_mount_namespaces(process, pinned_set):
    own = os.stat("/proc/self/ns/mnt").st_ino
    for keys, seen in (([own], True), ([own + 1], False)):
        found = records("profile", lambda: process.call("spin", 100), "-F", RATE, "-p",
                        process.pid, "--mntnsmap", pinned_set("set", 4, keys))
        assert bool(found) == seen


def test_cgroups(process, pinned_set, cgroup_root):
    with open(f"/proc/{process.pid}/cgroup", encoding="utf-8") as file:
        path = next(line[4:].strip() for line in file if line.startswith("0::"))
    own = os.stat(cgroup_root / path).st_ino
    for keys, seen in (([own], True), ([own + 1], False)):
        found = records("profile", lambda: process.call("spin", 100), "-F", RATE, "-p",
                        process.pid, "--cgroupmap", pinned_set("set", 8, keys))
        assert bool(found) == seen


def test_flame_graph(process, tmp_path):
    """The picture shows the functions; stacks are printed only if an option asks for them too."""
    path = tmp_path / "cpu.svg"
    for options, prints in (((), False), (("-f",), True)):
        with Tool("profile", "-F", RATE, "-p", process.pid, "--flamegraph", path, "--title",
                  "Title & more", "--subtitle", "below", *options) as tool:
            tool.wait_until_asleep()
            process.call("spin", 200)
            status, output, errors = tool.interrupt()
        assert (status, errors) == (0, b"wrote %s: open it in a browser\n" % os.fsencode(path))
        assert (b"main;spin;work;often" in output) == prints
        text = path.read_text(encoding="utf-8")
        assert ">often\n" in text and ">Title &amp; more<" in text and ">below<" in text
        assert 'class="frame process" data-start="0"' in text


def test_flame_graph_that_cannot_be_written(tmp_path):
    """The error is reported before anything is traced."""
    status, output, errors = run("profile", "--flamegraph", tmp_path / "none/cpu.svg")
    assert (status, output, errors.count(b"\n")) == (1, b"", 1)
    assert b"No such file or directory" in errors


def test_progress(process):
    """On a terminal, a line shows progress; it is removed at the end."""
    master, slave = os.openpty()
    with Tool("profile", "-F", RATE, "-p", process.pid, "-f") as tool:
        tool.wait_until_asleep()
    with subprocess.Popen(["/usr/bin/python3", tool.process.args[1], "-F", str(RATE), "-p",
                           str(process.pid), "-f"], stdout=subprocess.DEVNULL,
                          stderr=slave) as watched:
        os.close(slave)
        seen = b""
        end = time.monotonic() + LIMIT
        while not re.search(rb"\r\d+ s: [1-9]\d* events counted\x1b\[K", seen):
            assert time.monotonic() < end, seen
            process.call("spin", 100)
            os.set_blocking(master, False)
            try:
                seen += os.read(master, 4096)
            except BlockingIOError:
                pass
        watched.send_signal(signal.SIGINT)
        os.set_blocking(master, True)
        while not seen.endswith(b"\r\x1b[K"):
            seen += os.read(master, 4096)
        assert watched.wait(timeout=LIMIT) == 0
    os.close(master)


def test_help():
    status, output, errors = run("profile", "--help")
    assert (status, errors) == (0, b"")
    for word in (b"--pid", b"--tid", b"--frequency", b"--count", b"--delimited", b"--annotations",
                 b"--include-idle", b"--folded", b"--stack-storage-size", b"--cpu", b"--cgroupmap",
                 b"--mntnsmap", b"--user-stacks-only", b"--kernel-stacks-only", b"--json",
                 b"--flamegraph", b"--title", b"--subtitle", b"--min-width", b"DURATION",
                 b"examples:"):
        assert word in output
