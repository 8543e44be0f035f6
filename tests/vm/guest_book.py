"""The examples of examples/book that need kprobes."""

import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from toolrun import Tool  # noqa: E402

BOOK = "../examples/book/"


def test_kprobe_and_kretprobe_of_a_system_call():
    """The name that was executed, and then the result of the call: 0 or an error."""
    def execute():
        subprocess.run(["/bin/sh", "-c", "/bin/no-such-program; /bin/true; :"],
                       stderr=subprocess.DEVNULL, check=True)

    with Tool(BOOK + "hello_exec.py") as tool:
        tool.wait_for_text(b"tracing\n")
        execute()
        tool.wait_for(lambda output: output.count(b" execve returned ") >= 3)
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    lines = re.findall(rb"^\d+\.\d{6} \S+ (\d+) execve (?:of|returned) (\S+)$", output, re.MULTILINE)
    assert len(lines) == output.count(b"\n") - 1
    calls = {}
    for pid, value in lines:
        calls.setdefault(pid, []).append(value)
    assert [[b"/bin/sh", b"0"], [b"/bin/no-such-program", b"-2"], [b"/bin/true", b"0"]] == list(
        calls.values())


def test_kernel_latency():
    """All calls of the function are in the histogram."""
    reader, writer = os.pipe()
    with Tool(BOOK + "kernel_latency.py", "vfs_write") as tool:
        tool.wait_until_asleep()
        for _ in range(300):
            os.write(writer, b"x")
            os.read(reader, 1)
        status, output, errors = tool.interrupt()
    os.close(reader)
    os.close(writer)
    assert (status, errors) == (0, b"")
    assert re.search(rb"^ +nsecs +: count +distribution$", output, re.MULTILINE)
    rows = [tuple(map(int, row)) for row in
            re.findall(rb"^ *(\d+) -> (\d+) +: (\d+) +\|", output, re.MULTILINE)]
    # Other processes sometimes write, too.
    assert 300 <= sum(count for _, _, count in rows) < 500
    # No call takes less than 16 nanoseconds, and most take less than a second.
    assert sum(count for _, high, count in rows if high < 16) == 0
    assert sum(count for low, _, count in rows if low < 10**9) >= 300
