-- The helpers that bcc-lua adds for existing scripts.

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

function TestCompat:test_system()
  lu.assertTrue(compat.exists("/etc/passwd"))
  lu.assertFalse(compat.exists("/no/such/file"))
  lu.assertEquals(compat.spawn("echo %s %d", "hi", 3), "hi 3\n")
end

function TestCompat:test_ffi()
  lu.assertEquals(ffi.string("ab\0cd"), "ab")
  lu.assertEquals(ffi.string("abcd", 2), "ab")
  lu.assertEquals(ffi.sizeof("abcd"), 4)
  lu.assertStrContains(helper.raised(function() return ffi.new("int[1]") end), "ffi.new needs LuaJIT")
end

-- Globals change for scripts of bcc-lua only.
function TestCompat:test_package_leaves_globals_alone()
  lu.assertNil(string.split)
  lu.assertNil(table.values)
  lu.assertFalse((pcall(function() return "%d" % { 1 } end)))
end
