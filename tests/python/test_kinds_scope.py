# SPDX-License-Identifier: Apache-2.0
"""Tables of more than one module: pinned tables, and tables that modules of one process share."""

import ctypes as ct
import os
import subprocess
import threading

import pytest

import ebcc
from ebcc import BPF
from kernel_calls import run

@pytest.fixture
def pin(bpffs):
    """A path to pin to."""
    return os.path.join(bpffs, "pinned")


PINNED = {
    "hash": 'BPF_TABLE_PINNED("hash", u32, u64, t, 8, "%s");',
    "flags": 'BPF_TABLE_PINNED("hash", u32, u64, t, 8, "%s", BPF_F_NO_PREALLOC);',
    "array": 'BPF_TABLE_PINNED("array", u32, u64, t, 8, "%s");',
}
COUNT = """
    int prog(struct __sk_buff *skb) { u32 key = 3; t.increment(key, 5); return 0; }"""


@pytest.mark.parametrize("kind", sorted(PINNED))
def test_pinned_table_is_created_and_found_again(load, pin, kind):
    text = PINNED[kind] % pin + COUNT
    first = load(text)
    run(first.load_func("prog", BPF.SCHED_CLS))
    assert os.path.exists(pin)
    first.close()
    second = load(text)
    run(second.load_func("prog", BPF.SCHED_CLS))
    assert second["t"][3].value == 10
    shown = subprocess.run(["bpftool", "map", "lookup", "pinned", pin, "key", "3", "0", "0", "0"],
                           capture_output=True, text=True, check=True).stdout
    assert '"value": 10' in shown or "0a 00 00 00" in shown


@pytest.mark.parametrize("other", [
    'BPF_TABLE_PINNED("array", u32, u64, t, 8, "%s");',
    'BPF_TABLE_PINNED("hash", u64, u64, t, 8, "%s");',
    'BPF_TABLE_PINNED("hash", u32, u32, t, 8, "%s");',
    'BPF_TABLE_PINNED("hash", u32, u64, t, 9, "%s");',
    'BPF_TABLE_PINNED("hash", u32, u64, t, 8, "%s", BPF_F_NO_PREALLOC);'])
def test_pinned_table_of_another_kind_is_refused(load, pin, other):
    load(PINNED["hash"] % pin + COUNT)
    with pytest.raises(ebcc.Error) as caught:
        load(other % pin + "\nint prog(struct __sk_buff *skb) { return 0; }")
    assert pin in str(caught.value) and "'t'" in str(caught.value)


def test_pinning_outside_of_a_bpf_file_system_is_an_error(load, tmp_path):
    with pytest.raises(ebcc.Error, match="BPF FS"):
        load(PINNED["hash"] % (tmp_path / "here") + COUNT)


def test_pinned_queue_is_found_again(load, pin):
    text = 'BPF_QUEUESTACK_PINNED("queue", t, u32, 8, 0, "%s");' % pin + """
        int prog(struct __sk_buff *skb) { u32 value = 3; return t.push(&value, 0); }"""
    first = load(text)
    run(first.load_func("prog", BPF.SCHED_CLS))
    first.close()
    assert load(text)["t"].pop().value == 3


def test_xsk_map_is_pinned(load, pin):
    bpf = load('BPF_XSKMAP(t, 8, "%s");\nint prog(struct xdp_md *ctx) { return 0; }' % pin)
    assert os.path.exists(pin) and bpf["t"].ttype == 17


EXTERN = 'BPF_TABLE("extern", u32, u64, t, 8);' + COUNT


@pytest.mark.parametrize("scope", ["SHARED", "PUBLIC"])
@pytest.mark.parametrize("kind", ["hash", "array", "percpu_hash", "lru_hash"])
def test_modules_share_a_table(load, scope, kind):
    owner = load('BPF_TABLE_%s("%s", u32, u64, t, 8);' % (scope, kind) + COUNT)
    user = load(EXTERN)
    other = load(EXTERN)
    for bpf in (owner, user, other):
        run(bpf.load_func("prog", BPF.SCHED_CLS))
    for bpf in (owner, user, other):
        table = bpf["t"]
        assert table.ttype == owner["t"].ttype
        leaf = table[3]
        assert (sum(leaf) if kind == "percpu_hash" else leaf.value) == 15


def test_shared_table_outlives_its_module(load):
    owner = load('BPF_TABLE_SHARED("hash", u32, u64, t, 8);' + COUNT)
    user = load(EXTERN)
    run(owner.load_func("prog", BPF.SCHED_CLS))
    owner.close()
    run(user.load_func("prog", BPF.SCHED_CLS))
    assert user["t"][3].value == 10
    with pytest.raises(ebcc.Error, match="declared extern, but no module"):
        load(EXTERN)


def test_extern_table_of_other_sizes_is_refused(load):
    load('BPF_TABLE_SHARED("hash", u32, u32, t, 8);' + COUNT)
    with pytest.raises(ebcc.Error, match="4 and 8 bytes here, but 4 and 4 in the module that published it"):
        load(EXTERN)


def test_plain_tables_are_not_shared(load):
    load('BPF_TABLE("hash", u32, u64, t, 8);' + COUNT)
    with pytest.raises(ebcc.Error, match="declared extern"):
        load(EXTERN)


def test_extern_finds_the_newest_table_of_a_name(load):
    first = load('BPF_TABLE_PUBLIC("hash", u32, u64, t, 8);' + COUNT)
    second = load('BPF_TABLE_PUBLIC("hash", u32, u64, t, 8);' + COUNT)
    user = load(EXTERN)
    run(user.load_func("prog", BPF.SCHED_CLS))
    assert (len(first["t"]), second["t"][3].value) == (0, 5)


def test_modules_share_a_queue(load):
    owner = load('BPF_QUEUESTACK_SHARED("queue", t, u32, 8, 0);\n'
                 "int prog(struct __sk_buff *skb) { u32 v = 7; return t.push(&v, 0); }")
    user = load('BPF_TABLE("extern", int, u32, t, 8);\n'
                "int prog(struct __sk_buff *skb) { u32 v = 0; t.pop(&v); return v; }")
    run(owner.load_func("prog", BPF.SCHED_CLS))
    assert run(user.load_func("prog", BPF.SCHED_CLS))[0] == 7
    owner["t"].push(8)
    assert user["t"].pop().value == 8


def test_modules_share_a_program_array(load):
    owner = load("""
        BPF_TABLE_SHARED("prog", int, int, calls, 4);
        int leaf(struct __sk_buff *skb) { return 42; }
        int first(struct __sk_buff *skb) { calls.call(skb, 1); return 1; }""")
    user = load("""
        BPF_TABLE("extern", int, int, calls, 4);
        int prog(struct __sk_buff *skb) { calls.call(skb, 1); return 2; }""")
    prog = user.load_func("prog", BPF.SCHED_CLS)
    assert run(prog)[0] == 2
    owner["calls"][1] = owner.load_func("leaf", BPF.SCHED_CLS)
    assert run(prog)[0] == 42


def test_threads_share_tables(load):
    """Modules in several threads find shared tables at the same time."""
    owners = [load('BPF_TABLE_SHARED("hash", u32, u64, shared_%d, 8);'
                   "int prog(struct __sk_buff *skb) { return 0; }" % i) for i in range(2)]
    failures = []

    def use(i):
        try:
            with BPF(text='BPF_TABLE("extern", u32, u64, shared_%d, 8);'
                     "int prog(struct __sk_buff *skb) { return 0; }" % i) as bpf:
                bpf["shared_%d" % i][i] = ct.c_ulong(i + 1)
        except Exception as error:  # the main thread reports it
            failures.append(error)

    threads = [threading.Thread(target=use, args=(i % 2,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [owner["shared_%d" % i][i].value for i, owner in enumerate(owners)] == [1, 2]
