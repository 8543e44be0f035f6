# SPDX-License-Identifier: Apache-2.0
"""Global variables of a source, read and written while its programs run."""

import ctypes as ct

import pytest

import ebcc
from conftest import getpgid
from ebcc import BPF

SOURCE = """
struct point { int x; short list[3]; };
enum color { RED, GREEN = 5 };

u64 hits = 0;
s32 step = 1;
u8 small = 200;
bool on = true;
char text[8] = "seven";
struct point place = {3, {4, 5, 6}};
u32 numbers[4] = {1, 2, 3, 4};
enum color color = GREEN;
void *pointer = 0;
long long initial = -5;
const volatile u64 limit = 10;
u64 zeroed;

TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    FILTER
    if (!on || hits >= limit)
        return 0;
    hits += step;
    zeroed = numbers[3] + place.list[2] + small;
    text[0] = 'S';
    color = color == GREEN ? RED : GREEN;
    pointer = (void *)initial;
    return 0;
}
"""


def test_values_are_read(load):
    bpf = load(SOURCE)
    variables = bpf.globals
    assert (variables.hits, variables.step, variables.small, variables.on) == (0, 1, 200, True)
    assert (variables.text, variables.color, variables.pointer, variables.initial) == (b"seven", 5, 0, -5)
    assert variables.limit == 10 and variables.zeroed == 0 and isinstance(variables.on, bool)
    assert (variables.place.x, list(variables.place.list), list(variables.numbers)) == (3, [4, 5, 6], [1, 2, 3, 4])
    getpgid(1, 1)
    assert (variables.hits, variables.zeroed, variables.text) == (2, 4 + 6 + 200, b"Seven")
    assert (variables.color, variables.pointer) == (5, (1 << 64) - 5)


def test_values_are_written(load):
    bpf = load(SOURCE)
    variables = bpf.globals
    variables.step = -3
    variables.hits = 1
    variables.small = 255
    variables.numbers = (0, 0, 0, 100)
    place = variables.place
    place.list[2] = 1000
    assert list(variables.place.list) == [4, 5, 6]  # place is a copy
    variables.place = place
    variables.text = "letters"
    getpgid(1)
    assert variables.hits == (1 << 64) - 2 and variables.zeroed == 100 + 1000 + 255
    assert variables.text == b"Setters" and variables.place.list[2] == 1000
    variables.on = False
    variables.hits = 0
    getpgid(1)
    assert variables.hits == 0 and variables.on is False
    variables.color = 0
    variables.initial = 1 << 40
    assert (variables.color, variables.initial) == (0, 1 << 40)


def test_constants_can_be_set_only_before_loading(load):
    bpf = load(SOURCE, constants={"limit": 1})
    with pytest.raises(ebcc.StateError, match="'limit' is const, so it can be set only before"):
        bpf.globals.limit = 5
    getpgid(1, 1, 1)
    assert bpf.globals.limit == 1 and bpf.globals.hits == 1


@pytest.mark.parametrize("name, value, error", [
    ("small", 256, "256 does not fit into the global variable small"), ("small", -1, "does not fit"),
    ("step", 1 << 31, "does not fit"), ("text", b"ninebytes", "9 bytes don't fit"), ("place", 5, "can't be converted to"),
    ("numbers", (1, 2, 3, 4, 5), "invalid index|too many")])
def test_values_that_do_not_fit(load, name, value, error):
    variables = load(SOURCE).globals
    before = getattr(variables, name)
    with pytest.raises((ebcc.Error, ValueError, TypeError, IndexError), match=error):
        setattr(variables, name, value)
    after = getattr(variables, name)
    assert bytes(after) == bytes(before) if isinstance(after, (ct.Structure, ct.Array)) else after == before


def test_names_are_listed_and_checked(load):
    variables = load(SOURCE + "BPF_PERF_OUTPUT(events); BPF_RINGBUF_OUTPUT(ring, 1);").globals
    names = ["color", "hits", "initial", "limit", "numbers", "on", "place", "pointer", "small", "step", "text", "zeroed"]
    assert dir(variables) == sorted(variables) == names and "hits" in repr(variables)
    with pytest.raises(AttributeError, match="no global variable 'hit'.*did you mean hits"):
        variables.hit
    with pytest.raises(AttributeError, match="no global variable"):
        variables.stepp = 5
    assert not hasattr(variables, "missing")


def test_closed_object(load):
    bpf = load(SOURCE)
    variables = bpf.globals
    bpf.close()
    for use in (lambda: variables.hits, lambda: setattr(variables, "hits", 1), lambda: dir(variables)):
        with pytest.raises(ebcc.StateError):
            use()


def test_object_without_variables():
    with BPF(text="int f(void *ctx) { return 0; }") as bpf:
        assert not list(bpf.globals)
        with pytest.raises(AttributeError, match="no global variable 'x'"):
            bpf.globals.x
