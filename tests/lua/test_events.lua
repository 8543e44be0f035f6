-- Perf and ring buffers: events as values, errors of callbacks, losses, and what a callback may do.

local ebcc = require "ebcc"
local helper = require "helper"
local lu = require "luaunit"

local SOURCE = [[
struct event { u32 pid; s32 stack; u64 number; char comm[16]; };
BPF_PERF_OUTPUT(perf);
BPF_PERF_OUTPUT(plain);
BPF_RINGBUF_OUTPUT(ring, 8);
BPF_ARRAY(numbers, u64, 1);
BPF_STACK_TRACE(stacks, 16384);
TRACEPOINT_PROBE(syscalls, sys_enter_unlink)
{
  struct event event = {};
  int zero = 0;
  u64 *number = numbers.lookup(&zero);

  if (!OURS || !number)
    return 0;
  event.pid = bpf_get_current_pid_tgid() >> 32;
  event.number = ++*number;
  event.stack = stacks.get_stackid(args, 0);
  bpf_get_current_comm(&event.comm, sizeof(event.comm));
  perf.perf_submit(args, &event, sizeof(event));
  plain.perf_submit(args, &event.number, sizeof(event.number));
  ring.ringbuf_output(&event, sizeof(event), 0);
  return 0;
}
]]

TestEvents = {}

function TestEvents:setUp()
  self.bpf = helper.bpf(SOURCE)
end

function TestEvents:tearDown()
  self.bpf:close()
end

-- Polls until this many events have come.
function TestEvents:poll(count)
  local got = 0
  helper.wait_for(function()
    got = got + self.bpf:poll(100)
    return got >= count
  end, "events")
  return got
end

function TestEvents:test_perf_buffer()
  local events = {}
  self.bpf:get_table("perf"):open_perf_buffer(function(cpu, event, size)
    lu.assertEquals(math.type(cpu), "integer")
    lu.assertTrue(size >= 32)
    events[#events + 1] = event
  end)
  helper.act(3)
  lu.assertEquals(self:poll(3), 3)
  table.sort(events, function(a, b) return a.number < b.number end)
  for number, event in ipairs(events) do
    lu.assertEquals({ event.number, event.pid, event.comm },
      { number, ebcc.posix.getpid(), helper.comm })
  end
end

function TestEvents:test_plain_value()
  local numbers = {}
  self.bpf:get_table("plain"):open_perf_buffer(function(_, number) numbers[#numbers + 1] = number end)
  helper.act(2)
  self:poll(2)
  table.sort(numbers)
  lu.assertEquals(numbers, { 1, 2 })
end

function TestEvents:test_ring_buffer()
  local events = {}
  self.bpf:get_table("ring"):open_ring_buffer(function(event, size)
    events[#events + 1] = { event.number, event.pid, size }
  end)
  helper.act(2)
  self:poll(2)
  lu.assertEquals(events, { { 1, ebcc.posix.getpid(), 32 }, { 2, ebcc.posix.getpid(), 32 } })
end

function TestEvents:test_both_by_their_own_polls()
  local perf, ring = 0, 0
  self.bpf:get_table("perf"):open_perf_buffer(function() perf = perf + 1 end)
  self.bpf:get_table("ring"):open_ring_buffer(function() ring = ring + 1 end)
  helper.act()
  helper.wait_for(function() return self.bpf:perf_buffer_poll(100) > 0 end)
  lu.assertEquals({ perf, ring }, { 1, 0 })
  helper.wait_for(function() return self.bpf:ring_buffer_poll(100) > 0 end)
  lu.assertEquals({ perf, ring }, { 1, 1 })
end

function TestEvents:test_type_written_in_c()
  local event
  self.bpf:get_table("perf"):open_perf_buffer(function(_, got) event = got end, [[
    struct {
      uint32_t process;
      uint32_t ignored;
      uint64_t count;
      char name[4];
      uint64_t beyond[10];
    }
  ]], nil, 4)
  helper.act()
  self:poll(1)
  lu.assertEquals({ event.process, event.count, event.name }, { ebcc.posix.getpid(), 1, helper.comm:sub(1, 4) })
  lu.assertEquals(event.beyond[10], 0)
end

function TestEvents:test_type_with_a_parameter()
  local event
  self.bpf:get_table("perf"):open_perf_buffer(function(_, got) event = got end,
    "struct { u32 pid; u32 stack; u64 number; char comm[$]; }", { 3 })
  helper.act()
  self:poll(1)
  lu.assertEquals(event.comm, helper.comm:sub(1, 3))
end

-- Options after a type, also by the names of other bindings.
function TestEvents:test_options_behind_the_type()
  local event, lost
  self.bpf:get_table("perf"):open_perf_buffer(function(_, got) event = got end, "struct { u32 pid; }",
    { page_cnt = 1, lost_cb = function(_, count) lost = count end })
  helper.act()
  self:poll(1)
  lu.assertEquals(event.pid, ebcc.posix.getpid())
  helper.act(2000)
  helper.wait_for(function()
    self.bpf:perf_buffer_poll(50)
    return lost
  end, "losses")
end

local LOSING = [[
local ebcc = require "ebcc"
local b = ebcc.BPF:new { cflags = "-DSELF=" .. ebcc.posix.getpid(), text = [=[
BPF_PERF_OUTPUT(events);
TRACEPOINT_PROBE(syscalls, sys_enter_unlink)
{
  u64 one = 1;

  if (bpf_get_current_pid_tgid() >> 32 == SELF)
    events.perf_submit(args, &one, sizeof(one));
  return 0;
}]=] }
local events, seen, limit = b:get_table("events"), 0, os.time() + 60
events:open_perf_buffer(function() seen = seen + 1 end, { page_count = 1 })
for _ = 1, 1000 do
  os.remove("/nonexistent/ebcc-lua-test")
end
while seen + events:lost() < 1000 and os.time() < limit do
  b:perf_buffer_poll(50)
end
b:perf_buffer_poll(50)
print(events:lost())
]]

function TestEvents:test_losses_are_warned_of()
  local path = helper.file(LOSING)
  local output, status, errors = helper.run("exec /usr/bin/lua5.4 -W " .. path)
  os.remove(path)
  lu.assertEquals(status, 0)
  local told = 0
  for count in errors:gmatch("Lua warning: (%d+) events of table 'events' were lost\n") do
    told = told + tonumber(count)
  end
  lu.assertTrue(told > 0, errors)
  lu.assertEquals(told, tonumber(output))
end

function TestEvents:test_raw_bytes()
  local bytes
  self.bpf:get_table("ring"):open_ring_buffer(function(got) bytes = got end, { raw = true })
  helper.act()
  self:poll(1)
  lu.assertEquals({ #bytes, (string.unpack("<I4", bytes)) }, { 32, ebcc.posix.getpid() })
end

local function failing_callback()
  error("bad luck")
end

function TestEvents:test_error_comes_out_of_the_poll_with_its_traceback()
  self.bpf:get_table("perf"):open_perf_buffer(failing_callback)
  helper.act(2)
  local text = helper.raised(function() self:poll(1) end)
  lu.assertStrContains(text, "bad luck")
  lu.assertStrContains(text, "stack traceback")
  lu.assertStrContains(text, "test_events.lua:" .. debug.getinfo(failing_callback).linedefined + 1)
  -- The event counts as delivered; the next one is still there.
  lu.assertStrContains(helper.raised(function() self:poll(1) end), "bad luck")
  lu.assertEquals(self.bpf:perf_buffer_poll(0), 0)
end

function TestEvents:test_any_value_can_be_raised()
  local value = { 1, 2 }
  self.bpf:get_table("ring"):open_ring_buffer(function() error(value) end)
  helper.act()
  local _, raised = helper.raised(function() self:poll(1) end)
  lu.assertIs(raised, value)
end

function TestEvents:test_false_ends_the_poll()
  local calls = 0
  self.bpf:get_table("ring"):open_ring_buffer(function()
    calls = calls + 1
    return false
  end)
  helper.act(3)
  helper.wait_for(function() return self.bpf:poll(100) > 0 end)
  lu.assertEquals(calls, 1)
  self:poll(1)
  lu.assertEquals(calls, 2)
end

function TestEvents:test_callback_uses_the_module()
  local depth, nested
  self.bpf:get_table("perf"):open_perf_buffer(function(_, event)
    depth = #self.bpf:get_table("stacks"):get(event.stack)
    nested = helper.raised(self.bpf.perf_buffer_poll, self.bpf, 0)
    local names = {}
    for name in self.bpf:get_table("stacks"):walk(event.stack, ebcc.BPF.ksym) do
      names[#names + 1] = name
    end
    lu.assertEquals(#names, depth)
    lu.assertStrContains(table.concat(names, " "), "syscall")
  end)
  helper.act()
  self:poll(1)
  lu.assertTrue(depth > 2)
  lu.assertStrContains(nested, "is already being polled")
end

function TestEvents:test_module_closed_in_a_callback()
  local calls = 0
  self.bpf:get_table("perf"):open_perf_buffer(function()
    calls = calls + 1
    self.bpf:close()
    lu.assertStrContains(helper.raised(self.bpf.perf_buffer_poll, self.bpf), "closed")
  end)
  helper.act(3)
  helper.wait_for(function() return calls > 0 or self.bpf:perf_buffer_poll(100) > 0 end)
  lu.assertEquals(calls, 1)
  lu.assertStrContains(helper.raised(self.bpf.perf_buffer_poll, self.bpf), "this BPF module is closed")
end

function TestEvents:test_poll_in_a_coroutine()
  local events = {}
  local poller = coroutine.wrap(function()
    while true do
      coroutine.yield(self.bpf:poll(100))
    end
  end)
  self.bpf:get_table("ring"):open_ring_buffer(function(event)
    -- Another coroutine uses the module and ends.
    coroutine.wrap(function() self.bpf:get_table("numbers"):get(0) end)()
    collectgarbage()
    events[#events + 1] = event.number
  end)
  helper.act(3)
  helper.wait_for(function()
    poller()
    return #events == 3
  end)
  lu.assertEquals(events, { 1, 2, 3 })
end

function TestEvents:test_losses_are_counted()
  local lost, seen = 0, 0
  self.bpf:get_table("perf"):open_perf_buffer(function() seen = seen + 1 end,
    { page_count = 1, lost = function(_, count) lost = lost + count end })
  helper.act(2000)
  helper.wait_for(function()
    self.bpf:perf_buffer_poll(50)
    return seen + lost >= 2000
  end)
  lu.assertEquals(seen + lost, 2000)
  lu.assertTrue(lost > 0)
  lu.assertEquals(self.bpf:get_table("perf"):lost(), lost)
end

function TestEvents:test_closing_and_opening_again()
  local perf = self.bpf:get_table("perf")
  local first, second = 0, 0
  perf:open_perf_buffer(function() first = first + 1 end)
  lu.assertStrContains(helper.raised(perf.open_perf_buffer, perf, print), "already open")
  perf:close_events()
  perf:open_perf_buffer(function() second = second + 1 end)
  helper.act()
  self:poll(1)
  lu.assertEquals({ first, second }, { 0, 1 })
end

function TestEvents:test_consume_does_not_wait()
  local calls = 0
  self.bpf:get_table("perf"):open_perf_buffer(function() calls = calls + 1 end, { wakeup_events = 100 })
  helper.act(5)
  lu.assertEquals(self.bpf:perf_buffer_consume(), 5)
  lu.assertEquals(calls, 5)
end

function TestEvents:test_consume_leaves_the_other_kind()
  local perf, ring = 0, 0
  self.bpf:get_table("perf"):open_perf_buffer(function() perf = perf + 1 end)
  self.bpf:get_table("ring"):open_ring_buffer(function() ring = ring + 1 end)
  helper.act(2)
  lu.assertEquals({ self.bpf:ring_buffer_consume(), perf, ring }, { 2, 0, 2 })
  lu.assertEquals({ self.bpf:perf_buffer_consume(), perf, ring }, { 2, 2, 2 })
end

-- Timeouts may be a fraction of a millisecond, or exceed the kernel's int.
function TestEvents:test_timeouts()
  self.bpf:get_table("ring"):open_ring_buffer(function() end)
  for _, timeout in ipairs { 0, 0.5, 1.0, "1" } do
    lu.assertEquals(self.bpf:ring_buffer_poll(timeout), 0)
  end
  helper.act()
  lu.assertEquals(self.bpf:ring_buffer_poll(1e300), 1)
end

function TestEvents:test_trace_pipe()
  local bpf <close> = helper.bpf [[
TRACEPOINT_PROBE(syscalls, sys_enter_unlink)
{
  if (OURS)
    bpf_trace_printk("lua says %d\n", 42);
  return 0;
}
]]
  local pipe <close> = bpf:pipe(true)
  while pipe:readline() do end
  helper.act()
  local fields = helper.wait_for(function()
    local found = { pipe:trace_fields() }
    return found[6] and found[6]:find("lua says") and found
  end, "the trace pipe")
  -- The name may be one that the process had before: the kernel prints names that it saved earlier.
  lu.assertStrMatches(fields[1], "%S.*")
  lu.assertTrue(#fields[1] < 16)
  lu.assertEquals({ fields[2], fields[6] }, { ebcc.posix.getpid(), "lua says 42" })
  lu.assertEquals(math.type(fields[3]), "integer")
  lu.assertEquals(math.type(fields[5]), "float")
  lu.assertNil((pipe:trace_fields()))
end
