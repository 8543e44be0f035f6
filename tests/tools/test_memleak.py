"""memleak, with a program that allocates and frees on request."""
import os
import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from toolrun import Tool, Worker, run

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    path = tmp_path_factory.mktemp("leaks") / "leaks"
    subprocess.run(["cc", "-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-o",
                    path, HERE / "leaks.c"], check=True)
    return path


@pytest.fixture
def allocator(binary):
    process = Worker(binary)
    yield process
    process.close()


def trace(allocator, act, *arguments):
    """The groups of the last output after act() ran, by the function that allocated."""
    with Tool("memleak", "-p", allocator.pid, "--json", "-o", "0", *arguments, "1000") as tool:
        tool.wait_until_asleep()
        act()
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    return by_function([json.loads(line) for line in output.splitlines()])


def by_function(groups):
    """The groups by the innermost function of leaks.c on their stack."""
    found = {}
    for group in groups:
        name = next((frame["name"] for frame in group["stack"]
                     if frame["name"].startswith("by_")), None)
        assert name not in found
        found[name] = group
    return found


@pytest.mark.parametrize("function", ["malloc", "calloc", "realloc", "posix_memalign",
                                      "aligned_alloc", "memalign", "mmap"])
def test_each_function(allocator, function):
    """Allocations that are kept are counted, with their size, under the stack of the call."""
    def act():
        allocator.call(function, 8192, 5)
        allocator.call("nothing", 512, 7)
    groups = trace(allocator, act)
    assert set(groups) == {"by_" + function}
    group = groups["by_" + function]
    assert (group["size"], group["count"]) == (5 * 8192, 5)
    assert "main" in [frame["name"] for frame in group["stack"]]
    assert any(frame["module"].endswith("/leaks") for frame in group["stack"])


def test_freed_allocations_are_left_out(allocator):
    def act():
        for name in ("malloc", "mmap"):
            allocator.call(name, 4096, 3)
        allocator.call("drop", 0, 0)
        allocator.call("calloc", 64, 2)
    groups = trace(allocator, act)
    assert {name: (group["size"], group["count"]) for name, group in groups.items()} == {
        "by_calloc": (128, 2)}


@pytest.mark.parametrize("option", ["--combined-only", "--show-allocs"])
def test_sums_and_single_allocations_agree(allocator, option):
    def act():
        allocator.call("malloc", 1000, 4)
        allocator.call("calloc", 3000, 2)
        allocator.call("nothing", 300, 10)
    groups = trace(allocator, act, option)
    assert {name: (group["size"], group["count"]) for name, group in groups.items()} == {
        "by_malloc": (4000, 4), "by_calloc": (6000, 2)}
    assert list(groups) == ["by_malloc", "by_calloc"]
    if option == "--show-allocs":
        sizes = [allocation["size"] for allocation in groups["by_malloc"]["allocations"]]
        assert sizes == [1000] * 4
        addresses = {allocation["address"] for allocation in groups["by_malloc"]["allocations"]}
        assert len(addresses) == 4


def test_limits_of_size_and_top(allocator):
    def act():
        for size in (100, 200, 300):
            allocator.call("malloc", size, 1)
            allocator.call("calloc", size, 1)
    assert {name: group["size"] for name, group in
            trace(allocator, act, "-z", "200", "-Z", "250").items()} == {
                "by_malloc": 200, "by_calloc": 200}
    assert len(trace(allocator, act, "-T", "1")) == 1


def test_samples(allocator):
    """-s 4 counts every fourth allocation on each CPU."""
    groups = trace(allocator, lambda: allocator.call("malloc", 64, 400), "-s", "4")
    assert 100 <= groups["by_malloc"]["count"] <= 104


def test_recent_allocations_are_left_out(allocator):
    with Tool("memleak", "-p", allocator.pid, "--json", "-o", "60000", "1000") as tool:
        tool.wait_until_asleep()
        allocator.call("malloc", 64, 4)
        assert tool.interrupt() == (0, b"", b"")


def test_text_and_each_call(allocator):
    """-t prints a line for each call as it happens; the stacks come at the end."""
    with Tool("memleak", "-p", allocator.pid, "-t", "-a", "-o", "0", "1000") as tool:
        tool.wait_until_asleep()
        allocator.call("malloc", 4321, 1)
        allocator.call("nothing", 1234, 1)
        tool.wait_for_text(b"size = 1234\n")
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    text = output.decode()
    assert text.startswith(f"Tracing allocations of process {allocator.pid}... Hit Ctrl-C")
    calls = re.findall(rf"^\d+\.\d{{6}} +leaks +{allocator.pid} +(alloc|free) +([0-9a-f]+) "
                       r"size = (\d+)$", text, re.MULTILINE)
    assert [(action, size) for action, _, size in calls] == [
        ("alloc", "4321"), ("alloc", "1234"), ("free", "1234")]
    assert calls[1][1] == calls[2][1]
    assert re.search(r"^\[\d\d:\d\d:\d\d\] Top 1 stacks with outstanding allocations:\n"
                     rf"\taddr = {calls[0][1]} size = 4321\n"
                     r"\t4321 bytes in 1 allocations from stack\n"
                     r"\t\t[0-9a-f]{16} by_malloc\+0x[0-9a-f]+ \[leaks\]\n", text, re.MULTILINE)


def test_command_until_it_ends(binary):
    """A command is traced from its beginning, and its stacks have names even after it has ended."""
    with Tool("memleak", "-c", f"{binary} >/dev/null", "--json", "-o", "0", "-z", "5000", "-Z",
              "5000", "1", stdin=subprocess.PIPE) as tool:
        tool.process.stdin.write(b"malloc 5000 3\nnothing 5000 5\n")
        tool.process.stdin.flush()
        # Stacks get their names while the command runs; the last output comes after it has ended.
        tool.wait_for_text(b"by_malloc")
        tool.process.stdin.close()
        status, output, errors = tool.end()
    assert (status, errors) == (0, b"")
    groups = by_function([json.loads(output.splitlines()[-1])])
    assert {name: (group["size"], group["count"]) for name, group in groups.items()} == {
        "by_malloc": (15000, 3)}


def test_mistakes_are_reported(tmp_path):
    for arguments, message in ((("-z", "5", "-Z", "4"), b"-z is more than -Z"),
                            (("--percpu", "-p", "1"), b"for the kernel"),
                            (("-a", "--combined-only"), b"can't be used with -a"),
                            (("-p", "1", "-c", "true"), b"not allowed with")):
        status, output, errors = run("memleak", *arguments)
        assert (status, output) == (2, b"") and message in errors
    status, output, errors = run("memleak", "-p", os.getpid(), "-O", "m")
    assert (status, output) == (1, b"") and b"with -O" in errors
    status, output, errors = run("memleak", "-c", "/nowhere/program", "--json")
    assert status == 1 and b"there is no such program" in errors
