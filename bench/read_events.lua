-- The script that bench/events runs for Lua: reads numbered events from a process that it starts, like read_events.py for
-- Python. Argument: the kind of buffer, perf or ring. Prints its measurements as one line of JSON: the processor time for
-- an event, in seconds.

local ebcc = require "ebcc"
local json = require "dkjson"

local BACKLOG, BACKLOG_ROUNDS = 20000, 7
local RATE, WAITING = 20000, 20000
local PAGES = 1024

local source <close> = assert(io.open((arg[0]:gsub("lua$", "c"))))
local TEXT = source:read("a"):match("%*/\n(.*)")
local OUTPUTS = {
  perf = { "BPF_PERF_OUTPUT(events);", "events.perf_submit(args, &event, sizeof(event))" },
  ring = { ("BPF_RINGBUF_OUTPUT(events, %d);"):format(PAGES), "events.ringbuf_output(&event, sizeof(event), 0)" },
}

-- Makes events as requested on standard input: "COUNT RATE"; a rate of 0 is as fast as possible.
local WRITER = [[
import os, sys, time
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
with open(sys.argv[1], "w") as file:
    print(os.getpid(), file=file)
for line in sys.stdin:
    count, rate = map(int, line.split())
    due = time.monotonic()
    for _ in range(count):
        while rate and time.monotonic() < due:
            pass
        due += 1 / rate if rate else 0
        os.getppid()
]]

local function start_writer()
  local name = os.tmpname()
  local pipe = assert(io.popen(("exec /usr/bin/python3 -c '%s' %s"):format(WRITER, name), "w"))
  local pid
  while not pid do
    local file <close> = assert(io.open(name))
    pid = math.tointeger(tonumber(file:read("l") or ""))
    ebcc.posix.sleep(0.01)
  end
  os.remove(name)
  return pipe, pid
end

local kind = arg[1]
local writer, writer_pid = start_writer()
local replacements = { OUTPUT = OUTPUTS[kind][1], SUBMIT = OUTPUTS[kind][2], WRITER = tostring(writer_pid) }
local bpf = ebcc.BPF:new { text = TEXT:gsub("%u%u%u+", replacements) }
local last, pid, total = -1, 0, 0
local poll

if kind == "perf" then
  bpf:get_table("events"):open_perf_buffer(function(_, event)
    pid = event.pid
    last = event.number
  end, { page_count = PAGES })
  poll = bpf.perf_buffer_poll
else
  bpf:get_table("events"):open_ring_buffer(function(event)
    pid = event.pid
    last = event.number
  end)
  poll = bpf.ring_buffer_poll
end

local function write(count, rate)
  total = total + count
  writer:write(("%d %d\n"):format(count, rate))
  writer:flush()
end

-- Waits until the requested events have been made.
local function written()
  while bpf:get_table("sent"):get(0) < total do
    ebcc.posix.sleep(0.01)
  end
end

-- Reads the expected events; returns the processor time for each.
local function read(count)
  local deadline, start = os.time() + 30, os.clock()
  while last ~= total - 1 and os.time() < deadline do
    poll(bpf, 100)
  end
  local spent = os.clock() - start
  if last ~= total - 1 or pid ~= writer_pid then
    error(("event %d did not arrive: the last one was %d"):format(total - 1, last))
  end
  return spent / count
end

os.execute(("taskset -pc $(($(nproc --all) - 1)) %d >/dev/null"):format(ebcc.posix.getpid()))
local rounds = {}
for round = 1, BACKLOG_ROUNDS do
  write(BACKLOG, 0)
  written()
  rounds[round] = read(BACKLOG)
end
table.sort(rounds)
write(WAITING, RATE)
local waiting = read(WAITING)
writer:close()
print(json.encode {
  module = package.searchpath("ebcc._ebcc", package.cpath),
  [kind .. "_backlog"] = rounds[(BACKLOG_ROUNDS + 1) // 2],
  [kind .. "_waiting"] = waiting,
})
