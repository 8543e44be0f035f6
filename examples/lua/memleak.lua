-- Shows what a process allocated and didn't free: bytes and stacks of allocations that are older than
-- some milliseconds.
--
--   bcc-lua examples/lua/memleak.lua --pid 181 --interval 5 --older 500

local PROGRAM = [[
struct allocation {
  u64 size;
  u64 timestamp_ns;
  int stack_id;
};
BPF_HASH(sizes, u64);
BPF_TABLE("hash", u64, struct allocation, allocations, 1000000);
BPF_STACK_TRACE(stack_traces, 10240);

int enter(struct pt_regs *ctx)
{
  u64 thread = bpf_get_current_pid_tgid(), size = PT_REGS_PARM1(ctx);

  if (size >= SMALLEST)
    sizes.update(&thread, &size);
  return 0;
}

int leave(struct pt_regs *ctx)
{
  u64 thread = bpf_get_current_pid_tgid(), address = PT_REGS_RC(ctx);
  u64 *size = sizes.lookup(&thread);
  struct allocation allocation = {};

  if (!size)
    return 0;
  allocation.size = *size;
  allocation.timestamp_ns = bpf_ktime_get_ns();
  allocation.stack_id = stack_traces.get_stackid(ctx, BPF_F_USER_STACK);
  sizes.delete(&thread);
  if (address)
    allocations.update(&address, &allocation);
  return 0;
}

int freed(struct pt_regs *ctx)
{
  u64 address = PT_REGS_PARM1(ctx);

  allocations.delete(&address);
  return 0;
}
]]

return function(BPF, utils)
  local parser = utils.argparse("memleak", "Shows what a process allocated and didn't free")
  parser:option("-p --pid", "the process"):convert(tonumber):count(1)
  parser:option("-i --interval", "seconds between outputs", "5"):convert(tonumber)
  parser:option("-c --count", "number of outputs", "99999999"):convert(tonumber)
  parser:option("-o --older", "milliseconds that an allocation is to be old", "500"):convert(tonumber)
  parser:option("-z --min-size", "bytes that an allocation is to have", "0"):convert(tonumber)
  parser:option("-t --top", "number of stacks to show", "10"):convert(tonumber)
  parser:flag("-a --show-allocs", "show single allocations, too")
  local args = parser:parse()

  local bpf = BPF:new { text = PROGRAM:gsub("SMALLEST", "%d" % args.min_size) }
  bpf:attach_uprobe { name = "c", sym = "malloc", fn_name = "enter", pid = args.pid }
  bpf:attach_uprobe { name = "c", sym = "malloc", fn_name = "leave", pid = args.pid, retprobe = true }
  bpf:attach_uprobe { name = "c", sym = "free", fn_name = "freed", pid = args.pid }
  print("Attaching to malloc and free in pid %d, Ctrl-C to quit." % args.pid)

  local symbols = BPF.SymbolCache(args.pid)
  local allocations = bpf:get_table("allocations")
  local stack_traces = bpf:get_table("stack_traces")

  local function resolve(address)
    return "%s (%p)" % { symbols:resolve(address), address }
  end

  -- Allocations that are old enough, by stack.
  local function outstanding()
    local stacks, now = {}, utils.posix.time_ns()
    for address, info in allocations:items() do
      if now - args.older * 1e6 >= tonumber(info.timestamp_ns) then
        local id = tonumber(info.stack_id)
        local stack = stacks[id] or { frames = stack_traces:get(id, resolve), count = 0, size = 0 }
        stack.count = stack.count + 1
        stack.size = stack.size + tonumber(info.size)
        stacks[id] = stack
        if args.show_allocs then
          print("\taddr = %p size = %s" % { address, tonumber(info.size) })
        end
      end
    end
    return table.values(stacks)
  end

  for _ = 1, args.count do
    utils.posix.sleep(args.interval)
    symbols:refresh()
    local stacks = outstanding()
    print("[%s] Top %d stacks with outstanding allocations:" % { os.date("%H:%M:%S"), args.top })
    table.sort(stacks, function(a, b) return a.size > b.size end)
    for position = 1, math.min(args.top, #stacks) do
      local stack = stacks[position]
      print("\t%d bytes in %d allocations from stack\n\t\t%s" %
        { stack.size, stack.count, table.concat(stack.frames, "\n\t\t") })
    end
  end
end
