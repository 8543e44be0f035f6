# SPDX-License-Identifier: Apache-2.0
"""Some functions of the C library of the older implementation, as far as scripts call them through
ctypes: names, arguments and results are its. New scripts use the methods of BPF."""

import ctypes as ct
import os

from . import _ebcc
from .utils import detect_language

_LANGUAGES = ("java", "node", "perl", "php", "python", "ruby", "tcl")


class bcc_symbol(ct.Structure):
    """A symbol: its name, that for people, its module, and the offset in it."""
    _fields_ = [("name", ct.c_char_p), ("demangle_name", ct.c_char_p), ("module", ct.c_char_p),
                ("offset", ct.c_ulonglong)]


class bcc_symbol_option(ct.Structure):
    """How symbols are looked for."""
    _fields_ = [("use_debug_file", ct.c_int), ("check_debug_file_crc", ct.c_int),
                ("lazy_symbolize", ct.c_int), ("use_symbol_type", ct.c_uint)]


def _bytes(value):
    return getattr(value, "value", value)


class _Library:
    """lib.FUNCTION(...)."""

    @staticmethod
    def bcc_procutils_which_so(libname, pid=0):
        """The path (bytes) of a library, or None."""
        return _ebcc.find_library(_bytes(libname), max(pid, 0))

    @staticmethod
    def bcc_procutils_language(pid):
        """The language (bytes) that a process runs, or None."""
        language = detect_language(_LANGUAGES, pid)
        return language.encode() if language else None

    @staticmethod
    def bpf_table_fd(module, name):
        """The descriptor of a table of bpf.module, which the module closes; -1 where it has no such
        table."""
        try:
            return _ebcc.Table(module, _bytes(name)).map_fd
        except _ebcc.NotFoundError:
            return -1

    @staticmethod
    def bpf_has_kernel_btf():
        """1 where the kernel describes its types, else 0."""
        return int(os.path.exists("/sys/kernel/btf/vmlinux"))

    @staticmethod
    def kernel_struct_has_field(struct_name, field_name):
        """1, 0, or -1 where there is no such struct."""
        return _ebcc.kernel_has_member(_bytes(struct_name), _bytes(field_name))


lib = _Library()
