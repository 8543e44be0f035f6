#!/usr/bin/python3
"""The script that bench/start runs with each module: traces the files that its own process opens until it sees one.

Prints its measurements as one line of JSON. The argument says when the process started, in seconds of CLOCK_MONOTONIC.
"""

import json
import resource
import sys
import time

COMMAND_NAME = "ebcc-bench"
OPENED_FILE = b"/etc/hostname"

# Four characters are enough to recognize COMMAND_NAME.
TEXT = """
#include <linux/sched.h>

struct event_t {
	u32 pid;
	u32 parent;
	char comm[TASK_COMM_LEN];
	char name[64];
};

BPF_PERF_OUTPUT(events);
BPF_HASH(opens, u32, u64);

TRACEPOINT_PROBE(syscalls, sys_enter_openat)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct event_t event = {};

	bpf_get_current_comm(&event.comm, sizeof(event.comm));
	if (event.comm[0] != 'e' || event.comm[1] != 'b' || event.comm[5] != 'b' || event.comm[9] != 'h')
		return 0;
	event.pid = bpf_get_current_pid_tgid() >> 32;
	event.parent = task->real_parent->tgid;
	bpf_probe_read_user_str(event.name, sizeof(event.name), (void *)args->filename);
	opens.increment(event.pid);
	events.perf_submit(args, &event, sizeof(event));
	return 0;
}
"""


def peak_memory_kb():
    """The peak resident memory of this process. Its ru_maxrss would include that of the process that started it."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def main():
    """Starts tracing, opens a file repeatedly, and ends when the first event for it arrives."""
    started = float(sys.argv[1])
    with open("/proc/self/comm", "w", encoding="ascii") as comm:
        comm.write(COMMAND_NAME)
    before_import = time.monotonic()
    import bcc
    from bcc import BPF

    before_create = time.monotonic()
    bpf = BPF(text=TEXT)
    created = time.monotonic()
    seen = []

    def on_event(_cpu, data, _size):
        if bpf["events"].event(data).name == OPENED_FILE:
            seen.append(time.monotonic())

    bpf["events"].open_perf_buffer(on_event)
    deadline = time.monotonic() + 10
    while not seen and time.monotonic() < deadline:
        open(OPENED_FILE, "rb").close()
        bpf.perf_buffer_poll(timeout=100)
    if not seen:
        sys.exit("no event within 10 s")
    helper_peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(
        json.dumps(
            {
                "module": bcc.__file__,
                "import": before_create - before_import,
                "create": created - before_create,
                "first_event": seen[0] - started,
                "tracer_kb": peak_memory_kb(),
                "helper_kb": helper_peak_kb or None,
            }
        )
    )


main()
