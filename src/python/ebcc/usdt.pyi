# SPDX-License-Identifier: Apache-2.0
from typing import Any

from . import _ebcc
from .bpf import BPF

Text = str | bytes

class ArgumentFlags:
    """The bits of `valid`: which parts the description of an argument has."""
    NONE: int
    CONSTANT: int
    DEREF_OFFSET: int
    DEREF_IDENT: int
    BASE_REGISTER_NAME: int
    INDEX_REGISTER_NAME: int
    SCALE: int

class USDTException(_ebcc.Error):
    """A failure that concerns USDT probes."""

class USDTProbeArgument:
    """One argument at one location."""
    size: int
    signed: bool
    valid: int
    unreadable: str | None
    constant: int
    deref_offset: int
    deref_ident: bytes
    base_register_name: bytes
    index_register_name: bytes
    scale: int
    def __init__(self, operand: tuple[Any, ...]) -> None: ...

class USDTProbeLocation:
    """One location of a probe."""
    probe: USDTProbe
    index: int
    address: int
    arguments: bytes
    num_arguments: int
    bin_path: bytes
    def __init__(self, probe: USDTProbe, index: int, location: tuple[int, bytes, int]) -> None: ...
    def get_argument(self, index: int) -> USDTProbeArgument: ...

class ProbeAddress(int):
    """The address of a probe's location in the file."""
    semaphore_offset: int
    def __new__(cls, address: int, semaphore_offset: int) -> ProbeAddress: ...

class USDTProbe:
    """A probe of one file."""
    context: _ebcc.Usdt
    number: int
    provider: bytes
    name: bytes
    bin_path: bytes
    semaphore: int
    semaphore_offset: int
    num_locations: int
    num_arguments: int
    def __init__(self, context: _ebcc.Usdt, number: int, description: tuple[Any, ...],
                 root: bytes = ...) -> None: ...
    def short_name(self) -> str: ...
    def get_location(self, index: int) -> USDTProbeLocation: ...

class USDT:
    """The USDT probes of a process or a file."""
    pid: int | None
    path: Text | None
    context: _ebcc.Usdt
    def __init__(self, pid: int | None = ..., path: Text | None = ...) -> None: ...
    def enable_probe(self, probe: Text, fn_name: Text) -> None: ...
    def enable_probe_or_bail(self, probe: Text, fn_name: Text) -> None: ...
    def get_context(self) -> _ebcc.Usdt: ...
    def get_text(self) -> str: ...
    def get_probe_arg_ctype(self, probe_name: Text, arg_index: int) -> str: ...
    def enumerate_probes(self) -> list[USDTProbe]: ...
    def enumerate_active_probes(self) -> list[tuple[bytes, bytes, ProbeAddress, int]]: ...
    def attach_uprobes(self, bpf: BPF, attach_usdt_ignore_pid: bool) -> None: ...
