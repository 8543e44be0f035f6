# SPDX-License-Identifier: Apache-2.0
"""Events of all sizes: each one that is sent arrives or is counted as lost, or the program does not compile."""

import ctypes as ct
import os

import pytest

import ebcc
from bcc import libbcc
from ebcc import BPF
from conftest import getpgid, wait_until
from kernel_calls import run

# The size of a record has 16 bits. The kernel pads the event and its size, of 4 bytes, to a multiple of 8 bytes.
PERF_MAX = 65516
# A ring of one page: a record has a header of 8 bytes, and can't fill the ring.
RING_MAX = 4096 - 16

SOURCE = """
struct block { char bytes[66000]; };
BPF_ARRAY(blocks, struct block, 1);
BPF_ARRAY(sent, u64, 1);
const volatile u32 chosen = 1;
TABLE
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    int zero = 0;
    struct block *block;
    FILTER
    block = blocks.lookup(&zero);
    if (!block)
        return 0;
    sent.atomic_increment(zero);
    SUBMIT
    return 0;
}
"""
PERF = SOURCE.replace("TABLE", "BPF_PERF_OUTPUT(events);")
RING = SOURCE.replace("TABLE", "BPF_RINGBUF_OUTPUT(events, 1);")
RESERVE = ("char *place = events.ringbuf_reserve(SIZE); if (place) { place[0] = 1;"
           " events.ringbuf_submit(place, 0); }")


def outcome(bpf, calls=5):
    """The sizes of the received events, and the number of lost ones."""
    sizes, lost, table = [], [], bpf["events"]
    bpf["sent"].clear()
    if hasattr(table, "open_ring_buffer"):
        table.open_ring_buffer(lambda ctx, data, size: sizes.append(size), lost_cb=lost.append)
        poll = bpf.ring_buffer_consume
    else:
        table.open_perf_buffer(lambda cpu, data, size: sizes.append(size), page_cnt=64,
                               lost_cb=lost.append)
        poll = bpf.perf_buffer_consume
    for _ in range(calls):
        getpgid(4000001)
        poll()
    assert bpf["sent"][0].value == len(sizes) + sum(lost) == calls
    assert table.lost() == sum(lost)
    return set(sizes), sum(lost)


@pytest.mark.parametrize("size, arrives", [(0, 4), (1, 4), (4, 4), (5, 12), (PERF_MAX, PERF_MAX)])
def test_sizes_of_perf_events(load, size, arrives):
    """Both if the compiler knows the size and if it doesn't."""
    fixed = load(PERF.replace("SUBMIT", "events.perf_submit(args, block, %d);" % size))
    assert outcome(fixed) == ({arrives}, 0)
    chosen = load(PERF.replace("SUBMIT", "events.perf_submit(args, block, chosen);"),
                  constants={"chosen": size})
    assert outcome(chosen) == ({arrives}, 0)


@pytest.mark.parametrize("size", [PERF_MAX + 1, PERF_MAX + 4, 65536, 66000])
def test_perf_events_that_are_too_large(load, size):
    for call in ("events.perf_submit(args, block, %d);",
                 "events.perf_submit_skb(args, 1000, block, %d - 1000);",
                 "bpf_perf_event_output(args, &events, BPF_F_CURRENT_CPU, block, %d);"):
        with pytest.raises(ebcc.CompileError, match=r"main.c:\d+:.* %d bytes .* 'events'.* %d bytes" % (
                size, PERF_MAX)):
            load(PERF.replace("SUBMIT", call % size))
    chosen = load(PERF.replace("SUBMIT", "events.perf_submit(args, block, chosen);"),
                  constants={"chosen": size})
    assert outcome(chosen) == (set(), 5)


def test_negative_sizes(load):
    with pytest.raises(ebcc.CompileError, match="event of 4294967295 bytes"):
        load(PERF.replace("SUBMIT", "events.perf_submit(args, block, -1);"))
    with pytest.raises(ebcc.CompileError, match="event of 18446744073709551615 bytes"):
        load(RING.replace("SUBMIT", "events.ringbuf_output(block, -1, 0);"))


def test_packets_after_events(load):
    """An event that is to contain more bytes than its packet has is lost."""
    bpf = load("""
        BPF_PERF_OUTPUT(events);
        BPF_ARRAY(sent, u64, 1);
        const volatile u32 chosen = 1;
        int prog(struct __sk_buff *skb) {
            u64 word = 7;
            sent.atomic_increment(0);
            events.perf_submit_skb(skb, chosen, &word, sizeof(word));
            return 0;
        }""", constants={"chosen": 60})
    sizes, lost = [], []
    bpf["events"].open_perf_buffer(lambda cpu, data, size: sizes.append(size), lost_cb=lost.append)
    function = bpf.load_func("prog", BPF.SCHED_CLS)
    for packet in (bytes(64), bytes(40), bytes(100)):
        run(function, packet)
        bpf.perf_buffer_consume()
    assert sizes == [68, 68] and sum(lost) == 1 and bpf["sent"][0].value == 3


def test_more_of_a_packet_than_fits_into_a_record(load):
    text = """
        BPF_PERF_OUTPUT(events);
        const volatile u32 chosen = 1;
        int prog(struct __sk_buff *skb) {
            u64 word = 7;
            events.perf_submit_skb(skb, LENGTH, &word, sizeof(word));
            return 0;
        }"""
    with pytest.raises(ebcc.CompileError, match="event of 65524 bytes"):
        load(text.replace("LENGTH", "65516"))
    bpf, lost = load(text.replace("LENGTH", "chosen"), constants={"chosen": 65516}), []
    bpf["events"].open_perf_buffer(lambda cpu, data, size: None, lost_cb=lost.append)
    run(bpf.load_func("prog", BPF.SCHED_CLS), bytes(64))
    bpf.perf_buffer_consume()
    assert lost == [1]


@pytest.mark.parametrize("submit", ["events.ringbuf_output(block, SIZE, 0);", RESERVE])
def test_sizes_of_ring_buffer_events(load, submit):
    for size in (1, 8, RING_MAX):
        text = RING.replace("SUBMIT", submit.replace("SIZE", str(size)))
        assert outcome(load(text)) == ({size}, 0)
    for size in (RING_MAX + 1, RING_MAX + 8, 4096, 65536):
        text = RING.replace("SUBMIT", submit.replace("SIZE", str(size)))
        with pytest.raises(ebcc.CompileError, match=r"main.c:\d+:.* %d bytes .* 'events'.* %d bytes" % (
                size, RING_MAX)):
            load(text)


@pytest.mark.parametrize("size", [RING_MAX, RING_MAX + 1, 65536])
def test_ring_buffer_events_of_a_chosen_size(load, size):
    bpf = load(RING.replace("SUBMIT", "events.ringbuf_output(block, chosen, 0);"),
               constants={"chosen": size})
    assert outcome(bpf) == (({size}, 0) if size <= RING_MAX else (set(), 5))


def test_without_a_reader(load):
    """Events that are sent before a reader opens the buffer, or after it closed it, are not counted as lost."""
    bpf = load(PERF.replace("SUBMIT", "events.perf_submit(args, block, 8);"))
    getpgid(4000001)
    assert bpf["events"].lost() == 0
    assert outcome(bpf, 1)[0] == {12}


@pytest.mark.parametrize("options", [{}, {"wakeup_events": 1}])
def test_processor_without_a_ring(load, options):
    """For example, one that came online after the buffer was opened. Its first event makes the reader open a ring."""
    bpf, seen, lost = load(PERF.replace("SUBMIT", "events.perf_submit(args, block, 8);")), [], []
    bpf["events"].open_perf_buffer(lambda cpu, data, size: seen.append(cpu), lost_cb=lost.append, **options)
    for cpu in os.sched_getaffinity(0):
        libbcc.lib.bpf_delete_elem(bpf["events"].map_fd, ct.byref(ct.c_int(cpu)))
    getpgid(4000001)
    wait_until(lambda: bpf.perf_buffer_poll(timeout=10) or lost)
    assert (seen, lost) == ([], [1])
    # Until an event is sent on the processor that now has a ring.
    wait_until(lambda: getpgid(4000001) or bpf.perf_buffer_poll(timeout=10) or seen)
    assert bpf["sent"][0].value == len(seen) + sum(lost)
    assert bpf["events"].lost() == sum(lost) <= len(os.sched_getaffinity(0))


def test_processors_of_this_process(load):
    """A perf buffer has a ring for each processor that this process may use."""
    bpf, seen = load(PERF.replace("SUBMIT", "events.perf_submit(args, block, 8);")), []
    bpf["events"].open_perf_buffer(lambda cpu, data, size: seen.append(cpu))
    allowed = os.sched_getaffinity(0)
    try:
        for cpu in sorted(allowed):
            os.sched_setaffinity(0, {cpu})
            getpgid(4000001)
    finally:
        os.sched_setaffinity(0, allowed)
    bpf.perf_buffer_consume()
    assert sorted(seen) == sorted(allowed) and bpf["events"].lost() == 0
