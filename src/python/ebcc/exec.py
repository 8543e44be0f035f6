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

# The commands of this process by their ids, in the order of their start.
_commands = {}


class _Command:
    """gate: the end of a pipe that lets it run, or None where that was done; ended: whether it was
    waited for."""

    def __init__(self, gate):
        self.gate = gate
        self.ended = False


def _command(pid):
    """(process id, command) of the last command, or of a process id's."""
    if pid is None and _commands:
        pid = next(reversed(_commands))
    if pid not in _commands:
        raise ValueError("run_cmd() has started no command" + ("" if pid is None else " %d" % pid))
    return pid, _commands[pid]


def _wait_and_execute(args, gate):
    """What the new process does, which never returns. Where the tracer ends first, it ends too."""
    try:
        if callable(signal.getsignal(signal.SIGINT)):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        if os.read(gate, 1):
            os.execvp(args[0], args)
    finally:
        os._exit(127)


def run_cmd(args):
    """Starts a command, a list of its words, that waits before its program is executed until
    cmd_ready(); returns its process id, or None for an empty list. cmd_exited() takes its exit status
    from the kernel, or the caller waits for it.

    Raises FileNotFoundError where there is no such program.
    """
    if not args:
        return None
    if FindMixin.find_exe(args[0]) is None:
        raise FileNotFoundError("there is no program %s" % os.fsdecode(args[0]))
    waiting, gate = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(gate)
        _wait_and_execute(args, waiting)
    os.close(waiting)
    _commands.pop(pid, None)
    _commands[pid] = _Command(gate)
    return pid


def cmd_ready(pid=None):
    """Lets a command of run_cmd() go on: the last one, or that of a process id. Doing it again does
    nothing. Raises ProcessLookupError where it has ended before."""
    pid, command = _command(pid)
    if command.gate is None:
        return
    gate, command.gate = command.gate, None
    try:
        os.write(gate, b"x")
    except BrokenPipeError:
        raise ProcessLookupError("the command of process %d has ended" % pid) from None
    finally:
        os.close(gate)


def cmd_exited(pid=None):
    """Whether a command of run_cmd() has ended: the last one, or that of a process id. Its exit status
    is taken from the kernel then."""
    pid, command = _command(pid)
    if not command.ended:
        try:
            command.ended = os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:
            command.ended = True
    return command.ended
