#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A histogram of how long a kernel function takes.

usage: kernel_latency.py FUNCTION [SECONDS], as in: kernel_latency.py vfs_read 5
"""
import sys
import time

from bcc import BPF

SOURCE = r"""
BPF_HASH(starts, u64, u64);
BPF_HISTOGRAM(nanoseconds);

int enter(struct pt_regs *ctx)
{
	u64 thread = bpf_get_current_pid_tgid();
	u64 now = bpf_ktime_get_ns();

	starts.update(&thread, &now);
	return 0;
}

int leave(struct pt_regs *ctx)
{
	u64 thread = bpf_get_current_pid_tgid();
	u64 *start = starts.lookup(&thread);

	if (start) {
		nanoseconds.atomic_increment(bpf_log2l(bpf_ktime_get_ns() - *start));
		starts.delete(&thread);
	}
	return 0;
}
"""

if len(sys.argv) not in (2, 3):
    sys.exit(__doc__)
module = BPF(text=SOURCE)
# leave() first: a call that only enter() saw would stay in the table.
module.attach_kretprobe(event=sys.argv[1], fn_name="leave")
module.attach_kprobe(event=sys.argv[1], fn_name="enter")
print("measuring", flush=True)
try:
    time.sleep(float(sys.argv[2]) if len(sys.argv) == 3 else 3600)
except KeyboardInterrupt:
    pass
module["nanoseconds"].print_log2_hist("nsecs")
