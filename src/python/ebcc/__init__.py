# SPDX-License-Identifier: Apache-2.0
"""Write BPF programs in C, run them from Python.

    from ebcc import BPF

    b = BPF(text='TRACEPOINT_PROBE(syscalls, sys_enter_openat) { ... }')
    b.trace_print()

The C source is a string or a file. BPF() compiles it, the methods of the object load and
attach its programs, and b["name"] is the table (map) of that name. Everything is detached
when the object is closed or dropped, at the latest when the process ends. Names, files and
paths may be str or bytes.
"""

from . import log, table, utils
from ._ebcc import (AttachError, CallbackError, CompileError, Error, FormatError,
                    InvalidArgumentError, KernelTypesError, LoadError, NoMemoryError,
                    NotFoundError, OtherKernelError, PrivilegeError, SignalError, StateError,
                    SystemCallError, UnsupportedAttachError, UnsupportedError, version as __version__)
from .bpf import BPF
from .constants import (DEBUG_BPF, DEBUG_BPF_REGISTER_STATE, DEBUG_BTF, DEBUG_LLVM_IR,
                        DEBUG_PREPROCESSOR, DEBUG_SOURCE, BPFAttachType, BPFProgType,
                        PerfEventSampleFormat, PerfHWConfig, PerfSWConfig, PerfType, XDPAction,
                        XDPFlags)
from .symbols import SymbolCache
from .table import PerfEventArray, RingBuf, Table
from .utils import detect_language, get_online_cpus, get_possible_cpus, printb

__all__ = [
    "AttachError", "BPF", "BPFAttachType", "BPFProgType", "CallbackError", "CompileError",
    "DEBUG_BPF", "DEBUG_BPF_REGISTER_STATE", "DEBUG_BTF", "DEBUG_LLVM_IR", "DEBUG_PREPROCESSOR",
    "DEBUG_SOURCE", "Error", "FormatError", "InvalidArgumentError", "KernelTypesError",
    "LoadError", "NoMemoryError", "NotFoundError", "OtherKernelError", "PerfEventArray",
    "PerfEventSampleFormat", "PerfHWConfig", "PerfSWConfig", "PerfType", "PrivilegeError",
    "RingBuf", "SignalError", "StateError", "SymbolCache", "SystemCallError", "Table", "USDT",
    "USDTException", "UnsupportedAttachError", "UnsupportedError", "XDPAction", "XDPFlags", "__version__",
    "detect_language", "get_online_cpus", "get_possible_cpus", "printb", "table", "usdt", "utils",
]

# Names that few scripts use, and the modules that define them.
_LAZY_NAMES = {"Perf": "perf", "USDT": "usdt", "USDTException": "usdt",
               "decode_map": "disassembler", "disassemble_prog": "disassembler",
               "syscall_name": "syscall"}
_LAZY_MODULES = ("disassembler", "exec", "flamegraph", "histogram", "perf", "syscall", "tcp",
                 "terminal", "tools", "usdt")


def __getattr__(name):
    """Imports the less common modules on first use, because every tool imports the package."""
    from importlib import import_module
    if name in _LAZY_MODULES:
        return import_module("." + name, __name__)
    if name == "TRACEFS":
        from .finding import tracefs
        return tracefs()
    if name in _LAZY_NAMES:
        return getattr(import_module("." + _LAZY_NAMES[name], __name__), name)
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
