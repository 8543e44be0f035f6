-- The package's files: what the build and the rock spec list is what there is.

local helper = require "helper"
local lu = require "luaunit"

local SOURCES = helper.root .. "src/lua/"

-- Names of files that match a pattern of the shell, sorted.
local function files(pattern)
  local names = {}
  for path in helper.run("cd " .. SOURCES .. " && ls " .. pattern):gmatch("[^\n]+") do
    names[#names + 1] = path
  end
  table.sort(names)
  return names
end

TestPackage = {}

function TestPackage:test_rock_spec()
  local spec = {}
  assert(loadfile(SOURCES .. files("*.rockspec")[1], "t", spec))()
  local sources = spec.build.modules["bcc._ebcc"].sources
  table.sort(sources)
  lu.assertEquals(sources, files("*.c"))
  local modules = {}
  for _, module in pairs(spec.build.modules) do
    modules[#modules + 1] = type(module) == "string" and module or "bcc/types.lua"
  end
  table.sort(modules)
  lu.assertEquals(modules, files("bcc/*.lua"))
  lu.assertEquals(spec.version, require("bcc").version .. "-1")
end

function TestPackage:test_build_lists_every_source()
  local file <close> = assert(io.open(SOURCES .. "CMakeLists.txt"))
  local text = file:read("a")
  for _, name in ipairs(files("*.c")) do
    lu.assertStrContains(text, "\n  " .. name .. "\n")
  end
end
