# SPDX-License-Identifier: Apache-2.0
"""Those functions of the older implementation's C library that scripts call through ctypes, with its
names, arguments and results. New scripts use the methods of BPF."""

import ctypes as ct
import errno
import os
import socket

from ebcc import SymbolCache, _ebcc, detect_language
from ebcc.attach import ifunc_resolvers, user_path
from ebcc.perf import Perf

from .table import bcc_ip_offset_union, bcc_stacktrace_build_id
from .usdt import BCC_USDT_ARGUMENT_FLAGS

_SO_ATTACH_BPF = 50
_ETH_P_ALL = 3
_NEVER = 2 ** 63 - 1  # a sample period that a counter never reaches
_FUNCTIONS = 1 << 2  # STT_FUNC of elf.h, as a bit of bcc_symbol_option.use_symbol_type

_LANGUAGES = ("java", "node", "perl", "php", "python", "ruby", "tcl")


class bcc_symbol(ct.Structure):
    """A symbol: its name, its demangled name, its module, and the offset in the module."""
    _fields_ = [("name", ct.c_char_p), ("demangle_name", ct.c_char_p), ("module", ct.c_char_p),
                ("offset", ct.c_ulonglong)]


class bcc_symbol_option(ct.Structure):
    """How symbols are looked up."""
    _fields_ = [("use_debug_file", ct.c_int), ("check_debug_file_crc", ct.c_int),
                ("lazy_symbolize", ct.c_int), ("use_symbol_type", ct.c_uint)]


class bcc_usdt(ct.Structure):
    """A USDT probe, which callbacks of the older library received; use USDT.enumerate_probes()."""
    _fields_ = [("provider", ct.c_char_p), ("name", ct.c_char_p), ("bin_path", ct.c_char_p),
                ("semaphore", ct.c_ulonglong), ("num_locations", ct.c_int),
                ("num_arguments", ct.c_int)]


class bcc_usdt_location(ct.Structure):
    """One location of a USDT probe."""
    _fields_ = [("address", ct.c_ulonglong), ("bin_path", ct.c_char_p)]


class bcc_usdt_argument(ct.Structure):
    """An argument of a USDT probe. size: in bytes. valid: BCC_USDT_ARGUMENT_FLAGS."""
    _fields_ = [("size", ct.c_int), ("valid", ct.c_int), ("constant", ct.c_longlong),
                ("deref_offset", ct.c_int), ("deref_ident", ct.c_char_p),
                ("base_register_name", ct.c_char_p), ("index_register_name", ct.c_char_p),
                ("scale", ct.c_int)]


class bcc_perf_buffer_opts(ct.Structure):
    """How a perf buffer of one CPU is opened."""
    _fields_ = [("pid", ct.c_int), ("cpu", ct.c_int), ("wakeup_events", ct.c_int)]


class bpf_test_run_opts(ct.Structure):
    """What bpf_prog_test_run_opts() takes and returns. sz: the size of this structure. data_in, ctx_in:
    the packet and the context for the program. data_out, ctx_out: buffers for those afterwards. All
    have their sizes in bytes; those of the buffers become what was written. retval: what the program
    returned. repeat: how often to run it. duration: the average time of a run in nanoseconds."""
    _fields_ = [("sz", ct.c_size_t), ("data_in", ct.c_void_p), ("data_out", ct.c_void_p),
                ("data_size_in", ct.c_uint32), ("data_size_out", ct.c_uint32),
                ("ctx_in", ct.c_void_p), ("ctx_out", ct.c_void_p), ("ctx_size_in", ct.c_uint32),
                ("ctx_size_out", ct.c_uint32), ("retval", ct.c_uint32), ("repeat", ct.c_int),
                ("duration", ct.c_uint32), ("flags", ct.c_uint32), ("cpu", ct.c_uint32),
                ("batch_size", ct.c_uint32)]


# Functions that take descriptors: their name in scripts, their name in libbpf, their arguments, and how
# many NULLs libbpf needs after these. They return a negative number on failure, and set ctypes's errno.
_FD_FUNCTIONS = {
    "bpf_obj_pin": ("bpf_obj_pin", (ct.c_int, ct.c_char_p), 0),
    "bpf_obj_get": ("bpf_obj_get", (ct.c_char_p,), 0),
    "bpf_lookup_elem": ("bpf_map_lookup_elem", (ct.c_int, ct.c_void_p, ct.c_void_p), 0),
    "bpf_update_elem": ("bpf_map_update_elem",
                        (ct.c_int, ct.c_void_p, ct.c_void_p, ct.c_uint64), 0),
    "bpf_delete_elem": ("bpf_map_delete_elem", (ct.c_int, ct.c_void_p), 0),
    "bpf_get_next_key": ("bpf_map_get_next_key", (ct.c_int, ct.c_void_p, ct.c_void_p), 0),
    "bpf_lookup_batch": ("bpf_map_lookup_batch", (ct.c_int,) + (ct.c_void_p,) * 5, 1),
    "bpf_lookup_and_delete_batch": ("bpf_map_lookup_and_delete_batch",
                                    (ct.c_int,) + (ct.c_void_p,) * 5, 1),
    "bpf_update_batch": ("bpf_map_update_batch", (ct.c_int,) + (ct.c_void_p,) * 3, 1),
    "bpf_delete_batch": ("bpf_map_delete_batch", (ct.c_int,) + (ct.c_void_p,) * 2, 1),
    "bpf_prog_attach": ("bpf_prog_attach", (ct.c_int, ct.c_int, ct.c_int, ct.c_uint), 0),
    "bpf_prog_detach2": ("bpf_prog_detach2", (ct.c_int, ct.c_int, ct.c_int), 0),
    "bpf_prog_test_run_opts": ("bpf_prog_test_run_opts",
                               (ct.c_int, ct.POINTER(bpf_test_run_opts)), 0),
}


def _fd_function(name):
    """One of these functions, ready to be called."""
    libbpf_name, arguments, nulls = _FD_FUNCTIONS[name]
    function = getattr(ct.CDLL("libbpf.so.1", use_errno=True), libbpf_name)
    function.argtypes = (*arguments, *(ct.c_void_p,) * nulls)
    if not nulls:
        return function
    return lambda *values: function(*values, *(None,) * nulls)


def _bytes(value):
    return getattr(value, "value", value)


def _referent(reference):
    """The object that ctypes.byref() or ctypes.pointer() refers to."""
    return reference._obj if hasattr(reference, "_obj") else reference.contents


def _buffer_size(buffer):
    """The size in bytes of a ctypes object, passed as such or by reference; 0 for a bare address."""
    buffer = getattr(buffer, "_obj", buffer)
    return ct.sizeof(buffer) if isinstance(buffer, (ct.Array, ct.Structure, ct.Union)) else 0


class _Library:
    """The functions, to be called as lib.FUNCTION(...)."""

    def __getattr__(self, name):
        if name not in _FD_FUNCTIONS:
            raise AttributeError("lib has no function %s: use the methods of BPF" % name)
        function = _fd_function(name)
        setattr(self, name, function)
        return function

    def bpf_get_first_key(self, table_fd, key, key_size):
        """Writes the first key of a table to key, which has key_size bytes. Returns 0, or a negative
        number if the table is empty."""
        return self.bpf_get_next_key(table_fd, None, key)

    @staticmethod
    def bpf_attach_socket(socket_fd, program_fd):
        """Makes a program the filter of a socket. Returns 0, or a negative errno."""
        with socket.socket(fileno=os.dup(socket_fd)) as copy:
            try:
                copy.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_BPF, program_fd)
            except OSError as error:
                return -error.errno
        return 0

    @staticmethod
    def bpf_open_raw_sock(name):
        """Opens a raw socket for bpf_attach_socket(). name: a network device, or None for all. Returns
        its descriptor, which the caller closes, or a negative errno."""
        try:
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK,
                                socket.htons(_ETH_P_ALL))
            with raw:
                if name is not None:
                    raw.bind((os.fsdecode(_bytes(name)), _ETH_P_ALL))
                return raw.detach()
        except OSError as error:
            return -error.errno

    @staticmethod
    def bpf_attach_xdp(device, program_fd, flags):
        """Attaches an XDP program to a network device; program_fd -1 removes the present one. It stays
        attached when the process exits. flags: BPF.XDP_FLAGS_*. Returns 0, or a negative errno."""
        attach = ct.CDLL("libbpf.so.1", use_errno=True).bpf_xdp_attach
        attach.argtypes = (ct.c_int, ct.c_int, ct.c_uint32, ct.c_void_p)
        try:
            index = socket.if_nametoindex(os.fsdecode(_bytes(device)))
        except OSError:
            return -errno.ENODEV
        return attach(index, program_fd, flags, None)

    def bpf_prog_test_run(self, program_fd, repeat, data, size, data_out, size_out, retval, duration):
        """Runs a program repeat times on a packet (data) of size bytes. Returns 0, or a negative number.

        data_out: a buffer for the packet afterwards, or None. If it is a bare address, size_out has the
        size of the buffer in bytes (0: large enough for anything). size_out, retval and duration are
        passed by reference, or None. They are set to the size of that packet, what the program
        returned, and the nanoseconds that a run took.
        """
        def address(buffer):
            return ct.cast(buffer, ct.c_void_p) if buffer is not None else None

        options = bpf_test_run_opts(sz=ct.sizeof(bpf_test_run_opts), data_in=address(data),
                                    data_size_in=size, data_out=address(data_out), repeat=repeat)
        if data_out is not None:
            options.data_size_out = _buffer_size(data_out) or (
                _referent(size_out).value if size_out is not None else 0)
        result = self.bpf_prog_test_run_opts(program_fd, ct.byref(options))
        for reference, value in ((size_out, options.data_size_out), (retval, options.retval),
                                 (duration, options.duration)):
            if reference is not None:
                _referent(reference).value = value
        return result

    @staticmethod
    def bpf_open_perf_event(ev_type, config, pid, cpu):
        """Opens a counter of a perf event. Returns its descriptor, which the caller closes, or -1."""
        attr = Perf.perf_event_attr(type=ev_type, config=config, sample_period=_NEVER)
        descriptor = Perf.syscall(Perf.NR_PERF_EVENT_OPEN, ct.byref(attr), pid, cpu, -1,
                                  Perf.PERF_FLAG_FD_CLOEXEC)
        if descriptor >= 0:
            Perf.ioctl(descriptor, Perf.PERF_EVENT_IOC_ENABLE, None)
        return descriptor

    @staticmethod
    def bpf_close_perf_event_fd(descriptor):
        """Closes a perf event. Returns 0, or a negative errno."""
        try:
            os.close(descriptor)
        except OSError as error:
            return -error.errno
        return 0

    @staticmethod
    def bcc_procutils_which_so(libname, pid=0):
        """The path (bytes) of a library by its short name, or None."""
        return _ebcc.find_library(_bytes(libname), max(pid, 0))

    @staticmethod
    def bcc_procutils_which_so_in_process(libname, pid):
        """The path (bytes) of a library that a process maps, or None."""
        return _ebcc.find_library(_bytes(libname), max(pid, 0))

    @staticmethod
    def bcc_procutils_free(text):
        """Does nothing: Python owns the text."""

    @staticmethod
    def bcc_free_memory():
        """Does nothing and returns 0: a source is compiled in a separate process, which has exited."""
        return 0

    @staticmethod
    def bcc_foreach_function_symbol(module, callback):
        """Calls callback(name, address) for each function of a program or library, until it returns
        something other than 0. Returns 0, or -1 if the file can't be read."""
        try:
            functions = _ebcc.find_user_functions(_bytes(module), b"")
        except _ebcc.Error:
            return -1
        for name, address in functions:
            if callback(name, address):
                break
        return 0

    # Symbols. A cache is a SymbolCache.

    @staticmethod
    def bcc_symcache_new(pid, option=None):
        """Symbols of a process, or of the kernel for a negative pid. option is ignored."""
        return SymbolCache(pid)

    @staticmethod
    def bcc_free_symcache(cache, pid):
        """Does nothing: Python frees the cache with its last reference."""

    @staticmethod
    def bcc_symcache_refresh(cache):
        """Does nothing: a process's mappings are read again whenever they change."""

    @staticmethod
    def bcc_symcache_resolve(cache, address, symbol):
        """Fills in a bcc_symbol (by reference) for an address. Returns 0, or -1 if the address has no
        name; module (if there is one) and offset are filled in even then."""
        return _resolve(cache, address, symbol, True)

    @staticmethod
    def bcc_symcache_resolve_no_demangle(cache, address, symbol):
        """Like bcc_symcache_resolve(), but the name is not demangled."""
        return _resolve(cache, address, symbol, False)

    @staticmethod
    def bcc_symcache_resolve_name(cache, module, name, address):
        """Writes the address of a function to address (by reference). module: the module it is in, or
        None for any. Returns 0, or -1 if there is none."""
        found = cache.resolve_name(_bytes(module), _bytes(name))
        if found < 0:
            return -1
        _referent(address).value = found
        return 0

    @staticmethod
    def bcc_symbol_free_demangle_name(symbol):
        """Does nothing: Python owns the text."""

    @staticmethod
    def bcc_resolve_symname(module, symname, address, pid, option, symbol):
        """Fills in a bcc_symbol (by reference): in module the path of a library or program, and in
        offset the address of one of its functions in the file. Returns 0, or -1 if there is no such
        function.

        option: a bcc_symbol_option (by reference), or None. If it asks only for indirect functions, the
        result is the function's resolver. From then on, attach_uprobe() also takes the function's name
        to mean the resolver; otherwise it means the variant in use.
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
        """The descriptor of a table of bpf.module, which the module closes; -1 if there is no such
        table."""
        try:
            return _ebcc.Table(module, _bytes(name)).map_fd
        except _ebcc.NotFoundError:
            return -1

    @staticmethod
    def bpf_table_id(module, name):
        """The kernel's id of a table of bpf.module, like table.map_id; 2^64 - 1 if there is no such
        table."""
        try:
            return _ebcc.Table(module, _bytes(name)).map_id
        except _ebcc.NotFoundError:
            return 2 ** 64 - 1

    @staticmethod
    def _property(module, map_id, name):
        """An attribute of the table with this id, or -1."""
        for table, _ in module.tables():
            if (found := _ebcc.Table(module, table)).map_id == map_id:
                return getattr(found, name)
        return -1

    def bpf_table_type_id(self, module, map_id):
        """The kernel's number for the type of the table with this id; -1 if there is none."""
        return self._property(module, map_id, "ttype")

    def bpf_table_max_entries_id(self, module, map_id):
        """How many entries the table with this id has room for; -1 if there is none."""
        return self._property(module, map_id, "max_entries")

    def bpf_table_flags_id(self, module, map_id):
        """The flags of the table with this id; -1 if there is none."""
        return self._property(module, map_id, "flags")

    @staticmethod
    def bpf_num_functions(module):
        """How many programs bpf.module has."""
        return len(module.programs())

    @staticmethod
    def bpf_function_name(module, index):
        """The name (bytes) of the program at an index, from 0; None if there is none."""
        programs = module.programs()
        return programs[index].name if 0 <= index < len(programs) else None

    @staticmethod
    def bpf_function_size(module, name):
        """The size of a program's instructions in bytes; 0 if there is no such program."""
        try:
            return len(module.program(_bytes(name)).instructions())
        except _ebcc.NotFoundError:
            return 0

    @staticmethod
    def bpf_module_rw_engine_enabled():
        """True: key_sprintf(), leaf_scanf() and similar work for every table."""
        return True

    @staticmethod
    def bpf_has_kernel_btf():
        """1 if the kernel describes its types, otherwise 0."""
        return int(os.path.exists("/sys/kernel/btf/vmlinux"))

    @staticmethod
    def kernel_struct_has_field(struct_name, field_name):
        """Whether a struct or union of this kernel has a member: 1 or 0; -1 if there is no such struct."""
        return _ebcc.kernel_has_member(_bytes(struct_name), _bytes(field_name))

    @staticmethod
    def kernel_enum_has_val(enum_name, value_name):
        """Whether an enum of this kernel has an enumerator: 1 or 0; -1 if there is no such enum."""
        return _ebcc.kernel_has_enumerator(_bytes(enum_name), _bytes(value_name))


def _resolve(cache, address, symbol, demangle):
    symbol = _referent(symbol)
    name, symbol.offset, symbol.module = cache.resolve(address, demangle)
    symbol.name = symbol.demangle_name = name
    return 0 if name is not None else -1


lib = _Library()
