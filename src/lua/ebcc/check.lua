-- SPDX-License-Identifier: Apache-2.0
-- What scripts hand to methods, looked at where it comes in: a mistake is told with the script's own
-- line and the name of the method that the script called.

local ebcc = require "ebcc._ebcc"

local check = {}

-- Files in this one's directory are no scripts. Where it was not loaded from a file, no source begins so.
ebcc.add_package(debug.getinfo(1, "S").source:match("^(.*/)") or "\n")

--- Raises a text, with the line of the script.
---@param text string
---@param ... any what the conversions in the text stand for
function check.fail(text, ...)
  error(ebcc.where() .. (select("#", ...) > 0 and text:format(...) or text), 0)
end

local KINDS = {
  string = { "a string", function(given) return type(given) == "string" end },
  -- Text will do where it is a number, as numbers of the command line are.
  integer = { "a whole number", function(given) return math.tointeger(tonumber(given)) ~= nil end },
  number = { "a number", function(given) return tonumber(given) ~= nil end },
  ["function"] = { "a function", function(given) return type(given) == "function" end },
  table = { "a table", function(given) return type(given) == "table" end },
  list = { "a string or a list of strings", function(given)
    for _, part in ipairs(type(given) == "table" and given or { given }) do
      if type(part) ~= "string" then
        return false
      end
    end
    return true
  end },
  usdt = { "an object of USDT", function(given)
    return type(given) == "table" and (getmetatable(given) or {}).__name == "ebcc.USDT"
  end },
  address = { "an address", function(given)
    return math.type(given) == "integer" or type(given) == "table"
  end },
  userdata = { "a table of the source", function(given) return type(given) == "userdata" end },
  choice = { "a string or a whole number", function(given)
    return type(given) == "string" or math.type(given) == "integer"
  end },
  any = { "anything", function() return true end },
}

-- The words for what a value is instead of a kind; nil when it is of that kind.
local function mismatch(given, kind)
  local words, fits = table.unpack(KINDS[kind])
  if not fits(given) then
    return words, math.type(given) == "float" and tostring(given)
      or given == nil and "nil" or "a " .. type(given)
  end
end

-- "a, b, c" of a table's keys.
local function names_of(kinds)
  local names = {}
  for name in pairs(kinds) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, ", ")
end

--- Raises unless a method's options are a table, have what is needed and know no other names.
---@param method string as the script calls it
---@param options any what the script gave
---@param kinds table<string, string> kinds of the options; with a "!" those that are needed
---@param tolerant? boolean other names are nobody's business
function check.options(method, options, kinds, tolerant)
  if type(options) ~= "table" then
    check.fail("%s{} takes a table of options, not %s", method, select(2, mismatch(options, "table")))
  end
  for name in pairs(options) do
    if not kinds[name] and not tolerant then
      check.fail("%s{} has no option '%s'; it takes %s", method, tostring(name), names_of(kinds))
    end
  end
  for name, kind in pairs(kinds) do
    local given, needed = options[name], kind:sub(-1) == "!"
    if given == nil then
      if needed then
        check.fail("%s{}: %s is needed", method, name)
      end
    else
      local words, instead = mismatch(given, needed and kind:sub(1, -2) or kind)
      if words then
        check.fail("%s{}: %s is to be %s, not %s", method, name, words, instead)
      end
    end
  end
end

--- Raises unless an argument is of a kind.
---@param method string as the script calls it
---@param number integer the argument's position in the script's call
---@param given any
---@param kind string with a "?", nil will do
function check.argument(method, number, given, kind)
  local optional = kind:sub(-1) == "?"
  if optional and given == nil then
    return
  end
  local words, instead = mismatch(given, optional and kind:sub(1, -2) or kind)
  if words then
    check.fail("bad argument #%d to '%s' (%s is needed, not %s)", number, method, words, instead)
  end
end

return check
