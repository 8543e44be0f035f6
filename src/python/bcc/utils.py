# SPDX-License-Identifier: Apache-2.0
"""Helpers that scripts share: bytes to the terminal, CPUs, str and bytes alike."""

import os
import sys


def to_bytes(value):
    """bytes for what a caller gave as str, bytes, a path or an ArgString; None stays None."""
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if hasattr(value, "__bytes__"):
        return bytes(value)
    return os.fsencode(value)


def to_text(value):
    """str for bytes of the kernel; whatever isn't UTF-8 survives a way back."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def printb(s, file=None, nl=1):
    """Writes bytes to a text stream as they are, and a newline unless nl is 0.

    file: sys.stdout by default.
    """
    file = sys.stdout if file is None else file
    data = to_bytes(s) + (b"\n" if nl else b"")
    binary = getattr(file, "buffer", None)
    if binary is None:
        file.write(data.decode("utf-8", "replace") if hasattr(file, "encoding") else data)
    else:
        file.flush()
        binary.write(data)
    file.flush()


class ArgString:
    """A command line argument that works as str and as bytes (an argparse type)."""

    def __init__(self, arg):
        self._bytes = to_bytes(arg)

    def __bytes__(self):
        return self._bytes

    def __str__(self):
        return to_text(self._bytes)

    def __repr__(self):
        return "ArgString(%r)" % str(self)


def _cpu_list(path):
    """The CPUs of a kernel list such as 0-3,5."""
    cpus = []
    with open(path, encoding="ascii") as file:
        for part in file.read().strip().split(","):
            first, _, last = part.partition("-")
            cpus.extend(range(int(first), int(last or first) + 1))
    return cpus


def get_online_cpus():
    """Numbers of the CPUs that run."""
    return _cpu_list("/sys/devices/system/cpu/online")


def get_possible_cpus():
    """Numbers of the CPUs that the kernel has room for."""
    return _cpu_list("/sys/devices/system/cpu/possible")
