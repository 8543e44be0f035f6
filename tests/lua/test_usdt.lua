-- USDT probes of a process: listing them, attaching programs that read arguments, missing ones.

local ebcc = require "ebcc"
local helper = require "helper"
local lu = require "luaunit"

local SOURCE = [[
struct event { s32 number; char text[16]; };
BPF_PERF_OUTPUT(events);
int at_work(struct pt_regs *ctx)
{
  struct event event = {};
  u64 text = 0;

  bpf_usdt_readarg(1, ctx, &event.number);
  bpf_usdt_readarg(2, ctx, &text);
  bpf_probe_read_user_str(&event.text, sizeof(event.text), (void *)text);
  events.perf_submit(ctx, &event, sizeof(event));
  return 0;
}
]]

TestUsdt = {}

function TestUsdt:setUp()
  self.calls = helper.calls()
end

function TestUsdt:tearDown()
  getmetatable(self.calls).__close(self.calls)
end

-- The first event after the process got a line to work on.
local function work(self, bpf)
  local seen
  bpf:get_table("events"):open_perf_buffer(function(_, event) seen = event end)
  self.calls:tell("work -5 hello")
  helper.wait_for(function() return bpf:perf_buffer_poll(100) > 0 end, "the probe")
  lu.assertEquals({ seen.number, seen.text }, { -5, "hello" })
end

function TestUsdt:test_probe_enabled_for_a_module()
  local usdt = ebcc.USDT:new { pid = self.calls.pid }
  lu.assertTrue(usdt:enable_probe { probe = "work", fn_name = "at_work" })
  local bpf <close> = ebcc.BPF:new { text = SOURCE, usdt = usdt }
  usdt:close()
  work(self, bpf)
end

function TestUsdt:test_probe_attached_by_a_module()
  local bpf <close> = ebcc.BPF:new { text = SOURCE }
  local before = ebcc.BPF.num_open_uprobes()
  local link = bpf:attach_usdt { path = self.calls.path, probe = "lua:work", fn_name = "at_work" }
  lu.assertTrue(link:attached())
  lu.assertEquals(ebcc.BPF.num_open_uprobes(), before + 1)
  work(self, bpf)
end

function TestUsdt:test_what_there_is()
  local usdt = ebcc.USDT:new { path = self.calls.path }
  local probes = usdt:probes()
  lu.assertEquals(#probes, 1)
  lu.assertEquals({ probes[1].provider, probes[1].name, probes[1].path, probes[1].semaphore },
    { "lua", "work", self.calls.path, 0 })
  lu.assertEquals(probes[1].arguments, { "int32_t", "uint64_t" })
  lu.assertEquals(#probes[1].locations, 1)
  usdt:close()
  lu.assertStrContains(helper.raised(usdt.probes, usdt), "closed")
end

function TestUsdt:test_what_there_is_not()
  local usdt = ebcc.USDT:new { path = self.calls.path }
  local result, message, errno = usdt:enable_probe { probe = "wrk", fn_name = "at_work" }
  lu.assertNil(result)
  lu.assertStrContains(message, "work")
  lu.assertEquals(errno, 2)
  lu.assertEquals(select(3, ebcc.USDT:new { path = "/no/such/file" }), 2)
  lu.assertNil((ebcc.USDT:new { pid = 2 ^ 30 | 0 }))
end
