"""The table of renamed functions and tracepoints, compared with this kernel."""

import os
import subprocess
from pathlib import Path

BUILD = Path(os.environ.get("EBCC_BUILD", Path(__file__).resolve().parents[2] / "build"))


def test_renames():
    """Old names are gone, and new ones exist."""
    subprocess.run([BUILD / "tests/unit/test_kernel_renames"], env=os.environ | {"EBCC_TEST_KERNEL_ROOT": "/"}, check=True)
