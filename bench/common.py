"""Shared by the benchmarks: the two modules under test, and kernel headers for the one that needs them."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BENCH = Path(__file__).resolve().parent
REPOSITORY = BENCH.parent
PYTHON = "/usr/bin/python3"


class BenchError(Exception):
    """Something is missing or failed; the text says what to do."""


def build_environment(build):
    """Environment in which Python finds this project's module in a build tree."""
    script = 'exports=$("$1" "$2") && eval "$exports" && env -0'
    command = ["bash", "-c", script, "bash", str(REPOSITORY / "scripts/env"), str(build)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise BenchError(f"there is no build tree at {build}: scripts/quickstart makes one, --build names another")
    pairs = (entry.split("=", 1) for entry in done.stdout.decode().split("\0") if "=" in entry)
    return dict(pairs)


def bcc_environment(scratch):
    """Environment in which Python finds Debian's bcc, and that finds kernel headers."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LD_LIBRARY_PATH")}
    probe = subprocess.run(
        [PYTHON, "-c", "import bcc; print(bcc.__file__)"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, check=False,
    )  # fmt: skip
    if probe.returncode:
        raise BenchError("Debian's python3-bpfcc is missing: scripts/install-deps --bench")
    if not Path(f"/lib/modules/{os.uname().release}/build/include").is_dir():
        environment["BCC_KERNEL_SOURCE"] = str(merged_headers(scratch))
    return environment


def merged_headers(scratch):
    """A kernel header tree made of symbolic links: bcc wants what Debian keeps in two folders in one."""
    specific = sorted(path for path in Path("/usr/src").glob("linux-headers-*-amd64") if (path / "include").is_dir())
    if not specific:
        raise BenchError("bcc needs kernel headers: scripts/install-deps --bench")
    common = specific[-1].with_name(specific[-1].name.removesuffix("-amd64") + "-common")
    tree = Path(scratch) / "kernel-headers"
    for source in (common, specific[-1]):
        for part in ("include", "arch/x86/include"):
            (tree / part).mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-rs", "--remove-destination", f"{source / part}/.", str(tree / part)], check=True)
    return tree


def median(values):
    """Median of the values that are there, or None."""
    there = [value for value in values if value is not None]
    return statistics.median(there) if there else None


def scratch_directory():
    """A temporary folder; remove() it in the end."""
    return tempfile.mkdtemp(prefix="ebcc-bench.")


def remove(directory):
    """Removes a scratch folder."""
    shutil.rmtree(directory, ignore_errors=True)


def print_table(rows):
    """Prints rows of cells: the first column to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        print("  ".join(cells).rstrip(), file=sys.stdout)
