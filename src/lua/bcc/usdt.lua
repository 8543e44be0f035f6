-- SPDX-License-Identifier: Apache-2.0
-- USDT probes of a process or a file, and which programs are to run at them: a USDT object is given
-- to BPF:new{usdt = ...}, which attaches what was enabled.

local ebcc = require "bcc._ebcc"

---@class bcc.USDT
---@field handle table
---@field enabled {probe: string, fn_name: string}[]
local USDT = {}
USDT.__index = USDT
USDT.__name = "bcc.USDT"

--- Reads the probes of a process (pid), of a file (path: a path, or the name of a library or program),
--- or of a file as a process runs it (both). Without either, an error.
---@param options {pid?: integer, path?: string}
---@return bcc.USDT?
---@return string? message
---@return integer? errno
function USDT:new(options)
  if type(options) ~= "table" or not (options.pid or options.path) then
    error("USDT:new{} needs a pid or a path", 2)
  end
  local handle, message, errno = ebcc.usdt { pid = options.pid, path = options.path }
  if not handle then
    if self.strict then
      error(message, 2)
    end
    return nil, message, errno
  end
  return setmetatable({ handle = handle, enabled = {}, strict = self.strict }, USDT)
end

--- Runs a program at a probe ("PROVIDER:NAME", or "NAME") once a module is made with this object.
---@param options {probe: string, fn_name: string}
---@return boolean?
---@return string? message
---@return integer? errno
function USDT:enable_probe(options)
  if type(options.probe) ~= "string" or type(options.fn_name) ~= "string" then
    error("enable_probe{} needs probe and fn_name", 2)
  end
  local found, message, errno = self.handle:find(options.probe)
  if not found then
    if self.strict then
      error(message, 2)
    end
    return nil, message, errno
  end
  self.enabled[#self.enabled + 1] = { probe = options.probe, fn_name = options.fn_name }
  return true
end

--- The probes that there are.
---@return {provider: string, name: string, path: string, semaphore: integer, arguments: (string|false)[], locations: {address: integer, arguments: string}[]}[]
function USDT:probes()
  return self.handle:probes()
end

--- Frees the descriptions; programs that are attached stay so.
function USDT:close()
  self.handle:close()
end

USDT.__close = USDT.close

return setmetatable(USDT, { __call = function(class, options) return class:new(options) end })
