"""PID namespaces on this kernel: the pids that programs get, and tools with probes that the host's kernel
may lack."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tools"))

from test_namespaces import (  # noqa: E402,F401
    check_inside,
    test_pids_in_another_namespace,
    test_pids_in_the_initial_namespace,
)


@pytest.mark.parametrize(("file", "chosen"), [
    ("guest_funclatency.py", "test_kernel_function and not apart"),
    ("guest_funccount.py", "test_one_kernel_function"),
    ("guest_opensnoop.py", "test_one_thread"),
    ("guest_profile.py", "test_samples_of_a_program or test_time_of_a_chain")])
def test_the_tool_inside(file, chosen):
    check_inside(HERE / file, chosen)
