#!/usr/bin/python3
"""The script that bench/tables runs with each module: fills tables, reads and clears them.

Prints its measurements as one line of JSON, in seconds of processor time; lookup and update are for one entry.
"""

import json
import statistics
import sys
import time

ENTRIES = 50000
ROUNDS = 3  # of operations on a whole table
SINGLE = 5000  # how many entries are looked up and written one by one

TEXT = """
BPF_HASH(counts, u64, u64, 65536);
BPF_PERCPU_HASH(per_cpu, u64, u64, 65536);

int use(struct __sk_buff *skb)
{
	u64 key = 0;

	counts.delete(&key);
	per_cpu.delete(&key);
	return 0;
}
"""


def spent(call, times=1):
    """The processor time of a call, as the median of several, and its result."""
    measured = []
    for _ in range(times):
        result = None  # free the last result before the next call
        start = time.process_time()
        result = call()
        measured.append(time.process_time() - start)
    return statistics.median(measured), result


def expect(there, what):
    """Fails on a wrong result, whose time would mean nothing."""
    if not there:
        sys.exit(f"{what} is wrong")


def fill(table):
    """Fills a table with entries whose value is twice the key."""
    numbers = range(ENTRIES)
    table.items_update_batch((table.Key * ENTRIES)(*numbers), (table.Leaf * ENTRIES)(*(2 * number for number in numbers)))


def read_all(table, measured):
    """Measures items(), values() and keys()."""
    measured["items"], items = spent(table.items, ROUNDS)
    expect(len(items) == ENTRIES and all(leaf.value == 2 * key.value for key, leaf in items), "items()")
    measured["values"], values = spent(table.values, ROUNDS)
    expect(sum(leaf.value for leaf in values) == ENTRIES * (ENTRIES - 1), "values()")
    measured["keys"], keys = spent(lambda: list(table.keys()), ROUNDS)
    expect(sum(key.value for key in keys) == ENTRIES * (ENTRIES - 1) // 2, "keys()")


def use_single(table, measured):
    """Measures access to single entries."""
    keys = [table.Key(number) for number in range(SINGLE)]
    leaf = table.Leaf(7)

    def update():
        for key in keys:
            table[key] = leaf

    measured["lookup"], values = spent(lambda: [table[key].value for key in keys])
    expect(sum(values) == SINGLE * (SINGLE - 1), "table[key]")
    measured["update"], _ = spent(update)
    for column in ("lookup", "update"):
        measured[column] /= SINGLE


def main():
    """Measures and prints."""
    import bcc

    bpf = bcc.BPF(text=TEXT)
    measured = {}
    table = bpf["counts"]
    fill(table)
    read_all(table, measured)
    use_single(table, measured)
    measured["clear"], _ = spent(table.clear)
    expect(not list(table.keys()), "clear()")
    per_cpu = bpf["per_cpu"]
    for number in range(ENTRIES):
        per_cpu[per_cpu.Key(number)] = per_cpu.Leaf(number)
    measured["per_cpu_items"], items = spent(per_cpu.items, ROUNDS)
    expect(len(items) == ENTRIES and all(leaf[0] == key.value for key, leaf in items), "items() of a per-CPU table")
    print(json.dumps({"module": bcc.__file__, **measured}))


main()
