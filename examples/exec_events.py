#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Structured events: which program each process executes, sent through a perf buffer.

In the callback, event() returns the struct that was passed to perf_submit(), with the same fields.
"""
from ebcc import BPF

module = BPF(text=r"""
struct event {
	u32 pid;
	u32 uid;
	char file[128];
};
BPF_PERF_OUTPUT(events);

TRACEPOINT_PROBE(sched, sched_process_exec)
{
	struct event event = {};

	event.pid = args->pid;
	event.uid = bpf_get_current_uid_gid();
	TP_DATA_LOC_READ_STR(&event.file, filename, sizeof(event.file));
	events.perf_submit(args, &event, sizeof(event));
	return 0;
}
""")


def show(cpu, data, size):
    """Prints one event."""
    event = module["events"].event(data)
    print(f"{event.pid:<8} {event.uid:<6} {event.file.decode(errors='replace')}", flush=True)


module["events"].open_perf_buffer(show)
print(f"{'PID':<8} {'UID':<6} FILE", flush=True)
try:
    while True:
        module.perf_buffer_poll()
except KeyboardInterrupt:
    pass
