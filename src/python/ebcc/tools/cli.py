# SPDX-License-Identifier: Apache-2.0
"""What command line tools share: arguments, output, events, losses, signals and exit status.

A tool ends with 0 when it ended as asked (Ctrl-C, a duration, a reader that went away),
with FAILURE when something went wrong, and with USAGE when it was called wrongly. In both of
those it says why on stderr, in one line.
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

from .. import _ebcc
from ..bpf import BPF
from ..finding import FindMixin
from ..terminal import for_terminal, printable
from ..utils import get_online_cpus

FAILURE = 1
USAGE = 2

# The longest wait for events; an interrupt is looked at after each.
POLL_SECONDS = 0.2

# Each CPU has a buffer of its own. An event is shown once it is this old: by then the
# earlier ones of all other CPUs have been read, and lines come in the order of time.
SETTLE_SECONDS = 0.001


class Failure(Exception):
    """Ends the tool with FAILURE; the text is for the user."""


class ArgumentParser(argparse.ArgumentParser):
    """Keeps the layout of description and examples, and tells a mistake in one line. traces: whether
    the program traces. Who may not do that is told so when the arguments are right, before anything
    else is tried."""

    def __init__(self, traces=True, **options):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self.add_argument("--version", action="version", version=f"%(prog)s (ebcc {_ebcc.version})",
                          help="show the version of ebcc")
        self.traces = traces
        if traces:
            self.add_argument("--ebpf", action="store_true",
                              help="print the BPF source and end, without tracing")

    def parse_args(self, args=None, namespace=None):
        values = super().parse_args(args, namespace)
        if self.traces and not values.ebpf:
            _ebcc.check_privilege()
        return values

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


def pid(text):
    """The argument type of the ids of processes and threads. One that nobody has is no wrong usage,
    but ends the tool too: it would wait for events that can't come."""
    value = positive(32)(text)
    FindMixin.pid_namespace()  # raises where /proc has other processes' numbers
    if not os.path.exists(f"/proc/{value}"):
        raise Failure(f"there is no process {value}")
    return value


def add_force(parser):
    """The option that refuse_go() speaks of."""
    parser.add_argument("--force", action="store_true",
                        help="trace returns in programs written in Go too, which may end them")


def refuse_go(file, pid, force):
    """Ends the tool where a file, whose returns it is to trace, was built by the Go compiler. pid:
    of the process whose file it is, or None; force: whether --force was given."""
    if not force and FindMixin.is_go_binary(file, pid or -1):
        raise Failure(f"{os.fsdecode(file)} was built by the Go compiler: tracing returns may crash "
                      "it, since Go moves stacks (--force does it all the same)")


def cpu(text):
    """The argument type of the number of a CPU that is in use."""
    value = unsigned(32)(text)
    if value not in get_online_cpus():
        raise argparse.ArgumentTypeError(f"CPU {value} is not in use here")
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
    """The argument type of a time in seconds, above zero; fractions are allowed."""
    return _time(text, "seconds")


def milliseconds(text):
    """The argument type of a time in milliseconds, above zero, in nanoseconds."""
    return round(_time(text, "milliseconds") * 1e6)


def power_of_two(text):
    """The argument type of powers of two up to 2^20."""
    value = unsigned(21)(text)
    if value == 0 or value & value - 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a power of two")
    return value


def user(text):
    """The argument type of users: an id, or the id of the user of that name."""
    if text.isdecimal():
        return unsigned(32)(text)
    try:
        return pwd.getpwnam(text).pw_uid
    except KeyError:
        raise argparse.ArgumentTypeError(f"there is no user {text!r}") from None


def open_pinned_map(path):
    """The descriptor of the BPF map that is pinned at a path; the caller closes it."""
    libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
    descriptor = libbpf.bpf_obj_get(os.fsencode(path))
    if descriptor < 0:
        raise Failure(f"cannot open a BPF map at {path}: {_ebcc.error_text(ctypes.get_errno())}")
    return descriptor


def write(data):
    """Writes bytes to standard output, past the text layer's encoding."""
    sys.stdout.buffer.write(data)


def flush():
    """Hands on what was written. Tools call it after each batch, so that a pipe is as
    prompt as a terminal."""
    sys.stdout.flush()


def print_source(source, cflags):
    """Prints a BPF source with the macros that flags of the form -DNAME=VALUE give it."""
    for flag in cflags:
        print("#define", *flag.removeprefix("-D").split("=", 1))
    print(source, flush=True)


def load(args, source, cflags=(), constants=None):
    """The BPF object of a tool's source. With --ebpf the source is printed and the tool ends; the
    constants, which are set when it is loaded, stand before it as comments."""
    if args.ebpf:
        for name, value in (constants or {}).items():
            text = f"{name} = {value!r}".replace("*/", "* /")
            print(f"/* {text} */")
        print_source(source, cflags)
        sys.exit(0)
    return BPF(text=source, cflags=cflags, constants=constants)


def text_of(raw):
    """Bytes as the kernel has them as a string that every JSON reader takes."""
    return raw.decode("utf-8", "backslashreplace")


def json_line(values):
    """A JSON object as a line of bytes. Characters that are not harmless are written as JSON writes
    them, such as \\u001b."""
    text = json.dumps(values, ensure_ascii=False)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else
                       f"\\u{ord(c):04x}" if ord(c) < 0x10000 else json.dumps(c)[1:-1]
                       for c in text)
    return text.encode() + b"\n"


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


class Progress:
    """A line on stderr that says how it goes, while a person looks there. As a context, it is taken
    away at the end."""

    def __init__(self):
        self.watched = sys.stderr.isatty()
        self.begin = time.monotonic()
        self.shown = -math.inf

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.clear()

    def note(self, text):
        """Shows the seconds so far and a text, in place of what it showed before, at most ten times
        a second."""
        now = time.monotonic()
        if self.watched and now - self.shown >= 0.1:
            self.shown = now
            sys.stderr.write(f"\r{int(now - self.begin)} s: {text}\x1b[K")
            sys.stderr.flush()

    def clear(self):
        """Takes the line away, before something else is printed."""
        if self.watched:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def intervals(interval=None, count=None, duration=None, tick=None, tick_seconds=1, until=None):
    """Yields when an output is due: every so many seconds, so many times, and for the last time
    when a duration is over or at an interrupt, which cuts the wait under way short.

    tick: called about every tick_seconds meanwhile. until: after a tick, says whether it is over.
    """
    left = count or math.inf
    end = time.monotonic()
    last = end + (duration or math.inf)
    while left > 0:
        end = min(end + (interval or math.inf), last)
        if end == last:
            left = 1
        try:
            while (pause := end - time.monotonic()) > 0:
                time.sleep(min(pause, tick_seconds if tick else 3600))
                if tick:
                    tick()
                if until and until():
                    left = 1
                    break
        except KeyboardInterrupt:
            left = 0
        yield
        left -= 1


class OrderedEvents:
    """Reads a module's perf buffers and shows the events of all CPUs in the order of time.

    Their callbacks hand each event to add(); show() gets what follows the time there.
    @p losses: the Losses of the buffers.
    """

    def __init__(self, module, show, losses):
        self.module = module
        self.show = show
        self.losses = losses
        self.pending = []

    def add(self, moment, *event):
        """Keeps an event of that moment (nanoseconds of the monotonic clock) until its turn."""
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
        """Shows the events that have arrived and are settled, without waiting for more."""
        horizon = time.monotonic() - SETTLE_SECONDS
        self.module.perf_buffer_consume()
        self._show_until(horizon * 1e9)

    def run(self, duration=None, header=b""):
        """Shows events until an interrupt, or for so many seconds; at last what the buffers
        still hold.

        header: bytes to write first. Who has read them may interrupt at once and loses nothing.
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
    """What an exception says, in one line: of a compiler's words, the first that is an error, and
    what the library adds at the end."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    first = next((line for line in lines if " error: " in line), None)
    if first is None:
        return lines[0]
    # Lines of source and carets are indented.
    return first if lines[-1] == first or lines[-1][0] == " " else f"{first}: {lines[-1]}"


class _OutputFile(io.FileIO):
    """The standard output, whose failures say what failed."""

    def write(self, data):
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Failure(f"cannot write the output: {error.strerror}") from error


def _open_output(stdout):
    """What takes the place of sys.stdout: the same file."""
    stdout.flush()
    file = io.BufferedWriter(_OutputFile(stdout.fileno(), "w", closefd=False))
    return io.TextIOWrapper(file, encoding=stdout.encoding, errors=stdout.errors,
                            line_buffering=stdout.line_buffering)


def _outcome(main):
    """(exit status, what to say on stderr or None) of a function."""
    try:
        main()
        flush()
    except KeyboardInterrupt:
        pass
    except SystemExit as end:
        return end.code, None
    except BrokenPipeError:
        pass  # nobody reads any more: that is not a failure
    except Exception as error:
        return FAILURE, _one_line(error)
    return 0, None


def _let_signals_end_the_process():
    """What is left to do is to detach. A signal that arrives by now ends the process, and the kernel
    detaches; one that arrived before and is still to be handled is as good."""
    while True:
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            return
        except KeyboardInterrupt:
            continue


def run(prog, main):
    """Runs main() and ends the process with the exit status that belongs to its outcome.

    SIGINT and SIGTERM are KeyboardInterrupt inside, also where the shell has set SIGINT
    to be ignored, as it does for background jobs.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # where print() would take stdout
    if sys.stdout is None:
        sys.exit(f"{prog}: standard output is closed")
    try:
        signal.signal(signal.SIGINT, _interrupt)
        signal.signal(signal.SIGTERM, _interrupt)
        sys.stdout = _open_output(sys.stdout)
        status, words = _outcome(main)
        flushed = _outcome(flush)
        if not status:
            status, words = flushed
    except KeyboardInterrupt:
        # A second one, while the outcome of the first was looked at.
        status, words = 0, None
    _let_signals_end_the_process()
    # What is still buffered would fail again at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if words:
        print(f"{prog}: {printable(str(words))}", file=sys.stderr)
    with Progress() as progress:
        # The kernel takes its time, for each of hundreds of tracepoints.
        progress.note("detaching")
        _ebcc.close_modules()
    sys.exit(status)
