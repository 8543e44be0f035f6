#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A profiler: where in the kernel a process spends its time, as folded stacks.

usage: profile.py PID [SECONDS]

The program runs 99 times a second on each CPU, and counts the kernel's call stack there. Each
stack is printed as one line, outermost function first, with its count: the format that flame
graph programs read.
"""
import sys
import time
from collections import Counter

from bcc import BPF, PerfSWConfig, PerfType

SOURCE = r"""
const volatile u32 target_pid = 0;

BPF_HASH(samples, int, u64);
BPF_STACK_TRACE(stacks, 4096);

int sample(struct bpf_perf_event_data *ctx)
{
	int stack;

	if (bpf_get_current_pid_tgid() >> 32 != target_pid)
		return 0;
	stack = stacks.get_stackid(ctx, 0);
	if (stack >= 0)
		samples.atomic_increment(stack);
	return 0;
}
"""

if len(sys.argv) not in (2, 3):
    sys.exit(__doc__)
module = BPF(text=SOURCE, constants={"target_pid": int(sys.argv[1])})
module.attach_perf_event(ev_type=PerfType.SOFTWARE, ev_config=PerfSWConfig.CPU_CLOCK,
                         fn_name="sample", sample_freq=99)
print("sampling", file=sys.stderr, flush=True)
try:
    time.sleep(float(sys.argv[2]) if len(sys.argv) == 3 else 3600)
except KeyboardInterrupt:
    pass

lines = Counter()
for stack, count in module["samples"].items():
    functions = [module.ksym(address).decode() for address in module["stacks"].walk(stack.value)]
    lines[";".join(reversed(functions))] += count.value
for line, count in sorted(lines.items()):
    print(line, count)
