# SPDX-License-Identifier: Apache-2.0
from ebcc import (BPF as BPF, BPFAttachType as BPFAttachType, BPFProgType as BPFProgType,
                  DEBUG_BPF as DEBUG_BPF, DEBUG_BPF_REGISTER_STATE as DEBUG_BPF_REGISTER_STATE,
                  DEBUG_BTF as DEBUG_BTF, DEBUG_LLVM_IR as DEBUG_LLVM_IR,
                  DEBUG_PREPROCESSOR as DEBUG_PREPROCESSOR, DEBUG_SOURCE as DEBUG_SOURCE,
                  PerfEventSampleFormat as PerfEventSampleFormat, PerfHWConfig as PerfHWConfig,
                  PerfSWConfig as PerfSWConfig, PerfType as PerfType, SymbolCache as SymbolCache,
                  XDPAction as XDPAction, XDPFlags as XDPFlags)

from . import containers as containers
from . import disassembler as disassembler
from . import exec as exec
from . import libbcc as libbcc
from . import perf as perf
from . import syscall as syscall
from . import table as table
from . import tcp as tcp
from . import usdt as usdt
from . import utils as utils
from . import version as version
from .containers import filter_by_containers as filter_by_containers
from .disassembler import decode_map as decode_map, disassemble_prog as disassemble_prog
from .libbcc import (bcc_stacktrace_build_id as bcc_stacktrace_build_id, bcc_symbol as bcc_symbol,
                     bcc_symbol_option as bcc_symbol_option, lib as lib)
from .perf import Perf as Perf
from .syscall import syscall_name as syscall_name
from .table import (BPF_MAP_TYPE_QUEUE as BPF_MAP_TYPE_QUEUE,
                    BPF_MAP_TYPE_STACK as BPF_MAP_TYPE_STACK, PerfEventArray as PerfEventArray,
                    RingBuf as RingBuf, Table as Table)
from .usdt import USDT as USDT, USDTException as USDTException
from .utils import (ArgString as ArgString, StrcmpRewrite as StrcmpRewrite,
                    detect_language as detect_language, get_online_cpus as get_online_cpus,
                    get_possible_cpus as get_possible_cpus, printb as printb)
from .version import __version__ as __version__

DEBUGFS: str
TRACEFS: str
