-- Kernel probes and other features that the development machine's kernel lacks; runs in a guest of tests/vm.

local ebcc = require "ebcc"
local helper = require "helper"
local lu = require "luaunit"

local BPF = ebcc.BPF

local SOURCE = helper.COUNT .. [[
int first(struct pt_regs *ctx) { return count(1); }
int second(struct pt_regs *ctx) { return count(2); }
]]

TestProbes = {}

function TestProbes:setUp()
  self.bpf = helper.bpf(SOURCE)
  self.counts = self.bpf:get_table("counts")
  self.unlink = BPF.get_syscall_fnname("unlink")
end

function TestProbes:tearDown()
  self.bpf:close()
end

function TestProbes:test_kprobe_and_return()
  local before = BPF.num_open_kprobes()
  local link = self.bpf:attach_kprobe { event = self.unlink, fn_name = "first" }
  lu.assertNotNil(self.bpf:attach_kretprobe { event = self.unlink, fn_name = "second" })
  lu.assertEquals(BPF.num_open_kprobes(), before + 2)
  helper.act(3)
  lu.assertEquals({ self.counts:get(1), self.counts:get(2) }, { 3, 3 })
  link:detach()
  helper.act()
  lu.assertEquals({ self.counts:get(1), self.counts:get(2) }, { 3, 4 })
  lu.assertEquals(BPF.num_open_kprobes(), before + 1)
end

function TestProbes:test_kprobes_by_expression()
  local before = BPF.num_open_kprobes()
  -- Deeper names differ between kernels.
  local expression = self.unlink .. "$"
  local link = self.bpf:attach_kprobe { event_re = expression, fn_name = "first" }
  lu.assertEquals(link:functions(), { self.unlink })
  lu.assertEquals(BPF.num_open_kprobes(), before + 1)
  helper.act(2)
  lu.assertEquals(self.counts:get(1), 2)
  lu.assertEquals(BPF.get_kprobe_functions(expression), { self.unlink })
end

function TestProbes:test_function_that_is_not_there()
  local link, message, errno = self.bpf:attach_kprobe { event = "no_such_function", fn_name = "first" }
  lu.assertNil(link)
  lu.assertStrContains(message, "no_such_function")
  lu.assertEquals(errno, 2)
  lu.assertNil((self.bpf:attach_kprobe { event_re = "no_such_function", fn_name = "first" }))
end

function TestProbes:test_named_program()
  local bpf <close> = helper.bpf(([[
BPF_HASH(counts, u32, u64);
int kprobe__%s(struct pt_regs *ctx)
{
  if (OURS)
    counts.increment(5);
  return 0;
}
]]):format(self.unlink))
  helper.act(2)
  lu.assertEquals(bpf:get_table("counts"):get(5), 2)
end

function TestProbes:test_kfunc()
  if not BPF.support_kfunc() then
    lu.skip("this kernel runs no KFUNC_PROBE programs")
  end
  local bpf <close> = helper.bpf(([[
BPF_HASH(counts, u32, u64);
KFUNC_PROBE(%s)
{
  if (OURS)
    counts.increment(6);
  return 0;
}
]]):format(self.unlink))
  helper.act(2)
  lu.assertEquals(bpf:get_table("counts"):get(6), 2)
end

local COOKIES = [[
BPF_HASH(counts, u64, u64);
int count(struct pt_regs *ctx)
{
  u64 cookie = bpf_get_attach_cookie(ctx);

  if (OURS)
    counts.increment(cookie);
  return 0;
}
]]

-- The cookies that the programs saw in two calls, and how often.
local function seen(bpf)
  local counts, found = bpf:get_table("counts"), {}
  counts:clear()
  helper.act(2)
  for cookie, calls in counts:items() do
    found[cookie] = calls
  end
  return found
end

function TestProbes:test_cookies_of_kprobes()
  local function cookie(name)
    return name == self.unlink and -5 or 1
  end
  if not helper.kernel_has(5, 15) then
    for _, options in ipairs { { event = self.unlink, cookie = 7 }, { event_re = self.unlink .. "$", cookie = cookie } } do
      options.fn_name = "first"
      local link, message, errno = self.bpf:attach_kprobe(options)
      lu.assertNil(link)
      lu.assertStrContains(message, "no attach cookies")
      lu.assertEquals(errno, 95)
    end
    return
  end
  local bpf <close> = helper.bpf(COOKIES)
  local link = bpf:attach_kprobe { event = self.unlink, fn_name = "count", cookie = 7 }
  lu.assertEquals(seen(bpf), { [7] = 2 })
  lu.assertTrue(link:detach())
  lu.assertNotNil(bpf:attach_kprobe { event_re = self.unlink .. "$", fn_name = "count", cookie = cookie })
  lu.assertNotNil(bpf:attach_kretprobe { event_re = self.unlink .. "$", fn_name = "count", cookie = 8 })
  lu.assertNotNil(bpf:attach_kretprobe { event_re = self.unlink .. "$", fn_name = "count", cookie = 9, maxactive = 5 })
  lu.assertEquals(seen(bpf), { [-5] = 2, [8] = 2, [9] = 2 })
end

function TestProbes:test_cookies_of_kfuncs()
  local function source(cookie)
    return ([[
BPF_HASH(counts, u64, u64);
KFUNC_PROBE(%s)
{
  u64 cookie = %s;

  if (OURS)
    counts.increment(cookie);
  return 0;
}
]]):format(self.unlink, cookie)
  end
  local name = "kfunc__" .. self.unlink
  if not helper.kernel_has(6, 0) then
    local bpf <close> = helper.bpf(source("0"))
    lu.assertTrue(bpf:detach_kfunc { fn_name = name })
    local link, message, errno = bpf:attach_kfunc { fn_name = name, cookie = 5 }
    lu.assertNil(link)
    lu.assertStrContains(message, "no attach cookies for kfunc (Linux 6.0")
    lu.assertEquals(errno, 95)
    return
  end
  local bpf <close> = helper.bpf(source("bpf_get_attach_cookie(ctx)"))
  lu.assertEquals(seen(bpf), { [0] = 2 })
  lu.assertNil((bpf:attach_kfunc { fn_name = name, cookie = 5 }))
  lu.assertTrue(bpf:detach_kfunc { fn_name = name })
  lu.assertNotNil(bpf:attach_kfunc { fn_name = name, cookie = 5 })
  lu.assertEquals(seen(bpf), { [5] = 2 })
  lu.assertTrue(bpf:detach_kfunc { fn_name = name })
  lu.assertEquals(seen(bpf), {})
end

local BCC_LUA = "exec /usr/bin/lua5.4 " .. helper.root .. "src/lua/bcc-lua "

function TestProbes:test_latency_example()
  local script <close> = helper.start(BCC_LUA .. helper.root .. "examples/lua/latency.lua --duration 8 "
    .. self.unlink)
  script:wait_for("Timing")
  helper.wait_for(function()
    helper.act(10)
    return not script:running()
  end, "the example")
  local output, errors = script:finish()
  lu.assertEquals(errors, "")
  lu.assertStrContains(output, "     usecs               : count     distribution\n")
  lu.assertStrMatches(output:match("[^\n]*%*[^\n]*"), " +%d+ %-> %d+ +: %d+ +|%*+ *|")
end

-- In the style of existing scripts: a probe on a function of the scheduler.
function TestProbes:test_task_switch_by_kprobe()
  local path = helper.file [[
local PROGRAM = "BPF_HASH(stats, u32, u64);\n" ..
  "int count_sched(struct pt_regs *ctx) { stats.increment(1); return 0; }"

return function(BPF, utils)
  local b = BPF:new { text = PROGRAM, debug = 0 }
  b:attach_kprobe { event_re = "finish_task_switch(\\.isra\\.[0-9]+)?$", fn_name = "count_sched" }
  if BPF.num_open_kprobes() == 0 then
    print("no functions matched. quitting...")
    return
  end
  utils.posix.sleep(1)
  for _, count in b:get_table("stats"):items() do
    print("switches: %d" % tonumber(count))
  end
end
]]
  local output, status, errors = helper.run(BCC_LUA .. path)
  os.remove(path)
  lu.assertEquals({ status, errors }, { 0, "" })
  lu.assertTrue(tonumber(output:match("switches: (%d+)")) > 0)
end
