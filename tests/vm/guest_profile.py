"""profile, offcputime and stackcount on this kernel: the tests of tests/tools that depend on it,
and those that look at the whole machine, or at kernel functions."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import test_offcputime  # noqa: E402
import test_profile  # noqa: E402
import test_stackcount  # noqa: E402
from stackrun import chains, folded, process, records, starts_with, trace  # noqa: E402,F401

test_samples_of_a_program = test_profile.test_functions_of_a_program
test_time_of_a_chain = test_offcputime.test_time_of_a_chain
test_states = test_offcputime.test_states
test_ways_to_a_function = test_stackcount.test_ways_to_a_function


def test_idle(process):  # noqa: F811
    """Idle CPUs appear with -I, and don't without it."""
    def idle(*options):
        lines = folded(trace("profile", lambda: process.call("rest", 500), "-fK", *options))
        return sum(value for line, value in lines.items() if line.startswith("swapper/"))
    assert idle("-I") > 10 and idle() == 0


def test_kernel_threads(process):  # noqa: F811
    """-k shows what the kernel's threads wait for, and nothing of programs."""
    found = records("offcputime", lambda: process.call("rest", 500), "-k")
    assert found and all(stack["user"] == [] for stack in found)
    assert process.pid not in {stack["pid"] for stack in found}
    assert all(stack["kernel"] is None or "__schedule" in stack["kernel"][:2] for stack in found)


def test_kernel_functions(process):  # noqa: F811
    """Stacks that lead to kernel functions are counted; one pattern may stand for many functions."""
    def act():
        process.call("copy", 20)
    found = records("stackcount", act, "-p", process.pid, "vfs_rea*")
    copies = [stack for stack in found if starts_with(stack["user"], "copy", "main")]
    assert sum(stack["count"] for stack in copies) == 20
    for stack in copies:
        assert stack["kernel"][0] == "vfs_read"
        assert stack["kernel"][-1].startswith(("entry_SYSCALL_64", "el0t_64_sync"))
    cpus = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(process.pid, cpus[:1])
    for cpu, seen in zip(cpus, (True, False)):
        lines = folded(trace("stackcount", act, "-fK", "-P", "-c", cpu, "-p", process.pid,
                             "vfs_read"))
        assert bool(lines) == seen
