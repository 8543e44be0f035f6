-- Counts how often the CPUs switch from one thread to another, for each pair of threads.
--
--   bcc-lua examples/lua/task_switch.lua
--   bcc-lua examples/lua/task_switch.lua 5

local PROGRAM = [[
struct pair {
  u32 prev_pid;
  u32 curr_pid;
};
BPF_HASH(stats, struct pair, u64, 4096);

TRACEPOINT_PROBE(sched, sched_switch)
{
  struct pair pair = {.prev_pid = args->prev_pid, .curr_pid = args->next_pid};

  stats.increment(pair);
  return 0;
}
]]

return function(BPF, utils)
  local seconds = tonumber(arg[1]) or 1
  local b = BPF:new { text = PROGRAM }
  pcall(utils.posix.sleep, seconds)
  for pair, count in b:get_table("stats"):items() do
    print("task_switch[%5d -> %5d] = %u" %
      { tonumber(pair.prev_pid), tonumber(pair.curr_pid), tonumber(count) })
  end
end
