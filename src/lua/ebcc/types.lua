---@meta ebcc
-- SPDX-License-Identifier: Apache-2.0
-- Types of the C module, and tables of options, for the Lua language server. Nothing loads this file.

--- A struct, union or array of C: members by name, or elements starting at 1. It is a copy of the bytes, and
--- can be modified, compared, and iterated over with pairs().
---@class ebcc.Record
---@field [string|integer] any

--- A table of the source. Keys and values are integers, booleans, numbers, strings or records. A value of a
--- per-CPU table is a list with an element for each possible CPU. Indices of arrays start at 0.
---@class ebcc.Table
local Table = {}

--- The value of a key, or nil. For tables of stack traces, get(id, resolver): the addresses of a stack,
--- innermost first, or what the resolver returns for each; an empty list if there is no such stack.
---@param key any
---@param resolver? fun(address: integer): any
---@return any
---@return string? message
---@return integer? errno
function Table:get(key, resolver) end

--- Sets a value. Structs can be given as records, as tables by name or position, or as bytes. In tables of
--- descriptors, a program or another table stands for its descriptor.
---@param key any
---@param value any
---@param flags? integer 0: BPF_ANY, 1: BPF_NOEXIST, 2: BPF_EXIST
---@return boolean?
---@return string? message
---@return integer? errno
function Table:set(key, value, flags) end

--- Deletes a key. Returns whether it was there.
---@param key any
---@return boolean?
---@return string? message
---@return integer? errno
function Table:delete(key) end

--- The key after another, or the first one.
---@param key? any
---@return any
function Table:next(key) end

--- Deletes all entries; those of arrays are zeroed.
---@return boolean?
---@return string? message
---@return integer? errno
function Table:clear() end

--- Iterates over keys and values of a copy of the table; for arrays, over values only, or if with_index is
--- true, over positions, starting at 1, and values. pairs(table) and each() return keys and values of every
--- kind of table.
---@param with_index? boolean
---@return fun(): any, any
function Table:items(with_index) end

---@return fun(): any
function Table:keys() end

---@return fun(): any
function Table:values() end

---@return fun(): any, any
function Table:each() end

--- Like each(), and deletes what it reads.
---@return fun(): any, any
function Table:drain() end

--- The number of entries.
---@return integer
function Table:size() end

---@param value any
---@param flags? integer
---@return boolean?
---@return string? message
---@return integer? errno
function Table:push(value, flags) end

--- Removes and returns the next value of a queue or stack; nil if it is empty.
---@return any
function Table:pop() end

--- Returns the next value of a queue or stack without removing it.
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

--- The number of events that programs failed to submit since the module was loaded.
---@return integer
function Table:lost() end

--- Gives the table a name in a BPF file system, by which the kernel keeps it when this process ends. path:
--- a new file in a directory of /sys/fs/bpf.
---@param path string
---@return boolean?
---@return string? message
---@return integer? errno
function Table:pin(path) end

--- Removes such a name.
---@param path string
---@return boolean?
---@return string? message
---@return integer? errno
function Table:unpin(path) end

---@return {name: string, map_type: integer, fd: integer, map_id: integer, flags: integer, max_entries: integer, key_size: integer, leaf_size: integer, per_cpu: boolean, array: boolean}
function Table:facts() end

--- Keeps a program attached until the module is closed, or until detach(), close() or `<close>`.
---@class ebcc.Link
local Link = {}

--- Detaches the program. Doing it again does nothing. Failures are rare: then the kernel may still run the
--- program.
---@return boolean?
---@return string? message
---@return integer? errno
function Link:detach() end

--- Another name of detach().
---@return boolean?
---@return string? message
---@return integer? errno
function Link:close() end

--- Gives the link a name in a BPF file system, which keeps the program attached. path: a new file in a
--- directory of /sys/fs/bpf.
---@param path string
---@return boolean?
---@return string? message
---@return integer? errno
function Link:pin(path) end

--- Removes such a name.
---@param path string
---@return boolean?
---@return string? message
---@return integer? errno
function Link:unpin(path) end

---@return boolean
function Link:attached() end

---@return integer
function Link:fd() end

--- A name such as "kprobe:vfs_read".
---@return string
function Link:name() end

--- For attach_kprobe{event_re = ...}: the functions.
---@return string[]
function Link:functions() end

---@param name string
---@return boolean?
---@return string? message
---@return integer? errno
function Link:detach_function(name) end

--- For attach_iter{}: runs the iterator, and returns what it writes.
---@return string?
---@return string? message
---@return integer? errno
function Link:read() end

--- For attach_raw_socket{}: a packet, or nil if none is waiting.
---@return string?
---@return string? message
---@return integer? errno
function Link:receive() end

---@class ebcc.posix
---@field CLOCK table<string, integer>
local posix = {}

--- The time of a clock in nanoseconds; by default the monotonic one.
---@param clock? integer
---@return integer
function posix.time_ns(clock) end

--- Sleeps. Returns true, or false if a signal came first.
---@param seconds number
---@param clock? integer
---@return boolean
function posix.sleep(seconds, clock) end

--- The number of CPUs that are online.
---@return integer
function posix.cpu_count() end

---@return integer
function posix.getpid() end

---@param errno integer
---@return string
function posix.strerror(errno) end

--- The id of a user, given by name.
---@param name string
---@return integer?
function posix.user_id(name) end

--- The number of a signal, given by its name without SIG, such as "USR1" or "RTMIN+1".
---@param name string
---@return integer?
function posix.signal_number(name) end

--- From now on, the first SIGINT or SIGTERM ends waits and sets a flag; a second one ends the process.
function posix.catch_interrupts() end

--- Whether such a signal came.
---@return boolean
function posix.interrupted() end

--- Raised by failures that a script can't handle, and on misuse of the module.
---@class ebcc.Error
---@field where string "FILE:LINE: " of the script
---@field kind string "CompileError", "LoadError", ...
---@field code integer
---@field message string
---@field errno integer
---@field subject? string the path, program or symbol that it is about
---@field details? string clang's diagnostics, or the verifier's log

---@class ebcc.Options
---@field text? string the source
---@field src_file? string the file of the source: a path, or a name beside the script
---@field hdr_file? string a file that is put before the source
---@field cflags? string[]|string flags for clang
---@field debug? integer DEBUG_ bits, whose texts are written to stderr
---@field constants? table<string, any> values of `const volatile` globals
---@field usdt? ebcc.USDT probes that were enabled
---@field usdt_contexts? ebcc.USDT[]
---@field attach_usdt_ignore_pid? boolean run at USDT probes in all processes
---@field kernel_types? "auto"|"btf"|"headers"
---@field compiler? "helper"|"in_process"
---@field device? string network device to offload to
---@field btf_path? string file with the kernel's BTF
---@field kernel_root? string directory to use instead of / when looking for what describes the kernel
---@field any_kernel? boolean load a module even if these options make it one for another kernel
---@field portable? boolean compile an object that other kernels can load too
---@field object? string instead of a source, a file that BPF:save() wrote, or its contents
---@field allow_rlimit? boolean false: leave RLIMIT_MEMLOCK as it is
---@field log? fun(level: integer, message: string) 1: error, 2: warning, 3: info, 4: debug; default: warn()

---@class ebcc.EventOptions
---@field type? string a C type that describes events
---@field raw? boolean events are strings of bytes
---@field page_count? integer perf buffers: pages per CPU, a power of two
---@field wakeup_events? integer wake the reader after this many
---@field lost? fun(cpu: integer, count: integer) is called for lost events, instead of warn(); for ring buffers with the count only
---@field page_cnt? integer another name of page_count
---@field lost_cb? fun(cpu: integer, count: integer) another name of lost

---@class ebcc.HistogramOptions
---@field bucket_fn? fun(bucket: any): any
---@field section_print_fn? fun(bucket: any): any
---@field section_sort_fn? fun(a: any, b: any): boolean
---@field strip_leading_zero? boolean

---@class ebcc.Function
---@field bpf ebcc.BPF
---@field name string
---@field fd integer
---@field program table to be assigned to an element of a table of programs
