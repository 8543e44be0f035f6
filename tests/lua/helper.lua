-- What the tests share: sources that look only at this process, waiting with a limit, and running
-- commands for their output.

local ebcc = require "ebcc"
local luaunit = require "luaunit"

local helper = {}

-- How long a test waits, in seconds. Starting something takes a minute or two in an emulated machine on a busy host.
helper.LIMIT = 300

helper.directory = (package.searchpath("helper", package.path):match("^(.*/)") or "./")
helper.root = helper.directory .. "../../"

--- A BPF whose source can use OURS, which is true in this process.
function helper.bpf(options)
  if type(options) == "string" then
    options = { text = options }
  end
  options.cflags = options.cflags or {}
  table.insert(options.cflags, ("-DOURS=(bpf_get_current_pid_tgid()>>32==%d)")
    :format(ebcc.posix.getpid()))
  return ebcc.BPF:new(options)
end

--- The beginning of a source whose programs count() calls of this process.
helper.COUNT = [[
BPF_HASH(counts, u32, u64);
static int count(u32 which)
{
  if (OURS)
    counts.increment(which);
  return 0;
}
]]

--- Makes a system call that nothing else in the tests makes: unlink(2) of a file that doesn't exist.
function helper.act(times)
  for _ = 1, times or 1 do
    os.remove("/nonexistent/ebcc-lua-test")
  end
end

--- The tracepoint of helper.act().
helper.EVENT = "syscalls:sys_enter_unlink"

--- Calls a function until it returns a true value, and returns that.
function helper.wait_for(condition, what)
  local limit = os.time() + helper.LIMIT
  while os.time() <= limit do
    local result = condition()
    if result then
      return result
    end
    ebcc.posix.sleep(0.02)
  end
  luaunit.fail("waited too long for " .. (what or "a condition"))
end

--- Whether the kernel is of a version, or a later one.
function helper.kernel_has(major, minor)
  local file <close> = assert(io.open("/proc/sys/kernel/osrelease"))
  local own_major, own_minor = file:read("a"):match("^(%d+)%.(%d+)")
  return tonumber(own_major) * 1000 + tonumber(own_minor) >= major * 1000 + minor
end

--- Quotes a text for the shell.
function helper.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Runs a shell command. Returns standard output, exit status, errors.
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

--- Writes a text to a new file, which the caller removes.
function helper.file(text)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

local function contents(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

--- The name of this process in the kernel.
helper.comm = contents("/proc/self/comm"):match("[^\n]+")

--- A process in the background: output(), errors(), signal(name), finish().
local Process = {}
Process.__index = Process

function helper.start(command)
  local base = os.tmpname()
  local self = setmetatable({ base = base }, Process)
  os.execute((": >%s.out; : >%s.err; %s >>%s.out 2>>%s.err </dev/null & echo $! >%s")
    :format(base, base, command, base, base, base))
  self.pid = tonumber(contents(base))
  return self
end

function Process:output()
  return contents(self.base .. ".out")
end

function Process:errors()
  return contents(self.base .. ".err")
end

--- Waits until its output contains a text, doing something before each check.
function Process:wait_for(text, act)
  helper.wait_for(function()
    if act then
      act()
    end
    return self:output():find(text) or not self:running()
  end, ("'%s' in the output of a process"):format(text))
  luaunit.assertNotNil(self:output():find(text), self:errors())
end

function Process:signal(name)
  os.execute(("kill -%s %d"):format(name, self.pid))
end

--- Whether the process is still running.
function Process:running()
  local file = io.open(("/proc/%d/stat"):format(self.pid))
  if not file then
    return false
  end
  local state = file:read("a"):match("%) (%a)")
  file:close()
  return state ~= "Z"
end

--- Waits for its end. Returns output and errors.
function Process:finish()
  helper.wait_for(function() return not self:running() end, "the end of a process")
  return self:output(), self:errors()
end

function Process:__close()
  if self:running() then
    self:signal("KILL")
  end
  os.execute("rm -f " .. self.base .. "*")
end

-- The program calls.c, compiled once.
local calls_program

function helper.calls_program()
  if not calls_program then
    calls_program = os.tmpname()
    assert(os.execute(("LD_PRELOAD= cc -O1 -fno-omit-frame-pointer -o %s %scalls.c"):format(calls_program, helper.directory)))
  end
  return calls_program
end

--- Removes the compiled program.
function helper.cleanup()
  if calls_program then
    os.remove(calls_program)
  end
end

--- A running calls.c: its pid, its path, and tell(line).
local Calls = {}
Calls.__index = Calls

function helper.calls()
  local file = os.tmpname()
  local self = setmetatable({ path = helper.calls_program(), file = file, told = 0 }, Calls)
  self.pipe = assert(io.popen(("exec %s %s"):format(self.path, file), "w"))
  self.pid = tonumber(helper.wait_for(function() return contents(file):match("^(%d+)\n") end, "calls.c"))
  return self
end

--- Sends it a line, and waits until it has done what that says.
function Calls:tell(line)
  self.pipe:write(line, "\n")
  self.pipe:flush()
  self.told = self.told + 1
  helper.wait_for(function()
    return select(2, contents(self.file):gsub("done\n", "")) == self.told
  end, "the execution of a command by calls.c")
end

function Calls:__close()
  self.pipe:close()
  os.remove(self.file)
end

--- What a call raises, as text; fails if it raises nothing.
function helper.raised(call, ...)
  local well, err = pcall(call, ...)
  luaunit.assertFalse(well)
  return tostring(err), err
end

return helper
