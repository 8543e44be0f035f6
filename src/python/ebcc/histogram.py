# SPDX-License-Identifier: Apache-2.0
"""Histograms of tables as text and as JSON: slots that are powers of two, or plain numbers.

A key is a slot, or a struct of a bucket and a slot; each bucket is a section of its own.
"""

import ctypes as ct
import operator
import time

LOG2_SLOTS = 65
LINEAR_SLOTS = 1025

# The longest bar, in characters.
BAR_WIDTH = 40

# Log2 histograms with slots from here on need wider columns and have narrower bars.
_WIDE_SLOT = 33


def _bar(count, largest, width):
    return "*" * (width * count // largest) if largest else ""


def _last_used(counts):
    return max((slot for slot, count in enumerate(counts) if count > 0), default=-1)


def log2_bounds(slot):
    """First and last value of a slot: 0-1, 2-3, 4-7, ..."""
    low = (1 << slot) >> 1
    return (0 if low == 1 else low), (1 << slot) - 1


def print_log2(counts, val_type, strip_leading_zero):
    """Prints slots 1 to the last one that isn't empty."""
    last = _last_used(counts)
    if last <= 0:
        return
    wide = last >= _WIDE_SLOT
    indent, column, number, bar = (15, 29, 20, 20) if wide else (5, 19, 10, BAR_WIDTH)
    print("%s%-*s : count     distribution" % (" " * indent, column, val_type))
    largest = max(counts)
    for slot in range(1, last + 1):
        count = counts[slot]
        if strip_leading_zero and not count:
            continue
        strip_leading_zero = False
        low, high = log2_bounds(slot)
        print("%*d -> %-*d : %-8d |%-*s|" % (number, low, number, high, count, bar,
                                             _bar(count, largest, bar)))


def print_linear(counts, val_type, strip_leading_zero):
    """Prints slots 0 to the last one that isn't empty."""
    last = _last_used(counts)
    if last < 0:
        return
    print("     %-13s : count     distribution" % val_type)
    largest = max(counts)
    for slot in range(last + 1):
        count = counts[slot]
        if strip_leading_zero and not count:
            continue
        strip_leading_zero = False
        print("        %-10d : %-8d |%-*s|" % (slot, count, BAR_WIDTH,
                                              _bar(count, largest, BAR_WIDTH)))


def json_log2(counts, val_type, section=None):
    """A dict of one section, ready for json.dumps() where the section's name is."""
    data = []
    for slot in range(1, _last_used(counts) + 1):
        low, high = log2_bounds(slot)
        data.append({"interval-start": low, "interval-end": high, "count": counts[slot]})
    result = {"ts": time.strftime("%Y-%m-%d %H:%M:%S"), "val_type": val_type, "data": data}
    if section:
        result[section[0]] = section[1]
    return result


def _count(counts, slot, value):
    if not 0 <= slot < len(counts):
        if not value:  # an unused element of a larger array
            return
        raise IndexError("slot %d is beyond the %d of this histogram" % (slot, len(counts)))
    counts[slot] = value


def _slot_field(key_class):
    """The slot is the member after the bucket, padding that scripts declare not counted."""
    fields = [field[0] for field in key_class._fields_]
    return next((name for name in fields[1:] if not name.startswith("__pad")), fields[1])


def _grouping(bucket):
    """What makes two buckets the same: ctypes structs and arrays compare by identity."""
    return bytes(bucket) if isinstance(bucket, (ct.Structure, ct.Union, ct.Array)) else bucket


def sections(items, key_class, slots, bucket_fn, bucket_sort_fn):
    """[(bucket, counts)] of a table with struct keys, in the order of the table."""
    bucket_field, slot_field = key_class._fields_[0][0], _slot_field(key_class)
    buckets = {}
    for key, leaf in items:
        bucket = getattr(key, bucket_field)
        if bucket_fn:
            bucket = bucket_fn(bucket)
        _, counts = buckets.setdefault(_grouping(bucket), (bucket, [0] * slots))
        _count(counts, getattr(key, slot_field), leaf.value)
    names = [bucket for bucket, _ in buckets.values()]
    if bucket_sort_fn:
        names = bucket_sort_fn(names)
    return [(name, buckets[_grouping(name)][1]) for name in names]


def single(items, slots):
    """Counts of a table whose keys are slots."""
    counts = [0] * slots
    for key, leaf in items:
        _count(counts, key.value, leaf.value)
    return counts


class Times:
    """How often something happened, how long it took, and how many in each slot of powers of two.

    count: how often. total: nanoseconds. slots: a number for each slot.
    """

    def __init__(self, count, total, slots):
        self.count = count
        self.total = total
        self.slots = slots

    @classmethod
    def of(cls, total, slots):
        """Of a total in nanoseconds and the slots, which tell the count."""
        slots = list(slots)
        return cls(sum(slots), total, slots)

    def since(self, earlier):
        """What was added to an earlier state, which may be None."""
        if earlier is None:
            return self
        return Times(self.count - earlier.count, self.total - earlier.total,
                     [count - before for count, before in zip(self.slots, earlier.slots)])

    def and_also(self, other):
        """What this and another one count together."""
        return Times(self.count + other.count, self.total + other.total,
                     list(map(operator.add, self.slots, other.slots)))

    def rows(self):
        """(lowest, highest, count) of each slot up to the last one in use."""
        last = _last_used(self.slots)
        return [(*log2_bounds(slot), self.slots[slot]) for slot in range(1, last + 1)]

    def json_values(self, unit, unit_name):
        """The fields of a JSON object. unit: nanoseconds of the unit of that name."""
        total = self.total / unit
        return {"unit": unit_name, "count": self.count, "total": round(total, 3),
                "average": round(total / max(self.count, 1), 3),
                "histogram": [{"low": low, "high": high, "count": count}
                              for low, high, count in self.rows()]}

    def print(self, unit, unit_name, with_average):
        """Prints the histogram, whose slots are in the unit, and the average if asked for."""
        print_log2(self.slots, unit_name, False)
        if with_average:
            total = self.total // unit
            print(f"\navg = {total // self.count} {unit_name}, total: {total} {unit_name}, "
                  f"count: {self.count}")
