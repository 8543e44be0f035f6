# SPDX-License-Identifier: Apache-2.0
from . import disassembler as disassembler
from . import exec as exec
from . import flamegraph as flamegraph
from . import perf as perf
from . import syscall as syscall
from . import table as table
from . import tcp as tcp
from . import usdt as usdt
from . import utils as utils
from ._ebcc import (AttachError as AttachError, CallbackError as CallbackError,
                    CompileError as CompileError, Error as Error, FormatError as FormatError,
                    InvalidArgumentError as InvalidArgumentError,
                    KernelTypesError as KernelTypesError, LoadError as LoadError,
                    NoMemoryError as NoMemoryError, NotFoundError as NotFoundError,
                    OtherKernelError as OtherKernelError, PrivilegeError as PrivilegeError, SignalError as SignalError,
                    StateError as StateError, SystemCallError as SystemCallError,
                    UnsupportedAttachError as UnsupportedAttachError, UnsupportedError as UnsupportedError)
from .bpf import BPF as BPF
from .constants import (DEBUG_BPF as DEBUG_BPF,
                        DEBUG_BPF_REGISTER_STATE as DEBUG_BPF_REGISTER_STATE,
                        DEBUG_BTF as DEBUG_BTF, DEBUG_LLVM_IR as DEBUG_LLVM_IR,
                        DEBUG_PREPROCESSOR as DEBUG_PREPROCESSOR, DEBUG_SOURCE as DEBUG_SOURCE,
                        BPFAttachType as BPFAttachType, BPFProgType as BPFProgType,
                        PerfEventSampleFormat as PerfEventSampleFormat,
                        PerfHWConfig as PerfHWConfig, PerfSWConfig as PerfSWConfig,
                        PerfType as PerfType, XDPAction as XDPAction, XDPFlags as XDPFlags)
from .disassembler import decode_map as decode_map, disassemble_prog as disassemble_prog
from .perf import Perf as Perf
from .symbols import SymbolCache as SymbolCache
from .syscall import syscall_name as syscall_name
from .table import PerfEventArray as PerfEventArray, RingBuf as RingBuf, Table as Table
from .usdt import USDT as USDT, USDTException as USDTException
from .utils import (detect_language as detect_language, get_online_cpus as get_online_cpus,
                    get_possible_cpus as get_possible_cpus, printb as printb)

TRACEFS: str
__version__: str
