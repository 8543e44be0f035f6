-- Shows as a histogram how long calls of a kernel function take.
--
--   bcc-lua examples/lua/latency.lua --duration 5 vfs_read

local PROGRAM = [[
BPF_HASH(starts, u64);
BPF_HISTOGRAM(latencies);

int enter(struct pt_regs *ctx)
{
  u64 thread = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();

  if (FILTER)
    starts.update(&thread, &now);
  return 0;
}

int leave(struct pt_regs *ctx)
{
  u64 thread = bpf_get_current_pid_tgid(), *start = starts.lookup(&thread);

  if (!start)
    return 0;
  latencies.increment(bpf_log2l((bpf_ktime_get_ns() - *start) / 1000));
  starts.delete(&thread);
  return 0;
}
]]

return function(BPF, utils)
  local parser = utils.argparse("latency", "Shows how long calls of a kernel function take")
  parser:argument("function", "the kernel function")
  parser:option("-p --pid", "calls by this process only"):convert(tonumber)
  parser:option("-d --duration", "seconds to trace for", "99999999"):convert(tonumber)
  local args = parser:parse()
  local name = args["function"]

  local filter = args.pid and "thread >> 32 == %d" % args.pid or "1"
  local b = BPF:new { text = PROGRAM:gsub("FILTER", filter) }
  b:attach_kprobe { event = name, fn_name = "enter" }
  b:attach_kprobe { event = name, fn_name = "leave", retprobe = true }
  print("Timing %s()... Hit Ctrl-C to end." % name)
  pcall(utils.posix.sleep, args.duration)
  b:get_table("latencies"):print_log2_hist("usecs")
end
