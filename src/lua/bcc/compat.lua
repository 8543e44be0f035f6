-- SPDX-License-Identifier: Apache-2.0
-- What existing scripts use besides BPF: "fmt" % {...}, string.split and similar functions, %p and %u
-- for integers, functions of Lua 5.1. All this changes globals, so only bcc-lua does it.

local compat = {}

local plain_format = string.format

-- A 64-bit integer as unsigned decimal.
local function unsigned_text(number)
  if number >= 0 then
    return tostring(number)
  end
  local tens = (number >> 1) // 5
  return plain_format("%d%d", tens, number - tens * 10)
end

-- Converts to an integer where a conversion requires one, as LuaJIT does.
local function to_integer(argument)
  local number = tonumber(argument)
  if math.type(number) == "float" and number == number and math.abs(number) < 2 ^ 63 then
    return math.tointeger(number < 0 and math.ceil(number) or math.floor(number))
  end
  return number or argument
end

-- Translates a conversion of C's printf() to one of Lua 5.4: returns its flags and letter, and the argument.
local function conversion(flags, letter, argument)
  if letter == "p" and math.type(argument) then
    return flags .. "x", to_integer(argument)
  elseif letter == "u" then
    return flags:gsub("0", "", 1) .. "s", unsigned_text(to_integer(argument))
  elseif letter == "s" and math.type(argument) == "float" then
    -- Older versions of Lua have one type of numbers: 4 / 2 is printed as 2.
    return flags .. letter, plain_format("%.14g", argument)
  elseif letter:find("[dixXoc]") then
    return flags .. letter, to_integer(argument)
  end
  return flags .. letter, argument
end

--- Like string.format(), but accepts %p and %u for integers, C's length modifiers, and numbers with a
--- fraction for %d.
---@param format string
---@return string
function compat.format(format, ...)
  local arguments, position = table.pack(...), 0
  local changed = format:gsub("%%([-+ #0-9.]*)[hlLjzt]*([%a%%])", function(flags, letter)
    if letter == "%" then
      return nil
    end
    position = position + 1
    if position <= arguments.n then
      local text
      text, arguments[position] = conversion(flags, letter, arguments[position])
      return "%" .. text
    end
  end)
  return plain_format(changed, table.unpack(arguments, 1, arguments.n))
end

local plain_modulo = getmetatable("").__mod

-- "fmt" % {...} and "fmt" % value. Strings that contain numbers are still divided.
local function modulo(left, right)
  if type(left) ~= "string" or not left:find("%", 1, true) then
    return plain_modulo(left, right)
  elseif type(right) == "table" and not getmetatable(right) then
    return compat.format(left, table.unpack(right, 1, right.n or #right))
  end
  return compat.format(left, right)
end

--- Splits a text at matches of a pattern (with plain: at a string), by default spaces, into at most
--- limit parts. An empty text has no parts.
---@param text string
---@param separator? string
---@param plain? boolean
---@param limit? integer
---@return string[]
function compat.split(text, separator, plain, limit)
  separator = separator or "%s+"
  local parts, start = {}, 1
  while text ~= "" do
    local first, last = text:find(separator, start, plain)
    if not first or last < first or (limit and #parts + 1 >= limit) then
      parts[#parts + 1] = text:sub(start)
      break
    end
    parts[#parts + 1] = text:sub(start, first - 1)
    start = last + 1
  end
  return parts
end

function compat.starts(text, prefix)
  return text:sub(1, #prefix) == prefix
end

function compat.ends(text, suffix)
  return suffix == "" or text:sub(-#suffix) == suffix
end

--- Removes a prefix from a text.
function compat.lstrip(text, prefix)
  return compat.starts(text, prefix) and text:sub(#prefix + 1) or text
end

--- A pattern that matches exactly this text.
function compat.escape(text)
  return (text:gsub("%p", "%%%0"))
end

function compat.count(list)
  local number = 0
  for _ in pairs(list) do
    number = number + 1
  end
  return number
end

function compat.values(map)
  local list = {}
  for _, element in pairs(map) do
    list[#list + 1] = element
  end
  return list
end

--- Appends the second list to a copy of the first.
function compat.join(first, second)
  local list = table.move(first, 1, #first, 1, {})
  return table.move(second, 1, #second, #list + 1, list)
end

--- The position, in a sorted list, of the last element that is not greater than a value; 0 if there is
--- none.
---@param list any[]
---@param wanted any
---@param key? fun(element: any): any returns what to compare of an element
---@return integer
function compat.bsearch(list, wanted, key)
  local low, high = 0, #list
  while low < high do
    local middle = (low + high + 1) // 2
    local element = key and key(list[middle]) or list[middle]
    if element <= wanted then
      low = middle
    else
      high = middle - 1
    end
  end
  return low
end

function compat.exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

--- Formats a command, runs it, and returns its output.
function compat.spawn(format, ...)
  local pipe <close> = assert(io.popen(compat.format(format, ...)))
  return pipe:read("a")
end

--- Sets globals under the names that scripts use.
function compat.install()
  string.format = compat.format
  getmetatable("").__mod = modulo
  for _, name in ipairs { "split", "starts", "ends", "lstrip", "escape" } do
    string[name] = compat[name]
  end
  for _, name in ipairs { "count", "values", "join", "bsearch" } do
    table[name] = compat[name]
  end
  os.exists, os.spawn = compat.exists, compat.spawn
  _G.unpack, _G.loadstring = table.unpack, load
  math.pow = function(base, exponent) return base ^ exponent end
  _G.bit = require "bcc.bit"
  package.preload.bit = function() return _G.bit end
end

return compat
