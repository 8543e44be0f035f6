# SPDX-License-Identifier: Apache-2.0
"""USDT probes: places that a program's author has marked for tracing.

    from ebcc import BPF, USDT

    usdt = USDT(pid=181)
    usdt.enable_probe("python:function__entry", "on_entry")
    b = BPF(text=SOURCE, usdt_contexts=[usdt])

In the program on_entry(), bpf_usdt_readarg(1, ctx, &value) reads the first argument.
"""

import sys

from . import _ebcc
from .utils import to_bytes, to_text


class ArgumentFlags:
    """The bits of `valid`: which parts the description of an argument has."""
    NONE, CONSTANT, DEREF_OFFSET, DEREF_IDENT = 0, 1, 2, 4
    BASE_REGISTER_NAME, INDEX_REGISTER_NAME, SCALE = 8, 16, 32


_FLAGS = ArgumentFlags

# The x86 registers by their short names: %rax, %eax, %ax, %al and %ah all belong to "ax".
_X86_REGISTERS = (b"ax", b"bx", b"cx", b"dx", b"si", b"di", b"bp", b"sp", b"ip")


class USDTException(_ebcc.Error):
    """A failure that concerns USDT probes."""


def _short_name(register):
    """The short name (bytes) of the register that a name refers to, or to a part of."""
    if register[:1] == b"r" and register[1:2].isdigit():
        return register.rstrip(b"dwbl")
    for name in (register[1:], register, register[:2], register[:1] + b"x"):
        if name in _X86_REGISTERS:
            return name
    return register


class USDTProbeArgument:
    """One argument at one location.

    size: in bytes. signed: bool. valid: ArgumentFlags that say which of the other attributes exist:
    constant, deref_offset, deref_ident, base_register_name, index_register_name, scale.
    unreadable: why programs can't read it (str), or None.
    """

    def __init__(self, operand):
        (self.valid, self.size, self.signed, constant, offset, symbol, base, index, scale,
         self.unreadable) = operand
        if self.valid & _FLAGS.CONSTANT:
            self.constant = constant
        if self.valid & _FLAGS.DEREF_OFFSET:
            self.deref_offset = offset
        if self.valid & _FLAGS.DEREF_IDENT:
            self.deref_ident = symbol
        if self.valid & _FLAGS.BASE_REGISTER_NAME:
            self.base_register_name = _short_name(base)
        if self.valid & _FLAGS.INDEX_REGISTER_NAME:
            self.index_register_name = _short_name(index)
        if self.valid & _FLAGS.SCALE:
            self.scale = scale

    def _address(self):
        offset = "%s %d" % ("-" if self.deref_offset < 0 else "+", abs(self.deref_offset))
        if self.valid & _FLAGS.DEREF_IDENT and not self.valid & _FLAGS.INDEX_REGISTER_NAME:
            return "&%s %s" % (self.deref_ident.decode(), offset)
        base = self.base_register_name.decode() if self.valid & _FLAGS.BASE_REGISTER_NAME else ""
        if self.valid & _FLAGS.DEREF_IDENT:
            base = "&%s%s" % (self.deref_ident.decode(), base and " + " + base)
        text = ("%s %s" % (base, offset)).lstrip()
        if self.valid & _FLAGS.INDEX_REGISTER_NAME:
            text += " + %s" % self.index_register_name.decode()
        if self.valid & _FLAGS.SCALE:
            text += " * %d" % self.scale
        return text

    def __str__(self):
        kind = "signed  " if self.signed else "unsigned"
        if self.unreadable:
            place = "unrecognized argument format: %s" % self.unreadable
        elif self.valid & _FLAGS.CONSTANT:
            place = "%d" % self.constant
        elif self.valid & _FLAGS.DEREF_OFFSET:
            place = "*(%s)" % self._address()
        else:
            place = self.base_register_name.decode()
        return "%d %s bytes @ %s" % (self.size, kind, place)


class USDTProbeLocation:
    """One location of a probe. address: in the file. bin_path: the file, bytes. arguments: their
    description in the file, bytes. num_arguments: how many there are."""

    def __init__(self, probe, index, location):
        self.probe = probe
        self.index = index
        self.address, self.arguments, self.num_arguments = location
        self.bin_path = probe.bin_path

    def __str__(self):
        return "%s 0x%x" % (to_text(self.bin_path), self.address)

    def get_argument(self, index):
        """The USDTProbeArgument at an index, from 0. Raises USDTException if there is none."""
        operand = self.probe.context.operand(self.probe.number, self.index, index)
        if operand is None:
            raise USDTException("location %d of %s has no argument %d" % (
                self.index, self.probe.short_name(), index))
        return USDTProbeArgument(operand)


class ProbeAddress(int):
    """The address of a probe's location in the file, for attach_uprobe(addr=...). With its
    semaphore_offset the kernel raises the probe's semaphore, so that the program executes the probe."""

    def __new__(cls, address, semaphore_offset):
        self = super().__new__(cls, address)
        self.semaphore_offset = semaphore_offset
        return self


class USDTProbe:
    """A probe of one file. provider, name, bin_path: bytes. semaphore: the address of the counter of
    its tracers, or 0; semaphore_offset: the counter's offset in the file. num_locations: how many
    locations it has. num_arguments: how many arguments its first location has."""

    def __init__(self, context, number, description, root=b""):
        self.context = context
        self.number = number
        (self.provider, self.name, path, self.semaphore, self.semaphore_offset,
         self.num_locations, self.num_arguments) = description
        self.bin_path = root + path

    def __str__(self):
        return "%s [sema 0x%x]" % (self.short_name(), self.semaphore)

    def short_name(self):
        """PROVIDER:NAME."""
        return "%s:%s" % (to_text(self.provider), to_text(self.name))

    def get_location(self, index):
        """The USDTProbeLocation at an index, from 0. Raises USDTException if there is none."""
        location = self.context.location(self.number, index)
        if location is None:
            raise USDTException("%s has no location %d" % (self.short_name(), index))
        return USDTProbeLocation(self, index, location)


class USDT:
    """The USDT probes of a process, or of a program or library in all processes.

    pid: the process. path: only the probes of this file, which is a path or the name of a library or
    program. At least one of the two is needed. Raises USDTException.
    """

    def __init__(self, pid=None, path=None):
        self.pid = pid if pid and pid > 0 else None
        self.path = path
        self._enabled = []
        if self.pid is None and not path:
            raise USDTException("a pid or a path is needed, to find USDT probes in")
        self.context = self._call(lambda: _ebcc.Usdt(self.pid or 0, to_bytes(path) or None))

    @staticmethod
    def _call(function):
        """Calls a function, and turns errors of the library into USDTException."""
        try:
            return function()
        except _ebcc.Error as error:
            raise USDTException(str(error)) from error

    def _find(self, probe):
        return self._call(lambda: self.context.find(to_bytes(probe)))

    def enable_probe(self, probe, fn_name):
        """Makes BPF(usdt_contexts=[...]) attach the program fn_name to a probe, "PROVIDER:NAME" or
        "NAME". Raises USDTException, which lists similar names if there is no such probe."""
        self._find(probe)
        self._enabled.append((to_bytes(probe), to_bytes(fn_name)))

    def enable_probe_or_bail(self, probe, fn_name):
        """Like enable_probe(), but prints a failure to stderr and exits with status 1."""
        try:
            self.enable_probe(probe, fn_name)
        except USDTException as error:
            print(error, file=sys.stderr)
            sys.exit(1)

    def get_context(self):
        """The _ebcc.Usdt that the probes are read from."""
        return self.context

    def get_text(self):
        """C text that scripts may put before their source: a comment that lists the enabled probes.
        Nothing more is needed, because programs find their arguments through data, not code."""
        names = ", ".join("%s in %s()" % (to_text(probe), to_text(fn_name))
                          for probe, fn_name in self._enabled)
        return "/* USDT probes: %s */" % names.replace("*/", "*?").replace("\n", "?")

    def get_probe_arg_ctype(self, probe_name, arg_index):
        """The C type that can hold an argument at every location, such as "int32_t" or "uint64_t".
        arg_index: from 0. Raises USDTException if there is no such argument, or it can't be read."""
        kind = self.context.argument_type(self._find(probe_name), arg_index)
        if kind is None:
            raise USDTException("%s has no argument %d that can be read" % (
                to_text(to_bytes(probe_name)), arg_index + 1))
        return kind

    def enumerate_probes(self):
        """A list with a USDTProbe for each probe of each file."""
        # The paths of a process's files are relative to its root directory.
        root = b"/proc/%d/root" % self.pid if self.pid else b""
        return [USDTProbe(self.context, number, description,
                          root if description[2].startswith(b"/") else b"")
                for number, description in enumerate(self.context.probes())]

    def enumerate_active_probes(self):
        """A list of (path, program, address, pid or -1) for each location of each enabled probe. An
        address is a ProbeAddress: with it, attach_uprobe() also raises the probe's semaphore."""
        probes = self.enumerate_probes()
        found = []
        for name, fn_name in self._enabled:
            for probe in probes:
                if name in (probe.name, probe.provider + b":" + probe.name):
                    found += [(probe.bin_path, fn_name,
                               ProbeAddress(probe.get_location(index).address,
                                            probe.semaphore_offset),
                               self.pid or -1) for index in range(probe.num_locations)]
        return found

    def attach_uprobes(self, bpf, attach_usdt_ignore_pid):
        """Attaches programs to the enabled probes of bpf, a BPF object; BPF() calls it for each of its
        usdt_contexts. attach_usdt_ignore_pid: in every process. Raises AttachError."""
        for probe, fn_name in self._enabled:
            bpf.attach_usdt(self, probe, fn_name, every_process=attach_usdt_ignore_pid)
