-- What luacheck checks: scripts/lint runs it.
std = "lua54"
max_line_length = false
exclude_files = {"build*"}
-- Methods may leave self or the last parameters of a callback unused; a local variable may have an outer one's name.
unused_args = false
redefined = false

-- What bcc-lua adds to the library of Lua for the scripts of its kind.
files["**/compat.lua"] = {ignore = {"122", "142"}}
files["examples/lua"] = {ignore = {"143"}}
-- Tests of that, and the tables of tests, which luaunit finds among the globals.
files["tests/lua"] = {ignore = {"143", "11./Test.*"}}
-- Annotations for the Lua language server: nothing in it is used.
files["**/types.lua"] = {ignore = {"241"}}
