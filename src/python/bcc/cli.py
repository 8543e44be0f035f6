# SPDX-License-Identifier: Apache-2.0
"""What command line tools share: arguments, output, losses, signals and exit status.

A tool ends with 0 when it ended as asked (Ctrl-C, a duration, a reader that went away),
with FAILURE when something went wrong, and with USAGE when it was called wrongly. In both of
those it says why on stderr, in one line.
"""
import argparse
import ctypes
import math
import os
import signal
import sys
import time

FAILURE = 1
USAGE = 2


class Failure(Exception):
    """Ends the tool with FAILURE; the text is for the user."""


class ArgumentParser(argparse.ArgumentParser):
    """Keeps the layout of description and examples, and tells a mistake in one line."""

    def __init__(self, **options):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message):
        self.exit(USAGE, f"{self.prog}: {message} (--help shows the options)\n")


def unsigned(bits):
    """The argument type of whole numbers of so many bits."""
    def convert(text):
        if not (text.isascii() and text.isdecimal()) or int(text) >= 1 << bits:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number below 2^{bits}")
        return int(text)
    return convert


def positive(bits):
    """The argument type of whole numbers of so many bits, without zero."""
    def convert(text):
        value = unsigned(bits)(text)
        if value == 0:
            raise argparse.ArgumentTypeError("0 is not possible here")
        return value
    return convert


def seconds(text):
    """The argument type of a time in seconds, above zero; fractions are allowed."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def power_of_two(text):
    """The argument type of powers of two up to 2^20."""
    value = unsigned(21)(text)
    if value == 0 or value & value - 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a power of two")
    return value


def open_pinned_map(path):
    """The descriptor of the BPF map that is pinned at a path; the caller closes it."""
    libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
    descriptor = libbpf.bpf_obj_get(os.fsencode(path))
    if descriptor < 0:
        raise Failure(f"cannot open a BPF map at {path}: {os.strerror(ctypes.get_errno())}")
    return descriptor


def write(data):
    """Writes bytes to standard output, past the text layer's encoding."""
    sys.stdout.buffer.write(data)


def flush():
    """Hands on what was written. Tools call it after each batch, so that a pipe is as
    prompt as a terminal."""
    sys.stdout.flush()


class Losses:
    """Counts events that were lost, and tells of them on stderr, at most once a second."""

    def __init__(self, prog, advice):
        self.prog = prog
        self.advice = advice
        self.total = 0
        self.told = 0
        self.last = -math.inf

    def add(self, count):
        """The lost callback of a perf buffer."""
        self.total += count

    def report(self, last=False):
        """Tells what was lost since it last told. @p last: whether or not a second is over."""
        now = time.monotonic()
        if self.total == self.told or (now - self.last < 1 and not last):
            return
        print(f"{self.prog}: {self.total - self.told} events lost ({self.total} so far): "
              f"{self.advice}", file=sys.stderr, flush=True)
        self.told = self.total
        self.last = now


def report_skipped(prog, programs):
    """Tells on stderr how often the kernel did not run the programs (loaded Functions): it runs
    none on a CPU where another program, or a map operation, is under way. Kernels
    before 6.7 don't count that for tracepoints."""
    skipped = 0
    for program in programs:
        with open(f"/proc/self/fdinfo/{program.fd}", encoding="ascii") as file:
            skipped += sum(int(line.split()[1]) for line in file
                           if line.startswith("recursion_misses:"))
    if skipped:
        print(f"{prog}: {skipped} events skipped by the kernel, which was at other BPF work: "
              "some of what was asked for may be missing", file=sys.stderr)


class NotedInterrupts:
    """Within it, SIGINT and SIGTERM are noted and not raised, so that none cuts an event short.
    A second one raises KeyboardInterrupt after all."""

    def __init__(self):
        self.noted = False
        self.previous = {}

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exc_info):
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        if self.noted:
            raise KeyboardInterrupt
        self.noted = True


def _interrupt(number, frame):
    raise KeyboardInterrupt


def _one_line(error):
    """What an exception says, in one line: of a compiler's words, the first that is an error."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return next((line for line in lines if " error: " in line), lines[0])


def run(prog, main):
    """Runs main() and ends the process with the exit status that belongs to its outcome.

    SIGINT and SIGTERM are KeyboardInterrupt inside, also where the shell has set SIGINT
    to be ignored, as it does for background jobs.
    """
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    status = 0
    try:
        main()
        flush()
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        # Nobody reads any more. What is still buffered would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        print(f"{prog}: {_one_line(error)}", file=sys.stderr)
        status = FAILURE
    sys.exit(status)
