# SPDX-License-Identifier: Apache-2.0
"""A recording stand-in for the module, which gets the C source of a tool that runs on it.

It answers questions about the kernel from a file of facts (EBCC_RECORD_FACTS, in marshal's format; EBCC_RECORD_KFUNC
says whether the kernel has BTF-typed function probes), writes what is passed to ``BPF(...)`` to the file
EBCC_RECORD_OUTPUT, and then ends the process. Everything else that a tool imports (``bcc.utils``,
``bcc.containers``...) comes from the peer's own package: the installed one, which has its library, then that of the
tools (EBCC_RECORD_PEER).
"""
import json
import marshal
import os
import re
import sys

_PEER = "/usr/lib/python3/dist-packages/bcc"
__path__.append(_PEER)
# For modules that the installed package doesn't have: the tools may belong to another version.
__path__.append(os.environ["EBCC_RECORD_PEER"])

with open(os.environ["EBCC_RECORD_FACTS"], "rb") as _file:
    _FACTS = marshal.load(_file)
_SYMBOLS = frozenset(_FACTS["symbols"])


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def _record(**fields):
    with open(os.environ["EBCC_RECORD_OUTPUT"], "w", encoding="utf-8") as file:
        json.dump(fields, file)
    sys.stdout.flush()
    os._exit(0)


class _Anything:
    """Anything that a tool gets from the module before it passes on its source."""

    def __getattr__(self, name):
        return _Anything()

    def __call__(self, *args, **kwargs):
        return _Anything()


class PerfType:
    HARDWARE, SOFTWARE, TRACEPOINT, HW_CACHE, RAW, BREAKPOINT = range(6)


class PerfHWConfig:
    (CPU_CYCLES, INSTRUCTIONS, CACHE_REFERENCES, CACHE_MISSES, BRANCH_INSTRUCTIONS, BRANCH_MISSES,
     BUS_CYCLES, STALLED_CYCLES_FRONTEND, STALLED_CYCLES_BACKEND, REF_CPU_CYCLES) = range(10)


class PerfSWConfig:
    (CPU_CLOCK, TASK_CLOCK, PAGE_FAULTS, CONTEXT_SWITCHES, CPU_MIGRATIONS, PAGE_FAULTS_MIN,
     PAGE_FAULTS_MAJ, ALIGNMENT_FAULTS, EMULATION_FAULTS, DUMMY, BPF_OUTPUT) = range(11)


class USDT:
    """Only the names of probes are known; their arguments don't matter here."""

    def __init__(self, pid=None, path=None):
        self.probes = []

    def enable_probe(self, probe, fn_name):
        self.probes.append((probe, fn_name))

    enable_probe_or_bail = enable_probe

    def get_text(self):
        return b""

    def __getattr__(self, name):
        return _Anything()


class BPF:
    KPROBE, SCHED_CLS, SCHED_ACT, TRACEPOINT, XDP, PERF_EVENT = 2, 3, 4, 5, 6, 7
    SOCKET_FILTER = 1

    def __init__(self, src_file=b"", hdr_file=b"", text=None, debug=0, cflags=(), usdt_contexts=(),
                 **_kwargs):
        if text is None:
            with open(_text(src_file), encoding="utf-8") as file:
                text = file.read()
        # An empty text is a check by the package itself; the tool's own comes later.
        if not text.strip():
            return
        _record(text=_text(text), cflags=[_text(flag) for flag in cflags],
                usdt=[probe for context in usdt_contexts for probe in context.probes])

    @staticmethod
    def get_kprobe_functions(event_re):
        pattern = re.compile(_text(event_re))
        return [name.encode() for name in _FACTS["functions"] if pattern.match(name)]

    @staticmethod
    def get_tracepoints(tp_re):
        pattern = re.compile(_text(tp_re))
        return [name.encode() for name in _FACTS["tracepoints"] if pattern.match(name)]

    @staticmethod
    def tracepoint_exists(category, event):
        return _text(category) + ":" + _text(event) in _FACTS["tracepoints"]

    @staticmethod
    def ksymname(name):
        return 0xFFFFFFFF81000000 if _text(name) in _SYMBOLS else -1

    @staticmethod
    def kernel_struct_has_field(struct, field):
        fields = _FACTS["structs"].get(_text(struct))
        return -1 if fields is None else int(_text(field) in fields)

    @staticmethod
    def support_kfunc():
        return bool(os.environ.get("EBCC_RECORD_KFUNC"))

    support_raw_tracepoint = staticmethod(lambda: True)
    support_raw_tracepoint_in_module = staticmethod(lambda: True)
    support_lsm = support_fmod_ret = support_kfunc
    get_syscall_prefix = staticmethod(lambda: b"__x64_sys_")
    get_probe_limit = staticmethod(lambda: 1000)

    @staticmethod
    def get_syscall_fnname(name):
        return b"__x64_sys_" + (name if isinstance(name, bytes) else name.encode())

    @staticmethod
    def fix_syscall_fnname(name):
        name = name if isinstance(name, bytes) else name.encode()
        for prefix in (b"sys_", b"__x64_sys_", b"__arm64_sys_"):
            if name.startswith(prefix):
                return b"__x64_sys_" + name[len(prefix):]
        return name

    @staticmethod
    def find_library(name):
        return b"/lib/x86_64-linux-gnu/lib" + _text(name).encode() + b".so.6"

    @staticmethod
    def find_exe(name):
        return b"/usr/bin/" + _text(name).encode()

    @staticmethod
    def generate_auto_includes(words):
        del words
        return ""

    @staticmethod
    def monotonic_time():
        import time
        return time.monotonic_ns()

    @staticmethod
    def get_user_functions_and_addresses(name, sym_re):
        return [(b"main", 0x1000)]


# These names come from the peer's helper modules. libbcc must be imported first, as its imports and
# those of utils form a cycle.
from bcc import libbcc as _libbcc  # noqa: E402,F401  pylint: disable=wrong-import-position,import-self
from bcc import utils  # noqa: E402,F401  pylint: disable=wrong-import-position,import-self
from bcc.utils import ArgString, StrcmpRewrite, printb  # noqa: E402,F401  pylint: disable=wrong-import-position
