-- SPDX-License-Identifier: Apache-2.0
-- Tables as text histograms, whose slots are powers of two or plain numbers. A key is a slot, or a struct
-- of a bucket and a slot; each bucket gets a section of its own.

local ebcc = require "ebcc._ebcc"

local histogram = {}

-- Log2 histograms with this slot or a later one have wider columns and narrower bars.
local WIDE_SLOT = 33
local NARROW = { indent = 5, column = 19, number = 10, bar = 40 }
local WIDE = { indent = 15, column = 29, number = 20, bar = 20 }

local function bar(count, largest, width)
  return ("*"):rep(largest > 0 and width * count // largest or 0)
end

-- The last slot with a count, or -1, and the largest count.
local function extent(counts)
  local last, largest = -1, 0
  for slot, count in pairs(counts) do
    if count > 0 then
      last = math.max(last, slot)
      largest = math.max(largest, count)
    end
  end
  return last, largest
end

--- The first and last value of a slot: 0-1, 2-3, 4-7, ...
function histogram.log2_bounds(slot)
  local low = (1 << slot) >> 1
  return low == 1 and 0 or low, (1 << slot) - 1
end

--- The lines of a histogram whose slots are powers of two: slot 1 to the last one that isn't empty.
---@param counts table<integer, integer>
---@param val_type string
---@param strip_leading_zero? boolean leave out empty slots before the first that isn't
---@return string[]
function histogram.log2_lines(counts, val_type, strip_leading_zero)
  local last, largest = extent(counts)
  if last <= 0 then
    return {}
  end
  local shape = last >= WIDE_SLOT and WIDE or NARROW
  local lines = { ("%s%-" .. shape.column .. "s : count     distribution")
    :format((" "):rep(shape.indent), val_type) }
  local row = ("%%%dd -> %%-%dd : %%-8d |%%-%ds|"):format(shape.number, shape.number, shape.bar)
  for slot = 1, last do
    local count = counts[slot] or 0
    if count > 0 or not strip_leading_zero or #lines > 1 then
      local low, high = histogram.log2_bounds(slot)
      lines[#lines + 1] = row:format(low, high, count, bar(count, largest, shape.bar))
    end
  end
  return lines
end

--- The same for slots that are plain numbers, starting at 0.
function histogram.linear_lines(counts, val_type, strip_leading_zero)
  local last, largest = extent(counts)
  if last < 0 then
    return {}
  end
  local lines = { ("     %-13s : count     distribution"):format(val_type) }
  for slot = 0, last do
    local count = counts[slot] or 0
    if count > 0 or not strip_leading_zero or #lines > 1 then
      lines[#lines + 1] = ("        %-10d : %-8d |%-40s|"):format(slot, count,
        bar(count, largest, 40))
    end
  end
  return lines
end

-- The number in a leaf; for per-CPU tables, the sum of all CPUs.
local function count_of(leaf)
  if type(leaf) ~= "table" then
    return leaf
  end
  local sum = 0
  for _, count in ipairs(leaf) do
    sum = sum + count
  end
  return sum
end

-- The bucket and the slot of a key: its first member, and the next one that isn't padding.
local function parts(key)
  local bucket, slot
  for name, part in pairs(key) do
    if bucket == nil then
      bucket = part
    elseif slot == nil and name:sub(1, 5) ~= "__pad" then
      slot = part
    end
  end
  return bucket, slot
end

-- Records with the same bytes are the same bucket.
local function identity(bucket)
  return ebcc.form(bucket) and ebcc.bytes(bucket) or bucket
end

--- A list of {bucket, counts} in the order of the table; if keys are slots, a single one without bucket.
---@param items fun(): any, any keys and leaves
---@param bucket_fn? fun(bucket: any): any
---@return {bucket: any, counts: table<integer, integer>}[]
function histogram.sections(items, bucket_fn)
  local list, known = {}, {}
  for key, leaf in items do
    local bucket, slot = nil, key
    if ebcc.form(key) == "struct" then
      bucket, slot = parts(key)
      bucket = bucket_fn and bucket_fn(bucket) or bucket
    end
    local id = bucket == nil and known or identity(bucket)
    if not known[id] then
      known[id] = { bucket = bucket, counts = {} }
      list[#list + 1] = known[id]
    end
    local counts = known[id].counts
    counts[slot] = (counts[slot] or 0) + count_of(leaf)
  end
  return list
end

-- Prints the sections of a table, each with the name of its bucket.
function histogram.print(tbl, lines_of, val_type, section_header, options)
  local sections = histogram.sections(tbl:each(), options.bucket_fn)
  if options.section_sort_fn then
    table.sort(sections, function(a, b) return options.section_sort_fn(a.bucket, b.bucket) end)
  end
  for _, section in ipairs(sections) do
    if section.bucket ~= nil then
      local name = options.section_print_fn and options.section_print_fn(section.bucket)
        or section.bucket
      print(("\n%s = %s"):format(section_header or "Bucket ptr", tostring(name)))
    end
    for _, line in ipairs(lines_of(section.counts, val_type, options.strip_leading_zero)) do
      print(line)
    end
  end
end

return histogram
