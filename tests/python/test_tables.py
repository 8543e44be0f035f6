"""Tables as Python mappings, with exact contents."""

import ctypes as ct
import operator

import pytest

import ebcc
from ebcc import table
from conftest import getpgid

TABLES = """
struct key_t { u32 pid; char comm[16]; };
struct leaf_t { u64 count; u32 list[2]; struct { u8 low, high; } pair; };
BPF_HASH(plain);
BPF_HASH(small, u8, s16, 16);
BPF_HASH(structs, struct key_t, struct leaf_t);
BPF_ARRAY(array, u64, 8);
BPF_PERCPU_ARRAY(percpu, u64, 4);
BPF_PERCPU_ARRAY(percpu32, u32, 4);
BPF_PERCPU_HASH(percpu_hash, u32, u64);
BPF_HISTOGRAM(dist);
BPF_TABLE("lru_hash", u32, u64, recent, 64);
int nothing(void *ctx) { return 0; }
"""


@pytest.fixture(scope="module")
def module():
    with ebcc.BPF(text=TABLES) as bpf:
        yield bpf


@pytest.fixture
def tables(module):
    yield module
    for name in module:
        module[name].clear()


def numbers(items):
    return sorted((key.value, leaf.value) for key, leaf in items)


def test_classes_and_attributes(tables):
    assert isinstance(tables["plain"], table.HashTable)
    assert isinstance(tables["array"], table.Array)
    assert isinstance(tables["percpu"], table.PerCpuArray)
    assert isinstance(tables["recent"], table.LruHash)
    plain = tables["plain"]
    assert (plain.name, plain.ttype, plain.max_entries) == (b"plain", 1, 10240)
    assert (plain.Key, plain.Leaf) == (ct.c_ulong, ct.c_ulong)
    assert (tables["small"].Key, tables["small"].Leaf) == (ct.c_ubyte, ct.c_short)
    assert (len(tables["dist"]), tables["dist"].Key) == (64, ct.c_int)
    assert plain.get_fd() == plain.map_fd > 0


@pytest.mark.parametrize("key", [5, ct.c_ulong(5), ct.c_int(5)])
@pytest.mark.parametrize("leaf", [7, ct.c_ulong(7), ct.c_short(7)])
def test_set_get_delete(tables, key, leaf):
    plain = tables["plain"]
    plain[key] = leaf
    assert (plain[key].value, type(plain[key])) == (7, ct.c_ulong)
    assert key in plain and len(plain) == 1
    del plain[key]
    assert key not in plain and len(plain) == 0


def test_missing_keys(tables):
    plain = tables["plain"]
    with pytest.raises(KeyError):
        plain[1]
    with pytest.raises(KeyError):
        del plain[1]
    assert plain.get(1) is None
    assert plain.get(1, 3) == 3
    with pytest.raises(KeyError):
        plain.pop(1)
    assert plain.pop(1, "fallback") == "fallback"


def test_all_entries(tables):
    plain = tables["plain"]
    for i in range(100):
        plain[i] = i * i
    expected = [(i, i * i) for i in range(100)]
    assert numbers(plain.items()) == numbers(plain.iteritems()) == expected
    assert sorted(key.value for key in plain) == sorted(key.value for key in plain.keys()) == \
        list(range(100))
    assert sorted(leaf.value for leaf in plain.values()) == \
        sorted(leaf.value for leaf in plain.itervalues()) == [i * i for i in range(100)]
    assert plain.pop(9).value == 81
    assert len(plain) == 99
    plain.zero()
    assert {leaf.value for leaf in plain.values()} == {0} and len(plain) == 99
    plain.clear()
    assert plain.items() == []


def test_deleting_while_iterating(tables):
    plain = tables["plain"]
    for i in range(50):
        plain[i] = i
    for key in plain:
        del plain[key]
    assert len(plain) == 0


def test_walking_by_next(tables):
    plain = tables["plain"]
    plain[3] = 1
    plain[4] = 1
    first = plain.next(None)
    second = plain.next(first)
    assert {first.value, second.value} == {3, 4}
    with pytest.raises(StopIteration):
        plain.next(second)


def test_small_integers_keep_their_sign(tables):
    small = tables["small"]
    small[255] = -2
    assert small[ct.c_ubyte(255)].value == -2
    assert numbers(small.items()) == [(255, -2)]


@pytest.mark.parametrize("number", [2**32, -2**31 - 1, 2**64, -2**80])
def test_numbers_that_do_not_fit_are_refused(load, number):
    """Truncated, they would be the key of another entry."""
    bpf = load("BPF_HASH(hash, u32, u16); BPF_ARRAY(array, u64, 2); BPF_HASH(large, u64, u64);")
    for store in (lambda: operator.setitem(bpf["hash"], number, 1),
                  lambda: operator.setitem(bpf["hash"], 1, number),
                  lambda: bpf["hash"].get(number)):
        with pytest.raises(OverflowError, match="%d does not fit" % number):
            store()
    for store in (lambda: bpf["array"][number], lambda: operator.setitem(bpf["array"], number, 1)):
        with pytest.raises(IndexError):
            store()
    assert len(bpf["hash"]) == 0
    for fits in 2**64 - 1, -1, -2**63:
        bpf["large"][fits] = fits
        assert bpf["large"][fits].value == fits % 2**64


def test_full_table_is_an_error(tables):
    small = tables["small"]
    with pytest.raises(ebcc.Error) as caught:
        for i in range(200):
            small[i] = 1
    assert caught.value.errno == 7  # E2BIG


def test_struct_keys_and_leaves(tables):
    structs = tables["structs"]
    key = structs.Key(7, b"sleep")
    leaf = structs.Leaf(count=9, list=(1, 2))
    leaf.pair.low, leaf.pair.high = 3, 4
    structs[key] = leaf
    assert [field[0] for field in structs.Key._fields_] == ["pid", "comm"]
    [(found, value)] = structs.items()
    assert (found.pid, found.comm) == (7, b"sleep")
    assert (value.count, list(value.list), value.pair.low, value.pair.high) == (9, [1, 2], 3, 4)
    assert structs[(7, b"sleep")].count == 9

    class Mine(ct.Structure):
        _fields_ = [("pid", ct.c_uint), ("comm", ct.c_char * 16)]

    assert structs[Mine(7, b"sleep")].count == 9
    with pytest.raises((TypeError, ValueError)):
        structs[ct.c_uint(7)]


def test_a_struct_of_text_takes_a_string_buffer(load):
    """As in tutorials: a message for each user, in a struct that is longer than the text."""
    bpf = load("""
        struct message { char text[12]; };
        BPF_HASH(messages, u32, struct message);""")
    bpf["messages"][ct.c_int(0)] = ct.create_string_buffer(b"Hey root!")
    bpf["messages"][ct.c_int(1)] = ct.create_string_buffer(b"Hi user 501!")
    assert [bpf["messages"][uid].text for uid in (0, 1)] == [b"Hey root!", b"Hi user 501!"]
    with pytest.raises(TypeError):
        bpf["messages"][0] = ct.create_string_buffer(b"a text that is too long")


def test_array(tables):
    array = tables["array"]
    array[3] = 30
    array[ct.c_int(4)] = ct.c_ulong(40)
    array[-1] = 70
    assert [leaf.value for leaf in array.values()] == [0, 0, 0, 30, 40, 0, 0, 70]
    assert array[-5].value == 30
    assert len(array) == 8 and [key.value for key in array] == list(range(8))
    assert numbers(array.items())[3] == (3, 30)
    del array[3]
    assert array[3].value == 0
    for index in (8, -9):
        with pytest.raises(IndexError, match="8 entries"):
            array[index]
        with pytest.raises(IndexError):
            array[index] = 1
    array.clear()
    assert {leaf.value for leaf in array.values()} == {0}


def test_per_cpu_values(tables):
    for name, kind in (("percpu", ct.c_ulong), ("percpu32", ct.c_uint)):
        percpu = tables[name]
        cpus = percpu.total_cpu
        percpu[2] = [i + 1 for i in range(cpus)]
        assert list(percpu[2]) == list(percpu.getvalue(2)) == [i + 1 for i in range(cpus)]
        assert (percpu.sum(2).value, type(percpu.sum(2))) == (cpus * (cpus + 1) // 2, kind)
        assert percpu.max(2).value == cpus
        assert percpu.average(2) == (cpus + 1) / 2
        assert (percpu.sLeaf, percpu.Leaf) == (kind, kind * cpus)
        assert [list(values) for values in percpu.values()][2] == [i + 1 for i in range(cpus)]


def test_per_cpu_value_must_be_complete(tables):
    with pytest.raises((TypeError, ValueError)):
        tables["percpu"][0] = 5


def test_per_cpu_reducer(tables):
    cpus = tables["percpu_hash"].total_cpu
    summed = tables.get_table("percpu_hash", reducer=operator.add)
    summed[9] = [10] * cpus
    assert summed[9] == 10 * cpus
    assert list(summed.getvalue(9)) == [10] * cpus
    with pytest.raises(KeyError):
        summed[10]


def test_classes_given_for_keys_and_leaves(tables):
    own = tables.get_table("plain", keytype=ct.c_longlong, leaftype=ct.c_byte * 8)
    own[-1] = (ct.c_byte * 8)(*range(8))
    [(key, leaf)] = own.items()
    assert (key.value, list(leaf)) == (-1, list(range(8)))
    with pytest.raises(ValueError, match="8 bytes"):
        tables.get_table("plain", leaftype=ct.c_int)


def test_batches(tables):
    plain = tables["plain"]
    plain.items_update_batch((plain.Key * 3)(1, 2, 3), (plain.Leaf * 3)(10, 20, 30))
    assert sorted(plain.items_lookup_batch()) == [(1, 10), (2, 20), (3, 30)]
    plain.items_delete_batch((plain.Key * 2)(1, 3))
    assert numbers(plain.items()) == [(2, 20)]
    assert list(plain.items_lookup_and_delete_batch()) == [(2, 20)]
    assert len(plain) == 0
    plain[5] = 5
    plain.items_delete_batch()
    assert len(plain) == 0


def test_batches_of_wrong_sizes_are_refused(tables):
    plain = tables["plain"]
    with pytest.raises(ValueError):
        plain.items_update_batch((plain.Key * 2)(1, 2), (plain.Leaf * 3)(1, 2, 3))
    with pytest.raises(TypeError):
        plain.items_delete_batch((ct.c_int * 2)(1, 2))
    assert len(plain) == 0


def test_keys_and_leaves_as_text_and_back(tables):
    plain = tables["plain"]
    assert plain.key_sprintf(plain.Key(16)) == b"0x10"
    assert plain.leaf_sprintf(5) == b"0x5"
    assert plain.key_scanf("0x10").value == plain.key_scanf(b"16").value == 16
    assert plain.leaf_scanf("7").value == 7


def test_many_entries(tables):
    plain = tables["plain"]
    count = 10000
    plain.items_update_batch((plain.Key * count)(*range(count)), (plain.Leaf * count)(*range(count)))
    assert len(plain) == count
    assert numbers(plain.items()) == [(i, i) for i in range(count)]


def test_queue_and_stack(load):
    bpf = load("BPF_QUEUE(queue, u64, 3); BPF_STACK(stack, u32, 3); int nothing(void *ctx) { return 0; }")
    queue, stack = bpf["queue"], bpf["stack"]
    for i in (1, 2, 3):
        queue.push(i)
        stack.push(ct.c_uint(i))
    assert (queue.peek().value, stack.peek().value) == (1, 3)
    assert [leaf.value for leaf in stack.values()] == [3, 2, 1]
    with pytest.raises(ebcc.Error):
        queue.push(4)
    queue.push(4, queue.BPF_EXIST)
    assert [queue.pop().value for _ in range(3)] == [2, 3, 4]
    with pytest.raises(KeyError):
        queue.pop()


def test_counting_in_the_kernel(load):
    bpf = load("""
        BPF_HASH(counts, u32, u64);
        BPF_PERCPU_ARRAY(percpu, u64, 1);
        BPF_HISTOGRAM(dist);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            u32 pid = args->pid;
            int zero = 0;
            FILTER
            counts.increment(pid);
            percpu.increment(zero);
            dist.increment(bpf_log2l(pid));
            return 0;
        }""")
    getpgid(*[4000000] * 300, *[4000001] * 25)
    assert numbers(bpf["counts"].items()) == [(4000000, 300), (4000001, 25)]
    assert bpf["percpu"].sum(0).value == 325
    assert bpf["dist"][22].value == 325


def test_counting_by_an_array_as_key(load, caplog):
    """C passes an array by its address, which is not the key."""
    bpf = load("""
        typedef u8 address_t[6];
        BPF_HASH(counts, address_t, u64);
        BPF_HASH(sizes, char[4], u32);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            address_t address = {1, 2, 3, 4, 5, 6};
            char name[4] = "eth";
            FILTER
            counts.increment(address);
            counts.atomic_increment(address, 2);
            sizes.increment(name, 7);
            return 0;
        }""")
    getpgid(1)
    assert [(bytes(key), leaf.value) for key, leaf in bpf["counts"].items()] == \
        [(b"\1\2\3\4\5\6", 3)]
    assert bpf["sizes"][b"eth"].value == 7
    assert caplog.text == ""


def test_histogram_of_a_table(load, capsys):
    bpf = load("""
        BPF_HISTOGRAM(dist);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            FILTER
            dist.increment(bpf_log2l(args->pid));
            return 0;
        }""")
    getpgid(*[4000000] * 4, *[2000000] * 2)
    bpf["dist"].print_log2_hist("pids", strip_leading_zero=True)
    assert capsys.readouterr().out == (
        "     pids                : count     distribution\n"
        "   1048576 -> 2097151    : 2        |********************                    |\n"
        "   2097152 -> 4194303    : 4        |****************************************|\n")


def test_histogram_in_sections(load, capsys):
    bpf = load("""
        struct key_t { u32 bucket; u64 slot; };
        BPF_HISTOGRAM(dist, struct key_t);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            struct key_t key = {};
            FILTER
            key.bucket = args->pid % 10;
            key.slot = args->pid - 4000000;
            dist.increment(key);
            return 0;
        }""")
    getpgid(4000001, 4000002, 4000002)
    bpf["dist"].print_linear_hist("extra", "digit", section_print_fn=lambda bucket: "<%d>" % bucket,
                                  bucket_sort_fn=sorted)
    assert capsys.readouterr().out == (
        "\ndigit = <1>\n"
        "     extra         : count     distribution\n"
        "        0          : 0        |                                        |\n"
        "        1          : 1        |****************************************|\n"
        "\ndigit = <2>\n"
        "     extra         : count     distribution\n"
        "        0          : 0        |                                        |\n"
        "        1          : 0        |                                        |\n"
        "        2          : 2        |****************************************|\n")
