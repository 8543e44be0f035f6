"""Portable objects, compiled for the types of Debian's kernels and loaded on each of them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from test_portable import (  # noqa: E402,F401
    kernel,
    seen,
    test_a_renamed_member_is_explained,
    test_existence_decides,
    test_fields_of_a_tracepoint_that_moved,
    test_layouts_and_constants,
    test_numbers,
    test_reads_of_members,
    test_strings_of_a_tracepoint,
    test_version_and_configuration,
    test_what_differs_is_refused,
)
