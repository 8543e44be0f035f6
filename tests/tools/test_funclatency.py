"""funclatency, with a program whose functions take a known number of milliseconds."""
import json
import re
import subprocess
from pathlib import Path

import pytest
from toolrun import Tool, Worker, caller, run  # noqa: F401

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    path = tmp_path_factory.mktemp("naps") / "naps"
    subprocess.run(["cc", "-O1", "-fno-optimize-sibling-calls", "-o", path, HERE / "naps.c"],
                   check=True)
    return path


def trace(act, *arguments):
    """The histograms of the calls made by act(), by function, and the tool's errors."""
    with Tool("funclatency", "--json", *arguments) as tool:
        tool.wait_until_asleep()
        act()
        status, output, errors = tool.interrupt()
    assert status == 0
    events = [json.loads(line) for line in output.splitlines()]
    if "-F" not in arguments:
        assert {event["func"] for event in events} <= {str(arguments[-1])}
        return {None: event for event in events}, errors
    return {event["func"]: event for event in events}, errors


def test_time_of_a_function(binary, caller):
    """The number of calls, the total time, and the histogram's rows are right."""
    took = []
    events, errors = trace(lambda: took.append(caller.call("nap_long", 5)), "-u",
                           f"{binary}:nap_long")
    assert errors == b""
    event = events[None]
    assert (event["count"], event["unit"]) == (5, "usecs")
    assert 5 * 40e3 <= event["total"] <= took[0] * 1e3
    assert event["average"] == pytest.approx(event["total"] / 5, abs=0.01)
    slots = [slot for slot in event["histogram"] if slot["count"]]
    assert sum(slot["count"] for slot in slots) == 5
    # On a busy machine, a nap may end late.
    assert slots[0]["low"] >= 32768
    assert sum(slot["count"] * slot["low"] for slot in slots) <= event["total"]
    assert event["total"] < sum(slot["count"] * (slot["high"] + 1) for slot in slots)


def test_functions_separately_and_nested(binary, caller):
    def act():
        caller.call("nap_short", 7)
        caller.call("nap_outer", 3)
    events, errors = trace(act, "-F", "-m", f"{binary}:nap_*")
    assert errors == b""
    assert {name: event["count"] for name, event in events.items()} == {
        "nap_short": 7, "nap_long": 3, "nap_outer": 3}
    assert events["nap_outer"]["total"] >= events["nap_long"]["total"] + 3 * 10
    assert list(events) == sorted(events, key=lambda name: events[name]["total"])


def test_a_function_that_calls_itself(binary, caller):
    """Each level counts as a call, and the outer ones take longer."""
    events, errors = trace(lambda: caller.call("nap_nested", 4), "-m", f"{binary}:nap_nested")
    assert errors == b""
    assert events[None]["count"] == 12
    assert events[None]["total"] >= 4 * (5 + 10 + 15)


def test_levels_beyond_the_limit_are_reported(binary, caller):
    events, errors = trace(lambda: caller.call("nap_nested", 4), "-m", "-l", "2",
                           f"{binary}:nap_nested")
    assert events[None]["count"] == 8
    assert b"8" not in errors and b"4 calls were not timed" in errors and b"-l" in errors


def test_calls_that_never_return(binary, caller):
    """Calls that end with longjmp() don't affect the times of later ones."""
    def act():
        for _ in range(20):
            caller.call("nap_escape", 1)
            caller.call("nap_short", 1)
    events, errors = trace(act, "-F", "-u", "-l", "2", f"{binary}:nap_*")
    assert errors == b""
    assert {name: event["count"] for name, event in events.items()} == {"nap_short": 20}
    assert 2000 <= events["nap_short"]["average"] < 40000


def test_another_process_is_left_out(binary, caller):
    other = Worker(binary)
    try:
        def act():
            other.call("nap_short", 3)
            caller.call("nap_short", 2)
        events, errors = trace(act, "-p", caller.pid, f"{binary}:nap_short")
    finally:
        other.close()
    assert (events[None]["count"], errors) == (2, b"")
    assert events[None]["unit"] == "nsecs"


def test_histogram_in_text(binary, caller):
    """Each interval shows its own calls."""
    with Tool("funclatency", "-mTi", "1", "-F", f"{binary}:nap_long") as tool:
        tool.wait_until_asleep()
        took = caller.call("nap_long", 1)
        tool.wait_for_text(b"count: 1")
        tool.wait_for(lambda output: b"no calls" in output.split(b"count: 1")[-1])
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    text = output.decode()
    assert text.startswith(f"Tracing 1 functions for '{binary}:nap_long'... Hit Ctrl-C to end.\n")
    assert re.search(r"\n\n\d\d:\d\d:\d\d\n\nFunction = nap_long\n"
                     r" +msecs +: count +distribution\n", text)
    low, high, average, total = map(int, re.search(
        r"\n +(\d+) -> (\d+) +: 1 +\|\*{40}\|\n\navg = (\d+) msecs, total: (\d+) msecs, count: 1\n", text).groups())
    assert 40 <= average == total <= took and 32 <= low <= average <= high == 2 * low - 1
    assert text.count("Function = ") == 1


def test_shared_library(caller, binary):
    """A function of the C library is timed in one process."""
    events, errors = trace(lambda: caller.call("nap_short", 3), "-p", caller.pid, "-F", "-m",
                           "c:usleep")
    assert ({name: event["count"] for name, event in events.items()}, errors) == (
        {"usleep": 3}, b"")


def test_go_programs_are_refused(tmp_path):
    """Return probes may crash them; --force accepts that."""
    binary = tmp_path / "gopher"
    (tmp_path / "mark.c").write_text(
        '__attribute__((section(".go.buildinfo"), used, aligned(16))) '
        'static const char mark[32] = "\\xff Go buildinf:";', encoding="ascii")
    subprocess.run(["cc", "-O1", "-fno-optimize-sibling-calls", "-o", binary, HERE / "naps.c",
                    tmp_path / "mark.c"], check=True)
    status, output, errors = run("funclatency", f"{binary}:nap_*")
    assert (status, output) == (1, b"")
    assert b"Go" in errors and b"--force" in errors and errors.count(b"\n") == 1
    process = Worker(binary)
    try:
        events, _ = trace(lambda: process.call("nap_short", 2), "--force", f"{binary}:nap_short")
    finally:
        process.close()
    assert events[None]["count"] == 2


def test_mistakes_are_reported(binary):
    status, output, errors = run("funclatency", f"{binary}:nothing*")
    assert (status, output) == (1, b"") and b"nothing matches" in errors
    for arguments, message in ((("t:sched:sched_switch",), b"has no return"), (("-u", "-m", "f"),
                            b"not allowed with"), (("-l", "65", "f"), b"more than 64")):
        status, output, errors = run("funclatency", *arguments)
        assert (status, output) == (2, b"") and message in errors
