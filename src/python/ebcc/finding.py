# SPDX-License-Identifier: Apache-2.0
"""Finding what can be traced: kernel functions, tracepoints, functions of programs."""

import os

from . import _ebcc
from .utils import to_bytes, to_text

# What only Python's regular expressions have, in contrast to the library's extended ones:
# escapes of letters and digits, (?...), a quantifier after a quantifier.
_OWN_REGEX = rb"\\[A-Za-z0-9]|\(\?|[*+?}][*+?]"

# So many kernel and user functions may be attached to by one object, unless BCC_PROBE_LIMIT says
# otherwise: each costs the traced program time.
_PROBE_LIMIT = 1000

# Capabilities of a kernel, as the library numbers them.
_KFUNC, _FMOD_RET, _LSM, _RAW_TRACEPOINT, _RAW_TRACEPOINT_IN_MODULE = range(1, 6)

# Words of a source that want a kernel header, where the words themselves don't name it.
_HEADERS = {
    "linux/time.h": ("time",), "linux/fs.h": ("fs", "file"),
    "linux/blkdev.h": ("bio", "request"), "linux/slab.h": ("alloc",),
    "linux/netdevice.h": ("sk_buff", "net_device"),
}


# Where tracefs is mounted: by itself, or, as the kernel does, in debugfs.
_TRACEFS_PLACES = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")


def tracefs():
    """The directory of tracefs, str; the usual one where it is not mounted or may not be read."""
    return next((place for place in _TRACEFS_PLACES if os.path.exists(place + "/events")),
                _TRACEFS_PLACES[0])


class _Name(str):
    """A name as str, which scripts decode that expect bytes, as they get of kernel functions."""

    def decode(self, encoding="utf-8", errors="strict"):
        """The name as it is."""
        return str(self)


def _matching(find, pattern):
    """What find() lists and the pattern matches from the start, as re.match() does."""
    import re  # not at the top: it doubles the time that importing the package takes
    pattern = to_bytes(pattern)
    if not re.search(_OWN_REGEX, pattern):
        return find(pattern)
    matches = re.compile(pattern).match
    # What every name begins with that matches: the library finds these at once.
    start = b"" if b"|" in pattern else re.match(rb"\^?((?:\w(?![*?{]))*)", pattern).group(1)
    return [name for name in find(start) if matches(name)]


class FindMixin:
    """The finding methods of BPF. Most need no object."""

    @staticmethod
    def get_kprobe_functions(event_re):
        """Kernel functions (bytes) that can be probed and match the regular expression."""
        return _matching(_ebcc.find_kprobe_functions, event_re)

    @staticmethod
    def get_tracepoints(tp_re):
        """Tracepoints, as str CATEGORY:EVENT (that decode() leaves as it is), which match the regular
        expression."""
        return [_Name(name, "ascii") for name in _matching(_ebcc.find_tracepoints, tp_re)]

    @staticmethod
    def tracepoint_exists(category, event):
        """Whether the kernel has the tracepoint CATEGORY:EVENT."""
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
        """The set of functions of a program or library that match."""
        found = FindMixin.get_user_functions_and_addresses(name, sym_re)
        return {function for function, _ in found}

    @staticmethod
    def get_user_addresses(name, sym_re):
        """Addresses of functions of a program or library that match."""
        found = FindMixin.get_user_functions_and_addresses(name, sym_re)
        return {address for _, address in found}

    @staticmethod
    def find_library(libname, pid=0):
        """The path (bytes) of a library by its short name, or None. pid: the one that this process
        maps, as its own root directory has it; 0: of the system's directories."""
        return _ebcc.find_library(to_bytes(libname), max(pid or 0, 0))

    @staticmethod
    def is_go_binary(name, pid=-1):
        """Whether a program or library was built by the Go compiler. A return probe can crash such
        a program: Go moves stacks. pid: whose file it is."""
        return _ebcc.is_go_binary(to_bytes(name), pid)

    @staticmethod
    def pid_namespace():
        """The inode number of this process's PID namespace, or 0 for the initial one. In another
        one, processes have other numbers than bpf_get_current_pid_tgid() gives: see
        ebcc_ns_pid_tgid() of the C source. UnsupportedError: /proc is not mounted, or is another
        namespace's."""
        return _ebcc.pid_namespace()

    @staticmethod
    def find_exe(bin_path):
        """The path of a program, through PATH, or None; str or bytes as it was given."""
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
        call = _ebcc.syscall_name(name)
        return name if call is None else FindMixin.get_syscall_fnname(call)

    @staticmethod
    def add_prefix(prefix, name):
        """name with the prefix, unless it has it already."""
        prefix, name = to_bytes(prefix), to_bytes(name)
        return name if name.startswith(prefix) else prefix + name

    @staticmethod
    def get_probe_limit():
        """How many functions one object may be attached to: BCC_PROBE_LIMIT, or 1000."""
        limit = os.environ.get("BCC_PROBE_LIMIT", "")
        return int(limit) if limit.isdigit() else _PROBE_LIMIT

    @staticmethod
    def generate_auto_includes(program_words):
        """#include lines, str, for the words of a source."""
        words = [str(to_text(word)) for word in program_words]
        return "".join("#include <%s>\n" % header for header, parts in _HEADERS.items()
                       if any(part in word for part in parts for word in words))

    # What this kernel has. Each kind of program is tried out once.

    @staticmethod
    def support_kfunc():
        """Whether KFUNC_PROBE and KRETFUNC_PROBE programs load and attach."""
        return _ebcc.kernel_supports(_KFUNC)

    @staticmethod
    def support_fmod_ret():
        """Whether KMOD_RET programs load and attach."""
        return _ebcc.kernel_supports(_FMOD_RET)

    @staticmethod
    def support_lsm():
        """Whether LSM_PROBE programs load and attach."""
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
        """Whether a struct or union of this kernel has a member: 1 or 0; -1 where the kernel has
        no such struct, or does not describe its types."""
        return _ebcc.kernel_has_member(to_bytes(struct_name), to_bytes(field_name))

    @staticmethod
    def kernel_enum_has_val(enum_name, value_name):
        """Whether an enum of this kernel has an enumerator: 1, 0 or -1 in the same way."""
        return _ebcc.kernel_has_enumerator(to_bytes(enum_name), to_bytes(value_name))
