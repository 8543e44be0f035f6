# SPDX-License-Identifier: Apache-2.0
"""The interface of bcc, for scripts that say `from bcc import BPF`. The package ebcc does the work;
this package has its objects under bcc's names of modules, classes and functions.
"""

from ebcc import (DEBUG_BPF, DEBUG_BPF_REGISTER_STATE, DEBUG_BTF, DEBUG_LLVM_IR, DEBUG_PREPROCESSOR,
                  DEBUG_SOURCE, BPF, BPFAttachType, BPFProgType, PerfEventArray,
                  PerfEventSampleFormat, PerfHWConfig, PerfSWConfig, PerfType, RingBuf, SymbolCache,
                  Table, XDPAction, XDPFlags, get_online_cpus, get_possible_cpus, printb)
from ebcc.bpf import _get_num_open_probes
from ebcc.table import BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK

__all__ = [
    "ArgString", "BPF", "BPFAttachType", "BPFProgType", "BPF_MAP_TYPE_QUEUE", "BPF_MAP_TYPE_STACK",
    "DEBUG_BPF", "DEBUG_BPF_REGISTER_STATE", "DEBUG_BTF", "DEBUG_LLVM_IR", "DEBUG_PREPROCESSOR",
    "DEBUG_SOURCE", "PerfEventArray", "PerfEventSampleFormat", "PerfHWConfig", "PerfSWConfig",
    "PerfType", "RingBuf", "StrcmpRewrite", "SymbolCache", "Table", "USDT", "USDTException",
    "XDPAction", "XDPFlags", "detect_language", "get_online_cpus", "get_possible_cpus", "printb",
    "table", "usdt", "utils",
]

DEBUGFS = "/sys/kernel/debug"

# Names that few scripts use, and the modules that define them.
_LAZY_NAMES = {"ArgString": "utils", "Perf": "perf", "StrcmpRewrite": "utils", "USDT": "usdt",
               "USDTException": "usdt", "__version__": "version",
               "bcc_stacktrace_build_id": "libbcc", "bcc_symbol": "libbcc",
               "bcc_symbol_option": "libbcc", "decode_map": "disassembler",
               "detect_language": "utils", "disassemble_prog": "disassembler",
               "filter_by_containers": "containers", "lib": "libbcc", "syscall_name": "syscall"}
_LAZY_MODULES = ("containers", "disassembler", "exec", "libbcc", "perf", "syscall", "table", "tcp",
                 "usdt", "utils", "version")


def __getattr__(name):
    """Imports the modules on first use, because most scripts use none of them."""
    from importlib import import_module
    if name in _LAZY_MODULES:
        return import_module("." + name, __name__)
    if name == "TRACEFS":
        from ebcc.finding import tracefs
        return tracefs()
    if name in _LAZY_NAMES:
        return getattr(import_module("." + _LAZY_NAMES[name], __name__), name)
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
