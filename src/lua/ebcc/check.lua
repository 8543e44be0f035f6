-- SPDX-License-Identifier: Apache-2.0
-- Checks what scripts pass to methods, so that errors refer to the script's own line and to the method
-- that the script called.

local ebcc = require "ebcc._ebcc"

local check = {}

-- Files in this directory are not scripts. If this one was not loaded from a file, "\n" matches no source.
ebcc.add_package(debug.getinfo(1, "S").source:match("^(.*/)") or "\n")

--- Raises a message with the line of the script.
---@param text string
---@param ... any arguments of the conversions in the text
function check.fail(text, ...)
  error(ebcc.where() .. (select("#", ...) > 0 and text:format(...) or text), 0)
end

local KINDS = {
  string = { "a string", function(given) return type(given) == "string" end },
  -- A string will do if it is a number, as arguments of the command line are.
  integer = { "a whole number", function(given) return math.tointeger(tonumber(given)) ~= nil end },
  cookie = { "a whole number or a function", function(given)
    return type(given) == "function" or math.tointeger(tonumber(given)) ~= nil
  end },
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

-- Returns nil if a value is of a kind; else words for the kind and for what the value is instead.
local function mismatch(given, kind)
  local words, fits = table.unpack(KINDS[kind])
  if not fits(given) then
    return words, math.type(given) == "float" and tostring(given)
      or given == nil and "nil" or "a " .. type(given)
  end
end

-- The keys of a table as "a, b, c".
local function names_of(kinds)
  local names = {}
  for name in pairs(kinds) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, ", ")
end

--- Raises unless the options of a method are a table, complete, of the right kinds, and without other names.
---@param method string the name by which the script calls it
---@param options any what the script passed
---@param kinds table<string, string> the kinds of the options, with a "!" if required
---@param tolerant? boolean allow other names
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
        check.fail("%s{}: %s must be %s, not %s", method, name, words, instead)
      end
    end
  end
end

--- Raises unless an argument is of a kind.
---@param method string the name by which the script calls it
---@param number integer the argument's position in the script's call
---@param given any
---@param kind string with a "?" if nil is allowed
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
