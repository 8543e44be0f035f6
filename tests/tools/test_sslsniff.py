"""sslsniff, with a program that sends data to itself through each of the libraries."""
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from toolrun import Tool, Worker, run

HERE = Path(__file__).resolve().parent
LIBRARIES = ("openssl", "gnutls", "nss")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a key and a self-signed certificate."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-days", "1",
                    "-keyout", path, "-out", str(path) + ".crt"], check=True, capture_output=True)
    with open(path, "ab") as file:
        file.write(Path(str(path) + ".crt").read_bytes())
    return path


def send(worker, library, data, fresh=False):
    """Makes the program send data through a library, in a new session if fresh is set."""
    assert worker.ask(json.dumps(
        {"library": library, "data": data.hex(), "fresh": fresh})) == "true"


@pytest.fixture
def sender(certificate):
    process = Worker("/usr/bin/python3", HERE / "tls.py", certificate)
    for library in LIBRARIES:
        send(process, library, b"begin")
    yield process
    process.close()


def trace(sender, act, *arguments, marker="openssl"):
    """What the tool prints while act() runs, after a marker that shows that it runs."""
    with Tool("sslsniff", "-p", sender.pid, *arguments) as tool:
        tool.wait_for(lambda output: b"READ/RECV" in output or b'"read/recv"' in output,
                      lambda: send(sender, marker, b"marker"))
        act()
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    return output


def events_of(sender, act, *arguments, **options):
    """The same with --json: the events, without those of the markers."""
    output = trace(sender, act, "--json", *arguments, **options)
    events = [json.loads(line) for line in output.splitlines()]
    return [event for event in events if event["length"] != len("marker")]


@pytest.mark.parametrize("library, functions", [
    ("openssl", {"SSL_write", "SSL_write_ex", "SSL_read", "SSL_read_ex"}),
    ("gnutls", {"gnutls_record_send", "gnutls_record_recv"}),
    ("nss", {"PR_Write", "PR_Read"})])
def test_both_ways_through_each_library(sender, library, functions):
    """Each call appears once, with its exact data, in order of time."""
    texts = ["one", "zwei grüße", "x" * 5000]
    events = events_of(sender, lambda: [send(sender, library, text.encode()) for text in texts])
    assert [event["data"] for event in events if event["action"] == "write/send"] == texts
    assert "".join(event["data"] for event in events
                   if event["action"] == "read/recv") == "".join(texts)
    for event in events:
        assert event["library"] == library and event["function"] in functions
        assert (event["pid"], event["uid"], event["truncated"]) == (sender.pid, os.getuid(), False)
        assert event["length"] == len(event["data"].encode()) and event["latency_ms"] > 0
        assert abs(event["time"] - time.time()) < 600


def test_long_data_is_cut_off(sender):
    (sent, *_) = events_of(sender, lambda: send(sender, "gnutls", bytes(range(256)) * 40),
                           "--max-buffer-size", "300", "--hexdump", "-o", marker="gnutls")
    assert sent["truncated"] and sent["length"] == 10240
    assert bytes.fromhex(sent["data_hex"]) == (bytes(range(256)) * 2)[:300]


def test_columns_and_blocks_of_data(sender):
    data = b"GET / HTTP/1.1\r\nHost: \x1b[31mred\r\n"
    output = trace(sender, lambda: send(sender, "openssl", data), "-x", "-l")
    lines = output.splitlines()
    assert lines[0].split() == [b"FUNC", b"TIME(s)", b"COMM", b"PID", b"LEN", b"UID", b"TID",
                                b"LAT(ms)"]
    at = next(number for number, line in enumerate(lines)
              if line.startswith(b"WRITE/SEND") and b" %d " % len(data) in line)
    assert re.fullmatch(rb"WRITE/SEND +\d+\.\d{6} +python3 +%d +%d +%d +\d+ +\d+\.\d{3}" % (
        sender.pid, len(data), os.getuid()), lines[at])
    assert lines[at + 1:at + 6] == [b"----- DATA -----", b"GET / HTTP/1.1",
                                    rb"Host: \x1b[31mred", b"----- END DATA -----", b""]


def test_hexdump(sender):
    output = trace(sender, lambda: send(sender, "openssl", b"0123456789abcdefg\n"), "--hexdump")
    assert b"00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  |0123456789abcdef|\n" \
        b"00000010  67 0a                                            |g.|\n" in output


def test_handshakes(sender):
    output = trace(sender, lambda: send(sender, "openssl", b"", fresh=True), "-l", "--handshake")
    handshakes = [line for line in output.splitlines() if line.startswith(b"HANDSHAKE ")]
    assert len(handshakes) == 2 and all(b" 0 " in line for line in handshakes)


def test_options_that_leave_out(sender):
    """Options leave out libraries, users and processes by name."""
    def act():
        for library in LIBRARIES:
            send(sender, library, b"data")
    for arguments, left in ((("-o", "-g"), {"nss"}), (("-n", "-g"), {"openssl"}),
                            (("-o", "-n", "-c", "python3"), {"gnutls"})):
        marker = next(iter(left))
        assert {event["library"] for event in
                events_of(sender, act, *arguments, marker=marker)} == left
    for arguments in (("-c", "python"), ("-u", os.getuid() + 1)):
        with Tool("sslsniff", "-p", sender.pid, "--duration", "2", "--json", *arguments) as tool:
            time.sleep(1.2)
            act()
            assert tool.end() == (0, b"", b"")


def test_extra_library(sender, tmp_path):
    """--extra-lib traces a library by its path."""
    path = next(line.split()[-1] for line in
                Path(f"/proc/{sender.pid}/maps").read_text(encoding="ascii").splitlines()
                if "libgnutls" in line)
    events = events_of(sender, lambda: send(sender, "gnutls", b"data"), "-o", "-g", "-n",
                       "--extra-lib", f"gnutls:{path}", marker="gnutls")
    assert {event["library"] for event in events} == {"gnutls"}
    status, output, errors = run("sslsniff", "--extra-lib", "openssl:" + path)
    assert (status, output) == (1, b"") and b"none of the functions of openssl" in errors


def test_mistakes_are_reported():
    for arguments, message in ((("--extra-lib", "tls:/x"), b"not KIND:PATH"),
                            (("--handshake",), b"requires -l"),
                            (("--max-buffer-size", "99999"), b"more than")):
        status, output, errors = run("sslsniff", *arguments)
        assert (status, output) == (2, b"") and message in errors
