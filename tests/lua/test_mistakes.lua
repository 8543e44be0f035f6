-- Misuse and failures: errors are raised as objects with a kind, and messages say where.

local ebcc = require "ebcc"
local helper = require "helper"
local lu = require "luaunit"

local BPF = ebcc.BPF

TestMistakes = {}

function TestMistakes:test_source_that_does_not_compile()
  local text, err = helper.raised(BPF.new, BPF, { text = "int f(void *ctx)\n{\n  return absent;\n}\n" })
  lu.assertStrContains(text, "main.c:3:10: error: use of undeclared identifier 'absent'")
  lu.assertEquals(err.kind, "CompileError")
  lu.assertEquals({ err.code, err.errno }, { 7, 22 })
  lu.assertStrContains(err.details, "undeclared")
  lu.assertStrMatches("told: " .. err, "told: [^\n]*helper.lua:%d+: main.c does not compile:.*")
  lu.assertStrMatches(err.where, ".*helper.lua:%d+: ")
  lu.assertStrMatches(err.message, "main.c does not compile:.*")
end

-- Scripts treat errors as strings.
function TestMistakes:test_errors_are_looked_into_as_texts()
  local text, err = helper.raised(BPF.new, BPF, { text = "int f(void *ctx)\n{\n  return absent;\n}\n" })
  lu.assertEquals(err:match("identifier '(%a+)'"), "absent")
  lu.assertEquals({ err:find("absent", 1, true) }, { text:find("absent", 1, true) })
  lu.assertEquals({ err:gsub("absent", "x") }, { text:gsub("absent", "x") })
  lu.assertEquals({ #err, err:len(), err:sub(1, 5), err:upper() }, { #text, #text, text:sub(1, 5), text:upper() })
  lu.assertEquals({ err .. "", "" .. err, ("%s"):format(err) }, { text, text, text })
  local words = {}
  for word in err:gmatch("%a+") do
    words[#words + 1] = word
  end
  lu.assertStrContains(table.concat(words, " "), "use of undeclared identifier")
  -- Missing fields are nil, as usual.
  lu.assertNil(err.no_such_field)
  lu.assertNil(err[1])
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
  lu.assertStrContains(helper.raised(ebcc.USDT.new, ebcc.USDT, {}), "needs a pid or a path")
  local bpf <close> = BPF:new { text = "int f(void *ctx) { return 0; }" }
  lu.assertStrContains(helper.raised(bpf.attach_uprobe, bpf, { name = "c", sym = "puts" }), "fn_name is needed")
  lu.assertStrContains(helper.raised(bpf.attach_uprobe, bpf, { fn_name = "f", sym = "puts" }), "name is needed")
  lu.assertStrContains(helper.raised(bpf.attach_uprobe, bpf, "f"), "attach_uprobe{} takes a table of options, not a string")
  lu.assertStrContains(helper.raised(bpf.attach_tracepoint, bpf, { fn_name = "f" }), "tp or tp_re is needed")
  lu.assertStrContains(helper.raised(bpf.attach_tracepoint, bpf, { tp = "x", fn_name = "f" }), "CATEGORY:EVENT")
  lu.assertStrContains(helper.raised(bpf.attach_uprobe, bpf, { name = "c", sym = "puts", fn_name = "g" }), "no program 'g'")
  lu.assertStrContains(helper.raised(bpf.attach_uprobe, bpf, { name = "c", sym = "puts", fn_name = "f", pid = "x" }),
    "pid must be a whole number")
end

-- Misuse is reported with the script's line, the method and what is wrong, however deep it is noticed.
function TestMistakes:test_place_of_mistakes()
  local bpf <close> = BPF:new { text = [[
BPF_HASH(h, u32, u64);
BPF_PERF_OUTPUT(perf);
BPF_RINGBUF_OUTPUT(ring, 1);
BPF_STACK_TRACE(stacks, 8);
const volatile u8 limit = 0;
int f(void *ctx) { return limit; }
]] }
  local cases = {
    { 'bpf:get_table("h"):get("x")', "bad argument #1 to 'get' (a whole number is needed, not x)" },
    { 'bpf:get_table("h"):set(1, {})', "bad argument #2 to 'set' (a whole number is needed, not table" },
    { 'bpf:get_table("h"):sum("x")', "bad argument #1 to 'get' (a whole number is needed, not x)" },
    { 'bpf:get_table(nil)', "bad argument #1 to 'get_table' (a string is needed, not nil)" },
    { 'bpf.get_table("h")', "get_table is a method of an object" },
    { 'bpf:get_table("stacks"):walk("x")', "bad argument #1 to 'walk' (a whole number is needed, not a string)" },
    { 'bpf:perf_buffer_poll({})', "bad argument #1 to 'perf_buffer_poll' (a number is needed, not a table)" },
    { 'bpf:load_func("f", "NONSENSE")', "there is no program type NONSENSE" },
    { 'bpf:load_func(5, "KPROBE")', "bad argument #1 to 'load_func' (a string is needed, not a number)" },
    { 'bpf:attach_uprobe { fn_name = "f", name = "c", symbol = "puts" }', "has no option 'symbol'; it takes addr, cookie" },
    { 'bpf:attach_uprobe { fn_name = "f", name = "c" }', "attach_uprobe{}: sym, addr or sym_re is needed" },
    { 'bpf:attach_tracepoint { fn_name = "f", tp = "a:b", cookie = {} }',
      "cookie must be a whole number or a function, not a table" },
    { 'bpf:attach_raw_tracepoint { fn_name = "f", tp = "a", cookie = print }', "cookie must be a whole number, not a function" },
    { 'bpf:attach_uprobe { fn_name = "f", name = "c", sym = "puts", cookie = print }',
      "attach_uprobe{}: cookie can be a function only with sym_re" },
    { 'bpf:attach_kprobe { fn_name = "f", event = "vfs_read", cookie = print }', "only with event_re" },
    { 'bpf:attach_tracepoint { fn_name = "f", tp = "a:b", cookie = print }', "only with tp_re" },
    { 'bpf.module:program("f"):attach_kprobe_multi({ "a" }, false, { 1, 2 })', "there must be as many cookies as functions" },
    { 'bpf.module:program("f"):attach_kprobe_multi({ "a" }, false, { "x" })', "cookie must be a whole number" },
    { 'bpf:get_table("h"):set(1, 2, 64)', "flags of ebcc_table_update() has bits" },
    { 'BPF:new { text = "", debug = 1 << 20 }', "does not know: 0x100000" },
    { 'bpf:attach_uretprobe { name = "c" }', "attach_uretprobe{}: fn_name is needed" },
    { 'bpf:attach_kretprobe { fn_name = "f", event = 5 }', "event must be a string, not a number" },
    { 'bpf:attach_raw_tracepoint { fn_name = "f" }', "attach_raw_tracepoint{}: tp is needed" },
    { 'bpf:attach_func { fn_name = "f", fd = 1.5, attach_type = 1 }', "fd must be a whole number, not 1.5" },
    { 'bpf:attach_uprobe { fn_name = "f", name = "c", sym = "puts", pid = 1 << 32 | 1 }',
      "pid: 4294967297 is not a number from -2147483648 to 2147483647" },
    { 'bpf:attach_perf_event { fn_name = "f", ev_type = -1, ev_config = 0, sample_freq = 9 }',
      "ev_type: -1 is not a number from 0 to 4294967295" },
    { 'bpf:get_table("stacks"):get(1 << 32)', "bad argument #1 to 'get' (4294967296 is not a number from" },
    { 'BPF.USDT:new { pid = 1 << 32 }', "pid: 4294967296 is not a number from" },
    { 'BPF.SymbolCache(1 << 32):resolve(5)', "4294967296 is not a number from" },
    { 'bpf:attach_usdt { fn_name = "f", probe = "x", usdt = {} }', "usdt must be an object of USDT, not a table" },
    { 'bpf:get_table("perf"):open_perf_buffer()', "bad argument #1 to 'open_perf_buffer' (a function is needed, not nil)" },
    { 'bpf:get_table("perf"):open_perf_buffer(print, { pages = 8 })', "open_perf_buffer{} has no option 'pages'" },
    { 'bpf:get_table("perf"):open_perf_buffer(print, { page_count = "x" })', "page_count must be a whole number" },
    { 'bpf:get_table("perf"):open_ring_buffer(print)', "open_ring_buffer does not open table 'perf': open_perf_buffer does" },
    { 'bpf:get_table("ring"):open_perf_buffer(print)', "open_perf_buffer does not open table 'ring': open_ring_buffer does" },
    { 'bpf:get_table("h"):open_perf_buffer(print)', "table 'h' is not a perf or ring buffer" },
    { 'bpf:get_table("perf"):open_perf_buffer(print, "struct {")', "event type does not compile" },
    { 'BPF:new { text = 5 }', "BPF:new{}: text must be a string, not a number" },
    { 'BPF:new { text = "", cflag = {} }', "BPF:new{} has no option 'cflag'; it takes allow_rlimit, " },
    { 'BPF:new { text = "", cflags = { 5 } }', "cflags must be a string or a list of strings, not a table" },
    { 'BPF:new { text = "const volatile u8 limit = 0;", constants = { limit = 256 } }', "limit: 256 does not fit 8 bits" },
    { 'BPF:new { text = "nonsense" }', "main.c does not compile" },
    { 'BPF.SymbolCache("x")', "bad argument #1 to 'SymbolCache' (a whole number is needed" },
    { 'BPF.SymbolCache():resolve("x")', "bad argument #1 to 'resolve' (an address is needed, not a string)" },
    { 'BPF.USDT:new { path = 5 }', "path must be a string, not a number" },
    { 'BPF.get_kprobe_functions("(")', "is not a regular expression" },
  }
  for _, case in ipairs(cases) do
    local call = assert(load("local BPF, bpf = ...\nlocal result = " .. case[1], "=script"))
    local text = helper.raised(call, BPF, bpf)
    lu.assertStrContains(text, case[2])
    lu.assertEquals(text:sub(1, 10), "script:2: ", text)
  end
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
  lu.assertEquals(tostring(bpf), "ebcc.BPF: closed")
  lu.assertEquals(tostring(hash), "ebcc.Table (closed)")
end

function TestMistakes:test_methods_of_other_objects()
  local bpf <close> = BPF:new { text = "BPF_HASH(h); int f(void *ctx) { return 0; }" }
  local hash = bpf:get_table("h")
  for _, wrong in ipairs { io.stdout, {}, 5, bpf.module } do
    lu.assertStrContains(helper.raised(hash.get, wrong, 1), "ebcc.Table expected")
    lu.assertStrContains(helper.raised(bpf.module.close, wrong == bpf.module and hash or wrong), "ebcc.Module expected")
  end
  lu.assertStrContains(helper.raised(ebcc.bytes, io.stdout), "ebcc record expected")
  lu.assertEquals(getmetatable(hash), "ebcc.Table")
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
  -- A log function that fails doesn't disturb the module.
  options.log = function() error("no") end
  BPF:new(options):close()
end
