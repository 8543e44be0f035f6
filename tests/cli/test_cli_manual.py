"""The manual page and the completions agree with the help."""
import os
import re
import subprocess
from pathlib import Path

import pytest
from clirun import BUILD, environment, run

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "man/ebcc.1").read_text(encoding="utf-8").replace("\\-", "-")
COMPLETION = REPOSITORY / "src/cli/completion"
TOOLS = sorted(path.name for path in (REPOSITORY / "tools").iterdir() if path.is_file() and not path.suffix)
COMMANDS = ["build", "bundle", "cache", "doctor", "help", "probes", "run", "version"]


def options_in_help(command):
    """The long options in the help of a sub-command."""
    lines = re.findall(r"^  (-\S.*?)(?:  .*)?$", run("help", command)[0].decode(), re.MULTILINE)
    return {option for line in lines for option in re.findall(r"--[a-z][a-z-]*", line)}


@pytest.mark.parametrize("command", ["run", "build", "bundle", "probes", "doctor", "cache"])
def test_manual_page(command):
    """The section of a sub-command has the options of its help."""
    section = PAGE.split(f".SH EBCC {command.upper()}\n")[1].split("\n.SH ")[0]
    described = set(re.findall(r"--[a-z][a-z-]*", section))
    compiling = options_in_help("build") & options_in_help("run") - {"--json"} if command == "run" else set()
    common = {"--json"} if command in ("doctor", "cache") else {"--help", "--version"} if command == "bundle" else set()
    assert options_in_help(command) - compiling - common <= described
    assert described <= options_in_help(command) | {"--verify"}


def test_page_is_well_formed():
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", REPOSITORY / "man/ebcc.1"], check=True, capture_output=True, text=True)
    assert done.stderr == ""


def complete(line):
    """What bash offers for the last word of a line."""
    script = f"""
source {COMPLETION}/ebcc.bash
COMP_LINE=$1 COMP_POINT=${{#1}}
# As bash splits a line, with colons as words of their own.
words=${{1//:/ : }}
read -ra COMP_WORDS <<<"$words"
case $1 in *' ' | *:) COMP_WORDS+=("") ;; esac
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
compopt() {{ :; }}
_ebcc
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    path = f"{BUILD}/src/cc:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", script, "bash", line], capture_output=True, text=True, check=True, env=environment(PATH=path))
    assert done.stderr == ""
    return sorted(filter(None, done.stdout.splitlines()))


def test_bash():
    """Sub-commands and tools, options, actions, kinds and names of probes."""
    assert complete("ebcc ") == sorted([*COMMANDS, *TOOLS, "--help", "--version"])
    assert complete("ebcc pro") == ["probes", "profile"]
    assert complete("ebcc cache ") == ["clear", "list", "verify"]
    assert complete("ebcc help opens") == ["opensnoop"]
    assert complete("ebcc probes trace") == ["tracepoint:"]
    assert complete("ebcc probes tracepoint:sched:sched_swi") == ["sched_switch"]
    assert "sched:sched_switch" in complete("ebcc probes tracepoint:sched")
    assert complete("ebcc probes iter:task_f") == ["task_file"]


@pytest.mark.parametrize("command", ["run", "build", "probes", "doctor", "cache", "version"])
def test_bash_options(command):
    assert set(complete(f"ebcc {command} --")) == options_in_help(command) | {"--help"}


def test_zsh_names_everything():
    """Without zsh itself: the file names each sub-command, tool and option."""
    text = (COMPLETION / "ebcc.zsh").read_text(encoding="utf-8")
    words = set(re.findall(r"--[a-z][a-z-]*|\w+", text))
    assert {*COMMANDS, *TOOLS} <= words
    for command in COMMANDS:
        assert options_in_help(command) <= words
