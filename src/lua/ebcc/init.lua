-- SPDX-License-Identifier: Apache-2.0
-- The Lua package ebcc: compiles C source to BPF programs, runs them in the kernel, and brings their data
-- back. `require "ebcc"` changes no globals; what scripts for other Lua bindings of BPF need (a format
-- operator, string.split, ...) is provided by the program bcc-lua.

local core = require "ebcc._ebcc"
local value = require "ebcc.value"

---@class ebcc
---@field BPF ebcc.BPF
---@field USDT ebcc.USDT
---@field SymbolCache ebcc.SymbolCache
---@field constants table<string, integer> constants of the kernel: BPF_PROG_TYPE_KPROBE, XDP_PASS, ...
---@field posix ebcc.posix clocks, sleeping, signals
---@field version string of the library
local ebcc = {
  BPF = require "ebcc.bpf",
  USDT = require "ebcc.usdt",
  SymbolCache = require "ebcc.symbols",
  constants = require "ebcc.constants",
  posix = core.posix,
  version = core.version,
}

--- A copy of a record as plain Lua tables, for JSON and similar. Other values are returned unchanged.
ebcc.totable = value.totable

--- The bytes of a record as a string, which, unlike the record, can serve as a key of a Lua table.
---@type fun(record: ebcc.Record): string
ebcc.bytes = core.bytes

return ebcc
