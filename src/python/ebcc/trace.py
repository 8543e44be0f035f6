# SPDX-License-Identifier: Apache-2.0
"""The trace pipe: reads what bpf_trace_printk() writes, as lines and as fields."""

import sys

from . import _ebcc
from .utils import printb

# A line begins with the command's name, right-justified in this many columns.
_COMM_WIDTH = 16


class TraceFile(_ebcc.TracePipe):
    """The trace pipe as a file, to be read line by line, in bytes."""

    def readline(self, size=-1):
        """A line with its newline; b"" if there is none (non-blocking). size is ignored."""
        line = self.read_line()
        return b"" if line is None else line + b"\n"

    def __iter__(self):
        return iter(self.readline, b"")

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()


def parse(line):
    """(task, pid, cpu, flags, timestamp, message) of a line, or None if it isn't an event.

    COMM-PID [(TGID)] [CPU] FLAGS TIMESTAMP: FUNCTION: MESSAGE
    """
    task, rest = line[:_COMM_WIDTH].lstrip(), line[_COMM_WIDTH + 1:]
    head, colon, tail = rest.partition(b":")
    columns = head.split()
    if not colon or len(columns) < 4:
        return None
    message = tail.partition(b": ")[2]
    cpu = next((c for c in columns if c.startswith(b"[")), b"[0]")
    try:
        return (task, int(columns[0]), int(cpu[1:-1]), columns[-2], float(columns[-1]), message)
    except ValueError:
        return None


def _without_controls(line):
    """A line that is safe to show on a terminal. Tabs, which align columns, are kept."""
    from .terminal import for_terminal
    return b"\t".join(map(for_terminal, line.split(b"\t")))


class TraceMixin:
    """The trace pipe methods of BPF."""

    _trace_file = None
    _trace_nonblocking = False

    def trace_open(self, nonblocking=False):
        """Opens the trace pipe, and returns it as a TraceFile; if it is open in the same mode, returns
        that one. Raises UnsupportedError if tracefs is not mounted, PrivilegeError if it may not be
        read."""
        if self._trace_file is not None and self._trace_nonblocking != bool(nonblocking):
            self._trace_file.close()
        if self._trace_file is None or self._trace_file.closed:
            self._trace_file = TraceFile(bool(nonblocking))
            self._trace_nonblocking = bool(nonblocking)
        return self._trace_file

    def trace_readline(self, nonblocking=False):
        """One line, bytes, without its newline; b"" if there is none (non-blocking)."""
        return self.trace_open(nonblocking).read_line() or b""

    def trace_fields(self, nonblocking=False):
        """(task, pid, cpu, flags, timestamp in seconds, message) of the next event.

        task, flags and message are bytes. Every field is None if there is no event (non-blocking).
        """
        while True:
            line = self.trace_readline(nonblocking)
            if not line and nonblocking:
                return (None,) * 6
            fields = parse(line)
            if fields:
                return fields

    def trace_print(self, fmt=None):
        """Prints the trace pipe until it is interrupted. fmt: a format string for the fields, such as
        "{1} {5}". Without it, whole lines are printed; on a terminal, control characters that the
        traced programs may have put there are escaped."""
        show = _without_controls if sys.stdout.isatty() else bytes
        while True:
            if fmt:
                print(fmt.format(*self.trace_fields()), flush=True)
            else:
                printb(show(self.trace_readline()))
