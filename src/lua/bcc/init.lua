-- SPDX-License-Identifier: Apache-2.0
-- The Lua package bcc: compiles C sources into BPF programs, runs them in the kernel, and brings
-- their data back. `require "bcc"` changes no global; what scripts of other Lua bindings of BPF
-- lean on (a format operator, string.split, ...) is brought in by the program bcc-lua.

local ebcc = require "bcc._ebcc"
local value = require "bcc.value"

---@class bcc
---@field BPF bcc.BPF
---@field USDT bcc.USDT
---@field SymbolCache bcc.SymbolCache
---@field constants table<string, integer> the kernel's numbers: BPF_PROG_TYPE_KPROBE, XDP_PASS, ...
---@field posix bcc.posix clocks, sleeping, signals
---@field version string of the library
local bcc = {
  BPF = require "bcc.bpf",
  USDT = require "bcc.usdt",
  SymbolCache = require "bcc.symbols",
  constants = ebcc.constants,
  posix = ebcc.posix,
  version = ebcc.version,
}

--- A copy of a record as plain Lua tables, for JSON and the like. Other values come back as they are.
bcc.totable = value.totable

--- The bytes of a record as a string, which (other than the record) is the same key of a Lua table
--- each time.
---@type fun(record: bcc.Record): string
bcc.bytes = ebcc.bytes

return bcc
