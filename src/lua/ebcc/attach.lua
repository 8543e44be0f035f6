-- SPDX-License-Identifier: Apache-2.0
-- Attaching programs: the attach_ methods of BPF. Each returns a link, which lasts until its detach() is
-- called or the module is closed. If the target does not exist or can't be traced, they return nil, a
-- message and an errno; a strict BPF raises instead.

local ebcc = require "ebcc._ebcc"
local check = require "ebcc.check"

---@class ebcc.BPF
local attach = {}

-- The attached links of all modules of this process, by kind. The value says whether one has many functions.
local links = { kprobe = {}, uprobe = {}, tracepoint = {} }
for _, list in pairs(links) do
  setmetatable(list, { __mode = "k" })
end

-- The number of functions or events that the links of a kind are attached to.
local function count(kind)
  local total = 0
  for link, many in pairs(links[kind]) do
    if link:attached() then
      total = total + (many and #link:functions() or 1)
    end
  end
  return total
end

--- The number of kernel functions and returns that programs of this process are attached to.
---@return integer
function attach.num_open_kprobes()
  return count("kprobe")
end

--- The number of locations in user programs, including USDT probes.
---@return integer
function attach.num_open_uprobes()
  return count("uprobe")
end

--- The number of tracepoints.
---@return integer
function attach.num_open_tracepoints()
  return count("tracepoint")
end

-- Returns the result of an attach_ method. The module keeps its links, so a script may drop them.
local function outcome(self, kind, link, message, errno)
  if not link then
    if self.strict then
      check.fail(message)
    end
    return nil, message, errno
  end
  if links[kind] then
    links[kind][link] = false
    self.links[#self.links + 1] = link
  end
  return link
end

-- The options of the methods.
local KPROBE = {
  fn_name = "string!", event = "string", event_re = "string", retprobe = "any", event_off = "integer",
  maxactive = "integer", cookie = "cookie",
}
local UPROBE = {
  fn_name = "string!", name = "string!", sym = "string", sym_re = "string", addr = "integer",
  sym_off = "integer", pid = "integer", retprobe = "any", cookie = "cookie",
}
local SESSION = {
  fn_name = "string!", event = "string", event_re = "string", name = "string", sym = "string", sym_re = "string",
  pid = "integer", cookie = "cookie",
}
local TRACEPOINT = { fn_name = "string!", tp = "string", tp_re = "string", cookie = "cookie" }
local RAW_TRACEPOINT = { fn_name = "string!", tp = "string!", cookie = "integer" }
local PERF_EVENT = {
  fn_name = "string!", ev_type = "integer!", ev_config = "integer!", sample_period = "integer",
  sample_freq = "integer", pid = "integer", cpu = "integer", group_fd = "integer",
  cookie = "integer",
}
local TRACE = { fn_name = "string!", cookie = "integer" }
local DETACH = { fn_name = "string!" }
local ITER = { fn_name = "string!", table = "userdata" }
local XDP = { fn_name = "string!", dev = "string!", flags = "integer" }
local RAW_SOCKET = { fn_name = "string!", dev = "string" }
local FUNC = {
  fn_name = "string!", fd = "integer!", attach_type = "integer!", flags = "integer",
}
local PROBE = {
  fn_name = "string!", probe = "string!", usdt = "usdt", pid = "integer", path = "string",
  every_process = "any", cookie = "integer",
}

-- A program's name with the prefix of its kind; or as it is, if there is no kind or the source has only such a program.
local function full_name_of(module, name, kind)
  local prefix = ebcc.program_prefixes[kind] or ""
  local full = name:sub(1, #prefix) == prefix and name or prefix .. name
  local known = {}
  for _, program in ipairs(module:program_names()) do
    known[program] = true
  end
  return known[name] and not known[full] and name or full
end

-- The program that the options of a method name; with a kind, the prefix of its name may be left out. Scripts
-- written for other bindings may have options that don't exist here.
local function program_of(self, method, options, kinds, kind)
  check.options(method, options, kinds, self.strict)
  return self.module:program(full_name_of(self.module, options.fn_name, kind))
end

-- Converts the options of attach_kretprobe{} to those of attach_kprobe{}, and those of attach_uretprobe{} likewise.
local function on_return(method, options, kinds, tolerant)
  check.options(method, options, kinds, tolerant)
  local copy = { retprobe = true }
  for name, option in pairs(options) do
    copy[name] = option
  end
  return copy
end

-- Several links as one: for all matches of a regular expression.
---@class ebcc.Links
local Links = {}
Links.__index = Links
Links.__name = "ebcc.Links"

--- Detaches all of them, and returns the first failure.
---@return boolean?
---@return string? message
---@return integer? errno
function Links:detach()
  return ebcc.detach_links(self)
end

Links.close = Links.detach
Links.__close = Links.detach

-- A pin is of one link of the kernel.
local function pin_method(name)
  return function(self, path)
    if #self ~= 1 then
      return nil, ("a pin is of one link, not of %d"):format(#self), 95 -- EOPNOTSUPP
    end
    return self[1][name](self[1], path)
  end
end

--- Gives the link a name in a BPF file system, if it is only one.
---@type fun(self: ebcc.Links, path: string): boolean?, string?, integer?
Links.pin = pin_method("pin")
--- Removes such a name.
---@type fun(self: ebcc.Links, path: string): boolean?, string?, integer?
Links.unpin = pin_method("unpin")

--- Whether any of them is attached.
---@return boolean
function Links:attached()
  for _, link in ipairs(self) do
    if link:attached() then
      return true
    end
  end
  return false
end

-- What a link is attached to: for one to many functions, each of them.
local function names_of(link)
  local functions = link:functions()
  if #functions == 0 then
    return { link:name() }
  end
  -- "uprobe.multi:/usr/bin/program:3 functions"
  local kind, path = link:name():match("^([^:]*):(.-)%d+ functions$")
  for number, name in ipairs(functions) do
    functions[number] = kind:gsub("%.multi$", "") .. ":" .. path .. name
  end
  return functions
end

--- What each is attached to.
---@return string[]
function Links:names()
  local names = {}
  for _, link in ipairs(self) do
    local functions = names_of(link)
    table.move(functions, 1, #functions, #names + 1, names)
  end
  return names
end

--- The functions that a regular expression has found and that are still attached.
---@return string[]
function Links:functions()
  local all = {}
  for _, link in ipairs(self) do
    local functions = link:functions()
    table.move(functions, 1, #functions, #all + 1, all)
  end
  return all
end

--- Detaches one of these functions.
---@param name string
---@return boolean?
---@return string? message
---@return integer? errno
function Links:detach_function(name)
  local message, errno
  for _, link in ipairs(self) do
    local done, text, number = link:detach_function(name)
    if done then
      return done
    end
    message, errno = text, number
  end
  return nil, message, errno
end

-- Raises for a function where a single target has one cookie.
local function check_number(method, cookie, pattern)
  if type(cookie) == "function" then
    check.fail("%s{}: cookie can be a function only with %s", method, pattern)
  end
end

-- The cookie of one target of a regular expression: the number, or what the function returns for its name.
local function cookie_of(cookie, name)
  if type(cookie) == "function" then
    return cookie(name)
  end
  return cookie
end

-- The cookies of many functions, or nil.
local function cookies_of(cookie, names)
  local cookies = cookie and {}
  for number, name in ipairs(cookies and names or {}) do
    cookies[number] = cookie_of(cookie, name)
  end
  return cookies
end

-- Attaches to each item of a list; some may fail, as not everything that matches can be traced.
local function attach_each(list, what, attach_one)
  local found, last_message, last_errno = setmetatable({}, Links), nil, nil
  for _, item in ipairs(list) do
    local link, message, errno = attach_one(item)
    if link then
      found[#found + 1] = link
    elseif message then
      last_message, last_errno = message, errno
    end
  end
  if #found > 0 then
    return found
  end
  return nil, "nothing was attached: " .. (last_message or ("no %s matches"):format(what)),
    last_errno or 2
end

--- Attaches to a kernel function, or with retprobe = true to its return. event_re attaches to all functions
--- whose name the regular expression matches from the start; with maxactive, it returns one object for all
--- the links. cookie: what bpf_get_attach_cookie() returns in the program (Linux 5.15); with event_re also a
--- function that returns the cookie for a name.
---@param options {event?: string, event_re?: string, fn_name: string, retprobe?: boolean, event_off?: integer, maxactive?: integer, cookie?: integer|fun(name: string): integer}
---@return (ebcc.Link|ebcc.Links)? link
---@return string? message
---@return integer? errno
function attach:attach_kprobe(options)
  local program = program_of(self, "attach_kprobe", options, KPROBE)
  if options.event then
    check_number("attach_kprobe", options.cookie, "event_re")
    return outcome(self, "kprobe", program:attach_kprobe(options))
  elseif not options.event_re then
    check.fail("attach_kprobe{}: event or event_re is needed")
  end
  local functions, message, errno = ebcc.find_kprobe_functions(options.event_re)
  if not functions then
    return outcome(self, "kprobe", nil, message, errno)
  elseif #functions == 0 then
    return outcome(self, "kprobe", nil, "nothing was attached: no kernel function matches", 2)
  end
  -- Only single probes have a limit of active calls.
  if options.maxactive then
    return outcome(self, nil, attach_each(functions, "kernel function", function(name)
      local link, text, number = program:attach_kprobe {
        event = name, retprobe = options.retprobe, maxactive = options.maxactive,
        cookie = cookie_of(options.cookie, name),
      }
      if link then
        outcome(self, "kprobe", link)
      end
      return link, text, number
    end))
  end
  local link
  link, message, errno = program:attach_kprobe_multi(functions, options.retprobe,
    cookies_of(options.cookie, functions))
  local result, text, number = outcome(self, "kprobe", link, message, errno)
  if link then
    links.kprobe[link] = true
  end
  return result, text, number
end

--- Attaches to the return of a kernel function.
---@param options {event?: string, event_re?: string, fn_name: string, maxactive?: integer, cookie?: integer|fun(name: string): integer}
---@return ebcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_kretprobe(options)
  return self:attach_kprobe(on_return("attach_kretprobe", options, KPROBE, self.strict))
end

-- The result of a call for many functions: an object for all its links, of which there is one.
local function functions_outcome(self, kind, link, message, errno)
  if not link then
    return outcome(self, nil, nil, "nothing was attached: " .. message, errno)
  end
  outcome(self, kind, link)
  links[kind][link] = true
  return setmetatable({ link }, Links)
end

-- The regular expression that only this name matches.
local function exactly(name)
  return "^" .. name:gsub("[.$@+]", "[%0]") .. "$"
end

-- Attaches to all functions of a file that match: by one link, if the kernel supports it.
local function attach_user_functions(self, program, options)
  local found, message, errno = ebcc.find_user_functions(options.name, options.sym_re)
  if not found then
    return outcome(self, "uprobe", nil, message, errno)
  elseif #found == 0 then
    return outcome(self, "uprobe", nil, "nothing was attached: no function matches", 2)
  end
  local names, numbers = {}, {}
  for index, item in ipairs(found) do
    names[index], numbers[index] = item.name, item.addr
  end
  return functions_outcome(self, "uprobe", program:attach_uprobe_multi {
    name = options.name, names = names, numbers = numbers, cookies = cookies_of(options.cookie, names),
    pid = options.pid, retprobe = options.retprobe, session = options.session,
  })
end

--- Attaches to a function (sym) or an address (addr, as in the file) of a program or library (name:
--- a path, or "c" for libc), or with retprobe = true to its return. sym_re attaches to all functions that
--- match, and returns one object for all the links. pid: only in this process. cookie: as for attach_kprobe().
---@param options {name: string, sym?: string, sym_re?: string, addr?: integer, sym_off?: integer, fn_name: string, pid?: integer, retprobe?: boolean, cookie?: integer|fun(name: string): integer}
---@return (ebcc.Link|ebcc.Links)? link
---@return string? message
---@return integer? errno
function attach:attach_uprobe(options)
  local program = program_of(self, "attach_uprobe", options, UPROBE)
  if options.sym or options.addr then
    check_number("attach_uprobe", options.cookie, "sym_re")
    return outcome(self, "uprobe", program:attach_uprobe(options))
  elseif not options.sym_re then
    check.fail("attach_uprobe{}: sym, addr or sym_re is needed")
  end
  return attach_user_functions(self, program, options)
end

--- Attaches to the return of a function of a user program.
---@param options {name: string, sym?: string, sym_re?: string, addr?: integer, sym_off?: integer, fn_name: string, pid?: integer, cookie?: integer|fun(name: string): integer}
---@return (ebcc.Link|ebcc.Links)? link
---@return string? message
---@return integer? errno
function attach:attach_uretprobe(options)
  return self:attach_uprobe(on_return("attach_uretprobe", options, UPROBE, self.strict))
end

--- Runs one program both when a function is called and when it returns: a kernel function (event), all that
--- match event_re (Linux 6.10), or, with name, a function of a program or library (sym), or all that match
--- sym_re (Linux 6.13). bpf_session_is_return() tells the two apart, and bpf_session_cookie() is the address of
--- 8 bytes that they share. Returns one object for all the links.
---@param options {event?: string, event_re?: string, name?: string, sym?: string, sym_re?: string, fn_name: string, pid?: integer, cookie?: integer|fun(name: string): integer}
---@return ebcc.Links? link
---@return string? message
---@return integer? errno
function attach:attach_session(options)
  local program = program_of(self, "attach_session", options, SESSION)
  if options.name then
    if not options.sym and not options.sym_re then
      check.fail("attach_session{}: sym or sym_re is needed")
    end
    return attach_user_functions(self, program, {
      name = options.name, sym_re = options.sym_re or exactly(options.sym), pid = options.pid,
      cookie = options.cookie, session = true,
    })
  elseif not options.event and not options.event_re then
    check.fail("attach_session{}: event, event_re or name is needed")
  end
  local functions, message, errno = { options.event }, nil, nil
  if options.event_re then
    functions, message, errno = ebcc.find_kprobe_functions(options.event_re)
  end
  if not functions then
    return outcome(self, "kprobe", nil, message, errno)
  elseif #functions == 0 then
    return outcome(self, "kprobe", nil, "nothing was attached: no kernel function matches", 2)
  end
  return functions_outcome(self, "kprobe", program:attach_kprobe_multi(functions, false,
    cookies_of(options.cookie, functions), true))
end

-- Attaches to one tracepoint, "CATEGORY:EVENT".
local function attach_tracepoint(self, program, name, cookie)
  local category, event = name:match("^([^:]+):([^:]+)$")
  if not category then
    check.fail("'%s' is not the name of a tracepoint (CATEGORY:EVENT)", name)
  end
  local link, message, errno = program:attach_tracepoint(category, event, cookie)
  if link then
    outcome(self, "tracepoint", link)
  end
  return link, message, errno
end

--- Attaches to a tracepoint (tp = "CATEGORY:EVENT"), or to all that tp_re matches. cookie: as for
--- attach_kprobe().
---@param options {tp?: string, tp_re?: string, fn_name: string, cookie?: integer|fun(name: string): integer}
---@return (ebcc.Link|ebcc.Links)? link
---@return string? message
---@return integer? errno
function attach:attach_tracepoint(options)
  local program = program_of(self, "attach_tracepoint", options, TRACEPOINT)
  if options.tp then
    check_number("attach_tracepoint", options.cookie, "tp_re")
    return outcome(self, nil, attach_tracepoint(self, program, options.tp, options.cookie))
  elseif not options.tp_re then
    check.fail("attach_tracepoint{}: tp or tp_re is needed")
  end
  local names, message, errno = ebcc.find_tracepoints(options.tp_re)
  if not names then
    return outcome(self, nil, nil, message, errno)
  end
  return outcome(self, nil, attach_each(names, "tracepoint", function(name)
    return attach_tracepoint(self, program, name, cookie_of(options.cookie, name))
  end))
end

--- Attaches to a raw tracepoint (tp: its name, without a category). A cookie needs Linux 6.10.
---@param options {tp: string, fn_name: string, cookie?: integer}
---@return ebcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_raw_tracepoint(options)
  local program = program_of(self, "attach_raw_tracepoint", options, RAW_TRACEPOINT)
  return outcome(self, nil, program:attach_raw_tracepoint(options.tp, options.cookie))
end

--- Attaches to a perf event: ev_type and ev_config are those of perf_event_open(2). The program runs every
--- sample_period events or sample_freq times a second, for all processes and CPUs unless pid or cpu is
--- given.
---@param options {ev_type: integer, ev_config: integer, fn_name: string, sample_period?: integer, sample_freq?: integer, pid?: integer, cpu?: integer, group_fd?: integer, cookie?: integer}
---@return ebcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_perf_event(options)
  local program = program_of(self, "attach_perf_event", options, PERF_EVENT)
  return outcome(self, nil, program:attach_perf_event(options))
end

-- Makes a method for programs whose name says what they are attached to.
local function trace_method(name, kind)
  return function(self, options)
    local program = program_of(self, name, options, TRACE, kind)
    local link, message, errno = program:attach_trace(options.cookie)
    local full_name = full_name_of(self.module, options.fn_name, kind)
    self.named[full_name] = link or self.named[full_name]
    return outcome(self, nil, link, message, errno)
  end
end

-- Makes a method that detaches such a program again.
local function detach_method(name, kind)
  return function(self, options)
    check.options(name, options, DETACH, self.strict)
    local full_name = full_name_of(self.module, options.fn_name, kind)
    local link = self.named[full_name]
    if not link or not link:attached() then
      return outcome(self, nil, nil, ("program '%s' is not attached"):format(full_name), 2) -- ENOENT
    end
    return link:detach()
  end
end

--- Attaches a KFUNC_PROBE program. BPF:new does that for each, so call detach_kfunc() first. Here and in the next
--- seven, fn_name may leave out the prefix of the program's name: "vfs_read" is the program kfunc__vfs_read. A cookie
--- needs Linux 6.0.
---@type fun(self: ebcc.BPF, options: {fn_name: string, cookie?: integer}): ebcc.Link?, string?, integer?
attach.attach_kfunc = trace_method("attach_kfunc", "kfunc")
--- Attaches a KRETFUNC_PROBE program.
---@type fun(self: ebcc.BPF, options: {fn_name: string, cookie?: integer}): ebcc.Link?, string?, integer?
attach.attach_kretfunc = trace_method("attach_kretfunc", "kretfunc")
--- Attaches a KMOD_RET program.
---@type fun(self: ebcc.BPF, options: {fn_name: string, cookie?: integer}): ebcc.Link?, string?, integer?
attach.attach_fmod_ret = trace_method("attach_fmod_ret", "kmod_ret")
--- Attaches an LSM_PROBE program.
---@type fun(self: ebcc.BPF, options: {fn_name: string, cookie?: integer}): ebcc.Link?, string?, integer?
attach.attach_lsm = trace_method("attach_lsm", "lsm")

--- Detaches a KFUNC_PROBE program, which BPF:new has attached.
---@type fun(self: ebcc.BPF, options: {fn_name: string}): boolean?, string?, integer?
attach.detach_kfunc = detach_method("detach_kfunc", "kfunc")
--- Detaches a KRETFUNC_PROBE program.
---@type fun(self: ebcc.BPF, options: {fn_name: string}): boolean?, string?, integer?
attach.detach_kretfunc = detach_method("detach_kretfunc", "kretfunc")
--- Detaches a KMOD_RET program.
---@type fun(self: ebcc.BPF, options: {fn_name: string}): boolean?, string?, integer?
attach.detach_fmod_ret = detach_method("detach_fmod_ret", "kmod_ret")
--- Detaches an LSM_PROBE program.
---@type fun(self: ebcc.BPF, options: {fn_name: string}): boolean?, string?, integer?
attach.detach_lsm = detach_method("detach_lsm", "lsm")

--- Prepares an iterator (BPF_ITER). Its link's read() runs it and returns what it writes. table: the
--- table whose elements it walks, if it is of that kind.
---@param options {fn_name: string, table?: ebcc.Table}
---@return ebcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_iter(options)
  local program = program_of(self, "attach_iter", options, ITER, "bpf_iter")
  return outcome(self, nil, program:attach_iter(options.table))
end

--- Runs an XDP program on a network interface. flags: XDP_FLAGS_ bits.
---@param options {dev: string, fn_name: string, flags?: integer}
---@return ebcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_xdp(options)
  local program = program_of(self, "attach_xdp", options, XDP)
  return outcome(self, nil, program:attach_xdp(options.dev, options.flags))
end

--- Removes whatever XDP program an interface has.
---@param dev string
---@param flags? integer
---@return boolean?
---@return string? message
---@return integer? errno
function attach.remove_xdp(dev, flags)
  return ebcc.remove_xdp(dev, flags)
end

--- Opens a raw socket with a program as its filter. The link's receive() returns packets. dev: the
--- interface, or nil for all.
---@param options {fn_name: string, dev?: string}
---@return ebcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_raw_socket(options)
  local program = program_of(self, "attach_raw_socket", options, RAW_SOCKET)
  return outcome(self, nil, program:attach_raw_socket(options.dev))
end

--- Attaches to a descriptor with BPF_PROG_ATTACH: of a control group, or a table of sockets. attach_type:
--- enum bpf_attach_type; flags: BPF_F_ALLOW_MULTI and similar.
---@param options {fn_name: string, fd: integer, attach_type: integer, flags?: integer}
---@return ebcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_func(options)
  local program = program_of(self, "attach_func", options, FUNC)
  return outcome(self, nil, program:attach_descriptor(options.fd,
    options.attach_type, options.flags))
end

--- Attaches to a USDT probe ("PROVIDER:NAME", or "NAME"). Give either usdt, an object of ebcc.USDT, or pid
--- and path, in which the probe is looked up for this call. cookie: only if the source doesn't read the
--- arguments of USDT probes.
---@param options {probe: string, fn_name: string, usdt?: ebcc.USDT, pid?: integer, path?: string, every_process?: boolean, cookie?: integer}
---@return ebcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_usdt(options)
  local program = program_of(self, "attach_usdt", options, PROBE)
  local probes, message, errno = options.usdt and options.usdt.handle, nil, nil
  if not probes then
    probes, message, errno = ebcc.usdt { pid = options.pid, path = options.path }
  end
  if not probes then
    return outcome(self, "uprobe", nil, message, errno)
  end
  return outcome(self, "uprobe", program:attach_usdt(probes, options.probe, options.every_process,
    options.cookie))
end

return attach
