# SPDX-License-Identifier: Apache-2.0
"""Helpers that scripts share: bytes to the terminal, CPUs, str and bytes alike, languages."""

import os
import sys


def to_bytes(value):
    """bytes for what a caller gave as str, bytes, or a path; None stays None."""
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


def _command(pid):
    """What a process runs, as bytes: its executable, its first argument, the files that it maps."""
    def read(name):
        try:
            with open("/proc/%d/%s" % (pid, name), "rb") as file:
                return file.read()
        except OSError:
            return b""

    try:
        executable = os.readlink(b"/proc/%d/exe" % pid)
    except OSError:
        executable = b""
    mapped = {line.split(None, 5)[5] for line in read("maps").splitlines() if b"/" in line}
    return [executable, read("cmdline").partition(b"\0")[0]], sorted(mapped)


def detect_language(candidates, pid):
    """Which of the languages (str) a process runs, or None: by the names of its program and of the
    libraries that it maps."""
    programs, libraries = _command(int(pid))
    for path, prefix in [(path, b"") for path in programs] + [(path, b"lib") for path in libraries]:
        for language in candidates:
            if os.path.basename(path).startswith(prefix + language.encode()):
                return language
    return None


def did_you_mean(wanted, names):
    """"; did you mean a, b or c?", by a name that isn't there and those (bytes) that are; "" where none is near."""
    from . import _ebcc
    near = [to_text(name) for name in _ebcc.near_names(to_bytes(wanted), list(names))]
    if not near:
        return ""
    return "; did you mean %s?" % (" or ".join([", ".join(near[:-1]), near[-1]]) if near[1:] else near[0])
