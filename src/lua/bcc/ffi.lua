-- SPDX-License-Identifier: Apache-2.0
-- What scripts written for LuaJIT ask of its ffi when they only look at values: here values are
-- Lua's own already. bcc-lua offers this as the module "ffi"; whatever needs the real one says so.

local ebcc = require "bcc._ebcc"
local check = require "bcc.check"

local ffi = { os = "Linux", arch = "x64" }

--- The text of a char array, up to its NUL; with a length, so many bytes. Other records give their
--- bytes.
---@param text string|bcc.Record
---@param length? integer
---@return string
function ffi.string(text, length)
  if type(text) ~= "string" then
    text = ebcc.bytes(text)
  end
  return length and text:sub(1, length) or text:match("^[^\0]*")
end

--- The size of a record, or of a text's bytes.
---@param object string|bcc.Record
---@return integer
function ffi.sizeof(object)
  return #(type(object) == "string" and object or ebcc.bytes(object))
end

--- Values need no declarations here; those of a script are of no use, and do no harm.
function ffi.cdef()
end

return setmetatable(ffi, {
  __index = function(_, name)
    check.fail("ffi.%s needs LuaJIT: this is Lua 5.4, where values of tables and events are Lua's own",
      tostring(name))
  end,
})
