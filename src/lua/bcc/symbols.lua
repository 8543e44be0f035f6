-- SPDX-License-Identifier: Apache-2.0
-- Names of addresses: the kernel's, read once per process of ours.

local ebcc = require "bcc._ebcc"

local UNKNOWN = "[unknown]"

---@class bcc.SymbolCache
---@field pid? integer
local SymbolCache = {}
SymbolCache.__index = SymbolCache

local kernel

local function kernel_symbols()
  if not kernel then
    kernel = assert(ebcc.kernel_symbols())
  end
  return kernel
end

--- The symbols of a process; without one (or with a negative number), the kernel's.
---@param pid? integer
---@return bcc.SymbolCache
function SymbolCache.new(pid)
  if pid and pid < 0 then
    pid = nil
  end
  return setmetatable({ pid = pid }, SymbolCache)
end

--- Name, offset (in bytes) and module of an address; "[unknown]" and the address itself where there
--- is no symbol.
---@param address integer
---@return string name
---@return integer offset
---@return string? module
function SymbolCache:resolve(address)
  local name, module, offset
  if not self.pid then
    name, module, offset = kernel_symbols():find(address)
  end
  if not name then
    return UNKNOWN, address
  end
  return name, offset, module
end

--- The address of a name, or nil.
---@param name string
---@param module? string
---@return integer?
function SymbolCache:resolve_name(name, module)
  return not self.pid and kernel_symbols():find_name(name, module) or nil
end

--- Reads the symbols again: kernel modules come and go.
function SymbolCache:refresh()
  if not self.pid then
    return kernel_symbols():refresh()
  end
end

--- An address as people read it: name+0x1f [module].
---@param address integer
---@param show_module? boolean
---@param show_offset? boolean
---@return string
function SymbolCache:describe(address, show_module, show_offset)
  local name, offset, module = self:resolve(address)
  if not module then
    return name
  end
  if show_offset then
    name = ("%s+0x%x"):format(name, offset)
  end
  return show_module and ("%s [%s]"):format(name, module) or name
end

return setmetatable(SymbolCache, { __call = function(_, pid) return SymbolCache.new(pid) end })
