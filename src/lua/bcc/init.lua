-- SPDX-License-Identifier: Apache-2.0
-- The module bcc, for scripts that say `require "bcc"`: it returns the module ebcc. This directory also has
-- the program bcc-lua, and what only its scripts use.

-- Errors refer to lines of the script, not of these files.
require("ebcc._ebcc").add_package(debug.getinfo(1, "S").source:match("^(.*/)") or "\n")

return require "ebcc"
