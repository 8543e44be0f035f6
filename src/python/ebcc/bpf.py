# SPDX-License-Identifier: Apache-2.0
"""The BPF class: a compiled source with its programs and tables, and polling for its events."""

import atexit
import ctypes as ct
import os
import sys
import time
from _weakref import ref  # importing weakref would take 5% of the package's import time

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
    """The number that a word stands for. Raises ValueError for a word that is not among the choices."""
    word = value.decode() if isinstance(value, bytes) else value
    if word not in choices:
        words = ", ".join(repr(choice) for choice in choices if choice)
        raise ValueError("%s is %r; it must be one of %s" % (name, value, words))
    return choices[word]


# Weak references to all BPF objects.
_objects = set()


def _get_num_open_probes():
    """The number of kernel and user functions that this process's BPF objects are attached to."""
    objects = [reference() for reference in list(_objects)]
    return sum(bpf.num_open_kprobes() + bpf.num_open_uprobes() for bpf in objects if bpf is not None)


# Detaches while the interpreter is still intact.
atexit.register(_ebcc.close_modules)


class ClosingInterrupted(KeyboardInterrupt, SystemExit):
    """Ctrl-C while a BPF object was being closed, raised after everything is detached.

    It can be caught as a KeyboardInterrupt. If it is not caught, the script was most likely about to
    exit: it then exits without a traceback, with status 130.
    """

    def __init__(self):
        super().__init__()
        self.code = 130


def _close(module, pending=None):
    """Closes a module. pending: an exception that is being raised and will continue afterwards. If it
    ends the program anyway, an interrupt that arrives during the close is dropped."""
    try:
        module.close()
    except KeyboardInterrupt as interrupt:
        if isinstance(pending, (KeyboardInterrupt, SystemExit)):
            return
        if type(interrupt) is KeyboardInterrupt:
            raise ClosingInterrupted from None
        raise


class Bundle:
    """What a bundle, a script with its objects in one file, has for BPF(). objects: an object store in
    memory; files: {name: contents} of the files that the script names; all are bytes."""

    current = None
    """That of the running script, or None."""

    def __init__(self, objects, files):
        self.objects = objects
        self.files = files


def _find_file(name):
    """The path of a file: as given, or in the directory of the running script. Raises NotFoundError."""
    name = to_bytes(name)
    if Bundle.current and name in Bundle.current.files or os.path.isfile(name):
        return name
    beside = os.path.join(os.path.dirname(os.path.abspath(os.fsencode(sys.argv[0]))), name)
    if os.path.isfile(beside):
        return beside
    raise _ebcc.NotFoundError("there is no file %s" % os.fsdecode(name))


def _read(path):
    """The contents of a file, of the bundle or not."""
    if Bundle.current and to_bytes(path) in Bundle.current.files:
        return Bundle.current.files[to_bytes(path)]
    with open(path, "rb") as file:
        return file.read()


def fitting(kind, value, what):
    """A value as an instance of a variable's ctypes class (kind). what: the variable, for the error.
    Raises InvalidArgumentError for a number that doesn't fit."""
    instance = ctype.instance(kind, value)
    if isinstance(value, int) and isinstance(instance, ct._SimpleCData) and instance.value != value:
        raise _ebcc.InvalidArgumentError("%d does not fit into the %s" % (value, what))
    return instance


class Function:
    """A loaded program. bpf: its BPF object; name: bytes; fd: its descriptor, which the module closes."""

    def __init__(self, bpf, name, fd):
        self.bpf = bpf
        self.name = name
        self.fd = fd

    def pin(self, path):
        """Gives the program a name in a BPF file system, by which the kernel keeps it loaded when this process
        ends. path: a new file in a directory of /sys/fs/bpf."""
        self.bpf.module.program(self.name).pin(path)

    def unpin(self, path):
        """Removes such a name. Raises NotFoundError where there is none."""
        self.bpf.module.program(self.name).unpin(path)

    def __repr__(self):
        return "<BPF.Function %s>" % self.name.decode()


def compile_portable(text, cflags=(), kernel_root=None):
    """Compiles a source for any kernel, and returns the module, of which nothing is in the kernel. Needs no
    privilege. text: the source; cflags and kernel_root: as those of BPF(). Raises CompileError and other
    subclasses of ebcc.Error."""
    return _ebcc.Module(source=to_bytes(text), file_name=None, header=None,
                        cflags=[to_bytes(flag) for flag in cflags], debug=0,
                        kernel_types=_KERNEL_TYPES[None], compiler=_COMPILERS[None], btf_path=None,
                        device=None, no_rlimit=True, kernel_root=to_bytes(kernel_root), portable=True)


def _object_bytes(source):
    """The contents of an object, given as they are or as the path of a file."""
    if isinstance(source, bytes) and source.startswith(b"\x7fELF"):
        return source
    return _read(source)


class BPF(_ebcc.TableDirectory, AttachMixin, FindMixin, TraceMixin, BPFProgType, XDPAction):
    """Compiles a C source, creates its maps, and attaches the programs whose names (kprobe__FN,
    tracepoint__CATEGORY__EVENT and so on) or sections (SEC("kprobe/FN")) say where to attach them.

    text: the source; or src_file: its file. hdr_file: a file to put before it. cflags: a list of
    flags for clang. debug: DEBUG_ flags; the output goes to stderr. constants: {name: value} for
    `const volatile` globals. kernel_types: where the kernel's types come from, "btf", "headers" or
    "auto". compiler: "helper" or "in-process". device: a network device to offload to.
    usdt_contexts: USDT objects whose enabled probes are to be attached; attach_usdt_ignore_pid: in
    every process, not only in theirs. allow_rlimit: allow the locked-memory limit to be raised,
    which old kernels need. btf_path: a BTF file to compile against; kernel_root: a directory with the
    files that describe another kernel; any_kernel: load the result even if that is not the running
    kernel. portable: compile an object that other kernels can load too. max_entries: {name: number} of
    entries that tables will have room for, bytes for ring buffers, in place of what the source says.
    attach: whether programs are attached by names and sections, or a list of those that are.

    object: instead of a source, the path of a file that save() wrote, or its contents as bytes.

    Raises CompileError with clang's diagnostics, LoadError with the verifier's log, AttachError,
    OtherKernelError for an object that is not right for this kernel; all are subclasses of ebcc.Error.
    A wrong choice for kernel_types or compiler raises ValueError.
    """

    locals().update({"XDP_FLAGS_" + name: value for name, value in vars(XDPFlags).items()
                     if not name.startswith("_")})

    Function = Function
    Table = staticmethod(_table.Table)

    CLOCK_MONOTONIC = time.CLOCK_MONOTONIC

    # The ctypes class of each C type, for scripts that define classes of their own.
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
                 compiler=None, btf_path=None, any_kernel=False, portable=False, object=None,
                 kernel_root=None, max_entries=None, attach=True):
        self.debug = debug
        self.funcs = {}
        self._init_links()
        _objects.add(ref(self, _objects.discard))
        options = {
            "debug": debug, "device": to_bytes(device), "no_rlimit": not allow_rlimit,
            "any_kernel": any_kernel, "btf_path": to_bytes(btf_path),
            "kernel_root": to_bytes(kernel_root), "portable": portable,
            "kernel_types": _choice(_KERNEL_TYPES, "kernel_types", kernel_types),
            "compiler": _choice(_COMPILERS, "compiler", compiler)}
        if object is None:
            self.module = self._compile(text, src_file, hdr_file, cflags, options)
        elif text is not None or src_file:
            raise _ebcc.InvalidArgumentError("object is given together with text or src_file")
        else:
            self.module = _ebcc.Module(source=b"", file_name=None, header=None, cflags=[],
                                       object=_object_bytes(object), **options)
        try:
            for name, value in (constants or {}).items():
                self._set_constant(to_bytes(name), value)
            for name, entries in (max_entries or {}).items():
                self.module.set_max_entries(to_bytes(name), entries)
            self.module.reserve_usdt(sum(len(usdt.enumerate_active_probes())
                                         for usdt in usdt_contexts))
            self.module.load()
            # The types of extern tables are known only from here on.
            self._map_types = dict(self.module.tables())
            self._attach_named(attach)
            for usdt in usdt_contexts:
                usdt.attach_uprobes(self, attach_usdt_ignore_pid)
        except BaseException as error:
            self._show_debug()
            _close(self.module, error)
            raise
        self._show_debug()

    def _compile(self, text, src_file, hdr_file, cflags, options):
        file_name = None
        if text is None:
            if not src_file:
                raise _ebcc.InvalidArgumentError("text or src_file is needed")
            file_name = _find_file(src_file)
            text = _read(file_name)
        if isinstance(cflags, (str, bytes)):
            raise _ebcc.InvalidArgumentError("cflags is %r; it must be a list of flags" % cflags)
        header = _read(_find_file(hdr_file)) if hdr_file else None
        return _ebcc.Module(
            source=to_bytes(text), file_name=file_name, header=header,
            cflags=[to_bytes(flag) for flag in cflags],
            objects=Bundle.current.objects if Bundle.current else None, **options)

    def save(self, path):
        """Writes the compiled object to a file, for BPF(object=path), on kernels like the one that it was
        compiled for, or on any if portable was set. The file has the code of both pipelines, so it serves
        kernels whose verifier rejects that of the first. Raises ebcc.Error if it can't be written."""
        self.module.save(path)

    def store(self, directory):
        """Adds the object, which must be portable, to an object store: a directory, made if it doesn't exist,
        where BPF() with the same source and flags finds it without a compiler, on any machine where
        EBCC_OBJECTS names a copy. Raises ebcc.Error if it can't be written."""
        self.module.store(os.path.abspath(os.fspath(directory)))

    def _set_constant(self, name, value):
        kind = self.module.variable_class(name)
        if kind is None:
            self.module.set_constant(name, b"")  # raises an error that lists similar names
            return
        self.module.set_constant(name, fitting(kind, value, "constant " + name.decode()))

    def _show_debug(self):
        """Prints the texts that the debug flags ask for to stderr."""
        for bit in range(6):
            text = self.module.debug_text(1 << bit) if self.debug & 1 << bit else None
            if text:
                print(text, file=sys.stderr, flush=True)

    # Programs.

    def _program(self, name):
        return self.module.program(to_bytes(name))

    def load_func(self, func_name, prog_type, device=None, attach_type=-1):
        """Loads a program and returns it as a Function, with the attributes bpf, name and fd.

        prog_type: BPF.KPROBE or another type. attach_type: of BPFAttachType, if the type needs one.
        device is ignored. Loading a program again returns the same object. Raises LoadError with the
        verifier's log, and NotFoundError.
        """
        func_name = to_bytes(func_name)
        if func_name not in self.funcs:
            program = self._program(func_name)
            program.load(prog_type, attach_type)
            self.funcs[func_name] = Function(self, func_name, program.fd)
        return self.funcs[func_name]

    def load_funcs(self, prog_type=BPFProgType.KPROBE):
        """Loads all programs as the same type; returns a list of what load_func() returns."""
        return [self.load_func(program.name, prog_type) for program in self.module.programs()]

    def test_run(self, fn, data=None, ctx=None, repeat=0, cpu=None):
        """Runs a loaded program once on your own data, attached or not (BPF_PROG_TEST_RUN).

        fn: what load_func() returned, or the name of a program that was loaded or attached. data: the
        packet, at least 14 bytes, for programs that take one. ctx: the context: bytes or a ctypes
        structure (__sk_buff, xdp_md, the argument of a SYSCALL program), or a list of the arguments of a
        raw tracepoint. repeat: how often to run it, only with packets. cpu: where to run a raw
        tracepoint's program.

        Returns a TestRun: (retval, data, ctx, duration). Raises UnsupportedError if the kernel cannot
        test-run such programs, InvalidArgumentError if it refuses these arguments, StateError if the
        program isn't loaded.
        """
        from .test_run import run
        return run(self._program(getattr(fn, "name", fn)), data, ctx, repeat, cpu)

    def dump_func(self, func_name):
        """A program's compiled instructions, bytes: 8 for each. Raises NotFoundError."""
        return self._program(func_name).instructions()

    def disassemble_func(self, func_name):
        """A program's instructions as text, one per line. Raises NotFoundError."""
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
        """The table of that name. keytype, leaftype: ctypes classes of the same size, to use in place
        of those made from the source. reducer: a function that combines two CPUs' values into one.
        Raises KeyError."""
        name = to_bytes(name)
        if name not in self._map_types:
            there = ", ".join(to_text(table) for table in self._map_types) or "none"
            raise KeyError("there is no table %s%s" % (
                to_text(name), did_you_mean(name, self._map_types) or ": there are " + there))
        return _table.Table(self, name, self._map_types[name], keytype, leaftype, reducer)

    def decode_table(self, table_name, sizeinfo=False):
        """The layout of a table's keys and leaves as C text. sizeinfo: include the offset and size of
        each member, in bytes. Raises KeyError."""
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

    # True even without tables, when __len__() is 0.
    def __bool__(self):
        return True

    # Events.

    _waiting = None  # the iterations in a loop of asyncio (batch.py)

    def fileno(self):
        """A descriptor for select, poll and event loops: readable when there are events, which
        perf_buffer_consume() and ring_buffer_consume() then read."""
        return self.module.poll_fd()

    def perf_buffer_poll(self, timeout=-1):
        """Waits for events from perf buffers and calls their callbacks. timeout: milliseconds; -1: no
        limit. An exception from a callback ends the poll and is raised here."""
        self.module.poll(_POLL_PERF, timeout)

    def perf_buffer_consume(self):
        """Calls the callbacks of perf buffers for the events that are there, without waiting."""
        self.module.consume(_POLL_PERF)

    kprobe_poll = perf_buffer_poll

    def ring_buffer_poll(self, timeout=-1):
        """Like perf_buffer_poll(), for ring buffers. Raises StateError if none is open."""
        self.module.poll(_POLL_RING, timeout)

    def ring_buffer_consume(self):
        """Calls the callbacks of ring buffers for the events that are there, without waiting."""
        self.module.consume(_POLL_RING)

    # Symbols.

    @staticmethod
    def _sym_cache(pid):
        """The symbols of a process; a negative pid means the kernel."""
        pid = max(pid, -1)
        if pid not in BPF._sym_caches:
            BPF._sym_caches[pid] = symbols.SymbolCache(pid)
        return BPF._sym_caches[pid]

    @staticmethod
    def sym(addr, pid, show_module=False, show_offset=False, demangle=True):
        """The name (bytes) of an address in a process; a negative pid means the kernel.

        show_offset adds +0xOFFSET, show_module adds [module]. If there is no symbol, the name is
        b"[unknown]". demangle: C++ and Rust names in readable form. addr may also be an item of a
        build-id stack, for files that add_module() registered.
        """
        return symbols.describe(pid, addr, show_module, show_offset, demangle)

    @staticmethod
    def ksym(addr, show_module=False, show_offset=False):
        """The name (bytes) of a kernel address; parameters as in sym()."""
        return symbols.describe(-1, addr, show_module, show_offset, False)

    @staticmethod
    def ksymname(name):
        """The address of a kernel symbol, or -1."""
        return BPF._sym_cache(-1).resolve_name(None, name)

    @staticmethod
    def add_module(modname):
        """Registers a file by its build id, for build-id stacks. modname: its path.

        If the file doesn't exist or has no build id, a warning is logged.
        """
        try:
            symbols.symbolizer().add_file(to_bytes(modname))
        except (_ebcc.NotFoundError, _ebcc.FormatError) as error:
            from .log import message
            message(2, str(error))

    @classmethod
    def monotonic_time(cls):
        """The time of the clock that bpf_ktime_get_ns() reads, in nanoseconds."""
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)

    def free_bcc_memory(self):
        """Does nothing and returns 0: a source is compiled in a separate process, which has exited.
        Scripts call this to free the older implementation's compiler."""
        return 0

    # Closing.

    def close(self):
        """Detaches and unloads everything. Calling it again does nothing.

        If an interrupt (Ctrl-C) arrives in the meantime, it is raised after that; if it is not caught,
        the script exits without a traceback."""
        self._end(None)

    def _end(self, pending):
        try:
            _close(self.module, pending)
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
