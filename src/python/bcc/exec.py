# SPDX-License-Identifier: Apache-2.0
"""A command that is traced from its start: it waits before it runs until the tracer is ready.

    pid = run_cmd(["ls", "-l"])
    ...  # attach, with this pid
    cmd_ready()
    while not cmd_exited():
        b.perf_buffer_poll(100)
"""

import os
import signal

from .finding import FindMixin

# The commands of this process: {pid: whether it has ended}, in the order of their start.
_commands = {}


def _command(pid):
    if pid is not None:
        return pid
    if not _commands:
        raise ValueError("run_cmd() has started no command")
    return next(reversed(_commands))


def run_cmd(args):
    """Starts a command, a list of its words, stopped before its program is executed; returns its
    process id, or None for an empty list. cmd_exited() takes its exit status from the kernel, or
    the caller waits for it.

    Raises FileNotFoundError where there is no such program.
    """
    if not args:
        return None
    if FindMixin.find_exe(args[0]) is None:
        raise FileNotFoundError("there is no program %s" % os.fsdecode(args[0]))
    pid = os.fork()
    if pid == 0:
        try:
            os.kill(os.getpid(), signal.SIGSTOP)
            os.execvp(args[0], args)
        finally:
            os._exit(127)
    os.waitpid(pid, os.WUNTRACED)
    _commands.pop(pid, None)
    _commands[pid] = False
    return pid


def cmd_ready(pid=None):
    """Lets a command of run_cmd() go on: the last one, or that of a process id. Raises
    ProcessLookupError where it has ended."""
    pid = _command(pid)
    if _commands.get(pid):  # the number may be another process's by now
        raise ProcessLookupError("the command of process %d has ended" % pid)
    os.kill(pid, signal.SIGCONT)


def cmd_exited(pid=None):
    """Whether a command of run_cmd() has ended: the last one, or that of a process id. Its exit status
    is taken from the kernel then."""
    pid = _command(pid)
    if not _commands.get(pid):
        try:
            _commands[pid] = os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:
            _commands[pid] = True
    return _commands[pid]
