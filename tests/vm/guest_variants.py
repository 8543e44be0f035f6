"""The tools on this kernel, without a compiler: with objects that tests/tools/test_variants.py compiled on the machine
that runs this one, for its kernel."""

import os
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "tools"))

from test_usage import NAMES, OWN, arguments_of  # noqa: E402
from test_variants import STORES, run_without_compiler  # noqa: E402

# What only some kernels have.
OTHERS = [
    ("funccount", ["-p", OWN, "-d", "0.1", "vfs_*"]), ("funclatency", ["-p", OWN, "-d", "0.1", "vfs_read"]),
    ("memleak", ["--combined-only", "0.1", "1"]), ("memleak", ["--percpu", "0.1", "1"]),
    ("stackcount", ["-p", OWN, "-D", "0.1", "vfs_read"]),
]


@pytest.mark.parametrize(("name", "arguments"), [(name, arguments_of(name, "0.1")) for name in NAMES] + OTHERS,
                         ids=lambda value: value if isinstance(value, str) else "")
def test_no_compiler(name, arguments):
    status, _, errors = run_without_compiler(name, arguments, STORES / name)
    assert (status, errors) == (0, b"")
