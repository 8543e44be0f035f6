-- SPDX-License-Identifier: Apache-2.0
-- Attaching programs: the attach_ methods of BPF. Each returns a link, whose detach() ends it; left
-- alone, it lasts as long as the module. Where what is to be traced isn't there or can't be,
-- they return nil, a message and an errno; a strict BPF raises instead.

local ebcc = require "bcc._ebcc"

local attach = {}

-- Links that are attached, by kind, of all modules of this process.
local links = { kprobe = {}, uprobe = {}, tracepoint = {} }
for _, list in pairs(links) do
  setmetatable(list, { __mode = "k" })
end

-- How many functions or events a kind's links are attached to.
local function count(kind)
  local total = 0
  for link, number in pairs(links[kind]) do
    if link:attached() then
      total = total + number
    end
  end
  return total
end

--- Kernel functions and return points that programs of this process are attached to.
---@return integer
function attach.num_open_kprobes()
  return count("kprobe")
end

--- Places in user programs, USDT probes among them.
---@return integer
function attach.num_open_uprobes()
  return count("uprobe")
end

---@return integer
function attach.num_open_tracepoints()
  return count("tracepoint")
end

-- What an attach_ method returns. The module holds its links: a script may drop what it gets.
local function outcome(self, kind, link, message, errno)
  if not link then
    if self.strict then
      error(message, 3)
    end
    return nil, message, errno
  end
  if links[kind] then
    links[kind][link] = 1
    self.links[#self.links + 1] = link
  end
  return link
end

-- The program that an option table names.
local function program_of(self, options)
  if type(options) ~= "table" then
    error("options are given as a table: {fn_name = ...}", 3)
  end
  if type(options.fn_name) ~= "string" then
    error("fn_name is needed", 3)
  end
  return self.module:program(options.fn_name)
end

-- The options of a probe for the return of a function.
local function on_return(options)
  local copy = { retprobe = true }
  for name, option in pairs(options) do
    copy[name] = option
  end
  return copy
end

-- Attaches to each of a list; some may fail, as not everything that matches can be traced.
local function attach_each(list, what, attach_one)
  local first, last_message, last_errno
  for _, item in ipairs(list) do
    local link, message, errno = attach_one(item)
    if link then
      first = first or link
    else
      last_message, last_errno = message, errno
    end
  end
  if first then
    return first
  end
  return nil, "nothing was attached: " .. (last_message or ("no %s matches"):format(what)),
    last_errno or 2
end

--- Attaches to a kernel function, or with retprobe = true to its return. event_re: to every one that
--- the regular expression matches from its start on.
---@param options {event?: string, event_re?: string, fn_name: string, retprobe?: boolean, event_off?: integer, maxactive?: integer, cookie?: integer}
---@return bcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_kprobe(options)
  local program = program_of(self, options)
  if not options.event_re then
    return outcome(self, "kprobe", program:attach_kprobe(options))
  end
  local functions, message, errno = ebcc.find_kprobe_functions(options.event_re)
  if not functions then
    return outcome(self, "kprobe", nil, message, errno)
  elseif #functions == 0 then
    return outcome(self, "kprobe", nil, "nothing was attached: no kernel function matches", 2)
  end
  local link
  link, message, errno = program:attach_kprobe_multi(functions, options.retprobe)
  local result, text, number = outcome(self, "kprobe", link, message, errno)
  if link then
    links.kprobe[link] = #link:functions()
  end
  return result, text, number
end

--- Attaches to the return of a kernel function.
function attach:attach_kretprobe(options)
  return self:attach_kprobe(on_return(options))
end

--- Attaches to a function (sym) or an address (addr, as in the file) of a program or library (name:
--- a path, or "c" for libc), or with retprobe = true to its return. sym_re: to every function that
--- matches. pid: in one process only.
---@param options {name: string, sym?: string, sym_re?: string, addr?: integer, sym_off?: integer, fn_name: string, pid?: integer, retprobe?: boolean, cookie?: integer}
---@return bcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_uprobe(options)
  local program = program_of(self, options)
  if not options.sym_re then
    return outcome(self, "uprobe", program:attach_uprobe(options))
  end
  local functions, message, errno = ebcc.find_user_functions(options.name, options.sym_re)
  if not functions then
    return outcome(self, "uprobe", nil, message, errno)
  end
  local known = {}
  return outcome(self, nil, attach_each(functions, "function", function(found)
    if known[found.addr] then
      return known[found.addr]
    end
    local link, text, number = program:attach_uprobe {
      name = options.name, addr = found.addr, pid = options.pid, retprobe = options.retprobe,
    }
    known[found.addr] = link
    if link then
      outcome(self, "uprobe", link)
    end
    return link, text, number
  end))
end

--- Attaches to the return of a function of a user program.
function attach:attach_uretprobe(options)
  return self:attach_uprobe(on_return(options))
end

-- One tracepoint, "CATEGORY:EVENT".
local function attach_tracepoint(self, program, name)
  local category, event = name:match("^([^:]+):([^:]+)$")
  if not category then
    error("a tracepoint is written CATEGORY:EVENT, not '" .. name .. "'", 4)
  end
  local link, message, errno = program:attach_tracepoint(category, event)
  if link then
    outcome(self, "tracepoint", link)
  end
  return link, message, errno
end

--- Attaches to a tracepoint (tp = "CATEGORY:EVENT"), or to all that tp_re matches.
---@param options {tp?: string, tp_re?: string, fn_name: string}
---@return bcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_tracepoint(options)
  local program = program_of(self, options)
  if options.tp then
    return outcome(self, nil, attach_tracepoint(self, program, options.tp))
  elseif not options.tp_re then
    error("tp is needed", 2)
  end
  local names, message, errno = ebcc.find_tracepoints(options.tp_re)
  if not names then
    return outcome(self, nil, nil, message, errno)
  end
  return outcome(self, nil, attach_each(names, "tracepoint", function(name)
    return attach_tracepoint(self, program, name)
  end))
end

--- Attaches to a raw tracepoint (tp: its name, without a category).
---@param options {tp: string, fn_name: string}
function attach:attach_raw_tracepoint(options)
  return outcome(self, nil, program_of(self, options):attach_raw_tracepoint(options.tp))
end

--- Attaches to a perf event: ev_type and ev_config as perf_event_open(2) has them, every
--- sample_period events or sample_freq times a second, of all processes and CPUs unless pid or cpu
--- says otherwise.
---@param options {ev_type: integer, ev_config: integer, fn_name: string, sample_period?: integer, sample_freq?: integer, pid?: integer, cpu?: integer, group_fd?: integer}
function attach:attach_perf_event(options)
  return outcome(self, nil, program_of(self, options):attach_perf_event(options))
end

-- Programs whose name says what they are attached to.
local function attach_trace(self, options)
  return outcome(self, nil, program_of(self, options):attach_trace())
end

--- Attaches a KFUNC_PROBE program (fn_name = "kfunc__FUNCTION").
attach.attach_kfunc = attach_trace
--- Attaches a KRETFUNC_PROBE program.
attach.attach_kretfunc = attach_trace
--- Attaches a KMOD_RET program.
attach.attach_fmod_ret = attach_trace
--- Attaches an LSM_PROBE program.
attach.attach_lsm = attach_trace

--- Prepares an iterator (BPF_ITER), whose link's read() runs it and gives what it writes. table: the
--- one whose elements it walks, if it is of that kind.
---@param options {fn_name: string, table?: bcc.Table}
function attach:attach_iter(options)
  return outcome(self, nil, program_of(self, options):attach_iter(options.table))
end

--- Runs an XDP program on a network interface. flags: XDP_FLAGS_ bits.
---@param options {dev: string, fn_name: string, flags?: integer}
function attach:attach_xdp(options)
  return outcome(self, nil, program_of(self, options):attach_xdp(options.dev, options.flags))
end

--- Removes whatever XDP program an interface has.
---@param dev string
---@param flags? integer
function attach.remove_xdp(dev, flags)
  return ebcc.remove_xdp(dev, flags)
end

--- Opens a raw socket with a program as its filter; its link's receive() gives packets. dev: the
--- interface, or nil for all.
---@param options {fn_name: string, dev?: string}
function attach:attach_raw_socket(options)
  return outcome(self, nil, program_of(self, options):attach_raw_socket(options.dev))
end

--- Attaches to what a descriptor stands for, as BPF_PROG_ATTACH does: a control group, a table of
--- sockets. attach_type, flags: of enum bpf_attach_type, BPF_F_ALLOW_MULTI and kin.
---@param options {fn_name: string, fd: integer, attach_type: integer, flags?: integer}
function attach:attach_func(options)
  return outcome(self, nil, program_of(self, options):attach_descriptor(options.fd,
    options.attach_type, options.flags))
end

--- Attaches to a USDT probe ("PROVIDER:NAME", or "NAME"). usdt: an object of bcc.USDT; or pid and
--- path, which then are looked at for this call.
---@param options {probe: string, fn_name: string, usdt?: bcc.USDT, pid?: integer, path?: string, every_process?: boolean}
---@return bcc.Link? link
---@return string? message
---@return integer? errno
function attach:attach_usdt(options)
  local program = program_of(self, options)
  if type(options.probe) ~= "string" then
    error("probe is needed", 2)
  end
  local probes, message, errno = options.usdt and options.usdt.handle, nil, nil
  if not probes then
    probes, message, errno = ebcc.usdt { pid = options.pid, path = options.path }
  end
  if not probes then
    return outcome(self, "uprobe", nil, message, errno)
  end
  return outcome(self, "uprobe", program:attach_usdt(probes, options.probe, options.every_process))
end

return attach
