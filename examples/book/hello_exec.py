#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A kprobe and a kretprobe on a system call, printing to the trace pipe.

The kernel's function for execve() has a different name on each architecture;
get_syscall_fnname() knows it. A parameter after ctx is the system call's own argument. It
points into the process, so it is read by a helper.
"""
from bcc import BPF

module = BPF(text=r"""
int syscall__execve(struct pt_regs *ctx, const char __user *filename)
{
	char name[64];

	if (bpf_probe_read_user_str(name, sizeof(name), filename) > 0)
		bpf_trace_printk("execve of %s\n", name);
	return 0;
}

int execve_returns(struct pt_regs *ctx)
{
	bpf_trace_printk("execve returned %d\n", (int)PT_REGS_RC(ctx));
	return 0;
}
""")
execve = module.get_syscall_fnname("execve")
module.attach_kprobe(event=execve, fn_name="syscall__execve")
module.attach_kretprobe(event=execve, fn_name="execve_returns")

print("tracing", flush=True)
try:
    while True:
        task, pid, cpu, flags, seconds, message = module.trace_fields()
        print(f"{seconds:.6f} {task.decode(errors='replace')} {pid} {message.decode()}", flush=True)
except KeyboardInterrupt:
    pass
