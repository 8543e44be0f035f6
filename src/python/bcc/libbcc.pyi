# SPDX-License-Identifier: Apache-2.0
import ctypes as ct
from collections.abc import Callable
from typing import Any

from ebcc import SymbolCache

from .table import (bcc_ip_offset_union as bcc_ip_offset_union,
                    bcc_stacktrace_build_id as bcc_stacktrace_build_id)
from .usdt import BCC_USDT_ARGUMENT_FLAGS as BCC_USDT_ARGUMENT_FLAGS

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

class bcc_usdt(ct.Structure):
    provider: bytes | None
    name: bytes | None
    bin_path: bytes | None
    semaphore: int
    num_locations: int
    num_arguments: int

class bcc_usdt_location(ct.Structure):
    address: int
    bin_path: bytes | None

class bcc_usdt_argument(ct.Structure):
    size: int
    valid: int
    constant: int
    deref_offset: int
    deref_ident: bytes | None
    base_register_name: bytes | None
    index_register_name: bytes | None
    scale: int

class bcc_perf_buffer_opts(ct.Structure):
    pid: int
    cpu: int
    wakeup_events: int

class bpf_test_run_opts(ct.Structure):
    sz: int
    data_in: Any
    data_out: Any
    data_size_in: int
    data_size_out: int
    ctx_in: Any
    ctx_out: Any
    ctx_size_in: int
    ctx_size_out: int
    retval: int
    repeat: int
    duration: int
    flags: int
    cpu: int
    batch_size: int

class _Library:
    @staticmethod
    def bcc_procutils_which_so_in_process(libname: Any, pid: int) -> bytes | None: ...
    @staticmethod
    def bcc_procutils_free(text: Any) -> None: ...
    @staticmethod
    def bcc_free_memory() -> int: ...
    @staticmethod
    def bcc_foreach_function_symbol(module: Any, callback: Callable[[bytes, int], int]) -> int: ...
    @staticmethod
    def bcc_symcache_new(pid: int, option: Any = ...) -> SymbolCache: ...
    @staticmethod
    def bcc_free_symcache(cache: SymbolCache, pid: int) -> None: ...
    @staticmethod
    def bcc_symcache_refresh(cache: SymbolCache) -> None: ...
    @staticmethod
    def bcc_symcache_resolve(cache: SymbolCache, address: int, symbol: Any) -> int: ...
    @staticmethod
    def bcc_symcache_resolve_no_demangle(cache: SymbolCache, address: int, symbol: Any) -> int: ...
    @staticmethod
    def bcc_symcache_resolve_name(cache: SymbolCache, module: Any, name: Any,
                                  address: Any) -> int: ...
    @staticmethod
    def bcc_symbol_free_demangle_name(symbol: Any) -> None: ...
    @staticmethod
    def bpf_table_id(module: Any, name: Any) -> int: ...
    def bpf_table_type_id(self, module: Any, map_id: int) -> int: ...
    def bpf_table_max_entries_id(self, module: Any, map_id: int) -> int: ...
    def bpf_table_flags_id(self, module: Any, map_id: int) -> int: ...
    @staticmethod
    def bpf_num_functions(module: Any) -> int: ...
    @staticmethod
    def bpf_function_name(module: Any, index: int) -> bytes | None: ...
    @staticmethod
    def bpf_function_size(module: Any, name: Any) -> int: ...
    @staticmethod
    def bpf_module_rw_engine_enabled() -> bool: ...
    @staticmethod
    def kernel_enum_has_val(enum_name: Any, value_name: Any) -> int: ...
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

    # These return a negative number on failure.
    bpf_obj_pin: Callable[[int, bytes], int]
    bpf_obj_get: Callable[[bytes], int]
    bpf_lookup_elem: Callable[[int, Any, Any], int]
    bpf_update_elem: Callable[[int, Any, Any, int], int]
    bpf_delete_elem: Callable[[int, Any], int]
    bpf_get_next_key: Callable[[int, Any, Any], int]
    def bpf_get_first_key(self, table_fd: int, key: Any, key_size: int) -> int: ...
    bpf_lookup_batch: Callable[[int, Any, Any, Any, Any, Any], int]
    bpf_lookup_and_delete_batch: Callable[[int, Any, Any, Any, Any, Any], int]
    bpf_update_batch: Callable[[int, Any, Any, Any], int]
    bpf_delete_batch: Callable[[int, Any, Any], int]
    bpf_prog_test_run_opts: Callable[[int, Any], int]
    def bpf_prog_test_run(self, program_fd: int, repeat: int, data: Any, size: int, data_out: Any,
                          size_out: Any, retval: Any, duration: Any) -> int: ...
    @staticmethod
    def bpf_open_raw_sock(name: Any) -> int: ...
    @staticmethod
    def bpf_attach_xdp(device: Any, program_fd: int, flags: int) -> int: ...
    @staticmethod
    def bpf_open_perf_event(ev_type: int, config: int, pid: int, cpu: int) -> int: ...
    @staticmethod
    def bpf_close_perf_event_fd(descriptor: int) -> int: ...
    bpf_prog_attach: Callable[[int, int, int, int], int]
    bpf_prog_detach2: Callable[[int, int, int], int]
    @staticmethod
    def bpf_attach_socket(socket_fd: int, program_fd: int) -> int: ...

lib: _Library
