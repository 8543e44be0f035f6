# SPDX-License-Identifier: Apache-2.0
"""Events in batches: their bytes, columns of their members; and events in a loop of asyncio."""

import array
import asyncio
import ctypes as ct
import os
import select

import ebcc
import pytest
from conftest import getpgid, wait_until

EVENT = """
struct event {
    u64 number;
    s16 small;
    char text[8];
    struct { int a; int b[3]; } inner;
    union { u32 whole; u8 first; };
    int bits : 3;
    bool yes;
    double real;
    void *pointer;
};
%s
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid)
{
    struct event event = {.number = args->pid, .small = -args->pid, .text = "abc", .yes = true};

    FILTER
    event.inner.a = 7;
    event.inner.b[2] = args->pid + 1;
    event.whole = 0x10203;
    event.pointer = (void *)1;
    event.bits = -2;
    %s;
    return 0;
}
"""
RING = EVENT % ("BPF_RINGBUF_OUTPUT(events, 64);", "events.ringbuf_output(&event, sizeof(event), 0)")
PERF = EVENT % ("BPF_PERF_OUTPUT(events);", "events.perf_submit(args, &event, sizeof(event))")
# Numbers that no process has.
FIRST = 4000000


def open_batches(bpf, batches):
    table = bpf["events"]
    open_buffer = table.open_perf_buffer if hasattr(table, "open_perf_buffer") else table.open_ring_buffer
    open_buffer(batch=batches.append)


def consume(bpf):
    if hasattr(bpf["events"], "open_perf_buffer"):
        bpf.perf_buffer_consume()
    else:
        bpf.ring_buffer_consume()


@pytest.mark.parametrize("text", [RING, PERF], ids=["ring", "perf"])
def test_columns(load, text):
    """Every member of all events, with its values."""
    batches = []
    bpf = load(text)
    open_batches(bpf, batches)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    getpgid(FIRST, FIRST + 1, FIRST + 2)
    os.sched_setaffinity(0, before)
    consume(bpf)
    (batch,) = batches
    assert len(batch) == 3
    numbers = [FIRST, FIRST + 1, FIRST + 2]
    assert batch.column("number").tolist() == numbers and batch.column("number").itemsize == 8
    assert batch.column("small").tolist() == [ct.c_int16(-number).value for number in numbers]
    assert bytes(batch.column("text")) == b"abc\0\0\0\0\0" * 3 and batch.column("text").shape == (3, 8)
    assert batch.column("inner.a").tolist() == [7, 7, 7]
    assert batch.column("inner.b").tolist() == [[0, 0, number + 1] for number in numbers]
    assert batch.column("inner").shape == (3, 16)
    assert batch.column("whole").tolist() == [0x10203] * 3 and batch.column("first").tolist() == [3] * 3
    assert batch.column("yes").tolist() == [True] * 3 and batch.column("real").tolist() == [0.0] * 3
    assert batch.column("pointer").tolist() == [1] * 3
    assert array.array("Q", batch.column("number").tobytes()).tolist() == numbers
    assert batch.cpus.tolist() == ([] if text is RING else [min(before)] * 3)
    assert [event.number for event in batch] == numbers and batch[-1].bits == -2
    size = len(batch.bytes_of(0))
    assert batch.offsets.tolist() == [0, size, 2 * size] and len(batch.data) == 3 * size
    assert batch.data[size:2 * size] == batch.bytes_of(1) and batch.bytes_of(-1) == batch.bytes_of(2)
    with pytest.raises(ValueError, match="bits is a bit field, which has no column"):
        batch.column("bits")
    with pytest.raises(ebcc.NotFoundError, match="event has no member 'numbre'"):
        batch.column("numbre")
    with pytest.raises(ebcc.NotFoundError, match="no member 'x'"):
        batch.column("number.x")
    with pytest.raises(IndexError):
        batch.bytes_of(3)


def test_numbers(load):
    """Events that are numbers have one column."""
    batches = []
    bpf = load("""
        BPF_RINGBUF_OUTPUT(events, 8);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid)
        {
            s32 number = -args->pid;
            FILTER
            events.ringbuf_output(&number, sizeof(number), 0);
            return 0;
        }""")
    open_batches(bpf, batches)
    getpgid(FIRST, FIRST + 1)
    consume(bpf)
    assert batches[0].column().tolist() == [-FIRST, -FIRST - 1] == list(batches[0])


def test_events_of_other_sizes(load):
    """A column needs events that reach as far as the member."""
    batches = []
    bpf = load("""
        struct event { u32 number; char text[60]; };
        BPF_RINGBUF_OUTPUT(events, 8);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid)
        {
            struct event event = {args->pid};
            FILTER
            events.ringbuf_output(&event, args->pid % 2 ? 4 : sizeof(event), 0);
            return 0;
        }""")
    open_batches(bpf, batches)
    getpgid(FIRST, FIRST + 1, FIRST + 2)
    consume(bpf)
    assert [len(batches[0].bytes_of(number)) for number in range(3)] == [64, 4, 64]
    assert batches[0].column("number").tolist() == [FIRST, FIRST + 1, FIRST + 2]
    with pytest.raises(ValueError, match="too short for this member"):
        batches[0].column("text")


def test_batches_of_a_poll(load):
    """A poll calls the callback once for all that it found, and says how many events there were."""
    batches, seen = [], []
    bpf = load(RING)
    open_batches(bpf, batches)
    getpgid(*range(FIRST, FIRST + 500))
    bpf.ring_buffer_poll(0)
    while sum(map(len, batches)) < 500:
        bpf.ring_buffer_poll(1000)
    for batch in batches:
        seen += batch.column("number")
    assert seen == list(range(FIRST, FIRST + 500))
    assert len(batches) <= 3
    bpf.ring_buffer_poll(0)
    assert sum(map(len, batches)) == 500, "no empty batches, and nothing twice"


def test_an_exception_of_a_callback(load):
    """It is raised by the poll. Events of the next poll are a new batch."""
    bpf, numbers = load(RING), []

    def raises(batch):
        numbers.extend(batch.column("number"))
        if len(numbers) == 2:
            raise KeyError("callback")

    bpf["events"].open_ring_buffer(batch=raises)
    getpgid(FIRST, FIRST + 1)
    with pytest.raises(KeyError, match="callback"):
        bpf.ring_buffer_consume()
    getpgid(FIRST + 2)
    bpf.ring_buffer_consume()
    assert numbers == [FIRST, FIRST + 1, FIRST + 2]


@pytest.mark.parametrize("arguments", [{}, {"callback": print, "batch": print}])
def test_one_kind_of_callback(load, arguments):
    bpf = load(RING)
    with pytest.raises(TypeError, match="a callback for each event is needed, or one for batches"):
        bpf["events"].open_ring_buffer(**arguments)


def test_losses_are_reported(load):
    """What doesn't fit is counted, as for single events."""
    lost, batches = [], []
    bpf = load(EVENT % ("BPF_RINGBUF_OUTPUT(events, 1);", "events.ringbuf_output(&event, sizeof(event), 0)"))
    bpf["events"].open_ring_buffer(batch=batches.append, lost_cb=lost.append)
    getpgid(*range(FIRST, FIRST + 200))
    bpf.ring_buffer_consume()
    assert sum(lost) > 0 and sum(lost) + sum(map(len, batches)) == 200


# ---- asyncio ----

BOTH = EVENT % ("BPF_RINGBUF_OUTPUT(events, 64); BPF_PERF_OUTPUT(perf);",
                "events.ringbuf_output(&event, sizeof(event), 0); perf.perf_submit(args, &event, sizeof(event))")


async def take(table, count):
    """The numbers of the first events of a table."""
    numbers = []
    async for event in table:
        numbers.append(event.number)
        if len(numbers) == count:
            break
    return numbers


async def call_until(task, numbers):
    """Makes the calls again and again until a task has ended; returns its result."""
    while not task.done():
        getpgid(*numbers)
        await asyncio.sleep(0.01)
    return await task


@pytest.mark.parametrize("text", [RING, PERF], ids=["ring", "perf"])
def test_async_for(load, text):
    bpf = load(text)

    async def main():
        return await call_until(asyncio.create_task(take(bpf["events"], 3)), [FIRST])

    assert asyncio.run(main()) == [FIRST] * 3
    # The loop has ended, and another one may begin.
    assert asyncio.run(main()) == [FIRST] * 3


def test_two_tables_in_one_loop(load):
    bpf = load(BOTH)

    async def main():
        tasks = [asyncio.create_task(take(bpf[name], 4)) for name in ("events", "perf")]
        both = asyncio.gather(*tasks)
        return await call_until(both, [FIRST + 1])

    assert asyncio.run(main()) == [[FIRST + 1] * 4] * 2


def test_an_error_while_reading_ends_the_loop(load):
    """The source doesn't tell the type of these events."""
    bpf = load("""
        BPF_RINGBUF_OUTPUT(events, 8);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid)
        {
            char bytes[4] = {};
            void *data = bytes;
            FILTER
            events.ringbuf_output(data, sizeof(bytes), 0);
            return 0;
        }""".replace("void *data = bytes;", "void *data = bytes; asm volatile(\"\" : \"+r\"(data));"))

    async def main():
        return await call_until(asyncio.create_task(take(bpf["events"], 1)), [FIRST])

    with pytest.raises(ebcc.NotFoundError, match="nothing of a known type"):
        asyncio.run(main())


def test_a_descriptor(load):
    """It is readable when there are events."""
    batches = []
    bpf = load(RING)
    open_batches(bpf, batches)
    poll = select.poll()
    poll.register(bpf, select.POLLIN)
    assert poll.poll(0) == []
    getpgid(FIRST)
    wait_until(lambda: poll.poll(100))
    bpf.ring_buffer_consume()
    assert batches[0].column("number").tolist() == [FIRST]
