"""The C tests of attaching, on a kernel with kprobes: outside the guest, the tests of kprobes may be skipped."""

import os
import subprocess
from pathlib import Path

import ebcc
import pytest

# The package is BUILD/python/ebcc.
UNIT_TESTS = Path(ebcc.__file__).parents[2] / "tests/unit"


@pytest.mark.parametrize("name, case", [("attach_attach", ""), ("find_find", ""), ("kernel_ksyms", "symbols")])
def test_unit(name, case):
    environment = os.environ | ({"CK_RUN_CASE": case} if case else {})
    program = UNIT_TESTS / f"test_{name}"
    result = subprocess.run([program], capture_output=True, text=True, timeout=400, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "100%: Checks:" in result.stdout
    assert "SKIPPED" not in result.stdout


def test_no_event_is_left_in_tracefs(tracefs):
    assert "ebcc_" not in (tracefs / "kprobe_events").read_text()
