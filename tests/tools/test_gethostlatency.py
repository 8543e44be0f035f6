"""gethostlatency, with a program that looks up given hosts without using the network."""
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from toolrun import Tool, Worker, run

HERE = Path(__file__).resolve().parent
FUNCTIONS = ("getaddrinfo", "gethostbyname", "gethostbyname2", "gethostbyname_r",
             "gethostbyname2_r")
# A name with an empty part, or one that is too long for DNS, is never sent to a server.
IMPOSSIBLE = "a..b"


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    path = tmp_path_factory.mktemp("lookups") / "lookups"
    subprocess.run(["cc", "-o", path, HERE / "lookups.c"], check=True)
    return path


def look_up(worker, function, host):
    """Makes the program look up a host; returns whether it was found."""
    return worker.ask(function, host) == "1"


@pytest.fixture
def worker(binary):
    process = Worker(binary)
    yield process
    process.close()


def trace(worker, act, *arguments):
    """What the tool prints while act() runs, without the marker that shows that it runs."""
    with Tool("gethostlatency", "-p", worker.pid, *arguments) as tool:
        tool.wait_for(lambda output: b"mark..er" in output,
                      lambda: look_up(worker, "getaddrinfo", "mark..er"))
        act()
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    return [line for line in output.splitlines() if b"mark..er" not in line]


def test_each_function_is_seen_once(worker):
    """A function that calls another gives one line, with the result that the program gets."""
    results = []

    def act():
        for function in FUNCTIONS:
            for host in ("127.0.0.1", IMPOSSIBLE):
                before = time.monotonic()
                found = look_up(worker, function, host)
                results.append((function, host, found, (time.monotonic() - before) * 1e3))
    events = [json.loads(line) for line in trace(worker, act, "--json")]
    assert [(event["function"], event["host"], not event["failed"]) for event in events] == [
        result[:3] for result in results]
    assert [result[2] for result in results] == [True, False] * len(FUNCTIONS)
    for event, result in zip(events, results):
        assert 0 < event["latency_ms"] <= result[3]
        assert (event["pid"], event["tid"], event["uid"], event["comm"]) == (
            worker.pid, worker.pid, os.getuid(), "lookups")
        assert abs(event["time"] - time.time()) < 600


def test_columns(worker):
    header, line = trace(worker, lambda: look_up(worker, "gethostbyname", "127.0.0.2"))
    assert header.split() == [b"TIME", b"PID", b"COMM", b"LATms", b"HOST"]
    assert re.fullmatch(rb"\d\d:\d\d:\d\d +%d +lookups +\d+\.\d{3} 127\.0\.0\.2" % worker.pid, line)


def test_failures_only(worker):
    def act():
        assert look_up(worker, "getaddrinfo", "127.0.0.1")
        assert not look_up(worker, "getaddrinfo", IMPOSSIBLE)
    (event,) = [json.loads(line) for line in trace(worker, act, "-x", "--json")]
    assert event["host"] == IMPOSSIBLE and event["failed"] and event["ret"] != 0


def test_fast_lookups_are_left_out(worker):
    with Tool("gethostlatency", "-p", worker.pid, "-m", "60000", "-d", "2", "--json") as tool:
        time.sleep(1)
        look_up(worker, "getaddrinfo", "127.0.0.1")
        assert tool.end() == (0, b"", b"")


def test_long_name_is_cut_off(worker):
    (event,) = [json.loads(line) for line in
                trace(worker, lambda: look_up(worker, "getaddrinfo", "x" * 290), "--json")]
    assert event["host"] == "x" * 255


def test_mistakes_are_reported():
    status, output, errors = run("gethostlatency", "-l", "nosuchlibrary")
    assert (status, output) == (1, b"") and b"nosuchlibrary" in errors
    assert errors.count(b"\n") == 1
    status, _, errors = run("gethostlatency", "-m", "-1")
    assert status == 2 and b"--help" in errors
