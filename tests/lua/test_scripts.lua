-- The program bcc-lua: what it provides to scripts, how it ends, its messages.

local ebcc = require "ebcc"
local helper = require "helper"
local lu = require "luaunit"

local BCC_LUA = "exec /usr/bin/lua5.4 " .. helper.root .. "src/lua/bcc-lua "

-- Runs the text of a script. Returns output, status, errors.
local function run(text, arguments, options)
  local path = helper.file(text)
  local output, status, errors = helper.run(BCC_LUA .. (options or "") .. " " .. path .. " " .. (arguments or ""))
  os.remove(path)
  return output, status, errors
end

TestScripts = {}

function TestScripts:test_function_gets_what_it_expects()
  local output, status, errors = run([[
local first = ...
return function(BPF, utils)
  print(type(BPF.new), type(utils.argparse), type(utils.posix.sleep), type(utils.USDT))
  print("%s %d" % { first, #arg }, arg[0]:ends(".lua") or arg[0]:starts("/tmp"), BCC_STANDALONE ~= nil)
  print(utils.posix.time_ns() > 0, utils.posix.tonumber64("0xff"), utils.posix.CLOCK.MONOTONIC)
  print(require("ffi").string("a\0b"), #{ unpack { 1, 2 } }, type(loadstring("return 1")))
  print(table.concat(("a,b"):split(","), "+"), string.format("%p", 255), "%u" % -1)
  print(bit.band(7, 3), require("bit") == bit, math.pow(2, 3))
end
]], "one two")
  lu.assertEquals({ status, errors }, { 0, "" })
  lu.assertEquals(output, "function\ttable\tfunction\ttable\none 2\ttrue\ttrue\ntrue\t255\t1\na\t2\tfunction\n" ..
    "a+b\tff\t18446744073709551615\n3\ttrue\t8.0\n")
end

function TestScripts:test_errors_and_types_as_scripts_for_luajit_take_them()
  local output, status, errors = run([[
local ffi = require "ffi"
return function(BPF)
  local ok, err = pcall(BPF.new, BPF, { text = "int f(void *ctx) { return absent; }" })
  print(ok, err:match("identifier '(%a+)'"), err:find("no such", 1, true), ("%s" % { err }) == tostring(err))
  local b = BPF:new { text = "struct pair { u32 a; char b[8]; }; BPF_HASH(t, u32, struct pair); BPF_ARRAY(a, u64, 3);" }
  local t, a = b:get_table("t"), b:get_table("a")
  print(t:leaf_sprintf({ { 5, "x" } }), t:key_sprintf({ 7 }), a:leaf_sprintf({ 9 }), a:key_sprintf({ 2 }))
  t:set({ 7 }, { { a = 5, b = "x" } })
  print(t:get({ 7 }).b, t:get(7).a, ffi.sizeof(t.c_leaf), ffi.sizeof(t.c_key), ffi.sizeof("struct { u64 x; u8 y; }"))
  print(pcall(t.key_sprintf, t, { 7, 8 }))
end
]])
  lu.assertEquals({ status, errors }, { 0, "" })
  local lines = {}
  for line in output:gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  lu.assertEquals({ lines[1], lines[2], lines[3] }, { "false\tabsent\tnil\ttrue",
    '{ 0x5 "x" }\t0x7\t0x9\t0x2', "x\t5\t12\t4\t16" })
  lu.assertStrMatches(lines[4], "false\t.*a whole number is needed, not table.*")
end

function TestScripts:test_plain_script()
  local output, status = run('print(require("bcc").version, #arg, require("bcc") == require("ebcc"))', "x")
  lu.assertEquals({ output, status }, { ebcc.version .. "\t1\ttrue\n", 0 })
end

function TestScripts:test_failing_to_attach_ends_a_script()
  local output, status, errors = run([[
return function(BPF)
  local b = BPF:new { text = "int f(void *ctx) { return 0; }" }
  b:attach_uprobe { name = "c", sym = "no_such_function", fn_name = "f" }
  print("not reached")
end
]])
  lu.assertEquals({ output, status }, { "", 1 })
  lu.assertStrContains(errors, "no_such_function")
  lu.assertStrContains(errors, "stack traceback")
  output, status, errors = run([[
return function(BPF)
  BPF.usdt { path = "c" }:enable_probe { probe = "no_such_probe", fn_name = "f" }
end
]])
  lu.assertEquals({ output, status }, { "", 1 })
  lu.assertStrContains(errors, "no_such_probe")
end

function TestScripts:test_source_beside_the_script()
  local path = helper.file("")
  os.remove(path)
  os.execute("mkdir " .. path)
  local script <close> = assert(io.open(path .. "/script.lua", "w"))
  script:write('return function(BPF) print(BPF:new { src_file = "program.c", hdr_file = "names.h" }:get_table("from_header")) end')
  script:close()
  for name, text in pairs { ["program.c"] = "BPF_HASH(NAME); int f(void *ctx) { return 0; }",
    ["names.h"] = "#define NAME from_header" } do
    local file <close> = assert(io.open(path .. "/" .. name, "w"))
    file:write(text)
  end
  local output, status, errors = helper.run(BCC_LUA .. path .. "/script.lua")
  os.execute("rm -r " .. path)
  lu.assertEquals({ output, status, errors }, { "ebcc.Table: from_header\n", 0, "" })
end

function TestScripts:test_error_of_a_script()
  local _, status, errors = run('return function() error("bad luck") end')
  lu.assertEquals(status, 1)
  lu.assertStrContains(errors, "bad luck")
  lu.assertStrContains(errors, "stack traceback")
  -- The traceback ends in the script, without the functions that run it.
  lu.assertNil(errors:find("bcc/run.lua", 1, true), errors)
  lu.assertNil(errors:find("xpcall", 1, true), errors)
  _, status, errors = run("this is not Lua")
  lu.assertEquals(status, 1)
  lu.assertStrMatches(errors, "bcc%-lua: [^\n]*:1: syntax error near 'is'\n")
  for _, path in ipairs { "/no/such/script.lua", "/tmp" } do
    _, status, errors = helper.run(BCC_LUA .. path)
    lu.assertEquals(status, 1)
    lu.assertStrMatches(errors, "bcc%-lua: cannot [^\n]*" .. path .. "[^\n]*\n")
  end
end

function TestScripts:test_status_of_a_script()
  local _, status = run("return function() os.exit(3) end")
  lu.assertEquals(status, 3)
  _, status = run("return function(_, utils) utils.argparse('x'):parse() end", "--nonsense")
  lu.assertNotEquals(status, 0)
end

-- Mistakes are reported with their place in the script; options of other bindings are ignored.
function TestScripts:test_place_of_a_mistake()
  local _, status, errors = run([[
return function(BPF)
  local b = BPF { text = "BPF_HASH(h, u32); int f(void *ctx) { return 0; }", unknown = 1 }
  b:attach_tracepoint { tp = "syscalls:sys_enter_unlink", fn_name = "f", group_fd = -1 }
  b:get_table("h"):get("x")
end
]])
  lu.assertEquals(status, 1)
  lu.assertStrMatches(errors, "bcc%-lua: [^\n]*:4: bad argument #1 to 'get' [^\n]*\nstack traceback:\n.*")
end

-- Ctrl-C ends whatever a script waits for, and detaches everything.
function TestScripts:test_interrupted_waits()
  for _, wait in ipairs {
    "b:perf_buffer_poll_loop()", "b:kprobe_poll_loop()", "while true do b:perf_buffer_poll(10000) end",
    "utils.posix.sleep(100) print('x')", "local pipe = b:pipe() while true do pipe:trace_fields() end",
  } do
    local output, status, errors = run(([[
return function(BPF, utils)
  local b = BPF:new { text = "BPF_PERF_OUTPUT(e); int f(void *ctx) { return 0; }" }
  b:get_table("e"):open_perf_buffer(print)
  os.execute("(sleep 0.2; kill -INT " .. utils.posix.getpid() .. ") &")
  %s
  print("not reached")
end
]]):format(wait))
    lu.assertEquals({ output, status, errors }, { "", 130, "" }, wait)
  end
end

function TestScripts:test_interrupt()
  local path = helper.file("return function() print('ready') while true do end end")
  local script <close> = helper.start(BCC_LUA .. path)
  script:wait_for("ready")
  script:signal("INT")
  local _, errors = script:finish()
  lu.assertEquals(errors, "")
  os.remove(path)
end

function TestScripts:test_verbose()
  local text = [[
return function(BPF, utils)
  log.info("value %d", 5)
  BPF:new { text = "int f(void *ctx) { char *p = 5; return p != 0; }" }
end
]]
  local _, status, errors = run(text)
  lu.assertEquals({ status, errors }, { 0, "" })
  _, status, errors = run(text, nil, "--verbose --")
  lu.assertEquals(status, 0)
  lu.assertStrContains(errors, "value 5\n")
  lu.assertStrContains(errors, "incompatible integer to pointer conversion")
end

function TestScripts:test_options()
  local output, status = helper.run(BCC_LUA .. "--help")
  lu.assertEquals(status, 0)
  lu.assertStrContains(output, "usage: bcc-lua")
  lu.assertStrContains(output, "examples:")
  lu.assertEquals(helper.run(BCC_LUA .. "--version"), ("bcc-lua %s on Lua 5.4\n"):format(ebcc.version))
  local page = helper.root .. "man/bcc-lua.8"
  local file <close> = assert(io.open(page))
  local manual = file:read("a"):gsub("\\%-", "-")
  for options in output:gmatch("\n  (%-[%a, -]-)  ") do
    for option in options:gmatch("%-+%a+") do
      lu.assertStrMatches(manual, ".*\n%.BR? [^\n]*" .. option:gsub("%-", "%%-") .. "[^\n]*\n.*")
    end
  end
  local _, formatted, complaints = helper.run("groff -man -Tutf8 -ww " .. page .. " >/dev/null")
  lu.assertEquals({ formatted, complaints }, { 0, "" })
  local _, misuse, errors = helper.run(BCC_LUA)
  lu.assertEquals(misuse, 2)
  lu.assertStrContains(errors, "a script is needed")
  _, misuse, errors = helper.run(BCC_LUA .. "--nonsense x.lua")
  lu.assertEquals(misuse, 2)
  lu.assertStrContains(errors, "--nonsense")
end
