-- Lifetimes: modules end with close, __close and the collector, and leave behind nothing attached, no
-- descriptors and no memory; half-open handles end quietly.

local ebcc = require "ebcc"
local core = require "ebcc._ebcc"
local helper = require "helper"
local lu = require "luaunit"

local SOURCE = [[
struct event { u32 number; char text[12]; };
BPF_HASH(counts, u32, struct event);
BPF_PERF_OUTPUT(events);
BPF_RINGBUF_OUTPUT(ring, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_unlink)
{
  struct event event = {.number = 1};

  if (OURS)
    events.perf_submit(args, &event, sizeof(event));
  return 0;
}
int other(void *ctx) { return 0; }
]]

-- The targets of this process's descriptors, sorted.
local function descriptors()
  local output = helper.run(("ls -l /proc/%d/fd | sed -n 's/.*-> //p' | grep -v pipe | sort"):format(ebcc.posix.getpid()))
  return output
end

local function resident_kb()
  local file <close> = assert(io.open("/proc/self/statm"))
  return tonumber(file:read("a"):match("^%d+ (%d+)")) * 4
end

local function cycle()
  local bpf = helper.bpf(SOURCE)
  local seen = 0
  bpf:get_table("events"):open_perf_buffer(function(_, event) seen = seen + event.number end, { page_count = 1 })
  bpf:get_table("ring"):open_ring_buffer(print)
  bpf:attach_tracepoint { tp = helper.EVENT, fn_name = "other" }
  bpf:get_table("counts"):set(1, { number = 5, text = "x" })
  for _, leaf in bpf:get_table("counts"):items() do
    lu.assertEquals(leaf.text, "x")
  end
  helper.act()
  helper.wait_for(function() return bpf:perf_buffer_poll(10) > 0 end)
  lu.assertEquals(seen, 1)
  return bpf
end

TestLifetime = {}

function TestLifetime:test_close_leaves_nothing()
  local before = descriptors()
  cycle():close()
  lu.assertEquals(descriptors(), before)
end

function TestLifetime:test_block_leaves_nothing()
  local before = descriptors()
  do
    local bpf <close> = cycle()
    lu.assertNotEquals(descriptors(), before)
    lu.assertNotNil(bpf)
  end
  lu.assertEquals(descriptors(), before)
end

function TestLifetime:test_collector_leaves_nothing()
  local before = descriptors()
  cycle()
  collectgarbage()
  collectgarbage()
  lu.assertEquals(descriptors(), before)
end

function TestLifetime:test_log_that_knows_its_module_is_collected()
  local before = descriptors()
  local bpf
  bpf = helper.bpf { text = SOURCE, log = function() return bpf end }
  lu.assertNotNil(bpf)
  bpf = nil
  collectgarbage()
  collectgarbage()
  lu.assertEquals(descriptors(), before)
end

function TestLifetime:test_table_keeps_its_module()
  local hash = helper.bpf(SOURCE):get_table("counts")
  collectgarbage()
  collectgarbage()
  lu.assertTrue(hash:set(1, { number = 1 }))
  lu.assertEquals(hash:get(1).number, 1)
end

function TestLifetime:test_cleanup_closes_all()
  local one, other = helper.bpf(SOURCE), helper.bpf(SOURCE)
  ebcc.BPF.cleanup()
  lu.assertTrue(one.module:closed() and other.module:closed())
end

-- A handle that could not be opened is collected like any other, and may be closed.
function TestLifetime:test_half_open_handles()
  local before = descriptors()
  for _ = 1, 5 do
    lu.assertFalse((pcall(core.module, { source = "int f( {" })))
    lu.assertNil((core.usdt { path = "/no/such/file" }))
    local bpf <close> = helper.bpf(SOURCE)
    lu.assertNil((bpf:attach_uprobe { name = "c", sym = "no_such", fn_name = "other" }))
  end
  collectgarbage()
  collectgarbage()
  lu.assertEquals(descriptors(), before)
end

function TestLifetime:test_iterator_outlives_close()
  local bpf = helper.bpf(SOURCE)
  bpf:get_table("counts"):set(1, { number = 5 })
  local iterator = bpf:get_table("counts"):items()
  bpf:close()
  bpf.tables = {}
  collectgarbage()
  local _, leaf = iterator()
  lu.assertEquals(leaf.number, 5)
  lu.assertNil(iterator())
end

-- A loop frees its copy of the table: the collector doesn't know how large the copy is.
function TestLifetime:test_copies_go_with_their_loops()
  lu.skipIf((os.getenv("LD_PRELOAD") or ""):find("asan"), "the address sanitizer keeps what is freed")
  local bpf <close> = ebcc.BPF:new { text = "BPF_HASH(hash, u64, u64, 20000); int f(void *ctx) { return 0; }" }
  local hash = bpf:get_table("hash")
  for key = 1, 20000 do
    hash:set(key, key)
  end
  collectgarbage()
  local before, sum = resident_kb(), 0
  collectgarbage("stop")
  for _ = 1, 30 do
    for _, value in hash:items() do
      sum = sum + value
    end
    for key in hash:keys() do
      if key then break end
    end
    sum = sum + hash:size()
  end
  collectgarbage("restart")
  lu.assertEquals(sum, 30 * (20000 * 20001 // 2 + 20000))
  lu.assertTrue(resident_kb() - before < 4096, ("grew by %d kB"):format(resident_kb() - before))
end

function TestLifetime:test_cycles_do_not_grow()
  for _ = 1, 5 do
    cycle():close()
  end
  collectgarbage()
  collectgarbage()
  local before, open = resident_kb(), descriptors()
  for _ = 1, 10 do
    cycle():close()
  end
  collectgarbage()
  collectgarbage()
  lu.assertEquals(descriptors(), open)
  lu.assertTrue(resident_kb() - before < 2048, ("grew by %d kB"):format(resident_kb() - before))
end
