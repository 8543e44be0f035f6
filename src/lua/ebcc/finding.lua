-- SPDX-License-Identifier: Apache-2.0
-- Functions of BPF that find what can be traced, and what the kernel supports. Regular expressions are
-- extended ones and match from the start of a name.

local ebcc = require "ebcc._ebcc"
local SymbolCache = require "ebcc.symbols"

---@class ebcc.BPF
local finding = {}

--- The name of an address in a process; a negative pid means the kernel.
---@param address integer
---@param pid integer
---@param show_module? boolean
---@param show_offset? boolean
---@return string
function finding.sym(address, pid, show_module, show_offset)
  return SymbolCache(pid):describe(address, show_module, show_offset)
end

--- The name of a kernel address.
---@param address integer
---@param show_module? boolean
---@param show_offset? boolean
---@return string
function finding.ksym(address, show_module, show_offset)
  return SymbolCache():describe(address, show_module, show_offset)
end

--- The address of a kernel symbol, or nil.
---@param name string
---@return integer?
function finding.ksymname(name)
  return SymbolCache():resolve_name(name)
end

--- The kernel functions that match and can be probed.
---@type fun(regex: string): string[]?, string?, integer?
finding.get_kprobe_functions = ebcc.find_kprobe_functions

--- The tracepoints that match, as CATEGORY:EVENT.
---@type fun(regex: string): string[]?, string?, integer?
finding.get_tracepoints = ebcc.find_tracepoints

---@type fun(category: string, event: string): boolean
finding.tracepoint_exists = ebcc.tracepoint_exists

--- The functions of an ELF file that match, with their addresses in the file.
---@type fun(name: string, regex: string): {name: string, addr: integer}[]?, string?, integer?
finding.get_user_functions_and_addresses = ebcc.find_user_functions

--- The path of a library that the loader finds, or with a pid, that a process has loaded.
---@type fun(name: string, pid?: integer): string?, string?, integer?
finding.find_library = ebcc.find_library

--- Whether the Go compiler built a program; return probes can crash such programs.
---@type fun(name: string, pid?: integer): boolean?, string?, integer?
finding.is_go_binary = ebcc.is_go_binary

--- The inode number of this process's PID namespace, or 0 for the initial one. In other namespaces, pids
--- differ from those of bpf_get_current_pid_tgid(): use ebcc_ns_pid_tgid() in the C source. Fails if /proc
--- is not mounted or belongs to another namespace.
---@type fun(): integer?, string?, integer?
finding.pid_namespace = ebcc.pid_namespace

--- Registers an ELF file under its build id, for stacks of BPF_STACK_TRACE_BUILDID tables.
---@param path string
---@return boolean?
---@return string? message
---@return integer? errno
function finding.add_module(path)
  return SymbolCache.add_file(path)
end

---@type fun(): string
finding.get_syscall_prefix = ebcc.syscall_prefix

--- The kernel function of a system call.
---@param name string
---@return string
function finding.get_syscall_fnname(name)
  return ebcc.syscall_prefix() .. name
end

--- The same, for a name that already has the prefix of some architecture.
---@param name string
---@return string
function finding.fix_syscall_fnname(name)
  local call = ebcc.syscall_name(name)
  return call and finding.get_syscall_fnname(call) or name
end

--- Whether a struct of the running kernel has a member; nil if there is no such struct.
---@type fun(record: string, member: string): boolean?
finding.kernel_struct_has_field = ebcc.kernel_has_member

--- Whether an enum of the running kernel has an enumerator; nil if there is no such enum.
---@type fun(enumeration: string, enumerator: string): boolean?
finding.kernel_enum_has_val = ebcc.kernel_has_enumerator

--- Whether the kernel supports KFUNC_PROBE programs.
---@return boolean
function finding.support_kfunc()
  return ebcc.kernel_supports("kfunc")
end

--- Whether the kernel supports KMOD_RET programs.
---@return boolean
function finding.support_fmod_ret()
  return ebcc.kernel_supports("fmod_ret")
end

--- Whether the kernel supports LSM_PROBE programs.
---@return boolean
function finding.support_lsm()
  return ebcc.kernel_supports("lsm")
end

--- Whether the kernel supports RAW_TRACEPOINT_PROBE programs.
---@return boolean
function finding.support_raw_tracepoint()
  return ebcc.kernel_supports("raw_tracepoint")
end

--- Whether the kernel supports raw tracepoints in kernel modules.
---@return boolean
function finding.support_raw_tracepoint_in_module()
  return ebcc.kernel_supports("raw_tracepoint_in_module")
end

--- The clock of bpf_ktime_get_ns(), in nanoseconds.
---@return integer
function finding.monotonic_time()
  return ebcc.posix.time_ns(ebcc.posix.CLOCK.MONOTONIC)
end

return finding
