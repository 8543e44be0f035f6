-- The Lua package bcc as a rock, for a machine that has ebcc's library and header installed.
-- SPDX-License-Identifier: Apache-2.0
package = "ebcc"
version = "0.1.0-1"
source = {
  url = "file://.",
}
description = {
  summary = "Compiles C sources into BPF programs at run time, and traces Linux with them",
  detailed = [[
The Lua package bcc: modules, programs of every kind, tables, perf and ring buffers, stack traces,
symbols, USDT probes and the trace pipe. `bcc-lua` runs scripts of the shape
`return function(BPF, utils) ... end`.]],
  license = "Apache-2.0",
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.4, < 5.5",
  "argparse >= 0.7",
  "dkjson >= 2.5",
}
external_dependencies = {
  EBCC = { header = "ebcc.h", library = "ebcc" },
}
build = {
  type = "builtin",
  modules = {
    ["bcc._ebcc"] = {
      sources = {
        "luaebcc.c", "error.c", "module.c", "program.c", "link.c", "type.c", "record.c", "table.c",
        "events.c", "symbols.c", "usdt.c", "finding.c", "trace_pipe.c", "posix.c",
      },
      defines = { "_GNU_SOURCE" },
      libraries = { "ebcc" },
      incdirs = { "$(EBCC_INCDIR)" },
      libdirs = { "$(EBCC_LIBDIR)" },
    },
    ["bcc"] = "bcc/init.lua",
    ["bcc.attach"] = "bcc/attach.lua",
    ["bcc.bit"] = "bcc/bit.lua",
    ["bcc.bpf"] = "bcc/bpf.lua",
    ["bcc.check"] = "bcc/check.lua",
    ["bcc.cli"] = "bcc/cli.lua",
    ["bcc.compat"] = "bcc/compat.lua",
    ["bcc.ffi"] = "bcc/ffi.lua",
    ["bcc.finding"] = "bcc/finding.lua",
    ["bcc.histogram"] = "bcc/histogram.lua",
    ["bcc.run"] = "bcc/run.lua",
    ["bcc.symbols"] = "bcc/symbols.lua",
    ["bcc.table"] = "bcc/table.lua",
    ["bcc.trace"] = "bcc/trace.lua",
    ["bcc.usdt"] = "bcc/usdt.lua",
    ["bcc.value"] = "bcc/value.lua",
  },
  install = {
    bin = { ["bcc-lua"] = "bcc-lua" },
  },
}
