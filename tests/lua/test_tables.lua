-- Tables of every kind: entries, walking, per-CPU values, arrays, queues, stack traces, histograms.

local BPF = require("ebcc").BPF
local helper = require "helper"
local lu = require "luaunit"

local SOURCE = [[
BPF_HASH(hash, u32, u64, 16);
BPF_TABLE("lru_hash", u32, u64, lru, 16);
BPF_ARRAY(array, u64, 3);
BPF_PERCPU_ARRAY(per_cpu, u32, 2);
BPF_PERCPU_HASH(per_cpu_hash, u32, u64);
struct point { u32 x, y; };
BPF_PERCPU_ARRAY(points, struct point, 1);
BPF_QUEUE(queue, u32, 2);
BPF_STACK(stack, u32, 2);
BPF_PROG_ARRAY(programs, 4);
BPF_ARRAY_OF_MAPS(maps, "array", 2);
BPF_STACK_TRACE(traces, 64);
BPF_HISTOGRAM(sizes);
struct pair { char name[8]; u64 slot; };
BPF_HISTOGRAM(named, struct pair);
int called(struct pt_regs *ctx) { return 0; }
]]

TestTables = {}

function TestTables:setUp()
  self.bpf = helper.bpf(SOURCE)
end

function TestTables:tearDown()
  self.bpf:close()
end

-- Everything that an iterator returns, as a list of lists.
local function collected(...)
  local list = {}
  for first, second in ... do
    list[#list + 1] = { first, second }
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

function TestTables:test_hash()
  for _, name in ipairs { "hash", "lru" } do
    local hash = self.bpf:get_table(name)
    lu.assertNil(hash:get(1))
    lu.assertTrue(hash:set(1, 10))
    lu.assertTrue(hash:set(2, 20))
    lu.assertEquals({ hash:get(1), hash:get(2), hash:size() }, { 10, 20, 2 })
    lu.assertEquals(collected(hash:items()), { { 1, 10 }, { 2, 20 } })
    lu.assertEquals(collected(pairs(hash)), { { 1, 10 }, { 2, 20 } })
    lu.assertEquals(collected(hash:keys()), { { 1 }, { 2 } })
    lu.assertEquals(collected(hash:values()), { { 10 }, { 20 } })
    lu.assertEquals({ hash:delete(1), hash:delete(1), hash:get(1) }, { true, false })
    lu.assertTrue(hash:clear())
    lu.assertEquals(hash:size(), 0)
  end
end

function TestTables:test_entries_can_go_while_a_hash_is_walked()
  local hash = self.bpf:get_table("hash")
  for key = 1, 10 do
    hash:set(key, key)
  end
  local sum = 0
  for key, leaf in hash:items() do
    sum = sum + leaf
    hash:delete(key)
  end
  lu.assertEquals({ sum, hash:size() }, { 55, 0 })
end

-- What doesn't exist is nil, and not nothing, so that tostring() and tonumber() accept it.
function TestTables:test_what_is_not_there_is_nil()
  local hash, queue = self.bpf:get_table("hash"), self.bpf:get_table("queue")
  for _, results in ipairs {
    table.pack(hash:get(1)), table.pack(hash:next()), table.pack(hash:sum(1)), table.pack(queue:pop()),
    table.pack(queue:peek()), table.pack(BPF.kernel_struct_has_field("no_such_struct", "x")),
  } do
    lu.assertEquals({ results.n, results[1] }, { 1 })
  end
  lu.assertNil(tonumber(hash:get(1)))
end

function TestTables:test_drain()
  local hash = self.bpf:get_table("hash")
  hash:set(1, 10)
  hash:set(2, 20)
  lu.assertEquals(collected(hash:drain()), { { 1, 10 }, { 2, 20 } })
  lu.assertEquals(hash:size(), 0)
end

function TestTables:test_next_key()
  local hash = self.bpf:get_table("hash")
  lu.assertNil(hash:next())
  hash:set(7, 1)
  lu.assertEquals(hash:next(), 7)
  lu.assertNil(hash:next(7))
end

function TestTables:test_flags_and_refusals()
  local hash = self.bpf:get_table("hash")
  lu.assertTrue(hash:set(1, 1, 1))
  local result, message, errno = hash:set(1, 2, 1)
  lu.assertNil(result)
  lu.assertStrContains(message, "exists")
  lu.assertEquals(errno, 17)
  for key = 1, 16 do
    hash:set(key, 1)
  end
  lu.assertEquals(select(3, hash:set(99, 1)), 7)
  local found
  found, message, errno = self.bpf:get_table("hsh")
  lu.assertNil(found)
  lu.assertStrContains(message, "hash")
  lu.assertEquals(errno, 2)
end

function TestTables:test_array()
  local array = self.bpf:get_table("array")
  lu.assertTrue(array:set(0, 5))
  lu.assertTrue(array:set(-1, 7))
  lu.assertEquals({ array:get(0), array:get(1), array:get(2), array:get(-3) }, { 5, 0, 7, 5 })
  local values = {}
  for value in array:items() do
    values[#values + 1] = value
  end
  lu.assertEquals(values, { 5, 0, 7 })
  lu.assertEquals(collected(array:items(true)), { { 1, 5 }, { 2, 0 }, { 3, 7 } })
  lu.assertEquals(collected(array:each()), { { 0, 5 }, { 1, 0 }, { 2, 7 } })
  lu.assertStrContains(helper.raised(array.get, array, 3), "index 3 is out of range")
  lu.assertStrContains(helper.raised(array.get, array, -4), "index -4 is out of range")
  lu.assertEquals(select(3, array:delete(0)), 22)
end

function TestTables:test_per_cpu()
  local cpus = #self.bpf:get_table("per_cpu"):get(0)
  local online = tonumber((helper.run("nproc --all")))
  lu.assertTrue(cpus >= online)
  local per_cpu, hash = self.bpf:get_table("per_cpu"), self.bpf:get_table("per_cpu_hash")
  local values = {}
  for cpu = 1, cpus do
    values[cpu] = cpu * 10
  end
  per_cpu:set(0, values)
  lu.assertEquals(per_cpu:get(0), values)
  lu.assertEquals(per_cpu:sum(0), 5 * cpus * (cpus + 1))
  lu.assertEquals(per_cpu:max(0), 10 * cpus)
  lu.assertEquals(per_cpu:average(0), 5.0 * (cpus + 1))
  hash:set(3, 4)
  lu.assertEquals(hash:sum(3), 4 * cpus)
  lu.assertNil(hash:sum(4))
  for key, leaf in hash:items() do
    lu.assertEquals({ key, #leaf, leaf[cpus] }, { 3, cpus, 4 })
  end
end

function TestTables:test_per_cpu_structs()
  local points = self.bpf:get_table("points")
  points:set(0, { 1, 2 })
  for _, point in ipairs(points:get(0)) do
    lu.assertEquals({ point.x, point.y }, { 1, 2 })
  end
  points:set(0, { { x = 3 } })
  local values = points:get(0)
  lu.assertEquals({ values[1].x, values[1].y }, { 3, 0 })
  lu.assertEquals(#values == 1 or values[2].x == 0, true)
  local many = {}
  for number = 1, #values + 1 do
    many[number] = { x = number }
  end
  lu.assertStrContains(helper.raised(points.set, points, 0, many), "values, but only")
end

function TestTables:test_queue_and_stack()
  local queue, stack = self.bpf:get_table("queue"), self.bpf:get_table("stack")
  for _, tbl in ipairs { queue, stack } do
    lu.assertNil(tbl:pop())
    tbl:push(1)
    tbl:push(2)
    lu.assertEquals(select(3, tbl:push(3)), 7)
  end
  lu.assertEquals({ queue:peek(), queue:pop(), queue:pop() }, { 1, 1, 2 })
  lu.assertEquals({ stack:peek(), stack:pop(), stack:pop() }, { 2, 2, 1 })
  lu.assertNil(queue:peek())
  lu.assertStrContains(helper.raised(queue.get, queue, 1), "no keys")
end

function TestTables:test_programs_and_tables_as_values()
  local loaded = self.bpf:load_func("called", "BPF_PROG_TYPE_TRACEPOINT")
  lu.assertTrue(self.bpf:get_table("programs"):set(0, loaded.program))
  lu.assertTrue(self.bpf:get_table("maps"):set(1, self.bpf:get_table("array")))
  lu.assertTrue(self.bpf:get_table("programs"):delete(0))
end

function TestTables:test_facts()
  local facts = self.bpf:get_table("hash"):facts()
  lu.assertEquals({ facts.name, facts.max_entries, facts.key_size, facts.leaf_size, facts.per_cpu },
    { "hash", 16, 4, 8, false })
  lu.assertTrue(facts.fd > 2)
  local shown = helper.run(("bpftool map show id %d"):format(facts.map_id))
  lu.assertStrMatches(shown, facts.map_id .. ": hash  name hash .*")
  lu.assertEquals(tostring(self.bpf:get_table("hash")), "ebcc.Table: hash")
  local names = table.concat(self.bpf:table_names(), " ")
  lu.assertStrContains(names, "hash")
  lu.assertStrContains(names, "traces")
end

function TestTables:test_no_such_stack()
  local traces = self.bpf:get_table("traces")
  lu.assertEquals(traces:get(-14), {})
  lu.assertEquals(traces:get(5), {})
  lu.assertNil(traces:walk(5)())
end

-- What a function prints.
local function printed(call, ...)
  local lines, plain = {}, print
  _G.print = function(text) lines[#lines + 1] = text end
  local well, message = pcall(call, ...)
  _G.print = plain
  assert(well, message)
  return table.concat(lines, "\n")
end

function TestTables:test_log2_histogram()
  local sizes = self.bpf:get_table("sizes")
  sizes:set(1, 1)
  sizes:set(3, 4)
  lu.assertEquals(printed(sizes.print_log2_hist, sizes, "bytes"), [[
     bytes               : count     distribution
         0 -> 1          : 1        |**********                              |
         2 -> 3          : 0        |                                        |
         4 -> 7          : 4        |****************************************|]])
end

function TestTables:test_histogram_of_sections()
  local named = self.bpf:get_table("named")
  named:set({ name = "b", slot = 2 }, 1)
  named:set({ name = "a", slot = 1 }, 2)
  local text = printed(named.print_linear_hist, named, "number", "name", {
    section_sort_fn = function(a, b) return a < b end,
    section_print_fn = string.upper,
  })
  lu.assertEquals(text, [[

name = A
     number        : count     distribution
        0          : 0        |                                        |
        1          : 2        |****************************************|

name = B
     number        : count     distribution
        0          : 0        |                                        |
        1          : 0        |                                        |
        2          : 1        |****************************************|]])
end

function TestTables:test_wide_histogram()
  local sizes = self.bpf:get_table("sizes")
  sizes:set(34, 2)
  local lines = {}
  for line in printed(sizes.print_log2_hist, sizes, "ns", nil, { strip_leading_zero = true })
    :gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  lu.assertEquals(lines, {
    "               ns                            : count     distribution",
    "          8589934592 -> 17179869183          : 2        |********************|",
  })
end
