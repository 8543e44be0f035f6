# SPDX-License-Identifier: Apache-2.0
"""Histograms of tables as text and as JSON. Slots are powers of two (log2) or plain numbers (linear).

A key is a slot, or a struct of a bucket and a slot; each bucket gets its own section.
"""

import ctypes as ct
import operator
import time

LOG2_SLOTS = 65
LINEAR_SLOTS = 1025

# The longest bar, in characters.
BAR_WIDTH = 40

# Log2 histograms that use this slot or a higher one need wider columns and have narrower bars.
_WIDE_SLOT = 33


def _bar(count, largest, width):
    return "*" * (width * count // largest) if largest else ""


def _last_used(counts):
    return max((slot for slot, count in enumerate(counts) if count > 0), default=-1)


def log2_bounds(slot):
    """The first and last value of a slot: 0-1, 2-3, 4-7 and so on."""
    low = (1 << slot) >> 1
    return (0 if low == 1 else low), (1 << slot) - 1


def print_log2(counts, val_type, strip_leading_zero):
    """Prints slots 1 to the last one that isn't empty. strip_leading_zero: leave out the empty slots
    before the first used one."""
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
    """Prints slots 0 to the last one that isn't empty. strip_leading_zero: leave out the empty slots
    before the first used one."""
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
    """A dict for one section. section: another key and its value, or None. json.dumps() takes the dict
    if it takes that value."""
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
        raise IndexError("slot %d is outside the %d slots of this histogram" % (slot, len(counts)))
    counts[slot] = value


def _slot_field(key_class):
    """The name of the slot: the member after the bucket, except for padding that scripts declare."""
    fields = [field[0] for field in key_class._fields_]
    return next((name for name in fields[1:] if not name.startswith("__pad")), fields[1])


def _group_key(bucket):
    """A key that is equal for equal buckets: ctypes structs and arrays compare by identity."""
    return bytes(bucket) if isinstance(bucket, (ct.Structure, ct.Union, ct.Array)) else bucket


def sections(items, key_class, slots, bucket_fn, bucket_sort_fn):
    """[(bucket, counts)] of a table with struct keys. items: its (key, leaf) pairs. slots: how many
    slots a histogram has. bucket_fn: returns what to use in place of a bucket. bucket_sort_fn: returns
    the list of buckets sorted; otherwise they are in the order of the table. Raises IndexError for a
    slot that is out of range."""
    bucket_field, slot_field = key_class._fields_[0][0], _slot_field(key_class)
    buckets = {}
    for key, leaf in items:
        bucket = getattr(key, bucket_field)
        if bucket_fn:
            bucket = bucket_fn(bucket)
        _, counts = buckets.setdefault(_group_key(bucket), (bucket, [0] * slots))
        _count(counts, getattr(key, slot_field), leaf.value)
    names = [bucket for bucket, _ in buckets.values()]
    if bucket_sort_fn:
        names = bucket_sort_fn(names)
    return [(name, buckets[_group_key(name)][1]) for name in names]


def single(items, slots):
    """The counts of a table whose keys are slots. slots: how many there are. Raises IndexError for a
    slot that is out of range."""
    counts = [0] * slots
    for key, leaf in items:
        _count(counts, key.value, leaf.value)
    return counts


class Times:
    """How often something happened and how long it took, with a log2 histogram.

    count: how often it happened. total: nanoseconds. slots: the count of each slot.
    """

    def __init__(self, count, total, slots):
        self.count = count
        self.total = total
        self.slots = slots

    @classmethod
    def of(cls, total, slots):
        """The Times of a total in nanoseconds and the slots' counts, whose sum is the count."""
        slots = list(slots)
        return cls(sum(slots), total, slots)

    def since(self, earlier):
        """What was added since an earlier state, which may be None."""
        if earlier is None:
            return self
        return Times(self.count - earlier.count, self.total - earlier.total,
                     [count - before for count, before in zip(self.slots, earlier.slots)])

    def and_also(self, other):
        """The sum of this and another one."""
        return Times(self.count + other.count, self.total + other.total,
                     list(map(operator.add, self.slots, other.slots)))

    def rows(self):
        """A list of (lowest value, highest value, count) for each slot up to the last used one."""
        last = _last_used(self.slots)
        return [(*log2_bounds(slot), self.slots[slot]) for slot in range(1, last + 1)]

    def json_values(self, unit, unit_name):
        """The fields of a JSON object. unit: how many nanoseconds the unit of that name has."""
        total = self.total / unit
        return {"unit": unit_name, "count": self.count, "total": round(total, 3),
                "average": round(total / max(self.count, 1), 3),
                "histogram": [{"low": low, "high": high, "count": count}
                              for low, high, count in self.rows()]}

    def print(self, unit, unit_name, with_average):
        """Prints the histogram, whose slots are in the unit, and if with_average is set the average.
        unit: how many nanoseconds the unit of that name has."""
        print_log2(self.slots, unit_name, False)
        if with_average:
            total = self.total // unit
            print(f"\navg = {total // self.count} {unit_name}, total: {total} {unit_name}, "
                  f"count: {self.count}")
