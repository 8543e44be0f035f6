# SPDX-License-Identifier: Apache-2.0
"""A command that is traced from its start."""

from ebcc.exec import cmd_exited, cmd_ready, run_cmd

__all__ = ["cmd_exited", "cmd_ready", "run_cmd"]
