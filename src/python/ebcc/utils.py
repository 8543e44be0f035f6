# SPDX-License-Identifier: Apache-2.0
"""Helpers for scripts: printing bytes, lists of CPUs, str and bytes, detecting languages."""

import os
import sys


def to_bytes(value):
    """Converts a str, bytes or a path to bytes. None stays None."""
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if hasattr(value, "__bytes__"):
        return bytes(value)
    return os.fsencode(value)


def to_text(value):
    """Converts bytes from the kernel to str, so that to_bytes() restores them even if they are not
    UTF-8. Anything else is returned as it is."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def printb(s, file=None, nl=1):
    """Writes bytes to a text stream unchanged, followed by a newline unless nl is 0.

    file: the stream; None: sys.stdout.
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
    """The CPUs in a file with a list such as 0-3,5."""
    cpus = []
    with open(path, encoding="ascii") as file:
        for part in file.read().strip().split(","):
            first, _, last = part.partition("-")
            cpus.extend(range(int(first), int(last or first) + 1))
    return cpus


def get_online_cpus():
    """A list of the numbers of the CPUs that are online."""
    return _cpu_list("/sys/devices/system/cpu/online")


def get_possible_cpus():
    """A list of the numbers of the CPUs that could be brought online."""
    return _cpu_list("/sys/devices/system/cpu/possible")


def _command(pid):
    """([executable, first argument], [files that it maps]) of a process, bytes."""
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
    """The language that a process runs, out of the candidates (str), or None. It is detected by the
    names of the process's program and of the libraries that it maps."""
    programs, libraries = _command(int(pid))
    for path, prefix in [(path, b"") for path in programs] + [(path, b"lib") for path in libraries]:
        for language in candidates:
            if os.path.basename(path).startswith(prefix + language.encode()):
                return language
    return None


def did_you_mean(wanted, names):
    """"; did you mean a, b or c?" for a name that doesn't exist, with similar ones out of names (bytes);
    "" if none is similar."""
    from . import _ebcc
    near = [to_text(name) for name in _ebcc.near_names(to_bytes(wanted), list(names))]
    if not near:
        return ""
    return "; did you mean %s?" % (" or ".join([", ".join(near[:-1]), near[-1]]) if near[1:] else near[0])
