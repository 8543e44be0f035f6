"""Bounded indexes and sizes, with other kernels' verifiers."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from test_indexes import test_index_of_a_constant_table, test_size_of_a_read  # noqa: E402,F401
