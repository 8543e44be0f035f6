"""The examples in examples/book do what they say; those that need kprobes are tested in tests/vm."""
import re
import subprocess
import time

import pytest
from test_funccount import binary, caller  # noqa: F401  (fixtures)
from toolrun import LIMIT, Tool, processor_seconds

BOOK = "../examples/book/"


@pytest.fixture
def program(tmp_path):
    """A program with a unique name."""
    path = tmp_path / "book-program"
    path.symlink_to("/bin/true")
    return path


def test_tracepoint():
    """The children of a process are counted under its id."""
    with Tool(BOOK + "forks.py") as tool:
        tool.wait_until_asleep()
        shell = subprocess.Popen(["/bin/sh", "-c", "for n in 1 2 3 4 5; do /bin/true; done; :"])
        shell.wait(timeout=LIMIT)
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    lines = output.splitlines()
    assert lines[0] == b"tracing" and lines[1].split() == [b"PID", b"NAME", b"CHILDREN"]
    assert [line.split()[1:] for line in lines if line.split()[0] == b"%d" % shell.pid] == [
        [b"sh", b"5"]]


def test_uprobe_and_uretprobe(binary, caller):  # noqa: F811
    """Each call appears once, with a time greater than zero and less than that of the test."""
    with Tool(BOOK + "function_time.py", binary, "work_two") as tool:
        tool.wait_for_text(b"timing work_two\n")
        begin = time.monotonic()
        caller.call("work_one", 5)
        caller.call("work_two", 7)
        tool.wait_for(lambda output: output.count(b" ms\n") >= 7)
        took = time.monotonic() - begin
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    rows = re.findall(rb"^(\d+) +(\d+\.\d{3}) ms$", output, re.MULTILINE)
    assert len(rows) == 7 and {int(pid) for pid, _ in rows} == {caller.pid}
    assert 0 < sum(float(milliseconds) for _, milliseconds in rows) < took * 1000


def test_profiler():
    """Most stacks of a process that reads zeros contain the kernel function for that."""
    reader = subprocess.Popen(["dd", "if=/dev/zero", "of=/dev/null", "bs=1M"],
                              stderr=subprocess.DEVNULL)
    try:
        with Tool(BOOK + "profile.py", reader.pid) as tool:
            tool.wait_until_asleep()
            enough = processor_seconds(reader.pid) + 1
            tool.wait_for(lambda _: processor_seconds(reader.pid) > enough)
            status, output, errors = tool.interrupt()
    finally:
        reader.kill()
        reader.wait(timeout=LIMIT)
    assert (status, errors) == (0, b"sampling\n")
    lines = re.findall(r"^(\S+) (\d+)$", output.decode(), re.MULTILINE)
    assert len(lines) == len({line for line, _ in lines}) == output.count(b"\n")
    samples = sum(int(count) for _, count in lines)
    zeros = sum(int(count) for line, count in lines
                if line.split(";")[1:].count("read_zero") == 1 and "vfs_read;" in line)
    assert samples > 10 and zeros > samples / 2, lines
    # The outermost function is the entry point of system calls.
    assert all(line.split(";")[0].startswith(("entry_SYSCALL_64", "el0t_64_sync"))
               for line, _ in lines if "vfs_read;" in line)


def test_counter(program):
    """For each name, the number of programs executed under it."""
    with Tool(BOOK + "exec_counter.py") as tool:
        tool.wait_for_text(b"counting\n")
        for _ in range(12):
            subprocess.run([program], check=True)
        time.sleep(0.5)
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    assert re.findall(rb"^ *(\d+) book-program$", output, re.MULTILINE) == [b"12"]
    counts = [int(line.split()[0]) for line in output.splitlines()[1:]]
    assert counts == sorted(counts, reverse=True)
