# SPDX-License-Identifier: Apache-2.0
"""A command that is traced from its start: it waits before it runs until the tracer is ready.

    pid = run_cmd(["ls", "-l"])
    ...  # attach, with this pid
    cmd_ready(pid)
    while not cmd_exited(pid):
        b.perf_buffer_poll(100)
"""

import os
import signal


def run_cmd(cmd):
    """Starts a command, a list of its words, stopped before its program is executed; returns its
    process id, or None for an empty list. The command is the caller's to wait for.

    Raises FileNotFoundError where there is no such program.
    """
    from .finding import FindMixin
    if not cmd:
        return None
    if FindMixin.find_exe(cmd[0]) is None:
        raise FileNotFoundError("there is no program %s" % os.fsdecode(cmd[0]))
    pid = os.fork()
    if pid == 0:
        try:
            os.kill(os.getpid(), signal.SIGSTOP)
            os.execvp(cmd[0], cmd)
        finally:
            os._exit(127)
    os.waitpid(pid, os.WUNTRACED)
    return pid


def cmd_ready(pid):
    """Lets a command of run_cmd() go on."""
    os.kill(pid, signal.SIGCONT)


def cmd_exited(pid):
    """Whether a command of run_cmd() has ended. Its exit status is taken from the kernel then."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
