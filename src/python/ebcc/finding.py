# SPDX-License-Identifier: Apache-2.0
"""Finds what can be traced: kernel functions, tracepoints, functions of programs."""

import os

from . import _ebcc
from .utils import to_bytes, to_text

# Syntax of Python's regular expressions that the library's POSIX extended ones lack: a backslash
# before a letter or digit, (?...), and a quantifier after a quantifier.
_PYTHON_ONLY_REGEX = rb"\\[A-Za-z0-9]|\(\?|[*+?}][*+?]"

# How many kernel and user functions one BPF object may attach to, unless BCC_PROBE_LIMIT says
# otherwise. There is a limit because each probe slows down what is traced.
_PROBE_LIMIT = 1000

# Values of enum ebcc_capability.
_KFUNC, _FMOD_RET, _LSM, _RAW_TRACEPOINT, _RAW_TRACEPOINT_IN_MODULE = range(1, 6)

# Kernel headers, and the parts of words that show that a source needs them.
_HEADERS = {
    "linux/time.h": ("time",), "linux/fs.h": ("fs", "file"),
    "linux/blkdev.h": ("bio", "request"), "linux/slab.h": ("alloc",),
    "linux/netdevice.h": ("sk_buff", "net_device"),
}


# Where tracefs is mounted: on its own, or in debugfs, where the kernel mounts it automatically.
_TRACEFS_PLACES = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")


def tracefs():
    """The directory of tracefs (str), or its usual one if it is not mounted or may not be read."""
    return next((place for place in _TRACEFS_PLACES if os.path.exists(place + "/events")),
                _TRACEFS_PLACES[0])


class _Name(str):
    """A str with a decode(): scripts expect bytes, as get_kprobe_functions() returns them."""

    def decode(self, encoding="utf-8", errors="strict"):
        """The name as it is."""
        return str(self)


def _matching(find, pattern):
    """The names from find() that match the pattern at their start, as with re.match()."""
    import re  # not at the top: it doubles the time that importing the package takes
    pattern = to_bytes(pattern)
    if not re.search(_PYTHON_ONLY_REGEX, pattern):
        return find(pattern)
    matches = re.compile(pattern).match
    # A prefix that every matching name has: the library quickly finds the names that begin with it.
    prefix = b"" if b"|" in pattern else re.match(rb"\^?((?:\w(?![*?{]))*)", pattern).group(1)
    return [name for name in find(prefix) if matches(name)]


class FindMixin:
    """The finding methods of BPF. Most are static."""

    @staticmethod
    def get_kprobe_functions(event_re):
        """The kernel functions (bytes) that can be probed and match a regular expression."""
        return _matching(_ebcc.find_kprobe_functions, event_re)

    @staticmethod
    def get_tracepoints(tp_re):
        """The tracepoints that match a regular expression, as str CATEGORY:EVENT; their decode() returns
        the same str."""
        return [_Name(name, "ascii") for name in _matching(_ebcc.find_tracepoints, tp_re)]

    @staticmethod
    def tracepoint_exists(category, event):
        """Whether the kernel has the tracepoint CATEGORY:EVENT."""
        return _ebcc.tracepoint_exists(to_bytes(category), to_bytes(event))

    @staticmethod
    def get_user_functions_and_addresses(name, sym_re):
        """[(function, address)] for the functions (bytes) of a program or library that match a regular
        expression. name: the path or name of that file. The addresses are those in the file. Raises
        NotFoundError, FormatError."""
        import re
        binary = to_bytes(name)
        matches = re.compile(to_bytes(sym_re)).match
        functions = _ebcc.find_user_functions(binary, b"")
        return [(function, address) for function, address in functions if matches(function)]

    @staticmethod
    def get_user_functions(name, sym_re):
        """The set of functions of a program or library that match; see
        get_user_functions_and_addresses()."""
        found = FindMixin.get_user_functions_and_addresses(name, sym_re)
        return {function for function, _ in found}

    @staticmethod
    def get_user_addresses(name, sym_re):
        """The set of addresses of the functions that match; see get_user_functions_and_addresses()."""
        found = FindMixin.get_user_functions_and_addresses(name, sym_re)
        return {address for _, address in found}

    @staticmethod
    def find_library(libname, pid=0):
        """The path (bytes) of a library, given its short name, or None. pid: find the one that this
        process maps, and give its path inside the process's root directory; 0: search the
        system's directories."""
        return _ebcc.find_library(to_bytes(libname), max(pid or 0, 0))

    @staticmethod
    def is_go_binary(name, pid=-1):
        """Whether a program or library was built by the Go compiler. A return probe can crash such
        a program, because Go moves stacks. pid: the process whose file it is, or -1. Raises
        NotFoundError, FormatError."""
        return _ebcc.is_go_binary(to_bytes(name), pid)

    @staticmethod
    def pid_namespace():
        """The inode number of this process's PID namespace, or 0 for the initial one. In any other
        namespace, process ids differ from those that bpf_get_current_pid_tgid() returns; in the C
        source, use ebcc_ns_pid_tgid(). Raises UnsupportedError if /proc is not mounted or belongs
        to another namespace."""
        return _ebcc.pid_namespace()

    @staticmethod
    def find_exe(bin_path):
        """The path of a program, found through PATH, or None; str or bytes, like bin_path."""
        binary = to_bytes(bin_path)
        directories = [b""] if b"/" in binary else map(os.fsencode, os.get_exec_path())
        for directory in directories:
            path = os.path.join(directory, binary)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path.decode("utf-8", "surrogateescape") if isinstance(bin_path, str) \
                    else path
        return None

    @staticmethod
    def get_syscall_prefix():
        """The prefix of this kernel's system call functions, such as b"__x64_sys_"."""
        return _ebcc.syscall_prefix()

    @staticmethod
    def get_syscall_fnname(name):
        """The kernel function (bytes) of a system call."""
        return _ebcc.syscall_prefix() + to_bytes(name)

    @staticmethod
    def fix_syscall_fnname(name):
        """The name (bytes) with this kernel's prefix, if it is that of a system call function with any
        architecture's prefix; any other name unchanged."""
        name = to_bytes(name)
        call = _ebcc.syscall_name(name)
        return name if call is None else FindMixin.get_syscall_fnname(call)

    @staticmethod
    def add_prefix(prefix, name):
        """The name (bytes) with the prefix, which is added unless it is there already."""
        prefix, name = to_bytes(prefix), to_bytes(name)
        return name if name.startswith(prefix) else prefix + name

    @staticmethod
    def get_probe_limit():
        """How many functions one object may attach to: BCC_PROBE_LIMIT, or 1000."""
        limit = os.environ.get("BCC_PROBE_LIMIT", "")
        return int(limit) if limit.isdigit() else _PROBE_LIMIT

    @staticmethod
    def generate_auto_includes(program_words):
        """The #include lines (str) for kernel headers that the words of a source need."""
        words = [str(to_text(word)) for word in program_words]
        return "".join("#include <%s>\n" % header for header, parts in _HEADERS.items()
                       if any(part in word for part in parts for word in words))

    # What this kernel supports. The library tries each kind of program once, when it is first asked.

    @staticmethod
    def support_kfunc():
        """Whether KFUNC_PROBE and KRETFUNC_PROBE programs can be loaded and attached."""
        return _ebcc.kernel_supports(_KFUNC)

    @staticmethod
    def support_fmod_ret():
        """Whether KMOD_RET programs can be loaded and attached."""
        return _ebcc.kernel_supports(_FMOD_RET)

    @staticmethod
    def support_lsm():
        """Whether LSM_PROBE programs can be loaded and attached."""
        return _ebcc.kernel_supports(_LSM)

    @staticmethod
    def support_raw_tracepoint():
        """Whether the kernel has raw tracepoints."""
        return _ebcc.kernel_supports(_RAW_TRACEPOINT)

    @staticmethod
    def support_raw_tracepoint_in_module():
        """Whether the kernel has raw tracepoints for the events of its modules, such as kvm."""
        return _ebcc.kernel_supports(_RAW_TRACEPOINT_IN_MODULE)

    @staticmethod
    def kernel_struct_has_field(struct_name, field_name):
        """Whether a struct or union of this kernel has a member: 1 or 0; -1 if the kernel has no such
        struct, or does not describe its types."""
        return _ebcc.kernel_has_member(to_bytes(struct_name), to_bytes(field_name))

    @staticmethod
    def kernel_enum_has_val(enum_name, value_name):
        """Whether an enum of this kernel has an enumerator: 1 or 0; -1 if the kernel has no such enum,
        or does not describe its types."""
        return _ebcc.kernel_has_enumerator(to_bytes(enum_name), to_bytes(value_name))
