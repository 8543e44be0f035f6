-- SPDX-License-Identifier: Apache-2.0
-- What command line tools in Lua share: arguments, output, losses, signals and exit status.
--
-- A tool exits with 0 if it ended as requested (Ctrl-C, a duration), with FAILURE if something went wrong,
-- and with USAGE if it was called wrongly. In the last two cases it says why on stderr, in one line.
--
-- A tool's BPF source is compiled ahead when a package of the tools is made. So it has few variants, which
-- the tool lists for run(): what depends on an option is a constant, which load() sets.

local argparse = require "argparse"
local ebcc = require "ebcc._ebcc"
local json = require "dkjson"

local posix = ebcc.posix

-- null: the value in json_line() for what is not known.
local cli = { FAILURE = 1, USAGE = 2, null = json.null }

local BAD_DESCRIPTOR, BROKEN_PIPE = 9, 32

local EXIT_STATUS = "\n\nexit status: 0 if it ended as requested (Ctrl-C, -d), 1 if it failed, 2 for wrong usage"

-- The longest wait for events; an interrupt ends it, too.
local POLL_MS = 200

-- Raises an error if writing to standard output failed.
local function check_output(done, reason, errno)
  if not done then
    error({ message = "cannot write the output: " .. reason, no_reader = errno == BROKEN_PIPE }, 0)
  end
end

--- Writes texts to standard output; raises an error if that fails.
---@param ... string
function cli.write(...)
  check_output(io.stdout:write(...))
end

--- Flushes standard output; raises an error if that fails.
function cli.flush()
  check_output(io.stdout:flush())
end

--- An argument parser whose help ends with examples and the exit status, and which reports mistakes in one
--- line. If the arguments are right, it raises an error for users who may not trace.
---@param name string
---@param description string
---@param examples string
---@return table parser of lua-argparse
function cli.parser(name, description, examples)
  local parser = argparse(name, description, examples .. EXIT_STATUS)
  parser:add_help(false)
  parser:flag("-h --help", "show this help message and exit"):action(function()
    cli.run(name, function() cli.write(parser:get_help(), "\n") end)
  end)
  parser:flag("--version", "show the version of ebcc"):action(function()
    cli.run(name, function() cli.write(("%s (ebcc %s)\n"):format(name, ebcc.version)) end)
  end)
  parser:flag("--ebpf", "print the BPF source and exit, without tracing")
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

-- What the option --compile-variants does, which is for packages of the tools and not in --help: compiles
-- every variant of the source for any kernel, without loading it. The library adds the objects to the
-- directory that EBCC_RECORD names. The optional argument is a directory that describes the kernel whose types
-- are used.
local function compile_variants(name, variants, kernel_root, ...)
  if ... then
    io.stderr:write(name, ": --compile-variants has one argument, a directory\n")
    os.exit(cli.USAGE)
  end
  for _, source in ipairs(variants) do
    ebcc.module { source = source, portable = true, kernel_root = kernel_root }:close()
  end
end

--- Creates the BPF object of a tool's source. With --ebpf, prints the source and exits; the constants, which
--- are set when it is loaded, come first as comments.
---@param args table the result of the parser
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

--- A converter for integers from low to high.
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

--- The converter for process ids. A process that doesn't exist is not wrong usage, but also ends the tool, which
--- would wait for events that can't come.
function cli.pid(text)
  local number, mistake = process_id(text)
  local known, reason = ebcc.pid_namespace() -- fails if /proc shows other pids
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

--- The converter for users: an id, or the name of a user.
function cli.user(text)
  if text:match("^%d+$") then
    return user_id(text)
  end
  local number = posix.user_id(text)
  return number, not number and ("there is no user '%s'"):format(text) or nil
end

local signal_number = cli.whole(0, 64)

--- The converter for signals: a number, or a name such as USR1, SIGUSR1 or RTMIN+1.
function cli.signal(text)
  if text:match("^%d+$") then
    return signal_number(text)
  end
  local number = posix.signal_number((text:upper():gsub("^SIG", "")))
  return number, not number and ("there is no signal '%s'"):format(text) or nil
end

--- The converter for a time in seconds above zero; fractions are allowed.
function cli.seconds(text)
  local number = tonumber(text)
  if not number or not (number > 0 and number < 1e9) then
    return nil, ("'%s' is not a number of seconds above 0"):format(text)
  end
  return number
end

-- Converts bytes from the kernel to a text that every JSON reader accepts.
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

local function escaped(characters)
  return (characters:gsub(".", function(byte) return ("\\x%02x"):format(byte:byte()) end))
end

-- Control characters: those of C0, and in UTF-8 those of C1 and those that break lines or change the
-- direction of text.
local CONTROLS = { "%c", "\xc2[\x80-\x9f]", "\xe2\x80[\xa8-\xae]", "\xe2\x81[\xa6-\xa9]" }

--- The text with control characters escaped, so that none reaches the terminal.
---@param text string
---@return string
function cli.for_terminal(text)
  text = text_of(text)
  for _, pattern in ipairs(CONTROLS) do
    text = text:gsub(pattern, escaped)
  end
  return text
end

-- A number with six decimals: dkjson writes only 14 digits, and the current time has ten before the point.
local function number_of(fraction)
  return setmetatable({}, { __tojson = function() return ("%.6f"):format(fraction) end })
end

--- A line of JSON, with the values in the order of the keys.
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

--- Converts a time of the monotonic clock, in nanoseconds, to seconds since 1970.
---@param moment integer
---@return number
function cli.wall_clock(moment)
  local now = posix.time_ns(posix.CLOCK.REALTIME) - posix.time_ns(posix.CLOCK.MONOTONIC)
  return (now + moment) / 1e9
end

-- Reports what a ring buffer lost, at most once a second.
local function report_losses(name, events, told, last)
  local total = events:lost()
  if total > told.count and (last or posix.time_ns() - told.moment >= 1000000000) then
    io.stderr:write(("%s: %d events lost (%d so far)\n"):format(name, total - told.count, total))
    told.count, told.moment = total, posix.time_ns()
  end
end

--- Shows the events of a ring buffer until an interrupt, or for duration seconds, including what it still
--- holds at the end.
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

-- An error in one line: from compiler output, the first error and what the library adds at the end. Lines
-- of source and carets are indented, so they can be told apart.
local function one_line(err)
  local text = type(err) == "table" and err.message or tostring(err)
  local first = text:match("[^\n]* error: [^\n]*")
  local last = first and text:match("\n(%S[^\n]*)%s*$")
  if last and last ~= first then
    return first .. ": " .. last
  end
  return first or text:match("[^\n]+") or "unknown error"
end

--- Runs main() of a tool, and ends the process with the corresponding exit status. With --compile-variants as
--- the first argument it compiles the variants instead.
---@param name string
---@param main fun()
---@param variants? string[] every form of the BPF source that should be compiled ahead
function cli.run(name, main, variants)
  if variants and arg[1] == "--compile-variants" then
    main = function() compile_variants(name, variants, table.unpack(arg, 2)) end
  end
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
  -- If nobody reads the output any more, that is not a failure.
  done = done or type(err) == "table" and err.no_reader
  if not done then
    io.stderr:write(name, ": ", one_line(err), "\n")
  end
  os.exit(done and 0 or cli.FAILURE, true)
end

return cli
