"""Shared by the benchmarks: command lines, the two modules under test, alternating runs, ratios and targets."""

import argparse
import json
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
LUA = "/usr/bin/lua5.4"


class BenchError(Exception):
    """Something is missing or has failed; the text says what to do."""


def parse_arguments(prog, description, examples, runs, what="runs of each kind, after one that is not measured"):
    """The command line of all benchmarks."""
    parser = argparse.ArgumentParser(
        prog=prog, description=description, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=runs, help=f"{what} (default: %(default)s)")
    parser.add_argument("--build", type=Path, default=os.environ.get("EBCC_BUILD", REPOSITORY / "build"),
                        help="build tree to measure (default: build/)")  # fmt: skip
    parser.add_argument("--no-bcc", action="store_true", help="don't measure Debian's bcc")
    parser.add_argument("--json", action="store_true", help="print every run, medians and ratios as JSON")
    parser.add_argument("--check", action="store_true", help="exit with status 1 if a target is missed")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    return options


def run_script(name, script, arguments, environment):
    """Runs a measured script, whose last line of output is JSON with its measurements and the module that it used."""
    done = subprocess.run(
        [LUA if script.endswith(".lua") else PYTHON, str(BENCH / script), *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"{name} failed:\n{done.stderr.strip()}")
    values = json.loads(done.stdout.splitlines()[-1])
    if values["module"].startswith("/usr/lib/") == name.startswith("ebcc"):
        raise BenchError(f"{name} ran with {values['module']}: the wrong module was found")
    return values


def in_turn(kinds, runs):
    """{kind: its runs}, where kinds has a function per kind that measures it once.

    They alternate, so whatever else the machine does affects all kinds alike. The first round is not counted: it fills the
    page cache, and ours.
    """
    results = {name: [] for name in kinds}
    for number in range(runs + 1):
        for name, measure in kinds.items():
            values = measure()
            if number:
                results[name].append(values)
    return results


def compare_modules(options, scratch, script, arguments=(), lua_script=None):
    """{"ebcc": runs, "bcc": runs} of a script with this project's module and with Debian's; with a Lua script that
    measures the same, {..., "ebcc Lua": runs}."""
    environments = {"ebcc": build_environment(options.build)}
    if not options.no_bcc:
        environments["bcc"] = bcc_environment(scratch)
    kinds = {
        name: lambda name=name, environment=environment: run_script(name, script, arguments, environment)
        for name, environment in environments.items()
    }
    if lua_script:
        kinds["ebcc Lua"] = lambda: run_script("ebcc Lua", lua_script, arguments, environments["ebcc"])
    return in_turn(kinds, options.runs)


def run(prog, options, measure, summarize, print_report):
    """Runs a benchmark and ends the process with its exit status.

    measure(options, scratch) returns the runs; summarize(results) the medians, bcc's divided by ours, and the targets, each
    (text, measured, met). print_report(medians, ratios) prints the table.
    """
    if os.geteuid():
        sys.exit(f"{prog}: run this as root: loading BPF programs requires privileges")
    scratch = tempfile.mkdtemp(prefix="ebcc-bench.")
    try:
        results = measure(options, scratch)
    except BenchError as error:
        sys.exit(f"{prog}: {error}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    medians, ratios, targets = summarize(results)
    if options.json:
        judged = [{"target": text, "measured": measured, "met": met} for text, measured, met in targets]
        print(json.dumps({"runs": results, "medians": medians, "bcc_over_ours": ratios, "targets": judged}, indent=2))
    else:
        print(f"medians of {options.runs} runs, kernel {os.uname().release}, {os.cpu_count()} CPUs\n")
        print_report(medians, ratios)
        print()
        for text, measured, met in targets:
            print(f"{'met' if met else 'MISSED'}: {text}: {measured}")
    sys.exit(int(options.check and not all(met for _text, _measured, met in targets)))


def medians_of(results, columns):
    """{kind: {column: median}} for the runs of each kind."""
    return {name: {column: median([run[column] for run in runs]) for column in columns} for name, runs in results.items()}


def ratio_target(ratios, column, text, factor):
    """The target that our time is at most 1/factor of bcc's, as a list; an empty one if bcc was not measured."""
    if column not in ratios:
        return []
    return [(f"{text} at most 1/{factor} of bcc's", f"1/{ratios[column]:.1f}", ratios[column] >= factor)]


def ratios_of(medians):
    """{column: bcc's median divided by ours}, for two kinds of runs."""
    if "bcc" not in medians:
        return {}
    return {column: value / medians["ebcc"][column] for column, value in medians["bcc"].items()}


def print_comparison(columns, medians, ratios):
    """Prints a table with a line per column: (name, title, unit, factor to that unit)."""
    rows = [["", *medians, *(["bcc / ebcc"] if ratios else [])]]
    for name, title, unit, factor in columns:
        row = [title, *(f"{values[name] * factor:.2f} {unit}" for values in medians.values())]
        rows.append(row + ([f"{ratios[name]:.1f}"] if ratios else []))
    print_table(rows)


def build_environment(build):
    """The environment in which Python finds this project's module in a build tree."""
    script = 'exports=$("$1" "$2") && eval "$exports" && env -0'
    command = ["bash", "-c", script, "bash", str(REPOSITORY / "scripts/env"), str(build)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise BenchError(f"there is no build tree at {build}: run scripts/quickstart, or give another one with --build")
    pairs = (entry.split("=", 1) for entry in done.stdout.decode().split("\0") if "=" in entry)
    return dict(pairs)


def bcc_environment(scratch):
    """The environment in which Python finds Debian's bcc, and bcc finds kernel headers."""
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
    """A kernel header tree of symbolic links: bcc needs in one folder what Debian has in two."""
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
    """The median of the values that exist, or None."""
    there = [value for value in values if value is not None]
    return statistics.median(there) if there else None


def print_table(rows):
    """Prints rows of cells, with the first column left-aligned and numbers right-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        print("  ".join(cells).rstrip(), file=sys.stdout)
