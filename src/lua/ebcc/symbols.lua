-- SPDX-License-Identifier: Apache-2.0
-- Names of addresses of processes and of the kernel. As processes share files, the whole program uses one
-- symbolizer.

local ebcc = require "ebcc._ebcc"
local check = require "ebcc.check"

local UNKNOWN = "[unknown]"
local KERNEL = -1

---@class ebcc.SymbolCache
---@field pid integer
local SymbolCache = {}
SymbolCache.__index = SymbolCache

local symbolizer

local function shared()
  if not symbolizer then
    symbolizer = assert(ebcc.symbolizer())
  end
  return symbolizer
end

local function look_up(method, pid, address)
  check.argument(method, 1, address, "address")
  if type(address) == "table" then
    return shared():resolve_build_id(address.build_id, address.offset)
  end
  return shared():resolve(pid, address)
end

--- The symbols of a process; without a pid, or with a negative one, those of the kernel.
---@param pid? integer
---@return ebcc.SymbolCache
function SymbolCache.new(pid)
  check.argument("SymbolCache", 1, pid, "integer?")
  pid = math.tointeger(tonumber(pid)) or KERNEL
  -- -1 may have been stored in a u32.
  return setmetatable({ pid = pid >= 0 and pid ~= 0xffffffff and pid or KERNEL }, SymbolCache)
end

--- The name of an address, the offset from the symbol's start (in bytes), and the module. If there is no
--- symbol, the name is "[unknown]", and the offset is that in the module or, without one, the address.
---@param address integer|{build_id: string, offset: integer} an address, or a frame of a table of build ids
---@return string name
---@return integer offset
---@return string? module a path, or "kernel" or the name of a kernel module
function SymbolCache:resolve(address)
  local name, offset, module = look_up("resolve", self.pid, address)
  return name or UNKNOWN, offset, module
end

--- Registers an ELF file under its build id.
---@param path string
function SymbolCache.add_file(path)
  return shared():add_file(path)
end

--- The address of a function, or nil, a message and an errno.
---@param name string
---@param module? string path or file name of the file that has it
---@return integer?
---@return string? message
---@return integer? errno
function SymbolCache:resolve_name(name, module)
  check.argument("resolve_name", 1, name, "string")
  check.argument("resolve_name", 2, module, "string?")
  return shared():find_name(self.pid, name, module)
end

--- Reads the memory map of the process now, so that its addresses can be named after it has ended. The
--- kernel's symbols are always current.
---@return boolean?
---@return string? message
---@return integer? errno
function SymbolCache:refresh()
  if self.pid == KERNEL then
    return true
  end
  return shared():add_process(self.pid)
end

--- An address in readable form: name+0x1f [module], or [unknown] without a symbol.
---@param address integer
---@param show_module? boolean
---@param show_offset? boolean
---@return string
function SymbolCache:describe(address, show_module, show_offset)
  local name, offset, module = look_up("describe", self.pid, address)
  if not name then
    return UNKNOWN
  end
  if show_offset then
    name = ("%s+0x%x"):format(name, offset)
  end
  if show_module and module then
    name = ("%s [%s]"):format(name, module:match("[^/]+$") or module)
  end
  return name
end

--- How much memory processes and their files take, in bytes, and how much was left out: such addresses have
--- no names.
---@return {memory: integer, dropped: integer, too_large: integer, no_memory: integer, no_time: integer}
function SymbolCache.statistics()
  return shared():statistics()
end

return setmetatable(SymbolCache, { __call = function(_, pid) return SymbolCache.new(pid) end })
