"""The tools on this kernel, without a compiler: with objects that were compiled for the types of another kernel."""

import os
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "python"), str(TESTS / "tools")]

from test_portable import RELEASE, Kernel  # noqa: E402
from test_usage import NAMES, OWN, arguments_of  # noqa: E402
from test_variants import compile_variants, run_without_compiler  # noqa: E402

# What only some kernels have.
OTHERS = [
    ("funccount", ["-p", OWN, "-d", "0.1", "vfs_*"]), ("funclatency", ["-p", OWN, "-d", "0.1", "vfs_read"]),
    ("memleak", ["--combined-only", "0.1", "1"]), ("memleak", ["--percpu", "0.1", "1"]),
    ("stackcount", ["-p", OWN, "-D", "0.1", "vfs_read"]),
]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """The newest kernel; on that, an older one."""
    kernel = Kernel("bookworm" if RELEASE >= (7, 0) else "sid", tmp_path_factory.mktemp("root"))
    (kernel.root / "sys/kernel/tracing").symlink_to("/sys/kernel/tracing")
    return kernel


@pytest.fixture(scope="module")
def store(kernel, tmp_path_factory):
    """The objects of all tools."""
    directory = tmp_path_factory.mktemp("store")
    assert kernel.release != os.uname().release
    for name in NAMES:
        compile_variants(name, directory, kernel.root)
    return directory


@pytest.mark.parametrize(("name", "arguments"), [(name, arguments_of(name, "0.1")) for name in NAMES] + OTHERS,
                         ids=lambda value: value if isinstance(value, str) else "")
def test_no_compiler(name, arguments, store):
    status, _, errors = run_without_compiler(name, arguments, store)
    assert (status, errors) == (0, b"")
