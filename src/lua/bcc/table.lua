-- SPDX-License-Identifier: Apache-2.0
-- Methods of tables that run once per call of a script; what runs once per entry or event is C.

local ebcc = require "bcc._ebcc"
local histogram = require "bcc.histogram"
local value = require "bcc.value"

local methods = ebcc.methods["bcc.Table"]

-- What a callback is given: the type that a script names, the one that the source submits, or bytes.
local function event_layout(data_type, data_params)
  if data_type == nil then
    return nil
  end
  for _, parameter in ipairs(data_params or {}) do
    data_type = data_type:gsub("%$", (tostring(parameter):gsub("%%", "%%%%")), 1)
  end
  return value.describe(data_type)
end

-- Options come as a table, or as older scripts pass them: type, its parameters, pages, lost.
local function event_options(callback, data_type, data_params, page_count, lost)
  local options = { event = callback, page_count = page_count, lost = lost }
  if type(data_type) == "table" then
    options.raw = data_type.raw
    options.page_count = data_type.page_count
    options.wakeup_events = data_type.wakeup_events
    options.lost = data_type.lost
    data_type, data_params = data_type.type, nil
  end
  options.layout = event_layout(data_type, data_params)
  return options
end

--- Opens a perf buffer. The callback gets (cpu, event, size): the event as a record or a plain value,
--- as a string of bytes where the source doesn't say its type. What it raises comes out of the
--- poll; when it returns false, the poll ends.
---@param callback fun(cpu: integer, event: any, size: integer): boolean?
---@param data_type? string|bcc.EventOptions a C type that describes events, or options
---@param data_params? any[] what each $ in data_type stands for
---@param page_count? integer pages per CPU, a power of two
---@param lost? fun(cpu: integer, count: integer) is told of events that were lost
function methods:open_perf_buffer(callback, data_type, data_params, page_count, lost)
  return self:open_events(event_options(callback, data_type, data_params, page_count, lost))
end

--- Opens a ring buffer. The callback gets (event, size).
---@param callback fun(event: any, size: integer): boolean?
---@param data_type? string|bcc.EventOptions
function methods:open_ring_buffer(callback, data_type)
  return self:open_events(event_options(callback, data_type))
end

--- Puts counters of a perf event into a BPF_PERF_ARRAY, for perf_read() in the source.
---@param ev_type integer as perf_event_open(2) has it
---@param ev_config integer
---@param pid? integer
function methods:open_perf_event(ev_type, ev_config, pid)
  return self:open_counters(ev_type, ev_config, pid)
end

--- An iterator over the addresses of a stack, innermost first.
---@param id integer
---@param resolver? fun(address: integer): any
---@return fun(): any
function methods:walk(id, resolver)
  local addresses, position = self:get(id, resolver), 0
  return function()
    position = position + 1
    return addresses[position]
  end
end

-- The values of all CPUs joined by a function, or nil.
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

--- Of a per-CPU table of numbers: the sum of all CPUs' values.
function methods:sum(key)
  return (joined(self, key, function(a, b) return a + b end))
end

--- Of a per-CPU table of numbers: the largest of all CPUs' values.
function methods:max(key)
  return (joined(self, key, math.max))
end

--- Of a per-CPU table of numbers: the mean of all CPUs' values.
function methods:average(key)
  local sum, count = joined(self, key, function(a, b) return a + b end)
  return sum and sum / count
end

--- Prints the table as a histogram of powers of two. A key is a slot, or a struct of a bucket and a
--- slot: then each bucket is a section.
---@param val_type? string what the slots count, in the head of the column
---@param section_header? string what the buckets are
---@param options? bcc.HistogramOptions
function methods:print_log2_hist(val_type, section_header, options)
  histogram.print(self, histogram.log2_lines, val_type or "value", section_header, options or {})
end

--- The same with slots that are plain numbers.
function methods:print_linear_hist(val_type, section_header, options)
  histogram.print(self, histogram.linear_lines, val_type or "value", section_header, options or {})
end

return methods
