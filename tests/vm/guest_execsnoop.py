"""execsnoop on this kernel: the tests of tests/tools that depend on the kernel."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from test_execsnoop import (  # noqa: E402,F401
    folder,
    test_by_descriptor,
    test_every_argument_is_seen_as_it_was,
    test_every_program_in_order,
    test_failed_calls,
    test_from_another_thread,
    test_long_arguments,
)
