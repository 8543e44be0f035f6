# SPDX-License-Identifier: Apache-2.0
import ctypes as ct
from typing import Any

class bcc_symbol(ct.Structure):
    name: bytes | None
    demangle_name: bytes | None
    module: bytes | None
    offset: int

class bcc_symbol_option(ct.Structure):
    use_debug_file: int
    check_debug_file_crc: int
    lazy_symbolize: int
    use_symbol_type: int

class _Library:
    @staticmethod
    def bcc_procutils_which_so(libname: Any, pid: int = ...) -> bytes | None: ...
    @staticmethod
    def bcc_procutils_language(pid: int) -> bytes | None: ...
    @staticmethod
    def bpf_table_fd(module: Any, name: Any) -> int: ...
    @staticmethod
    def bpf_has_kernel_btf() -> int: ...
    @staticmethod
    def kernel_struct_has_field(struct_name: Any, field_name: Any) -> int: ...

lib: _Library
