#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A tracepoint: which programs start processes and threads, counted by process for some seconds.

usage: forks.py [SECONDS]

TRACEPOINT_PROBE(CATEGORY, EVENT) attaches itself, and args has the fields that the
event's format file in /sys/kernel/tracing/events/CATEGORY/EVENT/ lists.
"""
import sys
import time

from bcc import BPF

module = BPF(text=r"""
struct parent {
	u32 pid;
	char name[TASK_COMM_LEN];
};
BPF_HASH(children, struct parent);

TRACEPOINT_PROBE(sched, sched_process_fork)
{
	struct parent parent = {.pid = bpf_get_current_pid_tgid() >> 32};

	bpf_get_current_comm(&parent.name, sizeof(parent.name));
	children.atomic_increment(parent);
	return 0;
}
""")

print("tracing", flush=True)
try:
    time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else 3600)
except KeyboardInterrupt:
    pass
print(f"{'PID':<8} {'NAME':<16} CHILDREN")
for parent, count in sorted(module["children"].items(), key=lambda item: item[1].value):
    print(f"{parent.pid:<8} {parent.name.decode(errors='replace'):<16} {count.value}")
