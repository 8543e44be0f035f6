-- Adds up the time that threads spend off the CPU, by name and kernel stack.
--
--   bcc-lua examples/lua/offcputime.lua --duration 5
--   bcc-lua examples/lua/offcputime.lua --pid 181 --folded

local PROGRAM = [[
struct place {
  u32 pid;
  s32 stack;
  char name[16];
};
struct wait {
  u64 start;
  struct place place;
};
BPF_HASH(waits, u32, struct wait);
BPF_HASH(counts, struct place);
BPF_STACK_TRACE(stacks, 16384);

TRACEPOINT_PROBE(sched, sched_switch)
{
  struct wait wait = {}, *ended;
  u32 tid = args->prev_pid;

  /* The thread that leaves the CPU is the current one still. */
  wait.start = bpf_ktime_get_ns();
  wait.place.pid = bpf_get_current_pid_tgid() >> 32;
  if (tid && (FILTER)) {
    wait.place.stack = stacks.get_stackid(args, 0);
    bpf_get_current_comm(&wait.place.name, sizeof(wait.place.name));
    waits.update(&tid, &wait);
  }
  tid = args->next_pid;
  ended = waits.lookup(&tid);
  if (!ended)
    return 0;
  counts.increment(ended->place, (wait.start - ended->start) / 1000);
  waits.delete(&tid);
  return 0;
}
]]

return function(BPF, utils)
  local parser = utils.argparse("offcputime", "Adds up the time that threads spend off the CPU")
  parser:option("-p --pid", "this process only"):convert(tonumber)
  parser:option("-d --duration", "seconds to trace for", "99999999"):convert(tonumber)
  parser:flag("-f --folded", "one line for each stack, outermost function first")
  local args = parser:parse()

  local filter = args.pid and "wait.place.pid == %d" % args.pid or "1"
  local b = BPF:new { text = PROGRAM:gsub("FILTER", filter) }
  local kernel = BPF.SymbolCache()

  if not args.folded then
    print("Tracing off-CPU time (us) of %s by kernel stack... Hit Ctrl-C to end." %
      { args.pid and "PID " .. args.pid or "all threads" })
  end
  -- Ctrl-C ends the wait, not the script.
  pcall(utils.posix.sleep, args.duration)

  local stacks = b:get_table("stacks")
  for place, microseconds in b:get_table("counts"):items() do
    local names = stacks:get(place.stack, function(address) return (kernel:resolve(address)) end)
    if args.folded then
      local frames = { place.name }
      for position = #names, 1, -1 do
        frames[#frames + 1] = names[position]
      end
      print("%s %d" % { table.concat(frames, ";"), microseconds })
    else
      for _, name in ipairs(names) do
        print("    %s" % name)
      end
      print("    %-16s %s (%d)" % { "-", place.name, place.pid })
      print("        %d\n" % microseconds)
    end
  end
end
