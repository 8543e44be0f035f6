# SPDX-License-Identifier: Apache-2.0
"""Names for addresses in processes, in the kernel, and in files known by their build id. One
symbolizer serves the whole script, because processes share files."""

from . import _ebcc
from .utils import to_bytes

_symbolizer = None


def symbolizer():
    """The symbolizer that the whole script uses, an _ebcc.Symbolizer."""
    global _symbolizer
    if _symbolizer is None:
        _symbolizer = _ebcc.Symbolizer()
    return _symbolizer


class SymbolCache:
    """Symbols of a process; a negative pid means the kernel."""

    def __init__(self, pid):
        self.pid = pid

    def resolve(self, addr, demangle=True):
        """(name, offset, module) of an address. If there is no symbol: (None, address in the file,
        module), or (None, addr, None) if there is no module either."""
        return symbolizer().resolve(self.pid, addr, demangle)

    def resolve_name(self, module, name):
        """The address of a function in a module (None or b"": in any), or -1."""
        address = symbolizer().find_name(self.pid, to_bytes(name), to_bytes(module) or None)
        return -1 if address is None else address


def describe(pid, addr, show_module, show_offset, demangle):
    """An address as text (bytes): name+0x1f [module]. addr may also be a frame of a build-id stack.

    The first call replaces this function with the symbolizer's method."""
    global describe
    describe = symbolizer().describe
    return describe(pid, addr, show_module, show_offset, demangle)
