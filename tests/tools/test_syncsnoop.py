"""syncsnoop, while the test makes calls for files of its own."""
import ctypes
import json
import mmap
import os
import re
import time

import pytest
from toolrun import Tool, run

OWN = os.getpid()
libc = ctypes.CDLL(None, use_errno=True)


def trace(act, *arguments, marker=os.sync):
    """The lines of this process's calls, from the first marker on."""
    with Tool("syncsnoop", "-p", OWN, *arguments) as tool:
        tool.wait_for(lambda output: len(output.splitlines()) > ("-j" not in arguments), marker)
        act()
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    return output.splitlines()


@pytest.fixture
def work(tmp_path):
    """Makes each call once."""
    def act():
        with open(tmp_path / "file", "wb+") as file:
            file.write(b"x" * mmap.PAGESIZE)
            file.flush()
            os.fsync(file.fileno())
            os.fdatasync(file.fileno())
            libc.sync_file_range(file.fileno(), ctypes.c_int64(0), ctypes.c_int64(1), 2)
            libc.syncfs(file.fileno())
            with mmap.mmap(file.fileno(), mmap.PAGESIZE) as area:
                area.flush()
        os.sync()
    return act


def calls_of(lines):
    return [line.split()[3].decode() for line in lines]


def test_lines(work):
    header, *lines = trace(work)
    assert header.split() == [b"TIME(s)", b"PID", b"COMM", b"CALL"]
    names = calls_of(lines)
    assert names[-6:] == ["fsync", "fdatasync", "sync_file_range", "syncfs", "msync", "sync"]
    assert set(names[:-6]) == {"sync"}
    times = [float(line.split()[0]) for line in lines]
    assert times == sorted(times) and abs(times[-1] - time.monotonic()) < 60
    assert all(re.match(rb"\d+\.\d{6} +%d +\S+ +\w+$" % OWN, line) for line in lines)


def test_json(work):
    lines = [json.loads(line) for line in trace(work, "-j")]
    with open("/proc/self/comm", encoding="ascii") as file:
        comm = file.read().strip()
    assert {(line["pid"], line["uid"], line["comm"]) for line in lines} == {(OWN, os.getuid(), comm)}
    assert [line["call"] for line in lines][-2:] == ["msync", "sync"]
    assert all(abs(line["time"] - time.time()) < 60 for line in lines)


def test_chosen_calls(work):
    assert set(calls_of(trace(work, "-c", "sync", "--call", "msync")[1:])) == {"sync", "msync"}


def test_another_user_is_left_out():
    status, output, errors = run("syncsnoop", "-u", os.getuid() + 12345, "-d", "0.5")
    assert (status, output.count(b"\n"), errors) == (0, 1, b"")
