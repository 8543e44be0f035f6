#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A Counter fed through a perf buffer: how often each program is executed.

What is sent is an array of char, not a struct, so event() returns bytes, which can be keys as they are.
"""
from collections import Counter

from bcc import BPF

module = BPF(text=r"""
BPF_PERF_OUTPUT(names);

TRACEPOINT_PROBE(sched, sched_process_exec)
{
	char name[TASK_COMM_LEN];

	bpf_get_current_comm(name, sizeof(name));
	names.perf_submit(args, &name, sizeof(name));
	return 0;
}
""")
programs = Counter()
lost = 0


def count(cpu, data, size):
    """Counts one program."""
    programs[module["names"].event(data)] += 1


def count_lost(number):
    """Counts what the buffer had no room for."""
    global lost
    lost += number


module["names"].open_perf_buffer(count, lost_cb=count_lost)
print("counting", flush=True)
try:
    while True:
        module.perf_buffer_poll()
except KeyboardInterrupt:
    pass
for name, number in programs.most_common():
    print(f"{number:8} {name.decode(errors='replace')}")
if lost:
    print(f"{lost:8} lost")
