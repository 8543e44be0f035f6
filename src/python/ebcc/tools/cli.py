# SPDX-License-Identifier: Apache-2.0
"""What the command line tools share: arguments, output, events, lost events, signals and exit status.

A tool exits with 0 when it ended as intended (Ctrl-C, the end of a duration, a pipe that nobody
reads any more), with FAILURE when something went wrong, and with USAGE when it was called wrongly.
In the last two cases it prints the reason to stderr, in one line.

A tool's BPF source is compiled ahead when a package of the tools is made. So it has few variants, which the
tool lists for run(): what depends on an option or on the machine is a constant, or the size of a table, that
load() sets when the source is compiled already.
"""
import argparse
import bisect
import ctypes
import io
import json
import math
import operator
import os
import pwd
import signal
import sys
import time
from functools import partial
from typing import NamedTuple

from .. import _ebcc
from ..bpf import BPF, compile_portable
from ..finding import FindMixin
from ..terminal import for_terminal, printable
from ..utils import get_online_cpus

FAILURE = 1
USAGE = 2

# The longest wait for events. After each wait, tools check for an interrupt.
POLL_SECONDS = 0.2

# Each CPU has its own buffer. An event is shown once it is this old: by then the earlier
# events of all other CPUs have been read, so lines are in chronological order.
SETTLE_SECONDS = 0.001


class Failure(Exception):
    """Ends the tool with status FAILURE; the text is for the user."""


class ArgumentParser(argparse.ArgumentParser):
    """Keeps the layout of the description and the examples, and reports a mistake in one line.

    traces: whether the program traces. If it does, parse_args() raises an error for a user who is not
    allowed to trace, after the arguments are parsed and before anything else is tried.
    """

    def __init__(self, traces=True, **options):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self.add_argument("--version", action="version", version=f"%(prog)s (ebcc {_ebcc.version})",
                          help="show the version of ebcc")
        self.traces = traces
        if traces:
            self.add_argument("--ebpf", action="store_true",
                              help="print the BPF source and exit, without tracing")

    def parse_args(self, args=None, namespace=None):
        values = super().parse_args(args, namespace)
        if self.traces and not values.ebpf:
            _ebcc.check_privilege()
        return values

    def error(self, message):
        self.exit(USAGE, f"{self.prog}: {message} (--help shows the options)\n")


def unsigned(bits):
    """The argument type of whole numbers of up to this many bits."""
    def convert(text):
        if not (text.isascii() and text.isdecimal()) or int(text) >= 1 << bits:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number below 2^{bits}")
        return int(text)
    return convert


def positive(bits):
    """The argument type of whole numbers above zero of up to this many bits."""
    def convert(text):
        value = unsigned(bits)(text)
        if value == 0:
            raise argparse.ArgumentTypeError("0 is not possible here")
        return value
    return convert


def pid(text):
    """The argument type of process and thread ids. An id that doesn't exist is a Failure, not wrong
    usage: the tool would wait for events that can't come."""
    value = positive(32)(text)
    FindMixin.pid_namespace()  # raises if the ids in /proc are those of another namespace
    if not os.path.exists(f"/proc/{value}"):
        raise Failure(f"there is no process {value}")
    return value


def add_force(parser):
    """Adds the option --force, which refuse_go() mentions."""
    parser.add_argument("--force", action="store_true",
                        help="trace returns in programs written in Go too, which may crash them")


def refuse_go(file, pid, force):
    """Raises Failure if a file in which returns are to be traced was built by the Go compiler. pid: the
    process whose file it is, or None. force: whether --force was given."""
    if not force and FindMixin.is_go_binary(file, pid or -1):
        raise Failure(f"{os.fsdecode(file)} was built by the Go compiler: tracing returns may crash "
                      "it, because Go moves stacks (--force traces it anyway)")


def cpu(text):
    """The argument type of the number of a CPU that is online."""
    value = unsigned(32)(text)
    if value not in get_online_cpus():
        raise argparse.ArgumentTypeError(f"CPU {value} is not online")
    return value


def _time(text, unit):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of {unit} above 0")
    return value


def seconds(text):
    """The argument type of a time in seconds above zero; fractions are allowed."""
    return _time(text, "seconds")


def milliseconds(text):
    """The argument type of a time in milliseconds above zero; the value is in nanoseconds."""
    return round(_time(text, "milliseconds") * 1e6)


def power_of_two(text):
    """The argument type of powers of two up to 2^20."""
    value = unsigned(21)(text)
    if value == 0 or value & value - 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a power of two")
    return value


def user(text):
    """The argument type of users, an id or a name; the value is the id."""
    if text.isdecimal():
        return unsigned(32)(text)
    try:
        return pwd.getpwnam(text).pw_uid
    except KeyError:
        raise argparse.ArgumentTypeError(f"there is no user {text!r}") from None


def open_pinned_map(path):
    """The descriptor of the BPF map that is pinned at a path; the caller closes it. Raises Failure."""
    libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
    descriptor = libbpf.bpf_obj_get(os.fsencode(path))
    if descriptor < 0:
        raise Failure(f"cannot open a BPF map at {path}: {_ebcc.error_text(ctypes.get_errno())}")
    return descriptor


def _raise_output_failure(error):
    """Raises what an error of writing the output means. It is not a failure that the reader
    went away."""
    if isinstance(error, BrokenPipeError):
        raise error
    raise Failure(f"cannot write the output: {error.strerror}") from error


def write(data):
    """Writes bytes to standard output, bypassing the text layer."""
    try:
        sys.stdout.buffer.write(data)
    except OSError as error:
        _raise_output_failure(error)


def flush():
    """Flushes standard output. Tools call it after each batch, so that a pipe gets lines as
    promptly as a terminal."""
    sys.stdout.flush()


class Variant(NamedTuple):
    """A form of a tool's BPF source. cflags: flags of the form -DNAME or -DNAME=VALUE."""

    source: str
    cflags: "tuple[str, ...]" = ()


def print_source(variant):
    """Prints a BPF source, after the macros that its flags define."""
    for flag in variant.cflags:
        name, _, value = flag.removeprefix("-D").partition("=")
        print(f"#define {name} {value}".rstrip())
    print(variant.source, flush=True)


def load(args, variant, constants=None, max_entries=None):
    """Returns the BPF object of a Variant. With --ebpf it prints the source instead and exits; the
    constants and the sizes of tables, which are set only when it is loaded, come first as comments.

    max_entries: the sizes of tables, by name."""
    if args.ebpf:
        for name, value in (constants or {}).items():
            text = f"{name} = {value!r}".replace("*/", "* /")
            print(f"/* {text} */")
        for name, entries in (max_entries or {}).items():
            print(f"/* entries of {name}: {entries} */")
        print_source(variant)
        sys.exit(0)
    return BPF(text=variant.source, cflags=list(variant.cflags), constants=constants,
               max_entries=max_entries)


def _compile_variants(prog, variants):
    """What the option --compile-variants does, which is for packages of the tools and not in --help."""
    parser = ArgumentParser(traces=False, prog=prog, description=(
        "Compile every variant of the BPF source for any kernel, without loading it. The variable "
        "EBCC_RECORD names the directory that gets the objects."))
    parser.add_argument("--compile-variants", metavar="KERNEL_ROOT", nargs="?",
                        help="a directory that describes the kernel whose types are used (default: the "
                             "running kernel)")
    kernel_root = parser.parse_args().compile_variants
    for variant in variants:
        compile_portable(variant.source, variant.cflags, kernel_root).close()


def text_of(raw):
    """Converts bytes from the kernel to a str that every JSON reader accepts."""
    return raw.decode("utf-8", "backslashreplace")


def json_line(values):
    """A JSON object as a line of bytes. Characters that are not harmless on a terminal are escaped in
    JSON's way, such as \\u001b."""
    text = json.dumps(values, ensure_ascii=False)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else
                       f"\\u{ord(c):04x}" if ord(c) < 0x10000 else json.dumps(c)[1:-1]
                       for c in text)
    return text.encode() + b"\n"


class Losses:
    """Counts lost events and reports them on stderr, at most once a second. prog: the tool's name.
    advice: what the user can do about it."""

    def __init__(self, prog, advice):
        self.prog = prog
        self.advice = advice
        self.total = 0
        self.reported = 0
        self.last = -math.inf

    def add(self, count):
        """The lost callback of a perf buffer."""
        self.total += count

    def report(self, last=False):
        """Reports what was lost since the last report. last: even if a second has not passed."""
        now = time.monotonic()
        if self.total == self.reported or (now - self.last < 1 and not last):
            return
        print(f"{self.prog}: {self.total - self.reported} events lost ({self.total} so far): "
              f"{self.advice}", file=sys.stderr, flush=True)
        self.reported = self.total
        self.last = now


def report_skipped(prog, programs):
    """Reports on stderr how often the kernel did not run the programs (loaded Functions): it doesn't
    run one on a CPU where another program or a map operation is in progress. Kernels before 6.7
    don't count that for tracepoints."""
    skipped = 0
    for program in programs:
        with open(f"/proc/self/fdinfo/{program.fd}", encoding="ascii") as file:
            skipped += sum(int(line.split()[1]) for line in file
                           if line.startswith("recursion_misses:"))
    if skipped:
        print(f"{prog}: {skipped} events skipped by the kernel, which was busy with other BPF work: "
              "some of what was asked for may be missing", file=sys.stderr)


class NotedInterrupts:
    """A context in which SIGINT and SIGTERM only set the attribute noted, so that they don't interrupt
    the handling of an event. A second one raises KeyboardInterrupt, and the first one too while the
    attribute raising is set."""

    def __init__(self):
        self.noted = False
        self.raising = False
        self.previous = {}

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exc_info):
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        first, self.noted = not self.noted, True
        if self.raising or not first:
            raise KeyboardInterrupt


class Progress:
    """A progress line on stderr, shown only if that is a terminal. Used as a context, it is removed at
    the end."""

    def __init__(self):
        self.watched = sys.stderr.isatty()
        self.begin = time.monotonic()
        self.shown = -math.inf

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.clear()

    def note(self, text):
        """Shows the seconds so far and a text, in place of the previous one, at most ten times a
        second."""
        now = time.monotonic()
        if self.watched and now - self.shown >= 0.1:
            self.shown = now
            sys.stderr.write(f"\r{int(now - self.begin)} s: {text}\x1b[K")
            sys.stderr.flush()

    def clear(self):
        """Removes the line, so that something else can be printed."""
        if self.watched:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def intervals(interval=None, count=None, duration=None, tick=None, tick_seconds=1, until=None):
    """Yields whenever output is due: every interval seconds, count times, and for the last time after
    duration seconds or at an interrupt, which ends the current wait. An interrupt during an output is
    noted: that output is finished, and one of what came since follows at once. A second one raises
    KeyboardInterrupt.

    tick: called about every tick_seconds while waiting. until: called after a tick; if it returns true,
    the next output is due at once and is the last.
    """
    left = count or math.inf
    end = time.monotonic()
    last = end + (duration or math.inf)
    with NotedInterrupts() as interrupts:
        while left > 0:
            end = min(end + (interval or math.inf), last)
            try:
                interrupts.raising = True
                while not interrupts.noted and (pause := end - time.monotonic()) > 0:
                    time.sleep(min(pause, tick_seconds if tick else 3600))
                    if tick:
                        tick()
                    if until and until():
                        left = 1
                        break
                interrupts.raising = False
            except KeyboardInterrupt:
                interrupts.raising = False
            if end == last or interrupts.noted:
                left = 1
            yield
            left -= 1


class OrderedEvents:
    """Reads the perf buffers of a BPF object and shows the events of all CPUs in chronological order.

    module: the BPF object, whose buffers' callbacks pass each event to add(). show: called for each
    event with what add() got after the time. losses: the Losses of the buffers.
    """

    def __init__(self, module, show, losses):
        self.module = module
        self.show = show
        self.losses = losses
        self.pending = []

    def add(self, moment, *event):
        """Keeps an event until its turn. moment: its time, nanoseconds of the monotonic clock."""
        self.pending.append((moment, event))

    def _show_until(self, horizon):
        self.pending.sort(key=operator.itemgetter(0))
        end = bisect.bisect_right(self.pending, horizon, key=operator.itemgetter(0))
        for _, event in self.pending[:end]:
            self.show(*event)
        del self.pending[:end]
        flush()
        self.losses.report()

    def show_arrived(self):
        """Shows the events that have arrived and are old enough, without waiting for more."""
        horizon = time.monotonic() - SETTLE_SECONDS
        self.module.perf_buffer_consume()
        self._show_until(horizon * 1e9)

    def run(self, duration=None, header=b""):
        """Shows events until an interrupt, or for duration seconds, and finally what is left in the
        buffers.

        header: bytes to write first. From then on an interrupt loses no events.
        """
        end = math.inf if duration is None else time.monotonic() + duration
        with NotedInterrupts() as interrupts:
            write(header)
            flush()
            while (left := end - time.monotonic()) > 0 and not interrupts.noted:
                wait = SETTLE_SECONDS if self.pending else POLL_SECONDS
                self.module.perf_buffer_poll(timeout=math.ceil(min(left, wait) * 1000))
                self.show_arrived()
            self.module.perf_buffer_consume()
            self._show_until(math.inf)
            self.losses.report(last=True)


def _interrupt(number, frame):
    raise KeyboardInterrupt


def _one_line(error):
    """The message of an exception in one line. For a compiler's diagnostics: the first error, and the
    line that the library adds at the end."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    first = next((line for line in lines if " error: " in line), None)
    if first is None:
        return lines[0]
    # An indented line is a line of source or a caret, not one that the library added.
    return first if lines[-1] == first or lines[-1][0] == " " else f"{first}: {lines[-1]}"


class _Output(io.TextIOWrapper):
    """Standard output whose errors say that writing the output failed.

    The file below is Python's own. A write() in Python there could be interrupted by a signal after the
    system call; the buffer would take the data for unwritten, and write it again at the end.
    """

    def write(self, text):
        try:
            return super().write(text)
        except OSError as error:
            _raise_output_failure(error)

    def flush(self):
        try:
            super().flush()
        except OSError as error:
            _raise_output_failure(error)


def _open_output(stdout):
    """A replacement for sys.stdout that writes to the same file."""
    stdout.flush()
    file = io.BufferedWriter(io.FileIO(stdout.fileno(), "w", closefd=False))
    return _Output(file, encoding=stdout.encoding, errors=stdout.errors,
                   line_buffering=stdout.line_buffering)


def _outcome(main):
    """Calls a function; returns (exit status, message for stderr or None)."""
    try:
        main()
        flush()
    except KeyboardInterrupt:
        pass
    except SystemExit as end:
        return end.code, None
    except BrokenPipeError:
        pass  # the reader went away: that is not a failure
    except Exception as error:
        return FAILURE, _one_line(error)
    return 0, None


def _let_signals_end_the_process():
    """Only detaching is left to do. A signal that arrives from now on ends the process, and the kernel
    detaches everything; one that arrived before and is still pending is ignored."""
    while True:
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            return
        except KeyboardInterrupt:
            continue


def run(prog, main, variants=()):
    """Runs main() and exits with the status for its outcome. prog: the tool's name. variants: every Variant
    of its BPF source that should be compiled ahead. With --compile-variants as the first argument it compiles
    these instead.

    SIGINT and SIGTERM raise KeyboardInterrupt in main(), even if the shell has set SIGINT to be
    ignored, as it does for background jobs.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # otherwise print() would use stdout
    if sys.stdout is None:
        sys.exit(f"{prog}: standard output is closed")
    try:
        signal.signal(signal.SIGINT, _interrupt)
        signal.signal(signal.SIGTERM, _interrupt)
        sys.stdout = _open_output(sys.stdout)
        if variants and sys.argv[1:2] == ["--compile-variants"]:
            main = partial(_compile_variants, prog, variants)
        status, message = _outcome(main)
        flushed = _outcome(flush)
        if not status:
            status, message = flushed
    except KeyboardInterrupt:
        # A second interrupt, during the handling of the first.
        status, message = 0, None
    _let_signals_end_the_process()
    # Writing what is still buffered would fail again at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if message:
        print(f"{prog}: {printable(str(message))}", file=sys.stderr)
    with Progress() as progress:
        # This can take long: the kernel removes each of hundreds of tracepoints slowly.
        count = _ebcc.count_links()
        progress.note(f"detaching {count} probes" if count > 1 else "detaching")
        _ebcc.close_modules()
    sys.exit(status)
