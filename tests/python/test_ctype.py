"""ctypes classes for C types, with the layout of C."""

import ctypes as ct

import pytest

import ebcc
from ebcc import ctype

U8, U16, U32, U64 = ct.c_ubyte, ct.c_ushort, ct.c_uint, ct.c_ulonglong


def members(*described):
    """(name, class, offset in bytes[, bit in the byte, bits])"""
    return [(m[0], m[1], m[2] * 8 + (m[3] if len(m) > 3 else 0), m[4] if len(m) > 4 else 0)
            for m in described]


@pytest.mark.parametrize("size, signed, encoding, kind", [
    (1, False, 0, U8), (1, True, 0, ct.c_byte), (2, False, 0, U16), (4, True, 0, ct.c_int),
    (4, False, 0, U32), (8, False, 0, U64), (8, True, 0, ct.c_longlong),
    (1, True, 1, ct.c_char), (1, False, 2, ct.c_bool),
])
def test_integers(size, signed, encoding, kind):
    assert ctype.integer(size, signed, encoding) is kind


def test_wide_integers_are_two_halves():
    assert list(ctype.integer(16, False, 0)(1, 2)) == [1, 2]


def test_record_in_natural_layout():
    kind = ctype.record("event", 32, False, members(
        ("pid", U32, 0), ("comm", ct.c_char * 16, 4), ("ts", U64, 24)))
    assert kind.__name__ == "event"
    assert [field[0] for field in kind._fields_] == ["pid", "comm", "ts"]
    event = kind.from_buffer_copy(bytes([7, 0, 0, 0]) + b"sleep\0xx".ljust(20, b"\0") + bytes([9] + [0] * 7))
    assert (event.pid, event.comm, event.ts) == (7, b"sleep", 9)


def test_anonymous_union_is_transparent():
    inner = ctype.record("", 8, True, members(("low", U32, 0), ("whole", U64, 0)))
    kind = ctype.record("outer", 16, False, members(("first", U8, 0), ("", inner, 8)))
    value = kind(first=1)
    value.whole = 0x1_0000_0002
    assert value.low == 2
    assert ct.sizeof(kind) == 16


def test_two_anonymous_members():
    one = ctype.record("", 4, False, members(("a", U32, 0)))
    other = ctype.record("", 4, False, members(("b", U32, 0)))
    value = ctype.record("", 8, False, members(("", one, 0), ("", other, 4)))(a=1, b=2)
    assert bytes(value) == bytes([1, 0, 0, 0, 2, 0, 0, 0])


def test_bit_fields():
    kind = ctype.record("bits", 4, False, members(
        ("low", U32, 0, 0, 3), ("middle", U32, 0, 3, 10), ("top", ct.c_int, 1, 5, 19)))
    value = kind.from_buffer_copy(((5) | (700 << 3) | (-3 & 0x7ffff) << 13).to_bytes(4, "little"))
    assert (value.low, value.middle, value.top) == (5, 700, -3)


def test_packed_record():
    kind = ctype.record("packed", 7, False, members(
        ("kind", U8, 0), ("number", U32, 1), ("small", U16, 5, 0, 4), ("rest", ct.c_short, 5, 4, 12)))
    value = kind.from_buffer_copy(b"\x01\x02\x00\x00\x80\xf5\xff")
    assert (value.kind, value.number, value.small, value.rest) == (1, 0x80000002, 5, -1)
    value.number, value.small, value.rest = 3, 9, 17
    assert bytes(value) == b"\x01\x03\x00\x00\x00\x19\x01"


def test_bit_fields_after_a_byte_share_its_word():
    # struct { char one; int three:3; int five:5; u64 whole; }
    kind = ctype.record("mixed", 16, False, members(
        ("one", ct.c_char, 0), ("three", ct.c_int, 1, 0, 3), ("five", ct.c_int, 1, 3, 5), ("whole", U64, 8)))
    value = kind.from_buffer_copy(b"x" + bytes([0b10110_011]) + bytes(6) + b"\7" + bytes(7))
    assert (value.one, value.three, value.five, value.whole) == (b"x", 3, -10, 7)
    assert {"one", "whole"} <= {field[0] for field in kind._fields_}


def test_union_larger_than_its_members():
    kind = ctype.record("aligned", 16, True, members(("a", U32, 0), ("b", U32, 0, 4, 8)))
    value = kind(a=0x123)
    assert (ct.sizeof(kind), value.b) == (16, 0x12)


def test_members_out_of_order_are_refused():
    with pytest.raises(ebcc.FormatError):
        ctype.record("broken", 8, False, members(("a", U32, 4), ("b", U32, 0)))


def test_aligned_record():
    kind = ctype.record("aligned", 64, False, members(("a", U32, 0), ("b", U32, 32)))
    assert ct.sizeof(kind) == 64
    assert kind.from_buffer_copy(bytes(32) + b"\x05" + bytes(31)).b == 5


class Index:
    """Like a number of another package."""

    def __index__(self):
        return 7


@pytest.mark.parametrize("kind, value, expected", [
    (U64, 5, b"\5" + bytes(7)),
    (U64, ct.c_int(5), b"\5" + bytes(7)),
    (ct.c_char * 4, b"ab", b"ab\0\0"),
    (ct.c_char * 4, "abcd", b"abcd"),
    (U32 * 2, [1, 2], b"\1\0\0\0\2\0\0\0"),
    (U32 * 2, b"12345678", b"12345678"),
    (ct.c_char, "x", b"x"),
    (ct.c_char * 4, ct.create_string_buffer(b"ab"), b"ab\0\0"),
    (ct.c_char * 4, ct.create_string_buffer(b"ab", 64), b"ab\0\0"),
    (U32 * 1, ct.c_int(5), b"\5\0\0\0"),
    (U64, Index(), b"\7" + bytes(7)),
])
def test_instances_from_python_values(kind, value, expected):
    assert bytes(ctype.instance(kind, value)) == expected


def test_instance_of_another_class_of_the_same_size():
    class Mine(ct.Structure):
        _fields_ = [("a", U32), ("b", U32)]

    kind = ctype.record("theirs", 8, False, members(("x", U32, 0), ("y", U32, 4)))
    assert ctype.instance(kind, Mine(1, 2)).y == 2


def test_records_show_their_members():
    inner = ctype.record("inner", 8, False, members(("x", U32, 0), ("y", U32, 4)))
    kind = ctype.record("event", 24, False, members(
        ("name", ct.c_char * 4, 0), ("port", ct.c_ushort * 2, 4), ("", inner, 8), ("at", U64, 16)))
    assert repr(kind(b"ls", (80, 443), (1, 2), 3)) == \
        "event(name=b'ls', port=[80, 443], __anon0=inner(x=1, y=2), at=3)"
    bits = ctype.record("bits", 4, False, [("a", U32, 0, 3), ("b", U32, 3, 5)])
    assert repr(bits(a=5, b=17)) == "bits(a=5, b=17)"


def test_own_class_without_trailing_padding():
    class Mine(ct.Structure):
        _fields_ = [("a", U64), ("b", U32)]
        _pack_ = 4

    kind = ctype.record("theirs", 16, False, members(("a", U64, 0), ("b", U32, 8)))
    assert bytes(ctype.instance(kind, Mine(1, 2))) == b"\1" + bytes(7) + b"\2" + bytes(7)
    Mine.short = type("short", (ct.Structure,), {"_fields_": [("a", U64)]})
    with pytest.raises(TypeError, match="8 bytes can't be converted to 16"):
        ctype.instance(kind, Mine.short(1))


@pytest.mark.parametrize("kind, value", [
    (ct.c_char * 2, ct.create_string_buffer(b"abc")),
    (ct.c_char * 2, b"abc"), (U32, b"abc"), (U32, (ct.c_char * 3)()), (U32, "four"),
])
def test_values_that_do_not_fit_are_refused(kind, value):
    with pytest.raises((TypeError, ValueError)):
        ctype.instance(kind, value)
