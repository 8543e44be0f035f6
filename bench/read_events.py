#!/usr/bin/python3
"""The script that bench/events runs with each module: reads numbered events from a process that it starts.

The argument is the kind of buffer, perf or ring. Prints its measurements as one line of JSON: the processor time for an
event, in seconds.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

BACKLOG = 20000
BACKLOG_ROUNDS = 7
RATE = 20000  # events per second
WAITING = 20000
PAGES = 1024

TEXT = (Path(__file__).parent / "read_events.c").read_text(encoding="ascii").split("*/\n", 1)[1]
OUTPUTS = {
    "perf": ("BPF_PERF_OUTPUT(events);", "events.perf_submit(args, &event, sizeof(event))"),
    "ring": (f"BPF_RINGBUF_OUTPUT(events, {PAGES});", "events.ringbuf_output(&event, sizeof(event), 0)"),
}

# Makes events as requested on standard input: "COUNT RATE"; a rate of 0 is as fast as possible.
WRITER = """
import os, sys, time
for line in sys.stdin:
    count, rate = map(int, line.split())
    due = time.monotonic()
    for _ in range(count):
        while rate and time.monotonic() < due:
            pass
        due += 1 / rate if rate else 0
        os.getppid()
    print(flush=True)
"""


class Reader:
    """The module, its buffer, and the process that writes to it."""

    def __init__(self, kind):
        self.writer = subprocess.Popen([sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.kind = kind
        self.total = 0
        self.last = -1
        self.pid = 0

    def open(self):
        """Creates the module; returns its path, to check which one it is."""
        import bcc

        output, submit = OUTPUTS[self.kind]
        text = TEXT.replace("OUTPUT", output).replace("SUBMIT", submit).replace("WRITER", str(self.writer.pid))
        bpf = bcc.BPF(text=text)

        def on_event(_first, data, _size):
            event = bpf["events"].event(data)
            self.pid = event.pid
            self.last = event.number

        if self.kind == "perf":
            bpf["events"].open_perf_buffer(on_event, page_cnt=PAGES)
            self.poll = bpf.perf_buffer_poll
        else:
            bpf["events"].open_ring_buffer(on_event)
            self.poll = bpf.ring_buffer_poll
        return bcc.__file__

    def write(self, count, rate=0):
        """Requests events."""
        self.total += count
        self.writer.stdin.write(b"%d %d\n" % (count, rate))
        self.writer.stdin.flush()

    def read(self, count):
        """Reads the expected events; returns the processor time for each."""
        deadline = time.monotonic() + 30
        start = time.process_time()
        while self.last != self.total - 1 and time.monotonic() < deadline:
            self.poll(100)
        spent = time.process_time() - start
        if self.last != self.total - 1 or self.pid != self.writer.pid:
            sys.exit(f"event {self.total - 1} did not arrive: the last one was {self.last}")
        return spent / count

    def written(self):
        """Waits until the requested events have been made."""
        self.writer.stdout.readline()

    def backlog(self):
        """Measures events that are there before they are read."""
        self.write(BACKLOG)
        self.written()
        return self.read(BACKLOG)

    def waiting(self):
        """Measures events that arrive one by one."""
        self.write(WAITING, RATE)
        spent = self.read(WAITING)
        self.written()
        return spent


def use_own_processors(writer):
    """Pins the writer and the reader: events stay in order, and each has its own processor if there are two."""
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[-1:])
    os.sched_setaffinity(writer, processors[:1])


def main():
    """Measures and prints."""
    kind = sys.argv[1]
    reader = Reader(kind)
    module = reader.open()
    use_own_processors(reader.writer.pid)
    backlog = statistics.median([reader.backlog() for _ in range(BACKLOG_ROUNDS)])
    waiting = reader.waiting()
    reader.writer.stdin.close()
    reader.writer.wait()
    print(json.dumps({"module": module, f"{kind}_backlog": backlog, f"{kind}_waiting": waiting}))


main()
