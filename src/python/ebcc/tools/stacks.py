# SPDX-License-Identifier: Apache-2.0
"""Call stacks for the profiling tools: counted by BPF source that the tools share, named, and shown as
text, folded lines, JSON or a flame graph.

A tool puts SOURCE before its own source, which calls take_stacks() and add_to_group(); it is loaded with
what constants() and max_entries() return. A Recorder reads what was counted; a Report shows it in the formats that the options ask for.
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

#define NO_STACK -14	/* -EFAULT: what the kernel returns if a task has no such stack */
#define PLACE_TAKEN -17	/* -EEXIST: by another stack with the same hash */
#define SECOND_TABLE (1 << 28)

const volatile bool take_user = true;
const volatile bool take_kernel = true;

struct stack_key {
	u64 caller;	/* return address of a user function that is at its start; 0: none */
	u32 pid;
	u32 tid;	/* 0: threads are not told apart */
	s32 user;	/* what stack_place() returns */
	s32 kernel;
	char comm[TASK_COMM_LEN];
};

/* Options change the sizes of these three when they are loaded. */
BPF_STACK_TRACE(stack_traces, 1024);
BPF_STACK_TRACE(more_stack_traces, 512);
BPF_HASH(groups, struct stack_key, u64);
BPF_PERCPU_ARRAY(totals, u64, 2);	/* events counted, events for which groups had no room */

/* The place of a stack of the current task, with a bit set if it is in the second table; or an
 * error code. Long before the first table is full, the places of some stacks are taken. */
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

# Functions through which older kernels get from an event to the BPF program: they are left out.
_MACHINERY = re.compile(r"bpf_prog_[0-9a-f]{16}\w*|bpf_trace_run\d+|__bpf_trace_\w+|"
                        r"__traceiter_\w+|bpf_get_stackid\w*")


class Frame(NamedTuple):
    """A function on a stack. kind: flamegraph.USER, KERNEL or INLINED. address: where it was
    executing; offset: bytes from the function's start, 0 if that is not known."""

    name: str
    kind: str
    address: int
    offset: int


class Stack(NamedTuple):
    """A group of events that have all of this in common. value: their number or time. Frames are
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
        raise argparse.ArgumentTypeError("'' is not the name of a file")
    return text


def add_arguments(parser, default_storage_size):
    """Adds the options that say which stacks are taken and how they are shown."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("-U", "--user-stacks-only", action="store_true",
                       help="show only the user space part of stacks")
    which.add_argument("-K", "--kernel-stacks-only", action="store_true",
                       help="show only the kernel part of stacks")
    parser.add_argument("-d", "--delimited", action="store_true",
                        help="put a delimiter between the kernel part and the user space part")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("-f", "--folded", action="store_true",
                      help="print one line per stack, in the format that flame graph programs read")
    form.add_argument("-j", "--json", action="store_true",
                      help="print one JSON object per stack, each on a line")
    parser.add_argument("--stack-storage-size", type=storage_size, default=default_storage_size,
                        metavar="STACKS", help="how many different stacks there is room for "
                                               "(default %(default)s)")
    graph = parser.add_argument_group("flame graph")
    graph.add_argument("--flamegraph", type=picture, metavar="FILE.svg",
                       help="draw a flame graph into this file, for a browser")
    graph.add_argument("--title", help="the title of the flame graph")
    graph.add_argument("--subtitle",
                       help="the text below the title (default: what was traced)")
    graph.add_argument("--min-width", type=pixels, default=flamegraph.MIN_WIDTH, metavar="PIXELS",
                       help="leave out functions narrower than this (default %(default)s)")


def constants(args):
    """The constants of SOURCE for these arguments."""
    return {"take_user": not args.kernel_stacks_only, "take_kernel": not args.user_stacks_only}


def max_entries(args):
    """The sizes of the tables of SOURCE for these arguments."""
    size = args.stack_storage_size
    return {"stack_traces": size, "more_stack_traces": (size + 1) // 2, "groups": max(size, MIN_GROUPS)}


def context(args):
    """Text that says which stacks are taken."""
    return ("user" if args.user_stacks_only else "kernel" if args.kernel_stacks_only else
            "user + kernel")


class Recorder:
    """Reads what a module, a BPF object with SOURCE, has counted so far."""

    def __init__(self, module):
        self.module = module
        self.frames = {}
        self.missed = {}
        self.seen = {0}

    def total(self, which):
        """How many events there were. which: COUNTED or LOST."""
        return sum(self.module["totals"][which])

    def read_new_processes(self):
        """Reads the memory maps of processes not seen before, because some end before the trace."""
        new = {key.pid for key in self.module["groups"].keys()} - self.seen
        for pid in new:
            try:
                symbolizer().add_process(pid)
            except Error:
                continue  # it has already ended, or may not be read
        self.seen |= new

    def stacks(self, earlier=None):
        """A list of the groups as Stacks, the smallest value first.

        earlier: a dictionary with the values of the last call, which are subtracted; it is updated.
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
        """The frames of one part of a stack; None if it was missed."""
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
        # All except the innermost are return addresses, which come after the call.
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
        """Reports on stderr what is missing. prog: the tool's name."""
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
    """Converts bytes to a str with control characters escaped."""
    return cli.printable(cli.text_of(raw))


class Report:
    """Shows stacks in the format that the options (args) ask for.

    unit: what values count, such as "samples". palette: one of flamegraph.PALETTES. title: the flame
    graph's default title. annotate: add _[k] to the names of kernel functions.
    """

    indent = 4

    def __init__(self, args, unit, palette, title, annotate=False):
        self.args = args
        self.unit = unit
        self.palette = palette
        self.title = title
        self.annotate = annotate
        self.what = ""
        # If a picture and no other format is asked for, only that is made.
        self.prints = args.json or args.folded or not args.flamegraph
        if args.flamegraph:
            # If the file can't be written, the user learns it before the trace, not after it.
            with open(args.flamegraph, "ab"):
                pass

    def name(self, frame):
        """The name of a function in folded lines and flame graphs."""
        suffix = "_[k]" if self.annotate and frame.kind == flamegraph.KERNEL else ""
        return frame.name + suffix

    def line(self, frame):
        """The line for a function in text output."""
        return self.name(frame)

    def footer(self, stack):
        """The lines below a stack in text output."""
        return [f"{'-':<16} {stack.comm} ({stack.tid or stack.pid})", f"    {stack.value}"]

    def parts(self, stack):
        """The frames to show, innermost first: (kernel's, delimiter, user's)."""
        kernel, user = stack.kernel, stack.user
        if kernel is None:
            kernel = (Frame(MISSED_KERNEL, flamegraph.KERNEL, 0, 0),)
        if user is None:
            user = (Frame(MISSED_USER, flamegraph.USER, 0, 0),)
        delimiter = (Frame("-", flamegraph.PROCESS, 0, 0),)
        return kernel, delimiter if self.args.delimited and kernel and user else (), user

    def outermost_first(self, stack):
        """A list of (name, kind) for all frames of a stack, after its process."""
        kernel, delimiter, user = self.parts(stack)
        frames = [(stack.comm, flamegraph.PROCESS)] if stack.comm else []
        frames += [(self.name(frame), frame.kind)
                   for part in (user, delimiter, kernel) for frame in reversed(part)]
        return frames

    def begin(self, what, duration):
        """Prints what is traced, unless the output is for a program to read. what: a sentence.
        duration: in seconds, or None."""
        self.what = what
        if not self.args.folded and not self.args.json:
            end = f" for {duration:g} secs." if duration else "... Hit Ctrl-C to end."
            print(what + end, flush=True)

    def time(self):
        """The fields for show() that give the time."""
        return {"time": round(time.time(), 3)} if self.args.json else {}

    def show(self, stacks, **fields):
        """Prints stacks in the format that is asked for. fields: for each JSON object, put before the
        stack."""
        if self.args.json:
            self._print_json(self._merged(stacks), fields)
        elif self.args.folded:
            self._print_folded(stacks)
        else:
            cli.write(b"\n")
            self._print_text(self._merged(stacks))
        cli.flush()

    def show_all(self, stacks):
        """Prints stacks, draws them, or both, as the options ask."""
        if self.prints:
            self.show(stacks, **self.time())
        if self.args.flamegraph:
            self.draw(stacks)

    def _merged(self, stacks):
        """The stacks, the smallest value first; those that look the same are added up."""
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
        """Prints lines in the format that FlameGraph's scripts read. A semicolon would end a name."""
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
    """Like cli.intervals(), with a progress line between outputs that shows how much was counted."""
    progress = cli.Progress()

    def tick():
        recorder.read_new_processes()
        progress.note(f"{recorder.total(COUNTED)} events counted")
    for _ in cli.intervals(interval, duration=duration, tick=tick):
        progress.clear()
        yield


def wait(recorder, duration):
    """Waits for an interrupt, or for duration seconds."""
    for _ in intervals(recorder, duration=duration):
        pass
