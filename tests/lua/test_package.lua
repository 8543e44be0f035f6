-- The files of the package: the build and the rock spec list exactly those that exist.

local ebcc = require "ebcc"
local core = require "ebcc._ebcc"
local helper = require "helper"
local lu = require "luaunit"

local SOURCES = helper.root .. "src/lua/"

-- The names of files that match a shell pattern, sorted.
local function files(pattern)
  local names = {}
  for path in helper.run("cd " .. SOURCES .. " && ls " .. pattern):gmatch("[^\n]+") do
    names[#names + 1] = path
  end
  table.sort(names)
  return names
end

-- The annotations of a file: class -> name of a member -> {parameters=, comment=}.
local function annotated(path, classes)
  local comment, class_of, class = {}, {}, nil
  for line in io.lines(path) do
    local variable, name, parameters = line:match("^function ([%w_]+)[.:]([%w_]+)%((.-)%)")
    if not variable then
      variable, name = line:match("^([%w_]+)%.([%w_]+) = ")
    end
    class = line:match("^%-%-%-@class ([%w_.]+)") or class
    if line:find("^%-%-%-") then
      comment[#comment + 1] = line
    elseif line:find("^local [%w_]+ = ") then
      class_of[line:match("^local ([%w_]+)")], class, comment = class, nil, {}
    else
      local members = class_of[variable] and classes[class_of[variable]] or {}
      if name then
        members[name] = { parameters = parameters or "", comment = table.concat(comment, "\n") }
      end
      classes[class_of[variable] or ""] = members
      comment = {}
    end
  end
end

-- Methods of the C module that only Lua of the package calls.
local INTERNAL = { open_events = true, open_counters = true }

TestPackage = {}

-- What is missing from the annotation of a function, if anything.
local function lacking(found)
  if not found or found.comment == "" then
    return "annotation"
  end
  for parameter in found.parameters:gmatch("[%w_]+") do
    if not (found.comment .. "\n"):find("@param " .. parameter .. "%??%s") then
      return "parameter " .. parameter
    end
  end
end

-- Everything that a script can call has an annotation for the language server, with all parameters.
function TestPackage:test_annotations()
  local classes, missing = {}, {}
  for _, file in ipairs(files("ebcc/*.lua")) do
    annotated(SOURCES .. file, classes)
  end
  for class, members in pairs {
    ["ebcc.BPF"] = ebcc.BPF, ["ebcc.USDT"] = ebcc.USDT, ["ebcc.SymbolCache"] = ebcc.SymbolCache,
    ["ebcc.posix"] = ebcc.posix, ["ebcc.Table"] = core.methods["ebcc.Table"], ["ebcc"] = ebcc,
    ["ebcc.Link"] = core.methods["ebcc.Link"], ["ebcc.TracerPipe"] = require "ebcc.trace",
  } do
    for name, member in pairs(members) do
      if type(member) == "function" and name:sub(1, 2) ~= "__" and not INTERNAL[name] then
        local lack = lacking(classes[class] and classes[class][name])
        missing[#missing + 1] = lack and ("%s of %s.%s"):format(lack, class, name)
      end
    end
  end
  table.sort(missing)
  lu.assertEquals(missing, {})
end

function TestPackage:test_rock_spec()
  local spec = {}
  assert(loadfile(SOURCES .. files("*.rockspec")[1], "t", spec))()
  local sources = spec.build.modules["ebcc._ebcc"].sources
  table.sort(sources)
  lu.assertEquals(sources, files("*.c"))
  local modules = {}
  for _, module in pairs(spec.build.modules) do
    modules[#modules + 1] = type(module) == "string" and module or "ebcc/types.lua"
  end
  table.sort(modules)
  local there = files("bcc/*.lua ebcc/*.lua ebcc/tools/*.lua")
  there[#there + 1] = "constants.lua" -- generated from the kernel's headers
  table.sort(there)
  lu.assertEquals(modules, there)
  lu.assertEquals(spec.version, require("ebcc").version .. "-1")
end

function TestPackage:test_build_lists_every_source()
  local file <close> = assert(io.open(SOURCES .. "CMakeLists.txt"))
  local text = file:read("a")
  for _, name in ipairs(files("*.c")) do
    lu.assertStrContains(text, "\n  " .. name .. "\n")
  end
end
