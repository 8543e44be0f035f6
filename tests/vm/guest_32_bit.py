"""32-bit programs, on kernels that surely execute them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from test_32_bit import program, test_names_and_stacks, test_usdt_arguments  # noqa: E402,F401
