# SPDX-License-Identifier: Apache-2.0
"""Names of functions in stripped Go programs: they are in Go's own table, whose layout depends on the
version. The programs here consist of that table and two functions."""

import os
import re
import subprocess
from pathlib import Path

import pytest

import ebcc
from ebcc import BPF

TABLE = Path(__file__).with_name("go_program.S")
MAIN = """
#include <stdio.h>
void first(void);
void second(void);
int main(void)
{
    char line[16];
    while (puts("ready"), fflush(stdout), fgets(line, sizeof(line), stdin))
        first(), second();
    return 0;
}
"""
COUNT = """
BPF_HASH(counts, u32, u64);
int count(void *ctx)
{
    u32 pid = bpf_get_current_pid_tgid() >> 32;
    counts.increment(pid);
    return 0;
}
"""
LAYOUTS = (102, 116, 118, 120, 126)
NAMES = {"first": b"main.first", "second": b"main.(*T).second"}


class Program:
    """A running program, which is stripped, and the addresses of its functions."""

    def __init__(self, folder, *flags):
        source, full, path = folder / "main.c", folder / "full", folder / "go"
        source.write_text(MAIN)
        subprocess.run(["cc", "-O1", *flags, "-o", full, source, TABLE], check=True)
        subprocess.run(["strip", "-o", path, full], check=True)
        listing = subprocess.run(["nm", full], capture_output=True, text=True, check=True).stdout
        self.path = str(path)
        self.functions = {name: int(address, 16)
                          for address, name in re.findall(r"(\w+) T (first|second)\n", listing)}
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)
        self.process.stdout.readline()
        self.pid = self.process.pid

    def call(self):
        """Makes it call both functions once."""
        self.process.stdin.write("go\n")
        self.process.stdout.readline()

    def name(self, function, offset=0):
        """The name of an address. In a program at a fixed address, addresses are those in the file."""
        base = 0
        with open(f"/proc/{self.pid}/maps", encoding="utf-8") as maps:
            start = int(next(line for line in maps if self.path in line).split("-")[0], 16)
        if start >> 32:
            base = start
        address = base + self.functions[function] + offset
        return BPF.sym(address, self.pid, show_offset=True)


@pytest.fixture
def make(tmp_path):
    """make(*flags): a Program."""
    made = []

    def create(*flags):
        made.append(Program(tmp_path, *flags))
        return made[-1]

    yield create
    for program in made:
        program.process.kill()
        program.process.communicate()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(make, layout):
    """Names and offsets; a function ends where the next one begins."""
    program = make("-no-pie", f"-DLAYOUT={layout}")
    assert program.name("first") == b"main.first+0x0"
    assert program.name("first", 31) == b"main.first+0x1f"
    assert program.name("first", 32) == b"main.(*T).second+0x0"
    assert program.name("second", 1) == b"main.(*T).second+0x1"


@pytest.mark.parametrize("layout", LAYOUTS[2:])
def test_position_independent(make, layout):
    """In such a program, the table is among other data."""
    program = make("-pie", "-DMERGED", f"-DLAYOUT={layout}")
    for function, name in NAMES.items():
        assert program.name(function) == name + b"+0x0"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_probes_by_name(make, load, layout):
    """Functions of a stripped program can be listed, and probed by name."""
    program = make("-no-pie", f"-DLAYOUT={layout}")
    found = dict(BPF.get_user_functions_and_addresses(program.path, b"main\\..*"))
    assert found == {name: program.functions[function] for function, name in NAMES.items()}
    bpf = load(COUNT)
    bpf.attach_uprobe(name=program.path, sym="main.(*T).second", fn_name="count", pid=program.pid)
    for _ in range(3):
        program.call()
    assert bpf["counts"][bpf["counts"].Key(program.pid)].value == 3
    with pytest.raises(ebcc.AttachError, match=r"main\.first"):
        bpf.attach_uprobe(name=program.path, sym="main.firsd", fn_name="count", pid=program.pid)


def test_symbols_take_precedence_over_the_table(make, tmp_path):
    """If a program has symbols, they are used."""
    program = make("-no-pie", "-DLAYOUT=120")
    found = dict(BPF.get_user_functions_and_addresses(os.fsencode(tmp_path / "full"), b".*"))
    assert found[b"first"] == program.functions["first"] and b"main.first" not in found


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("wrong", ["COUNT=0", "COUNT=3000", "COUNT=0xffffffffffffffff",
                                   "COUNT=0x8000000000000000", "FIRST_NAME=0x7fffffff",
                                   "FIRST_NAME=0xffffffff"])
def test_wrong_tables(make, layout, wrong):
    """Sizes and offsets in the table aren't trusted."""
    program = make("-no-pie", f"-DLAYOUT={layout}", f"-D{wrong}")
    assert program.name("first") == b"[unknown]"
    assert BPF.get_user_functions_and_addresses(program.path, b"main.first") == []
