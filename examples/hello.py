#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The smallest program: a line in the kernel's trace pipe for each program that is executed.

Run it as root, and start any command in another terminal. Ctrl-C ends it.
"""
from ebcc import BPF

module = BPF(text=r"""
TRACEPOINT_PROBE(sched, sched_process_exec)
{
	bpf_trace_printk("hello, process %d", args->pid);
	return 0;
}
""")

try:
    while True:
        task, pid, cpu, flags, seconds, message = module.trace_fields()
        print(pid, message.decode(), flush=True)
except KeyboardInterrupt:
    pass
