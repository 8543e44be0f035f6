#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A uprobe and a uretprobe: how long each call of a program's or library's function takes.

usage: function_time.py BINARY FUNCTION, as in: function_time.py c getaddrinfo

The entry leaves its time in a map under the thread's id, and the return takes it from there.
"""
import sys

from bcc import BPF

SOURCE = r"""
struct call {
	u32 pid;
	u64 nanoseconds;
};
BPF_HASH(starts, u32, u64);
BPF_PERF_OUTPUT(calls);

int enter(struct pt_regs *ctx)
{
	u32 thread = bpf_get_current_pid_tgid();
	u64 now = bpf_ktime_get_ns();

	starts.update(&thread, &now);
	return 0;
}

int leave(struct pt_regs *ctx)
{
	u32 thread = bpf_get_current_pid_tgid();
	u64 *start = starts.lookup(&thread);
	struct call call = {};

	if (!start)
		return 0;	/* the call began before the trace did */
	call.pid = bpf_get_current_pid_tgid() >> 32;
	call.nanoseconds = bpf_ktime_get_ns() - *start;
	starts.delete(&thread);
	calls.perf_submit(ctx, &call, sizeof(call));
	return 0;
}
"""

if len(sys.argv) != 3:
    sys.exit(__doc__)
binary, function = sys.argv[1:]
module = BPF(text=SOURCE)


def show(cpu, data, size):
    """Prints one call."""
    call = module["calls"].event(data)
    print(f"{call.pid:<8} {call.nanoseconds / 1e6:.3f} ms", flush=True)


module["calls"].open_perf_buffer(show)
module.attach_uretprobe(name=binary, sym=function, fn_name="leave")
module.attach_uprobe(name=binary, sym=function, fn_name="enter")
print(f"timing {function}", flush=True)
try:
    while True:
        module.perf_buffer_poll()
except KeyboardInterrupt:
    pass
