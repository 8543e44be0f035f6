-- SPDX-License-Identifier: Apache-2.0
-- The trace pipe, to which bpf_trace_printk() writes, as lines and as fields.

local ebcc = require "ebcc._ebcc"
local check = require "ebcc.check"

-- A line starts with the command's name, right-justified in this many columns.
local COMM_WIDTH = 16

---@class ebcc.TracerPipe
local TracerPipe = {}
TracerPipe.__index = TracerPipe
TracerPipe.__name = "ebcc.TracerPipe"

---@param nonblocking? boolean
---@return ebcc.TracerPipe
function TracerPipe.new(nonblocking)
  local self = setmetatable({ nonblocking = nonblocking or false }, TracerPipe)
  self:open()
  return self
end

--- Opens it, unless it is open.
function TracerPipe:open()
  if not self.handle then
    local handle, message = ebcc.trace_pipe(self.nonblocking)
    if not handle then
      check.fail(message)
    end
    self.handle = handle
  end
  return self.handle
end

--- A line without its newline; nil if there is none (non-blocking), or an interrupt was caught.
---@return string?
function TracerPipe:readline()
  local handle = self:open()
  while true do
    local line, _, interrupted = handle:read()
    if line or not interrupted or ebcc.posix.interrupted() then
      return line
    end
    -- A signal came, and its handler has run and let the script continue.
  end
end

-- The columns of a line, or nil if it isn't an event:
-- COMM-PID [(TGID)] [CPU] FLAGS TIMESTAMP: FUNCTION: MESSAGE
local function parse(line)
  local task = line:sub(1, COMM_WIDTH):match("^%s*(.*)$")
  local head, tail = line:sub(COMM_WIDTH + 2):match("^(.-):(.*)$")
  if not head then
    return nil
  end
  local columns = {}
  for column in head:gmatch("%S+") do
    columns[#columns + 1] = column
  end
  local pid, time = tonumber(columns[1]), tonumber(columns[#columns])
  if #columns < 4 or not pid or not time then
    return nil
  end
  local cpu = tonumber(head:match("%[(%d+)%]")) or 0
  return task, pid, cpu, columns[#columns - 1], time, tail:match("^.-: (.*)$") or ""
end

--- Task, pid, CPU, flags, time in seconds and message of the next event; nothing if there is none
--- (non-blocking).
---@return string? task
---@return integer pid
---@return integer cpu
---@return string flags
---@return number time
---@return string message
function TracerPipe:trace_fields()
  while true do
    local line = self:readline()
    if not line then
      return nil
    end
    local task, pid, cpu, flags, time, message = parse(line)
    if task then
      return task, pid, cpu, flags, time, message
    end
  end
end

--- Closes the pipe, so that others can read it; the next read opens it again.
function TracerPipe:close()
  if self.handle then
    self.handle:close()
    self.handle = nil
  end
end

TracerPipe.__close = TracerPipe.close

return TracerPipe
