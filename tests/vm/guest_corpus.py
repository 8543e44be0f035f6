"""The texts of Debian's tools, compiled outside for this kernel (tests/conformance/test_corpus.py): all programs load."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import ebcc

SUITE = os.environ.get("EBCC_VM", "")
CONFORMANCE = Path(__file__).resolve().parents[1] / "conformance"
OBJECTS = Path(os.path.abspath(ebcc.__file__)).parents[2] / "corpus" / SUITE  # not resolved, as the package is a link there

sys.path.insert(0, str(CONFORMANCE))
from verify import results  # noqa: E402  pylint: disable=wrong-import-position

# Modules whose types and functions the texts use.
MODULES = ("btrfs", "ext4", "kvm", "nfs", "nfsv4", "xfs")


def excepted():
    """The tools and runs that this kernel may reject."""
    listed = tomllib.loads((CONFORMANCE / "exceptions.toml").read_text())["exception"]
    return {
        entry["of"] for entry in listed if entry["stage"] == "verify" and SUITE in entry.get("kernels", [SUITE])
    }


# The corpus is compiled only for these two kernels; there are no tests for others.
if SUITE in ("bookworm", "sid"):

    def test_every_text_loads():
        for module in MODULES:
            subprocess.run(["modprobe", module], check=True)
        entries = json.loads((OBJECTS / "results.json").read_text())
        may_fail = {
            entry["name"]: ({entry["name"], entry["tool"]} & excepted()) for entry in entries
        }
        found = dict(results(str(OBJECTS)))
        rejected = {name: error for name, error in found.items() if error}
        assert set(found) == {entry["name"] for entry in entries if "missing" not in entry and not entry["compile"]}
        assert len(found) >= 240
        assert {name: error for name, error in rejected.items() if not may_fail[name]} == {}
        # Exceptions that are no longer needed must be removed from the list.
        assert set().union(*(may_fail[name] for name in rejected)) == excepted()
