# SPDX-License-Identifier: Apache-2.0
from ebcc.disassembler import (BPFDecoder as BPFDecoder, BPFInstr as BPFInstr,
                               BPFInstrFields as BPFInstrFields, ImmUnion as ImmUnion,
                               MapDecoder as MapDecoder, OffsetUnion as OffsetUnion,
                               decode_map as decode_map,
                               disassemble_instruction as disassemble_instruction,
                               disassemble_prog as disassemble_prog,
                               disassemble_str as disassemble_str)
