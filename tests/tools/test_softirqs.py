"""softirqs, compared with the kernel's own counts, while the test sends packets."""
import json
import os
import re
import socket
import time
from pathlib import Path

import pytest
from ebcc.utils import get_online_cpus
from toolrun import Tool, repeated_when_skipped, run

PACKETS = 500


def counts_by_cpu():
    """The kernel's own counts: kind -> number of soft interrupts on each CPU."""
    lines = Path("/proc/softirqs").read_text(encoding="ascii").splitlines()[1:]
    return {name.strip().lower(): list(map(int, numbers.split()))
            for name, numbers in (line.split(":") for line in lines)}


def totals():
    """The same for all CPUs together."""
    return {name: sum(counts) for name, counts in counts_by_cpu().items()}


def send_packets():
    """Sends packets to this process; each is received in a soft interrupt before sendto() returns."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(PACKETS):
                sender.sendto(b"x", receiver.getsockname())
                receiver.recv(16)


def trace(act, *arguments):
    """What the tool prints while act() runs, and two differences of the kernel's counts: over the time in
    which the tool certainly traced, and from before its start until after its end."""
    outer = totals()
    with Tool("softirqs", *arguments) as tool:
        tool.wait_until_asleep()
        inner = totals()
        act()
        after = totals()
        least = {name: after[name] - inner[name] for name in after}
        status, output, errors = tool.interrupt()
    after = totals()
    assert (status, errors) == (0, b"")
    return output, least, {name: after[name] - outer[name] for name in after}


@repeated_when_skipped
def test_counts_agree_with_the_kernel():
    """Each count is at least the kernel's for the time certainly traced, and at most that for the whole time."""
    begin = time.monotonic()
    output, least, most = trace(send_packets, "--json")
    took = time.monotonic() - begin
    groups = {group["softirq"]: group for group in map(json.loads, output.splitlines())}
    # A soft interrupt that is running when the trace begins or ends is seen only in part.
    for name, count in least.items():
        assert groups.get(name, {"count": 0})["count"] >= count - 2 * os.cpu_count(), name
    for name, group in groups.items():
        assert group["count"] <= most[name], name
    assert least["net_rx"] >= PACKETS
    for group in groups.values():
        rows = group["histogram"]
        assert group["unit"] == "usecs" and sum(row["count"] for row in rows) == group["count"]
        assert 0 < group["total"] <= took * os.cpu_count() * 1e6
        assert sum(row["count"] * row["low"] for row in rows) <= group["total"]
        assert group["total"] < sum(row["count"] * (row["high"] + 1) for row in rows)
        assert group["average"] == pytest.approx(group["total"] / group["count"], abs=0.001)


@pytest.mark.parametrize("options", [[], ["-C"], ["-N", "-T"]], ids="_".join)
@repeated_when_skipped
def test_totals(options):
    """Each kind has a line, and the largest comes last."""
    output, least, most = trace(send_packets, *options)
    lines = output.decode().splitlines()
    assert lines[:2] == ["Tracing soft interrupts... Hit Ctrl-C to end.", ""]
    if "-T" in options:
        assert re.fullmatch(r"\d\d:\d\d:\d\d", lines.pop(2))
    unit = "count" if "-C" in options else "nsecs" if "-N" in options else "usecs"
    assert lines[2].split() == ["SOFTIRQ", f"TOTAL_{unit}"]
    rows = {name: int(value) for name, value in map(str.split, lines[3:])}
    assert list(rows.values()) == sorted(rows.values())
    assert rows.keys() <= most.keys() and rows["net_rx"] > 0
    if unit == "count":
        assert least["net_rx"] - 2 * os.cpu_count() <= rows["net_rx"] <= most["net_rx"]
    elif unit == "nsecs":
        # A packet takes more than 100 ns.
        assert rows["net_rx"] > 100 * PACKETS


@repeated_when_skipped
def test_histograms():
    output, _, most = trace(send_packets, "-d", "-N")
    sections = dict(re.findall(rb"^softirq = (\w+)\n((?:.+\n)+)", output, re.MULTILINE))
    assert b"net_rx" in sections
    for name, text in sections.items():
        assert re.match(rb" +nsecs +: count +distribution\n", text)
        count = sum(map(int, re.findall(rb"^ *\d+ -> \d+ +: (\d+) +\|[* ]*\|$", text,
                                        re.MULTILINE)))
        assert 0 < count <= most[name.decode()]


@repeated_when_skipped
def test_one_cpu():
    """-c counts as the kernel does for that CPU, wherever packets are sent; also on a machine with one CPU."""
    allowed = os.sched_getaffinity(0)
    sending = min(allowed)
    try:
        os.sched_setaffinity(0, [sending])
        for cpu in get_online_cpus()[:2]:
            before = counts_by_cpu()["net_rx"][cpu]
            with Tool("softirqs", "--json", "-c", cpu) as tool:
                tool.wait_until_asleep()
                inner = counts_by_cpu()["net_rx"][cpu]
                send_packets()
                least = counts_by_cpu()["net_rx"][cpu] - inner
                status, output, errors = tool.interrupt()
            most = counts_by_cpu()["net_rx"][cpu] - before
            assert (status, errors) == (0, b"")
            assert least >= (PACKETS if cpu == sending else 0)
            count = sum(group["count"] for group in map(json.loads, output.splitlines()) if group["softirq"] == "net_rx")
            assert least - 2 <= count <= most
    finally:
        os.sched_setaffinity(0, allowed)


@repeated_when_skipped
def test_intervals():
    """Each interval shows only its own events."""
    def counts(output):
        return [group["count"] for group in map(json.loads, output[:output.rfind(b"\n") + 1].splitlines())
                if group["softirq"] == "net_rx"]

    before = totals()["net_rx"]
    with Tool("softirqs", "--json", "0.5") as tool:
        tool.wait_for(lambda output: output)
        send_packets()
        tool.wait_for(lambda output: sum(counts(output)) >= PACKETS)
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    assert PACKETS <= sum(counts(output)) <= totals()["net_rx"] - before


@repeated_when_skipped
def test_number_of_outputs():
    """COUNT: it ends after this many outputs."""
    begin = time.monotonic()
    status, output, errors = run("softirqs", "-T", "0.2", "3")
    assert (status, errors) == (0, b"") and time.monotonic() - begin >= 0.6
    assert len(re.findall(rb"^\d\d:\d\d:\d\d$", output, re.MULTILINE)) == 3


def test_help():
    status, output, errors = run("softirqs", "--help")
    assert (status, errors) == (0, b"")
    for word in (b"--timestamp", b"--nanoseconds", b"--events", b"--dist", b"--cpu", b"--json",
                 b"INTERVAL", b"COUNT", b"examples:"):
        assert word in output
