-- What the tests share: sources that look at this process only, waiting with a limit, and commands
-- whose output is looked at.

local bcc = require "bcc"
local luaunit = require "luaunit"

local helper = {}

-- A start inside an emulated machine takes some seconds.
helper.LIMIT = os.getenv("EBCC_VM") and 120 or 30

helper.directory = (package.searchpath("helper", package.path):match("^(.*/)") or "./")
helper.root = helper.directory .. "../../"

--- A BPF whose source may use OURS, which is true in this process.
function helper.bpf(options)
  if type(options) == "string" then
    options = { text = options }
  end
  options.cflags = options.cflags or {}
  table.insert(options.cflags, ("-DOURS=(bpf_get_current_pid_tgid()>>32==%d)")
    :format(bcc.posix.getpid()))
  return bcc.BPF:new(options)
end

--- A system call that nothing else in the tests makes: unlink(2) of what isn't there.
function helper.act(times)
  for _ = 1, times or 1 do
    os.remove("/nonexistent/ebcc-lua-test")
  end
end

--- The name of this process, as the kernel has it.
helper.comm = assert(io.open("/proc/self/comm")):read("l")

--- The tracepoint of helper.act().
helper.EVENT = "syscalls:sys_enter_unlink"

--- Calls a function until it returns something true, and gives that.
function helper.wait_for(condition, what)
  local limit = os.time() + helper.LIMIT
  while os.time() <= limit do
    local result = condition()
    if result then
      return result
    end
    bcc.posix.sleep(0.02)
  end
  luaunit.fail("waited too long for " .. (what or "a condition"))
end

--- A word of the shell.
function helper.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Runs a command of the shell: standard output, exit status, errors.
function helper.run(command)
  local errors = os.tmpname()
  local pipe = assert(io.popen(("timeout -k 5 %d sh -c %s 2>%s"):format(helper.LIMIT,
    helper.quote(command), errors)))
  local output = pipe:read("a")
  local _, _, status = pipe:close()
  local file <close> = assert(io.open(errors))
  local text = file:read("a")
  os.remove(errors)
  return output, status, text
end

--- A text in a file of its own, which the caller removes.
function helper.file(text)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

--- What a call raises, as text; fails when it raises nothing.
function helper.raised(call, ...)
  local well, err = pcall(call, ...)
  luaunit.assertFalse(well)
  return tostring(err), err
end

return helper
