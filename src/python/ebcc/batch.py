# SPDX-License-Identifier: Apache-2.0
"""Events in batches, and events in a loop of asyncio."""
import asyncio
import collections
import ctypes as ct

from . import _ebcc

# Letters of the struct module for ctypes' simple classes, by what memoryview.cast() takes.
_FORMATS = {ct.c_bool: "?", ct.c_char: "c", ct.c_byte: "b", ct.c_ubyte: "B", ct.c_short: "h", ct.c_ushort: "H",
            ct.c_int: "i", ct.c_uint: "I", ct.c_long: "l", ct.c_ulong: "L", ct.c_longlong: "q",
            ct.c_ulonglong: "Q", ct.c_float: "f", ct.c_double: "d", ct.c_void_p: "P"}


def _no_column(name):
    return ValueError("%s is a bit field, which has no column: iterate over the batch" % name)


class Batch:
    """The events that one poll has found in a buffer.

    data: a memoryview of the bytes of all events, one after the other. offsets: a memoryview of where each
    begins (format "Q"). cpus: one of the CPUs that they come from (format "I"), for perf buffers; empty for
    ring buffers. All belong to the batch and may be kept. len(batch) is the number of events, and iteration
    gives each as event() does.
    """

    def __init__(self, table, data, offsets, cpus):
        self.table = table
        self.data = memoryview(data)
        self.offsets = memoryview(offsets).cast("Q")
        self.cpus = memoryview(cpus).cast("I")

    def __len__(self):
        return len(self.offsets)

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def bytes_of(self, index):
        """The bytes of one event, as a memoryview."""
        begins = self.offsets
        index = range(len(begins))[index]
        return self.data[begins[index]:begins[index + 1] if index + 1 < len(begins) else None]

    def __getitem__(self, index):
        return self.table.event(self.bytes_of(index))

    def column(self, name=None):
        """A member of all events, as a memoryview that array, NumPy and others take without a copy.

        name: the member's, with those of its own members after dots ("start.seconds"); None: the events
        themselves, if they are numbers. Members that are arrays have two dimensions or more; characters are of
        format "c". Structs have format "B", a row of bytes each. Raises NotFoundError for a name that the event's
        type doesn't have, and ValueError for bit fields or if an event is too short.
        """
        kind, offset = self.table._event_type(), 0
        for part in name.split(".") if name else ():
            kind, offset = self._member(kind, part, offset)
        size = ct.sizeof(kind)
        column = memoryview(_ebcc.column(self.data, self.offsets, offset, size))
        shape = [len(self)]
        while issubclass(kind, ct.Array):
            shape.append(kind._length_)
            kind = kind._type_
        letter = next((_FORMATS[base] for base in kind.__mro__ if base in _FORMATS), None)
        if letter is None:
            letter, shape = "B", [*shape, ct.sizeof(kind)]
        # A memoryview can't be empty in one of its dimensions.
        return column.cast(letter, shape) if all(shape) else column.cast(letter)

    @staticmethod
    def _member(kind, name, offset):
        """(class, offset from the event's begin) of a member."""
        for field in getattr(kind, "_fields_", ()):
            if field[0] != name:
                continue
            if len(field) > 2:
                raise _no_column(name)
            return field[1], offset + getattr(kind, name).offset
        if isinstance(getattr(kind, name, None), property):
            raise _no_column(name)
        for anonymous in getattr(kind, "_anonymous_", ()):
            inner = dict(field[:2] for field in kind._fields_)[anonymous]
            try:
                return Batch._member(inner, name, offset + getattr(kind, anonymous).offset)
            except _ebcc.NotFoundError:
                continue
        raise _ebcc.NotFoundError("%s has no member %r" % (kind.__name__, name))



class Waiting:
    """The iterations over a module's tables in a loop of asyncio. They share its descriptor: when that is
    readable, all buffers are read."""

    def __init__(self, module):
        self.module = module
        self.loop = asyncio.get_running_loop()
        self.queues = []
        self.loop.add_reader(module.poll_fd(), self._read)

    def _read(self):
        try:
            self.module.consume(0)
        except BaseException as error:
            for queue in self.queues:
                queue.fail(error)
            if not isinstance(error, Exception):
                raise

    def remove(self, queue):
        """Ends an iteration. Returns whether it was the last."""
        self.queues.remove(queue)
        if not self.queues and not self.module.closed:
            self.loop.remove_reader(self.module.poll_fd())
        return not self.queues


class Queue:
    """The events of a table for one iteration."""

    def __init__(self):
        self.events = collections.deque()
        self.error = None
        self.filled = asyncio.Event()

    def put(self, event):
        self.events.append(event)
        self.filled.set()

    def fail(self, error):
        self.error = error
        self.filled.set()

    async def get(self):
        """The next event; waits for it. Raises what reading raised."""
        while not self.events:
            if self.error:
                raise self.error
            self.filled.clear()
            await self.filled.wait()
        return self.events.popleft()


async def iterate(table, start):
    """Yields each event of a table as event() gives it. start(callback): opens the table's buffer."""
    bpf, queue = table.bpf, Queue()
    start(lambda first, data, size: queue.put(table.event(data)))
    if bpf._waiting is None or bpf._waiting.loop is not asyncio.get_running_loop():
        bpf._waiting = Waiting(bpf.module)
    waiting = bpf._waiting
    waiting.queues.append(queue)
    try:
        while True:
            yield await queue.get()
    finally:
        if waiting.remove(queue) and bpf._waiting is waiting:
            bpf._waiting = None
        if not bpf.module.closed:
            table.close_events()
