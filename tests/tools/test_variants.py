"""The BPF sources of tools are compiled ahead: the variants that a tool lists serve all its options, without a
compiler."""
import itertools
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import ebcc
import pytest
from ebcc.tools import cli, places
from test_usage import NAMES, NEEDED, OWN, arguments_of
from toolrun import LIMIT, TOOLS, Tool, command_of, run

WITHOUT_COMPILER = {"EBCC_CC": "/nonexistent", "EBCC_CACHE": "off"}


def compile_variants(name, directory, *arguments, **options):
    """Adds the objects of a tool's variants to a store; returns the names of its files."""
    done = subprocess.run(command_of(name, ["--compile-variants", *arguments]), capture_output=True, check=False,
                          timeout=LIMIT, env={**os.environ, "EBCC_RECORD": str(directory)}, **options)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    return sorted(os.listdir(directory))


# The stores stay in the build tree, for tests/vm/guest_variants.py: there the tools run with them on other kernels.
STORES = Path(ebcc.__file__).parents[2] / "objects"


@pytest.fixture(scope="module")
def store():
    """A function that returns the store with the variants of a tool."""
    made = set()

    def of(name):
        if name not in made:
            shutil.rmtree(STORES / name, ignore_errors=True)
            (STORES / name).mkdir(parents=True)
            assert compile_variants(name, STORES / name)
            made.add(name)
        return STORES / name
    return of


def run_without_compiler(name, arguments, objects):
    return run(name, *arguments, env={**os.environ, **WITHOUT_COMPILER, "EBCC_OBJECTS": str(objects)})


# Runs in which a tool uses another variant than in that of FOR_SECONDS, or might.
OTHERS = [
    ("funccount", ["-d", "0.1", "c:malloc*"]), ("funccount", ["-d", "0.1", "c:mem*"]),
    ("funccount", ["-d", "0.1", "t:sched:sched_switch"]),
    ("funclatency", ["-d", "0.1", "-F", "c:mem*"]), ("funclatency", ["-d", "0.1", "-l", "17", "c:malloc"]),
    ("killsnoop", ["-d", "0.1", "-x", "-p", OWN, "-T", OWN, "-s", "USR1", "--json"]),
    ("memleak", ["0.1", "1"]), ("memleak", ["--percpu", "0.1", "1"]), ("memleak", ["-c", "true"]),
    ("offcputime", ["--stack-storage-size", "5000", "0.1"]),
    ("profile", ["-p", f"{OWN},{os.getppid()}", "0.1"]),
    ("sslsniff", ["--max-buffer-size", "30720", "--duration", "0.1", "-p", OWN]),
    ("stackcount", ["-D", "0.1", "-p", OWN, "t:sched:sched_switch"]),
    ("syncsnoop", ["-d", "0.1", "-p", OWN, "-u", "root", "-c", "fsync", "--json"]),
]


@pytest.mark.parametrize(("name", "arguments"), [(name, arguments_of(name, "0.1")) for name in NAMES] + OTHERS,
                         ids=lambda value: value if isinstance(value, str) else "")
def test_no_compiler(name, arguments, store):
    """With a store, a tool needs no compiler. The control: without the store, it does."""
    status, _, errors = run_without_compiler(name, arguments, store(name))
    assert (status, errors) == (0, b"")
    status, output, errors = run_without_compiler(name, arguments, "off")
    assert (status, output) == (1, b"") and b"can't find the compiler /nonexistent" in errors


@pytest.mark.parametrize("name", ["opensnoop", "killsnoop"])
def test_nothing_is_installed(name, tmp_path):
    """Without a compiler and without a store, one line says what to install."""
    library = Path(os.environ["PYTHONPATH"].split(":")[0]).parent / "src/cc/libebcc.so.0"
    shutil.copy(library, tmp_path)
    status, output, errors = run(name, *arguments_of(name, "0.1"), env={
        **os.environ, "LD_LIBRARY_PATH": str(tmp_path), "EBCC_CACHE": "off", "EBCC_OBJECTS": "off"})
    assert (status, output, errors.count(b"\n")) == (1, b"", 1)
    assert b"install the package ebcc-compiler" in errors


@pytest.fixture
def kernel_root():
    """A directory that describes this kernel, for any user."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        paths = [Path("/proc/sys/kernel/osrelease"), Path("/proc/sys/kernel/version"), Path("/proc/sys/kernel/arch"),
                 Path("/sys/devices/system/cpu/possible"), Path("/sys/kernel/btf/vmlinux"),
                 *Path("/sys/kernel/tracing/events/syscalls").glob("*/format")]
        for path in filter(Path.exists, paths):
            copy = root / path.relative_to("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
        root.chmod(0o755)
        yield root


@pytest.mark.parametrize("name", ["opensnoop", "syncsnoop"])
def test_ordinary_user(name, store, kernel_root):
    """Compiling needs neither root nor this machine's kernel; the files of the store have the same names then."""
    directory = kernel_root / "store"
    directory.mkdir()
    os.chown(directory, 65534, 65534)
    found = compile_variants(name, directory, kernel_root, user=65534, group=65534, extra_groups=[])
    assert found == sorted(os.listdir(store(name)))


@pytest.mark.parametrize("name", ["opensnoop", "syncsnoop"])
def test_mistakes(name, tmp_path):
    """They are reported in one line, like all of a tool."""
    for arguments, expected, reason in ((["a", "b"], 2, b""), ([tmp_path], 1, b"osrelease is missing")):
        status, output, errors = run(name, "--compile-variants", *arguments)
        assert (status, output, errors.count(b"\n")) == (expected, b"", 1)
        assert errors.startswith(name.encode() + b": ") and reason in errors
    assert b"compile-variants" not in run(name, "--help")[1]


def test_unused_programs_are_not_loaded():
    """A source may have more programs than there are places; the kernel gets those that are attached."""
    with Tool("funccount", "-p", OWN, "c:malloc") as tool:
        tool.wait_until_asleep()
        links = [os.readlink(path) for path in Path(f"/proc/{tool.process.pid}/fd").iterdir()]
        one = links.count("anon_inode:bpf-prog")
        assert tool.interrupt()[0] == 0
    with Tool("funccount", "-p", OWN, "-r", "c:^(malloc|calloc|puts)$") as tool:
        tool.wait_until_asleep()
        links = [os.readlink(path) for path in Path(f"/proc/{tool.process.pid}/fd").iterdir()]
        # A program may be loaded twice, for both kinds of links.
        assert one in (1, 2) and links.count("anon_inode:bpf-prog") == 3 * one
        assert tool.interrupt()[0] == 0


def test_numbers_of_places():
    assert [places.room_for(number) for number in (0, 1, 2, 8, 9, 64, 65, 999)] == [0, 1, 8, 8, 64, 64, 65, 999]


# ---- Every option of every Python tool, and every two of them together ----

# Values of options, and of arguments without one: those of numbers are small and large.
VALUES = {
    "--buffer-pages": ["1", "1024"], "--cgroupmap": ["/sys/fs/bpf/none"], "--comm": ["a"], "--command": ["true"],
    "--count": ["1", "99"], "--cpu": ["0"], "--disk": os.listdir("/sys/block")[:1], "--duration": ["1"],
    "--extra-lib": ["openssl:/nowhere"], "--flag-filter": ["O_WRONLY", "O_CREAT"], "--flamegraph": ["picture.svg"],
    "--frequency": ["1", "999"], "--interval": ["1"], "--level": ["1", "16", "17", "64"], "--library": ["/nowhere"],
    "--line": ["a"], "--max-args": ["1", "256"], "--max-block-time": ["9", "999999"],
    "--max-buffer-size": ["1", "30720"], "--max-size": ["9", "9999999"], "--min-block-time": ["1", "8"],
    "--min-latency": ["1"], "--min-size": ["1", "8"], "--min-width": ["1"], "--mntnsmap": ["/sys/fs/bpf/none"],
    "--name": ["a"], "--obj": ["/nowhere"], "--older": ["1"], "--pid": [str(OWN)], "--ppid": [str(OWN)],
    "--sample-rate": ["1", "99"], "--shared": ["readline"], "--stack-storage-size": ["1", "99999"],
    "--state": ["0", "2"], "--subtitle": ["a"], "--tid": [str(OWN)], "--title": ["a"], "--top": ["1"],
    "--uid": ["root"], "count": ["3"], "duration": ["1"], "interval": ["1"],
}
# One pattern of each kind.
PATTERNS = ["vfs_read", "c:malloc", "t:sched:sched_switch", "u:c:probe"]
# What a pattern may match: how many places, and how many that need a program of their own.
MATCHES = [(1, 0), (5000, 0), (1, 1), (2, 2), (8, 8), (9, 9), (64, 64)]
PYTHON_TOOLS = [name for name in NAMES if b"python" in (TOOLS / name).read_bytes().splitlines()[0]]


class Loaded(Exception):
    """Raised by what stands for cli.load(), with its variant."""


class Inspected:
    """A tool that is run up to cli.load(), which gets a variant."""

    def __init__(self, name, monkeypatch):
        self.monkeypatch = monkeypatch
        monkeypatch.setattr(cli, "run", self.take_arguments)
        monkeypatch.setattr(cli, "load", self.take_variant)
        monkeypatch.setattr(cli.ArgumentParser, "exit", lambda parser, *arguments: sys.exit(cli.USAGE))
        parse = cli.ArgumentParser.parse_args

        def parse_args(parser, *arguments):
            self.parser = parser
            return parse(parser, *arguments)
        monkeypatch.setattr(cli.ArgumentParser, "parse_args", parse_args)
        runpy.run_path(str(TOOLS / name), run_name="__main__")

    def take_arguments(self, prog, main, variants):
        self.main, self.variants = main, list(variants)

    def take_variant(self, args, variant, constants=None, max_entries=None):
        raise Loaded(variant)

    def variant_for(self, arguments):
        """The variant for these arguments; None if they are not possible together."""
        self.monkeypatch.setattr(sys, "argv", ["tool", *arguments])
        try:
            self.main()
        except Loaded as loaded:
            return loaded.args[0]
        except SystemExit as end:
            assert end.code == cli.USAGE
            return None
        raise AssertionError("the tool did not get to cli.load()")

    def choices(self):
        """For each option and positional argument, a list of the forms in which it is given."""
        found = []
        for action in self.parser._actions:
            name = action.option_strings[-1] if action.option_strings else action.dest
            names = {*action.option_strings, name} - {"-h"}
            if names & {"--help", "--version", "--ebpf", "pattern"}:
                continue
            known = names & VALUES.keys()
            if action.nargs == 0:
                found.append([[name]])
            else:
                assert known, f"VALUES has no value for {name}"
                values = VALUES[known.pop()]
                found.append([[name, value] if action.option_strings else [value] for value in values])
        return found


@pytest.mark.parametrize("name", PYTHON_TOOLS)
def test_variants_are_complete(name, monkeypatch, tmp_path):
    """Whatever the options are, a tool loads one of its variants, and none of these is in vain."""
    monkeypatch.chdir(tmp_path)
    tool = Inspected(name, monkeypatch)
    match = types.SimpleNamespace()
    monkeypatch.setattr(places, "places_of", lambda args: match)
    needed = PATTERNS if name in NEEDED else [None]
    matches = MATCHES if name in NEEDED else MATCHES[:1]
    match.places, match.numbered = matches[0]
    loaded = {tool.variant_for([pattern for pattern in needed[:1] if pattern])}
    choices = tool.choices()
    possible = set()
    for pattern, (first, second) in itertools.product(needed, itertools.combinations_with_replacement(choices, 2)):
        for forms in itertools.product(first, second if second is not first else [[]]):
            arguments = [*itertools.chain(*forms), *([pattern] if pattern else [])]
            for match.places, match.numbered in matches:
                variant = tool.variant_for(arguments)
                if variant is None:
                    break
                loaded.add(variant)
                possible |= {id(first), id(second)}
        assert loaded <= set(tool.variants), arguments
    assert possible == set(map(id, choices))
    assert loaded == set(tool.variants) and len(loaded) == len(tool.variants)
