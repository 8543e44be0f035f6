# SPDX-License-Identifier: Apache-2.0
"""Runs a command that is to be traced from its start: it waits until the tracer is ready.

    pid = run_cmd(["ls", "-l"])
    ...  # attach, with this pid
    cmd_ready()
    while not cmd_exited():
        b.perf_buffer_poll(100)
"""

import os
import signal

from .finding import FindMixin

# The commands that this process has started, by their process ids, in the order of their start.
_commands = {}


class _Command:
    """gate: the write end of the pipe that the command waits on, or None once it was let go. ended:
    whether its exit was seen."""

    def __init__(self, gate):
        self.gate = gate
        self.ended = False


def _command(pid):
    """(process id, _Command) of a process id, or (None) of the last command. Raises ValueError."""
    if pid is None and _commands:
        pid = next(reversed(_commands))
    if pid not in _commands:
        raise ValueError("no command%s was started with run_cmd()" %
                         ("" if pid is None else " with process id %d" % pid))
    return pid, _commands[pid]


def _wait_and_execute(args, gate):
    """Runs in the new process, and never returns. If the tracer exits first, it exits too."""
    try:
        if callable(signal.getsignal(signal.SIGINT)):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        if os.read(gate, 1):
            os.execvp(args[0], args)
    finally:
        os._exit(127)


def run_cmd(args):
    """Starts a command, which waits for cmd_ready() before it executes its program.

    args: the program and its arguments, a list. Returns the process id, or None for an empty list.
    Its exit status is collected by cmd_exited(), or the caller waits for it. Raises FileNotFoundError
    if there is no such program.
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
    """Lets a command that run_cmd() started execute its program: the last one, or the one with this
    process id. Calling it again does nothing. Raises ProcessLookupError if the command has already
    ended, and ValueError if there is no such command."""
    pid, command = _command(pid)
    if command.gate is None:
        return
    gate, command.gate = command.gate, None
    try:
        os.write(gate, b"x")
    except BrokenPipeError:
        raise ProcessLookupError("the command with process id %d has already ended" % pid) from None
    finally:
        os.close(gate)


def cmd_exited(pid=None):
    """Whether a command that run_cmd() started has ended: the last one, or the one with this process
    id. If it has, its exit status is collected from the kernel. Raises ValueError if there is no such
    command."""
    pid, command = _command(pid)
    if not command.ended:
        try:
            command.ended = os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:
            command.ended = True
    return command.ended
