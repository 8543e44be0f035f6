-- SPDX-License-Identifier: Apache-2.0
-- The functions of LuaJIT's ffi library that scripts use only to look at values, which are already Lua
-- values here. bcc-lua provides this as the module "ffi". What needs the real library raises an error.

local ebcc = require "ebcc._ebcc"
local check = require "ebcc.check"
local value = require "ebcc.value"

local ffi = { os = "Linux", arch = "x64" }

local function unavailable(what)
  check.fail("%s needs LuaJIT: this is Lua 5.4, where values of tables and events are Lua values", what)
end

-- The type of a table's c_key and c_leaf, of which only the size is known.
local c_type = {
  __name = "ebcc.CType",
  __call = function() unavailable("creating a value of a C type") end,
}

--- The text of a char array, up to its NUL, or the first length bytes. For other records, their bytes.
---@param text string|ebcc.Record
---@param length? integer
---@return string
function ffi.string(text, length)
  if type(text) ~= "string" then
    text = ebcc.bytes(text)
  end
  return length and text:sub(1, length) or text:match("^[^\0]*")
end

-- The size of a C type, given as text. The value of a char array is a string, too, but it doesn't say how
-- large the array was.
local function size_of_type(text)
  local known, layout = pcall(value.describe, text)
  if not known then
    check.fail("ffi.sizeof(%q): this is not a C type; if it is the value of a char array, its size is not "
      .. "known", text)
  end
  return #layout
end

--- The size of a record, of a C type given as text, or of a table's c_key or c_leaf.
---@param object string|ebcc.Record|table
---@return integer
function ffi.sizeof(object)
  if getmetatable(object) == c_type then
    return object.size
  end
  return type(object) == "string" and size_of_type(object) or #ebcc.bytes(object)
end

--- Ignores declarations, which are not needed here.
function ffi.cdef()
end

-- Scripts use c_key and c_leaf as fields of a table.
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
