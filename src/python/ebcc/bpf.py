# SPDX-License-Identifier: Apache-2.0
"""The BPF class: a compiled source, its programs and tables, and the polls."""

import atexit
import ctypes as ct
import os
import sys
import time
from _weakref import ref  # importing all of weakref takes a twentieth of the package's time

from . import _ebcc, ctype, symbols
from . import table as _table
from .attach import AttachMixin
from .constants import BPFProgType, XDPAction, XDPFlags
from .finding import FindMixin
from .trace import TraceMixin
from .utils import did_you_mean, to_bytes, to_text

_KERNEL_TYPES = {None: 0, "auto": 0, "btf": 1, "headers": 2}
_COMPILERS = {None: 0, "helper": 0, "in-process": 1}
_POLL_PERF, _POLL_RING = 1, 2


def _choice(choices, name, value):
    """The number that a word stands for."""
    word = value.decode() if isinstance(value, bytes) else value
    if word not in choices:
        words = ", ".join(repr(choice) for choice in choices if choice)
        raise ValueError("%s is %r; it takes %s" % (name, value, words))
    return choices[word]


# References to all objects, which don't keep them.
_objects = set()


def _get_num_open_probes():
    """Kernel and user functions that something is attached to, by all objects of this process."""
    objects = [reference() for reference in list(_objects)]
    return sum(bpf.num_open_kprobes() + bpf.num_open_uprobes() for bpf in objects if bpf is not None)


# Detaches while the interpreter is still whole.
atexit.register(_ebcc.close_modules)


class ClosingInterrupted(KeyboardInterrupt, SystemExit):
    """Ctrl-C while a BPF object was being closed, raised when everything was detached.

    It is a KeyboardInterrupt to whoever catches one. Where nobody does, the program is most likely
    on its way out, and ends without a traceback, with status 130.
    """

    def __init__(self):
        super().__init__()
        self.code = 130


def _close(module, under_way=None):
    """Closes a module. under_way: an exception that goes on afterwards; one that ends the program
    stands for an interrupt that arrives meanwhile."""
    try:
        module.close()
    except KeyboardInterrupt as interrupt:
        if isinstance(under_way, (KeyboardInterrupt, SystemExit)):
            return
        if type(interrupt) is KeyboardInterrupt:
            raise ClosingInterrupted from None
        raise


def _find_file(name):
    """A file as given, or beside the script that runs."""
    name = to_bytes(name)
    if not name or os.path.isfile(name):
        return name
    beside = os.path.join(os.path.dirname(os.path.abspath(os.fsencode(sys.argv[0]))), name)
    if os.path.isfile(beside):
        return beside
    raise _ebcc.NotFoundError("there is no file %s" % os.fsdecode(name))


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def fitting(kind, value, what):
    """A value as an instance of a variable's class; one that doesn't fit is refused."""
    instance = ctype.instance(kind, value)
    if isinstance(value, int) and isinstance(instance, ct._SimpleCData) and instance.value != value:
        raise _ebcc.InvalidArgumentError("%d does not fit into the %s" % (value, what))
    return instance


class Function:
    """A loaded program."""

    def __init__(self, bpf, name, fd):
        self.bpf = bpf
        self.name = name
        self.fd = fd

    def __repr__(self):
        return "<BPF.Function %s>" % self.name.decode()


class BPF(_ebcc.TableDirectory, AttachMixin, FindMixin, TraceMixin, BPFProgType, XDPAction):
    """Compiles a C source, creates its maps, and attaches the programs whose names say where
    they go (kprobe__FN, tracepoint__CATEGORY__EVENT, ...).

    text: the source, or src_file: its file. hdr_file: a file put before it. cflags: flags for
    clang. debug: DEBUG_ flags, whose texts go to stderr. constants: {name: value} for
    `const volatile` globals. kernel_types: "btf", "headers" or "auto". device: a network
    device to offload to. usdt_contexts: USDT objects, whose enabled probes are attached;
    attach_usdt_ignore_pid: in every process, not only in theirs. allow_rlimit: let the
    locked-memory limit be raised where old kernels need that. btf_path: BTF to compile against;
    any_kernel: load it even if that is not the running kernel's.

    Raises CompileError with clang's diagnostics, LoadError with the verifier's words,
    AttachError, OtherKernelError for BTF of another kernel; all are ebcc.Error.
    """

    locals().update({"XDP_FLAGS_" + name: value for name, value in vars(XDPFlags).items()
                     if not name.startswith("_")})

    Function = Function
    Table = staticmethod(_table.Table)

    CLOCK_MONOTONIC = time.CLOCK_MONOTONIC

    # ctypes classes by the C types that they are, for scripts that make classes of their own.
    str2ctype = {
        "_Bool": ct.c_bool, "char": ct.c_char, "wchar_t": ct.c_wchar, "unsigned char": ct.c_ubyte,
        "short": ct.c_short, "unsigned short": ct.c_ushort, "int": ct.c_int,
        "unsigned int": ct.c_uint, "long": ct.c_long, "unsigned long": ct.c_ulong,
        "long long": ct.c_longlong, "unsigned long long": ct.c_ulonglong, "float": ct.c_float,
        "double": ct.c_double, "long double": ct.c_longdouble, "__int128": ct.c_int64 * 2,
        "unsigned __int128": ct.c_uint64 * 2,
    }

    _sym_caches = {}

    def __init__(self, src_file=b"", hdr_file=b"", text=None, debug=0, cflags=(),
                 usdt_contexts=(), allow_rlimit=True, device=None,
                 attach_usdt_ignore_pid=False, *, constants=None, kernel_types=None,
                 compiler=None, btf_path=None, any_kernel=False):
        self.debug = debug
        self.funcs = {}
        self._init_links()
        _objects.add(ref(self, _objects.discard))
        self.module = self._compile(text, src_file, hdr_file, cflags, device,
                                    _choice(_KERNEL_TYPES, "kernel_types", kernel_types),
                                    _choice(_COMPILERS, "compiler", compiler), btf_path,
                                    not allow_rlimit, any_kernel)
        try:
            for name, value in (constants or {}).items():
                self._set_constant(to_bytes(name), value)
            self.module.reserve_usdt(sum(len(usdt.enumerate_active_probes())
                                         for usdt in usdt_contexts))
            self.module.load()
            # Those of extern tables are known from here on.
            self._map_types = dict(self.module.tables())
            self._attach_named()
            for usdt in usdt_contexts:
                usdt.attach_uprobes(self, attach_usdt_ignore_pid)
        except BaseException as error:
            self._show_debug()
            _close(self.module, error)
            raise
        self._show_debug()

    def _compile(self, text, src_file, hdr_file, cflags, device, kernel_types, compiler,
                 btf_path, no_rlimit, any_kernel):
        file_name = None
        if text is None:
            file_name = _find_file(src_file)
            if not file_name:
                raise _ebcc.InvalidArgumentError("text or src_file is needed")
            text = _read(file_name)
        if isinstance(cflags, (str, bytes)):
            raise _ebcc.InvalidArgumentError("cflags is %r; it takes a list of flags" % cflags)
        header = _read(_find_file(hdr_file)) if hdr_file else None
        return _ebcc.Module(
            source=to_bytes(text), file_name=file_name, header=header,
            cflags=[to_bytes(flag) for flag in cflags], debug=self.debug,
            kernel_types=kernel_types, compiler=compiler, btf_path=to_bytes(btf_path),
            device=to_bytes(device), no_rlimit=no_rlimit, any_kernel=any_kernel)

    def _set_constant(self, name, value):
        kind = self.module.variable_class(name)
        if kind is None:
            self.module.set_constant(name, b"")  # raises, and lists near names
            return
        self.module.set_constant(name, fitting(kind, value, "constant " + name.decode()))

    def _show_debug(self):
        """The debug flags ask for texts on stderr."""
        for bit in range(6):
            text = self.module.debug_text(1 << bit) if self.debug & 1 << bit else None
            if text:
                print(text, file=sys.stderr, flush=True)

    # Programs.

    def _program(self, name):
        return self.module.program(to_bytes(name))

    def load_func(self, func_name, prog_type, device=None, attach_type=-1):
        """Loads a program and returns it, an object with bpf, name and fd.

        prog_type: BPF.KPROBE, ... Loading it again returns the same object.
        """
        func_name = to_bytes(func_name)
        if func_name not in self.funcs:
            program = self._program(func_name)
            program.load(prog_type, attach_type)
            self.funcs[func_name] = Function(self, func_name, program.fd)
        return self.funcs[func_name]

    def load_funcs(self, prog_type=BPFProgType.KPROBE):
        """Loads all programs as one type."""
        return [self.load_func(program.name, prog_type) for program in self.module.programs()]

    def test_run(self, fn, data=None, ctx=None, repeat=0, cpu=None):
        """Runs a loaded program now, on data of yours (BPF_PROG_TEST_RUN), attached or not.

        fn: what load_func() returned, or the name of a program that was loaded or attached. data: the
        packet, bytes, at least 14, for programs that have one. ctx: the context, bytes or a ctypes
        structure (of __sk_buff, xdp_md, what a SYSCALL program takes), or a list of the arguments of a raw
        tracepoint. repeat: run it so often, with packets only. cpu: where a raw tracepoint's program
        runs.

        Returns a TestRun: (retval, data, ctx, duration). Raises UnsupportedError where the kernel makes no
        test runs of such programs, InvalidArgumentError where it refuses these arguments, StateError where
        the program isn't loaded.
        """
        from .test_run import run
        return run(self._program(getattr(fn, "name", fn)), data, ctx, repeat, cpu)

    def dump_func(self, func_name):
        """A program's instructions as compiled, bytes: 8 for each."""
        return self._program(func_name).instructions()

    def disassemble_func(self, func_name):
        """A program's instructions as text, a line each."""
        from .disassembler import disassemble_prog
        return disassemble_prog(func_name, self.dump_func(func_name))

    # Global variables.

    @property
    def globals(self):
        """The source's global variables as attributes: b.globals.limit = 5."""
        from .globals import Globals
        return Globals(self.module)

    # Tables.

    def get_table(self, name, keytype=None, leaftype=None, reducer=None):
        """The table of that name. keytype, leaftype: other ctypes classes of the same size.
        reducer: a function that joins two CPUs' values. Raises KeyError."""
        name = to_bytes(name)
        if name not in self._map_types:
            there = ", ".join(to_text(table) for table in self._map_types) or "none"
            raise KeyError("there is no table %s%s" % (
                to_text(name), did_you_mean(name, self._map_types) or ": there are " + there))
        return _table.Table(self, name, self._map_types[name], keytype, leaftype, reducer)

    def decode_table(self, table_name, sizeinfo=False):
        """The layout of a table's keys and leaves as C text. sizeinfo: with the offset and size
        of each member, in bytes. Raises KeyError."""
        from .disassembler import decode_map
        table = self[table_name]
        return decode_map(table.name, table, table.ttype, sizeinfo)

    def __setitem__(self, key, leaf):
        self.tables[key] = leaf

    def __len__(self):
        return len(self._map_types)

    def __delitem__(self, key):
        del self.tables[key]

    def __iter__(self):
        return iter([name.decode() for name in self._map_types])

    # A module without tables is a module still.
    def __bool__(self):
        return True

    # Events.

    def perf_buffer_poll(self, timeout=-1):
        """Waits for events of perf buffers and calls the callbacks. timeout: milliseconds, -1
        for no limit. An exception of a callback comes out of here."""
        self.module.poll(_POLL_PERF, timeout)

    def perf_buffer_consume(self):
        """Calls the callbacks of perf buffers for what is there, without waiting."""
        self.module.consume(_POLL_PERF)

    kprobe_poll = perf_buffer_poll

    def ring_buffer_poll(self, timeout=-1):
        """As perf_buffer_poll(), for ring buffers."""
        self.module.poll(_POLL_RING, timeout)

    def ring_buffer_consume(self):
        """Calls the callbacks of ring buffers for what is there, without waiting."""
        self.module.consume(_POLL_RING)

    # Symbols.

    @staticmethod
    def _sym_cache(pid):
        """The symbols of a process; a negative pid is the kernel."""
        pid = max(pid, -1)
        if pid not in BPF._sym_caches:
            BPF._sym_caches[pid] = symbols.SymbolCache(pid)
        return BPF._sym_caches[pid]

    @staticmethod
    def sym(addr, pid, show_module=False, show_offset=False, demangle=True):
        """The name (bytes) of an address in a process; a negative pid means the kernel.

        show_offset adds +0xOFFSET, show_module adds [module]. Without a symbol, b"[unknown]".
        demangle: C++ and Rust names in readable form. addr may be an item of a stack of build
        ids, for files that add_module() named.
        """
        return symbols.describe(pid, addr, show_module, show_offset, demangle)

    @staticmethod
    def ksym(addr, show_module=False, show_offset=False):
        """The name (bytes) of a kernel address."""
        return symbols.describe(-1, addr, show_module, show_offset, False)

    @staticmethod
    def ksymname(name):
        """The address of a kernel symbol, or -1."""
        return BPF._sym_cache(-1).resolve_name(None, name)

    @staticmethod
    def add_module(modname):
        """Makes a file known by its build id, for stacks of build ids. modname: its path.

        A file that isn't there, or has no build id, is a warning in the log.
        """
        try:
            symbols.symbolizer().add_file(to_bytes(modname))
        except (_ebcc.NotFoundError, _ebcc.FormatError) as error:
            from .log import message
            message(2, str(error))

    @classmethod
    def monotonic_time(cls):
        """The clock of bpf_ktime_get_ns(), in nanoseconds."""
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)

    def free_bcc_memory(self):
        """Does nothing and returns 0: what a compile needs is in a process of its own, which has
        ended. Scripts call it to get rid of the older implementation's compiler."""
        return 0

    # The end.

    def close(self):
        """Detaches and unloads everything. Doing it again does nothing.

        An interrupt that arrives meanwhile (Ctrl-C) is raised when that is done; uncaught, it ends
        the program without a traceback."""
        self._end(None)

    def _end(self, under_way):
        try:
            _close(self.module, under_way)
        finally:
            self._forget_attached()

    def _forget_attached(self):
        for links in (self.kprobe_fds, self.uprobe_fds, self.tracepoint_fds,
                      self.raw_tracepoint_fds, self.perf_events, self.trace_fds,
                      self.iter_fds, self.func_fds):
            links.clear()
        if self._trace_file is not None:
            self._trace_file.close()
            self._trace_file = None

    cleanup = close

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self._end(exc_info[1])
