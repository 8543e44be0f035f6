-- SPDX-License-Identifier: Apache-2.0
-- The class BPF: a compiled C source, its maps in the kernel, and its programs. Programs whose names say
-- what they are attached to (kprobe__FN, tracepoint__CATEGORY__EVENT, ...) are attached when the object is
-- created.

local ebcc = require "ebcc._ebcc"
local attach = require "ebcc.attach"
local check = require "ebcc.check"
local constants = require "ebcc.constants"
local finding = require "ebcc.finding"
local SymbolCache = require "ebcc.symbols"
local TracerPipe = require "ebcc.trace"
local USDT = require "ebcc.usdt"
require "ebcc.table"

local KERNEL_TYPES = { auto = 0, btf = 1, headers = 2 }
local COMPILERS = { helper = 0, in_process = 1 }
local SOURCE_ALL, SOURCE_PERF, SOURCE_RING = 0, 1, 2
local ERROR, WARNING = 1, 2
-- The longest timeout of a poll, in milliseconds; longer ones are as good as none.
local LONGEST_WAIT = 0x7fffffff
-- How many layouts of USDT arguments a module has room for unless more are reserved.
local USDT_ROOM = 256

---@class ebcc.BPF
---@field module table
---@field strict boolean failures to attach raise, instead of being returned
local BPF = { strict = false }
BPF.__index = BPF
BPF.__name = "ebcc.BPF"

for _, mixin in ipairs { attach, finding } do
  for name, member in pairs(mixin) do
    BPF[name] = member
  end
end

BPF.SymbolCache = SymbolCache
BPF.USDT = USDT
BPF.SCRIPT_ROOT = "./"

-- The open modules of this process.
local open_modules = setmetatable({}, { __mode = "k" })

--- Sets the directory where src_file and hdr_file are looked for to that of a script.
---@param path? string
---@return string
function BPF.script_root(path)
  if path then
    BPF.SCRIPT_ROOT = path:match("^(.*/)") or "./"
  end
  return BPF.SCRIPT_ROOT
end

-- The path and the text of a file, given by its path or by its name beside the script.
local function read_source(name)
  for _, path in ipairs { name, BPF.SCRIPT_ROOT .. name } do
    local file = io.open(path, "rb")
    if file then
      local text = file:read("a")
      file:close()
      return path, text
    end
  end
  check.fail("there is no file %s, neither here nor in %s", name, BPF.SCRIPT_ROOT)
end

-- The number for the value of an option; 0 if it isn't given.
local function choice(names, what, name)
  if name and not names[name] then
    check.fail("BPF:new{}: %s cannot be '%s'", what, name)
  end
  return names[name] or 0
end

local OPTIONS = {
  text = "string", src_file = "string", hdr_file = "string", cflags = "list", debug = "integer",
  constants = "table", usdt = "usdt", usdt_contexts = "table", attach_usdt_ignore_pid = "any",
  kernel_types = "string", compiler = "string", device = "string", btf_path = "string",
  kernel_root = "string", any_kernel = "any", portable = "any", object = "string",
  allow_rlimit = "any", log = "function", max_entries = "table", attach = "any",
}

-- The default log function: messages become warnings, which warn("@on") shows.
local function log_to_warn(level, message)
  if level <= WARNING then
    warn(level == ERROR and "error: " or "", message)
  end
end

-- The flags as a list; they may be given as one, or in a string, as in other bindings.
local function flags_of(cflags)
  if type(cflags) == "string" then
    local list = {}
    for flag in cflags:gmatch("%S+") do
      list[#list + 1] = flag
    end
    return list
  end
  return cflags
end

-- The contents of an object, given as they are or as the path of a file.
local function object_bytes(object)
  if object:sub(1, 4) == "\x7fELF" then
    return object
  end
  local file = io.open(object, "rb")
  if not file then
    check.fail("BPF:new{}: there is no object file %s", object)
  end
  local bytes = file:read("a")
  file:close()
  return bytes
end

local function compile(options)
  local file_name, text, header = nil, options.text, nil
  if options.object and (text or options.src_file) then
    check.fail("BPF:new{}: object is given together with text or src_file")
  end
  if not text and not options.object then
    if not options.src_file then
      check.fail("BPF:new{}: text or src_file is needed")
    end
    file_name, text = read_source(options.src_file)
  end
  if options.hdr_file then
    header = select(2, read_source(options.hdr_file))
  end
  return ebcc.module {
    source = text, object = options.object and object_bytes(options.object),
    file_name = file_name, header = header, cflags = flags_of(options.cflags),
    debug = options.debug, device = options.device, btf_path = options.btf_path,
    kernel_root = options.kernel_root, any_kernel = options.any_kernel and true or false,
    portable = options.portable and true or false,
    kernel_types = choice(KERNEL_TYPES, "kernel_types", options.kernel_types),
    compiler = choice(COMPILERS, "compiler", options.compiler),
    no_rlimit = options.allow_rlimit == false, log = options.log or log_to_warn,
  }
end

-- Writes the texts that the debug flags select to stderr.
local function show_debug(module, debug)
  for bit = 0, 5 do
    local text = (debug or 0) & 1 << bit ~= 0 and module:debug_text(1 << bit)
    if text then
      io.stderr:write(text, "\n")
    end
  end
end

-- Reserves room for the arguments at each location of the enabled probes.
local function reserve_usdt(module, contexts)
  local places = 0
  for _, usdt in ipairs(contexts) do
    for _, enabled in ipairs(usdt.enabled) do
      places = places + #usdt.handle:find(enabled.probe).locations
    end
  end
  if places > USDT_ROOM then
    module:reserve_usdt(places)
  end
end

-- The source's global variables as fields, which can be read and written while programs run. Structs and
-- arrays are copies: assign the whole variable to change it.
local function globals_of(module)
  return setmetatable({}, {
    __name = "ebcc.Globals",
    __index = function(_, name) return module:read_global(name) end,
    __newindex = function(_, name, value) module:write_global(name, value) end,
    __pairs = function()
      local names, position = module:global_names(), 0
      return function()
        position = position + 1
        if names[position] then
          return names[position], module:read_global(names[position])
        end
      end
    end,
  })
end

-- The names of the programs to attach by name or section: all but the optional ones, none (false), or those in a list.
local function chosen_programs(module, attach)
  if type(attach) == "table" then
    return attach
  end
  local chosen = {}
  for _, name in ipairs(attach == false and {} or module:program_names()) do
    if not module:program(name):optional() then
      chosen[#chosen + 1] = name
    end
  end
  return chosen
end

-- Everything after a source was compiled: loads and attaches. Raises on failure.
local function start(self, options)
  for name, constant in pairs(options.constants or {}) do
    self.module:set_constant(name, constant)
  end
  for name, entries in pairs(options.max_entries or {}) do
    self.module:set_max_entries(name, entries)
  end
  local contexts = options.usdt_contexts or { options.usdt }
  reserve_usdt(self.module, contexts)
  self.module:load()
  for _, name in ipairs(chosen_programs(self.module, options.attach)) do
    self.named[name] = self.module:program(name):attach_named()
  end
  for _, usdt in ipairs(contexts) do
    for _, enabled in ipairs(usdt.enabled) do
      local link, message = self:attach_usdt { usdt = usdt, probe = enabled.probe,
        fn_name = enabled.fn_name, every_process = options.attach_usdt_ignore_pid }
      if not link then
        check.fail(message)
      end
    end
  end
end

--- Compiles a source (text, or src_file), creates its maps, and attaches the programs whose names say what
--- they are attached to. Raises an error with clang's diagnostics or the verifier's log. A BPF is closed
--- by close(), `local b <close>`, or the collector.
---@param options ebcc.Options
---@return ebcc.BPF
function BPF:new(options)
  check.options("BPF:new", options, OPTIONS, self.strict)
  local module = compile(options)
  local object = setmetatable({ module = module, tables = {}, functions = {}, links = {}, named = {},
    globals = globals_of(module), strict = self.strict }, BPF)
  local well, message = pcall(start, object, options)
  show_debug(module, options.debug)
  if not well then
    module:close()
    error(message, 0)
  end
  open_modules[object] = true
  return object
end

-- The module of the object whose method is called.
local function module_of(self, method)
  if getmetatable(self) ~= BPF then
    check.fail("%s is a method of an object: object:%s(...)", method, method)
  end
  return self.module
end

-- Programs.

---@class ebcc.Function
local Function = {}
Function.__index = Function
Function.__name = "ebcc.Function"

--- Gives the program a name in a BPF file system, by which the kernel keeps it loaded when this process
--- ends. path: a new file in a directory of /sys/fs/bpf.
---@param path string
---@return boolean?
---@return string? message
---@return integer? errno
function Function:pin(path)
  return self.program:pin(path)
end

--- Removes such a name.
---@param path string
---@return boolean?
---@return string? message
---@return integer? errno
function Function:unpin(path)
  return self.program:unpin(path)
end

local function type_number(prog_type)
  local number = math.tointeger(prog_type) or constants[prog_type]
    or constants["BPF_PROG_TYPE_" .. tostring(prog_type)]
  if not number then
    check.fail("there is no program type %s", tostring(prog_type))
  end
  return number
end

--- Loads a program and returns it: {bpf=, name=, fd=, program=}. Loading it again returns the same.
---@param fn_name string
---@param prog_type string|integer "BPF_PROG_TYPE_KPROBE", "KPROBE" or the number
---@param device? string
---@param attach_type? integer
---@return ebcc.Function
function BPF:load_func(fn_name, prog_type, device, attach_type)
  local module = module_of(self, "load_func")
  check.argument("load_func", 1, fn_name, "string")
  check.argument("load_func", 2, prog_type, "choice")
  check.argument("load_func", 4, attach_type, "integer?")
  local found = self.functions[fn_name]
  if found then
    return found
  end
  local number = type_number(prog_type)
  local program = module:program(fn_name)
  program:load(number, attach_type)
  found = setmetatable({ bpf = self, name = fn_name, fd = program:fd(), program = program }, Function)
  self.functions[fn_name] = found
  return found
end

--- Loads all programs as one type, by default that of kprobes.
---@param prog_type? string|integer
---@return table<string, ebcc.Function>
function BPF:load_funcs(prog_type)
  local loaded = {}
  for _, name in ipairs(self.module:program_names()) do
    loaded[name] = self:load_func(name, prog_type or "BPF_PROG_TYPE_KPROBE")
  end
  return loaded
end

--- A program's instructions as compiled: a string of 8 bytes for each.
---@param fn_name string
---@return string
function BPF:dump_func(fn_name)
  local module = module_of(self, "dump_func")
  check.argument("dump_func", 1, fn_name, "string")
  return module:program(fn_name):instructions()
end

local TEST_RUN = {
  fn_name = "string!", data = "string", ctx = "any", repeats = "integer", cpu = "integer",
}

--- Runs a loaded program now, on the given data (BPF_PROG_TEST_RUN), attached or not. data: the packet, at
--- least 14 bytes, for programs that have one. ctx: the context, a string or a record, or a list of
--- integers, the arguments of a raw tracepoint. repeats: how often to run it, for packets only. cpu: where
--- a raw tracepoint's program runs. Returns a table: retval, data and ctx as they are afterwards, duration in
--- nanoseconds; nil, a message and an errno if the kernel can't test such programs.
---@param options {fn_name: string, data?: string, ctx?: string|ebcc.Record|integer[], repeats?: integer, cpu?: integer}
---@return {retval: integer, data: string, ctx?: string, duration: integer}?
---@return string? message
---@return integer? errno
function BPF:test_run(options)
  local module = module_of(self, "test_run")
  check.options("test_run", options, TEST_RUN, self.strict)
  local ctx = options.ctx
  if type(ctx) == "table" then
    ctx = ("=" .. ("i8"):rep(#ctx)):pack(table.unpack(ctx))
  elseif type(ctx) == "userdata" then
    ctx = ebcc.bytes(ctx)
  end
  return module:program(options.fn_name):test_run { data = options.data, ctx = ctx, repeats = options.repeats,
    cpu = options.cpu, flags = options.cpu and 1 or 0 } -- BPF_F_TEST_RUN_ON_CPU
end

-- Tables.

--- The table of that name; or nil, a message and an errno if the source has none.
---@param name string
---@return ebcc.Table?
---@return string? message
---@return integer? errno
function BPF:get_table(name)
  local module = module_of(self, "get_table")
  check.argument("get_table", 1, name, "string")
  if self.tables[name] then
    return self.tables[name]
  end
  local found, message, errno = module:table(name)
  if not found then
    return nil, message, errno
  end
  self.tables[name] = found
  return found
end

--- The names of all tables.
---@return string[]
function BPF:table_names()
  return self.module:table_names()
end

-- Events.

local function poll(self, method, source, timeout)
  check.argument(method, 1, timeout, "number?")
  timeout = math.min(tonumber(timeout) or -1, LONGEST_WAIT)
  return module_of(self, method):poll(source, math.ceil(timeout))
end

--- Waits for events of perf buffers and calls the callbacks. timeout: milliseconds; if it is missing or
--- negative, waits until something comes. Returns the number of events, 0 after an interrupt. An error in a
--- callback is raised from here, with its traceback.
---@param timeout? number
---@return integer
function BPF:perf_buffer_poll(timeout)
  return poll(self, "perf_buffer_poll", SOURCE_PERF, timeout)
end

--- Like perf_buffer_poll(), for ring buffers.
---@param timeout? number
---@return integer
function BPF:ring_buffer_poll(timeout)
  return poll(self, "ring_buffer_poll", SOURCE_RING, timeout)
end

--- The same for both kinds of buffers.
---@param timeout? number
---@return integer
function BPF:poll(timeout)
  return poll(self, "poll", SOURCE_ALL, timeout)
end

--- Calls the callbacks for the events that are in perf buffers, without waiting.
---@return integer
function BPF:perf_buffer_consume()
  return module_of(self, "perf_buffer_consume"):consume(SOURCE_PERF)
end

--- The same for ring buffers.
---@return integer
function BPF:ring_buffer_consume()
  return module_of(self, "ring_buffer_consume"):consume(SOURCE_RING)
end

--- A descriptor that becomes readable when there are events, for event loops.
---@return integer
function BPF:poll_fd()
  return assert(module_of(self, "poll_fd"):poll_fd())
end

--- The older name of perf_buffer_poll().
BPF.kprobe_poll = BPF.perf_buffer_poll

--- Polls until an error is raised, such as by Ctrl-C.
function BPF:perf_buffer_poll_loop()
  while not ebcc.posix.interrupted() do
    self:perf_buffer_poll()
  end
end

--- The older name of perf_buffer_poll_loop().
BPF.kprobe_poll_loop = BPF.perf_buffer_poll_loop

--- The trace pipe, to which bpf_trace_printk() writes.
---@param nonblocking? boolean
---@return ebcc.TracerPipe
function BPF:pipe(nonblocking)
  return TracerPipe.new(nonblocking)
end

--- Writes the compiled object to a file, for BPF:new{object = path}. Returns true; or nil, a message and an errno.
---@param path string
---@return true|nil, string?, integer?
function BPF:save(path)
  check.argument("save", 1, path, "string")
  return self.module:save(path)
end

--- Adds the object, which must be portable, to an object store: a directory, made if it doesn't exist, where
--- BPF:new() with the same source and flags finds it without a compiler. Returns true; or nil, a message and an errno.
---@param directory string an absolute path
---@return true|nil, string?, integer?
function BPF:store(directory)
  check.argument("store", 1, directory, "string")
  return self.module:store(directory)
end

-- Closing.

--- Detaches and unloads everything. Doing it again does nothing.
function BPF:close()
  open_modules[self] = nil
  self.module:close()
end

BPF.__close = BPF.close

--- Closes every BPF of this process.
function BPF.cleanup()
  for object in pairs(open_modules) do
    object:close()
  end
end

--- Raises if this many more probes would exceed BCC_PROBE_LIMIT (by default 1000).
---@param more integer
function BPF.check_probe_quota(more)
  local limit = math.tointeger(tonumber(os.getenv("BCC_PROBE_LIMIT"))) or 1000
  if attach.num_open_kprobes() + attach.num_open_uprobes() + more > limit then
    check.fail("%d more probes would exceed the limit of %d (BCC_PROBE_LIMIT)", more, limit)
  end
end

function BPF:__tostring()
  return ("ebcc.BPF: %s"):format(table.concat(self.module:closed() and { "closed" }
    or self.module:program_names(), " "))
end

--- Creates a USDT object, the way older scripts do.
---@param options {pid?: integer, path?: string}
---@return ebcc.USDT?
---@return string? message
---@return integer? errno
function BPF.usdt(options)
  return USDT:new(options)
end

return setmetatable(BPF, { __call = function(class, options) return class:new(options) end })
