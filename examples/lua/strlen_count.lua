-- Counts the strings that a process passes to strlen(), and prints the most frequent ones.
--
--   bcc-lua examples/lua/strlen_count.lua PID [SECONDS [FILE]]
--
-- FILE has the strlen() to count; by default it is the process's C library. In glibc a probe on that name
-- sees nothing, as calls go to one of several variants, chosen by CPU. musl's strlen(), and that of a program
-- that has its own, are counted.

assert(arg[1], "usage: strlen_count PID [SECONDS [FILE]]")

local PROGRAM = string.gsub([[
struct text {
  char content[80];
};
BPF_HASH(counts, struct text);

int measured(struct pt_regs *ctx)
{
  struct text text = {};

  if (bpf_get_current_pid_tgid() >> 32 != PID)
    return 0;
  bpf_probe_read_user_str(&text.content, sizeof(text.content), (void *)PT_REGS_PARM1(ctx));
  counts.increment(text);
  return 0;
}
]], "PID", arg[1])

return function(BPF, utils)
  local ffi = require("ffi")
  local b = BPF:new { text = PROGRAM }
  b:attach_uprobe { name = arg[3] or "c", sym = "strlen", fn_name = "measured", pid = tonumber(arg[1]) }
  print("Counting... Hit Ctrl-C to end.")
  pcall(utils.posix.sleep, tonumber(arg[2]) or 99999999)

  local list = {}
  for text, count in b:get_table("counts"):items() do
    list[#list + 1] = { count = tonumber(count), text = ffi.string(text.content) }
  end
  table.sort(list, function(a, b) return a.count > b.count end)
  print("%10s %s" % { "COUNT", "STRING" })
  for position = 1, math.min(#list, 20) do
    print("%10d %s" % { list[position].count, list[position].text })
  end
end
