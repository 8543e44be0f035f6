"""execsnoop, while the test executes programs."""
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from toolrun import LIMIT, Tool, cgroup_of, cgroup_root, pinned_set, repeated_when_skipped, run  # noqa: F401

MARKER = "execsnoop-test-marker"


def execute(*command, **options):
    """Executes a program that ends by itself; returns its process id."""
    process = subprocess.Popen(command, **options)
    process.wait(timeout=LIMIT)
    return process.pid


def fail_to_execute(*command):
    """Tries to execute something that can't be executed; returns the error number."""
    with pytest.raises(OSError) as error:
        subprocess.Popen(command)
    return error.value.errno


def trace(act, *arguments):
    """Traces what this process's children execute while act() runs. Returns the tool's lines without
    those of the markers, and the result of act()."""
    with Tool("execsnoop", "-P", os.getpid(), *arguments) as tool:
        tool.wait_for(lambda output: MARKER.encode() in output,
                      lambda: execute("/bin/true", MARKER))
        result = act()
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    assert output.endswith(b"\n")
    return [line for line in output.splitlines() if MARKER.encode() not in line], result


def events_of(act, *arguments):
    """The same with --json: the events, and the result of act()."""
    lines, result = trace(act, "--json", *arguments)
    return [json.loads(line) for line in lines], result


@pytest.fixture
def folder(tmp_path):
    """A folder with a script, a script with an argument for its interpreter, a program, and a file
    that can't be executed."""
    for name, first in (("script", "#!/bin/sh"), ("strict", "#!/bin/sh -e")):
        (tmp_path / name).write_text(first + "\nexit 0\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "data").write_text("nothing\n")
    shutil.copy("/bin/true", tmp_path / "named-apart")
    return tmp_path


@repeated_when_skipped
def test_every_argument_is_seen_as_it_was():
    """Arguments with spaces, quotes, control characters or bytes that aren't UTF-8, and an empty one."""
    arguments = ["plain", "two words", 'quo"te', "back\\slash", "", "tab\tline\n", "ünïcode"]
    before = time.time()
    events, pid = events_of(lambda: execute("/bin/true", *arguments, b"latin-\xe9"))
    (event,) = events
    assert event["args"] == ["/bin/true", *arguments, "latin-\\xe9"]
    assert (event["comm"], event["pid"], event["ppid"], event["uid"], event["ret"]) == (
        "true", pid, os.getpid(), os.getuid(), 0)
    assert event["truncated"] is False and before - 1 < event["time"] < time.time() + 1


@repeated_when_skipped
def test_every_program_in_order(folder):
    """Many programs in a row, each once; scripts as they were called, without their interpreter."""
    def act():
        pids = [execute("/bin/true", str(number)) for number in range(20)]
        pids.append(execute(folder / "script", "one", "two words"))
        pids.append(execute(folder / "strict", "--", str(folder / "strict")))
        # The caller chooses the name under which a program runs.
        pids.append(execute("another name", "argument", executable=folder / "named-apart"))
        return pids
    events, pids = events_of(act)
    assert [event["pid"] for event in events] == pids
    assert [event["args"] for event in events] == [
        *(["/bin/true", str(number)] for number in range(20)),
        [f"{folder}/script", "one", "two words"],
        [f"{folder}/strict", "--", f"{folder}/strict"],
        [f"{folder}/named-apart", "argument"]]
    assert [event["comm"] for event in events[-3:]] == ["script", "strict", "named-apart"]
    times = [event["time"] for event in events]
    assert times == sorted(times)


@repeated_when_skipped
def test_failed_calls(folder):
    """-x also shows calls that failed, with their arguments."""
    missing = str(folder / "missing")

    def act():
        assert fail_to_execute(missing, "an argument", "", "last") == errno.ENOENT
        assert fail_to_execute(str(folder / "data"), "x") == errno.EACCES
        return execute("/bin/true", "after")
    events, pid = events_of(act, "-x")
    assert [(event["args"], event["ret"]) for event in events] == [
        ([missing, "an argument", "", "last"], -errno.ENOENT),
        ([str(folder / "data"), "x"], -errno.EACCES),
        (["/bin/true", "after"], 0)]
    assert events[-1]["pid"] == pid and not any(event["truncated"] for event in events)
    assert {event["ppid"] for event in events} == {os.getpid()}
    # Without -x, only programs that were executed.
    events, _ = events_of(act)
    assert [event["args"] for event in events] == [["/bin/true", "after"]]


@repeated_when_skipped
def test_from_another_thread():
    """A program that a thread executes is shown under the id of the process, and the thread's call is forgotten."""
    script = ("import os, threading, time\n"
              "threading.Thread(target=os.execv, args=('/bin/true', ['x', 'thread'])).start()\n"
              "time.sleep(60)\n")
    events, pid = events_of(lambda: execute(sys.executable, "-c", script), "-x", "-n", "^true$")
    assert [(event["args"], event["pid"], event["ret"]) for event in events] == [
        (["/bin/true", "thread"], pid, 0)]


@repeated_when_skipped
def test_by_descriptor():
    """execveat() of a descriptor is shown under the kernel's name for it."""
    def act():
        descriptor = os.open("/bin/true", os.O_PATH)
        child = os.fork()
        if child == 0:
            os.execve(descriptor, ["true", "below"], {})
        os.waitpid(child, 0)
        os.close(descriptor)
        return descriptor
    events, descriptor = events_of(act)
    assert [event["args"][1:] for event in events] == [["below"]]
    assert events[0]["args"][0] == f"/dev/fd/{descriptor}"


@repeated_when_skipped
def test_columns():
    def act():
        execute("/bin/true", "a b", 'say "no"', "bell\a")
        return fail_to_execute("/nonexistent/program")
    lines, _ = trace(act, "-T", "-t", "-U", "-x", "-q")
    assert lines[0].split() == b"TIME TIME(s) UID PCOMM PID PPID RET ARGS".split()
    pattern = re.compile(
        rb"(\d\d:\d\d:\d\d) +(\d+\.\d{3}) +(\d+) +(\S+) +(\d+) +(\d+) +(-?\d+) (.*)")
    rows = [pattern.fullmatch(line).groups() for line in lines[1:]]
    assert [(int(ret), args) for *_, ret, args in rows] == [
        (0, rb'"/bin/true" "a b" "say \"no\"" "bell\x07"'),
        (-errno.ENOENT, b'"/nonexistent/program"')]
    assert {(int(uid), int(ppid)) for _, _, uid, _, _, ppid, *_ in rows} == {
        (os.getuid(), os.getpid())}
    assert all(0 <= float(row[1]) < 120 for row in rows)
    lines, _ = trace(lambda: execute("/bin/true", "a b"))
    assert lines[0].split() == b"PCOMM PID PPID RET ARGS".split()
    assert [line.split(None, 4)[-1] for line in lines[1:]] == [b"/bin/true a b"]


@repeated_when_skipped
def test_name_and_command_line():
    """-n searches in the name of the process, -l in the command line."""
    def act():
        execute("/bin/true", "needle", MARKER)
        execute("/bin/true", "needle")
        execute("/bin/false", "needle")
        execute("/bin/true", "hay")
    events, _ = events_of(act, "-n", "^tr.e$", "-l", f"nee[d]le$|{MARKER}")
    assert [event["args"] for event in events] == [["/bin/true", "needle"]]


@repeated_when_skipped
def test_user():
    """-u shows only that user's programs."""
    def act():
        execute("/bin/true", "root's")
        execute("/bin/true", "nobody's", user=65534)
        execute("/bin/true", MARKER, user=65534)
    with Tool("execsnoop", "-P", os.getpid(), "-u", "nobody", "--json") as tool:
        # The first time, tracing may begin between two of these.
        tool.wait_for(lambda output: b"nobody's" in output and MARKER.encode() in output, act)
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    events = [json.loads(line) for line in output.splitlines() if MARKER.encode() not in line]
    assert {(event["uid"], *event["args"]) for event in events} == {
        (65534, "/bin/true", "nobody's")}


@pytest.mark.parametrize("count", [5, 20])
@repeated_when_skipped
def test_many_arguments(count):
    """--max-args: at most this many, including the program; three dots stand for the rest."""
    def act():
        execute("/bin/true", *map(str, range(1, count)))
        execute("/bin/true", *map(str, range(1, count + 1)))
        fail_to_execute("/missing", *map(str, range(1, count)))
        fail_to_execute("/missing", *map(str, range(1, count + 1)))
    lines, _ = trace(act, "-x", *(["--max-args", count] if count != 20 else []))
    shown = b" ".join(b"%d" % number for number in range(1, count))
    assert [line.split(None, 4)[-1] for line in lines[1:]] == [
        b"/bin/true " + shown, b"/bin/true " + shown + b" ...",
        b"/missing " + shown, b"/missing " + shown + b" ..."]


@repeated_when_skipped
def test_long_arguments():
    """An argument longer than a page is shown whole. After 16 kB in all, the rest is cut off."""
    def act():
        execute("/bin/true", "a" * 5000, "z")
        execute("/bin/true", "b" * 100000)
    events, _ = events_of(act)
    assert events[0]["args"] == ["/bin/true", "a" * 5000, "z"] and not events[0]["truncated"]
    assert events[1]["truncated"] and 16000 < len(events[1]["args"][1]) < 16384
    assert set(events[1]["args"][1]) == {"b"}


@repeated_when_skipped
def test_a_burst_is_shown_or_reported_lost():
    """With the smallest buffer and many programs at once, those shown and those lost add up to all."""
    with Tool("execsnoop", "--json", "-P", os.getpid(), "-b", "1") as tool:
        tool.wait_for(lambda output: MARKER.encode() in output,
                      lambda: execute("/bin/true", MARKER))
        os.kill(tool.process.pid, signal.SIGSTOP)
        for _ in range(30):
            execute("/bin/true", "x" * 1000)
        os.kill(tool.process.pid, signal.SIGCONT)
        status, output, errors = tool.interrupt()
    shown = sum(b"xxx" in line for line in output.splitlines())
    lost = sum(int(count) for count in re.findall(rb"(\d+) events lost", errors))
    assert (status, shown + lost) == (0, 30) and lost > 0
    assert b"-b 2" in errors


def test_duration():
    status, output, errors = run("execsnoop", "-P", 1, "-d", "0.3")
    assert (status, output.split()[0], errors) == (0, b"PCOMM", b"")


def test_help():
    status, output, errors = run("execsnoop", "--help")
    assert (status, errors) == (0, b"")
    for word in (b"--time", b"--timestamp", b"--fails", b"--uid", b"--ppid", b"--quote", b"--name",
                 b"--line", b"--print-uid", b"--max-args", b"--duration", b"--buffer-pages",
                 b"--json", b"examples:"):
        assert word in output


@repeated_when_skipped
@pytest.mark.parametrize("chosen", [True, False])
def test_mount_namespaces(pinned_set, chosen):
    """--mntnsmap: only programs, and failed calls, in a mount namespace of the set are shown."""
    own = os.stat("/proc/self/ns/mnt").st_ino
    path = pinned_set("mounts", 4, [own if chosen else own + 1])
    with Tool("execsnoop", "-P", os.getpid(), "-x", "--mntnsmap", path) as tool:
        tool.wait_for_text(b"ARGS\n")
        execute("/bin/true", "shown")
        fail_to_execute("/nonexistent/shown")
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    assert [line.split()[4:] for line in output.splitlines()[1:]] == (
        [[b"/bin/true", b"shown"], [b"/nonexistent/shown"]] if chosen else [])


@repeated_when_skipped
def test_cgroups(pinned_set, cgroup_root):
    """--cgroupmap: only programs in a cgroup of the set are shown, even if the set changes meanwhile."""
    own = cgroup_of("self", cgroup_root)
    path = pinned_set("cgroups", 8, [own + 1])
    with Tool("execsnoop", "-P", os.getpid(), "--cgroupmap", path) as tool:
        tool.wait_for_text(b"ARGS\n")
        execute("/bin/true", "before")
        subprocess.run(["bpftool", "map", "update", "pinned", path, "key",
                        *map(str, own.to_bytes(8, "little")), "value", *["0"] * 8], check=True)
        execute("/bin/true", "after")
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    assert [line.split()[4:] for line in output.splitlines()[1:]] == [[b"/bin/true", b"after"]]
