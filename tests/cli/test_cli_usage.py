"""Help, version, wrong usage, and sub-commands that are programs of their own."""
import os
import subprocess

import ebcc
import pytest
from clirun import EBCC, LIMIT, environment, run, run_json

COMMANDS = ["run", "build", "probes", "doctor", "cache", "help", "version"]

WRONG = [
    (["build"], b"a FILE is missing"),
    (["build", "a.c", "b.c"], b"one FILE too many"),
    (["build", "a.c", "--nonsense"], b"there is no option --nonsense"),
    (["build", "a.c", "-Z"], b"there is no option -Z"),
    (["build", "a.c", "-o"], b"a value must follow -o"),
    (["build", "a.c", "-isystem"], b"there is no option -isystem"),
    (["build", "a.c", "-include"], b"a header must follow -include"),
    (["build", "a.c", "-o", "-", "--verify"], b"standard output"),
    (["build", "-"], b"needs -o or --verify"),
    (["run"], b"a FILE is missing"),
    (["run", "a.c", "--duration", "0"], b"'0' is not a number of seconds"),
    (["run", "a.c", "--duration", "nan"], b"'nan' is not a number of seconds"),
    (["run", "a.c", "--duration", "1x"], b"'1x' is not a number of seconds"),
    (["run", "a.c", "--set", "name"], b"'name' is not NAME=VALUE"),
    (["run", "a.c", "--set", "=1"], b"'=1' is not NAME=VALUE"),
    (["probes", "nonsense:vfs_read"], b"there is no kind 'nonsense'"),
    (["probes", "--kind", "nonsense"], b"there is no kind 'nonsense'"),
    (["probes", "a", "b"], b"one PATTERN too many"),
    (["probes", "uprobe:"], b"a file must be named"),
    (["probes", "-p", "x"], b"'x' is not the id of a process"),
    (["doctor", "x"], b"one argument too many"),
    (["cache"], b"list, clear and verify"),
    (["cache", "burn"], b"'burn' is not one of"),
    (["version", "x"], b"one argument too many"),
    (["help", "a", "b"], b"one COMMAND too many"),
    (["nonsense"], b"neither a sub-command nor a tool 'nonsense'"),
    (["../nonsense"], b"neither a sub-command nor a tool"),
    (["probe"], b"did you mean probes?"),
]


@pytest.mark.parametrize(("arguments", "text"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_usage(arguments, text):
    """One line that says what is wrong, and status 2."""
    output, errors = run(*arguments, status=2)
    assert output == b""
    assert text in errors
    assert errors.count(b"\n") == 1 and errors.startswith(b"ebcc")


def test_no_command():
    output, errors = run(status=2)
    assert output == b"" and errors.startswith(b"usage: ebcc COMMAND")


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name):
    """Each sub-command shows the same help in both ways, with examples that name it."""
    by_option, errors = run(name, "--help")
    assert errors == b""
    assert run("help", name)[0] == by_option
    assert by_option.startswith(f"usage: ebcc {name}".encode())
    examples = by_option.split(b"examples:\n")[1].splitlines()
    assert examples and all(line.startswith(b"  ") and b"ebcc " + name.encode() in line for line in examples)
    assert max(map(len, by_option.splitlines())) <= 90


def test_list_of_commands():
    """The list has all sub-commands and the tools."""
    output, _ = run("--help")
    assert run("help")[0] == output
    words = output.split()
    assert all(word.encode() in words for word in [*COMMANDS, "opensnoop", "profile", "syncsnoop"])


def test_version():
    assert run("--version")[0] == run("version")[0] == f"ebcc {ebcc.__version__}\n".encode()
    assert run_json("version") == {"version": ebcc.__version__}


def test_tool():
    """A tool of the same tree is a sub-command, with its own exit status."""
    assert run("opensnoop", "--version")[0].startswith(b"opensnoop (ebcc ")
    assert run("help", "opensnoop")[0].startswith(b"usage: opensnoop")
    assert b"0 is not possible" in run("opensnoop", "-p", "0", status=2)[1]


def test_program_on_path(tmp_path):
    """A program ebcc-NAME on PATH is a sub-command, and gets the arguments."""
    program = tmp_path / "ebcc-hello"
    program.write_text('#!/bin/sh\necho "$0" "$@"\nexit 7\n')
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    output, _ = run("hello", "a b", "-x", status=7, env=environment(PATH=path))
    assert output == f"{program} a b -x\n".encode()


def test_output_that_cannot_be_written():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([EBCC, "help"], stdout=full, stderr=subprocess.PIPE, timeout=LIMIT, check=False)
    assert done.returncode == 1
    assert done.stderr == b"ebcc: the output can't be written: No space left on device\n"
