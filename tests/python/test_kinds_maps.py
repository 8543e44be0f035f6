# SPDX-License-Identifier: Apache-2.0
"""Every kind of table and every method, by the values that packet programs see and leave. The tests run these programs
themselves."""

import ctypes as ct
import os
import socket
import struct
import subprocess

import pytest

import ebcc
from ebcc import BPF, PerfSWConfig, PerfType
from conftest import getpgid
from kernel_calls import cgroup, in_cgroup, network_namespace, run

CLS = BPF.SCHED_CLS


def cls(bpf, name="prog"):
    return bpf.load_func(name, CLS)


def flags_of(bpf, name):
    with open("/proc/self/fdinfo/%d" % bpf[name].get_fd(), encoding="ascii") as info:
        return int(dict(line.split(":\t") for line in info)["map_flags"], 16)


# Declarations: defaults, optional parameters, types written in place.

DECLARATIONS = [
    # declaration, map type, key size, leaf size, entries
    ("BPF_HASH(t)", 1, 8, 8, 10240),
    ("BPF_HASH(t, u32)", 1, 4, 8, 10240),
    ("BPF_HASH(t, u32, u16)", 1, 4, 2, 10240),
    ("BPF_HASH(t, u32, u16, 5)", 1, 4, 2, 5),
    ("BPF_HASH(t, struct { u32 a; u32 b; char c[3]; }, struct { u8 x; u8 y; })", 1, 12, 2, 10240),
    ("BPF_HASH(t, struct { u32 a; u32 b; }, struct { u8 x; u8 y; } "
     "__attribute__((packed, aligned(4))), 7)", 1, 8, 4, 7),
    ("BPF_HASH(t, struct { u32 a, b; char c[3], d; }, struct { struct { u8 p, q; } r, s; } , 9)", 1, 12, 4, 9),
    ('BPF_TABLE("lru_hash", struct { u32 a, b; }, struct { u8 x, y; }, t, 6)', 9, 8, 2, 6),
    ('BPF_F_TABLE("hash", enum { ONE = 1, TWO }, union { u64 a, b; }, t, 6, 1)', 1, 4, 8, 6),
    ("BPF_PERCPU_HASH(t)", 5, 8, 8, 10240),
    ("BPF_PERCPU_HASH(t, u8, u32, 3)", 5, 1, 4, 3),
    ("BPF_LPM_TRIE(t)", 11, 8, 8, 10240),
    ("BPF_LPM_TRIE(t, struct { u32 bits; u8 address[4]; }, u32, 9)", 11, 8, 4, 9),
    ("BPF_ARRAY(t)", 2, 4, 8, 10240),
    ("BPF_ARRAY(t, u32)", 2, 4, 4, 10240),
    ("BPF_ARRAY(t, struct { int a; int b; int c; }, 4)", 2, 4, 12, 4),
    ("BPF_ARRAY(t, struct { int a, b, c; }, 4)", 2, 4, 12, 4),
    ("BPF_HISTOGRAM(t, struct { u32 cpu, slot; })", 1, 8, 8, 64),
    ("BPF_QUEUE(t, struct { u16 a, b; }, 4)", 22, 0, 4, 4),
    ("BPF_PERCPU_ARRAY(t)", 6, 4, 8, 10240),
    ("BPF_PERCPU_ARRAY(t, u8, 2)", 6, 4, 1, 2),
    ("BPF_HISTOGRAM(t)", 2, 4, 8, 64),
    ("BPF_HISTOGRAM(t, int, 10)", 2, 4, 8, 10),
    ("BPF_HISTOGRAM(t, u32)", 1, 4, 8, 64),
    ("BPF_HISTOGRAM(t, struct { u64 bucket; u64 slot; }, 99)", 1, 16, 8, 99),
    ("BPF_STACK_TRACE(t, 1000)", 7, 4, 127 * 8, 1024),
    ("BPF_STACK_TRACE_BUILDID(t, 64)", 7, 4, 127 * 32, 64),
    ("BPF_PERF_ARRAY(t, 6)", 4, 4, 4, 6),
    ("BPF_PROG_ARRAY(t, 6)", 3, 4, 4, 6),
    ("BPF_CGROUP_ARRAY(t, 6)", 8, 4, 4, 6),
    ("BPF_QUEUE(t, struct { int a; int b; }, 3)", 22, 0, 8, 3),
    ("BPF_STACK(t, u16, 3)", 23, 0, 2, 3),
    ("BPF_QUEUESTACK(\"queue\", t, u16, 3, 0)", 22, 0, 2, 3),
    ("BPF_QUEUESTACK(\"stack\", t, u16, 3, 0)", 23, 0, 2, 3),
    ("BPF_ARRAY(in, u64, 2); BPF_ARRAY_OF_MAPS(t, \"in\", 3)", 12, 4, 4, 3),
    ("BPF_ARRAY(in, u64, 2); BPF_HASH_OF_MAPS(t, \"in\")", 13, 4, 4, 10240),
    ("BPF_ARRAY(in, u64, 2); BPF_HASH_OF_MAPS(t, u64, \"in\")", 13, 8, 4, 10240),
    ("BPF_ARRAY(in, u64, 2); BPF_HASH_OF_MAPS(t, struct { u32 a, b; }, \"in\")", 13, 8, 4, 10240),
    ("#define IN \"in\"\nBPF_ARRAY(in, u64, 2); BPF_HASH_OF_MAPS(t, IN, 3 + 2)", 13, 4, 4, 5),
    ("BPF_ARRAY(in, u64, 2); BPF_HASH_OF_MAPS(t, struct { u32 a; u32 b; u32 c; }, \"in\", 5)", 13,
     12, 4, 5),
    ("BPF_DEVMAP(t, 3)", 14, 4, 4, 3),
    ("BPF_CPUMAP(t, 2)", 16, 4, 4, 2),
    ("BPF_XSKMAP(t, 3)", 17, 4, 4, 3),
    ("BPF_SOCKMAP(t, 3)", 15, 4, 4, 3),
    ("BPF_SOCKHASH(t)", 18, 4, 4, 10240),
    ("BPF_SOCKHASH(t, struct { u32 a; u32 b; })", 18, 8, 4, 10240),
    ("BPF_SOCKHASH(t, u64, 4)", 18, 8, 4, 4),
    ("BPF_SK_STORAGE(t, struct { u64 a; u64 b; })", 24, 4, 16, 0),
    ("BPF_INODE_STORAGE(t, u64)", 28, 4, 8, 0),
    ("BPF_TASK_STORAGE(t, u64)", 29, 4, 8, 0),
    ("BPF_CGROUP_STORAGE(t, u64)", 19, 16, 8, 0),
    ("BPF_PERCPU_CGROUP_STORAGE(t, u32)", 21, 16, 4, 0),
] + [("BPF_TABLE(\"%s\", u32, u32, t, 8)" % name, number, 4, 4, 8) for name, number in (
    ("hash", 1), ("array", 2), ("prog", 3), ("perf_array", 4), ("percpu_hash", 5),
    ("percpu_array", 6), ("cgroup_array", 8), ("lru_hash", 9), ("lru_percpu_hash", 10),
    ("devmap", 14), ("sockmap", 15), ("cpumap", 16), ("xskmap", 17), ("sockhash", 18),
    ("devmap_hash", 25), ("histogram", 1))] + [
    ("BPF_TABLE(\"histogram\", int, u64, t, 8)", 2, 4, 8, 8),
    ("BPF_TABLE(\"lpm_trie\", struct { u32 bits; u32 address; }, u32, t, 8)", 11, 8, 4, 8),
    ("BPF_TABLE(\"hash\", struct { u8 a; u8 b; u8 c; }, struct { u16 d; u16 e; }, t, 8)", 1, 3,
     4, 8),
    ("BPF_TABLE(\"stacktrace\", int, struct bpf_stacktrace, t, 8)", 7, 4, 127 * 8, 8),
    ("BPF_TABLE(\"queue\", int, u64, t, 8)", 22, 0, 8, 8),
    ("BPF_TABLE(\"stack\", int, u64, t, 8)", 23, 0, 8, 8),
    ("BPF_ARRAY(in, u64, 2); BPF_TABLE(\"array_of_maps$in\", int, int, t, 8)", 12, 4, 4, 8),
    ("BPF_ARRAY(in, u64, 2); BPF_TABLE(\"hash_of_maps$in\", u64, int, t, 8)", 13, 8, 4, 8),
    ("BPF_TABLE_PUBLIC(\"hash\", u32, u64, t, 8)", 1, 4, 8, 8),
    ("BPF_TABLE_SHARED(\"hash\", struct { u32 a; u32 b; }, u64, t, 8)", 1, 8, 8, 8),
    ("BPF_QUEUESTACK_PUBLIC(\"queue\", t, u16, 3, 0)", 22, 0, 2, 3),
    ("BPF_QUEUESTACK_SHARED(\"stack\", t, u16, 3, 0)", 23, 0, 2, 3),
]


@pytest.mark.parametrize("declaration, kind, key, leaf, entries", DECLARATIONS,
                         ids=[row[0] for row in DECLARATIONS])
def test_a_declaration_sets_type_sizes_and_entries(load, declaration, kind, key, leaf, entries):
    bpf = load(declaration + ";\nint nothing(void *ctx) { return 0; }")
    with open("/proc/self/fdinfo/%d" % bpf["t"].get_fd(), encoding="ascii") as info:
        facts = dict(line.rstrip("\n").split(":\t") for line in info)
    assert [int(facts[fact]) for fact in ("map_type", "key_size", "value_size", "max_entries")] == \
        [kind, key, leaf, entries]


@pytest.mark.parametrize("declaration, flags", [
    ("BPF_F_TABLE(\"hash\", u32, u64, t, 8, 1)", 1),
    ("BPF_F_TABLE(\"hash\", u32, u64, t, 8, BPF_F_NO_PREALLOC)", 1),
    ("BPF_F_TABLE(\"array\", int, u64, t, 8, BPF_F_MMAPABLE)", 1 << 10),
    ("BPF_F_TABLE(\"array\", int, u64, t, 8, BPF_F_RDONLY_PROG)", 1 << 7),
    ("BPF_F_TABLE(\"lru_hash\", u32, u64, t, 8, BPF_F_NO_COMMON_LRU)", 1 << 1),
    ("BPF_LPM_TRIE(t)", 1),
    ("BPF_TASK_STORAGE(t, u64)", 1),
    ("BPF_STACK_TRACE_BUILDID(t, 8)", 1 << 5),
    ("BPF_QUEUE(t, u64, 8, BPF_F_RDONLY_PROG)", 1 << 7),
])
def test_a_declaration_sets_flags(load, declaration, flags):
    bpf = load(declaration + ";\nint nothing(void *ctx) { return 0; }")
    assert flags_of(bpf, "t") == flags


def test_unknown_table_type_is_an_error(load):
    with pytest.raises(ebcc.CompileError, match='unknown table type "hush"'):
        load('BPF_TABLE("hush", u32, u32, t, 8);\nint nothing(void *ctx) { return 0; }')


@pytest.mark.parametrize("declaration, message", [
    ("BPF_ARRAY(t, u64, 1ULL << 40)", "a table has at most 4294967295 entries"),
    ("BPF_HASH(t, u32, u32, 1ULL << 32)", "a table has at most 4294967295 entries"),
    ('BPF_TABLE("hash", u32, u32, t, 5000000000)', "a table has at most 4294967295 entries"),
    ("BPF_QUEUE(t, u32, 1ULL << 33)", "a table has at most 4294967295 entries"),
    ("BPF_STACK_TRACE(t, 1ULL << 40)", "a table has at most 4294967295 entries"),
    ("BPF_RINGBUF_OUTPUT(t, 1 << 20)", "a ring buffer has less than 4 GB"),
    ("BPF_ARRAY(t, u64, -1)", "the size of a table can't be negative"),
])
def test_impossible_sizes_are_errors(load, declaration, message):
    with pytest.raises(ebcc.CompileError, match=message) as caught:
        load(declaration + ";\nint nothing(void *ctx) { return 0; }")
    assert "main.c:1:" in str(caught.value) and str(caught.value).count("error:") == 1


# Keyed tables.

@pytest.mark.parametrize("declaration", [
    "BPF_HASH(t, u32, u64, 2)", 'BPF_TABLE("hash", u32, u64, t, 2)',
    'BPF_TABLE_PUBLIC("hash", u32, u64, t, 2)', 'BPF_F_TABLE("hash", u32, u64, t, 2, 1)'])
def test_methods_of_a_hash(load, declaration):
    bpf = load(declaration + """;
        int lookup(struct __sk_buff *skb) {
            u32 key = 1;
            u64 *leaf = t.lookup(&key);
            return leaf ? *leaf : -1;
        }
        int update(struct __sk_buff *skb) {
            u32 key = 1; u64 leaf = 10;
            return t.update(&key, &leaf);
        }
        int insert(struct __sk_buff *skb) {
            u32 key = 1; u64 leaf = 20;
            return t.insert(&key, &leaf);
        }
        int remove(struct __sk_buff *skb) {
            u32 key = 1;
            return t.delete(&key);
        }
        int try_init(struct __sk_buff *skb) {
            u32 key = skb->mark; u64 zero = 30, *leaf;
            leaf = t.lookup_or_try_init(&key, &zero);
            return leaf ? (*leaf)++ : -1;
        }
        int or_init(struct __sk_buff *skb) {
            u32 key = skb->mark; u64 zero = 40;
            (*t.lookup_or_init(&key, &zero))++;
            return 7;
        }
        int increment(struct __sk_buff *skb) {
            t.increment(1);
            t.increment(1, 5);
            t.atomic_increment(1);
            t.atomic_increment(1, 100);
            t.increment(1, -2);
            return 0;
        }""")
    functions = {name: cls(bpf, name) for name in (
        "lookup", "update", "insert", "remove", "try_init", "or_init", "increment")}
    table = bpf["t"]

    def call(name, mark=1):
        # skb->mark is at offset 8 of struct __sk_buff.
        return run(functions[name], context=struct.pack("<III", 0, 0, mark) + bytes(180))[0]

    assert call("lookup") == -1
    assert (call("remove"), call("insert")) == (-2, 0)
    assert (call("lookup"), call("insert")) == (20, -17)
    assert (call("update"), call("lookup")) == (0, 10)
    assert (call("remove"), call("lookup")) == (0, -1)
    assert (call("try_init"), call("try_init"), table[1].value) == (30, 31, 32)
    table.clear()
    assert (call("or_init"), call("or_init"), table[1].value) == (7, 7, 42)
    # A third key doesn't fit: lookup_or_init() makes the program return 0, lookup_or_try_init() gives NULL.
    assert call("or_init", 2) == 7
    assert (call("or_init", 3), call("try_init", 3)) == (0, -1)
    table.clear()
    call("increment")
    assert table[1].value == 105


def test_methods_with_struct_keys_and_leaves(load):
    bpf = load("""
        BPF_HASH(t, struct { u32 a; u32 b; }, struct { u64 count; char name[4]; });
        struct key_t { u32 a, b; };
        BPF_HASH(named, struct key_t);
        int prog(struct __sk_buff *skb) {
            typeof(*((typeof(t.lookup(0)))0)) fresh = {};
            struct key_t key = {3, 4};
            typeof(t.lookup(0)) leaf;
            fresh.count = 5; fresh.name[0] = 'x';
            t.update((void *)&key, &fresh);
            leaf = t.lookup((void *)&key);
            if (leaf)
                leaf->count += 2;
            named.increment(key);
            named.atomic_increment(key, 3);
            return 0;
        }""")
    assert run(cls(bpf))[0] == 0
    [(key, leaf)] = bpf["t"].items()
    assert (key.a, key.b, leaf.count, leaf.name) == (3, 4, 7, b"x")
    assert [(key.a, key.b, leaf.value) for key, leaf in bpf["named"].items()] == [(3, 4, 4)]


@pytest.mark.parametrize("leaf, expected", [
    ("u8", 5), ("s8", 5), ("u16", 5), ("s16", 5), ("u32", 5), ("int", 5), ("s64", 5),
    ("long long", 5), ("unsigned long", 5)])
def test_increment_of_leaves_of_every_size(load, leaf, expected):
    bpf = load("BPF_ARRAY(t, %s, 4);\n" % leaf + """
        int prog(struct __sk_buff *skb) {
            int key = 2;
            t.increment(key); t.increment(key, 7); t.increment(key, -3);
            return 0;
        }""")
    run(cls(bpf))
    assert [value.value for value in bpf["t"].values()] == [0, 0, expected, 0]


def test_methods_of_arrays_lru_and_per_cpu_tables(load):
    bpf = load("""
        BPF_ARRAY(array, u64, 2);
        BPF_PERCPU_ARRAY(percpu, u32, 2);
        BPF_PERCPU_HASH(percpu_hash, u16, u64);
        BPF_TABLE("lru_percpu_hash", u32, u64, lru_percpu, 8);
        BPF_TABLE("lru_hash", u32, u64, lru, 4);
        BPF_HISTOGRAM(dist);
        BPF_HISTOGRAM(by_struct, struct { u32 bucket; u32 slot; });
        struct slot { u32 bucket, slot; };
        BPF_HISTOGRAM(by_named, struct slot);
        int prog(struct __sk_buff *skb) {
            int one = 1, two = 2;
            u64 value = 8, *at = array.lookup(&one);
            struct slot slot = {1, 2};
            if (at) *at = 5;
            array.update(&one, &value);
            percpu.increment(one, 4);
            percpu_hash.increment(300, 2);
            lru_percpu.increment(9);
            for (u32 i = 0; i < 100; i++)
                lru.update(&i, &value);
            dist.increment(bpf_log2l(1000), 3);
            by_named.increment(slot);
            return array.lookup(&two) ? 1 : 0;
        }""")
    assert run(cls(bpf))[0] == 0
    assert [leaf.value for leaf in bpf["array"].values()] == [0, 8]
    assert (bpf["percpu"].sum(1).value, bpf["percpu"].sum(0).value) == (4, 0)
    assert bpf["percpu_hash"].sum(300).value == 2
    assert bpf["lru_percpu"].sum(9).value == 1
    assert 0 < len(bpf["lru"]) <= 100 and {leaf.value for leaf in bpf["lru"].values()} == {8}
    assert bpf["dist"][10].value == 3
    assert [(key.bucket, key.slot, leaf.value) for key, leaf in bpf["by_named"].items()] == \
        [(1, 2, 1)]


def test_a_trie_finds_the_longest_prefix(load):
    bpf = load("""
        struct prefix { u32 bits; u8 address[4]; };
        BPF_LPM_TRIE(routes, struct prefix, u32);
        int prog(struct __sk_buff *skb) {
            struct prefix key = {32, {10, 1, 2, 3}};
            u32 *route = routes.lookup(&key);
            return route ? *route : 0;
        }""")
    routes, prog = bpf["routes"], cls(bpf)
    results = []
    for bits, address, route in ((0, (0, 0, 0, 0), 1), (8, (10, 0, 0, 0), 2),
                                 (24, (10, 1, 2, 0), 3), (25, (10, 1, 2, 128), 4)):
        routes[routes.Key(bits, (ct.c_ubyte * 4)(*address))] = ct.c_uint(route)
        results.append(run(prog)[0])
    assert results == [1, 2, 3, 3]


# Queues and stacks.

@pytest.mark.parametrize("declaration, order", [
    ("BPF_QUEUE(t, u32, 3)", [1, 2, 3]), ("BPF_STACK(t, u32, 3)", [3, 2, 1]),
    ('BPF_QUEUESTACK("queue", t, u32, 3, 0)', [1, 2, 3]),
    ('BPF_TABLE("stack", int, u32, t, 3)', [3, 2, 1])])
def test_push_pop_peek(load, declaration, order):
    bpf = load(declaration + """;
        int push(struct __sk_buff *skb) {
            u32 value = skb->mark;
            return t.push(&value, 0);
        }
        int replace(struct __sk_buff *skb) {
            u32 value = skb->mark;
            return t.push(&value, BPF_EXIST);
        }
        int pop(struct __sk_buff *skb) {
            u32 value = 0;
            int error = t.pop(&value);
            return error ? error : value;
        }
        int peek(struct __sk_buff *skb) {
            u32 value = 0;
            int error = t.peek(&value);
            return error ? error : value;
        }""")
    functions = {name: cls(bpf, name) for name in ("push", "pop", "peek", "replace")}

    def call(name, mark=0):
        return run(functions[name], context=struct.pack("<III", 0, 0, mark) + bytes(180))[0]

    assert (call("peek"), call("pop")) == (-2, -2)
    assert [call("push", value) for value in (1, 2, 3)] == [0, 0, 0]
    assert call("push", 4) == -7  # E2BIG
    assert [call("peek"), call("pop"), call("pop"), call("pop")] == [order[0]] + order
    assert [call("push", value) for value in (1, 2, 3)] == [0, 0, 0]
    assert call("replace", 4) == 0
    assert sorted(call("pop") for _ in range(3)) == [2, 3, 4]


# Maps in maps.

@pytest.mark.parametrize("array, hashes", [
    ('BPF_ARRAY_OF_MAPS(array, "inner", 4)', 'BPF_HASH_OF_MAPS(hashes, u64, "inner", 4)'),
    ('BPF_ARRAY_OF_MAPS(array, "inner", 4)', 'BPF_HASH_OF_MAPS(hashes, u64, "inner")'),
    ('BPF_TABLE("array_of_maps$inner", int, int, array, 4)',
     'BPF_TABLE("hash_of_maps$inner", u64, int, hashes, 4)')])
def test_maps_in_maps(load, array, hashes):
    bpf = load("BPF_ARRAY(inner, u64, 2); BPF_ARRAY(first, u64, 2); BPF_ARRAY(second, u64, 2);\n" +
               array + ";\n" + hashes + """;
        int prog(struct __sk_buff *skb) {
            int index = 1, zero = 0;
            u64 key = 77, *value;
            void *map = array.lookup(&index);
            if (!map)
                return -1;
            value = bpf_map_lookup_elem(map, &zero);
            if (!value)
                return -2;
            *value += 5;
            map = hashes.lookup(&key);
            if (!map)
                return -3;
            value = bpf_map_lookup_elem(map, &zero);
            if (!value)
                return -4;
            *value += 7;
            return 1;
        }""")
    prog = cls(bpf)
    assert run(prog)[0] == -1
    bpf["array"][1] = bpf["first"]
    assert run(prog)[0] == -3
    bpf["hashes"][77] = ct.c_int(bpf["second"].get_fd())
    assert run(prog)[0] == 1
    assert (bpf["first"][0].value, bpf["second"][0].value, bpf["inner"][0].value) == (10, 7, 0)
    del bpf["hashes"][77]
    assert run(prog)[0] == -3


def test_inner_table_must_exist(load):
    with pytest.raises(ebcc.Error, match="no inner table 'missing'"):
        load('BPF_ARRAY_OF_MAPS(t, "missing", 4);\nint nothing(void *ctx) { return 0; }')


# Tail calls.

@pytest.mark.parametrize("declaration", ["BPF_PROG_ARRAY(calls, 4)",
                                         'BPF_TABLE("prog", int, int, calls, 4)'])
def test_tail_calls(load, declaration):
    bpf = load(declaration + """;
        BPF_ARRAY(trail, u32, 4);
        int leaf(struct __sk_buff *skb) { trail.increment(1); return 42; }
        int other(struct __sk_buff *skb) { trail.increment(2); calls.call(skb, 3); return 43; }
        int prog(struct __sk_buff *skb) { trail.increment(0); calls.call(skb, 2); return 1; }""")
    prog, leaf, other = (cls(bpf, name) for name in ("prog", "leaf", "other"))
    assert run(prog)[0] == 1
    bpf["calls"][2] = other
    assert run(prog)[0] == 43
    bpf["calls"][ct.c_int(3)] = ct.c_int(leaf.fd)
    assert run(prog)[0] == 42
    del bpf["calls"][2]
    assert run(prog)[0] == 1
    assert [value.value for value in bpf["trail"].values()] == [4, 1, 2, 0]


# Redirection.

def test_redirect_maps_give_verdicts(load):
    bpf = load("""
        BPF_DEVMAP(devices, 4); BPF_CPUMAP(cpus, 2); BPF_XSKMAP(sockets, 4);
        BPF_TABLE("devmap", u32, int, by_string, 4);
        int to_device(struct xdp_md *ctx) { return devices.redirect_map(1, XDP_DROP); }
        int to_string(struct xdp_md *ctx) { return by_string.redirect_map(1, XDP_DROP); }
        int to_cpu(struct xdp_md *ctx) { return cpus.redirect_map(0, XDP_DROP); }
        int to_socket(struct xdp_md *ctx) {
            int index = ctx->rx_queue_index;
            if (sockets.lookup(&index))
                return sockets.redirect_map(index, 0);
            return sockets.redirect_map(index, XDP_TX);
        }""")
    functions = {name: bpf.load_func(name, BPF.XDP) for name in (
        "to_device", "to_string", "to_cpu", "to_socket")}
    # If the entry is empty, the lower bits of the flags are the verdict.
    assert [run(functions[name])[0] for name in functions] == \
        [BPF.XDP_DROP, BPF.XDP_DROP, BPF.XDP_DROP, BPF.XDP_TX]
    bpf["devices"][1] = ct.c_int(socket.if_nametoindex("lo"))
    bpf["by_string"][1] = ct.c_int(socket.if_nametoindex("lo"))
    bpf["cpus"][0] = ct.c_uint(64)
    assert [run(functions[name])[0] for name in ("to_device", "to_string", "to_cpu")] == \
        [BPF.XDP_REDIRECT] * 3


# Stack traces.

def test_stack_traces(load):
    bpf = load("""
        BPF_STACK_TRACE(kernel, 64);
        BPF_STACK_TRACE_BUILDID(user, 64);
        BPF_TABLE("stacktrace", int, struct bpf_stacktrace, by_string, 64);
        BPF_HASH(ids, u32, int);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            u32 index = 0; int id;
            FILTER
            id = kernel.get_stackid(args, 0); ids.update(&index, &id); index++;
            id = user.get_stackid(args, BPF_F_USER_STACK); ids.update(&index, &id); index++;
            id = by_string.get_stackid(args, BPF_F_REUSE_STACKID); ids.update(&index, &id);
            return 0;
        }""")
    getpgid(4000000)
    ids = {key.value: leaf.value for key, leaf in bpf["ids"].items()}
    assert sorted(ids) == [0, 1, 2] and min(ids.values()) >= 0
    names = [BPF.ksym(address) for address in bpf["kernel"].walk(ids[0])]
    assert any(b"syscall" in name for name in names)
    assert list(bpf["by_string"].walk(ids[2])) == list(bpf["kernel"].walk(ids[0]))
    # Status 1 means a valid build id; the file's own note must have the same.
    first = bpf["user"].Leaf.from_buffer_copy(bytes(bpf["user"][ids[1]])).trace[0]
    assert first.status == 1
    expected = subprocess.run(["readelf", "-n", _libc_path()], capture_output=True, text=True,
                              check=True).stdout
    assert bytes(first.build_id).hex() in expected


def _libc_path():
    with open("/proc/self/maps", encoding="ascii") as maps:
        return next(line.split()[-1] for line in maps if "/libc.so" in line or "/libc-" in line)


# Perf counters, cgroups.

def test_perf_counters_are_read(load):
    bpf = load("""
        BPF_PERF_ARRAY(counters, EBCC_CPU_COUNT);
        BPF_HASH(values, u32, u64);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            struct bpf_perf_event_value value = {};
            u32 which = 0; u64 read;
            FILTER
            read = counters.perf_read(bpf_get_smp_processor_id());
            values.update(&which, &read);
            which = 1;
            if (!counters.perf_counter_value(bpf_get_smp_processor_id(), &value, sizeof(value)))
                values.update(&which, &value.counter);
            which = 2;
            values.update(&which, &value.enabled);
            return 0;
        }""")
    bpf["counters"].open_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK)
    getpgid(4000000)
    values = {key.value: leaf.value for key, leaf in bpf["values"].items()}
    assert sorted(values) == [0, 1, 2]
    assert 0 < values[0] <= values[1] < 10 ** 13 and values[2] > 0


def test_check_current_task_in_a_cgroup(load, cgroup2):
    bpf = load("""
        BPF_CGROUP_ARRAY(groups, 2);
        BPF_TABLE("cgroup_array", int, int, by_string, 2);
        BPF_HASH(results, u32, u64);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            u32 member, second;
            if (args->pid != 4000123)
                return 0;
            member = groups.check_current_task(1) == 1;
            second = by_string.check_current_task(0) == 1;
            results.increment(member * 2 + second);
            return 0;
        }""")
    script = "import os\ntry: os.getpgid(4000123)\nexcept OSError: pass"
    with cgroup("array") as path:
        bpf["groups"][1] = path
        bpf["by_string"][0] = path
        getpgid(4000123)
        in_cgroup(path, "/usr/bin/python3", "-c", script)
        in_cgroup(path, "/usr/bin/python3", "-c", script)
    assert {key.value: leaf.value for key, leaf in bpf["results"].items()} == {0: 1, 3: 2}


# Storage that belongs to kernel objects.

def test_socket_storage_is_kept_and_deleted(load, cgroup2):
    bpf = load("""
        struct seen { u64 packets, bytes; };
        BPF_SK_STORAGE(storage, struct seen);
        BPF_TABLE("sk_storage", int, u64, by_string, 0);
        BPF_ARRAY(result, u64, 3);
        int egress(struct __sk_buff *skb) {
            struct bpf_sock *sk = skb->sk;
            struct seen *seen, zero = {};
            u64 *count;
            int index = 0;
            if (!sk)
                return 1;
            sk = bpf_sk_fullsock(sk);
            if (!sk)
                return 1;
            seen = storage.sk_storage_get(sk, &zero, BPF_SK_STORAGE_GET_F_CREATE);
            if (!seen)
                return 1;
            seen->packets++;
            seen->bytes += skb->len;
            count = by_string.sk_storage_get(sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
            if (count)
                ++*count;
            if (seen->packets == 3) {
                result.increment(0, seen->packets);
                result.increment(1, seen->bytes);
                result.increment(2, storage.sk_storage_delete(sk));
            }
            return 1;
        }""")
    function = bpf.load_func("egress", BPF.CGROUP_SKB)
    with cgroup("storage") as path:
        descriptor = os.open(path, os.O_RDONLY)
        bpf.attach_func(function, descriptor, ebcc.BPFAttachType.CGROUP_INET_EGRESS)
        in_cgroup(path, "/usr/bin/python3", "-c", SEND_UDP % 4)
        bpf.detach_func(function, descriptor, ebcc.BPFAttachType.CGROUP_INET_EGRESS)
        os.close(descriptor)
    # Packets have 28 bytes of IP and UDP headers and 10 of payload. The fourth starts with new storage.
    assert [value.value for value in bpf["result"].values()] == [3, 3 * 38, 0]


SEND_UDP = """
import socket
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 0))
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(%d):
    out.sendto(b"0123456789", sink.getsockname())
"""


def test_cgroup_storage_is_kept(load, cgroup2):
    bpf = load("""
        BPF_CGROUP_STORAGE(storage, u64);
        BPF_PERCPU_CGROUP_STORAGE(percpu, u32);
        BPF_ARRAY(last, u64, 2);
        int egress(struct __sk_buff *skb) {
            u64 *count = storage.get_local_storage(0);
            u32 *mine = percpu.get_local_storage(0);
            int index = 0; u64 value;
            __sync_fetch_and_add(count, 2);
            *mine += 1;
            value = *count;
            last.update(&index, &value);
            return 1;
        }""")
    function = bpf.load_func("egress", BPF.CGROUP_SKB)
    with cgroup("local") as path:
        descriptor = os.open(path, os.O_RDONLY)
        bpf.attach_func(function, descriptor, ebcc.BPFAttachType.CGROUP_INET_EGRESS)
        in_cgroup(path, "/usr/bin/python3", "-c", SEND_UDP % 5)
        stored = [leaf.value for leaf in bpf["storage"].values()]
        counted = [sum(leaf) for leaf in bpf["percpu"].values()]
        bpf.detach_func(function, descriptor, ebcc.BPFAttachType.CGROUP_INET_EGRESS)
        os.close(descriptor)
    assert (stored, counted, bpf["last"][0].value) == ([10], [5], 10)


# Sockets in maps.

def stream_pair():
    """Both ends of a TCP connection over lo."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    listener.close()
    for end in (client, server):
        end.settimeout(10)
    return client, server


SOCKET_MAPS = """
    BPF_SOCKMAP(by_index, 4);
    BPF_SOCKHASH(by_port, u32, 8);
    BPF_ARRAY(counts, u64, 4);
    int established(struct bpf_sock_ops *ops) {
        u32 key = ops->local_port, index = 2;
        if (ops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
            ops->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
            return 0;
        counts.increment(0);
        by_port.sock_hash_update(ops, &key, BPF_ANY);
        if (ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
            by_index.sock_map_update(ops, &index, BPF_ANY);
        return 0;
    }
    int to_hash(struct sk_msg_md *msg) {
        u32 key = bpf_ntohl(msg->remote_port);
        counts.increment(1);
        return by_port.msg_redirect_hash(msg, &key, BPF_F_INGRESS);
    }
    int to_map(struct sk_msg_md *msg) {
        counts.increment(2);
        return by_index.msg_redirect_map(msg, 1, BPF_F_INGRESS);
    }
    int verdict(struct __sk_buff *skb) {
        u32 key = 7;
        counts.increment(3);
        if (skb->len > 100)
            return by_port.sk_redirect_hash(skb, &key, 0);
        return by_index.sk_redirect_map(skb, 3, 0);
    }
    int parser(struct __sk_buff *skb) { return skb->len; }
"""


def test_socket_ops_fill_a_socket_hash(load, cgroup2):
    bpf = load(SOCKET_MAPS)
    established = bpf.load_func("established", BPF.SOCK_OPS)
    with cgroup("ops") as path:
        descriptor = os.open(path, os.O_RDONLY)
        bpf.attach_func(established, descriptor, ebcc.BPFAttachType.CGROUP_SOCK_OPS)
        in_cgroup(path, "/usr/bin/python3", "-c", """
import socket
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
client.send(b"x"); server.recv(1)
""")
        bpf.detach_func(established, descriptor, ebcc.BPFAttachType.CGROUP_SOCK_OPS)
        os.close(descriptor)
    assert bpf["counts"][0].value == 2  # both ends


def test_messages_redirected_between_sockets(load):
    """What the client sends to its peer arrives at the socket in the map instead."""
    bpf = load(SOCKET_MAPS)
    function = bpf.load_func("to_map", BPF.SK_MSG)
    client, server = stream_pair()
    other, elsewhere = stream_pair()
    by_index = bpf["by_index"]
    bpf.attach_func(function, by_index.get_fd(), ebcc.BPFAttachType.SK_MSG_VERDICT)
    by_index[0] = ct.c_int(client.fileno())
    by_index[1] = ct.c_int(elsewhere.fileno())
    client.send(b"hello")
    assert elsewhere.recv(100) == b"hello"
    server.setblocking(False)
    with pytest.raises(BlockingIOError):
        server.recv(100)
    bpf.detach_func(function, by_index.get_fd(), ebcc.BPFAttachType.SK_MSG_VERDICT)
    assert bpf["counts"][2].value == 1
    for end in (client, server, other, elsewhere):
        end.close()


def test_packets_redirected_between_sockets(load):
    bpf = load(SOCKET_MAPS)
    verdict = bpf.load_func("verdict", BPF.SK_SKB)
    parser = bpf.load_func("parser", BPF.SK_SKB)
    client, server = stream_pair()
    other, elsewhere = stream_pair()
    by_index, by_port = bpf["by_index"], bpf["by_port"]
    bpf.attach_func(parser, by_index.get_fd(), ebcc.BPFAttachType.SK_SKB_STREAM_PARSER)
    bpf.attach_func(verdict, by_index.get_fd(), ebcc.BPFAttachType.SK_SKB_STREAM_VERDICT)
    by_index[0] = ct.c_int(server.fileno())
    by_index[3] = ct.c_int(elsewhere.fileno())
    by_port[7] = ct.c_int(elsewhere.fileno())
    # What arrives at server is sent out through elsewhere, to its peer.
    client.send(b"ping")
    assert other.recv(100) == b"ping"
    client.send(b"x" * 200)
    assert other.recv(1000) == b"x" * 200
    assert bpf["counts"][3].value == 2
    for end in (client, server, other, elsewhere):
        end.close()


def test_messages_redirected_by_hash(load):
    bpf = load(SOCKET_MAPS)
    function = bpf.load_func("to_hash", BPF.SK_MSG)
    client, server = stream_pair()
    by_port = bpf["by_port"]
    bpf.attach_func(function, by_port.get_fd(), ebcc.BPFAttachType.SK_MSG_VERDICT)
    by_port[client.getsockname()[1]] = ct.c_int(client.fileno())
    by_port[server.getsockname()[1]] = ct.c_int(server.fileno())
    client.send(b"direct")
    assert server.recv(100) == b"direct"
    assert bpf["counts"][1].value == 1
    for end in (client, server):
        end.close()


# Events of packet programs, and of tables declared by a type string.

def test_packets_as_events(load):
    bpf = load("""
        struct event_t { u32 length, magic; };
        BPF_PERF_OUTPUT(events);
        BPF_TABLE("perf_output", int, u32, by_string, 0);
        int prog(struct __sk_buff *skb) {
            struct event_t event = {skb->len, 0xabcd};
            u64 number = 77;
            by_string.perf_submit(skb, &number, sizeof(number));
            return events.perf_submit_skb(skb, 20, &event, sizeof(event));
        }""")
    seen, numbers = [], []

    def on_event(cpu, data, size):
        event = bpf["events"].event(data)
        seen.append((event.length, event.magic, ct.string_at(data, size)[8:28]))

    bpf["events"].open_perf_buffer(on_event)
    bpf["by_string"].open_perf_buffer(
        lambda cpu, data, size: numbers.append(bpf["by_string"].event(data)))
    packet = bytes(range(64))
    assert run(cls(bpf), packet)[0] == 0
    bpf.perf_buffer_poll(timeout=2000)
    bpf.perf_buffer_consume()
    assert seen == [(64, 0xabcd, packet[:20])]
    assert [getattr(number, "value", number) for number in numbers] == [77]


def test_ring_buffer_methods(load):
    bpf = load("""
        struct event_t { u64 number; };
        BPF_RINGBUF_OUTPUT(ring, 2);
        BPF_ARRAY(sizes, u64, 4);
        int prog(struct __sk_buff *skb) {
            struct event_t event = {1}, *reserved;
            u64 available; int key = 0;
            ring.ringbuf_output(&event, sizeof(event), 0);
            reserved = ring.ringbuf_reserve(sizeof(*reserved));
            if (!reserved)
                return 1;
            reserved->number = 2;
            ring.ringbuf_submit(reserved, BPF_RB_NO_WAKEUP);
            reserved = ring.ringbuf_reserve(sizeof(*reserved));
            if (!reserved)
                return 2;
            reserved->number = 3;
            ring.ringbuf_discard(reserved, 0);
            available = ring.ringbuf_query(BPF_RB_AVAIL_DATA);
            sizes.update(&key, &available);
            key = 1;
            available = ring.ringbuf_query(BPF_RB_RING_SIZE);
            sizes.update(&key, &available);
            return 0;
        }""")
    assert run(cls(bpf))[0] == 0
    seen = []
    ring = bpf["ring"]
    ring.open_ring_buffer(lambda ctx, data, size: seen.append(ring.event(data).number))
    bpf.ring_buffer_consume()
    assert seen == [1, 2]
    # Three records, each with 8 bytes of header and 8 of data.
    assert [leaf.value for leaf in bpf["sizes"].values()][:2] == [48, 8192]


def test_redirected_packets_arrive(load):
    """A device map redirects them from one veth pair to another."""
    bpf = load("""
        BPF_DEVMAP(devices, 4);
        BPF_ARRAY(counts, u64, 2);
        int redirect(struct xdp_md *ctx) {
            counts.increment(0);
            return devices.redirect_map(2, 0);
        }""")
    function = bpf.load_func("redirect", BPF.XDP)
    with network_namespace():
        for command in ("ip link add a0 type veth peer name a1",
                        "ip link add b0 type veth peer name b1"):
            subprocess.run(command.split(), check=True)
        for device in ("a0", "a1", "b0", "b1"):
            subprocess.run(["ip", "link", "set", device, "up"], check=True)
        bpf["devices"][2] = ct.c_int(socket.if_nametoindex("b0"))
        BPF.attach_xdp("a1", function, BPF.XDP_FLAGS_SKB_MODE)
        arrive = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))
        arrive.bind(("b1", 0x88b5))
        arrive.settimeout(5)
        leave = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        leave.bind(("a0", 0))
        packet = b"\xff" * 6 + b"\x02\0\0\0\0\1" + struct.pack(">H", 0x88b5) + b"payload" * 10
        leave.send(packet)
        assert arrive.recv(2000) == packet
        assert bpf["counts"][0].value >= 1
