# SPDX-License-Identifier: Apache-2.0
"""Call stacks as the profiling tools have them: counted by a piece of BPF source that they share,
named, and shown as text, folded lines, JSON or a flame graph.

A tool puts SOURCE before its own, which calls take_stacks() and add_to_group(). Recorder reads
what was counted; a Report shows it in the forms that the options ask for.
"""
import argparse
import errno
import os
import re
import sys
import time
from collections import Counter
from typing import NamedTuple

from .. import flamegraph
from . import cli
from .._ebcc import Error
from ..bpf import BPF
from ..symbols import symbolizer

SOURCE = r"""
#include <linux/sched.h>

#define NO_STACK -14	/* -EFAULT: what the kernel says where a task has no such stack */
#define PLACE_TAKEN -17	/* -EEXIST: by another stack with the same hash */
#define SECOND_TABLE (1 << 28)

const volatile bool take_user = true;
const volatile bool take_kernel = true;

struct stack_key {
	u64 caller;	/* return address of a user function that is at its begin; 0: none */
	u32 pid;
	u32 tid;	/* 0: not told apart */
	s32 user;	/* what stack_place() gives */
	s32 kernel;
	char comm[TASK_COMM_LEN];
};

BPF_STACK_TRACE(stack_traces, STACK_STORAGE_SIZE);
BPF_STACK_TRACE(more_stack_traces, (STACK_STORAGE_SIZE + 1) / 2);
BPF_HASH(groups, struct stack_key, u64, GROUPS);
BPF_PERCPU_ARRAY(totals, u64, 2);	/* events counted, events for which groups had no room */

/* The place of a stack of the current task, with a bit set if that is in the second table; or an
 * error code. Long before the first table is full some stacks find their place in it taken. */
static inline s32 stack_place(void *ctx, u64 flags)
{
	s32 place = stack_traces.get_stackid(ctx, flags);

	if (place == PLACE_TAKEN) {
		place = more_stack_traces.get_stackid(ctx, flags);
		if (place >= 0)
			place |= SECOND_TABLE;
	}
	return place;
}

/* The current task's stacks and name. */
static inline void take_stacks(void *ctx, struct stack_key *key)
{
	key->user = take_user ? stack_place(ctx, BPF_F_USER_STACK) : NO_STACK;
	key->kernel = take_kernel ? stack_place(ctx, 0) : NO_STACK;
	bpf_get_current_comm(key->comm, sizeof(key->comm));
}

static inline void add_to_group(struct stack_key *key, u64 amount)
{
	u64 *value, zero = 0;
	u32 which;

	value = groups.lookup_or_try_init(key, &zero);
	if (value)
		lock_xadd(value, amount);
	which = value ? 0 : 1;
	value = totals.lookup(&which);
	if (value)
		*value += 1;
}
"""

COUNTED, LOST = 0, 1
SECOND_TABLE = 1 << 28

# Groups differ by process and thread too, so that there may be more of them than stacks.
MIN_GROUPS = 10240

UNKNOWN = "[unknown]"
MISSED_USER = "[Missed User Stack]"
MISSED_KERNEL = "[Missed Kernel Stack]"

# How older kernels get from an event to the BPF program: no part of what a stack is to show.
_MACHINERY = re.compile(r"bpf_prog_[0-9a-f]{16}\w*|bpf_trace_run\d+|__bpf_trace_\w+|"
                        r"__traceiter_\w+|bpf_get_stackid\w*")


class Frame(NamedTuple):
    """A function on a stack. kind: flamegraph.USER, KERNEL or INLINED. address: where it was
    executing; offset: from the function's begin, 0 where that is not known."""

    name: str
    kind: str
    address: int
    offset: int


class Stack(NamedTuple):
    """A group of events that have all this in common, and their number or time. Frames are
    innermost first; None stands for a stack that was missed."""

    pid: int
    tid: int
    comm: str
    user: "tuple[Frame, ...] | None"
    kernel: "tuple[Frame, ...] | None"
    value: int


def storage_size(text):
    """The argument type of --stack-storage-size."""
    value = cli.positive(32)(text)
    if value > 1 << 24:
        raise argparse.ArgumentTypeError(f"{text} stacks would not fit into the kernel's memory")
    return value


def pixels(text):
    """The argument type of --min-width."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of pixels up to 100")
    return value


def picture(text):
    """The argument type of --flamegraph."""
    if not text:
        raise argparse.ArgumentTypeError("'' names no file")
    return text


def add_arguments(parser, default_storage_size):
    """The options that say which stacks are taken and how they are shown."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("-U", "--user-stacks-only", action="store_true",
                       help="show the part of stacks in user space only")
    which.add_argument("-K", "--kernel-stacks-only", action="store_true",
                       help="show the part of stacks in the kernel only")
    parser.add_argument("-d", "--delimited", action="store_true",
                        help="put a delimiter between the kernel's part and the user's")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("-f", "--folded", action="store_true",
                      help="print one line for each stack, as flame graph programs read it")
    form.add_argument("-j", "--json", action="store_true",
                      help="print one JSON object a line for each stack")
    parser.add_argument("--stack-storage-size", type=storage_size, default=default_storage_size,
                        metavar="STACKS", help="how many different stacks there is room for "
                                               "(default %(default)s)")
    graph = parser.add_argument_group("flame graph")
    graph.add_argument("--flamegraph", type=picture, metavar="FILE.svg",
                       help="draw a flame graph into this file, for a browser")
    graph.add_argument("--title", help="the title of the flame graph")
    graph.add_argument("--subtitle",
                       help="what stands below the title (default: what was traced)")
    graph.add_argument("--min-width", type=pixels, default=flamegraph.MIN_WIDTH, metavar="PIXELS",
                       help="leave out functions narrower than this (default %(default)s)")


def module_options(args):
    """(cflags, constants) of SOURCE for these arguments."""
    groups = max(args.stack_storage_size, MIN_GROUPS)
    cflags = [f"-DSTACK_STORAGE_SIZE={args.stack_storage_size}", f"-DGROUPS={groups}"]
    return cflags, {"take_user": not args.kernel_stacks_only,
                    "take_kernel": not args.user_stacks_only}


def context(args):
    """The words for which stacks are taken."""
    return ("user" if args.user_stacks_only else "kernel" if args.kernel_stacks_only else
            "user + kernel")


class Recorder:
    """What a module with SOURCE has counted so far."""

    def __init__(self, module):
        self.module = module
        self.frames = {}
        self.missed = {}
        self.met = {0}

    def total(self, which):
        """How many events were COUNTED, or LOST."""
        return sum(self.module["totals"][which])

    def meet_processes(self):
        """Has the memory maps of processes read that are new here: some end before the trace."""
        new = {key.pid for key in self.module["groups"].keys()} - self.met
        for pid in new:
            try:
                symbolizer().add_process(pid)
            except Error:
                continue  # it has ended already, or is not to be looked at
        self.met |= new

    def stacks(self, earlier=None):
        """The groups as Stacks, the smallest value first.

        earlier: a dictionary with the values of the last call, which are subtracted; it is
        brought up to date.
        """
        found = []
        for key, leaf in self.module["groups"].items():
            value = leaf.value
            if earlier is not None:
                name = bytes(key)
                value, earlier[name] = value - earlier.get(name, 0), value
            if value:
                found.append(self._stack(key, value))
        found.sort(key=lambda stack: (stack.value, stack.comm, stack.pid, stack.tid))
        return found

    def _stack(self, key, value):
        user = self._walk(key.user, key.pid, flamegraph.USER, key.caller)
        kernel = self._walk(key.kernel, -1, flamegraph.KERNEL)
        for part, frames, place in (("user", user, key.user), ("kernel", kernel, key.kernel)):
            if frames is None:
                self.missed[part, bytes(key)] = place
        return Stack(key.pid, key.tid, readable(key.comm), user, kernel, value)

    def _walk(self, place, pid, kind, caller=0):
        """The frames of one part of a stack; None when it was missed."""
        if place == -errno.EFAULT:
            return ()
        table = "stack_traces"
        if place > 0 and place & SECOND_TABLE:
            table, place = "more_stack_traces", place ^ SECOND_TABLE
        try:
            addresses = list(self.module[table].walk(place))
        except KeyError:
            return None
        if caller and caller not in addresses[1:2]:
            addresses.insert(1, caller)
        # All but the innermost are return addresses: the call is before them.
        frames = [self._named(address, pid, kind, depth > 0)
                  for depth, address in enumerate(addresses)]
        if kind == flamegraph.KERNEL:
            while len(frames) > 1 and _MACHINERY.fullmatch(frames[0].name):
                del frames[0]
        return tuple(frames)

    def _named(self, address, pid, kind, is_return):
        key = address, pid, is_return
        if key not in self.frames:
            before = 1 if is_return else 0
            name, offset, _ = BPF._sym_cache(pid).resolve(address - before)
            self.frames[key] = (Frame(UNKNOWN, kind, address, 0) if name is None else
                                Frame(readable(name), kind, address, offset + before))
        return self.frames[key]

    def warn(self, prog, args):
        """Says on stderr what is missing."""
        if self.missed:
            full = {-errno.EEXIST, -errno.ENOMEM} & set(self.missed.values())
            advice = (f"; --stack-storage-size {2 * args.stack_storage_size} gives more room"
                      if full else "")
            count = len(self.missed)
            print(f"{prog}: {count} stack{'s'[:count > 1]} could not be kept{advice}",
                  file=sys.stderr)
        if lost := self.total(LOST):
            print(f"{prog}: {lost} events were not counted: there were too many different ones; "
                  f"--stack-storage-size {2 * args.stack_storage_size} gives more room",
                  file=sys.stderr)


def readable(raw):
    """Bytes as a string without control characters."""
    return cli.printable(cli.text_of(raw))


class Report:
    """Shows stacks as the options say.

    unit: what values count, "samples" or so. palette: one of flamegraph.PALETTES. annotate:
    functions of the kernel get _[k] after their names.
    """

    indent = 4

    def __init__(self, args, unit, palette, title, annotate=False):
        self.args = args
        self.unit = unit
        self.palette = palette
        self.title = title
        self.annotate = annotate
        self.what = ""
        # A picture alone is what is asked for, if no other form is.
        self.prints = args.json or args.folded or not args.flamegraph
        if args.flamegraph:
            # A file that can't be written is known before the trace, not after it.
            with open(args.flamegraph, "ab"):
                pass

    def name(self, frame):
        """A function as folded lines and flame graphs name it."""
        suffix = "_[k]" if self.annotate and frame.kind == flamegraph.KERNEL else ""
        return frame.name + suffix

    def line(self, frame):
        """A function as text shows it."""
        return self.name(frame)

    def footer(self, stack):
        """What text shows below a stack."""
        return [f"{'-':<16} {stack.comm} ({stack.tid or stack.pid})", f"    {stack.value}"]

    def parts(self, stack):
        """The frames that are shown, innermost first: the kernel's, the delimiter, the user's."""
        kernel, user = stack.kernel, stack.user
        if kernel is None:
            kernel = (Frame(MISSED_KERNEL, flamegraph.KERNEL, 0, 0),)
        if user is None:
            user = (Frame(MISSED_USER, flamegraph.USER, 0, 0),)
        delimiter = (Frame("-", flamegraph.PROCESS, 0, 0),)
        return kernel, delimiter if self.args.delimited and kernel and user else (), user

    def outermost_first(self, stack):
        """All (name, kind) of a stack, with its process."""
        kernel, delimiter, user = self.parts(stack)
        frames = [(stack.comm, flamegraph.PROCESS)] if stack.comm else []
        frames += [(self.name(frame), frame.kind)
                   for part in (user, delimiter, kernel) for frame in reversed(part)]
        return frames

    def begin(self, what, duration):
        """Says what is traced, where that does not disturb a program that reads."""
        self.what = what
        if not self.args.folded and not self.args.json:
            end = f" for {duration:g} secs." if duration else "... Hit Ctrl-C to end."
            print(what + end, flush=True)

    def time(self):
        """The fields for show() that say when."""
        return {"time": round(time.time(), 3)} if self.args.json else {}

    def show(self, stacks, **fields):
        """Prints stacks in the form that is asked for. fields: what stands in each JSON object
        before the stack."""
        if self.args.json:
            self._print_json(self._merged(stacks), fields)
        elif self.args.folded:
            self._print_folded(stacks)
        else:
            cli.write(b"\n")
            self._print_text(self._merged(stacks))
        cli.flush()

    def show_all(self, stacks):
        """Prints stacks, draws them, or both, as is asked for."""
        if self.prints:
            self.show(stacks, **self.time())
        if self.args.flamegraph:
            self.draw(stacks)

    def _merged(self, stacks):
        """The stacks, with one for all that look the same; the smallest value first."""
        found = {}
        for stack in stacks:
            key = stack[:3], tuple(tuple(map(self.line, part)) for part in self.parts(stack))
            if key in found:
                stack = stack._replace(value=stack.value + found[key].value)
            found[key] = stack
        return sorted(found.values(), key=lambda stack: stack.value)

    def _print_text(self, stacks):
        margin = " " * self.indent
        for stack in stacks:
            kernel, delimiter, user = self.parts(stack)
            lines = [*map(self.line, kernel), *("--" for _ in delimiter), *map(self.line, user),
                     *self.footer(stack)]
            cli.write("".join(f"{margin}{line}\n" for line in lines).encode() + b"\n")

    def _print_folded(self, stacks):
        """Lines as FlameGraph's scripts read them: a semicolon in a name would end it."""
        lines = Counter()
        for stack in stacks:
            names = (name.replace(";", ":") for name, _ in self.outermost_first(stack))
            lines[";".join(names)] += stack.value
        for line, value in sorted(lines.items(), key=lambda item: (item[1], item[0])):
            cli.write(f"{line} {value}\n".encode())

    def _print_json(self, stacks, fields):
        for stack in stacks:
            values = {**fields}
            if stack.pid or stack.comm:
                values.update(comm=stack.comm, pid=stack.pid)
            if stack.tid:
                values["tid"] = stack.tid
            for name in ("kernel", "user"):
                frames = getattr(stack, name)
                values[name] = None if frames is None else [self.line(frame) for frame in frames]
            values[self.unit] = stack.value
            cli.write(cli.json_line(values))

    def draw(self, stacks):
        """Writes the flame graph."""
        graph = flamegraph.Graph(self.unit)
        for stack in stacks:
            graph.add(self.outermost_first(stack), stack.value)
        subtitle = self.what if self.args.subtitle is None else self.args.subtitle
        text = graph.svg(title=self.args.title or self.title, subtitle=subtitle,
                         palette=self.palette, min_width=self.args.min_width)
        with open(self.args.flamegraph, "w", encoding="utf-8") as file:
            file.write(text)
        print(f"wrote {os.path.abspath(self.args.flamegraph)}: open it in a browser",
              file=sys.stderr)


def intervals(recorder, interval=None, duration=None):
    """As cli.intervals(); a person sees between outputs how much was counted."""
    progress = cli.Progress()

    def tick():
        recorder.meet_processes()
        progress.note(f"{recorder.total(COUNTED)} events counted")
    for _ in cli.intervals(interval, duration=duration, tick=tick):
        progress.clear()
        yield


def wait(recorder, duration):
    """Waits for an interrupt, or for so many seconds."""
    for _ in intervals(recorder, duration=duration):
        pass
