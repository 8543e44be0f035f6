-- SPDX-License-Identifier: Apache-2.0
-- Values of tables and events as plain Lua data, and C types that a script gives as text.

local ebcc = require "ebcc._ebcc"

local value = {}

--- A copy of a record as plain Lua tables; other values are returned unchanged.
---@param record any
---@return any
function value.totable(record)
  if not ebcc.form(record) then
    return record
  end
  local copy = {}
  for name, part in pairs(record) do
    copy[name] = value.totable(part)
  end
  return copy
end

-- A cache of C types by their text, as each costs a run of the compiler.
local described = {}

-- The layout of a C type, such as "struct { u32 pid; char comm[16]; }".
function value.describe(text)
  if not described[text] then
    -- In a declaration, the dimensions of an array come after the name.
    local element, dimensions = text:match("^(.-)%s*(%[[^{}]*%])%s*$")
    local module = ebcc.module {
      source = ("#include <linux/types.h>\ntypedef %s described_type%s;\n"):format(element or text, dimensions or "") ..
        "BPF_ARRAY(described, described_type, 1);\n",
      file_name = "event type",
    }
    described[text] = assert(module:leaf_layout("described"))
    module:close()
  end
  return described[text]
end

return value
