# SPDX-License-Identifier: Apache-2.0
"""Finding what can be traced: kernel functions, tracepoints, functions of programs."""

import os

from . import _ebcc
from .utils import to_bytes

# What only Python's regular expressions have, in contrast to the library's extended ones:
# escapes of letters and digits, (?...), a quantifier after a quantifier.
_OWN_REGEX = rb"\\[A-Za-z0-9]|\(\?|[*+?}][*+?]"

# What may stand before the name of a system call in the name of its function.
_SYSCALL_PREFIXES = (b"__x64_sys_", b"__x32_compat_sys_", b"__ia32_compat_sys_", b"__arm64_sys_",
                     b"__s390x_sys_", b"__s390_sys_", b"__riscv_sys_", b"sys_")


def _matching(find, pattern):
    """What find() lists and the pattern matches from the start, as re.match() does."""
    import re  # not at the top: it doubles the time that importing the package takes
    pattern = to_bytes(pattern)
    if not re.search(_OWN_REGEX, pattern):
        return find(pattern)
    matches = re.compile(pattern).match
    return [name for name in find(b"") if matches(name)]


class FindMixin:
    """The finding methods of BPF. Most need no object."""

    @staticmethod
    def get_kprobe_functions(event_re):
        """Kernel functions (bytes) that can be probed and match the regular expression."""
        return _matching(_ebcc.find_kprobe_functions, event_re)

    @staticmethod
    def get_tracepoints(tp_re):
        """Tracepoints, as str CATEGORY:EVENT, that match the regular expression."""
        return [name.decode() for name in _matching(_ebcc.find_tracepoints, tp_re)]

    @staticmethod
    def tracepoint_exists(category, event):
        return _ebcc.tracepoint_exists(to_bytes(category), to_bytes(event))

    @staticmethod
    def get_user_functions_and_addresses(name, sym_re):
        """[(function, address)] of a program or library; addresses as in its file."""
        import re
        binary = to_bytes(name)
        matches = re.compile(to_bytes(sym_re)).match
        functions = _ebcc.find_user_functions(binary, b"")
        return [(function, address) for function, address in functions if matches(function)]

    @staticmethod
    def get_user_functions(name, sym_re):
        """Functions of a program or library that match, each once."""
        found = FindMixin.get_user_functions_and_addresses(name, sym_re)
        return list({function: None for function, _ in found})

    @staticmethod
    def get_user_addresses(name, sym_re):
        """Addresses of functions of a program or library that match."""
        found = FindMixin.get_user_functions_and_addresses(name, sym_re)
        return {address for _, address in found}

    @staticmethod
    def find_library(libname):
        """The path (bytes) of a library by its short name, or None."""
        return _ebcc.find_library(to_bytes(libname))

    @staticmethod
    def find_exe(bin_path):
        """The path (bytes) of a program, through PATH, or None."""
        bin_path = to_bytes(bin_path)
        if b"/" in bin_path:
            return bin_path if os.access(bin_path, os.X_OK) else None
        for directory in os.get_exec_path():
            path = os.path.join(os.fsencode(directory), bin_path)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
        return None

    @staticmethod
    def get_syscall_prefix():
        """What the kernel puts before the name of a system call: b"__x64_sys_", ..."""
        return _ebcc.syscall_prefix()

    @staticmethod
    def get_syscall_fnname(name):
        """The kernel function of a system call."""
        return _ebcc.syscall_prefix() + to_bytes(name)

    @staticmethod
    def fix_syscall_fnname(name):
        """The kernel function, for a name with any architecture's prefix; others as they are."""
        name = to_bytes(name)
        for prefix in _SYSCALL_PREFIXES:
            if name.startswith(prefix):
                return FindMixin.get_syscall_fnname(name[len(prefix):])
        return name

    @staticmethod
    def add_prefix(prefix, name):
        """name with the prefix, unless it has it already."""
        prefix, name = to_bytes(prefix), to_bytes(name)
        return name if name.startswith(prefix) else prefix + name
