"""killsnoop, while the test sends signals."""
import json
import os
import re
import signal
import subprocess
import time

import pytest
from toolrun import LIMIT, Tool, command_of, run

OWN = os.getpid()


@pytest.fixture
def target():
    """A process to send signals to."""
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    process.kill()
    process.wait()


def trace(act, *arguments):
    """What the tool prints while act() runs, without the marker that shows that the tool runs: signal 0
    from this process to itself."""
    marker = re.compile(rb' 0 +%d |"signal":0,"target":%d\b' % (OWN, OWN))
    with Tool("killsnoop", *arguments) as tool:
        tool.wait_for(marker.search, lambda: os.kill(OWN, 0))
        act()
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    # The tool also sees its own interrupt.
    interrupt = re.compile(rb' 2 +%d |"signal":2,"target":%d\b' % (tool.process.pid, tool.process.pid))
    return [line for line in output.splitlines() if not marker.search(line) and not interrupt.search(line)]


def comm():
    with open("/proc/self/comm", encoding="ascii") as file:
        return file.read().strip()


def test_lines(target):
    def act():
        os.kill(target.pid, signal.SIGCONT)
        with pytest.raises(ProcessLookupError):
            os.kill(2**22 - 1, signal.SIGTERM)

    header, *lines = trace(act, "-p", OWN)
    assert header.split() == [b"TIME", b"PID", b"COMM", b"SIG", b"TPID", b"RESULT"]
    assert [line.split()[1:] for line in lines] == [
        [b"%d" % OWN, comm().encode(), b"18", b"%d" % target.pid, b"0"],
        [b"%d" % OWN, comm().encode(), b"15", b"%d" % (2**22 - 1), b"-3"]]
    assert all(re.match(rb"\d\d:\d\d:\d\d  ", line) for line in lines)


def test_json(target):
    start = time.time()
    texts = trace(lambda: os.kill(target.pid, signal.SIGCONT), "-p", OWN, "-j")
    lines = [json.loads(text) for text in texts]
    assert len(lines) == 1 and re.match(rb'\{"time":\d+\.\d{6},"pid":', texts[0])
    moment = lines[0].pop("time")
    assert start - 1 < moment < time.time() + 1
    assert lines[0] == {"pid": OWN, "comm": comm(), "signal": 18, "target": target.pid, "result": 0,
                        "errno": 0}


def test_threads():
    """tkill(2) and tgkill(2) are shown too: pthread_kill() calls one of them."""
    import threading
    main = threading.main_thread()
    lines = trace(lambda: signal.pthread_kill(main.ident, signal.SIGWINCH), "-p", OWN)[1:]
    assert [line.split()[3:] for line in lines] == [[b"28", b"%d" % OWN, b"0"]]


def selected_by(target, *arguments):
    """(signal, target, error number) of each line that the options select. They may leave out the
    marker, so a shell sends its signals again until there is a line."""
    commands = f"kill -CONT {target.pid}; kill -WINCH {target.pid}; kill -USR1 4194303"
    with Tool("killsnoop", "-j", *arguments) as tool:
        tool.wait_for(lambda output: b"\n" in output, lambda: subprocess.run(
            ["sh", "-c", commands], check=False, stderr=subprocess.DEVNULL))
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    lines = map(json.loads, output.splitlines())
    return {(line["signal"], line["target"], line["errno"]) for line in lines
            if line["target"] in (target.pid, 4194303)}


def test_failed_only(target):
    assert selected_by(target, "-x") == {(10, 4194303, 3)}


def test_receiver_only(target):
    assert selected_by(target, "-T", target.pid) == {(18, target.pid, 0), (28, target.pid, 0)}


def test_signal_only(target):
    assert selected_by(target, "--signal", 28) == {(28, target.pid, 0)}


def children(pid):
    """The child processes of a process."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def test_sender_in_another_namespace():
    """A sender in another PID namespace knows its targets by other pids. The tool takes the right pid
    from the signal that was sent, and shows none if the call sent no signal."""
    commands = ("sleep 1000 & kill -CONT $!; kill -CONT 4100000; kill -CONT -4100000; "
             "echo $$ $!; wait")
    numbers = []

    def act():
        with subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh",
                               "-c", commands], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as process:
            numbers.append(process.stdout.readline())
            sender, = children(process.pid)
            numbers.extend([sender, *children(sender)])
            process.kill()

    lines = [json.loads(line) for line in trace(act, "-j")]
    inner, sender, target = numbers
    assert inner == b"1 2\n"
    assert [(line["target"], line["result"]) for line in lines
            if line["pid"] == sender and line["signal"] == 18] == [
        (target, 0), (None, -1), (None, -1)]


def test_duration():
    start = time.monotonic()
    status, output, errors = run("killsnoop", "-d", "0.5", "-T", OWN)
    assert (status, errors) == (0, b"")
    assert output.startswith(b"TIME      PID     COMM             SIG  TPID    RESULT\n")
    assert time.monotonic() - start >= 0.5


def test_output_that_nobody_reads():
    """It ends silently when nobody reads its output any longer."""
    read, write = os.pipe()
    tool = subprocess.Popen(command_of("killsnoop", ["-p", OWN]), stdout=write,
                            stderr=subprocess.PIPE)
    os.close(write)
    assert os.read(read, 4) == b"TIME"
    os.close(read)
    end = time.monotonic() + LIMIT
    while tool.poll() is None and time.monotonic() < end:
        os.kill(OWN, 0)
        time.sleep(0.1)
    _, errors = tool.communicate(timeout=LIMIT)
    assert (tool.returncode, errors) == (0, b"")


def test_failure_in_one_line():
    status, output, errors = run("killsnoop", env={**os.environ, "EBCC_KERNEL_TYPES": "nonsense"})
    assert (status, output) == (1, b"")
    assert errors.startswith(b"killsnoop: ") and errors.count(b"\n") == 1
