-- SPDX-License-Identifier: Apache-2.0
-- Values of tables and events as plain Lua data, and C types that a script writes as text.

local ebcc = require "ebcc._ebcc"

local value = {}

--- A copy of a record as plain Lua tables; other values come back as they are.
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

-- C types by their text: each costs a run of the compiler.
local described = {}

-- The layout of a type that is written in C, such as "struct { u32 pid; char comm[16]; }".
function value.describe(text)
  if not described[text] then
    -- In a declaration, an array's dimensions are behind the name.
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
