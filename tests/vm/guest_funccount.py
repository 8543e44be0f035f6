"""funccount of kernel functions, and the tests of tests/tools that depend on the kernel."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from test_funccount import (  # noqa: E402,F401
    binary,
    caller,
    test_functions_of_a_program,
    test_tracepoints,
    test_usdt_probe,
    test_usdt_probe_with_a_semaphore,
    trace,
)


def answer(caller, count):
    """Makes the program read and write this many lines."""
    for _ in range(count):
        caller.call("rest", 1)


def test_kernel_functions(caller):  # noqa: F811
    """Many functions at once; each call of the process is counted under the name of its function."""
    answer(caller, 1)  # the first output makes more calls
    counts = trace(lambda: answer(caller, 60), "-p", caller.pid, "vfs_*")
    assert counts == {"vfs_write": 60, "vfs_read": 60}


def test_kernel_functions_by_regular_expression(caller):  # noqa: F811
    counts = trace(lambda: answer(caller, 30), "-p", caller.pid, "-r", "vfs_(write|mkdir)$")
    assert counts == {"vfs_write": 30}


def test_one_kernel_function(caller):  # noqa: F811
    counts = trace(lambda: answer(caller, 30), "-p", caller.pid, "p::vfs_write")
    assert counts == {"vfs_write": 30}
