-- SPDX-License-Identifier: Apache-2.0
-- Methods of tables that run once per call of a script; what runs once per entry or event is written in C.

local ebcc = require "ebcc._ebcc"
local check = require "ebcc.check"
local histogram = require "ebcc.histogram"
local value = require "ebcc.value"

---@class ebcc.Table
local methods = ebcc.methods["ebcc.Table"]

-- What an event callback gets: the type that the script names, the one that the source submits, or bytes.
-- Parameters replace each $ in the type.
local function event_layout(data_type, parameters)
  if data_type == nil then
    return nil
  end
  for _, parameter in ipairs(parameters) do
    data_type = data_type:gsub("%$", (tostring(parameter):gsub("%%", "%%%%")), 1)
  end
  return value.describe(data_type)
end

-- The first two are the names that other bindings use for the next two.
local PERF_OPTIONS = {
  page_cnt = "integer", lost_cb = "function", page_count = "integer", lost = "function", type = "string",
  raw = "any", wakeup_events = "integer",
}
local RING_OPTIONS = { type = "string", raw = "any", lost = "function", lost_cb = "function" }

-- Map types of the kernel, and the method that opens each.
local OPENERS = { [4] = "open_perf_buffer", [27] = "open_ring_buffer" }

-- Raises unless this is the method that opens a table.
local function check_opener(self, method)
  local facts = self:facts()
  local opener = OPENERS[facts.map_type]
  if opener and opener ~= method then
    check.fail("%s does not open table '%s': %s does", method, facts.name, opener)
  end
end

-- The default lost callback: losses become warnings, which warn("@on") shows.
local function warn_lost(self)
  local name = self:facts().name
  -- The last argument is the number; for a perf buffer, the CPU comes before it.
  return function(...)
    warn(("%d events of table '%s' were lost"):format(select(-1, ...), name))
  end
end

-- Unlike a list of parameters, a table of options has string keys.
local function is_options(given)
  return type(given) == "table" and type(next(given)) == "string"
end

-- The options as one table. Older scripts pass type, parameters, pages and lost as separate arguments.
local function event_options(method, kinds, data_type, parameters, page_count, lost)
  local options = { type = data_type, page_count = page_count, lost = lost }
  if type(data_type) == "table" then
    options, parameters = data_type, nil
  elseif is_options(parameters) then
    options = { type = data_type }
    for name, option in pairs(parameters) do
      options[name] = option
    end
    parameters = nil
  end
  check.options(method, options, kinds)
  return options, parameters or {}
end

--- Opens a perf buffer. The callback gets (cpu, event, size); the event is a record or a plain value, or a
--- string of bytes if the source doesn't say its type. Errors in the callback are raised from the poll; if
--- it returns false, the poll ends.
---@param callback fun(cpu: integer, event: any, size: integer): boolean?
---@param data_type? string|ebcc.EventOptions a C type that describes events, or options
---@param parameters? any[]|ebcc.EventOptions values for each $ in data_type, or more options
---@param page_count? integer pages per CPU, a power of two
---@param lost? fun(cpu: integer, count: integer) is called when events were lost
---@return boolean?
---@return string? message
---@return integer? errno
function methods:open_perf_buffer(callback, data_type, parameters, page_count, lost)
  check.argument("open_perf_buffer", 1, callback, "function")
  local options, list = event_options("open_perf_buffer", PERF_OPTIONS, data_type, parameters,
    page_count, lost)
  check_opener(self, "open_perf_buffer")
  return self:open_events {
    event = callback, layout = event_layout(options.type, list), raw = options.raw,
    page_count = options.page_count or options.page_cnt, wakeup_events = options.wakeup_events,
    lost = options.lost or options.lost_cb or warn_lost(self),
  }
end

--- Opens a ring buffer. The callback gets (event, size).
---@param callback fun(event: any, size: integer): boolean?
---@param data_type? string|ebcc.EventOptions
---@return boolean?
---@return string? message
---@return integer? errno
function methods:open_ring_buffer(callback, data_type)
  check.argument("open_ring_buffer", 1, callback, "function")
  local options = event_options("open_ring_buffer", RING_OPTIONS, data_type)
  check_opener(self, "open_ring_buffer")
  return self:open_events {
    event = callback, layout = event_layout(options.type, {}), raw = options.raw,
    lost = options.lost or options.lost_cb or warn_lost(self),
  }
end

--- Puts counters of a perf event into a BPF_PERF_ARRAY, for perf_read() in the source.
---@param ev_type integer as for perf_event_open(2)
---@param ev_config integer
---@param pid? integer
---@return boolean?
---@return string? message
---@return integer? errno
function methods:open_perf_event(ev_type, ev_config, pid)
  check.argument("open_perf_event", 1, ev_type, "integer")
  check.argument("open_perf_event", 2, ev_config, "integer")
  check.argument("open_perf_event", 3, pid, "integer?")
  return self:open_counters(ev_type, ev_config, pid)
end

--- An iterator over the addresses of a stack, innermost first.
---@param id integer
---@param resolver? fun(address: integer): any
---@return fun(): any
function methods:walk(id, resolver)
  check.argument("walk", 1, id, "integer")
  local addresses, position = self:get(id, resolver), 0
  return function()
    position = position + 1
    return addresses[position]
  end
end

-- The values of all CPUs combined by a function, or nil.
local function joined(self, key, join)
  local values = self:get(key)
  if values == nil then
    return nil
  end
  local result = values[1]
  for cpu = 2, #values do
    result = join(result, values[cpu])
  end
  return result, #values
end

--- For per-CPU tables of numbers: the sum of the values of all CPUs; nil if there is no such key.
---@param key any
---@return number?
function methods:sum(key)
  return (joined(self, key, function(a, b) return a + b end))
end

--- For per-CPU tables of numbers: the largest value of all CPUs; nil if there is no such key.
---@param key any
---@return number?
function methods:max(key)
  return (joined(self, key, math.max))
end

--- For per-CPU tables of numbers: the mean of the values of all CPUs; nil if there is no such key.
---@param key any
---@return number?
function methods:average(key)
  local sum, count = joined(self, key, function(a, b) return a + b end)
  return sum and sum / count
end

--- Prints the table as a histogram of powers of two. A key is a slot, or a struct of a bucket and a slot;
--- then each bucket gets a section.
---@param val_type? string what the slots are, for the head of the column
---@param section_header? string what the buckets are
---@param options? ebcc.HistogramOptions
function methods:print_log2_hist(val_type, section_header, options)
  histogram.print(self, histogram.log2_lines, val_type or "value", section_header, options or {})
end

--- The same for slots that are plain numbers.
---@param val_type? string
---@param section_header? string
---@param options? ebcc.HistogramOptions
function methods:print_linear_hist(val_type, section_header, options)
  histogram.print(self, histogram.linear_lines, val_type or "value", section_header, options or {})
end

return methods
