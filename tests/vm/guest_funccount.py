"""funccount of kernel functions, and the tests of tests/tools that depend on the kernel."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from test_funccount import (  # noqa: E402,F401
    binary,
    caller,
    test_functions_of_a_program,
    test_tracepoints,
    trace,
)


def write_and_read(count):
    """So many write() and read() calls on a pipe."""
    reader, writer = os.pipe()
    for _ in range(count):
        os.write(writer, b"x")
        os.read(reader, 1)
    os.close(reader)
    os.close(writer)


def test_kernel_functions():
    """Many functions at once; each call of this process is counted under its function's name."""
    counts = trace(lambda: write_and_read(60), "-p", os.getpid(), "vfs_*")
    # What the test's threads do with the tool's own output comes on top.
    assert 60 <= counts["vfs_write"] < 80 and 60 <= counts["vfs_read"] < 80
    assert all(name.startswith("vfs_") for name in counts)


def test_kernel_functions_by_regular_expression():
    counts = trace(lambda: write_and_read(60), "-p", os.getpid(), "-r", "vfs_(write|mkdir)$")
    assert counts.keys() == {"vfs_write"} and 60 <= counts["vfs_write"] < 80


def test_one_kernel_function():
    counts = trace(lambda: write_and_read(60), "-p", os.getpid(), "p::vfs_write")
    assert 60 <= counts["vfs_write"] < 80
