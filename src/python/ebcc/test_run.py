# SPDX-License-Identifier: Apache-2.0
"""Runs a loaded program on the caller's data, for BPF.test_run()."""

import ctypes as ct
from typing import Any, NamedTuple

_ON_CPU = 1  # BPF_F_TEST_RUN_ON_CPU


class TestRun(NamedTuple):
    """The result of a test run. retval: what the program returned. data: the packet afterwards, bytes. ctx:
    the context afterwards, of the class that was passed, or None if the kernel returns none. duration: the
    average time of a run in nanoseconds, 0 if the kernel doesn't measure it."""

    __test__ = False  # tells pytest that this is not a test

    retval: int
    data: bytes
    ctx: Any
    duration: int


def _context(ctx):
    """A context as a buffer. A list or tuple has the arguments of a raw tracepoint."""
    if ctx is None:
        return b""
    return (ct.c_uint64 * len(ctx))(*ctx) if isinstance(ctx, (list, tuple)) else ctx


def run(program, data, ctx, repeat, cpu):
    """Runs an _ebcc.Program; the other parameters and the errors are those of BPF.test_run(). Returns a
    TestRun."""
    context = _context(ctx)
    retval, data, after, duration = program.test_run(
        b"" if data is None else data, context, repeat, 0 if cpu is None else _ON_CPU, cpu or 0)
    if not after:
        after = None
    elif isinstance(context, (ct.Structure, ct.Union, ct.Array)):
        after = type(context).from_buffer_copy(after)
    return TestRun(retval, data, after, duration)
