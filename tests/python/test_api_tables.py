# SPDX-License-Identifier: Apache-2.0
"""Tables as scripts use them: batches of all kinds, conversion to and from text, descriptors, histograms."""

import ast
import ctypes as ct
import os
import re

import pytest

import ebcc
from ebcc import BPF, PerfSWConfig, PerfType
from ebcc.table import FileDesc
from conftest import getpgid, source
from kernel_calls import cgroup, in_cgroup, run

SOURCE = """
    struct key { u32 a; char b[4]; };
    struct leaf { u64 n; s16 s; u8 bits:3, more:5; };
    struct pair { u32 x; u32 y; };
    struct nested { struct pair pair; u64 slot; };
    struct named { char name[8]; u64 slot; };
    BPF_HASH(plain, u32, u64, 4096);
    BPF_HASH(structs, struct key, struct leaf, 16);
    BPF_ARRAY(array, u64, 4);
    BPF_PERCPU_HASH(per_cpu, u32, u64, 16);
    BPF_PERCPU_ARRAY(per_cpu_array, u32, 3);
    BPF_TABLE("lru_hash", u32, u64, lru, 16);
    BPF_LPM_TRIE(trie, struct pair, u32, 16);
    BPF_HISTOGRAM(slots);
    BPF_HISTOGRAM(by_name, struct named);
    BPF_HISTOGRAM(by_pair, struct nested);
    int prog(struct __sk_buff *skb) {
        u32 key = 0; struct key k = {}; struct pair p = {};
        struct named n = {}; struct nested m = {};
        plain.delete(&key); structs.delete(&k); array.increment(0); per_cpu.increment(key);
        per_cpu_array.increment(0); lru.delete(&key); trie.lookup(&p); slots.increment(0);
        by_name.increment(n); by_pair.increment(m);
        return 0;
    }"""


@pytest.fixture(scope="module")
def module():
    with BPF(text=source(SOURCE)) as bpf:
        yield bpf


@pytest.fixture
def tables(module):
    for name in module:
        module[name].clear()
    return module


# Batches.

@pytest.mark.parametrize("name", ["plain", "lru"])
def test_batches_of_hashes(tables, name):
    table = tables[name]
    table.items_update_batch((table.Key * 3)(1, 2, 3), (table.Leaf * 3)(10, 20, 30))
    assert sorted(table.items_lookup_batch()) == [(1, 10), (2, 20), (3, 30)]
    table.items_delete_batch((table.Key * 1)(2))
    assert sorted(table.items_lookup_and_delete_batch()) == [(1, 10), (3, 30)]
    assert list(table.items_lookup_batch()) == []


def test_batches_of_structs(tables):
    table = tables["structs"]
    keys = (table.Key * 2)((1, b"one"), (2, b"two"))
    leaves = (table.Leaf * 2)((1, -1, 1, 2), (2, -2, 3, 4))
    table.items_update_batch(keys, leaves)
    found = {key.b: (leaf.n, leaf.s, leaf.bits, leaf.more)
             for key, leaf in table.items_lookup_batch()}
    assert found == {b"one": (1, -1, 1, 2), b"two": (2, -2, 3, 4)}
    assert len(list(table.items_lookup_and_delete_batch())) == 2 and len(table) == 0


def test_batches_of_arrays(tables):
    table = tables["array"]
    table.items_update_batch((table.Key * 2)(1, 3), (table.Leaf * 2)(11, 33))
    assert list(table.items_lookup_batch()) == [(0, 0), (1, 11), (2, 0), (3, 33)]


@pytest.mark.parametrize("name", ["per_cpu", "per_cpu_array"])
def test_batches_per_cpu(tables, name):
    table = tables[name]
    leaves = (table.Leaf * 2)(*[table.Leaf(*[number + cpu for cpu in range(table.total_cpu)])
                                for number in (10, 20)])
    table.items_update_batch((table.Key * 2)(1, 2), leaves)
    found = {key: list(leaf) for key, leaf in table.items_lookup_batch()}
    for number, key in ((10, 1), (20, 2)):
        assert found[key] == [number + cpu for cpu in range(table.total_cpu)]


def test_batches_that_take_several_calls(tables):
    table, count = tables["plain"], 3000
    table.items_update_batch((table.Key * count)(*range(count)),
                             (table.Leaf * count)(*[2 * n for n in range(count)]))
    assert dict(table.items_lookup_batch()) == {n: 2 * n for n in range(count)}
    assert dict(table.items_lookup_and_delete_batch()) == {n: 2 * n for n in range(count)}
    assert len(table) == 0


@pytest.mark.parametrize("keys, leaves", [
    ([1], [2]), ((ct.c_ubyte * 1)(1), (ct.c_ulonglong * 1)(1)),
    ((ct.c_uint * 1)(1), (ct.c_uint * 1)(1)), ((ct.c_uint * 2)(1, 2), (ct.c_ulonglong * 1)(1))])
def test_batches_of_wrong_types_and_lengths(tables, keys, leaves):
    with pytest.raises((TypeError, ValueError)):
        tables["plain"].items_update_batch(keys, leaves)
    assert len(tables["plain"]) == 0


def test_batch_into_a_full_table(tables):
    table, count = tables["structs"], 17
    keys = (table.Key * count)(*[(n, b"") for n in range(count)])
    with pytest.raises(ebcc.Error, match="full|entries"):
        table.items_update_batch(keys, (table.Leaf * count)())


# Text.

@pytest.mark.parametrize("text, key", [
    (b'{ 0x7 "ab" }', (7, b"ab")), ('{ 7 "abc" }', (7, b"abc")), ("{ .a = 3 }", (3, b""))])
def test_keys_from_text(tables, text, key):
    scanned = tables["structs"].key_scanf(text)
    assert (scanned.a, scanned.b) == key
    assert bytes(tables["structs"].key_scanf(tables["structs"].key_sprintf(scanned))) == bytes(scanned)


def test_bit_fields_as_text(tables):
    table = tables["structs"]
    text = table.leaf_sprintf(table.Leaf(1, -2, 5, 30))
    assert text == b"{ 0x1 0xfffe 0x5 0x1e }"
    leaf = table.leaf_scanf(text)
    assert (leaf.n, leaf.s, leaf.bits, leaf.more) == (1, -2, 5, 30)


@pytest.mark.parametrize("text", ["", "{", "{ 1 2 3 4 5 6 7 }", "{ x }", "{ 1 } 2"])
def test_text_that_is_not_a_key(tables, text):
    with pytest.raises(ebcc.Error):
        tables["structs"].key_scanf(text)


# Leaves with a value for each CPU.

def test_reducer_applies_to_all_reads(tables):
    table = tables["per_cpu"]
    cpus = table.total_cpu
    table[3] = table.Leaf(*range(1, cpus + 1))
    total = sum(range(1, cpus + 1))
    joined = tables.get_table("per_cpu", reducer=lambda one, other: one + other)
    assert joined[3] == total and joined.get(3) == total and joined.get(4) is None
    assert [(key.value, leaf) for key, leaf in joined.items()] == [(3, total)]
    assert joined.values() == [total] and list(joined.itervalues()) == [total]
    assert list(joined.getvalue(3)) == list(range(1, cpus + 1))


# Descriptors as leaves.

def test_functions_in_a_program_array(load):
    bpf = load("""
        BPF_PROG_ARRAY(programs, 4);
        int first(struct __sk_buff *skb) { programs.call(skb, 3); return 1; }
        int second(struct __sk_buff *skb) { return 2; }""")
    first, second = bpf.load_funcs(BPF.SCHED_CLS)
    programs = bpf["programs"]
    assert run(first)[0] == 1
    for leaf in (second, ct.c_int(second.fd), second.fd):
        programs[ct.c_int(3)] = leaf
        assert run(first)[0] == 2
        del programs[3]
        assert run(first)[0] == 1
    programs[-1] = second
    assert run(first)[0] == 2
    programs.clear()
    assert run(first)[0] == 1
    with pytest.raises(IndexError):
        programs[4] = second
    with pytest.raises(ebcc.Error):
        programs[0] = 999999


def test_file_descriptors_in_a_cgroup_array(load, cgroup2):
    bpf = load("""
        BPF_CGROUP_ARRAY(groups, 1);
        BPF_ARRAY(inside, u64, 2);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            u64 key = 0;
            if (args->pid != 4000001)
                return 0;
            inside.increment(groups.check_current_task(0) > 0);
            return 0;
        }""")
    with cgroup("api") as path:
        with FileDesc(os.open(path, os.O_RDONLY)) as group:
            bpf["groups"][0] = group
        getpgid(4000001)
        in_cgroup(path, "/usr/bin/python3", "-c", """
import os
try: os.getpgid(4000001)
except ProcessLookupError: pass""")
    assert [leaf.value for leaf in bpf["inside"].values()] == [1, 1]


def test_deleting_entries_that_cannot_be_zeroed(load):
    """A counter, a map, a device: a zero can't be written in their place."""
    bpf = load("""
        BPF_ARRAY(inner, u64, 2);
        BPF_ARRAY_OF_MAPS(outer, "inner", 2);
        BPF_DEVMAP(devices, 2);
        BPF_PERF_ARRAY(counters, 1);""")
    bpf["outer"][-1], bpf["devices"][1] = bpf["inner"], 1
    bpf["counters"].open_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK)
    for name, key in (("outer", -1), ("devices", 1), ("counters", 0)):
        del bpf[name][key]
    assert bpf["outer"].items() == bpf["devices"].items() == []
    with pytest.raises(KeyError):
        del bpf["counters"][0]
    for name in ("outer", "devices", "counters"):
        with pytest.raises(IndexError):
            del bpf[name][2]


def test_file_descriptor_is_closed():
    first, other = os.pipe()
    os.close(other)
    with FileDesc(first) as owned:
        assert owned.fd == first
    with pytest.raises(OSError):
        os.fstat(first)
    with pytest.raises(ValueError):
        FileDesc(-1)


def test_tables_in_tables(load):
    bpf = load("""
        BPF_TABLE("hash", u32, u64, inner, 8);
        BPF_TABLE("hash", u32, u64, other, 8);
        BPF_ARRAY_OF_MAPS(outer, "inner", 2);
        int prog(struct __sk_buff *skb) {
            u32 index = 1, key = 7; u64 *value; void *table = outer.lookup(&index);
            if (!table) return 100;
            value = bpf_map_lookup_elem(table, &key);
            inner.delete(&key);
            other.lookup(&key);
            return value ? *value : 101;
        }""")
    prog = bpf.load_func("prog", BPF.SCHED_CLS)
    bpf["other"][7] = 55
    assert run(prog)[0] == 100
    bpf["outer"][1] = bpf["other"]
    assert run(prog)[0] == 55
    bpf["outer"][1] = bpf["inner"].get_fd()
    assert run(prog)[0] == 101
    bpf["outer"][ct.c_int(1)] = ct.c_int(bpf["other"].map_fd)
    assert run(prog)[0] == 55


@pytest.mark.parametrize("kind, order", [("BPF_QUEUE", [1, 2, 3]), ("BPF_STACK", [3, 2, 1])])
def test_queues_and_stacks(load, kind, order):
    bpf = load("""
        struct item { u32 n; char name[4]; };
        %s(items, struct item, 3);
        int prog(struct __sk_buff *skb) {
            struct item item = {}; items.push(&item, 0); return 0; }""" % kind)
    items = bpf["items"]
    for number in (1, 2, 3):
        items.push((number, b"x"))
    assert items.peek().n == order[0]
    with pytest.raises(ebcc.Error):
        items.push(items.Leaf(4))
    items.push(items.Leaf(4, b"four"), flags=items.BPF_EXIST)
    assert len(items.values()) == 3
    for take in (items.pop, items.peek):
        with pytest.raises(KeyError):
            take()


def test_perf_counters_of_one_process(load):
    bpf = load("""
        BPF_PERF_ARRAY(counters, EBCC_CPU_COUNT);
        BPF_ARRAY(seen, u64, 1);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            u32 zero = 0; u64 value;
            FILTER
            value = counters.perf_read(BPF_F_CURRENT_CPU);
            seen.update(&zero, &value);
            return 0;
        }""")
    bpf["counters"].open_perf_event(PerfType.SOFTWARE, PerfSWConfig.TASK_CLOCK, pid=os.getpid())
    sum(number * number for number in range(100000))
    getpgid(1)
    first = bpf["seen"][0].value
    sum(number * number for number in range(100000))
    getpgid(1)
    assert 0 < first and bpf["seen"][0].value < 60 * 10 ** 9


def test_walking_a_stack(load):
    bpf = load("""
        BPF_STACK_TRACE(stacks, 16384);
        BPF_HASH(ids, u32, int);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            u32 key = 0; int id;
            FILTER
            id = stacks.get_stackid(args, BPF_F_REUSE_STACKID);
            ids.update(&key, &id);
            return 0;
        }""")
    getpgid(1)
    stack_id = bpf["ids"][0]
    addresses = list(bpf["stacks"].walk(stack_id.value))
    assert len(addresses) > 2 and all(address >> 63 for address in addresses)
    names = list(bpf["stacks"].walk(stack_id, BPF.ksym))
    assert names == [BPF.ksym(address) for address in addresses] and b"[unknown]" not in names[:2]
    for missing in (-14, stack_id.value ^ 1, 1 << 20):
        with pytest.raises(KeyError):
            bpf["stacks"].walk(missing)


# Histograms.

def lines(text):
    return [line.rstrip() for line in text.splitlines()]


def test_histogram_with_nested_keys(tables, capsys):
    table = tables["by_pair"]
    for (x, y), slot, count in (((1, 2), 3, 5), ((1, 2), 4, 6), ((0, 9), 1, 1)):
        table[table.Key((x, y), slot)] = count
    table.print_log2_hist("msecs", "pair", section_print_fn=lambda pair: "%d/%d" % pair,
                          bucket_fn=lambda pair: (pair.x, pair.y), bucket_sort_fn=sorted)
    with_function = capsys.readouterr().out
    table.print_log2_hist("msecs", "pair", section_print_fn=lambda pair: "%d/%d" % (pair.x, pair.y),
                          bucket_sort_fn=lambda pairs: sorted(pairs, key=lambda pair: pair.x))
    assert capsys.readouterr().out == with_function
    assert lines(with_function)[1:4] == [
        "pair = 0/9", "     msecs               : count     distribution",
        "         0 -> 1          : 1        |****************************************|"]
    assert lines(with_function)[-2:] == [
        "         4 -> 7          : 5        |*********************************       |",
        "         8 -> 15         : 6        |****************************************|"]


def test_linear_histogram_in_sections(tables, capsys):
    table = tables["by_name"]
    for name, slot, count in ((b"b", 2, 8), (b"a", 1, 4), (b"a", 3, 2)):
        table[table.Key(name, slot)] = count
    table.print_linear_hist("size", "disk", section_print_fn=bytes.decode, bucket_sort_fn=sorted,
                            strip_leading_zero=True)
    assert lines(capsys.readouterr().out) == [
        "", "disk = a", "     size          : count     distribution",
        "        1          : 4        |****************************************|",
        "        2          : 0        |                                        |",
        "        3          : 2        |********************                    |",
        "", "disk = b", "     size          : count     distribution",
        "        2          : 8        |****************************************|"]


def test_joined_buckets(tables, capsys):
    table = tables["by_name"]
    table[table.Key(b"a1", 2)] = 3
    table[table.Key(b"a2", 3)] = 6
    table.print_log2_hist("us", "group", bucket_fn=lambda name: name[:1],
                          section_print_fn=bytes.decode, strip_leading_zero=True)
    assert lines(capsys.readouterr().out) == [
        "", "group = a", "     us                  : count     distribution",
        "         2 -> 3          : 3        |********************                    |",
        "         4 -> 7          : 6        |****************************************|"]


def test_json_histogram_in_sections(tables, capsys):
    table = tables["by_name"]
    table[table.Key(b"a", 2)] = 3
    table[table.Key(b"b", 1)] = 1
    table.print_json_hist("us", "disk", section_print_fn=bytes.decode, bucket_sort_fn=sorted)
    first, second = [ast.literal_eval(line) for line in lines(capsys.readouterr().out)]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", first.pop("ts"))
    assert first == {"val_type": "us", "disk": "a", "data": [
        {"interval-start": 0, "interval-end": 1, "count": 0},
        {"interval-start": 2, "interval-end": 3, "count": 3}]}
    assert second["disk"] == "b" and len(second["data"]) == 1


def test_slots_beyond_a_linear_histogram(load, capsys):
    bpf = load("""
        BPF_HISTOGRAM(large, int, 2048);
        int prog(struct __sk_buff *skb) { large.increment(0); return 0; }""")
    bpf["large"][1024] = 1
    bpf["large"].print_linear_hist("size")
    assert lines(capsys.readouterr().out)[-1].startswith("        1024       : 1 ")
    bpf["large"][2000] = 1
    with pytest.raises(IndexError, match="2000"):
        bpf["large"].print_linear_hist("size")
