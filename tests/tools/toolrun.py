"""Runs a tool of tools/ for a test, and waits for its output with a time limit."""
import functools
import os
import platform
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

# If tests run in the background, the shell ignores SIGINT for them, and child processes would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

TOOLS = Path(__file__).resolve().parents[2] / "tools"
# How many seconds a test waits for something that must happen. Starting in an emulated machine takes a minute or two if
# the host is busy.
LIMIT = 300


# What tools print if the kernel, busy with other BPF programs, did not run theirs.
SKIPPED = re.compile(rb"^\w+: \d+ events skipped by the kernel, .*\n", re.MULTILINE)


class Skips:
    """Whether a tool has printed that during the current test."""

    seen = False


def repeated_when_skipped(test):
    """Repeats a test that failed while the kernel skipped events, as it may on machines where others use
    BPF too."""
    @functools.wraps(test)
    def wrapper(*arguments, **options):
        for attempt in range(5):
            Skips.seen = False
            try:
                return test(*arguments, **options)
            except AssertionError:
                if not Skips.seen or attempt == 4:
                    raise
        return None
    return wrapper


def command_of(name, arguments):
    """The command line of a tool, with the interpreter from its first line."""
    path = TOOLS / name
    with open(path, encoding="utf-8") as file:
        interpreter = file.readline().removeprefix("#!").split()
    return [*interpreter, path, *map(str, arguments)]


class Tool:
    """A running tool. A thread reads its output, so that waiting can have a limit."""

    def __init__(self, name, *arguments, **options):
        self.process = subprocess.Popen(command_of(name, arguments), stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, **options)
        self.output = b""
        self.errors = b""
        self.readers = [threading.Thread(target=self._read, args=arguments, daemon=True)
                        for arguments in (("output", self.process.stdout),
                                          ("errors", self.process.stderr))]
        for reader in self.readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _read(self, name, pipe):
        while data := pipe.read1(65536):
            setattr(self, name, getattr(self, name) + data)

    def wait_for(self, condition, act=lambda: None):
        """Waits until the output meets a condition, and calls act() after each check that fails."""
        end = time.monotonic() + LIMIT
        while not condition(self.output):
            assert self.process.poll() is None, (self.process.returncode, self.output, self.errors)
            assert time.monotonic() < end, (self.output, self.errors)
            act()
            time.sleep(0.02)

    def wait_for_text(self, text):
        """Waits until the output contains a text."""
        self.wait_for(lambda output: text in output)

    def wait_until_asleep(self):
        """Waits until the tool is in clock_nanosleep(2), as it is once everything is attached."""
        number = {"x86_64": "230", "aarch64": "115"}[platform.machine()]  # clock_nanosleep(2)
        file = Path(f"/proc/{self.process.pid}/syscall")
        self.wait_for(lambda _: file.read_text(encoding="ascii").split()[0] == number)

    def end(self):
        """Waits until it ends by itself; returns the exit status, the output, and the errors without the
        lines about skipped events."""
        status = self.process.wait(timeout=LIMIT)
        for reader in self.readers:
            reader.join(timeout=LIMIT)
        errors = SKIPPED.sub(b"", self.errors)
        Skips.seen |= errors != self.errors
        return status, self.output, errors

    def interrupt(self):
        """Sends what Ctrl-C sends, then does what end() does."""
        self.process.send_signal(signal.SIGINT)
        return self.end()


def run(name, *arguments, **options):
    """Runs a tool until it ends; returns the exit status, the output and the errors."""
    with Tool(name, *arguments, **options) as tool:
        return tool.end()


@pytest.fixture
def caller(binary):
    """A running process of the program that the test file's fixture "binary" builds."""
    process = Worker(binary)
    yield process
    process.close()


@pytest.fixture
def pinned_set():
    """A function that creates a hash map and pins it in the BPF file system."""
    paths = []

    def make(name, value_size, keys):
        path = Path(f"/sys/fs/bpf/ebcc-test-{os.getpid()}-{name}-{len(paths)}")
        subprocess.run(["bpftool", "map", "create", path, "type", "hash", "key", "8", "value",
                        str(value_size), "entries", "8", "name", name], check=True)
        paths.append(path)
        for key in keys:
            subprocess.run(["bpftool", "map", "update", "pinned", path, "key",
                            *map(str, key.to_bytes(8, "little")), "value",
                            *["0"] * value_size], check=True)
        return path

    yield make
    for path in paths:
        path.unlink()


@pytest.fixture
def cgroup_root(tmp_path):
    """A directory where the cgroup v2 hierarchy is mounted, whatever else this machine uses."""
    root = tmp_path / "cgroup"
    root.mkdir()
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", root], check=True)
    yield root
    subprocess.run(["umount", root], check=True)


def cgroup_of(pid, root):
    """The id of a process's cgroup in the hierarchy mounted at root."""
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        path = next(line[4:].strip() for line in file if line.startswith("0::"))
    return os.stat(root / path).st_ino


def processor_seconds(pid):
    """The processor time that a process has used, from its clock (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


class Worker:
    """A program that does what each line on its standard input says, and answers each with a line."""

    def __init__(self, *command):
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid

    def ask(self, *words):
        """Sends it a line; returns its answer without the newline."""
        print(*words, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().rstrip("\n")

    def call(self, *words):
        """Sends a line whose answer must be "done"; returns how many milliseconds that took."""
        before = time.monotonic()
        assert self.ask(*words) == "done"
        return (time.monotonic() - before) * 1e3

    def close(self):
        """Ends it."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=LIMIT)
