"""opensnoop on this kernel: the tests of tests/tools that depend on the kernel."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from test_opensnoop import (  # noqa: E402,F401
    test_a_burst_is_shown_or_reported_lost,
    test_every_call_is_seen_as_it_was,
    test_failed_only,
    test_full_path,
    test_full_path_across_a_mount,
    test_one_thread,
    workload,
)
