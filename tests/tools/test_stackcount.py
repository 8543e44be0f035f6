"""stackcount, with a function that a program calls in two ways, a known number of times."""
import os
import re
import subprocess
import time

from stackrun import blocks, chains, folded, process, records, starts_with, trace  # noqa: F401
from test_funccount import binary, caller  # noqa: F401
from toolrun import Tool, Worker, repeated_when_skipped, run

ONE = ("target", "one_way", "call", "main")
OTHER = ("target", "other_way", "call", "main")


def call_both(process):
    """Calls the function 30 times one way, and 7 times the other."""
    process.call("one", 30)
    process.call("other", 7)


def counts(found):
    """The count of each way; which frames called main() does not matter."""
    return {names[1]: sum(stack["count"] for stack in found if starts_with(stack["user"], *names))
            for names in (ONE, OTHER)}


@repeated_when_skipped
def test_ways_to_a_function(chains, process):
    """All calls are counted, each under its callers."""
    for pattern in (f"{chains}:target", f"p:{chains}:targ*"):
        found = records("stackcount", lambda: call_both(process), pattern)
        assert counts(found) == {"one_way": 30, "other_way": 7}
        assert len(found) == 2 and all(stack["kernel"] == [] for stack in found)
        assert all(abs(stack["time"] - time.time()) < 600 for stack in found)
    found = records("stackcount", lambda: call_both(process), "-r", f"{chains}:(targ|other_w).*$")
    assert counts(found) == {"one_way": 30, "other_way": 7}
    assert sum(stack["count"] for stack in found if starts_with(stack["user"], *OTHER[1:])) == 7


@repeated_when_skipped
def test_processes(chains, process):
    """All processes of a program are counted together; -P separates them, -p selects one."""
    other = Worker(chains)
    try:
        def act():
            call_both(process)
            other.call("one", 20)
        assert counts(records("stackcount", act, f"{chains}:target")) == {
            "one_way": 50, "other_way": 7}
        found = records("stackcount", act, "-P", f"{chains}:target")
        assert counts(stack for stack in found if stack["pid"] == other.pid)["one_way"] == 20
        assert counts(stack for stack in found if stack["pid"] == process.pid)["one_way"] == 30
        assert {stack["comm"] for stack in found} == {"chains"}
        found = records("stackcount", act, "-p", other.pid, f"{chains}:target")
        assert {stack["pid"] for stack in found} == {other.pid}
        assert counts(found) == {"one_way": 20, "other_way": 0}
    finally:
        other.close()


@repeated_when_skipped
def test_tracepoint(process):
    """The stacks of a kernel event have a user part and a kernel part."""
    found = records("stackcount", lambda: process.call("rest", 25), "-p", process.pid,
                    "t:sched:sched_swit*")
    naps = [stack for stack in found if starts_with(stack["user"], "nap", "rest", "main") and
            "do_nanosleep" in stack["kernel"]]
    # On a busy machine, a nap may be over before the thread has left its CPU (one event fewer), and
    # the thread may be preempted on its way into or out of a nap (one more).
    assert 20 <= sum(stack["count"] for stack in naps) <= 30
    assert all(stack["kernel"][-1].startswith(("entry_SYSCALL_64", "el0t_64_sync"))
               for stack in naps)


@repeated_when_skipped
def test_usdt_probe(binary, caller):
    """A probe with several locations is counted at each of them."""
    def act():
        caller.call("work_one", 8)
        caller.call("work_two", 4)
    found = records("stackcount", act, f"u:{binary}:w*k")
    # This program is built without frame pointers, so only the innermost function is certain.
    by_function = {name: sum(stack["count"] for stack in found if stack["user"][0] == name)
                   for name in ("work_one", "work_two")}
    assert by_function == {"work_one": 8, "work_two": 4}


@repeated_when_skipped
def test_one_part_of_stacks(process):
    for option, omitted, kept in (("-U", "kernel", "user"), ("-K", "user", "kernel")):
        found = records("stackcount", lambda: process.call("rest", 5), option, "-p", process.pid,
                        "t:sched:sched_switch")
        assert sum(stack["count"] for stack in found) >= 5
        assert all(stack[omitted] == [] and stack[kept] for stack in found)


@repeated_when_skipped
def test_one_cpu(chains, process):
    cpus = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(process.pid, [cpus[-1]])
    for cpu, count in ((cpus[-1], 30), *((other, 0) for other in cpus[:-1])):
        found = records("stackcount", lambda: call_both(process), "-c", cpu, f"{chains}:target")
        assert counts(found)["one_way"] == count


@repeated_when_skipped
def test_text(chains, process):
    """The most frequent stack comes last; -s adds offsets, -v addresses."""
    header = rf"Tracing 1 functions for '{re.escape(str(chains))}:target'\.\.\. Hit Ctrl-C to end\."
    found = blocks(trace("stackcount", lambda: call_both(process), f"{chains}:target"), header)
    assert [block[:4] for block in found] == [[f"  {name}" for name in way] for way in (OTHER, ONE)]
    assert [block[-1] for block in found] == ["    7", "    30"]
    text = trace("stackcount", lambda: call_both(process), "-Psv", f"{chains}:target")
    found = blocks(text, header)
    assert found[1][-2] == f"    chains [{process.pid}]"
    assert re.fullmatch(r"  [0-9a-f]+ +target\+0x0", found[1][0])
    assert all(re.fullmatch(rf"  [0-9a-f]+ +{name}\+0x[1-9a-f][0-9a-f]*", line)
               for name, line in zip(ONE[1:], found[1][1:4]))
    addresses = [int(line.split()[0], 16) for line in found[1][:2]]
    symbols = subprocess.run(["nm", chains], capture_output=True, text=True, check=True).stdout
    starts = {words[2]: int(words[0], 16) for words in map(str.split, symbols.splitlines())
              if len(words) == 3}
    offset = int(found[1][1].split("+0x")[1], 16)
    assert addresses[0] - addresses[1] == starts["target"] - starts["one_way"] - offset


@repeated_when_skipped
def test_folded(chains, process):
    lines = folded(trace("stackcount", lambda: call_both(process), "-f", f"{chains}:target"))
    assert sorted(lines.values()) == [7, 30]
    assert [re.sub("^.*;main;", "main;", ";" + line) for line in lines] == [
        ";".join(reversed(way)) for way in (OTHER, ONE)]
    lines = folded(trace("stackcount", lambda: process.call("rest", 25), "-fdP", "-p", process.pid,
                         "t:sched:sched_switch"))
    assert any(re.fullmatch(r"chains;.*main;rest;nap;-;\w+;.*do_nanosleep;.*", line) and
               20 <= value <= 25 for line, value in lines.items())


@repeated_when_skipped
def test_intervals(chains, process):
    """Each interval shows only its own events."""
    with Tool("stackcount", "-T", "-i", "0.4", f"{chains}:target") as tool:
        tool.wait_until_asleep()
        process.call("one", 1)
        tool.wait_for_text(b"    1\n")
        process.call("other", 1)
        tool.wait_for(lambda output: output.count(b"    1\n") == 2)
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    assert re.findall(r"^    (\d+)$", output.decode(), re.MULTILINE) == ["1", "1"]
    assert len(re.findall(r"^\d\d:\d\d:\d\d$", output.decode(), re.MULTILINE)) >= 3


def test_duration(chains):
    """Counts are printed after each full interval, and once more for the rest of the time."""
    begin = time.monotonic()
    status, output, errors = run("stackcount", "-T", "-i", "0.4", "-D", "1", f"{chains}:target")
    assert (status, errors) == (0, b"") and time.monotonic() - begin >= 1
    assert len(re.findall(r"^\d\d:\d\d:\d\d$", output.decode(), re.MULTILINE)) == 3


@repeated_when_skipped
def test_flame_graph(chains, process, tmp_path):
    """The graph shows the counts of all intervals together."""
    path = tmp_path / "calls.svg"
    with Tool("stackcount", "-i", "0.2", "--flamegraph", path, f"{chains}:target") as tool:
        tool.wait_until_asleep()
        call_both(process)
        time.sleep(0.3)
        call_both(process)
        status, output, errors = tool.interrupt()
    assert status == 0 and errors.endswith(b": open it in a browser\n")
    assert output.count(b"\n") == 1
    text = path.read_text(encoding="utf-8")
    assert 'data-total="74"' in text and ">one_way\n60 count, 81.08%, user<" in text


def test_too_little_room(chains, process):
    with Tool("stackcount", "--stack-storage-size", 1, "-fr", f"{chains}:(target|call)$") as tool:
        tool.wait_until_asleep()
        process.call("one", 7)
        process.call("other", 5)
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"stackcount: 1 stack could not be kept; --stack-storage-size "
                                   b"2 gives more room\n")
    assert b"[Missed User Stack] 5\n" in output and b";call 2\n" in output
    assert b";one_way;target 7\n" in output


def test_debug(chains):
    """The source comes before any other output."""
    status, output, _ = run("stackcount", "--debug", "-D", "0.1", f"{chains}:target")
    assert status == 0 and output.startswith(b"\n#include <linux/sched.h>\n")
    assert b"int count_call(" in output


def test_nothing_to_count(chains):
    status, output, errors = run("stackcount", f"{chains}:no_such_*")
    assert (status, output) == (1, b"")
    assert errors == b"stackcount: nothing matches '%s:no_such_*'\n" % os.fsencode(chains)


def test_help():
    status, output, errors = run("stackcount", "--help")
    assert (status, errors) == (0, b"")
    for word in (b"--pid", b"--cpu", b"--interval", b"--duration", b"--timestamp", b"--regexp",
                 b"--offset", b"--perpid", b"--kernel-stacks-only", b"--user-stacks-only",
                 b"--verbose", b"--delimited", b"--folded", b"--debug", b"--json",
                 b"--stack-storage-size", b"--flamegraph", b"PATTERN", b"examples:"):
        assert word in output
