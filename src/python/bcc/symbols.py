# SPDX-License-Identifier: Apache-2.0
"""Names for addresses. Kernel addresses are resolved through /proc/kallsyms; an address of
a user process is shown as b"[unknown]"."""

from . import _ebcc
from .utils import to_bytes

UNKNOWN = b"[unknown]"

_kernel = None


def kernel():
    """The kernel's symbols, read once per process."""
    global _kernel
    if _kernel is None:
        _kernel = _ebcc.KernelSymbols()
    return _kernel


class SymbolCache:
    """Symbols of a process; a negative pid means the kernel."""

    def __init__(self, pid):
        self.pid = pid

    def resolve(self, addr, demangle=True):
        """(name, offset, module) of an address; (None, addr, None) where there is no symbol."""
        found = kernel().find(addr) if self.pid < 0 else None
        if found is None:
            return None, addr, None
        name, module, offset = found
        return name, offset, module

    def resolve_name(self, module, name):
        """The address of a name in a module (None or b"": any), or -1."""
        if self.pid >= 0:
            return -1
        address = kernel().find_name(to_bytes(name), to_bytes(module) or None)
        return -1 if address is None else address


def describe(cache, addr, show_module, show_offset, demangle=True):
    """An address as users see it: name+0x1f [module]."""
    name, offset, module = cache.resolve(addr, demangle)
    if name is None:
        return UNKNOWN
    text = b"%s+0x%x" % (name, offset) if show_offset else name
    return b"%s [%s]" % (text, module) if show_module else text
