-- The Lua package ebcc as a rock, for machines with ebcc's library and header installed. Generate
-- constants.lua first: python3 ../uapi/generate.py cc lua constants.lua
-- SPDX-License-Identifier: Apache-2.0
package = "ebcc"
version = "0.1.0-1"
source = {
  url = "file://.",
}
description = {
  summary = "Compiles C source to BPF programs at run time, and traces Linux with them",
  detailed = [[
The Lua package ebcc: modules, programs of every kind, tables, perf and ring buffers, stack traces,
symbols, USDT probes and the trace pipe. The module `bcc` is the same for existing scripts, and
`bcc-lua` runs those of the shape `return function(BPF, utils) ... end`.]],
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
    ["ebcc._ebcc"] = {
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
    ["bcc.bit"] = "bcc/bit.lua",
    ["bcc.compat"] = "bcc/compat.lua",
    ["bcc.ffi"] = "bcc/ffi.lua",
    ["bcc.run"] = "bcc/run.lua",
    ["ebcc"] = "ebcc/init.lua",
    ["ebcc.attach"] = "ebcc/attach.lua",
    ["ebcc.bpf"] = "ebcc/bpf.lua",
    ["ebcc.check"] = "ebcc/check.lua",
    ["ebcc.constants"] = "constants.lua",
    ["ebcc.finding"] = "ebcc/finding.lua",
    ["ebcc.histogram"] = "ebcc/histogram.lua",
    ["ebcc.symbols"] = "ebcc/symbols.lua",
    ["ebcc.table"] = "ebcc/table.lua",
    ["ebcc.tools.cli"] = "ebcc/tools/cli.lua",
    ["ebcc.trace"] = "ebcc/trace.lua",
    ["ebcc.usdt"] = "ebcc/usdt.lua",
    ["ebcc.value"] = "ebcc/value.lua",
  },
  install = {
    bin = { ["bcc-lua"] = "bcc-lua" },
  },
}
