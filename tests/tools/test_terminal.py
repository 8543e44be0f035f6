# SPDX-License-Identifier: Apache-2.0
"""Names from traced programs reach a terminal without control sequences."""

import json
import os
import pty
import subprocess
import sys

import pytest

from ebcc.tools import cli

FORMS = [
    (b"plain", b"plain"),
    ("\u00fcn\u00efc\u00f6d\u00e9 \u65e5\u672c".encode(), "\u00fcn\u00efc\u00f6d\u00e9 \u65e5\u672c".encode()),
    (b"a\x1b[31mb\n\t\x7f", rb"a\x1b[31mb\x0a\x09\x7f"),
    (b"csi \xc2\x9b2J", rb"csi \xc2\x9b2J"),  # C1 in UTF-8
    (b"csi \x9b2J", rb"csi \x9b2J"),  # and as a single byte
    (b"latin \xe9", b"latin \xe9"),
    ("cod\u202eexe.txt".encode(), rb"cod\xe2\x80\xaeexe.txt"),
    ("a\u2028b".encode(), rb"a\xe2\x80\xa8b"),
]


@pytest.mark.parametrize("raw, shown", FORMS)
def test_python_tools(raw, shown):
    assert cli.for_terminal(raw) == shown


@pytest.mark.parametrize("raw, shown", FORMS)
def test_lua_tools(raw, shown):
    """They also escape everything that isn't UTF-8."""
    script = 'io.write(require("ebcc.tools.cli").for_terminal(io.read("a")))'
    done = subprocess.run(["lua5.4", "-e", script], input=raw, stdout=subprocess.PIPE, check=True)
    assert done.stdout == (rb"latin \xe9" if raw.startswith(b"latin") else shown)


@pytest.mark.parametrize("raw, shown", FORMS)
def test_json(raw, shown):
    """The name can be read back, and only printable characters reach a terminal."""
    text = cli.text_of(raw)
    line = cli.json_line({"name": text})
    assert json.loads(line) == {"name": text}
    assert line.decode().removesuffix("\n").isprintable()


def test_error_messages():
    """Messages may contain what a traced program chose, such as its path."""
    script = "from ebcc.tools import cli\ndef main(): raise cli.Failure('no \\x1b[2J here')\ncli.run('tool', main)"
    done = subprocess.run([sys.executable, "-c", script], stderr=subprocess.PIPE, check=False)
    assert done.stderr == rb"tool: no \x1b[2J here" + b"\n"


TRACE_PRINT = """
from ebcc import BPF
class Lines(BPF):
    def __init__(self):
        self.lines = [b"a\\tb \\x1b[31mc"]
    def trace_readline(self, nonblocking=False):
        if not self.lines:
            raise SystemExit
        return self.lines.pop()
Lines().trace_print()
"""


def test_trace_print_on_a_terminal():
    controller, terminal = pty.openpty()
    with os.fdopen(controller, "rb", buffering=0) as output:
        subprocess.run([sys.executable, "-c", TRACE_PRINT], stdout=terminal, check=True)
        os.close(terminal)
        assert output.read(1000).strip() == rb"a" + b"\t" + rb"b \x1b[31mc"


def test_trace_print_elsewhere():
    done = subprocess.run([sys.executable, "-c", TRACE_PRINT], stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"a\tb \x1b[31mc\n"
