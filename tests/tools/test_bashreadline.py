"""bashreadline, while the test types lines into a shell on a terminal."""
import json
import os
import pty
import re
import subprocess
import time

import pytest
from toolrun import LIMIT, Tool, run


class Shell:
    """An interactive bash on a terminal that the test made."""

    def __init__(self):
        self.terminal, slave = pty.openpty()
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, env={**os.environ, "PS1": "ready> ", "HISTFILE": "/dev/null",
                                         "TERM": "dumb"})
        os.close(slave)
        self.pid = self.process.pid
        self.read_until(b"ready> ")

    def read_until(self, text):
        output = b""
        end = time.monotonic() + LIMIT
        while text not in output:
            assert time.monotonic() < end, output
            output += os.read(self.terminal, 65536)

    def enter(self, line):
        """Types a line, and waits for the next prompt."""
        os.write(self.terminal, line + b"\n")
        self.read_until(b"ready> ")

    def close(self):
        self.process.kill()
        self.process.wait(timeout=LIMIT)
        os.close(self.terminal)


@pytest.fixture
def shell():
    process = Shell()
    yield process
    process.close()


def trace(shell, lines, *arguments):
    """What the tool prints while lines are typed, without the marker that shows that it runs."""
    with Tool("bashreadline", "-p", shell.pid, *arguments) as tool:
        tool.wait_for(lambda output: b": marker" in output, lambda: shell.enter(b": marker"))
        for line in lines:
            shell.enter(line)
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    return [line for line in output.splitlines() if b": marker" not in line]


def test_lines_in_order_with_process_and_time(shell):
    header, *lines = trace(shell, [b"true one", b"cd /", b"", b": 'a  b' | cat"])
    assert header.split() == [b"TIME", b"PID", b"COMMAND"]
    pattern = rb"\d\d:\d\d:\d\d +%d +(.*)" % shell.pid
    assert [re.fullmatch(pattern, line)[1] for line in lines] == [
        b"true one", b"cd /", b"", b": 'a  b' | cat"]


def test_json_has_every_field(shell):
    before = time.time()
    (line,) = trace(shell, ["true grüß \\x".encode()], "--json")
    event = json.loads(line)
    assert before - 1 < event.pop("time") < time.time() + 1
    assert event == {"pid": shell.pid, "uid": os.getuid(), "comm": "bash",
                     "command": "true grüß \\x", "truncated": False}


def test_user_and_long_lines(shell):
    """A line that is too long is cut off, and dots say so."""
    long = b": " + b"x" * 5000
    header, *lines = trace(shell, [long], "-U")
    assert header.split() == [b"TIME", b"UID", b"PID", b"COMMAND"]
    (line,) = lines
    _, uid, pid, command = line.split(maxsplit=3)
    assert (int(uid), int(pid), command) == (os.getuid(), shell.pid, long[:4095] + b" ...")


def test_another_users_lines_are_left_out(shell):
    with Tool("bashreadline", "-p", shell.pid, "-u", os.getuid() + 1, "-d", "2") as tool:
        tool.wait_for_text(b"COMMAND")
        shell.enter(b"true seen")
        assert tool.end() == (0, tool.output, b"")
    assert len(tool.output.splitlines()) == 1


LIBRARY = """
#include <stdio.h>
#include <stdlib.h>

char *readline(const char *prompt)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length = getline(&line, &size, stdin);

	(void)prompt;
	if (length < 1)
		return NULL;
	line[length - 1] = 0;
	return line;
}
"""
PROGRAM = """
#include <stdio.h>
char *readline(const char *prompt);
int main(void)
{
	char *line;

	while ((line = readline("")))
		puts(line), fflush(stdout);
	return 0;
}
"""


def test_shared_library_only_in_programs_named_bash(tmp_path):
    """A library with the function is used by two programs; only the one named bash is traced."""
    for name, text in (("library.c", LIBRARY), ("program.c", PROGRAM)):
        (tmp_path / name).write_text(text, encoding="ascii")
    library = tmp_path / "libreadline.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "library.c"], check=True)
    for name in ("bash", "other"):
        subprocess.run(["cc", "-o", tmp_path / name, tmp_path / "program.c", library], check=True)

    def enter(name, line):
        done = subprocess.run([tmp_path / name], input=line + b"\n", stdout=subprocess.PIPE,
                              check=True, timeout=LIMIT)
        assert done.stdout == line + b"\n"

    with Tool("bashreadline", "-s", library) as tool:
        tool.wait_for(lambda output: b"marker" in output, lambda: enter("bash", b"marker"))
        enter("other", b"unseen")
        enter("bash", b"seen")
        tool.wait_for_text(b" seen\n")
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"") and b"unseen" not in output


def test_mistakes_are_reported():
    status, output, errors = run("bashreadline", "-p", os.getpid())
    assert (status, output) == (1, b"") and b"no function readline" in errors and b"-s" in errors
    status, output, errors = run("bashreadline", "-s", "/nowhere/libreadline.so")
    assert (status, output) == (1, b"") and b"/nowhere/libreadline.so" in errors
    assert errors.count(b"\n") == 1
    status, _, errors = run("bashreadline", "-p", "x")
    assert status == 2 and b"not a whole number" in errors
