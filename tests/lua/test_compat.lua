-- The helpers that bcc-lua adds for existing scripts.

local bit = require "bcc.bit"
local compat = require "bcc.compat"
local ffi = require "bcc.ffi"
local helper = require "helper"
local lu = require "luaunit"

TestCompat = {}

function TestCompat:test_format()
  local cases = {
    { "ffff800012345678", "%p", 0xffff800012345678 },
    { "|              ff|ff              |", "|%16p|%-16p|", 255, 255 },
    { "18446744073709551615 5", "%u %lu", -1, 5 },
    { "1 -1 ff 100%", "%d %ld %llx %d%%", 1.9, -1.9, 255, 100 },
    { "3.14 x", "%.2f %s", 3.14159, "x" },
    { "    5|5    |", "%5u|%-5u|", 5, 5 },
    { "2 2.5 -1", "%s %s %s", 2.0, 2.5, -1 },
    { "no arguments", "no arguments" },
  }
  for _, case in ipairs(cases) do
    lu.assertEquals(compat.format(table.unpack(case, 2)), case[1])
  end
  lu.assertStrMatches(compat.format("%p", {}), "0x%x+")
  lu.assertStrContains(helper.raised(compat.format, "%d"), "no value")
  lu.assertStrContains(helper.raised(compat.format, "%d", "x"), "number expected")
end

function TestCompat:test_split()
  lu.assertEquals(compat.split("a,b,,c", ","), { "a", "b", "", "c" })
  lu.assertEquals(compat.split("a b  c"), { "a", "b", "c" })
  lu.assertEquals(compat.split("a.b.c", ".", true), { "a", "b", "c" })
  lu.assertEquals(compat.split("a1b2c", "%d"), { "a", "b", "c" })
  lu.assertEquals(compat.split("a,b,c", ",", true, 2), { "a", "b,c" })
  lu.assertEquals(compat.split("", ","), {})
  lu.assertEquals(compat.split("abc", ""), { "abc" })
end

function TestCompat:test_texts()
  lu.assertTrue(compat.starts("hello", "he"))
  lu.assertFalse(compat.starts("hello", "lo"))
  lu.assertTrue(compat.ends("hello", "lo") and compat.ends("hello", ""))
  lu.assertFalse(compat.ends("hello", "he"))
  lu.assertEquals(compat.lstrip("xxhello", "xx"), "hello")
  lu.assertEquals(compat.lstrip("hello", "xx"), "hello")
  lu.assertEquals(compat.escape("a.b*c%"), "a%.b%*c%%")
end

function TestCompat:test_lists()
  lu.assertEquals(compat.count { 1, 2, a = 3 }, 3)
  lu.assertItemsEquals(compat.values { 1, a = 3 }, { 1, 3 })
  lu.assertEquals(compat.join({ 1 }, { 2, 3 }), { 1, 2, 3 })
  local found = {}
  for _, value in ipairs { 0, 1, 4, 5, 9 } do
    found[#found + 1] = compat.bsearch({ 1, 3, 5, 7 }, value)
  end
  lu.assertEquals(found, { 0, 1, 2, 3, 4 })
  lu.assertEquals(compat.bsearch({ { 1 }, { 3 } }, 2, function(e) return e[1] end), 1)
end

-- Like LuaJIT: 32 bits, signed, unless an operand has more.
function TestCompat:test_bits()
  lu.assertEquals({ bit.band(0xff, 0x0f, 0x3), bit.bor(1, 2, 4), bit.bxor(6, 3) }, { 3, 7, 5 })
  lu.assertEquals({ bit.band(0xffffffff, 0xf0000000), bit.bnot(0), bit.tobit(0x180000001) }, { -0x10000000, -1, -0x7fffffff })
  lu.assertEquals({ bit.lshift(1, 31), bit.lshift(1, 33), bit.rshift(-1, 28), bit.arshift(-256, 4) }, { -0x80000000, 2, 15, -16 })
  lu.assertEquals({ bit.rol(0x12345678, 12), bit.ror(0x12345678, 12) }, { 0x45678123, 0x67812345 })
  lu.assertEquals({ bit.bswap(0x12345678), bit.tohex(255), bit.tohex(255, -4) }, { 0x78563412, "000000ff", "00FF" })
  local wide = 0xffff888012345678
  lu.assertEquals({ bit.band(wide, 0xff), bit.rshift(wide, 48), bit.arshift(wide, 60) }, { 0x78, 0xffff, -1 })
  lu.assertEquals({ bit.lshift(wide, 4), bit.tohex(wide), bit.bswap(wide) }, { 0xfff8880123456780, "ffff888012345678", 0x785634128088ffff })
  lu.assertEquals({ bit.rol(wide, 0), bit.band(3.0, 2) }, { wide, 2 })
end

function TestCompat:test_system()
  lu.assertTrue(compat.exists("/etc/passwd"))
  lu.assertFalse(compat.exists("/no/such/file"))
  lu.assertEquals(compat.spawn("echo %s %d", "hi", 3), "hi 3\n")
end

function TestCompat:test_ffi()
  lu.assertEquals(ffi.string("ab\0cd"), "ab")
  lu.assertEquals(ffi.string("abcd", 2), "ab")
  lu.assertEquals({ ffi.sizeof("int"), ffi.sizeof("struct { u64 a; char b; }"), ffi.sizeof("char[16]") }, { 4, 16, 16 })
  lu.assertStrContains(helper.raised(ffi.sizeof, "abcd"), '"abcd"): this is not a C type')
  lu.assertStrContains(helper.raised(function() return ffi.new("int[1]") end), "ffi.new needs LuaJIT")
end

function TestCompat:test_sizes_of_tables()
  local b <close> = helper.bpf [[
struct key { u32 pid; char name[16]; };
BPF_HASH(counts, struct key, u64);
BPF_ARRAY(numbers, u16, 4);
BPF_QUEUE(waiting, u32, 4);
]]
  local counts, numbers = b:get_table("counts"), b:get_table("numbers")
  lu.assertEquals({ ffi.sizeof(counts.c_key), ffi.sizeof(counts.c_leaf) }, { 20, 8 })
  lu.assertEquals({ ffi.sizeof(numbers.c_key), ffi.sizeof(numbers.c_leaf) }, { 4, 2 })
  lu.assertEquals({ ffi.sizeof(b:get_table("waiting").c_leaf), numbers.no_such }, { 4, nil })
  counts:set({ 1, "x" }, 5)
  local key = counts:next()
  lu.assertEquals(ffi.sizeof(key), 20)
  lu.assertStrContains(helper.raised(counts.c_leaf), "needs LuaJIT")
end

-- Globals change only for scripts of bcc-lua.
function TestCompat:test_package_leaves_globals_alone()
  lu.assertNil(string.split)
  lu.assertNil(table.values)
  lu.assertFalse((pcall(function() return "%d" % { 1 } end)))
end
