-- Says hello whenever a process is started, through the kernel's trace pipe.
--
--   bcc-lua examples/lua/hello.lua

local PROGRAM = [[
TRACEPOINT_PROBE(sched, sched_process_fork)
{
  bpf_trace_printk("Hello, process %d!\n", args->child_pid);
  return 0;
}
]]

return function(BPF)
  local b = BPF:new { text = PROGRAM }
  local pipe = b:pipe()
  print("%-18s %-16s %-7s %s" % { "TIME(s)", "COMM", "PID", "MESSAGE" })
  while true do
    local task, pid, _, _, time, message = pipe:trace_fields()
    print("%-18.9f %-16s %-7d %s" % { time, task, pid, message })
  end
end
