-- SPDX-License-Identifier: Apache-2.0
-- The module bcc, for scripts that say `require "bcc"`: it is the module ebcc. The program bcc-lua and what
-- only its scripts lean on are beside it.

-- Errors tell the line of the script, not one of these files.
require("ebcc._ebcc").add_package(debug.getinfo(1, "S").source:match("^(.*/)") or "\n")

return require "ebcc"
