# SPDX-License-Identifier: Apache-2.0
from ebcc.exec import cmd_exited as cmd_exited, cmd_ready as cmd_ready, run_cmd as run_cmd
