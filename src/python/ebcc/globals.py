# SPDX-License-Identifier: Apache-2.0
"""The global variables of a source as attributes:

    b = BPF(text="u64 limit = 5; u64 hits; ...")
    b.globals.limit = 10
    print(b.globals.hits)
"""

import ctypes as ct

from ._ebcc import NotFoundError
from .bpf import fitting
from .utils import to_bytes


class Globals:
    """The variables of one BPF object, to be read and set while its programs run. A number is an int,
    float or bool; a char array is bytes up to a NUL. A struct or another array is a ctypes object that
    holds a copy: assign the whole variable to change it. const variables can be read; constants= of
    BPF() sets them.

    A variable that doesn't exist raises AttributeError, and so may one that no program uses, because
    the compiler leaves it out. Setting a number that doesn't fit raises InvalidArgumentError.
    """

    __slots__ = ("_module",)

    def __init__(self, module):
        object.__setattr__(self, "_module", module)

    def _class_of(self, name):
        kind = self._module.variable_class(name)
        if kind is None:
            try:
                self._module.read_global(name, bytearray())
            except NotFoundError as error:
                raise AttributeError(str(error)) from None
        return kind

    def __getattr__(self, name):
        variable = to_bytes(name)
        # ctypes returns the member of a struct as Python's own type, if there is one.
        holder = type("holder", (ct.Structure,), {"_fields_": [("value", self._class_of(variable))]})()
        self._module.read_global(variable, holder)
        return holder.value

    def __setattr__(self, name, value):
        variable = to_bytes(name)
        self._module.write_global(variable, fitting(self._class_of(variable), value,
                                                    "global variable " + name))

    def __iter__(self):
        """Iterates over the names."""
        return iter([name.decode() for name in self._module.global_names()])

    def __dir__(self):
        return sorted(self)

    def __repr__(self):
        return "<Globals %s>" % ", ".join(self)
