"""Shared by the tests of tools that show call stacks: the program of chains.c, and functions that
parse the tools' output."""
import json
import re
import subprocess
from pathlib import Path

import pytest
from toolrun import Tool, Worker

MISSED = re.compile(rb"^\w+: \d+ stacks? could not be kept; .*\n", re.MULTILINE)
HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def chains(tmp_path_factory):
    """The path of chains.c's program, built with frame pointers."""
    path = tmp_path_factory.mktemp("chains") / "chains"
    subprocess.run(["cc", "-O1", "-g", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls",
                    "-o", path, HERE / "chains.c"], check=True)
    return path


@pytest.fixture
def process(chains):
    """The running program: call() gives it a request, pid is its id."""
    caller = Worker(chains)
    yield caller
    caller.close()


def trace(name, act, *arguments):
    """What the tool prints while act() runs. It must report no errors, except for missed stacks: two
    stacks may happen to have the same hash."""
    with Tool(name, *arguments) as tool:
        tool.wait_until_asleep()
        act()
        status, output, errors = tool.interrupt()
    assert (status, MISSED.sub(b"", errors)) == (0, b"")
    return output.decode()


def records(name, act, *arguments):
    """The same with --json, as a list of objects."""
    return [json.loads(line) for line in trace(name, act, "--json", *arguments).splitlines()]


def folded(text):
    """{stack: number} from folded lines."""
    lines = [re.fullmatch(r"(\S.*) (\d+)", line).groups() for line in text.splitlines()]
    assert len(dict(lines)) == len(lines)
    return {stack: int(value) for stack, value in lines}


def blocks(text, first_line):
    """The blocks of text output, each a list of lines, after a first line that must match a pattern."""
    head, rest = text.split("\n\n", 1)
    assert re.fullmatch(first_line, head), head
    assert rest.endswith("\n\n")
    return [block.split("\n") for block in rest.rstrip("\n").split("\n\n")]


def starts_with(frames, *names):
    """Whether a stack begins with these functions, innermost first. False if the stack was missed."""
    return frames is not None and tuple(frames[:len(names)]) == names
