# SPDX-License-Identifier: Apache-2.0
"""Tables: the maps of a source as Python mappings, one class per kind of map.

Keys and leaves are instances of the ctypes classes table.Key and table.Leaf. A number, bytes or
a tuple is also accepted if it can be converted to one. The extension reads and writes entries;
this file has what is specific to each kind.
"""

import ctypes as ct
import os
from collections.abc import MutableMapping

from . import _ebcc, ctype, histogram
from .constants import MAP_TYPES as map_type_name
from .utils import to_bytes

globals().update({"BPF_MAP_TYPE_" + name: number for number, name in map_type_name.items()})


class _Iter:
    """An iterator over a table's keys."""

    def __init__(self, table):
        self.table = table
        self._keys = iter(table)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._keys)

    next = __next__


class TableBase(_ebcc.Table, MutableMapping):
    """A map with keys. Iteration, keys(), values() and items() use the entries that the table has at
    that moment. A key that is missing raises KeyError."""

    Iter = _Iter

    def __init__(self, module, name, bpf=None, reducer=None):
        self.bpf = bpf
        self.reducer = reducer

    def __new__(cls, module, name, bpf=None, reducer=None):
        return super().__new__(cls, module, name)

    # Hooks that the extension calls for anything but a plain int or an instance of the class.

    def _make_key(self, key):
        return ctype.instance(self.Key, key)

    def _make_leaf(self, leaf):
        return ctype.instance(self.Leaf, leaf)

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__

    def __repr__(self):
        try:
            return "<%s %r>" % (type(self).__name__, self.name.decode())
        except _ebcc.StateError:
            return "<%s of a closed module>" % type(self).__name__

    def __len__(self):
        return sum(1 for _ in super().keys())

    def get_fd(self):
        """The table's descriptor, which the module closes."""
        return self.map_fd

    def _open(self, callback, batch, lost_cb, ctx, page_count, wakeup_events):
        """Opens a perf or ring buffer with a callback for each event, or for batches."""
        if (callback is None) == (batch is None):
            raise TypeError("a callback for each event is needed, or one for batches (batch=), not both")
        if batch:
            from .batch import Batch
            callback = lambda *parts: batch(Batch(self, *parts))  # noqa: E731
        self._open_events(callback, batch is not None, lost_cb or _warn_lost(self.name), ctx, page_count,
                          wakeup_events)

    def __iter__(self):
        return iter(super().keys())

    iter = __iter__

    def keys(self):
        """An iterator over the keys."""
        return iter(super().keys())

    def itervalues(self):
        """An iterator over the leaves."""
        return iter(self.values())

    def iteritems(self):
        """An iterator over (key, leaf)."""
        return iter(self.items())

    def zero(self):
        """Sets every leaf to zero; the keys stay."""
        keys = list(super().keys())
        if keys:
            packed = (self.Key * len(keys))(*keys)
            self._update_many(packed, bytes(len(keys) * ct.sizeof(self.Leaf)))

    def key_scanf(self, key_str):
        """A key from the text that key_sprintf() returns. Raises InvalidArgumentError."""
        return self._key_scan(to_bytes(key_str))

    def leaf_scanf(self, leaf_str):
        """A leaf from the text that leaf_sprintf() makes."""
        return self._leaf_scan(to_bytes(leaf_str))

    # Batch operations: ctypes arrays of keys and leaves.

    def _pairs(self, remove):
        items = super().items(remove)
        return ((ctype.number(key), ctype.number(leaf)) for key, leaf in items)

    def items_lookup_batch(self):
        """An iterator over (key, leaf) of all entries. A key or leaf of a simple type is a number (bytes
        for a char) that also has the attribute value, like a ctypes object."""
        return self._pairs(False)

    def items_lookup_and_delete_batch(self):
        """Like items_lookup_batch(), but deletes all entries as it reads them."""
        return self._pairs(True)

    def items_update_batch(self, ct_keys, ct_values):
        """Writes entries from ctypes arrays of the same length. Raises TypeError for anything other than
        arrays of the table's keys and leaves, and ValueError for other lengths."""
        self._check_array(ct_keys, self.Key)
        self._check_array(ct_values, self.Leaf)
        self._update_many(ct_keys, ct_values)

    def items_delete_batch(self, ct_keys=None):
        """Deletes the entries whose keys are in a ctypes array, or all entries. Raises TypeError for
        anything other than an array of the table's keys."""
        if ct_keys is None:
            self.clear()
        else:
            self._check_array(ct_keys, self.Key)
            self._delete_many(ct_keys)

    @staticmethod
    def _check_array(array, kind):
        if not isinstance(array, ct.Array) or ct.sizeof(array._type_) != ct.sizeof(kind):
            raise TypeError("%r is not a ctypes array of %r" % (array, kind))

    # Histograms.

    def _print_sections(self, printer, slots, val_type, section_header, section_print_fn,
                        bucket_fn, strip_leading_zero, bucket_sort_fn):
        if not issubclass(self.Key, ct.Structure):
            printer(histogram.single(self.items(), slots), val_type, strip_leading_zero)
            return
        for bucket, counts in histogram.sections(self.items(), self.Key, slots, bucket_fn,
                                                 bucket_sort_fn):
            name = section_print_fn(bucket) if section_print_fn else bucket
            print("\n%s = %s" % (section_header, name))
            printer(counts, val_type, strip_leading_zero)

    def decode_c_struct(self, tmp, buckets, bucket_fn, bucket_sort_fn,
                        index_max=histogram.LOG2_SLOTS):
        """Groups a table with keys (bucket, slot) by bucket. For each bucket, it adds a list of the
        counts of index_max slots to the dict tmp; it adds the buckets in order to the list buckets.
        bucket_fn, bucket_sort_fn: as in print_log2_hist(). Raises IndexError for a slot that is out of
        range."""
        found = histogram.sections(self.items(), self.Key, index_max, bucket_fn, bucket_sort_fn)
        tmp.update(found)
        buckets.extend(bucket for bucket, _ in found)

    def print_log2_hist(self, val_type="value", section_header="Bucket ptr",
                        section_print_fn=None, bucket_fn=None, strip_leading_zero=None,
                        bucket_sort_fn=None):
        """Prints the table as a histogram whose slots are powers of two.

        val_type: the column's header. With struct keys (bucket, slot), each bucket is a section
        headed "section_header = bucket". section_print_fn returns the text for a bucket, bucket_fn
        a hashable value to use in its place, bucket_sort_fn the sorted list of buckets.
        strip_leading_zero: leave out empty slots before the first used one. Raises IndexError for a
        slot that is out of range.
        """
        self._print_sections(histogram.print_log2, histogram.LOG2_SLOTS, val_type,
                             section_header, section_print_fn, bucket_fn, strip_leading_zero,
                             bucket_sort_fn)

    def print_linear_hist(self, val_type="value", section_header="Bucket ptr",
                          section_print_fn=None, bucket_fn=None, strip_leading_zero=None,
                          bucket_sort_fn=None):
        """Prints the table as a histogram whose slots are plain numbers; parameters and errors as in
        print_log2_hist()."""
        self._print_sections(histogram.print_linear, histogram.LINEAR_SLOTS, val_type,
                             section_header, section_print_fn, bucket_fn, strip_leading_zero,
                             bucket_sort_fn)

    def print_json_hist(self, val_type="value", section_header="Bucket ptr",
                        section_print_fn=None, bucket_fn=None, bucket_sort_fn=None):
        """Prints a dict for each section, with ts, val_type, data, and the bucket under section_header;
        parameters and errors as in print_log2_hist()."""
        if not issubclass(self.Key, ct.Structure):
            print(histogram.json_log2(histogram.single(self.items(), histogram.LOG2_SLOTS),
                                      val_type))
            return
        for bucket, counts in histogram.sections(self.items(), self.Key, histogram.LOG2_SLOTS,
                                                 bucket_fn, bucket_sort_fn):
            name = section_print_fn(bucket) if section_print_fn else bucket
            print(histogram.json_log2(counts, val_type, (section_header, name)))


class HashTable(TableBase):
    """BPF_HASH."""


class LruHash(HashTable):
    """A hash that drops its least recently used entries when it is full."""


class LpmTrie(TableBase):
    """Longest prefix match: a key begins with a u32, the number of bits that count."""


class ArrayBase(TableBase):
    """Keys are indices; negative ones count from the end. Deleting an entry sets it to zero. An index
    that is out of range raises IndexError."""

    def __len__(self):
        return self.max_entries

    def _check_index(self, key):
        index = getattr(key, "value", key)
        if isinstance(index, int) and not -len(self) <= index < len(self):
            raise IndexError("index %d is out of range: the table has %d entries" % (
                index, len(self)))

    def __getitem__(self, key):
        try:
            return super().__getitem__(key)
        except (KeyError, OverflowError):
            self._check_index(key)
            raise

    def __setitem__(self, key, leaf):
        self._check_index(key)
        super().__setitem__(key, leaf)

    def __delitem__(self, key):
        self._check_index(key)
        super().__setitem__(key, self.Leaf())

    clearitem = __delitem__


class Array(ArrayBase):
    """BPF_ARRAY, BPF_HISTOGRAM."""


class _PerCpu:
    """A leaf has one value per possible CPU: it is an array of sLeaf."""

    def getvalue(self, key):
        """The ctypes array of all CPUs' values, even if there is a reducer. Raises KeyError."""
        return super().__getitem__(key)

    def _reduced(self, values):
        if not self.reducer:
            return values
        from functools import reduce
        return reduce(self.reducer, values)

    def __getitem__(self, key):
        return self._reduced(super().__getitem__(key))

    def get(self, key, default=None):
        """The value of key, or default."""
        try:
            return self[key]
        except KeyError:
            return default

    def values(self):
        """A list of the leaves, reduced if there is a reducer."""
        leaves = super().values()
        return [self._reduced(leaf) for leaf in leaves] if self.reducer else leaves

    def items(self, remove=False):
        """A list of (key, leaf), reduced if there is a reducer. remove: also delete the entries."""
        items = super().items(remove)
        return [(key, self._reduced(leaf)) for key, leaf in items] if self.reducer else items

    def _numbers(self, key):
        if not issubclass(self.sLeaf, ct._SimpleCData):
            raise IndexError("leaves must be numbers to be summed or compared")
        return super().__getitem__(key)

    def sum(self, key):
        """The sum over all CPUs, an sLeaf. Raises KeyError, and IndexError if leaves are not numbers."""
        return self.sLeaf(sum(self._numbers(key)))

    def max(self, key):
        """The largest of all CPUs' values, an sLeaf. Raises the errors of sum()."""
        return self.sLeaf(max(self._numbers(key)))

    def average(self, key):
        """The mean of all CPUs' values, a float. Raises the errors of sum()."""
        return sum(self._numbers(key)) / self.total_cpu


class PerCpuHash(_PerCpu, HashTable):
    """BPF_PERCPU_HASH."""


class LruPerCpuHash(PerCpuHash):
    """A per-CPU hash that drops its least recently used entries when it is full."""


class PerCpuArray(_PerCpu, ArrayBase):
    """BPF_PERCPU_ARRAY."""


class FileDesc:
    """A file descriptor that is closed with its last reference."""

    fd = None

    def __init__(self, fd):
        if fd is None or fd < 0:
            raise ValueError("%r is not a file descriptor" % (fd,))
        self.fd = fd

    def clean_up(self):
        """Closes it. Calling it again does nothing."""
        if self.fd is not None and self.fd >= 0:
            os.close(self.fd)
        self.fd = None

    def __del__(self):
        self.clean_up()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.clean_up()


class _Slots(ArrayBase):
    """An array whose entries may be absent: deleting one removes it."""

    def __delitem__(self, key):
        self._check_index(key)
        _ebcc.Table.__delitem__(self, key)

    clearitem = __delitem__


class _Descriptors:
    """Leaves are file descriptors: of programs, cgroups or maps."""

    def _make_leaf(self, leaf):
        for attribute in ("map_fd", "fd"):
            descriptor = getattr(leaf, attribute, None)
            if isinstance(descriptor, int):
                return self.Leaf(descriptor)
        return super()._make_leaf(leaf)


class ProgArray(_Descriptors, _Slots):
    """BPF_PROG_ARRAY: assign what load_func() returns."""


class CgroupArray(_Descriptors, _Slots):
    """BPF_CGROUP_ARRAY: assign a descriptor, or the path of a cgroup's directory. A path that can't be
    opened raises OSError."""

    def __setitem__(self, key, leaf):
        if isinstance(leaf, (str, bytes)):
            with FileDesc(os.open(leaf, os.O_RDONLY | os.O_CLOEXEC)) as cgroup:
                super().__setitem__(key, cgroup)
        else:
            super().__setitem__(key, leaf)


class MapInMapArray(_Descriptors, _Slots):
    """BPF_ARRAY_OF_MAPS: assign a table or a descriptor."""


class MapInMapHash(_Descriptors, HashTable):
    """BPF_HASH_OF_MAPS: assign a table or a descriptor."""


class DevMap(_Slots):
    """BPF_DEVMAP: leaves are interface indices."""


class CpuMap(_Slots):
    """BPF_CPUMAP."""


class XskMap(_Descriptors, _Slots):
    """BPF_XSKMAP."""


def _warn_lost(name):
    def lost(count):
        from .log import message
        message(2, "%s: %d events were lost" % (name.decode(), count))
    return lost


class PerfEventArray(_Slots):
    """BPF_PERF_OUTPUT, BPF_PERF_ARRAY."""

    def open_perf_buffer(self, callback=None, page_cnt=8, lost_cb=None, wakeup_events=None, *, batch=None):
        """Makes perf_buffer_poll() call callback(cpu, data, size) for each event.

        data: the address of the bytes, valid during the call; event(data) copies them. size: in
        bytes. page_cnt: pages in the buffer of each CPU, a power of two. lost_cb: called with the
        number of events lost since the last call; if it is None, a warning is logged. wakeup_events:
        how many events wake the reader; if it is None, they are read in batches, at most a few
        hundredths of a second late. batch: in place of callback, called with a Batch of all events
        that a poll has found. Raises ValueError for another page_cnt, and StateError during a poll.
        """
        if page_cnt & (page_cnt - 1) or page_cnt <= 0:
            raise ValueError("page_cnt must be a power of two, not %d" % page_cnt)
        self._open(callback, batch, lost_cb, None, page_cnt, wakeup_events or 0)

    def __aiter__(self):
        """`async for event in table` opens the buffer, and waits in the running loop of asyncio."""
        from .batch import iterate
        return iterate(self, self.open_perf_buffer)

    def open_perf_event(self, typ, config, pid=-1):
        """Opens a perf event counter on each CPU and puts them in the table, for perf_read() in programs.

        typ: of PerfType. config: of PerfHWConfig or PerfSWConfig. pid: one process, or -1 for all.
        """
        self._open_counters(typ, config, pid)


class RingBuf(TableBase):
    """BPF_RINGBUF_OUTPUT."""

    def __len__(self):
        return 0

    def open_ring_buffer(self, callback=None, ctx=None, lost_cb=None, *, batch=None):
        """Makes ring_buffer_poll() call callback(ctx, data, size) for each event.

        data, size, lost_cb, batch: as in open_perf_buffer(). A callback that returns a negative number
        ends the poll. The first event after a pause wakes the reader; while more events come, they are
        read in batches, at most a few hundredths of a second late. Raises StateError during a poll.
        """
        self._open(callback, batch, lost_cb, ctx, 0, 0)

    def __aiter__(self):
        """`async for event in table` opens the buffer, and waits in the running loop of asyncio."""
        from .batch import iterate
        return iterate(self, self.open_ring_buffer)


class BuildIdOffset(ct.Union):
    """The place of a frame: its offset in a file, or its address in the process (ip)."""
    _fields_ = [("offset", ct.c_uint64), ("ip", ct.c_uint64)]


class BuildIdFrame(ct.Structure):
    """A frame of a build-id stack, for BPF.sym(). It has a status and a place in a file (build_id and
    offset), or if the status is BPF_STACK_BUILD_ID_IP, an address (ip)."""
    _anonymous_ = ("u",)
    _fields_ = [("status", ct.c_int32), ("build_id", ct.c_ubyte * 20), ("u", BuildIdOffset)]


class StackTrace(TableBase):
    """BPF_STACK_TRACE, BPF_STACK_TRACE_BUILDID: keys are what get_stackid() returned."""

    MAX_DEPTH = 127
    BPF_F_STACK_BUILD_ID = 1 << 5
    BPF_STACK_BUILD_ID_EMPTY = 0
    BPF_STACK_BUILD_ID_VALID = 1
    BPF_STACK_BUILD_ID_IP = 2

    class StackWalker:
        """An iterator over the frames of a stack, or over resolve(frame).

        stack: a list of frames, or an object that has one in the attribute ip, or in the attribute
        trace if flags has BPF_F_STACK_BUILD_ID. The first empty frame ends the stack.
        """

        def __init__(self, stack, flags, resolve=None):
            build_ids = flags & StackTrace.BPF_F_STACK_BUILD_ID
            frames = getattr(stack, "trace" if build_ids else "ip", stack)
            self.stack = stack
            self.flags = flags
            self.resolve = resolve
            self._frames = iter(frames[:StackTrace.MAX_DEPTH])

        def __iter__(self):
            return self

        def __next__(self):
            frame = next(self._frames)
            if not getattr(frame, "status", frame):
                self._frames = iter(())
                raise StopIteration
            return self.resolve(frame) if self.resolve else frame

        next = __next__

    def walk(self, stack_id, resolve=None):
        """An iterator over a stack's addresses, innermost first, or over resolve(address). For a
        BPF_STACK_TRACE_BUILDID, the items are BuildIdFrames instead of addresses.

        Raises KeyError if there is no such stack, as for the negative numbers that get_stackid()
        returns when it fails.
        """
        number = getattr(stack_id, "value", stack_id)
        if self.flags & self.BPF_F_STACK_BUILD_ID:
            frames = [BuildIdFrame.from_buffer_copy(frame)
                      for frame in self._build_id_stack(number)]
        else:
            frames = self._stack(number)
        if not frames:
            raise KeyError(stack_id)
        return self.StackWalker(frames, self.flags, resolve)


class QueueStack(_ebcc.Table):
    """BPF_QUEUE, BPF_STACK: values without keys."""

    BPF_EXIST = 2

    def __new__(cls, module, name, bpf=None, reducer=None):
        return super().__new__(cls, module, name)

    def __init__(self, module, name, bpf=None, reducer=None):
        self.bpf = bpf

    def _make_leaf(self, leaf):
        return ctype.instance(self.Leaf, leaf)

    def get_fd(self):
        """The table's descriptor, which the module closes."""
        return self.map_fd

    def leaf_scanf(self, leaf_str):
        """A leaf from the text that leaf_sprintf() makes."""
        return self._leaf_scan(to_bytes(leaf_str))

    def push(self, leaf, flags=0):
        """Adds a value. flags: BPF_EXIST to drop the oldest value if the table is full."""
        self._push(leaf, flags)

    def _found(self, leaf, what):
        if leaf is None:
            raise KeyError("nothing to %s: the table is empty" % what)
        return leaf

    def pop(self):
        """Removes and returns the first value. Raises KeyError if there is none."""
        return self._found(self._pop(), "pop")

    def peek(self):
        """The first value, which is not removed. Raises KeyError if there is none."""
        return self._found(self._peek(), "peek at")

    def itervalues(self):
        """An iterator that pops values until there are no more."""
        return iter(self._pop, None)

    def values(self):
        """A list of all values, which are removed."""
        return list(self.itervalues())


_CLASSES = {
    "HASH": HashTable, "ARRAY": Array, "PROG_ARRAY": ProgArray,
    "PERF_EVENT_ARRAY": PerfEventArray, "PERCPU_HASH": PerCpuHash, "PERCPU_ARRAY": PerCpuArray,
    "STACK_TRACE": StackTrace, "CGROUP_ARRAY": CgroupArray, "LRU_HASH": LruHash,
    "LRU_PERCPU_HASH": LruPerCpuHash, "LPM_TRIE": LpmTrie, "ARRAY_OF_MAPS": MapInMapArray,
    "HASH_OF_MAPS": MapInMapHash, "DEVMAP": DevMap, "CPUMAP": CpuMap, "XSKMAP": XskMap,
    "QUEUE": QueueStack, "STACK": QueueStack, "RINGBUF": RingBuf,
}


def get_table_type_name(ttype):
    """The name of the map type with this number, such as "HASH"; "<unknown>" if there is none."""
    return map_type_name.get(ttype, "<unknown>")


def Table(bpf, name, map_type, keytype=None, leaftype=None, reducer=None):
    """The table of that name, as an object of the class for its map type. keytype, leaftype: ctypes
    classes of the same size, to use in place of those made from the source. reducer: a function that
    combines two CPUs' values into one. Raises ValueError for a class of another size."""
    kind = _CLASSES.get(get_table_type_name(map_type), TableBase)
    table = kind(bpf.module, name, bpf, reducer)
    if keytype is not None:
        table.Key = keytype
    if leaftype is not None:
        table.sLeaf = leaftype
    return table
