# SPDX-License-Identifier: Apache-2.0
"""Disassembles BPF instructions, in the format of the verifier's log and of bpftool:

       0: (bf) r6 = r1
       1: (85) call bpf_get_current_pid_tgid#14

and shows the layout of a table's keys and leaves as C.
"""

import ctypes as ct
import os

from ._names import HELPERS
from .table import get_table_type_name

# The three lowest bits of an opcode.
_LD, _LDX, _ST, _STX, _ALU, _JMP, _JMP32, _ALU64 = range(8)
# The three highest bits of a load or store.
_ABS, _IND, _MEM, _SIGNED, _ATOMIC = 1, 2, 3, 4, 6
_SIZES = {0x00: 32, 0x08: 16, 0x10: 8, 0x18: 64}

_ARITHMETIC = {0x00: "+=", 0x10: "-=", 0x20: "*=", 0x30: "/=", 0x40: "|=", 0x50: "&=",
               0x60: "<<=", 0x70: ">>=", 0x90: "%=", 0xa0: "^=", 0xb0: "=", 0xc0: "s>>="}
_JUMPS = {0x10: "==", 0x20: ">", 0x30: ">=", 0x40: "&", 0x50: "!=", 0x60: "s>", 0x70: "s>=",
          0xa0: "<", 0xb0: "<=", 0xc0: "s<", 0xd0: "s<="}
_NEGATE, _ENDIAN, _DIVIDE, _MODULO, _MOVE = 0x80, 0xd0, 0x30, 0x90, 0xb0
_BITWISE = (0x40, 0x50, 0xa0)
_GOTO, _CALL, _EXIT = 0x00, 0x80, 0x90

_ATOMICS = {0x00: "add", 0x40: "or", 0x50: "and", 0xa0: "xor", 0xe1: "xchg", 0xf1: "cmpxchg"}
_FETCH = 1

# What the number means in a 64-bit load and in a call, as their source register says.
_MAP, _MAP_VALUE, _VARIABLE, _FUNCTION = 1, 2, 3, 4
_CALL_PROGRAM, _CALL_KERNEL = 1, 2


class OffsetUnion(ct.Union):
    """The offset of an instruction, as an unsigned and a signed number."""
    _fields_ = [("offsetu", ct.c_uint16), ("offset", ct.c_int16)]


class ImmUnion(ct.Union):
    """The immediate value of an instruction, as an unsigned and a signed number."""
    _fields_ = [("immu", ct.c_uint32), ("imm", ct.c_int32)]


class BPFInstrFields(ct.Structure):
    """The parts of an instruction (struct bpf_insn of linux/bpf.h)."""
    _pack_ = 1
    _anonymous_ = ("o", "i")
    _fields_ = [("opcode", ct.c_uint8), ("dst", ct.c_uint8, 4), ("src", ct.c_uint8, 4),
                ("o", OffsetUnion), ("i", ImmUnion)]


class BPFInstr(ct.Union):
    """An instruction: its parts, and all 8 bytes as one number."""
    _pack_ = 1
    _anonymous_ = ("s",)
    _fields_ = [("s", BPFInstrFields), ("instr", ct.c_uint64)]


class _Instruction:
    """What the parts of a BPFInstr mean. index: its place in the program."""

    def __init__(self, insn, index):
        self.code, self.dst, self.src = insn.opcode, insn.dst, insn.src
        self.offset, self.imm = insn.offset, insn.imm
        self.index = index
        self.kind = self.code & 0x07
        self.operation = self.code & 0xf0
        self.by_register = bool(self.code & 0x08)

    def target(self, distance):
        return "goto pc%+d <%d>" % (distance, self.index + distance + 1)


def _wide_load(insn, high):
    number = (high.imm & 0xffffffff) << 32 | insn.imm & 0xffffffff
    if insn.src == _MAP:
        value = "<map at fd #%d>" % insn.imm
    elif insn.src == _MAP_VALUE:
        value = "<map at fd #%d>[0]%+d" % (insn.imm, high.imm)
    elif insn.src == _VARIABLE:
        value = "<variable of BTF id #%d>" % insn.imm
    elif insn.src == _FUNCTION:
        value = "<function at pc%+d>" % insn.imm
    else:
        value = "0x%x" % number
    return "r%d = %s" % (insn.dst, value)


def _packet_load(insn):
    size, mode = _SIZES[insn.code & 0x18], insn.code >> 5
    if mode == _ABS:
        return "r0 = *(u%d*)skb[%d]" % (size, insn.imm)
    if mode == _IND:
        return "r0 = *(u%d*)skb[r%d %+d]" % (size, insn.src, insn.imm)
    return None


def _memory(insn):
    size, mode = _SIZES[insn.code & 0x18], insn.code >> 5
    if insn.kind == _LDX and mode in (_MEM, _SIGNED):
        return "r%d = *(%s%d*)(r%d %+d)" % (insn.dst, "s" if mode == _SIGNED else "u", size,
                                            insn.src, insn.offset)
    place = "*(u%d*)(r%d %+d)" % (size, insn.dst, insn.offset)
    if insn.kind == _ST and mode == _MEM:
        return "%s = %d" % (place, insn.imm)
    if insn.kind == _STX and mode == _MEM:
        return "%s = r%d" % (place, insn.src)
    if insn.kind == _STX and mode == _ATOMIC:
        return _atomic(insn, place)
    return None


def _atomic(insn, place):
    if insn.imm in (0x00, 0x40, 0x50, 0xa0):
        return "lock %s %s r%d" % (place, _ARITHMETIC[insn.imm], insn.src)
    name = _ATOMICS.get(insn.imm) or _ATOMICS.get(insn.imm & ~_FETCH)
    if name is None:
        return None
    if name == "cmpxchg":
        return "r0 = atomic_cmpxchg(%s, r0, r%d)" % (place, insn.src)
    fetch = "" if name == "xchg" else "fetch_"
    return "r%d = atomic_%s%s(%s, r%d)" % (insn.src, fetch, name, place, insn.src)


def _arithmetic(insn):
    # 32-bit operations name their registers w.
    register = "r" if insn.kind == _ALU64 else "w"
    target = "%s%d" % (register, insn.dst)
    if insn.operation == _NEGATE:
        return "%s = -%s" % (target, target)
    if insn.operation == _ENDIAN:
        order = "bswap" if insn.kind == _ALU64 else "be" if insn.by_register else "le"
        return "r%d = %s%d r%d" % (insn.dst, order, insn.imm, insn.dst)
    sign = _ARITHMETIC.get(insn.operation)
    if sign is None:
        return None
    if insn.operation in (_DIVIDE, _MODULO) and insn.offset == 1:
        sign = "s" + sign
    if insn.by_register:
        extend = "(s%d)" % insn.offset if insn.operation == _MOVE and insn.offset else ""
        return "%s %s %s%s%d" % (target, sign, extend, register, insn.src)
    if insn.operation in _BITWISE:
        return "%s %s 0x%x" % (target, sign, insn.imm & 0xffffffff)
    return "%s %s %d" % (target, sign, insn.imm)


def _call(insn):
    if insn.src == _CALL_PROGRAM:
        return "call pc%+d <%d>" % (insn.imm, insn.index + insn.imm + 1)
    if insn.src == _CALL_KERNEL:
        return "call kernel function of BTF id #%d" % insn.imm
    if 0 <= insn.imm < len(HELPERS):
        return "call bpf_%s#%d" % (HELPERS[insn.imm], insn.imm)
    return "call unknown helper #%d" % insn.imm


def _jump(insn):
    if insn.operation == _GOTO:
        return insn.target(insn.imm if insn.kind == _JMP32 else insn.offset)
    if insn.kind == _JMP and insn.operation == _CALL:
        return _call(insn)
    if insn.kind == _JMP and insn.operation == _EXIT:
        return "exit"
    sign = _JUMPS.get(insn.operation)
    if sign is None:
        return None
    register = "r" if insn.kind == _JMP else "w"
    other = "%s%d" % (register, insn.src) if insn.by_register else "%d" % insn.imm
    return "if %s%d %s %s %s" % (register, insn.dst, sign, other, insn.target(insn.offset))


def _decode(insn, following):
    """The text of an instruction, and whether it includes the next 8 bytes."""
    if insn.code == 0x18:
        if following is None:
            return "half of a 64-bit load", False
        return _wide_load(insn, following), True
    if insn.kind == _LD:
        text = _packet_load(insn)
    elif insn.kind in (_LDX, _ST, _STX):
        text = _memory(insn)
    elif insn.kind in (_ALU, _ALU64):
        text = _arithmetic(insn)
    else:
        text = _jump(insn)
    return text or "unknown instruction 0x%02x" % insn.code, False


class BPFDecoder:
    """Decodes instructions as text."""

    # The source register of a call whose number leads to a function in the program.
    BPF_PSEUDO_CALL = _CALL_PROGRAM
    bpf_helpers = list(HELPERS)

    @classmethod
    def decode(cls, i, w, w1):
        """(text, number of further instructions it includes) of the instruction w, a BPFInstr, at
        index i. w1: the next instruction, or None."""
        following = None if w1 is None else _Instruction(w1, i + 1)
        text, wide = _decode(_Instruction(w, i), following)
        return text, int(wide)


def disassemble_instruction(i, w0, w1=None):
    """(line, number of further instructions it includes) of the instruction w0, a BPFInstr, at index i.
    w1: the next instruction, which 64-bit loads need, or None."""
    text, skip = BPFDecoder.decode(i, w0, w1)
    return "%4d: (%02x) %s" % (i, w0.opcode, text), skip


def disassemble_str(bpfstr):
    """A list of lines, one per 8 bytes of instructions."""
    instructions = list((BPFInstr * (len(bpfstr) // 8)).from_buffer_copy(bpfstr))
    lines, upper = [], 0
    for index, (insn, following) in enumerate(zip(instructions, instructions[1:] + [None])):
        if upper:
            lines.append("%4d:      (64-bit upper word)" % index)
            upper = 0
            continue
        line, upper = disassemble_instruction(index, insn, following)
        lines.append(line)
    return lines


def disassemble_prog(func_name, bpfstr):
    """The text of a program, after a line with its name. bpfstr: its instructions, bytes."""
    name = os.fsdecode(func_name)
    return "\n".join(["Disassemble of BPF program %s:" % name] + disassemble_str(bpfstr))


def _is_record(kind):
    return issubclass(kind, (ct.Structure, ct.Union))


def _map_id(map_obj):
    """The id of a map: as the object knows it, or from its descriptor."""
    if hasattr(map_obj, "map_id"):
        return map_obj.map_id
    with open("/proc/self/fdinfo/%d" % map_obj.map_fd, encoding="ascii") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("map_id:")), 0)


class MapDecoder:
    """Shows the layout of ctypes classes as C."""

    ctype2str = {ct.c_bool: "_Bool", ct.c_char: "char", ct.c_byte: "signed char",
                 ct.c_ubyte: "unsigned char", ct.c_short: "short", ct.c_ushort: "unsigned short",
                 ct.c_int: "int", ct.c_uint: "unsigned int", ct.c_longlong: "long long",
                 ct.c_ulonglong: "unsigned long long", ct.c_float: "float",
                 ct.c_double: "double"}

    @classmethod
    def get_ct_name(cls, t):
        """The C type that a class stands for, such as "int" or "unsigned char[4]"; "struct" for any
        struct."""
        if issubclass(t, ct.Array):
            return "%s[%d]" % (cls.get_ct_name(t._type_), t._length_)
        if _is_record(t):
            return "union" if issubclass(t, ct.Union) else "struct"
        return cls.ctype2str.get(t, t.__name__)

    @classmethod
    def _declaration(cls, kind, name):
        """The C declaration of a member."""
        dimensions = ""
        while issubclass(kind, ct.Array):
            dimensions += "[%d]" % kind._length_
            kind = kind._type_
        tag = " " + kind.__name__ if _is_record(kind) else ""
        return "%s%s %s%s" % (cls.get_ct_name(kind), tag, name, dimensions)

    @classmethod
    def format_size_info(cls, offset, size, enabled=False, bitoffset=None):
        """The text to put before a member: its offset (for a bit field also the bit) and size; empty
        unless enabled."""
        if not enabled:
            return ""
        if bitoffset is None:
            return "[%d +%d] " % (offset, size)
        return "[%d,%d +%d bit] " % (offset, bitoffset, size)

    @classmethod
    def print_ct_map(cls, t, indent="", offset=0, sizeinfo=False):
        """A list of lines, one for each member of a struct that begins at this offset."""
        lines = []
        for name, member, *bits in getattr(t, "_fields_", ()):
            descriptor = getattr(t, name)
            at = offset + descriptor.offset
            if bits:
                place = cls.format_size_info(at, bits[0], sizeinfo, descriptor.size & 0xffff)
            else:
                place = cls.format_size_info(at, ct.sizeof(member), sizeinfo)
            if _is_record(member):
                lines += ["%s%s%s {" % (indent, place, cls.get_ct_name(member)),
                          *cls.print_ct_map(member, indent + "  ", at, sizeinfo),
                          "%s} %s;" % (indent, name)]
            else:
                suffix = ":%d" % bits[0] if bits else ""
                lines.append("%s%s%s%s;" % (indent, place, cls._declaration(member, name), suffix))
        return lines

    @classmethod
    def print_map_ctype(cls, t, field_name, sizeinfo):
        """A list of lines for a key or leaf of a table."""
        if not _is_record(t):
            return ["  %s;" % cls._declaration(t, field_name)]
        return ["  %s {" % cls.get_ct_name(t), *cls.print_ct_map(t, "    ", sizeinfo=sizeinfo),
                "  } %s;" % field_name]

    @classmethod
    def decode_map(cls, map_name, map_obj, map_type, sizeinfo=False):
        """The layout of a table's keys and leaves as C. map_type: the kernel's number for its type, or
        its name. sizeinfo: show the offset and size of each member, in bytes, before it."""
        if isinstance(map_type, int):
            map_type = get_table_type_name(map_type)
        lines = ["Layout of BPF map %s (type %s, FD %d, ID %d):" % (
            os.fsdecode(map_name), map_type, map_obj.map_fd, _map_id(map_obj))]
        if map_obj.key_size:
            lines += cls.print_map_ctype(map_obj.Key, "key", sizeinfo)
        lines += cls.print_map_ctype(map_obj.Leaf, "value", sizeinfo)
        return "\n".join(lines)


def decode_map(map_name, map_obj, map_type, sizeinfo=False):
    """Calls MapDecoder.decode_map()."""
    return MapDecoder.decode_map(map_name, map_obj, map_type, sizeinfo)
