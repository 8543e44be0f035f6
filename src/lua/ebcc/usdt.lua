-- SPDX-License-Identifier: Apache-2.0
-- USDT probes of a process or a file, and the programs to run at them. A USDT object is passed to
-- BPF:new{usdt = ...}, which attaches the programs.

local ebcc = require "ebcc._ebcc"
local check = require "ebcc.check"

---@class ebcc.USDT
---@field handle table
---@field enabled {probe: string, fn_name: string}[]
local USDT = {}
USDT.__index = USDT
USDT.__name = "ebcc.USDT"

local OPTIONS = { pid = "integer", path = "string" }
local PROBE = { probe = "string!", fn_name = "string!" }

--- Reads the probes of a process (pid), of a file (path: a path, or the name of a library or program), or of
--- a file in the view of a process (both). At least one is required.
---@param options {pid?: integer, path?: string}
---@return ebcc.USDT?
---@return string? message
---@return integer? errno
function USDT:new(options)
  check.options("USDT:new", options, OPTIONS, self.strict)
  if not options.pid and not options.path then
    check.fail("USDT:new{} needs a pid or a path")
  end
  local handle, message, errno = ebcc.usdt { pid = options.pid, path = options.path }
  if not handle then
    if self.strict then
      check.fail(message)
    end
    return nil, message, errno
  end
  return setmetatable({ handle = handle, enabled = {}, strict = self.strict }, USDT)
end

--- Runs a program at a probe ("PROVIDER:NAME", or "NAME") when a module is created with this object.
---@param options {probe: string, fn_name: string}
---@return boolean?
---@return string? message
---@return integer? errno
function USDT:enable_probe(options)
  check.options("enable_probe", options, PROBE, self.strict)
  local found, message, errno = self.handle:find(options.probe)
  if not found then
    if self.strict then
      check.fail(message)
    end
    return nil, message, errno
  end
  self.enabled[#self.enabled + 1] = { probe = options.probe, fn_name = options.fn_name }
  return true
end

--- The list of probes.
---@return {provider: string, name: string, path: string, semaphore: integer, arguments: (string|false)[], locations: {address: integer, arguments: string}[]}[]
function USDT:probes()
  return self.handle:probes()
end

--- Frees the object; programs stay attached.
function USDT:close()
  self.handle:close()
end

USDT.__close = USDT.close

return setmetatable(USDT, { __call = function(class, options) return class:new(options) end })
