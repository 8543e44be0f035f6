"""memleak of the kernel's own memory, and a test of tests/tools that depends on the kernel."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from test_memleak import (  # noqa: E402,F401
    allocator,
    binary,
    test_sums_and_single_allocations_agree,
)
from toolrun import Tool  # noqa: E402

PIPES = 150


def trace(act, *arguments):
    """The objects of one output, after running act()."""
    with Tool("memleak", "--json", "-o", "0", "-T", "100000", *arguments, "1000") as tool:
        tool.wait_until_asleep()
        act()
        status, output, errors = tool.interrupt()
    assert status == 0, errors
    return [json.loads(line) for line in output.splitlines()]


def of_pipes(groups):
    """The number of allocations by stacks with the kernel's function for new pipes."""
    return sum(group["count"] for group in groups if group["stack"] and any(
        frame["name"] == "create_pipe_files" for frame in group["stack"]))


@pytest.mark.parametrize("option", ["--combined-only", "--show-allocs"])
def test_kernel_objects(option):
    """Each open pipe consists of several objects; closed ones don't appear."""
    pipes = []
    try:
        kept = of_pipes(trace(lambda: pipes.extend(os.pipe() for _ in range(PIPES)), option))
    finally:
        for ends in pipes:
            for end in ends:
                os.close(end)
    assert PIPES <= kept <= 20 * PIPES

    def open_and_close():
        for _ in range(PIPES):
            for end in os.pipe():
                os.close(end)
        # Files and inodes are freed after an RCU grace period, however long that takes. Removing a network
        # interface waits for everything that is freed this way (rcu_barrier() in net/core/dev.c).
        subprocess.run(["ip", "link", "add", "passing", "type", "veth"], check=True)
        subprocess.run(["ip", "link", "delete", "passing"], check=True)

    assert of_pipes(trace(open_and_close, option)) < kept / 4


def test_per_cpu_memory():
    """A per-CPU array of BPF takes memory on each CPU."""
    from ebcc import BPF
    modules = []
    groups = trace(lambda: modules.append(BPF(text="BPF_PERCPU_ARRAY(numbers, u64, 333);")),
                   "--percpu")
    assert any(frame["name"].startswith(("bpf_array_alloc_percpu", "array_map_alloc"))
               for group in groups for frame in group["stack"])
