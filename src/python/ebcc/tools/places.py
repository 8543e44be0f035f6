# SPDX-License-Identifier: Apache-2.0
"""What the patterns of command line tools match: functions of the kernel, functions of programs and
libraries, tracepoints, and USDT probes; and how a program is attached to all of these.

Where each place has a program of its own, the BPF source has NUMBERED_PLACES in it, for which the flag that
numbered_places() returns puts PLACE(0), PLACE(1) and so on: a macro of the source that defines a program.
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
    """Adds the argument PATTERN. verb: what the tool does to the places that match."""
    parser.add_argument("pattern", metavar="PATTERN", help=f"what to {verb}: {PATTERN_HELP}")


def parse_arguments(parser):
    """Parses the arguments, and adds the parts of the pattern as kind, library and expression."""
    args = parser.parse_args()
    try:
        args.kind, args.library, args.expression = parse_pattern(args.pattern, args.regexp)
    except ValueError as error:
        parser.error(str(error))
    return args


def parse_pattern(text, is_regexp):
    """(kind, library or category or "", regular expression) of a pattern. is_regexp: whether it is a
    regular expression, or has * for any characters. Raises ValueError."""
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
        raise ValueError(f"{text!r} is not a pattern: use FUNCTION, LIBRARY:FUNCTION, "
                         "t:CATEGORY:EVENT or u:LIBRARY:PROBE")
    expression = name if is_regexp else re.escape(name).replace(r"\*", ".*") + "$"
    try:
        re.compile(expression)
    except re.error as error:
        raise ValueError(f"{name!r} is not a regular expression: {error}") from None
    return kind, library, expression


# How many programs for places a source has, so that it has few variants; and as many as there are
# places, if there are more. Programs that are not attached are not loaded.
NUMBERS = (0, 1, 8, 64)


def room_for(number):
    """How many programs a source should have for this number of places."""
    return next((room for room in NUMBERS if room >= number), number)


def numbered_places(number):
    """The flag that gives a source this many programs for places."""
    return "-DNUMBERED_PLACES=" + " ".join(f"PLACE({place})" for place in range(number))


class KernelFunctions:
    """Functions of the kernel. They share one program, because the kernel can attach it to many at
    once; an address within a function tells them apart."""

    # If one link covers them all, the kernel doesn't report what it skipped.
    skipping = ()

    def __init__(self, args):
        names = BPF.get_kprobe_functions(args.expression)
        self.expression = args.expression
        self.places = len(names)
        self.numbered = 0

    def attach(self, module, program_of, progress):
        """Attaches the program program_of(None) to all functions that can be probed; returns how many
        they are."""
        progress.note(f"attaching to {self.places} functions")
        before = module.num_open_kprobes()
        module.attach_kprobe(event_re=self.expression, fn_name=program_of(None))
        return module.num_open_kprobes() - before

    def attach_returns(self, module, program):
        """Attaches a program to the returns of all functions that can be probed."""
        module.attach_kretprobe(event_re=self.expression, fn_name=program)

    def name(self, key):
        """The name (bytes) of a function. key: an address in it."""
        return BPF.ksym(key)


class Places:
    """Places to which programs are attached one by one. A number tells them apart."""

    def __init__(self, names):
        self.names = names
        self.places = self.numbered = len(names)
        self.skipping = []

    def name(self, key):
        """The name (bytes) of a place. key: its number."""
        return self.names[key]

    def attach(self, module, program_of, progress):
        """Attaches a program to each place where that is possible; returns how many they are.

        program_of: returns the name of the program for a place's number; it may be the same for all.
        progress: a cli.Progress. Raises AttachError if nothing could be attached.

        Loading and detaching take long, attaching does not. So all programs are loaded first: an
        interrupt during that leaves nothing to detach."""
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
    """Functions of a program or library. Several names for one address count as one function."""

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
        """Attaches a program to the return of each function."""
        for address in self.addresses:
            module.attach_uretprobe(name=self.library, addr=address, fn_name=program,
                                    pid=self.pid)


class UsdtProbes(Places):
    """USDT probes of a program or library, each with all of its locations."""

    program_type = BPF.KPROBE

    def __init__(self, args):
        try:
            self.usdt = USDT(pid=args.pid, path=args.library)
        except USDTException as error:
            raise cli.Failure(f"cannot read the probes of {args.library}: {error}") from error
        matches = re.compile(os.fsencode(args.expression)).match
        # Several providers may have a probe of the same name: all of them are meant.
        super().__init__(list({probe.name: None for probe in self.usdt.enumerate_probes()
                               if matches(probe.name)}))

    def attach_one(self, module, number, program):
        """Attaches a program to the place of that number."""
        module.attach_usdt(self.usdt, self.names[number], program)


def _all_names(args):
    """(the name that was asked for, all names that exist) for a pattern's kind of place."""
    name = args.pattern.rpartition(":")[2]
    if args.kind == "t":
        return f"{args.library}:{name}", [tracepoint.encode() for tracepoint in BPF.get_tracepoints(".*")]
    if args.kind == "u":
        return name, [probe.name for probe in USDT(pid=args.pid, path=args.library).enumerate_probes()]
    if args.library:
        return name, [name for name, _ in BPF.get_user_functions_and_addresses(args.library, ".*")]
    return name, BPF.get_kprobe_functions(".*")


def _suggestion(args):
    """"; did you mean ...?" with names similar to a pattern without its *, or ""."""
    wanted, names = _all_names(args)
    return did_you_mean(wanted.replace("*", ""), names)


def places_of(args):
    """The places that a tool's arguments match: kind, library and expression, which parse_pattern()
    returns, regexp, and pid. Raises Failure if nothing matches, or more than is allowed."""
    places = _find(args)
    number = places.places
    if number == 0:
        raise cli.Failure(f"nothing matches {args.pattern!r}{_suggestion(args)}")
    limit = BPF.get_probe_limit()
    if number > limit:
        raise cli.Failure(f"{number} functions match, but only {limit} are allowed: use a narrower "
                          "pattern, or set BCC_PROBE_LIMIT in the environment")
    return places


def attach(prog, places, module, program_of, progress):
    """Calls places.attach(), removes the progress line, and reports on stderr how many places can't be
    traced. prog: the tool's name. The other parameters, the result and the errors are those of
    Places.attach()."""
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
