-- SPDX-License-Identifier: Apache-2.0
-- The program bcc-lua: runs a script that uses BPF. If the script returns a function, as in
-- `return function(BPF, utils) ... end`, calls it with a BPF whose failures raise, since such scripts
-- don't check what attaching returns.

local bcc = require "bcc"
local compat = require "bcc.compat"

local USAGE = [[
usage: bcc-lua [--verbose] [--] SCRIPT [ARGUMENT...]

Runs a Lua script that traces with BPF: a plain one, or one of the shape
`return function(BPF, utils) ... end`.

  --verbose      show messages of the compiler and of the script's log
  -v, --version  show versions
  -h, --help     show this help

examples:
  bcc-lua offcputime.lua --duration 5
  bcc-lua --verbose -- ./bashreadline.lua]]

local FAILURE, MISUSE, INTERRUPTED = 1, 2, 130

local run = {}

-- A class with the methods of another, but whose failures raise.
local function strict_class(class)
  return setmetatable({ strict = true }, {
    __index = class,
    __call = function(self, ...) return self:new(...) end,
  })
end

--- The argument utils of such scripts: argparse, posix and USDT.
local function make_utils()
  local posix = setmetatable({}, { __index = bcc.posix })
  --- Converts a text to a number; LuaJIT needs this for 64 bits.
  function posix.tonumber64(text, base)
    return math.tointeger(tonumber(text, base))
  end
  return setmetatable({ posix = posix, USDT = strict_class(bcc.USDT) }, {
    __index = function(utils, name)
      if name == "argparse" then
        utils.argparse = require "argparse"
        return utils.argparse
      end
    end,
  })
end

local function make_log(verbose)
  return {
    enabled = verbose,
    info = function(...)
      if verbose then
        io.stderr:write(compat.format(...), "\n")
      end
    end,
  }
end

-- Returns the script's path and its arguments, and whether to be verbose; or an exit status.
local function parse(arguments)
  local verbose, first = false, 1
  while arguments[first] and arguments[first]:sub(1, 1) == "-" do
    local option = arguments[first]
    first = first + 1
    if option == "--" then
      break
    elseif option == "--verbose" then
      verbose = true
    elseif option == "--version" or option == "-v" then
      print(("bcc-lua %s on %s"):format(bcc.version, _VERSION))
      return nil, 0
    elseif option == "--help" or option == "-h" then
      print(USAGE)
      return nil, 0
    else
      io.stderr:write("bcc-lua: there is no option ", option, " (--help shows them)\n")
      return nil, MISUSE
    end
  end
  if not arguments[first] then
    io.stderr:write("bcc-lua: a script is needed (--help shows how)\n")
    return nil, MISUSE
  end
  return { path = arguments[first], verbose = verbose,
    arguments = table.move(arguments, first + 1, #arguments, 1, {}) }
end

local function start(script)
  local result = script.chunk(table.unpack(script.arguments))
  if type(result) == "function" then
    local BPF = strict_class(bcc.BPF)
    BPF.usdt = function(options) return strict_class(bcc.USDT):new(options) end
    result(BPF, make_utils())
  end
end

-- Adds a traceback to an error, except to an interrupt, which the user asked for.
local function explain(err)
  local text = tostring(err)
  if text:find("interrupted!", 1, true) then
    return INTERRUPTED
  end
  local this_file = debug.getinfo(1, "S").short_src
  local traceback = debug.traceback("", 2)
  local last = traceback:find("\n\t" .. this_file .. ":", 1, true)
  return text .. (last and traceback:sub(1, last - 1) or traceback)
end

--- Runs bcc-lua with the arguments of the command line, and returns its exit status.
---@param arguments string[]
---@return integer
function run.main(arguments)
  local script, status = parse(arguments)
  if not script then
    return status
  end
  if script.verbose then
    warn("@on")
  end
  compat.install()
  package.preload.ffi = function() return require "bcc.ffi" end
  _G.BCC_STANDALONE, _G.log = arguments[0], make_log(script.verbose)
  _G.arg = script.arguments
  _G.arg[0] = script.path
  bcc.BPF.script_root(script.path)
  io.stdout:setvbuf("line")
  local message
  script.chunk, message = loadfile(script.path)
  if not script.chunk then
    io.stderr:write("bcc-lua: ", message, "\n")
    return FAILURE
  end
  local well, outcome = xpcall(start, explain, script)
  bcc.BPF.cleanup()
  if well then
    return 0
  elseif outcome == INTERRUPTED then
    return INTERRUPTED
  end
  io.stdout:flush()
  io.stderr:write("bcc-lua: ", outcome, "\n")
  return FAILURE
end

return run
