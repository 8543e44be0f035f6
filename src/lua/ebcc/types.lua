---@meta ebcc
-- SPDX-License-Identifier: Apache-2.0
-- What the C module gives, and tables of options, for the Lua language server. Nothing loads this file.

--- A struct, union or array of C: members by name, or elements from 1 on. A copy of the bytes, which can be
--- written to, compared, and walked by pairs().
---@class ebcc.Record
---@field [string|integer] any

--- A table of the source. Keys and values are integers, booleans, numbers, strings or records; a per-CPU
--- table's value is a list with an element for each possible CPU. Indices of arrays begin with 0.
---@class ebcc.Table
local Table = {}

--- The value of a key, or nil. Of a table of stack traces: get(id, resolver), the addresses of a
--- stack, innermost first, or what the resolver makes of each; an empty list where there is none.
---@param key any
---@param resolver? fun(address: integer): any
---@return any
---@return string? message
---@return integer? errno
function Table:get(key, resolver) end

--- Sets a value. Records are given as records, as tables by name or position, or as bytes. In tables
--- of descriptors a program or another table stands for its own.
---@param key any
---@param value any
---@param flags? integer 0: BPF_ANY, 1: BPF_NOEXIST, 2: BPF_EXIST
---@return boolean?
---@return string? message
---@return integer? errno
function Table:set(key, value, flags) end

--- Whether the key was there.
---@param key any
---@return boolean?
---@return string? message
---@return integer? errno
function Table:delete(key) end

--- The key after another, or the first one.
---@param key? any
---@return any
function Table:next(key) end

--- Deletes every entry; an array's are zeroed.
---@return boolean?
---@return string? message
---@return integer? errno
function Table:clear() end

--- Keys and values of a copy of the table; of an array values, or with with_index positions from 1 on and
--- values. pairs(table) and each() give keys and values of every kind.
---@param with_index? boolean
---@return fun(): any, any
function Table:items(with_index) end

---@return fun(): any
function Table:keys() end

---@return fun(): any
function Table:values() end

---@return fun(): any, any
function Table:each() end

--- As each(); what is read is deleted.
---@return fun(): any, any
function Table:drain() end

--- How many entries there are.
---@return integer
function Table:size() end

---@param value any
---@param flags? integer
---@return boolean?
---@return string? message
---@return integer? errno
function Table:push(value, flags) end

--- The next value of a queue or stack, taken out; nil when it is empty.
---@return any
function Table:pop() end

--- The next value of a queue or stack, left there.
---@return any
function Table:peek() end

--- A key as text: { 0x1 "text" }.
---@param key any
---@return string
function Table:key_sprintf(key) end

---@param leaf any
---@return string
function Table:leaf_sprintf(leaf) end

---@param text string
---@return any
function Table:key_scanf(text) end

---@param text string
---@return any
function Table:leaf_scanf(text) end

--- Closes the reader of its events.
function Table:close_events() end

--- Events that the source failed to submit, since load.
---@return integer
function Table:lost() end

---@return {name: string, map_type: integer, fd: integer, map_id: integer, flags: integer, max_entries: integer, key_size: integer, leaf_size: integer, per_cpu: boolean, array: boolean}
function Table:facts() end

--- Keeps a program attached. It belongs to its module: only detach(), close() and `<close>` end it before.
---@class ebcc.Link
local Link = {}

--- Ends it. Doing it again does nothing.
function Link:detach() end

--- detach() by another name.
function Link:close() end

---@return boolean
function Link:attached() end

---@return integer
function Link:fd() end

--- "kprobe:vfs_read"
---@return string
function Link:name() end

--- Of attach_kprobe{event_re = ...}: the functions.
---@return string[]
function Link:functions() end

---@param name string
---@return boolean?
---@return string? message
---@return integer? errno
function Link:detach_function(name) end

--- Of attach_iter{}: what the iterator writes.
---@return string?
---@return string? message
---@return integer? errno
function Link:read() end

--- Of attach_raw_socket{}: a packet, or nil where none is waiting.
---@return string?
---@return string? message
---@return integer? errno
function Link:receive() end

---@class ebcc.posix
---@field CLOCK table<string, integer>
local posix = {}

--- Nanoseconds of a clock, the monotonic one by default.
---@param clock? integer
---@return integer
function posix.time_ns(clock) end

--- True; false when a signal came first.
---@param seconds number
---@param clock? integer
---@return boolean
function posix.sleep(seconds, clock) end

--- CPUs that are online.
---@return integer
function posix.cpu_count() end

---@return integer
function posix.getpid() end

---@param errno integer
---@return string
function posix.strerror(errno) end

--- The id of a user, by name.
---@param name string
---@return integer?
function posix.user_id(name) end

--- The number of a signal, by its name without SIG, such as "USR1" or "RTMIN+1".
---@param name string
---@return integer?
function posix.signal_number(name) end

--- From now on SIGINT and SIGTERM end waits and are noted; a second one ends the process.
function posix.catch_interrupts() end

--- Whether one was.
---@return boolean
function posix.interrupted() end

--- What is raised by failures that a script can't go on with, and by wrong use of the module.
---@class ebcc.Error
---@field where string "FILE:LINE: " of the script
---@field kind string "CompileError", "LoadError", ...
---@field code integer
---@field message string
---@field errno integer
---@field subject? string the path, program or symbol it speaks of
---@field details? string clang's diagnostics, or the verifier's log

---@class ebcc.Options
---@field text? string the source
---@field src_file? string its file: a path, or a name beside the script
---@field hdr_file? string a file put before the source
---@field cflags? string[]|string flags for clang
---@field debug? integer DEBUG_ bits, whose texts go to stderr
---@field constants? table<string, any> values of `const volatile` globals
---@field usdt? ebcc.USDT probes that were enabled
---@field usdt_contexts? ebcc.USDT[]
---@field attach_usdt_ignore_pid? boolean run at USDT probes in every process
---@field kernel_types? "auto"|"btf"|"headers"
---@field compiler? "helper"|"in_process"
---@field device? string network device to offload to
---@field btf_path? string file with the kernel's BTF
---@field kernel_root? string directory in whose place / is looked at for what describes the kernel
---@field any_kernel? boolean load what these make a module for another kernel, too
---@field allow_rlimit? boolean false: RLIMIT_MEMLOCK stays as it is
---@field log? fun(level: integer, message: string) 1: error, 2: warning, 3: info, 4: debug; default: warn()

---@class ebcc.EventOptions
---@field type? string a C type that describes events
---@field raw? boolean events are strings of bytes
---@field page_count? integer perf buffers: pages per CPU, a power of two
---@field wakeup_events? integer wake the reader after so many
---@field lost? fun(cpu: integer, count: integer) is told of lost events, instead of warn(); that of a ring buffer gets the count only
---@field page_cnt? integer page_count by another name
---@field lost_cb? fun(cpu: integer, count: integer) lost by another name

---@class ebcc.HistogramOptions
---@field bucket_fn? fun(bucket: any): any
---@field section_print_fn? fun(bucket: any): any
---@field section_sort_fn? fun(a: any, b: any): boolean
---@field strip_leading_zero? boolean

---@class ebcc.Function
---@field bpf ebcc.BPF
---@field name string
---@field fd integer
---@field program table to be assigned into a table of programs
