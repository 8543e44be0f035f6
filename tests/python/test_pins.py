# SPDX-License-Identifier: Apache-2.0
"""Pins: names in a BPF file system that keep tables, programs and links when their object is closed."""

import json
import os
import pathlib
import subprocess

import pytest

import ebcc
from conftest import getpgid, wait_until
from ebcc import BPF

SOURCE = """
BPF_HASH(counts, u64, u64, 64);
BPF_QUEUE(line, u64, 4);
int count(void *ctx) {
    u64 cookie = bpf_get_attach_cookie(ctx);
    FILTER
    counts.increment(cookie);
    return 0;
}
int first(struct __sk_buff *skb) { return 1; }
int second(struct __sk_buff *skb) { return 2; }
int pass(struct xdp_md *ctx) { return XDP_PASS; }
"""
ENTER = "syscalls:sys_enter_getpgid"


@pytest.fixture
def pin(bpffs):
    """A path to pin to."""
    return os.path.join(bpffs, "pinned")


def counts(bpf):
    """{cookie: calls} since the last time."""
    return {key.value: leaf.value for key, leaf in bpf["counts"].items(True)}


def shown(kind, path):
    # bpftool 7.5 shows a link, and exits with status 255.
    done = subprocess.run(["bpftool", "-j", kind, "show", "pinned", path], stdout=subprocess.PIPE, check=False)
    return json.loads(done.stdout)


def test_pinned_table(load, pin):
    bpf = load(SOURCE)
    bpf["counts"][5] = 7
    bpf["counts"].pin(pin)
    assert shown("map", pin)["id"] == bpf["counts"].map_id
    with pytest.raises(ebcc.SystemCallError, match="can't pin table 'counts' as .*File exists"):
        bpf["counts"].pin(pin)
    with pytest.raises(ebcc.InvalidArgumentError, match="is not the pin of table 'line'"):
        bpf["line"].unpin(pin)
    bpf.close()
    again = load('BPF_TABLE_PINNED("hash", u64, u64, counts, 64, "%s");'
                 "int f(void *ctx) { counts.increment(5); return 0; }" % pin)
    assert again["counts"][5].value == 7
    again["counts"].unpin(pathlib.Path(pin))
    assert not os.path.exists(pin)
    with pytest.raises(ebcc.NotFoundError, match=pin) as caught:
        again["counts"].unpin(pin)
    assert caught.value.subject == pin


def test_pinned_queue(load, pin):
    """Of a kind of its own in Python; the path is bytes."""
    bpf = load(SOURCE)
    bpf["line"].push(11)
    bpf["line"].pin(os.fsencode(pin))
    popped = subprocess.run(["bpftool", "-j", "map", "dequeue", "pinned", pin], capture_output=True, check=True)
    assert json.loads(popped.stdout)["value"][0] == "0x0b" and bpf["line"].values() == []


def test_pinned_program(load, pin):
    bpf = load(SOURCE)
    functions = bpf.load_func("first", BPF.SOCKET_FILTER), bpf.load_func("second", BPF.SOCKET_FILTER)
    functions[0].pin(pin)
    with pytest.raises(ebcc.InvalidArgumentError, match="is not the pin of program 'second'"):
        functions[1].unpin(pin)
    functions[0].unpin(pin)
    functions[1].pin(pin)
    bpf.close()
    assert shown("prog", pin)["name"] == "second"
    with pytest.raises(ebcc.StateError, match="closed"):
        functions[1].unpin(pin)
    os.unlink(pin)


def test_program_that_is_not_loaded(load, pin):
    with pytest.raises(ebcc.StateError, match="program 'first' is not loaded"):
        load(SOURCE).module.program(b"first").pin(pin)


def test_pinned_link(load, pin):
    """It stays attached when the link is detached, and until the name is removed."""
    bpf = load(SOURCE)
    link = bpf.attach_tracepoint(tp=ENTER, fn_name="count", cookie=3)
    link.pin(pin)
    assert shown("link", pin)["type"] == "perf_event"
    link.detach()
    assert not link.attached and bpf.num_open_tracepoints() == 0
    getpgid(1)
    assert counts(bpf) == {3: 1}
    os.unlink(pin)

    def gone():
        counts(bpf)
        getpgid(1)
        return counts(bpf) == {}

    wait_until(gone)


def test_link_that_is_unpinned(load, pin):
    bpf = load(SOURCE)
    with bpf.attach_tracepoint(tp=ENTER, fn_name="count", cookie=4) as link:
        link.pin(pin)
        link.unpin(pin)
        assert not os.path.exists(pin)
        getpgid(1)
        assert counts(bpf) == {4: 1}
        with pytest.raises(ebcc.NotFoundError):
            link.unpin(pin)
    getpgid(1)
    assert counts(bpf) == {}
    for call in (link.pin, link.unpin):
        with pytest.raises(ebcc.StateError, match="the link was detached"):
            call(pin)


def test_links_that_cannot_be_pinned(load, pin):
    """What isn't one link of the kernel's."""
    bpf = load(SOURCE)
    both = bpf.attach_tracepoint(tp_re="syscalls:sys_(enter|exit)_getpgid$", fn_name="count")
    with pytest.raises(ebcc.UnsupportedError, match="a pin is of one link .*sys_enter_getpgid, .*sys_exit_getpgid"):
        both.pin(pin)
    for link in (BPF.attach_raw_socket(bpf.load_func("first", BPF.SOCKET_FILTER), "lo"),
                 BPF.attach_xdp("lo", bpf.load_func("pass", BPF.XDP), BPF.XDP_FLAGS_SKB_MODE)):
        with pytest.raises(ebcc.UnsupportedError, match="attached without a BPF link"):
            link.pin(pin)
        link.detach()
    assert not os.path.exists(pin)


def test_pins_elsewhere(load, tmp_path):
    bpf = load(SOURCE)
    link = bpf.attach_tracepoint(tp=ENTER, fn_name="count")
    for pinned in (bpf["counts"], bpf.load_func("first", BPF.SOCKET_FILTER), link):
        with pytest.raises(ebcc.PrivilegeError, match="BPF file system") as caught:
            pinned.pin(tmp_path / "pinned")
        assert caught.value.subject == str(tmp_path / "pinned")
        for wrong in (5, None):
            with pytest.raises(TypeError):
                pinned.pin(wrong)
        with pytest.raises(ValueError, match="null"):
            pinned.pin("/sys/fs/bpf/a\0b")
