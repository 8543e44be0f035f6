"""Fixtures of the Python tests. They trace this machine's own kernel, each test its own process."""

import os
import subprocess
import sys
import textwrap

import pytest

from bcc import BPF

# os.getpgid(N) makes the system call getpgid with N, which nothing else in a test does.
FILTER = "if (bpf_get_current_pid_tgid() >> 32 != OWN_PID) return 0;"


def source(text):
    """A test's text, with OWN_PID and FILTER filled in."""
    return textwrap.dedent(text).replace("FILTER", FILTER).replace("OWN_PID", str(os.getpid()))


def getpgid(*numbers):
    """One system call per number, whatever it returns."""
    for number in numbers:
        try:
            os.getpgid(number)
        except ProcessLookupError:
            pass


@pytest.fixture
def load():
    """load(text, **options): a BPF object that is closed when the test ends."""
    opened = []

    def create(text, **options):
        bpf = BPF(text=source(text), **options)
        opened.append(bpf)
        return bpf

    yield create
    for bpf in opened:
        bpf.close()


@pytest.fixture
def python():
    """python(script): runs a script in a process of its own."""

    def run(script, **options):
        return subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True,
                              text=True, timeout=60, **options)

    return run


@pytest.fixture
def bpf_programs():
    """Ids of the programs that the kernel has."""

    def ids():
        import json
        listing = subprocess.run(["bpftool", "-j", "prog", "list"], capture_output=True, check=True)
        return {program["id"] for program in json.loads(listing.stdout)}

    return ids
