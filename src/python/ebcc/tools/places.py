# SPDX-License-Identifier: Apache-2.0
"""What the patterns of command line tools stand for: functions of the kernel, functions of programs
and libraries, tracepoints, and USDT probes, and how a program is attached to all that match.
"""
import os
import re
import sys

from . import cli
from .._ebcc import AttachError
from ..bpf import BPF
from ..usdt import USDT, USDTException
from ..utils import did_you_mean

PATTERN_HELP = ("FUNCTION, LIBRARY:FUNCTION, t:CATEGORY:EVENT or u:LIBRARY:PROBE; p: may stand "
                "before the first two")


def add_pattern(parser, verb):
    """The argument for what is to be traced. verb: what the tool does to it."""
    parser.add_argument("pattern", metavar="PATTERN", help=f"what to {verb}: {PATTERN_HELP}")


def parse_arguments(parser):
    """The arguments, with the pattern's parts as kind, library and expression."""
    args = parser.parse_args()
    try:
        args.kind, args.library, args.expression = parse_pattern(args.pattern, args.regexp)
    except ValueError as error:
        parser.error(str(error))
    return args


def parse_pattern(text, is_regexp):
    """(kind, library or category or "", regular expression) of what is to be counted."""
    first, colon, rest = text.partition(":")
    if first in ("p", "t", "u") and colon:
        kind = first
        library, colon, name = rest.partition(":")
        if not colon:
            library, name = "", rest
    else:
        kind = "p"
        library, name = (first, rest) if colon else ("", text)
    if not name or (kind != "p" and not library):
        raise ValueError(f"{text!r} is no pattern; FUNCTION, LIBRARY:FUNCTION, t:CATEGORY:EVENT "
                         "and u:LIBRARY:PROBE are")
    expression = name if is_regexp else re.escape(name).replace(r"\*", ".*") + "$"
    try:
        re.compile(expression)
    except re.error as error:
        raise ValueError(f"{name!r} is not a regular expression: {error}") from None
    return kind, library, expression


class KernelFunctions:
    """Functions of the kernel, which share a program: the kernel attaches it to many at once. An
    address within a function tells them apart."""

    # Where one link holds them all, nothing shows what the kernel skipped.
    skipping = ()

    def __init__(self, args):
        names = BPF.get_kprobe_functions(args.expression)
        self.expression = args.expression
        self.places = len(names)
        self.numbered = 0

    def attach(self, module, program_of, progress):
        """Attaches the program program_of(None) to as many as can be; gives their number."""
        progress.note(f"attaching to {self.places} functions")
        before = module.num_open_kprobes()
        module.attach_kprobe(event_re=self.expression, fn_name=program_of(None))
        return module.num_open_kprobes() - before

    def attach_returns(self, module, program):
        """Attaches a program to the returns of as many as can be."""
        module.attach_kretprobe(event_re=self.expression, fn_name=program)

    def name(self, key):
        """The function's name (bytes), by an address in it."""
        return BPF.ksym(key)


class Places:
    """Places to each of which a program is attached by itself. Numbers tell them apart."""

    def __init__(self, names):
        self.names = names
        self.places = self.numbered = len(names)
        self.skipping = []

    def name(self, key):
        """The place's name (bytes), by its number."""
        return self.names[key]

    def attach(self, module, program_of, progress):
        """Attaches a program to each place where that can be, the one that program_of() names for
        its number; gives how many they are. All places may have the same program.

        Loading takes long and attaching does not, but detaching does: so all are loaded first, and
        an interrupt meanwhile leaves nothing to detach."""
        failure = None
        attached = 0
        programs = []
        for number in range(self.numbered):
            programs.append(module.load_func(program_of(number), self.program_type))
            progress.note(f"{number + 1} of {self.numbered} programs loaded")
        for number, program in enumerate(programs):
            progress.note(f"{number} of {self.numbered} places attached")
            try:
                self.attach_one(module, number, program.name)
                attached += 1
                if program not in self.skipping:
                    self.skipping.append(program)
            except AttachError as error:
                failure = error
        if not attached:
            raise failure
        return attached


class Tracepoints(Places):
    """Tracepoints of a category."""

    program_type = BPF.TRACEPOINT

    def __init__(self, args):
        if not BPF.tracepoint_exists("sched", "sched_process_exec"):
            raise cli.Failure("the kernel shows no tracepoints: is tracefs mounted, "
                              "and are you root?")
        expression = args.library if args.regexp else re.escape(args.library).replace(r"\*", ".*")
        super().__init__([name.encode() for name in
                          BPF.get_tracepoints(f"{expression}:{args.expression}")])

    def attach_one(self, module, number, program):
        """Attaches a program to the place of that number."""
        module.attach_tracepoint(tp=self.names[number], fn_name=program)


class UserFunctions(Places):
    """Functions of a program or library. Several names of one address are one."""

    program_type = BPF.KPROBE

    def __init__(self, args):
        found = BPF.get_user_functions_and_addresses(args.library, args.expression)
        addresses = {}
        for name, address in found:
            addresses.setdefault(address, name)
        super().__init__(list(addresses.values()))
        self.addresses = list(addresses)
        self.library = args.library
        self.pid = args.pid or -1

    def attach_one(self, module, number, program):
        """Attaches a program to the place of that number."""
        module.attach_uprobe(name=self.library, addr=self.addresses[number], fn_name=program,
                             pid=self.pid)

    def attach_returns(self, module, program):
        """Attaches a program to the return of each."""
        for address in self.addresses:
            module.attach_uretprobe(name=self.library, addr=address, fn_name=program,
                                    pid=self.pid)


class UsdtProbes(Places):
    """USDT probes of a program or library, each with all of its places."""

    program_type = BPF.KPROBE

    def __init__(self, args):
        try:
            self.usdt = USDT(pid=args.pid, path=args.library)
        except USDTException as error:
            raise cli.Failure(f"cannot read the probes of {args.library}: {error}") from error
        matches = re.compile(os.fsencode(args.expression)).match
        # A name may stand for several providers: all of them are meant.
        super().__init__(list({probe.name: None for probe in self.usdt.enumerate_probes()
                               if matches(probe.name)}))

    def attach_one(self, module, number, program):
        """Attaches a program to the place of that number."""
        module.attach_usdt(self.usdt, self.names[number], program)


def _all_names(args):
    """(what was asked for, what there is) of the kind that a pattern names."""
    name = args.pattern.rpartition(":")[2]
    if args.kind == "t":
        return f"{args.library}:{name}", [tracepoint.encode() for tracepoint in BPF.get_tracepoints(".*")]
    if args.kind == "u":
        return name, [probe.name for probe in USDT(pid=args.pid, path=args.library).enumerate_probes()]
    if args.library:
        return name, [name for name, _ in BPF.get_user_functions_and_addresses(args.library, ".*")]
    return name, BPF.get_kprobe_functions(".*")


def _near(args):
    """"; did you mean ...?", or "": names near to a pattern, without what stands for any."""
    wanted, names = _all_names(args)
    return did_you_mean(wanted.replace("*", ""), names)


def places_of(args):
    """What a tool's arguments stand for: kind, library and expression as parse_pattern() gives
    them, regexp, pid. Raises Failure when nothing matches, or more than is allowed."""
    places = _find(args)
    number = places.places
    if number == 0:
        raise cli.Failure(f"nothing matches {args.pattern!r}{_near(args)}")
    limit = BPF.get_probe_limit()
    if number > limit:
        raise cli.Failure(f"{number} functions match, and {limit} are allowed: a narrower "
                          "pattern, or BCC_PROBE_LIMIT in the environment, helps")
    return places


def attach(prog, places, module, program_of, progress):
    """Attaches as Places.attach() does, and says on stderr what can't be traced. progress: the
    cli.Progress that is told how it goes; its line is taken away."""
    attached = places.attach(module, program_of, progress)
    progress.clear()
    if attached < places.places:
        print(f"{prog}: {places.places - attached} of {places.places} functions can't be traced",
              file=sys.stderr)
    return attached


def _find(args):
    if args.kind == "t":
        return Tracepoints(args)
    if args.kind == "u":
        return UsdtProbes(args)
    return UserFunctions(args) if args.library else KernelFunctions(args)
