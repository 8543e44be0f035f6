-- Prints the lines that are typed into every bash: a probe on the return of its function readline(),
-- whose events come through a perf buffer.
--
--   bcc-lua examples/lua/bashreadline.lua
--   bcc-lua examples/lua/bashreadline.lua --shared /usr/lib/libreadline.so.8

local PROGRAM = [[
struct entered {
  u64 pid;
  char text[80];
};
BPF_PERF_OUTPUT(events);

int line_read(struct pt_regs *ctx)
{
  struct entered entered = {};

  if (!PT_REGS_RC(ctx))
    return 0;
  entered.pid = bpf_get_current_pid_tgid() >> 32;
  bpf_probe_read_user_str(&entered.text, sizeof(entered.text), (void *)PT_REGS_RC(ctx));
  events.perf_submit(ctx, &entered, sizeof(entered));
  return 0;
}
]]

return function(BPF, utils)
  local ffi = require("ffi")

  local parser = utils.argparse("bashreadline", "Prints the lines that are typed into every bash")
  parser:option("-s --shared", "the file with readline(): bash, or the library", "/bin/bash")
  local args = parser:parse()

  local b = BPF:new { text = PROGRAM }
  b:attach_uprobe { name = args.shared, sym = "readline", fn_name = "line_read", retprobe = true }

  local function show(_, event)
    print("%-9s %-6d %s" % { os.date("%H:%M:%S"), tonumber(event.pid), ffi.string(event.text) })
  end

  b:get_table("events"):open_perf_buffer(show, [[
    struct {
      uint64_t pid;
      char text[80];
    }
  ]])
  print("%-9s %-6s %s" % { "TIME", "PID", "COMMAND" })
  b:perf_buffer_poll_loop()
end
