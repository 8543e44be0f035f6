"""Debian's own scripts on this module: those of tests/conformance/scripts.toml that are marked for CI, one test each."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
import run_scripts  # noqa: E402  pylint: disable=wrong-import-position

NAMES = [name for name, row in run_scripts.table().items() if row.get("ci")]


@pytest.fixture(scope="module")
def runs():
    """The rows, run one after another as the tests ask for them."""
    arguments = run_scripts.parse_arguments(NAMES)
    return run_scripts.results(NAMES, run_scripts.environment_of(arguments), arguments)


@pytest.mark.parametrize("name", NAMES)
def test_script(runs, name):
    found, result = next(runs)
    assert found == name
    assert result["reason"] is None, f"{result['reason']}\n{result['output']}"
