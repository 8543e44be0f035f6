# SPDX-License-Identifier: Apache-2.0
"""Some functions of the C library of the older implementation, as far as scripts call them through
ctypes: names, arguments and results are its. New scripts use the methods of BPF."""

import ctypes as ct
import os
import socket

from . import _ebcc
from .attach import ifunc_resolvers, user_path
from .utils import detect_language

_SO_ATTACH_BPF = 50
_FUNCTIONS = 1 << 2  # STT_FUNC of elf.h, as a bit of bcc_symbol_option.use_symbol_type

_LANGUAGES = ("java", "node", "perl", "php", "python", "ruby", "tcl")


class bcc_symbol(ct.Structure):
    """A symbol: its name, that for people, its module, and the offset in it."""
    _fields_ = [("name", ct.c_char_p), ("demangle_name", ct.c_char_p), ("module", ct.c_char_p),
                ("offset", ct.c_ulonglong)]


class bcc_symbol_option(ct.Structure):
    """How symbols are looked for."""
    _fields_ = [("use_debug_file", ct.c_int), ("check_debug_file_crc", ct.c_int),
                ("lazy_symbolize", ct.c_int), ("use_symbol_type", ct.c_uint)]


# Functions on descriptors: what scripts call them, how libbpf names them, their arguments. They return
# a negative number on failure, and set the errno of ctypes.
_ON_DESCRIPTORS = {
    "bpf_obj_pin": ("bpf_obj_pin", (ct.c_int, ct.c_char_p)),
    "bpf_obj_get": ("bpf_obj_get", (ct.c_char_p,)),
    "bpf_lookup_elem": ("bpf_map_lookup_elem", (ct.c_int, ct.c_void_p, ct.c_void_p)),
    "bpf_update_elem": ("bpf_map_update_elem", (ct.c_int, ct.c_void_p, ct.c_void_p, ct.c_uint64)),
    "bpf_delete_elem": ("bpf_map_delete_elem", (ct.c_int, ct.c_void_p)),
    "bpf_get_next_key": ("bpf_map_get_next_key", (ct.c_int, ct.c_void_p, ct.c_void_p)),
    "bpf_prog_attach": ("bpf_prog_attach", (ct.c_int, ct.c_int, ct.c_int, ct.c_uint)),
    "bpf_prog_detach2": ("bpf_prog_detach2", (ct.c_int, ct.c_int, ct.c_int)),
}


def _bytes(value):
    return getattr(value, "value", value)


class _Library:
    """lib.FUNCTION(...)."""

    def __getattr__(self, name):
        if name not in _ON_DESCRIPTORS:
            raise AttributeError("lib has no function %s: the methods of BPF are what to use" % name)
        own_name, arguments = _ON_DESCRIPTORS[name]
        function = getattr(ct.CDLL("libbpf.so.1", use_errno=True), own_name)
        function.argtypes = arguments
        setattr(self, name, function)
        return function

    def bpf_get_first_key(self, table_fd, key, key_size):
        """Writes the first key of a table, which has key_size bytes; negative when it is empty."""
        return self.bpf_get_next_key(table_fd, None, key)

    @staticmethod
    def bpf_attach_socket(socket_fd, program_fd):
        """Makes a program the filter of a socket. 0, or a negative number."""
        with socket.socket(fileno=os.dup(socket_fd)) as copy:
            try:
                copy.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_BPF, program_fd)
            except OSError as error:
                return -error.errno
        return 0

    @staticmethod
    def bcc_procutils_which_so(libname, pid=0):
        """The path (bytes) of a library, or None."""
        return _ebcc.find_library(_bytes(libname), max(pid, 0))

    @staticmethod
    def bcc_resolve_symname(module, symname, address, pid, option, symbol):
        """Fills in a bcc_symbol (by reference): the path of a library or program, and the address of
        one of its functions, as its file has it, in offset. 0, or -1 where it has none.

        option: a bcc_symbol_option (by reference), or None. Who asks for indirect functions alone
        gets their resolver, and means that by their name in attach_uprobe() from then on, where it
        stands for the variant in use else.
        """
        path, name = _bytes(module), _bytes(symname)
        path = _ebcc.find_library(path, max(pid, 0)) or path
        try:
            if name and option is not None and option._obj.use_symbol_type & _FUNCTIONS == 0:
                address = _ebcc.find_ifunc_resolver(path, name)
                ifunc_resolvers[user_path(path, pid), name] = address
            elif name:
                address = dict(_ebcc.find_user_functions(path, b""))[name]
        except (_ebcc.Error, KeyError):
            return -1
        symbol._obj.name, symbol._obj.module, symbol._obj.offset = name, path, address
        return 0

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
