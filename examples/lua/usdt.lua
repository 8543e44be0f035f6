-- Counts the values of the first argument of a USDT probe in a process.
--
--   bcc-lua examples/lua/usdt.lua --pid 181 --probe PROVIDER:NAME --duration 5

local PROGRAM = [[
BPF_HASH(values, s64);

int at_probe(struct pt_regs *ctx)
{
  TYPE argument = 0;

  bpf_usdt_readarg(1, ctx, &argument);
  values.increment(argument);
  return 0;
}
]]

return function(BPF, utils)
  local parser = utils.argparse("usdt", "Counts values of a USDT probe's first argument")
  parser:option("-p --pid", "the process"):convert(tonumber):count(1)
  parser:option("-P --probe", "the probe: PROVIDER:NAME or NAME"):count(1)
  parser:option("-d --duration", "seconds to trace for", "99999999"):convert(tonumber)
  local args = parser:parse()

  local probes = BPF.usdt { pid = args.pid }
  probes:enable_probe { probe = args.probe, fn_name = "at_probe" }
  local name = table.remove(args.probe:split(":", true))
  local argument = "uint64_t"
  for _, probe in ipairs(probes:probes()) do
    if probe.name == name and probe.arguments[1] then
      argument = probe.arguments[1]
    end
  end

  local b = BPF:new { text = PROGRAM:gsub("TYPE", argument), usdt = probes }
  print("Counting values of %s in PID %d... Hit Ctrl-C to end." % { args.probe, args.pid })
  pcall(utils.posix.sleep, args.duration)

  print("%20s %s" % { "VALUE", "COUNT" })
  for value, count in b:get_table("values"):items() do
    print("%20d %d" % { value, count })
  end
end
