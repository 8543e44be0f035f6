"""Runs the program ebcc for a test, and waits for its output with a time limit."""
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import ebcc

# If tests run in the background, the shell ignores SIGINT for them, and child processes would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

BUILD = Path(ebcc.__file__).parents[2]
EBCC = BUILD / "src/cc/ebcc"
# How many seconds a test waits for something that must happen.
LIMIT = 300


def run(*arguments, status=0, **options):
    """Runs it until it ends, with the status that is expected; returns the output and the errors."""
    done = subprocess.run([EBCC, *map(str, arguments)], capture_output=True, timeout=LIMIT, check=False, **options)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


def run_json(*arguments, status=0, **options):
    """The value that it prints with --json."""
    return json.loads(run(*arguments, "--json", status=status, **options)[0])


def environment(**variables):
    """This process's environment with other values of some variables; None removes one."""
    changed = {**os.environ, **{name: str(value) for name, value in variables.items() if value is not None}}
    return {name: value for name, value in changed.items() if variables.get(name, "") is not None}


class Running:
    """The program while it runs. Threads read its output, so that waiting can have a limit."""

    def __init__(self, *arguments, **options):
        self.process = subprocess.Popen([EBCC, *map(str, arguments)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, **options)
        self.output = b""
        self.errors = b""
        self.readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                        for pair in (("output", self.process.stdout), ("errors", self.process.stderr))]
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
        """Calls act() until the output meets a condition."""
        end = time.monotonic() + LIMIT
        while not condition(self.output):
            assert self.process.poll() is None, (self.process.returncode, self.output, self.errors)
            assert time.monotonic() < end, (self.output, self.errors)
            act()
            time.sleep(0.02)

    def end(self):
        """Waits until it ends; returns the exit status, the output and the errors."""
        status = self.process.wait(timeout=LIMIT)
        for reader in self.readers:
            reader.join(timeout=LIMIT)
        return status, self.output, self.errors

    def interrupt(self):
        """Sends what Ctrl-C sends, then does what end() does."""
        self.process.send_signal(signal.SIGINT)
        return self.end()


def records(output):
    """The objects in the lines of an output."""
    return [json.loads(line) for line in output.splitlines()]
