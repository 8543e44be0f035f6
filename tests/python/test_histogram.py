"""Histograms: exactly the text that users know."""

import ctypes as ct

import pytest

from ebcc import histogram


def counts(slots, **used):
    result = [0] * slots
    for slot, count in used.items():
        result[int(slot[1:])] = count
    return result


def log2(**used):
    return counts(histogram.LOG2_SLOTS, **used)


def test_log2(capsys):
    histogram.print_log2(log2(s1=3, s4=10, s7=1), "usecs", None)
    assert capsys.readouterr().out == (
        "     usecs               : count     distribution\n"
        "         0 -> 1          : 3        |************                            |\n"
        "         2 -> 3          : 0        |                                        |\n"
        "         4 -> 7          : 0        |                                        |\n"
        "         8 -> 15         : 10       |****************************************|\n"
        "        16 -> 31         : 0        |                                        |\n"
        "        32 -> 63         : 0        |                                        |\n"
        "        64 -> 127        : 1        |****                                    |\n")


def test_log2_without_leading_zeros(capsys):
    histogram.print_log2(log2(s4=10, s6=1), "usecs", True)
    assert capsys.readouterr().out == (
        "     usecs               : count     distribution\n"
        "         8 -> 15         : 10       |****************************************|\n"
        "        16 -> 31         : 0        |                                        |\n"
        "        32 -> 63         : 1        |****                                    |\n")


def test_log2_of_large_values_is_wider(capsys):
    histogram.print_log2(log2(s33=2, s34=1), "nsecs", True)
    assert capsys.readouterr().out == (
        "               nsecs                         : count     distribution\n"
        "          4294967296 -> 8589934591           : 2        |********************|\n"
        "          8589934592 -> 17179869183          : 1        |**********          |\n")


def test_log2_just_below_is_not_wider(capsys):
    histogram.print_log2(log2(s32=1), "nsecs", True)
    assert capsys.readouterr().out == (
        "     nsecs               : count     distribution\n"
        "2147483648 -> 4294967295 : 1        |****************************************|\n")


def test_linear(capsys):
    histogram.print_linear(counts(histogram.LINEAR_SLOTS, s0=1, s2=40, s3=7), "ms", None)
    assert capsys.readouterr().out == (
        "     ms            : count     distribution\n"
        "        0          : 1        |*                                       |\n"
        "        1          : 0        |                                        |\n"
        "        2          : 40       |****************************************|\n"
        "        3          : 7        |*******                                 |\n")


@pytest.mark.parametrize("printer, slots", [
    (histogram.print_log2, histogram.LOG2_SLOTS), (histogram.print_linear, histogram.LINEAR_SLOTS)])
def test_empty_histogram_prints_nothing(capsys, printer, slots):
    printer([0] * slots, "usecs", None)
    assert capsys.readouterr().out == ""


def test_json():
    result = histogram.json_log2(log2(s1=3, s3=10), "usecs", ("disk", "sda"))
    assert result.pop("ts")
    assert result == {"val_type": "usecs", "disk": "sda", "data": [
        {"interval-start": 0, "interval-end": 1, "count": 3},
        {"interval-start": 2, "interval-end": 3, "count": 0},
        {"interval-start": 4, "interval-end": 7, "count": 10}]}


class Key(ct.Structure):
    _fields_ = [("disk", ct.c_char * 8), ("slot", ct.c_ulonglong)]


class PaddedKey(ct.Structure):
    _fields_ = [("disk", ct.c_uint), ("__pad_1", ct.c_uint), ("slot", ct.c_ulonglong)]


def test_sections_in_the_order_of_the_table():
    items = [(Key(b"sdb", 2), ct.c_uint(5)), (Key(b"sda", 3), ct.c_uint(4)),
             (Key(b"sdb", 1), ct.c_uint(9))]
    found = histogram.sections(items, Key, 5, None, None)
    assert found == [(b"sdb", [0, 9, 5, 0, 0]), (b"sda", [0, 0, 0, 4, 0])]
    assert [name for name, _ in histogram.sections(items, Key, 5, None, sorted)] == [b"sda", b"sdb"]
    assert [name for name, _ in histogram.sections(items, Key, 5, bytes.upper, None)] == \
        [b"SDB", b"SDA"]


def test_padding_in_a_key_is_not_the_slot():
    items = [(PaddedKey(7, 3, 2), ct.c_uint(5))]
    assert histogram.sections(items, PaddedKey, 3, None, None) == [(7, [0, 0, 5])]


def test_slot_beyond_the_histogram():
    with pytest.raises(IndexError, match="slot 65 is outside the 65 slots"):
        histogram.single([(ct.c_int(65), ct.c_ulong(1))], histogram.LOG2_SLOTS)
