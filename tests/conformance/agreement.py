# SPDX-License-Identifier: Apache-2.0
"""Whether two objects of one source do the same: compiled from BTF and from headers, they must read the same locations.

The code of every program is compared instruction by instruction, including the names that relocations refer to: offsets of
members, sizes of reads, constants, the order of everything. Only variables on the stack may be at other places: BTF has no
alignment, so those below a copy of a kernel struct may be lower, all by the same distance.
"""
import difflib
import re
import subprocess

OBJDUMP = "llvm-objdump-19"
STACK_OPERAND = re.compile(r"\(r10 - 0x([0-9a-f]+)\)")
FRAME_POINTER = re.compile(r"(r\d) = r10$")
ADDED = re.compile(r"(r\d) \+= -0x([0-9a-f]+)$")


def functions(paths):
    """{path: {section and function: its lines}}: instructions, each followed by what its relocations refer to."""
    if not paths:
        return {}
    text = subprocess.run([OBJDUMP, "-d", "-r", "--no-show-raw-insn", "--no-addresses", *paths], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    found, section, lines = {}, "", []
    for line in text.splitlines():
        if ":\tfile format " in line:
            found[line.split(":\tfile format ")[0]] = programs = {}
        elif line.startswith("Disassembly of section "):
            section = line.split()[-1].rstrip(":")
        elif line.startswith("<"):
            programs[f"{section} {line.rstrip(':')}"] = lines = []
        elif line.strip():
            lines.append(" ".join(line.split()))
    return found


def without_places(lines):
    """The lines without offsets on the stack, and these offsets: {index of the line: bytes below the top}."""
    bare, places = list(lines), {}
    copies = set()  # registers that hold the frame pointer
    for index, line in enumerate(lines):
        operand, copied, added = STACK_OPERAND.search(line), FRAME_POINTER.match(line), ADDED.match(line)
        if operand:
            places[index] = int(operand[1], 16)
            bare[index] = line.replace(operand[0], "(stack)")
        elif copied:
            copies.add(copied[1])
        elif added and added[1] in copies:
            copies.discard(added[1])
            places[index] = int(added[2], 16)
            bare[index] = f"{added[1]} += stack"
    return bare, places


def only_moved(places, others):
    """Whether two stacks have the same variables, with all those below some depth moved by one distance."""
    pairs = sorted({(place, others[index]) for index, place in places.items()})
    distances = [other - place for place, other in pairs]
    return (len({place for place, _ in pairs}) == len({other for _, other in pairs}) == len(pairs)
            and len(set(distances) - {0}) <= 1 and sorted(distances, key=abs) == distances)


def difference(programs, others):
    """None if both (values of functions()) have the same programs, which do the same; else a diff of assembler."""
    if programs.keys() != others.keys():
        return f"other programs: {sorted(programs.keys() ^ others.keys())}"
    for name, lines in programs.items():
        (bare, places), (other_bare, other_places) = without_places(lines), without_places(others[name])
        if bare != other_bare or not only_moved(places, other_places):
            return "\n".join(difflib.unified_diff(lines, others[name], "BTF", "headers", name, name, n=2, lineterm=""))
    return None
