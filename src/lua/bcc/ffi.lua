-- SPDX-License-Identifier: Apache-2.0
-- What scripts written for LuaJIT ask of its ffi when they only look at values: here values are
-- Lua's own already. bcc-lua offers this as the module "ffi"; whatever needs the real one says so.

local ebcc = require "ebcc._ebcc"
local check = require "ebcc.check"
local value = require "ebcc.value"

local ffi = { os = "Linux", arch = "x64" }

local function unavailable(what)
  check.fail("%s needs LuaJIT: this is Lua 5.4, where values of tables and events are Lua's own", what)
end

-- What a table's c_key and c_leaf are: types of which only the size is known.
local c_type = {
  __name = "ebcc.CType",
  __call = function() unavailable("making a value of a C type") end,
}

--- The text of a char array, up to its NUL; with a length, so many bytes. Other records give their
--- bytes.
---@param text string|ebcc.Record
---@param length? integer
---@return string
function ffi.string(text, length)
  if type(text) ~= "string" then
    text = ebcc.bytes(text)
  end
  return length and text:sub(1, length) or text:match("^[^\0]*")
end

-- The size of a C type by its text. A char array's value is a string, too, but a string doesn't know
-- the room that it had.
local function size_of_type(text)
  local known, layout = pcall(value.describe, text)
  if not known then
    check.fail("ffi.sizeof(%q): that is no C type, and of a char array's value, which is a string here, "
      .. "the room is not known", text)
  end
  return #layout
end

--- The size of a record, of a C type by its text, or of a table's c_key or c_leaf.
---@param object string|ebcc.Record|table
---@return integer
function ffi.sizeof(object)
  if getmetatable(object) == c_type then
    return object.size
  end
  return type(object) == "string" and size_of_type(object) or #ebcc.bytes(object)
end

--- Values need no declarations here; those of a script are of no use, and do no harm.
function ffi.cdef()
end

-- Scripts reach a table's types as its members.
local table_class = debug.getregistry()["ebcc.Table"]
local methods = table_class.__index
local SIZES = { c_key = "key_size", c_leaf = "leaf_size" }

function table_class.__index(self, name)
  local size = SIZES[name]
  return size and setmetatable({ size = self:facts()[size] }, c_type) or methods[name]
end

return setmetatable(ffi, {
  __index = function(_, name)
    unavailable("ffi." .. tostring(name))
  end,
})
