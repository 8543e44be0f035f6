-- Values of C types as Lua values and back: integers, booleans, floats, text, structs, arrays, bit
-- fields; values that don't fit are rejected.

local ebcc = require "ebcc"
local helper = require "helper"
local lu = require "luaunit"

TestValues = {}

function TestValues:setUp()
  self.bpf = helper.bpf [[
enum color { RED = 1, BLUE = -7 };
struct inner { u16 x; u8 bytes[3]; };
struct key {
  u8 small;
  s8 signed_small;
  u64 big;
  s64 signed_big;
  bool yes;
  enum color color;
  void *pointer;
  char name[8];
  struct inner inner;
  struct inner list[2];
  union { u32 whole; u16 halves[2]; };
  u32 low:3, high:5;
  int negative:4;
  double number;
  float narrow;
  unsigned __int128 wide;
};
BPF_HASH(keys, struct key, u64);
BPF_HASH(leaves, u32, struct key);
BPF_ARRAY(texts, char[16], 2);
BPF_ARRAY(numbers, u8, 2);
int unused(void *ctx) { return 0; }
]]
  self.table = self.bpf:get_table("leaves")
end

function TestValues:tearDown()
  self.bpf:close()
end

-- A record that is packed by a macro of the kernel's headers: its members have the offsets of C.
function TestValues:test_packed_records()
  local bpf = helper.bpf [[
struct packed { u8 first; u32 second; } __packed;
BPF_ARRAY(records, struct packed, 1);
BPF_ARRAY(spread, struct { struct packed both; u8 third __aligned(4); }, 1);
int unused(void *ctx) { return 0; }
]]
  local records, spread = bpf:get_table("records"), bpf:get_table("spread")
  lu.assertEquals(records:facts().leaf_size, 5)
  lu.assertEquals(spread:facts().leaf_size, 12)
  lu.assertTrue(spread:set(0, { both = { first = 1, second = 0x05040302 }, third = 6 }))
  lu.assertEquals(spread:get(0).both.second, 0x05040302)
  lu.assertEquals(spread:get(0).third, 6)
  bpf:close()
end

-- Stores a value and reads it back.
function TestValues:stored(value)
  lu.assertTrue(self.table:set(1, value))
  return self.table:get(1)
end

function TestValues:test_integers()
  local value = self:stored { small = 255, signed_small = -128, big = -1, signed_big = math.mininteger }
  lu.assertEquals(value.small, 255)
  lu.assertEquals(value.signed_small, -128)
  lu.assertEquals(value.big, -1)
  lu.assertEquals(("%x"):format(value.big), ("f"):rep(16))
  lu.assertEquals(value.signed_big, math.mininteger)
  lu.assertEquals(math.type(value.big), "integer")
end

function TestValues:test_other_plain_values()
  local value = self:stored {
    yes = true, color = -7, pointer = 0xffff888000000000, number = 2.5, narrow = -0.5,
    wide = ("\1"):rep(16),
  }
  lu.assertIs(value.yes, true)
  lu.assertEquals(value.color, -7)
  lu.assertEquals(value.pointer, 0xffff888000000000)
  lu.assertEquals({ value.number, value.narrow }, { 2.5, -0.5 })
  lu.assertEquals(value.wide, ("\1"):rep(16))
  lu.assertIs(self:stored({ yes = 0 }).yes, false)
end

function TestValues:test_text_ends_at_its_nul()
  lu.assertEquals(self:stored({ name = "ab\0c" }).name, "ab")
  lu.assertEquals(self:stored({ name = "12345678" }).name, "12345678")
  local texts = self.bpf:get_table("texts")
  texts:set(0, "hello")
  lu.assertEquals(texts:get(0), "hello")
end

function TestValues:test_structs_and_arrays_are_views()
  local value = self:stored {
    inner = { x = 1, bytes = { 7, 8 } }, list = { { x = 2 }, { x = 3, bytes = { 1, 2, 3 } } },
  }
  lu.assertEquals({ value.inner.x, value.inner.bytes[1], value.inner.bytes[3] }, { 1, 7, 0 })
  lu.assertEquals({ #value.list, value.list[2].x, value.list[2].bytes[3] }, { 2, 3, 3 })
  value.list[2].bytes[3] = 9
  value.inner.x = 65535
  lu.assertEquals({ value.list[2].bytes[3], value.inner.x }, { 9, 65535 })
  lu.assertEquals(self:stored(value).list[2].bytes[3], 9)
  -- The part keeps the whole alive.
  local part = self:stored(value).list[2]
  collectgarbage()
  collectgarbage()
  lu.assertEquals(part.x, 3)
end

function TestValues:test_nameless_unions_belong_to_the_struct()
  local value = self:stored { whole = 0x00020001 }
  lu.assertEquals({ value.halves[1], value.halves[2] }, { 1, 2 })
end

function TestValues:test_bit_fields()
  local value = self:stored { low = 7, high = 1, negative = -2 }
  lu.assertEquals({ value.low, value.high, value.negative }, { 7, 1, -2 })
  value.low = 0
  value.negative = -8
  lu.assertEquals({ value.low, value.high, value.negative }, { 0, 1, -8 })
end

function TestValues:test_members_by_position()
  local value = self:stored { 1, -2, 3 }
  lu.assertEquals({ value.small, value.signed_small, value.big }, { 1, -2, 3 })
end

function TestValues:test_pairs_and_text()
  local names = {}
  local value = self:stored { small = 1, inner = { x = 5 } }
  for name in pairs(value) do
    names[#names + 1] = name
  end
  lu.assertEquals(table.concat(names, " ", 1, 9),
    "small signed_small big signed_big yes color pointer name inner")
  local elements = {}
  for number, element in ipairs(value.list) do
    elements[number] = element.x
  end
  lu.assertEquals(elements, { 0, 0 })
  lu.assertStrContains(tostring(value), 'small = 1, signed_small = 0')
  lu.assertStrContains(tostring(value), 'inner = {x = 5, bytes = {0, 0, 0}}')
end

function TestValues:test_plain_copy()
  local copy = ebcc.totable(self:stored { small = 1, inner = { x = 5, bytes = { 1, 2, 3 } } })
  lu.assertEquals(copy.inner, { x = 5, bytes = { 1, 2, 3 } })
  lu.assertEquals(ebcc.totable(5), 5)
end

function TestValues:test_equality_and_bytes()
  local one, other = self:stored { small = 1 }, self:stored { small = 1 }
  lu.assertTrue(one == other)
  lu.assertEquals(ebcc.bytes(one), ebcc.bytes(other))
  other.small = 2
  lu.assertFalse(one == other)
end

function TestValues:test_records_are_keys()
  local keys = self.bpf:get_table("keys")
  lu.assertTrue(keys:set({ small = 3, name = "x" }, 8))
  for key, leaf in keys:items() do
    lu.assertEquals({ key.small, key.name, leaf }, { 3, "x", 8 })
    lu.assertEquals(keys:get(key), 8)
    lu.assertEquals(keys:get(ebcc.bytes(key)), 8)
    lu.assertEquals(keys:key_scanf(keys:key_sprintf(key)), key)
  end
end

function TestValues:test_printed_form()
  local numbers = self.bpf:get_table("numbers")
  lu.assertEquals(numbers:leaf_sprintf(255), "0xff")
  lu.assertEquals(numbers:leaf_scanf("0x10"), 16)
  lu.assertEquals(numbers:key_sprintf(1), "0x1")
  -- The initializer of an array of one value, as in scripts for LuaJIT.
  lu.assertEquals({ numbers:leaf_sprintf { 255 }, numbers:key_sprintf { 1 } }, { "0xff", "0x1" })
end

function TestValues:test_records_outlive_their_module()
  local value = self:stored { small = 5, inner = { x = 6 } }
  self.bpf:close()
  self.table, self.bpf.tables = nil, {}
  collectgarbage()
  collectgarbage()
  lu.assertEquals({ value.small, value.inner.x }, { 5, 6 })
end

function TestValues:test_what_does_not_fit()
  local cases = {
    { { small = 256 }, "256 does not fit 8 bits" },
    { { small = -129 }, "-129 does not fit 8 bits" },
    { { low = 8 }, "8 does not fit 3 bits" },
    { { small = 1.5 }, "a whole number is needed, not 1.5" },
    { { small = "1" }, "a whole number is needed, not 1" },
    { { name = "123456789" }, "a string of 9 bytes does not fit 8" },
    { { list = { {}, {}, {} } }, "(list: 3 elements do not fit an array of 2)" },
    { { list = { {}, { bytes = { 1, 2, -200 } } } }, "(list[2].bytes[3]: -200 does not fit 8 bits)" },
    { { number = "1.5" }, "(number: a number is needed, not 1.5)" },
    { { inner = { 1, {}, 3 } }, "(inner: 3 values do not fit a struct of 2 members)" },
    { { inner = 5 }, "cannot stand for a value" },
    { { absent = 1 }, "the struct has no member 'absent'" },
    { "short", "is needed, not of 5" },
    { print, "a function cannot stand for a value" },
  }
  for _, case in ipairs(cases) do
    lu.assertStrContains(helper.raised(self.table.set, self.table, 1, case[1]), case[2])
  end
end

-- The same value on both sides, and the state after a failed assignment.
function TestValues:test_assigning_parts_of_a_record_to_it()
  local value = self:stored { list = { { x = 1 }, { x = 2 } }, inner = { x = 5 } }
  value.list = { value.list[2], value.list[1] }
  lu.assertEquals({ value.list[1].x, value.list[2].x }, { 2, 1 })
  local text = helper.raised(function() value.list[1] = { x = 7, bytes = { 256 } } end)
  lu.assertStrMatches(text, ".*test_values.lua:%d+: %[1%]%.bytes%[1%]: 256 does not fit 8 bits")
  lu.assertStrContains(helper.raised(function() value.inner = { x = 7, bytes = 5 } end), ": inner.bytes: a number cannot")
  lu.assertEquals({ value.list[1].x, value.inner.x }, { 2, 5 })
end

function TestValues:test_text_of_a_record_steers_no_terminal()
  lu.assertStrContains(tostring(self:stored { name = 'a"\27[2J\\' }), [[name = "a\"\x1b[2J\\"]])
end

function TestValues:test_iterator_is_of_one_type()
  local value = self:stored {}
  local next_member, next_element = pairs(value), pairs(value.list)
  for _, other in ipairs { value.inner, value.list, io.stdout } do
    lu.assertErrorMsgContains("bad argument #1", next_member, other)
  end
  lu.assertErrorMsgContains("iterator is for values of another type", next_element, value)
  lu.assertEquals((next_member(value)), "small")
end

function TestValues:test_wrong_use_of_records()
  local value = self:stored {}
  lu.assertStrContains(helper.raised(function() return value.absent end), "no member 'absent'")
  lu.assertStrContains(helper.raised(function() value.absent = 1 end), "no member 'absent'")
  lu.assertStrContains(helper.raised(function() return value[1] end), "members of a struct have names")
  lu.assertStrContains(helper.raised(function() return value.list[0] end), "arrays start at 1")
  lu.assertStrContains(helper.raised(function() value.list[3] = {} end), "the array ends at 2")
  lu.assertNil(value.list[3])
  lu.assertEquals(getmetatable(value), "ebcc record")
end

function TestValues:test_constants()
  local bpf <close> = helper.bpf {
    text = [[
struct setting { u32 number; char text[8]; };
const volatile struct setting setting = {};
const volatile s16 offset = 0;
BPF_ARRAY(seen, struct setting, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_unlink)
{
  struct setting copy = {.number = setting.number + offset};
  int zero = 0;

  copy.text[0] = setting.text[0];
  if (OURS)
    seen.update(&zero, &copy);
  return 0;
}
]],
    constants = { setting = { number = 40, text = "x" }, offset = -2 },
  }
  helper.act()
  local seen = bpf:get_table("seen"):get(0)
  lu.assertEquals({ seen.number, seen.text }, { 38, "x" })
  lu.assertStrContains(helper.raised(helper.bpf, { text = "int f(void *c) { return 0; }",
    constants = { absent = 1 } }), "no global variable 'absent'")
end
