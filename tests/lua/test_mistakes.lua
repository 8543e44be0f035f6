-- What wrong use and failures tell: errors are raised as objects with a kind, texts name the place.

local bcc = require "bcc"
local helper = require "helper"
local lu = require "luaunit"

local BPF = bcc.BPF

TestMistakes = {}

function TestMistakes:test_source_that_does_not_compile()
  local text, err = helper.raised(BPF.new, BPF, { text = "int f(void *ctx)\n{\n  return absent;\n}\n" })
  lu.assertStrContains(text, "main.c:3:10: error: use of undeclared identifier 'absent'")
  lu.assertEquals(err.kind, "CompileError")
  lu.assertEquals({ err.code, err.errno }, { 7, 22 })
  lu.assertStrContains(err.details, "undeclared")
  lu.assertStrContains("told: " .. err, "told: main.c")
end

function TestMistakes:test_program_that_the_verifier_refuses()
  local text, err = helper.raised(BPF.new, BPF, { text = [[
BPF_HASH(table);
TRACEPOINT_PROBE(syscalls, sys_enter_unlink)
{
  u64 key = 0, *value = table.lookup(&key);

  *value = 1;
  return 0;
}
]] })
  lu.assertEquals(err.kind, "LoadError")
  lu.assertStrContains(text, "sys_enter_unlink")
  lu.assertTrue(#err.details > #text / 2)
end

function TestMistakes:test_calls_without_what_they_need()
  lu.assertStrContains(helper.raised(BPF.new, BPF, {}), "text or src_file is needed")
  lu.assertStrContains(helper.raised(BPF.new, BPF), "takes a table")
  lu.assertStrContains(helper.raised(BPF.new, BPF, { src_file = "no-such.c" }), "no file no-such.c")
  lu.assertStrContains(helper.raised(BPF.new, BPF, { text = "", kernel_types = "x" }), "kernel_types cannot be 'x'")
  lu.assertStrContains(helper.raised(bcc.USDT.new, bcc.USDT, {}), "needs a pid or a path")
  local bpf <close> = BPF:new { text = "int f(void *ctx) { return 0; }" }
  lu.assertStrContains(helper.raised(bpf.attach_uprobe, bpf, { name = "c", sym = "puts" }), "fn_name is needed")
  lu.assertStrContains(helper.raised(bpf.attach_uprobe, bpf, { fn_name = "f", sym = "puts" }), "name is needed")
  lu.assertStrContains(helper.raised(bpf.attach_uprobe, bpf, "f"), "as a table")
  lu.assertStrContains(helper.raised(bpf.attach_tracepoint, bpf, { fn_name = "f" }), "tp is needed")
  lu.assertStrContains(helper.raised(bpf.attach_tracepoint, bpf, { tp = "x", fn_name = "f" }), "CATEGORY:EVENT")
  lu.assertStrContains(helper.raised(bpf.attach_uprobe, bpf, { name = "c", sym = "puts", fn_name = "g" }), "no program 'g'")
  lu.assertStrContains(helper.raised(bpf.attach_uprobe, bpf, { name = "c", sym = "puts", fn_name = "f", pid = "x" }),
    "pid is to be a whole number")
end

function TestMistakes:test_closed_module()
  local bpf = BPF:new { text = "BPF_HASH(h); int f(void *ctx) { return 0; }" }
  local hash = bpf:get_table("h")
  local program = bpf.module:program("f")
  bpf:close()
  bpf:close()
  for _, call in ipairs {
    function() hash:get(1) end,
    function() hash:set(1, 1) end,
    function() for _ in hash:items() do end end,
    function() bpf:perf_buffer_poll(0) end,
    function() program:fd() end,
    function() bpf:attach_tracepoint { tp = helper.EVENT, fn_name = "f" } end,
  } do
    local text, err = helper.raised(call)
    lu.assertStrContains(text, "closed")
    lu.assertEquals(err.kind, "StateError")
  end
  lu.assertEquals(tostring(bpf), "bcc.BPF: closed")
  lu.assertEquals(tostring(hash), "bcc.Table (closed)")
end

function TestMistakes:test_methods_of_other_objects()
  local bpf <close> = BPF:new { text = "BPF_HASH(h); int f(void *ctx) { return 0; }" }
  local hash = bpf:get_table("h")
  for _, wrong in ipairs { io.stdout, {}, 5, bpf.module } do
    lu.assertStrContains(helper.raised(hash.get, wrong, 1), "bcc.Table expected")
    lu.assertStrContains(helper.raised(bpf.module.close, wrong == bpf.module and hash or wrong), "bcc.Module expected")
  end
  lu.assertStrContains(helper.raised(bcc.bytes, io.stdout), "bcc record expected")
  lu.assertEquals(getmetatable(hash), "bcc.Table")
end

function TestMistakes:test_log_function()
  local messages = {}
  local options = {
    text = "int f(void *ctx) { int x; char *p = 5; return p != 0; }",
    log = function(level, message)
      if level == 2 then
        messages[#messages + 1] = message
      end
    end,
  }
  BPF:new(options):close()
  lu.assertTrue(#messages > 0)
  lu.assertStrContains(messages[1], "incompatible integer to pointer conversion")
  -- One that fails doesn't disturb the module.
  options.log = function() error("no") end
  BPF:new(options):close()
end
