-- SPDX-License-Identifier: Apache-2.0
-- LuaJIT's library of bit operations. In LuaJIT, operations on plain numbers have 32 bits and signed
-- results, and 64-bit values are a separate type; here, an operation has 32 bits if its operands fit.
-- bcc-lua provides this as the global and the module "bit".

local bit = {}

local function is_narrow(number)
  return number >= -0x80000000 and number <= 0xffffffff
end

-- The operand as an integer, rounded as LuaJIT does.
local function whole(operand)
  return math.tointeger(operand) or math.floor(operand + 0.5)
end

--- The lower 32 bits of a number, signed.
---@param number number
---@return integer
function bit.tobit(number)
  number = whole(number) & 0xffffffff
  return number >= 0x80000000 and number - 0x100000000 or number
end

-- Makes a function of any number of operands from a function of two.
local function joining(join)
  return function(first, ...)
    local result, narrow = whole(first), is_narrow(first)
    for _, operand in ipairs { ... } do
      result, narrow = join(result, whole(operand)), narrow and is_narrow(operand)
    end
    return narrow and bit.tobit(result) or result
  end
end

--- Bitwise and, or, and exclusive or of any number of operands.
---@type fun(first: number, ...: number): integer
bit.band = joining(function(a, b) return a & b end)
---@type fun(first: number, ...: number): integer
bit.bor = joining(function(a, b) return a | b end)
---@type fun(first: number, ...: number): integer
bit.bxor = joining(function(a, b) return a ~ b end)
--- Bitwise not.
---@param number number
---@return integer
function bit.bnot(number)
  return bit.bxor(number, -1)
end

-- Makes a function that shifts a number. The count is taken modulo the number's width, and the given
-- function gets the number as unsigned.
local function shifting(shift)
  return function(number, count)
    local narrow = is_narrow(number)
    local width = narrow and 32 or 64
    local result = shift(narrow and whole(number) & 0xffffffff or whole(number), whole(count) % width, width)
    return narrow and bit.tobit(result) or result
  end
end

---@type fun(number: number, count: integer): integer
bit.lshift = shifting(function(number, count) return number << count end)
---@type fun(number: number, count: integer): integer
bit.rshift = shifting(function(number, count) return number >> count end)
--- Shifts to the right and fills with copies of the sign bit.
---@type fun(number: number, count: integer): integer
bit.arshift = shifting(function(number, count, width)
  local negative = number >> (width - 1) & 1 == 1
  return number >> count | (negative and ~(~0 >> 64 - width >> count) or 0)
end)
--- Rotates to the left.
---@type fun(number: number, count: integer): integer
bit.rol = shifting(function(number, count, width)
  return number << count | number >> width - count
end)
--- Rotates to the right.
---@type fun(number: number, count: integer): integer
bit.ror = shifting(function(number, count, width)
  return number >> count | number << width - count
end)

--- The number with its bytes in reverse order.
---@param number number
---@return integer
function bit.bswap(number)
  if is_narrow(number) then
    return bit.tobit((string.unpack(">I4", string.pack("<I4", whole(number) & 0xffffffff))))
  end
  return (string.unpack(">i8", string.pack("<i8", whole(number))))
end

--- The number in hexadecimal: its lowest digits, 8 by default (16 if it needs more than 32 bits); in upper
--- case if digits is negative.
---@param number number
---@param digits? integer
---@return string
function bit.tohex(number, digits)
  digits = digits or is_narrow(number) and 8 or 16
  local count = math.min(math.abs(digits), 16)
  return (("%016x"):format(whole(number)):sub(17 - count):gsub("%a", digits < 0 and string.upper or "%0"))
end

return bit
