"""softirqs on this kernel: the tests of tests/tools that depend on the kernel."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from test_softirqs import (  # noqa: E402,F401
    test_counts_agree_with_the_kernel,
    test_histograms,
    test_one_cpu,
)


@pytest.fixture(autouse=True)
def loopback():
    """The interface for packets to this machine itself."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
