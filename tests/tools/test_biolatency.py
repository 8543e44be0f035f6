"""biolatency, while the test sends a known number of requests to a disk of its own."""
import importlib.machinery
import importlib.util
import json
import mmap
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from toolrun import TOOLS, Tool, repeated_when_skipped, run

BLOCK = 4096


@pytest.fixture
def disk(tmp_path):
    """The name of a loop device that only the test uses."""
    image = tmp_path / "image"
    image.write_bytes(bytes(16 << 20))
    made = subprocess.run(["losetup", "--find", "--show", image], check=True, stdout=subprocess.PIPE,
                          text=True)
    yield Path(made.stdout.strip()).name
    subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)


@pytest.fixture
def scheduler(disk):
    """Gives the disk a scheduler, so that requests are queued before they are issued."""
    file = Path(f"/sys/block/{disk}/queue/scheduler")
    if "mq-deadline" not in file.read_text():
        subprocess.run(["modprobe", "mq-deadline"], check=True)
    file.write_text("mq-deadline")
    yield
    file.write_text("none")


def do_io(disk, reads=0, writes=0, flushes=0):
    """Makes exactly this many requests, one at a time, bypassing the page cache; returns the seconds they took."""
    fd = os.open(f"/dev/{disk}", os.O_RDWR | os.O_DIRECT)
    try:
        with mmap.mmap(-1, BLOCK) as buffer:
            begin = time.monotonic()
            for number in range(reads):
                assert os.preadv(fd, [buffer], number * BLOCK) == BLOCK
            for number in range(writes):
                assert os.pwritev(fd, [buffer], number * BLOCK) == BLOCK
            for _ in range(flushes):
                os.fsync(fd)
            return time.monotonic() - begin
    finally:
        os.close(fd)


def trace(disk, *arguments, **requests):
    """Traces requests made by do_io(). Returns what the tool printed, and the seconds that the requests took."""
    with Tool("biolatency", "-d", disk, *arguments) as tool:
        tool.wait_until_asleep()
        took = do_io(disk, **requests)
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    return output, took


def rows(output):
    """The rows of a histogram in text: (low, high, count)."""
    return [tuple(map(int, match)) for match in
            re.findall(rb"^ *(\d+) -> (\d+) +: (\d+) +\|[* ]*\|$", output, re.MULTILINE)]


@repeated_when_skipped
def test_every_request_is_counted(disk):
    output, took = trace(disk, "--json", reads=40, writes=25)
    (line,) = output.splitlines()
    values = json.loads(line)
    assert (values["count"], values["unit"]) == (65, "usecs")
    histogram = values["histogram"]
    assert sum(row["count"] for row in histogram) == 65
    assert histogram[0]["low"] == 0 and histogram[-1]["count"] > 0
    for row, after in zip(histogram, histogram[1:]):
        assert row["high"] + 1 == after["low"]
        assert after["high"] + 1 == 2 * after["low"]
    # Requests made one at a time can't take longer together than the whole test, and the total must
    # agree with the rows.
    assert 0 < values["total"] <= took * 1e6
    assert sum(row["count"] * row["low"] for row in histogram) <= values["total"]
    assert values["total"] < sum(row["count"] * (row["high"] + 1) for row in histogram)
    assert values["average"] == pytest.approx(values["total"] / 65, abs=0.001)
    assert abs(values["time"] - time.time()) < 600


@repeated_when_skipped
def test_kinds_and_disks(disk):
    """-F tells apart reads, writes and flushes of the disk's cache; -D shows the disk."""
    output, _ = trace(disk, "--json", "-D", "-F", reads=7, writes=5, flushes=3)
    counts = {(values["disk"], values["flags"]): values["count"]
              for values in map(json.loads, output.splitlines())}
    # Whether a direct read counts as synchronous depends on the kernel.
    reads = counts.pop((disk, "Read"), 0) + counts.pop((disk, "Sync-Read"), 0)
    assert (reads, counts) == (7, {(disk, "Sync-Write"): 5, (disk, "Flush"): 3})


@repeated_when_skipped
def test_text(disk):
    output, _ = trace(disk, "-T", "-D", "-e", reads=20)
    lines = output.splitlines()
    assert lines[0] == b"Tracing block device I/O... Hit Ctrl-C to end."
    assert re.fullmatch(rb"\d\d:\d\d:\d\d", lines[2])
    assert f"disk = {disk}".encode() in lines
    assert re.search(rb"^ +usecs +: count +distribution$", output, re.MULTILINE)
    assert sum(count for _, _, count in rows(output)) == 20
    assert max(len(bar) for bar in re.findall(rb"\|(\**) *\|", output)) == 40
    average, total, count = map(int, re.search(
        rb"^avg = (\d+) usecs, total: (\d+) usecs, count: (\d+)$", output, re.MULTILINE).groups())
    assert count == 20 and average == total // 20


@repeated_when_skipped
def test_milliseconds(disk):
    output, took = trace(disk, "-m", reads=20)
    assert b"     msecs " in output
    assert sum(count for _, _, count in rows(output)) == 20
    assert rows(output)[-1][0] <= took * 1000


@pytest.mark.usefixtures("scheduler")
@repeated_when_skipped
def test_queued(disk):
    """With -Q, requests that go through a scheduler are counted once, and timed from when they are queued."""
    values = json.loads(trace(disk, "--json", "-Q", reads=30)[0])
    assert values["count"] == 30


@repeated_when_skipped
def test_intervals(disk):
    """Each interval shows only its own events."""
    def counts(output):
        return [json.loads(line)["count"] for line in output[:output.rfind(b"\n") + 1].splitlines()]

    with Tool("biolatency", "-d", disk, "--json", "0.5") as tool:
        tool.wait_for(counts)
        do_io(disk, reads=11)
        tool.wait_for(lambda output: sum(counts(output)) >= 11)
        status, output, errors = tool.interrupt()
    assert (status, errors, counts(output)[0], sum(counts(output))) == (0, b"", 0, 11)


def test_number_of_outputs(disk):
    """COUNT: it ends after this many outputs."""
    status, output, errors = run("biolatency", "-d", disk, "--json", "0.2", "3")
    assert (status, errors, output.count(b"\n")) == (0, b"", 3)


def test_other_disks_are_left_out(disk):
    """With -d for another disk, requests to this one are not counted."""
    other = next(name for name in sorted(os.listdir("/sys/block"))
                 if name != disk and name.startswith(("loop", "ram", "nbd", "zram", "sr")))
    with Tool("biolatency", "-d", other, "--json") as tool:
        tool.wait_until_asleep()
        do_io(disk, reads=10)
        status, output, errors = tool.interrupt()
    assert (status, json.loads(output)["count"], errors) == (0, 0, b"")


def test_names_of_flags():
    loader = importlib.machinery.SourceFileLoader("biolatency", str(TOOLS / "biolatency"))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("biolatency", loader))
    loader.exec_module(module)
    assert {letters: module.flags_name(letters) for letters in (
        "R", "RA", "RM", "WS", "WFS", "FWFS", "FWSM", "D", "DE", "FF", "N", "Z?", "")} == {
        "R": "Read", "RA": "ReadAhead-Read", "RM": "Metadata-Read", "WS": "Sync-Write",
        "WFS": "ForcedUnitAccess-Sync-Write", "FWFS": "Preflush-ForcedUnitAccess-Sync-Write",
        "FWSM": "Preflush-Sync-Metadata-Write", "D": "Discard", "DE": "SecureErase",
        "FF": "Flush", "N": "Other", "Z?": "Z?", "": ""}


def test_help():
    status, output, errors = run("biolatency", "--help")
    assert (status, errors) == (0, b"")
    for word in (b"--timestamp", b"--queued", b"--milliseconds", b"--disks", b"--flags",
                 b"--extension", b"--json", b"--disk", b"INTERVAL", b"COUNT", b"examples:"):
        assert word in output


def test_no_such_disk():
    status, output, errors = run("biolatency", "-d", "nosuchdisk")
    assert (status, output) == (1, b"")
    assert errors == b"biolatency: there is no disk nosuchdisk; /sys/block lists them\n"
