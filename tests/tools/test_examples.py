"""The examples in Python do what they say."""
import re
import subprocess
import time

import pytest
from toolrun import LIMIT, TOOLS, Tool


@pytest.fixture
def reader():
    """A process that calls read() now and then."""
    process = subprocess.Popen(["/bin/sh", "-c", "while read -r line; do :; done"],
                               stdin=subprocess.PIPE)
    yield process
    process.stdin.close()
    process.wait(timeout=LIMIT)


def run_true():
    """Executes a program; returns its process id."""
    process = subprocess.Popen(["/bin/true"])
    process.wait(timeout=LIMIT)
    return process.pid


def test_hello():
    pids = []
    with Tool("../examples/hello.py") as tool:
        tool.wait_for(lambda output: any(b"hello, process %d" % pid in output for pid in pids),
                      lambda: pids.append(run_true()))
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    assert re.search(rb"^(\d+) hello, process \1$", output, re.MULTILINE)


def test_exec_events():
    with Tool("../examples/exec_events.py") as tool:
        tool.wait_for_text(b"FILE\n")
        pid = run_true()
        tool.wait_for_text(b"/bin/true\n")
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    assert re.search(rb"^%d +0 +/bin/true$" % pid, output, re.MULTILINE)


def test_read_latency(reader):
    with Tool("../examples/read_latency.py", reader.pid) as tool:
        tool.wait_for_text(b"measuring\n")
        for _ in range(5):
            reader.stdin.write(b"x\n" * 10)
            reader.stdin.flush()
        reader.stdin.write(b"last\n")
        reader.stdin.flush()
        tool.wait_until_asleep()
        reader.stdin.close()
        reader.wait(timeout=LIMIT)
        status, output, errors = tool.interrupt()
    assert (status, errors) == (0, b"")
    counts = [int(count) for count in re.findall(rb"-> \d+ +: (\d+) +\|", output)]
    # The shell reads a pipe byte by byte, to leave what follows the line to other readers.
    assert sum(counts) >= 5 * 20


def test_readme(tmp_path):
    """The script in the README runs unmodified, and prints what the README shows."""
    text = (TOOLS.parent / "README.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    deadline = time.monotonic() + LIMIT
    with subprocess.Popen(["/usr/bin/python3", tmp_path / "script.py"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process, \
            open("/etc/passwd", "rb", buffering=0) as file:
        # An idle machine may read nothing in the two seconds of the script.
        while process.poll() is None and time.monotonic() < deadline:
            file.seek(0)
            file.read(100)
            time.sleep(0.01)
        process.kill()
        output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert output.splitlines()[0] in text
    assert len(output.splitlines()) > 2


def test_tutorial():
    """The tutorial's excerpts occur in the examples word for word."""
    text = (TOOLS.parent / "docs/tutorial.md").read_text(encoding="utf-8")
    examples = "".join(path.read_text(encoding="utf-8")
                       for path in sorted((TOOLS.parent / "examples").glob("*.py")))
    blocks = re.findall(r"^```c\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    for block in blocks:
        assert block in examples
