"""funclatency on kernel functions, and those of its tests in tests/tools that depend on the kernel."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from test_funclatency import (  # noqa: E402,F401
    binary,
    caller,
    test_a_function_that_calls_itself,
    test_calls_that_never_return,
    test_time_of_a_function,
    trace,
)


def test_kernel_function(caller):  # noqa: F811
    """Each sleep of the process calls a kernel function once, which takes as long as the sleep."""
    took = []
    events, errors = trace(lambda: took.append(caller.call("nap_long", 5)), "-p", caller.pid, "-m",
                           "hrtimer_nanosleep")
    assert errors == b""
    assert events[None]["count"] == 5
    assert 5 * 40 <= events[None]["total"] <= took[0]


def test_kernel_functions_apart(caller):  # noqa: F811
    """-F measures a function and its caller apart, with a single link if the kernel supports that."""
    events, errors = trace(lambda: caller.call("nap_long", 4), "-p", caller.pid, "-F", "-u", "-r",
                           "^(do_nanosleep|hrtimer_nanosleep)$")
    assert errors == b""
    assert {name: event["count"] for name, event in events.items()} == {
        "do_nanosleep": 4, "hrtimer_nanosleep": 4}
    assert events["hrtimer_nanosleep"]["total"] >= events["do_nanosleep"]["total"] >= 4 * 40e3
