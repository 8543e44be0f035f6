"""Debian's scripts with this module: those in tests/conformance/scripts.toml that are marked for CI, one test each."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
import run_scripts  # noqa: E402  pylint: disable=wrong-import-position

ROWS = {name: row for name, row in run_scripts.table().items() if row.get("ci")}
ARGUMENTS = run_scripts.parse_arguments(list(ROWS))


@pytest.fixture(scope="module")
def environment():
    """The environment of the scripts, with a disk to work on."""
    run_scripts.mount_scratch()
    yield run_scripts.environment_of(ARGUMENTS)
    run_scripts.unmount_scratch()


# The rows were recorded on these two kernels; there are no tests for others.
if os.environ.get("EBCC_VM") in ("bookworm", "sid"):

    @pytest.mark.parametrize("name", ROWS)
    def test_script(environment, name):
        result = run_scripts.run_row(ROWS[name], environment, ARGUMENTS)
        assert result["reason"] is None, f"{result['reason']}\n{result['output']}"
