# SPDX-License-Identifier: Apache-2.0
"""Runs a command that is to be traced from its start."""

from ebcc.exec import cmd_exited, cmd_ready, run_cmd

__all__ = ["cmd_exited", "cmd_ready", "run_cmd"]
