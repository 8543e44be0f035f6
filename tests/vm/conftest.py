"""Fixtures of the tests that run inside a guest of tests/vm/run."""

import os
import time
from pathlib import Path

import pytest

TRACEFS = Path("/sys/kernel/tracing")


def pytest_configure(config):
    """Refuses to run the guest's files on the host, as they write to tracefs."""
    named = [Path(argument.split("::")[0]).name for argument in config.args]
    if any(name.startswith("guest_") for name in named) and not os.environ.get("EBCC_VM"):
        pytest.exit("guest_*.py files must run inside a guest: use tests/vm/run", returncode=2)


@pytest.fixture
def tracefs():
    """The trace file system."""
    return TRACEFS


@pytest.fixture
def wait_for():
    """Waits until a condition is true, and returns its value. Emulation is slow, so the limit is generous."""

    def wait(condition, seconds=300, every=0.05):
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < deadline, f"still not true after {seconds} s: {condition}"
            time.sleep(every)

    return wait
