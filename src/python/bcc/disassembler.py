# SPDX-License-Identifier: Apache-2.0
"""Shows BPF instructions and the layout of tables as text."""

from ebcc.disassembler import (BPFDecoder, BPFInstr, BPFInstrFields, ImmUnion, MapDecoder,
                               OffsetUnion, decode_map, disassemble_instruction, disassemble_prog,
                               disassemble_str)

__all__ = ["BPFDecoder", "BPFInstr", "BPFInstrFields", "ImmUnion", "MapDecoder", "OffsetUnion",
           "decode_map", "disassemble_instruction", "disassemble_prog", "disassemble_str"]
