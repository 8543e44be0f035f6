#!/usr/bin/python3
"""The script that bench/batches runs: fills a buffer with events, and reads them with a callback for each, and as columns
of batches. The argument is the kind of buffer, perf or ring. Prints the processor time for an event, in seconds, as JSON.
"""

import json
import statistics
import sys
import time

import ebcc

EVENTS = 500000
PAGES = 8192
ROUNDS = 7
TEXT = """
struct event { u64 time; u32 pid; u32 size; };
%s
int fill(struct __sk_buff *skb)
{
	struct event event = {.time = 1, .pid = 2, .size = 3};

	%s;
	return 0;
}
"""
OUTPUTS = {
    "perf": ("BPF_PERF_OUTPUT(events);", "events.perf_submit(skb, &event, sizeof(event))"),
    "ring": (f"BPF_RINGBUF_OUTPUT(events, {PAGES});", "events.ringbuf_output(&event, sizeof(event), 0)"),
}


class Reader:
    """A module whose program fills the buffer."""

    def __init__(self, kind):
        self.perf = kind == "perf"
        self.bpf = ebcc.BPF(text=TEXT % OUTPUTS[kind])
        self.fill = self.bpf.load_func("fill", ebcc.BPF.SOCKET_FILTER)
        self.consume = self.bpf.perf_buffer_consume if self.perf else self.bpf.ring_buffer_consume
        self.count = 0

    def on_event(self, _first, data, _size):
        """Uses one field."""
        self.count += self.bpf["events"].event(data).pid == 2

    def on_batch(self, batch):
        """Uses one column, and has another one."""
        self.count += batch.column("pid").tobytes().count(b"\2\0\0\0")
        batch.column("time")

    def measure(self, rounds, **callbacks):
        """The processor time for an event, in seconds: the median of several rounds, after one that isn't counted."""
        events, seconds = self.bpf["events"], []
        if self.perf:
            events.open_perf_buffer(page_cnt=PAGES, **callbacks)
        else:
            events.open_ring_buffer(**callbacks)
        for _ in range(rounds + 1):
            self.count = 0
            self.bpf.test_run(self.fill, data=bytes(64), repeat=EVENTS)
            start = time.process_time()
            while self.count < EVENTS:
                self.consume()
            seconds.append((time.process_time() - start) / EVENTS)
        events.close_events()
        return statistics.median(seconds[1:])


def main():
    reader = Reader(sys.argv[1])
    print(json.dumps({"module": ebcc.__file__, "columns": reader.measure(ROUNDS, batch=reader.on_batch),
                      "callback": reader.measure(2, callback=reader.on_event)}))  # fmt: skip


if __name__ == "__main__":
    main()
