-- SPDX-License-Identifier: Apache-2.0
-- Functions of BPF that find what can be traced and ask what the kernel can do. Regular expressions
-- are extended ones and match from the start of a name on.

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

--- Kernel functions that can be probed and match.
---@type fun(regex: string): string[]?, string?, integer?
finding.get_kprobe_functions = ebcc.find_kprobe_functions

--- Tracepoints that match, as CATEGORY:EVENT.
---@type fun(regex: string): string[]?, string?, integer?
finding.get_tracepoints = ebcc.find_tracepoints

---@type fun(category: string, event: string): boolean
finding.tracepoint_exists = ebcc.tracepoint_exists

--- Functions of an ELF file that match, with their addresses there.
---@type fun(name: string, regex: string): {name: string, addr: integer}[]?, string?, integer?
finding.get_user_functions_and_addresses = ebcc.find_user_functions

--- The path of a library, as the loader (or the process) finds it.
---@type fun(name: string, pid?: integer): string?, string?, integer?
finding.find_library = ebcc.find_library

--- Whether the Go compiler built a program: return probes can crash it.
---@type fun(name: string, pid?: integer): boolean?, string?, integer?
finding.is_go_binary = ebcc.is_go_binary

--- The inode number of this process's PID namespace, or 0 for the initial one. In another one,
--- processes have other numbers than bpf_get_current_pid_tgid() gives: see ebcc_ns_pid_tgid() of the
--- C source. It fails where /proc is not mounted, or is another namespace's.
---@type fun(): integer?, string?, integer?
finding.pid_namespace = ebcc.pid_namespace

--- Makes an ELF file known by its build id, for stacks of BPF_STACK_TRACE_BUILDID tables.
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

--- The same where the name has some architecture's prefix already.
---@param name string
---@return string
function finding.fix_syscall_fnname(name)
  local call = ebcc.syscall_name(name)
  return call and finding.get_syscall_fnname(call) or name
end

--- Whether a struct of the running kernel has a member; nil where there is no such struct.
---@type fun(record: string, member: string): boolean?
finding.kernel_struct_has_field = ebcc.kernel_has_member

--- Whether an enum of the running kernel has an enumerator; nil where there is no such enum.
---@type fun(enumeration: string, enumerator: string): boolean?
finding.kernel_enum_has_val = ebcc.kernel_has_enumerator

--- Whether the kernel runs KFUNC_PROBE programs.
---@return boolean
function finding.support_kfunc()
  return ebcc.kernel_supports("kfunc")
end

--- Whether the kernel runs KMOD_RET programs.
---@return boolean
function finding.support_fmod_ret()
  return ebcc.kernel_supports("fmod_ret")
end

--- Whether the kernel runs LSM_PROBE programs.
---@return boolean
function finding.support_lsm()
  return ebcc.kernel_supports("lsm")
end

--- Whether the kernel runs RAW_TRACEPOINT_PROBE programs.
---@return boolean
function finding.support_raw_tracepoint()
  return ebcc.kernel_supports("raw_tracepoint")
end

--- Whether the kernel runs raw tracepoints of kernel modules.
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
