"""Addresses in data: the table of tests/python/address_cases.py, with another kernel's verifier."""

import os
import sys

import pytest
from ebcc import BPF

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "python"))
import address_cases  # noqa: E402
from kernel_calls import run, run_raw_tracepoint  # noqa: E402

KERNEL = tuple(int(part) for part in os.uname().release.split(".")[:2])


def wrong_cases(cases, kind, run_one, load_type):
    """The cases that saw something else, and how."""
    wrong = []
    with BPF(text=address_cases.module_text(cases, kind)) as bpf:
        for index, case in enumerate(cases):
            function = bpf.load_func(case.function, load_type)
            for number in range(case.count):
                run_one(function, number)
            try:
                address_cases.check(case, index, bpf["results"])
            except (AssertionError, KeyError) as error:
                wrong.append((case.name, error))
    return wrong


def test_read_through():
    assert not wrong_cases(address_cases.CASES, "raw_tracepoint", run_raw_tracepoint, BPF.RAW_TRACEPOINT)


def test_read_through_by_programs_on_packets():
    cases = [case for case in address_cases.CASES if case.name not in address_cases.NOT_ON_PACKETS]
    assert not wrong_cases(cases, "xdp", lambda function, number: run(function, bytes([number]) + bytes(63)), BPF.XDP)


@pytest.mark.skipif(KERNEL < (5, 17), reason="bpf_strncmp() came with Linux 5.17")
def test_constant_address_for_a_helper():
    assert not wrong_cases([address_cases.STRNCMP_CASE], "raw_tracepoint", run_raw_tracepoint, BPF.RAW_TRACEPOINT)
