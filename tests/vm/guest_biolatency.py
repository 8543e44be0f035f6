"""biolatency on this kernel, against the scratch disk: the tests of tests/tools that depend on the kernel."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from test_biolatency import (  # noqa: E402,F401
    scheduler,
    test_every_request_is_counted,
    test_intervals,
    test_kinds_and_disks,
    test_queued,
    test_text,
)


@pytest.fixture
def disk():
    """The virtio disk, which no one else uses."""
    return "vda"
