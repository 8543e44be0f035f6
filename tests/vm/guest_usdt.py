# SPDX-License-Identifier: Apache-2.0
"""USDT probes on kernels of every age. Before Linux 5.15 there are no attach cookies: arguments are then
found by the address at which the program runs, which needs a given process, or a file at fixed addresses."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

# pylint: disable=wrong-import-position,unused-import
import ebcc
from ebcc import USDT
from test_usdt import (  # noqa: F401  fixtures and tests that also run in the guest
    READ_ALL,
    binaries,
    build,
    calls,
    enabled,
    fire,
    start,
    test_a_library_of_a_process,
    test_a_process_that_ends,
    test_arguments_of_a_process,
    test_cookies_beside_arguments,
    test_locations_with_different_arguments,
    test_semaphore_of_a_process,
    test_semaphore_that_the_kernel_cannot_count,
    trace,
    values,
)

RELEASE = tuple(int(part) for part in os.uname().release.split(".")[:2])


def test_two_processes_at_other_addresses(binaries, start, trace):
    """Each has its own key, and removing one keeps the other."""
    targets = [start(binaries["target"]) for _ in range(2)]
    contexts = [enabled("test:plain", pid=target.pid) for target in targets]
    bpf = trace(*contexts)
    for target in targets:
        target.ask("fire 1")
    assert [call[:2] for call in values(bpf, 5)] == [[0, 250], [0, 250]]
    bpf.detach_usdt(contexts[0], "test:plain")
    targets[1].ask("fire 1")
    assert [pid for pid, *_ in calls(bpf)] == [targets[0].pid, targets[1].pid, targets[1].pid]
    assert len(values(bpf, 5)) == 3


def test_file_at_fixed_addresses(binaries, trace):
    """No process needs to be given."""
    bpf = trace(enabled("memory", path=binaries["fixed"]))
    fire(binaries["fixed"])
    [(_, found, errors)] = calls(bpf)
    assert errors == [0] * 12
    assert (found[1], found[5], found[9]) == (22, 44, 0x77)


if RELEASE < (5, 15):

    def test_arguments_need_a_process(binaries, start, trace):
        with pytest.raises(ebcc.AttachError, match="give a pid"):
            trace(enabled("test:plain", path=binaries["target"]))
        counting = """
            BPF_ARRAY(count, u32, 1);
            int on_probe(void *ctx) { count.increment(0); return 0; }
            """
        target = start(binaries["target"])
        bpf = trace(enabled("test:plain", path=binaries["target"]), text=counting)
        target.ask("fire 3")
        assert bpf["count"][0].value == 3
