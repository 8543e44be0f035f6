# SPDX-License-Identifier: Apache-2.0
import ctypes as ct
from collections.abc import Callable
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
    def bcc_resolve_symname(module: Any, symname: Any, address: int, pid: int, option: Any,
                            symbol: Any) -> int: ...
    @staticmethod
    def bcc_procutils_language(pid: int) -> bytes | None: ...
    @staticmethod
    def bpf_table_fd(module: Any, name: Any) -> int: ...
    @staticmethod
    def bpf_has_kernel_btf() -> int: ...
    @staticmethod
    def kernel_struct_has_field(struct_name: Any, field_name: Any) -> int: ...

    # Negative on failure.
    bpf_obj_pin: Callable[[int, bytes], int]
    bpf_obj_get: Callable[[bytes], int]
    bpf_lookup_elem: Callable[[int, Any, Any], int]
    bpf_update_elem: Callable[[int, Any, Any, int], int]
    bpf_delete_elem: Callable[[int, Any], int]
    bpf_get_next_key: Callable[[int, Any, Any], int]
    def bpf_get_first_key(self, table_fd: int, key: Any, key_size: int) -> int: ...
    bpf_prog_attach: Callable[[int, int, int, int], int]
    bpf_prog_detach2: Callable[[int, int, int], int]
    @staticmethod
    def bpf_attach_socket(socket_fd: int, program_fd: int) -> int: ...

lib: _Library
