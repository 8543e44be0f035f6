"""gethostlatency and a program that looks up given hosts, without using the network."""
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
# Names that are too long for DNS, or have an empty part, are not passed to a resolver.
IMPOSSIBLE = "a..b"


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    path = tmp_path_factory.mktemp("lookups") / "lookups"
    subprocess.run(["cc", "-o", path, HERE / "lookups.c"], check=True)
    return path


def look_up(worker, function, host):
    """Has it look up a host; returns whether it was found."""
    return worker.ask(function, host) == "1"


@pytest.fixture
def looker(binary):
    process = Worker(binary)
    yield process
    process.close()


def trace(looker, act, *arguments):
    """What the tool prints while act() runs, without the marker that shows that it runs."""
    with Tool("gethostlatency", "-p", looker.pid, *arguments) as tool:
        tool.wait_for(lambda output: b"mark..er" in output,
                      lambda: look_up(looker, "getaddrinfo", "mark..er"))
        act()
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    return [line for line in output.splitlines() if b"mark..er" not in line]


def test_each_function_is_seen_once(looker):
    """A function that calls another gives one line; results are those of the caller."""
    results = []

    def act():
        for function in FUNCTIONS:
            for host in ("127.0.0.1", IMPOSSIBLE):
                before = time.monotonic()
                found = look_up(looker, function, host)
                results.append((function, host, found, (time.monotonic() - before) * 1e3))
    events = [json.loads(line) for line in trace(looker, act, "--json")]
    assert [(event["function"], event["host"], not event["failed"]) for event in events] == [
        result[:3] for result in results]
    assert [result[2] for result in results] == [True, False] * len(FUNCTIONS)
    for event, result in zip(events, results):
        assert 0 < event["latency_ms"] <= result[3]
        assert (event["pid"], event["tid"], event["uid"], event["comm"]) == (
            looker.pid, looker.pid, os.getuid(), "lookups")
        assert abs(event["time"] - time.time()) < 600


def test_columns(looker):
    header, line = trace(looker, lambda: look_up(looker, "gethostbyname", "127.0.0.2"))
    assert header.split() == [b"TIME", b"PID", b"COMM", b"LATms", b"HOST"]
    assert re.fullmatch(rb"\d\d:\d\d:\d\d +%d +lookups +\d+\.\d{3} 127\.0\.0\.2" % looker.pid, line)


def test_failures_only(looker):
    def act():
        assert look_up(looker, "getaddrinfo", "127.0.0.1")
        assert not look_up(looker, "getaddrinfo", IMPOSSIBLE)
    (event,) = [json.loads(line) for line in trace(looker, act, "-x", "--json")]
    assert event["host"] == IMPOSSIBLE and event["failed"] and event["ret"] != 0


def test_short_ones_are_left_out(looker):
    with Tool("gethostlatency", "-p", looker.pid, "-m", "60000", "-d", "2", "--json") as tool:
        time.sleep(1)
        look_up(looker, "getaddrinfo", "127.0.0.1")
        assert tool.end() == (0, b"", b"")


def test_long_name_is_cut(looker):
    (event,) = [json.loads(line) for line in
                trace(looker, lambda: look_up(looker, "getaddrinfo", "x" * 290), "--json")]
    assert event["host"] == "x" * 255


def test_mistakes_are_told():
    status, output, errors = run("gethostlatency", "-l", "nosuchlibrary")
    assert (status, output) == (1, b"") and b"nosuchlibrary" in errors
    assert errors.count(b"\n") == 1
    status, _, errors = run("gethostlatency", "-m", "-1")
    assert status == 2 and b"--help" in errors
