-- Scripts that return function(BPF, utils), run by bcc-lua: those of examples/lua, one of each kind,
-- with the output for a known workload.

local helper = require "helper"
local lu = require "luaunit"

local BCC_LUA = "exec /usr/bin/lua5.4 " .. helper.root .. "src/lua/bcc-lua "

local function example(name, arguments)
  return BCC_LUA .. helper.root .. "examples/lua/" .. name .. ".lua " .. (arguments or "")
end

TestExamples = {}

function TestExamples:test_hello()
  local script <close> = helper.start(example("hello"))
  script:wait_for("Hello, process %d+!", function() os.execute("true") end)
  script:signal("INT")
  local output, errors = script:finish()
  lu.assertStrContains(output, "TIME(s)            COMM             PID     MESSAGE\n")
  lu.assertStrMatches(output:match("\n([^\n]*)\n"), "%d+%.%d+ +%S+ +%d+ +Hello, process %d+!")
  lu.assertEquals(errors, "")
end

-- A process that sleeps repeatedly.
local SLEEPER = "exec sh -c 'while :; do sleep 0.05; done'"

function TestExamples:test_offcputime()
  local sleeper <close> = helper.start(SLEEPER)
  local output, status, errors = helper.run(example("offcputime", "--duration 1"))
  lu.assertEquals({ status, errors }, { 0, "" })
  lu.assertStrContains(output, "Tracing off-CPU time (us) of all threads by kernel stack...")
  -- The sleep that is started repeatedly waits in nanosleep.
  local found = false
  for stack, microseconds in output:gmatch("([^\n]*nanosleep.-)    %-%s+sleep %(%d+%)\n        (%d+)\n") do
    found = found or (tonumber(microseconds) >= 40000 and #stack > 0)
  end
  lu.assertTrue(found, output)
  lu.assertTrue(sleeper:running())
end

-- Waits until a script sleeps: it has then attached everything, and can be interrupted.
local function wait_until_asleep(script)
  helper.wait_for(function()
    local file = io.open(("/proc/%d/syscall"):format(script.pid))
    local number = file and file:read("a"):match("^%d+")
    if file then
      file:close()
    end
    return number == "230" or number == "115"
  end, "the script's sleep")
end

function TestExamples:test_offcputime_folded_until_interrupted()
  local sleeper <close> = helper.start("exec sleep 60")
  local script <close> = helper.start(example("offcputime", "--folded --pid " .. require("ebcc").posix.getpid()))
  -- This process waits for output, which is the workload.
  wait_until_asleep(script)
  require("ebcc").posix.sleep(0.1)
  script:signal("INT")
  local output, errors = script:finish()
  lu.assertEquals(errors, "")
  lu.assertStrMatches(output:match("([^\n]*nanosleep[^\n]*)\n") or "", helper.comm .. ";.*nanosleep.*;%S+ %d+")
  lu.assertTrue(sleeper:running())
end

function TestExamples:test_bashreadline()
  local script <close> = helper.start(example("bashreadline"))
  script:wait_for("TIME +PID +COMMAND")
  script:wait_for("echo lua%-marker", function()
    helper.run([[printf 'echo lua-marker\nexit\n' | script -qec 'bash --norc --noprofile -i' /dev/null >/dev/null]])
  end)
  script:signal("INT")
  local output, errors = script:finish()
  lu.assertStrMatches(output:match("([^\n]*lua%-marker[^\n]*)"), "%d%d:%d%d:%d%d  %d+ +echo lua%-marker")
  lu.assertEquals(errors, "")
end

-- What an example prints until it is interrupted, after these lines were sent to a process.
local function watched(calls, name, arguments, ready, lines)
  local script <close> = helper.start(example(name, arguments))
  script:wait_for(ready)
  for _, line in ipairs(lines) do
    calls:tell(line)
  end
  wait_until_asleep(script)
  script:signal("INT")
  local output, errors = script:finish()
  lu.assertEquals(errors, "")
  return output
end

function TestExamples:test_usdt()
  local calls <close> = helper.calls()
  local output = watched(calls, "usdt", ("--pid %d --probe lua:work"):format(calls.pid),
    "Counting values of lua:work", { "work -7 x", "work -7 x", "work -7 x", "work 12 x" })
  lu.assertStrContains(output, "               VALUE COUNT\n")
  lu.assertStrContains(output, "                  -7 3\n")
  lu.assertStrContains(output, "                  12 1\n")
end

function TestExamples:test_strlen_count()
  local calls <close> = helper.calls()
  local output = watched(calls, "strlen_count", ("%d 60 %s"):format(calls.pid, calls.path), "Counting",
    { "strlen measured-text", "strlen measured-text", "strlen other" })
  lu.assertStrContains(output, "     COUNT STRING\n         2 measured-text\n")
  lu.assertStrContains(output, "         1 other\n")
end

function TestExamples:test_memleak()
  local calls <close> = helper.calls()
  local script <close> = helper.start(example("memleak",
    ("--pid %d --interval 0.5 --older 1 --min-size 100 --show-allocs"):format(calls.pid)))
  script:wait_for("Attaching to malloc and free")
  script:wait_for("bytes in %d+ allocations from stack\n.*Top 10", function()
    calls:tell("leak 12345")
  end)
  script:signal("INT")
  local output, errors = script:finish()
  lu.assertEquals(errors, "")
  lu.assertStrContains(output, "Top 10 stacks with outstanding allocations:")
  local bytes, count = output:match("(%d+) bytes in (%d+) allocations from stack\n")
  lu.assertTrue(tonumber(count) > 0)
  lu.assertEquals(tonumber(bytes), 12345 * tonumber(count))
  lu.assertStrMatches(output:match("(\taddr = [^\n]*)"), "\taddr = %x+ size = 12345")
  lu.assertStrMatches(output:match("from stack\n([^\n]*)"), "\t\tact %(%x+%)")
  lu.assertStrMatches(output:match("from stack\n[^\n]*\n([^\n]*)"), "\t\tmain %(%x+%)")
end

function TestExamples:test_task_switch()
  local sleeper <close> = helper.start(SLEEPER)
  local output, status, errors = helper.run(example("task_switch", "1"))
  lu.assertEquals({ status, errors }, { 0, "" })
  -- Each sleep switches to the shell that waits for it, or to another process; on a busy machine there are few.
  local sum = 0
  for previous, current, count in output:gmatch("task_switch%[ *(%d+) %-> *(%d+)%] = (%d+)\n") do
    if tonumber(previous) == sleeper.pid or tonumber(current) == sleeper.pid then
      sum = sum + tonumber(count)
    end
  end
  lu.assertTrue(sum >= 1, output)
end

function TestExamples:test_latency_says_what_is_missing()
  local output, status, errors = helper.run(example("latency", "no_such_function"))
  lu.assertEquals({ output, status }, { "", 1 })
  lu.assertStrContains(errors, "no_such_function")
end

function TestExamples:test_help_and_usage()
  local output, status = helper.run(example("memleak", "--help"))
  lu.assertEquals(status, 0)
  lu.assertStrContains(output, "--show-allocs")
  local _, misuse, errors = helper.run(example("memleak", "--nonsense"))
  lu.assertNotEquals(misuse, 0)
  lu.assertStrContains(errors, "unknown option '--nonsense'")
end
