"""The Lua package on this kernel: kernel probes, and some of the tests that run outside."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("arguments", [
    ["--kprobes"],
    ["TestTables", "test_perf_buffer", "test_error_comes_out", "test_probe_enabled", "test_bit_fields"],
], ids=["kprobes", "others"])
def test_in_lua(arguments):
    done = subprocess.run([ROOT / "tests/lua/run", *arguments], capture_output=True, text=True,
                          check=False, env={**os.environ, "EBCC_VM": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nRan " in done.stdout and "Ran 0 tests" not in done.stdout
