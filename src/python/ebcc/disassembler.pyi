# SPDX-License-Identifier: Apache-2.0
import ctypes as ct
from typing import Any

class OffsetUnion(ct.Union):
    offsetu: int
    offset: int

class ImmUnion(ct.Union):
    immu: int
    imm: int

class BPFInstrFields(ct.Structure):
    opcode: int
    dst: int
    src: int
    o: OffsetUnion
    i: ImmUnion
    offsetu: int
    offset: int
    immu: int
    imm: int

class BPFInstr(ct.Union):
    s: BPFInstrFields
    instr: int
    opcode: int
    dst: int
    src: int
    offsetu: int
    offset: int
    immu: int
    imm: int

class BPFDecoder:
    """Decodes instructions as text."""
    BPF_PSEUDO_CALL: int
    bpf_helpers: list[str]
    @classmethod
    def decode(cls, i: int, w: BPFInstr, w1: BPFInstr | None) -> tuple[str, int]: ...

class MapDecoder:
    """Shows the layout of ctypes classes as C."""
    ctype2str: dict[Any, str]
    @classmethod
    def get_ct_name(cls, t: Any) -> str: ...
    @classmethod
    def format_size_info(cls, offset: int, size: int, enabled: bool = ...,
                         bitoffset: int | None = ...) -> str: ...
    @classmethod
    def print_ct_map(cls, t: Any, indent: str = ..., offset: int = ...,
                     sizeinfo: bool = ...) -> list[str]: ...
    @classmethod
    def print_map_ctype(cls, t: Any, field_name: str, sizeinfo: bool) -> list[str]: ...
    @classmethod
    def decode_map(cls, map_name: str | bytes, map_obj: Any, map_type: int | str,
                   sizeinfo: bool = ...) -> str: ...

def disassemble_instruction(i: int, w0: BPFInstr, w1: BPFInstr | None = ...) -> tuple[str, int]: ...
def disassemble_str(bpfstr: bytes) -> list[str]: ...
def disassemble_prog(func_name: str | bytes, bpfstr: bytes) -> str: ...
def decode_map(map_name: str | bytes, map_obj: Any, map_type: int | str,
               sizeinfo: bool = ...) -> str: ...
