# SPDX-License-Identifier: Apache-2.0
"""Names for addresses: of processes, of the kernel, and of files known by their build id. One
symbolizer serves the whole program, as processes share files."""

from . import _ebcc
from .utils import to_bytes

_symbolizer = None


def symbolizer():
    """The program's symbolizer."""
    global _symbolizer
    if _symbolizer is None:
        _symbolizer = _ebcc.Symbolizer()
    return _symbolizer


class SymbolCache:
    """Symbols of a process; a negative pid means the kernel."""

    def __init__(self, pid):
        self.pid = pid

    def resolve(self, addr, demangle=True):
        """(name, offset, module) of an address. Where there is no symbol: (None, address in the
        file, module), or (None, addr, None) without a module either."""
        return symbolizer().resolve(self.pid, addr, demangle)

    def resolve_name(self, module, name):
        """The address of a function in a module (None or b"": any), or -1."""
        address = symbolizer().find_name(self.pid, to_bytes(name), to_bytes(module) or None)
        return -1 if address is None else address


def describe(pid, addr, show_module, show_offset, demangle):
    """An address as users see it: name+0x1f [module]. What a stack of build ids has in place of
    addresses is taken, too.

    The symbolizer's method takes this function's place at the first call."""
    global describe
    describe = symbolizer().describe
    return describe(pid, addr, show_module, show_offset, demangle)
