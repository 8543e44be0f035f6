#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A histogram made in the kernel: how long the read() calls of one process take.

usage: read_latency.py PID [SECONDS]

The process to look at is a constant of the source, set before load.
"""
import sys
import time

from ebcc import BPF

SOURCE = r"""
const volatile u32 target_pid = 0;

BPF_HASH(starts, u64, u64);
BPF_HISTOGRAM(microseconds);

TRACEPOINT_PROBE(syscalls, sys_enter_read)
{
	u64 id = bpf_get_current_pid_tgid();
	u64 now = bpf_ktime_get_ns();

	if (id >> 32 == target_pid)
		starts.update(&id, &now);
	return 0;
}

TRACEPOINT_PROBE(syscalls, sys_exit_read)
{
	u64 id = bpf_get_current_pid_tgid();
	u64 *start = starts.lookup(&id);

	if (!start)
		return 0;
	microseconds.increment(bpf_log2l((bpf_ktime_get_ns() - *start) / 1000));
	starts.delete(&id);
	return 0;
}
"""

if len(sys.argv) not in (2, 3) or not sys.argv[1].isdecimal():
    sys.exit(__doc__)
module = BPF(text=SOURCE, constants={"target_pid": int(sys.argv[1])})
print("measuring", flush=True)
try:
    time.sleep(float(sys.argv[2]) if len(sys.argv) == 3 else 3600)
except KeyboardInterrupt:
    pass
module["microseconds"].print_log2_hist("usecs")
