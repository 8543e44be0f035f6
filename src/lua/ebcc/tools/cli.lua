-- SPDX-License-Identifier: Apache-2.0
-- What command line tools in Lua share: arguments, output, losses, signals and exit status.
--
-- A tool ends with 0 when it ended as asked (Ctrl-C, a duration), with FAILURE when something went
-- wrong, and with USAGE when it was called wrongly. In both of those it says why on stderr, in
-- one line.

local argparse = require "argparse"
local ebcc = require "ebcc._ebcc"
local json = require "dkjson"

local posix = ebcc.posix

-- null: the value of json_line() for what is not known.
local cli = { FAILURE = 1, USAGE = 2, null = json.null }

local BAD_DESCRIPTOR, BROKEN_PIPE = 9, 32

local EXIT_STATUS = "\n\nexit status: 0 it ended as asked (Ctrl-C, -d), 1 it failed, 2 wrong usage"

-- The longest wait for events; an interrupt ends it, too.
local POLL_MS = 200

-- Raises the error of a function of the standard output, if it is one.
local function check_output(done, reason, errno)
  if not done then
    error({ message = "cannot write the output: " .. reason, no_reader = errno == BROKEN_PIPE }, 0)
  end
end

--- Writes texts to the standard output; raises what keeps it from that.
---@param ... string
function cli.write(...)
  check_output(io.stdout:write(...))
end

--- Hands on what was written; raises what keeps it from that.
function cli.flush()
  check_output(io.stdout:flush())
end

--- An argument parser whose help ends with examples and the exit status, and which tells a mistake
--- in one line. When the arguments are right, it raises for users who may not trace.
---@param name string
---@param description string
---@param examples string
---@return table parser of lua-argparse
function cli.parser(name, description, examples)
  local parser = argparse(name, description, examples .. EXIT_STATUS)
  parser:add_help(false)
  parser:flag("-h --help", "Show this help message and exit."):action(function()
    cli.run(name, function() cli.write(parser:get_help(), "\n") end)
  end)
  parser:flag("--version", "show the version of ebcc"):action(function()
    cli.run(name, function() cli.write(("%s (ebcc %s)\n"):format(name, ebcc.version)) end)
  end)
  parser:flag("--ebpf", "print the BPF source and end, without tracing")
  parser:usage_margin(2):help_usage_margin(2):help_description_margin(38):help_max_width(100)
  function parser.error(_, message)
    io.stderr:write(name, ": ", (message:gsub("\n", "; ")), " (--help shows the options)\n")
    os.exit(cli.USAGE)
  end
  local parse = parser.parse
  function parser.parse(self, arguments)
    local values = parse(self, arguments)
    local may, reason = ebcc.check_privilege()
    if not may and not values.ebpf then
      error(reason, 0)
    end
    return values
  end
  return parser
end

--- The BPF object of a tool's source. With --ebpf the source is printed and the tool ends; the
--- constants, which are set when it is loaded, stand before it as comments.
---@param args table what the parser gave
---@param source string
---@param constants table<string, integer|boolean>
function cli.load(args, source, constants)
  if not args.ebpf then
    return require("ebcc").BPF:new { text = source, constants = constants }
  end
  local names = {}
  for name in pairs(constants) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    cli.write(("/* %s = %s */\n"):format(name, constants[name]))
  end
  cli.write(source, "\n")
  cli.flush()
  os.exit(0)
end

--- A converter of whole numbers from low to high.
---@param low integer
---@param high integer
function cli.whole(low, high)
  return function(text)
    local number = text:match("^%d+$") and math.tointeger(tonumber(text))
    if not number or number < low or number > high then
      return nil, ("'%s' is not a whole number from %d to %d"):format(text, low, high)
    end
    return number
  end
end

local process_id = cli.whole(1, 0xffffffff)

--- The converter of process ids. One that nobody has is no wrong usage, but ends the tool too: it
--- would wait for events that can't come.
function cli.pid(text)
  local number, mistake = process_id(text)
  local known, reason = ebcc.pid_namespace() -- fails where /proc has other processes' numbers
  if not known then
    error(reason, 0)
  end
  local file = number and io.open(("/proc/%d/stat"):format(number))
  if number and not file then
    error(("there is no process %d"):format(number), 0)
  elseif file then
    file:close()
  end
  return number, mistake
end

local user_id = cli.whole(0, 0xffffffff)

--- The converter of users: an id, or the id of the user of that name.
function cli.user(text)
  if text:match("^%d+$") then
    return user_id(text)
  end
  local number = posix.user_id(text)
  return number, not number and ("there is no user '%s'"):format(text) or nil
end

local signal_number = cli.whole(0, 64)

--- The converter of signals: a number, or a name such as USR1, SIGUSR1 or RTMIN+1.
function cli.signal(text)
  if text:match("^%d+$") then
    return signal_number(text)
  end
  local number = posix.signal_number((text:upper():gsub("^SIG", "")))
  return number, not number and ("there is no signal '%s'"):format(text) or nil
end

--- The converter of a time in seconds, above zero; fractions are allowed.
function cli.seconds(text)
  local number = tonumber(text)
  if not number or not (number > 0 and number < 1e9) then
    return nil, ("'%s' is not a number of seconds above 0"):format(text)
  end
  return number
end

-- Bytes as the kernel has them as a text that every JSON reader takes.
local function text_of(bytes)
  if utf8.len(bytes) then
    return bytes
  end
  local parts, position = {}, 1
  while position <= #bytes do
    if utf8.len(bytes, position, position) then
      parts[#parts + 1] = utf8.char(utf8.codepoint(bytes, position))
      position = position + #parts[#parts]
    else
      parts[#parts + 1] = ("\\x%02x"):format(bytes:byte(position))
      position = position + 1
    end
  end
  return table.concat(parts)
end

local function written_out(characters)
  return (characters:gsub(".", function(byte) return ("\\x%02x"):format(byte:byte()) end))
end

-- In UTF-8, the control characters of C1, and what breaks lines or turns the direction of text.
local CONTROLS = { "%c", "\xc2[\x80-\x9f]", "\xe2\x80[\xa8-\xae]", "\xe2\x81[\xa6-\xa9]" }

--- The text with control characters written out, so that none reaches the terminal.
---@param text string
---@return string
function cli.for_terminal(text)
  text = text_of(text)
  for _, pattern in ipairs(CONTROLS) do
    text = text:gsub(pattern, written_out)
  end
  return text
end

-- A number with a fraction, to a millionth: dkjson writes 14 digits, ten of which a time of today has
-- before its point.
local function number_of(fraction)
  return setmetatable({}, { __tojson = function() return ("%.6f"):format(fraction) end })
end

--- A line of JSON: the values in the order of the keys.
---@param keys string[]
---@param values table<string, any>
---@return string
function cli.json_line(keys, values)
  local readable = {}
  for key, value in pairs(values) do
    readable[key] = type(value) == "string" and text_of(value)
      or math.type(value) == "float" and number_of(value) or value
  end
  return json.encode(readable, { keyorder = keys }) .. "\n"
end

--- Seconds since 1970 of a moment of the monotonic clock, in nanoseconds.
---@param moment integer
---@return number
function cli.wall_clock(moment)
  local now = posix.time_ns(posix.CLOCK.REALTIME) - posix.time_ns(posix.CLOCK.MONOTONIC)
  return (now + moment) / 1e9
end

-- Tells what a ring buffer lost, at most once a second.
local function report_losses(name, events, told, last)
  local total = events:lost()
  if total > told.count and (last or posix.time_ns() - told.moment >= 1000000000) then
    io.stderr:write(("%s: %d events lost (%d so far)\n"):format(name, total - told.count, total))
    told.count, told.moment = total, posix.time_ns()
  end
end

--- Shows the events of a ring buffer until an interrupt, or for so many seconds; at last what it
--- still holds.
---@param name string of the tool
---@param bpf ebcc.BPF
---@param events ebcc.Table
---@param duration? number
function cli.show_events(name, bpf, events, duration)
  local finish = duration and posix.time_ns() + duration * 1e9 or math.huge
  local told = { count = 0, moment = 0 }
  while posix.time_ns() < finish and not posix.interrupted() do
    local left = math.min((finish - posix.time_ns()) / 1e6, POLL_MS)
    bpf:ring_buffer_poll(math.max(math.ceil(left), 0))
    cli.flush()
    report_losses(name, events, told)
  end
  bpf:ring_buffer_consume()
  report_losses(name, events, told, true)
end

-- What an error says, in one line: of a compiler's words, the first that is an error, and what the
-- library adds at the end. Lines of source and carets are indented.
local function one_line(err)
  local text = type(err) == "table" and err.message or tostring(err)
  local first = text:match("[^\n]* error: [^\n]*")
  local last = first and text:match("\n(%S[^\n]*)%s*$")
  if last and last ~= first then
    return first .. ": " .. last
  end
  return first or text:match("[^\n]+") or "unknown error"
end

--- Runs a tool's main() and ends the process with the exit status that belongs to its outcome.
---@param name string
---@param main fun()
function cli.run(name, main)
  posix.catch_interrupts()
  local _, _, errno = io.stdout:seek()
  if errno == BAD_DESCRIPTOR then
    io.stderr:write(name, ": standard output is closed\n")
    os.exit(cli.FAILURE)
  end
  local done, err = pcall(function()
    main()
    cli.flush()
  end)
  -- Nobody reads any more: that is not a failure.
  done = done or type(err) == "table" and err.no_reader
  if not done then
    io.stderr:write(name, ": ", one_line(err), "\n")
  end
  os.exit(done and 0 or cli.FAILURE, true)
end

return cli
