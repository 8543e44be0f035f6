"""opensnoop, with a process that reports exactly which files it opened, and how."""
import errno
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from toolrun import (LIMIT, Tool, cgroup_of, cgroup_root, pinned_set,  # noqa: F401
                     repeated_when_skipped, run)

HERE = Path(__file__).resolve().parent


class Workload:
    """A process of opens.py."""

    def __init__(self, directory):
        self.directory = directory
        self.process = subprocess.Popen(["/usr/bin/python3", HERE / "opens.py", directory],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        hello = json.loads(self.process.stdout.readline())
        self.pid, self.marker = hello["pid"], hello["marker"]

    def command(self, *words):
        """Sends a command and returns the answer."""
        print(*words, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self):
        """Ends the process."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=LIMIT)


@pytest.fixture
def workload(tmp_path):
    process = Workload(tmp_path)
    yield process
    process.close()


def trace(workload, *arguments, mark_flags=os.O_WRONLY):
    """Traces the workload's calls. Returns the tool's lines without those of the markers, and the calls."""
    marker = os.fsencode(workload.marker)
    with Tool("opensnoop", *arguments) as tool:
        tool.wait_for(lambda output: marker in output,
                      lambda: workload.command("mark", mark_flags))
        calls = workload.command("opens")
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    assert output.endswith(b"\n")
    return [line for line in output.splitlines() if marker not in line], calls


def shown(name):
    """A file name as in the JSON output."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def full(call):
    """The name in a call, after its directory if it is relative."""
    return f"{call['base']}/{call['name']}" if call["base"] else call["name"]


@repeated_when_skipped
def test_every_call_is_seen_as_it_was(workload):
    """Each call once, in order, with all its fields, and no others."""
    lines, calls = trace(workload, "--json", "-p", workload.pid)
    events = [json.loads(line) for line in lines]
    assert [(event["path"], event["flags"], event["fd"], event["err"], event["tid"])
            for event in events] == [
        (shown(call["name"]), call["flags"], call["fd"], call["err"], call["tid"])
        for call in calls]
    assert {(event["pid"], event["uid"], event["comm"]) for event in events} == {
        (workload.pid, os.getuid(), "python3")}
    times = [event["time"] for event in events]
    assert times == sorted(times)
    # The calls include the important kinds.
    assert len(calls) >= 18 and {0, errno.ENOENT, errno.EEXIST} <= {call["err"] for call in calls}


@repeated_when_skipped
def test_name_at_the_beginning_of_the_call(workload):
    """Overwriting the name during the call does not change what is shown."""
    with Tool("opensnoop", "--json", "-p", workload.pid) as tool:
        marker = os.fsencode(workload.marker)
        tool.wait_for(lambda output: marker in output, lambda: workload.command("mark", 0))
        call = workload.command("blocked")
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    events = [json.loads(line) for line in output.splitlines() if marker not in line]
    assert [event["path"] for event in events if event["tid"] == call["tid"]] == [call["name"]]
    assert len(events) == 2 and call["name"].endswith("/pipe") and call["err"] == 0


@repeated_when_skipped
def test_columns(workload):
    lines, calls = trace(workload, "-T", "-U", "-e", "-p", workload.pid)
    assert lines[0].split() == b"TIME(s) UID PID COMM FD ERR FLAGS PATH".split()
    pattern = re.compile(rb"(\d+\.\d{9}) +(\d+) +(\d+) +(\S+) +(-?\d+) +(\d+) ([0-7]{8}) (.*)")
    rows = [pattern.fullmatch(line).groups() for line in lines[1:]]
    assert [(int(fd), int(error), int(flags, 8)) for *_, fd, error, flags, _ in rows] == [
        (call["fd"], call["err"], call["flags"]) for call in calls]
    assert {(int(uid), int(pid), comm) for _, uid, pid, comm, *_ in rows} == {
        (os.getuid(), workload.pid, b"python3")}
    paths = [row[-1] for row in rows]
    assert os.fsencode(workload.directory) + b"/control\\x0a\\x1b[31m\\xc2\\x9b2J" in paths
    assert os.fsencode(workload.directory) + b"/latin-\xe9" in paths
    assert b"below" in paths


@repeated_when_skipped
def test_full_path(workload):
    """Relative names are shown below the current directory, or below that of the call."""
    lines, calls = trace(workload, "--json", "-F", "-p", workload.pid)
    assert [json.loads(line)["path"] for line in lines] == [shown(full(call)) for call in calls]
    assert sum(bool(call["base"]) for call in calls) == 2


@repeated_when_skipped
def test_full_path_across_a_mount(tmp_path):
    """The path of a directory on a mounted file system begins with its mount point."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True)
    try:
        (tmp_path / "inside").mkdir()
        workload = Workload(tmp_path / "inside")
        try:
            lines, _ = trace(workload, "-F", "-p", workload.pid, "-f", "O_WRONLY",
                             "-f", "O_RDONLY")
        finally:
            workload.close()
        assert os.fsencode(tmp_path / "inside/base/below") in [line.split()[-1] for line in lines]
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


@repeated_when_skipped
def test_failed_only(workload):
    lines, calls = trace(workload, "--json", "-x", "-p", workload.pid)
    assert [(json.loads(line)["path"], json.loads(line)["err"]) for line in lines] == [
        (shown(call["name"]), call["err"]) for call in calls if call["err"]]
    assert 0 < len(lines) < len(calls)


@repeated_when_skipped
def test_one_thread(workload):
    """-t shows the calls of that thread, under its id, and not those of the other one."""
    lines, calls = trace(workload, "-t", workload.pid)
    assert lines[0].split()[0] == b"TID"
    mine = [call for call in calls if call["tid"] == workload.pid]
    assert len(lines) - 1 == len(mine) < len(calls)
    assert {line.split()[0] for line in lines[1:]} == {b"%d" % workload.pid}


@pytest.mark.parametrize(("flags", "chosen"), [
    (["O_WRONLY"], lambda flags: flags & 3 == os.O_WRONLY),
    (["O_WRONLY", "O_RDWR"], lambda flags: flags & 3 in (os.O_WRONLY, os.O_RDWR)),
    (["O_RDONLY"], lambda flags: flags & 3 == os.O_RDONLY),
    (["O_EXCL", "O_NOFOLLOW"], lambda flags: flags & (os.O_EXCL | os.O_NOFOLLOW)),
], ids=lambda value: "+".join(value) if isinstance(value, list) else "")
@repeated_when_skipped
def test_flag_filter(workload, flags, chosen):
    options = [word for flag in flags for word in ("-f", flag)]
    lines, calls = trace(workload, "--json", "-p", workload.pid, *options,
                         mark_flags=getattr(os, flags[0]))
    expected = [(shown(call["name"]), call["flags"]) for call in calls if chosen(call["flags"])]
    assert [(json.loads(line)["path"], json.loads(line)["flags"]) for line in lines] == expected
    assert 0 < len(expected) < len(calls)


@repeated_when_skipped
def test_name_and_user(workload):
    """-n selects by part of the process's name, -u by user; what doesn't occur selects nothing."""
    lines, calls = trace(workload, "-p", workload.pid, "-n", "ytho", "-u", os.getuid())
    assert len(lines) - 1 == len(calls)
    for options in (("-n", "no-such-name"), ("-u", 54321)):
        with Tool("opensnoop", "-p", workload.pid, *options) as tool:
            tool.wait_for_text(b"PATH\n")
            workload.command("opens")
            status, output, errors = tool.interrupt()
        assert (status, len(output.splitlines()), errors) == (0, 1, b"")


def test_duration(workload):
    status, output, errors = run("opensnoop", "-p", workload.pid, "-d", "0.3")
    assert (status, output.split()[0], errors) == (0, b"PID", b"")


@repeated_when_skipped
def test_sigterm_acts_like_ctrl_c(workload):
    with Tool("opensnoop", "-p", workload.pid) as tool:
        tool.wait_for_text(b"PATH\n")
        calls = workload.command("opens")
        tool.process.send_signal(signal.SIGTERM)
        status, output, errors = tool.end()
    assert (status, errors) == (0, b"")
    assert len(output.splitlines()) == 1 + len(calls)


@repeated_when_skipped
def test_a_burst_is_shown_or_reported_lost(workload):
    """With the smallest buffer and many calls at once, those shown and those lost add up to all."""
    with Tool("opensnoop", "--json", "-p", workload.pid, "-b", "1") as tool:
        marker = os.fsencode(workload.marker)
        tool.wait_for(lambda output: marker in output, lambda: workload.command("mark", os.O_RDONLY))
        os.kill(tool.process.pid, signal.SIGSTOP)
        calls = []
        for _ in range(8):
            calls += workload.command("opens")
        os.kill(tool.process.pid, signal.SIGCONT)
        status, output, errors = tool.interrupt()
    assert status == 0
    lines = [json.loads(line) for line in output.splitlines() if marker not in line]
    lost = sum(int(count) for count in re.findall(rb"(\d+) events lost", errors))
    assert lost > 0 and len(lines) + lost == len(calls)
    assert b"-b 2" in errors


def test_output_that_nobody_reads(workload):
    """It ends silently when nobody reads its output any longer."""
    read, write = os.pipe()
    tool = subprocess.Popen(["/usr/bin/python3", HERE.parents[1] / "tools/opensnoop",
                             "-p", str(workload.pid)], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert os.read(read, 3) == b"PID"
    os.close(read)
    workload.command("opens")
    _, errors = tool.communicate(timeout=LIMIT)
    assert (tool.returncode, errors) == (0, b"")


def test_help():
    status, output, errors = run("opensnoop", "--help")
    assert (status, errors) == (0, b"")
    for word in (b"--timestamp", b"--print-uid", b"--failed", b"--pid", b"--tid", b"--uid",
                 b"--duration", b"--name", b"--extended-fields", b"--flag-filter", b"--full-path",
                 b"--buffer-pages", b"--cgroupmap", b"--mntnsmap", b"--json", b"examples:"):
        assert word in output


@repeated_when_skipped
def test_mount_namespaces(workload, pinned_set):
    """--mntnsmap: only processes in a mount namespace of the set are shown."""
    own = os.stat(f"/proc/{workload.pid}/ns/mnt").st_ino
    lines, calls = trace(workload, "-p", workload.pid, "--mntnsmap",
                         pinned_set("own", 4, [own]))
    assert len(lines) - 1 == len(calls)
    with Tool("opensnoop", "-p", workload.pid, "--mntnsmap",
              pinned_set("other", 4, [own + 1])) as tool:
        tool.wait_for_text(b"PATH\n")
        workload.command("opens")
        status, output, errors = tool.interrupt()
    assert (status, output.count(b"\n"), errors) == (0, 1, b"")


@repeated_when_skipped
def test_cgroups(workload, pinned_set, cgroup_root):
    """--cgroupmap: only processes in a cgroup of the set are shown, even if the set changes meanwhile."""
    own = cgroup_of(workload.pid, cgroup_root)
    cgroups = pinned_set("cgroups", 8, [own + 1])
    with Tool("opensnoop", "-p", workload.pid, "--cgroupmap", cgroups) as tool:
        tool.wait_for_text(b"PATH\n")
        workload.command("opens")
        subprocess.run(["bpftool", "map", "update", "pinned", cgroups, "key",
                        *map(str, own.to_bytes(8, "little")), "value", *["0"] * 8], check=True)
        after = len(workload.command("opens"))
        status, output, errors = tool.interrupt()
    assert (status, output.count(b"\n") - 1, errors) == (0, after, b"")


def test_unsuitable_map(workload, pinned_set, tmp_path):
    """A wrong file or a wrong map gives one line that says what is needed."""
    status, output, errors = run("opensnoop", "--cgroupmap", tmp_path / "none")
    assert (status, output, errors.count(b"\n")) == (1, b"", 1)
    assert b"No such file or directory" in errors
    status, output, errors = run("opensnoop", "--cgroupmap", pinned_set("wrong", 4, []))
    assert (status, output, errors.count(b"\n")) == (1, b"", 1)
    assert b"keys and values of 8 bytes" in errors
