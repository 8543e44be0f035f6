"""Events of perf and ring buffers: they are decoded, delivered once, and belong to the caller."""

import ctypes as ct
import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import ebcc
from ebcc.utils import get_online_cpus
from conftest import LIMIT, getpgid, programs_of, wait_until, wait_until_asleep

STRUCT = """
struct inner_t { u16 a; s8 b[2]; };
struct event_t { u32 pid; char comm[16]; struct inner_t pairs[2]; u64 big; u8 mac[6]; bool flag; };
OUTPUT
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    struct event_t event = {};
    FILTER
    event.pid = args->pid;
    bpf_get_current_comm(&event.comm, sizeof(event.comm));
    event.pairs[0].a = 1;
    event.pairs[1].a = 0xffff;
    event.pairs[1].b[1] = -7;
    event.big = ~0ULL;
    event.mac[5] = 0xab;
    event.flag = true;
    SUBMIT
    return 0;
}
"""
PERF = STRUCT.replace("OUTPUT", "BPF_PERF_OUTPUT(events);").replace(
    "SUBMIT", "events.perf_submit(args, &event, sizeof(event));")
RING = STRUCT.replace("OUTPUT", "BPF_RINGBUF_OUTPUT(events, 8);").replace(
    "SUBMIT", "events.ringbuf_output(&event, sizeof(event), 0);")

PLAIN = """
TYPE_DEFINITION
BPF_PERF_OUTPUT(events);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    FILTER
    SUBMIT
    return 0;
}
"""


def own_comm():
    with open("/proc/self/comm", "rb") as file:
        return file.read().rstrip(b"\n")


def poll_perf(bpf, rounds=5):
    for _ in range(rounds):
        bpf.perf_buffer_poll(timeout=50)


def check_event(event, number):
    assert event.pid == number
    assert event.comm == own_comm()
    assert [pair.a for pair in event.pairs] == [1, 0xffff]
    assert list(event.pairs[1].b) == [0, -7]
    assert event.big == 2 ** 64 - 1
    assert list(event.mac) == [0, 0, 0, 0, 0, 0xab]
    assert event.flag is True


def test_perf_struct(load):
    bpf = load(PERF)
    seen = []

    def on_event(cpu, data, size):
        assert cpu in get_online_cpus()
        assert size >= ct.sizeof(type(bpf["events"].event(data)))
        seen.append(bpf["events"].event(data))

    bpf["events"].open_perf_buffer(on_event)
    getpgid(4000001, 4000002, 4000003)
    poll_perf(bpf)
    assert sorted(event.pid for event in seen) == [4000001, 4000002, 4000003]
    check_event(seen[0], seen[0].pid)
    bpf.close()
    check_event(seen[2], seen[2].pid)


def test_ring_struct(load):
    bpf = load(RING)
    context, seen = object(), []

    def on_event(ctx, data, size):
        assert ctx is context
        seen.append(bpf["events"].event(data))

    bpf["events"].open_ring_buffer(on_event, context)
    getpgid(4000001, 4000002, 4000003)
    bpf.ring_buffer_poll(timeout=1000)
    assert [event.pid for event in seen] == [4000001, 4000002, 4000003]
    bpf.close()
    check_event(seen[1], 4000002)


def test_ring_buffer_without_context(load):
    bpf = load(RING)
    seen = []
    bpf["events"].open_ring_buffer(lambda ctx, data, size: seen.append((ctx, size)))
    getpgid(4000001)
    bpf.ring_buffer_consume()
    assert seen == [(None, 48)]


def test_data_can_be_cast_to_a_class_of_the_script(load):
    class Event(ct.Structure):
        _fields_ = [("pid", ct.c_uint), ("comm", ct.c_char * 16)]

    bpf = load(PERF)
    seen = []

    def on_event(cpu, data, size):
        event = ct.cast(data, ct.POINTER(Event)).contents
        seen.append((event.pid, event.comm, ct.string_at(data, 4)))

    bpf["events"].open_perf_buffer(on_event)
    getpgid(4000001)
    poll_perf(bpf)
    assert seen == [(4000001, own_comm(), (4000001).to_bytes(4, "little"))]


@pytest.mark.parametrize("definition, submit, expected", [
    ("", "u64 value = args->pid * 3000ULL; events.perf_submit(args, &value, sizeof(value));",
     4000001 * 3000),
    ("", "int value = -(int)args->pid; events.perf_submit(args, &value, sizeof(value));", -4000001),
    ("", 'char value[16] = "some text"; events.perf_submit(args, &value, sizeof(value));',
     b"some text"),
    ("", "char value[16]; __builtin_memset(value, 'x', 16); "
         "events.perf_submit(args, &value, sizeof(value));", b"x" * 16),
])
def test_events_that_are_not_structs(load, definition, submit, expected):
    bpf = load(PLAIN.replace("TYPE_DEFINITION", definition).replace("SUBMIT", submit))
    counter = {}

    def on_event(cpu, data, size):
        event = bpf["events"].event(data)
        counter[event] = counter.get(event, 0) + 1

    bpf["events"].open_perf_buffer(on_event)
    getpgid(4000001, 4000001)
    poll_perf(bpf)
    assert counter == {expected: 2}


def test_event_from_bytes(load):
    bpf = load(PLAIN.replace("TYPE_DEFINITION", "struct pair_t { u32 a; u32 b; };").replace(
        "SUBMIT", "struct pair_t pair = {}; events.perf_submit(args, &pair, sizeof(pair));"))
    event = bpf["events"].event(b"\1\0\0\0\2\0\0\0")
    assert (event.a, event.b) == (1, 2)
    short = bpf["events"].event(b"\1\0\0\0\2")
    assert (short.a, short.b) == (1, 2)


def test_stale_address_raises_instead_of_crashing(load):
    bpf = load(PERF)
    with pytest.raises(ValueError, match="inside the callback"):
        bpf["events"].event(8)


def test_event_of_a_table_without_submits(load):
    bpf = load("BPF_PERF_OUTPUT(unused); int nothing(void *ctx) { return 0; }")
    with pytest.raises(ebcc.NotFoundError, match="perf_submit"):
        bpf["unused"].event(b"1234")


@pytest.mark.parametrize("text, opener, poll", [
    (PERF, "open_perf_buffer", "perf_buffer_poll"), (RING, "open_ring_buffer", "ring_buffer_poll")])
def test_exception_in_a_callback_is_raised_by_the_poll(load, text, opener, poll):
    bpf = load(text)
    seen = []

    def on_event(_first, data, size):
        seen.append(bpf["events"].event(data).pid)
        if len(seen) == 2:
            raise LookupError("of the callback")

    getattr(bpf["events"], opener)(on_event)
    getpgid(4000001, 4000002, 4000003)
    with pytest.raises(LookupError, match="of the callback"):
        for _ in range(5):
            getattr(bpf, poll)(timeout=50)
    for _ in range(5):
        getattr(bpf, poll)(timeout=50)
    assert sorted(seen) == [4000001, 4000002, 4000003]


def test_negative_result_ends_a_ring_buffer_poll(load):
    bpf = load(RING)
    seen = []

    def on_event(ctx, data, size):
        seen.append(bpf["events"].event(data).pid)
        return -1

    bpf["events"].open_ring_buffer(on_event)
    getpgid(4000001, 4000002)
    bpf.ring_buffer_poll(timeout=100)
    assert seen == [4000001]
    bpf.ring_buffer_poll(timeout=100)
    assert seen == [4000001, 4000002]


def test_exit_in_a_callback(python):
    result = python("""
        import os
        from ebcc import BPF
        b = BPF(text='BPF_RINGBUF_OUTPUT(events, 1); TRACEPOINT_PROBE(syscalls, sys_enter_getpgid)'
                '{ u32 n = 1; if (bpf_get_current_pid_tgid() >> 32 != %d) return 0;'
                'events.ringbuf_output(&n, sizeof(n), 0); return 0; }' % os.getpid())
        b["events"].open_ring_buffer(lambda ctx, data, size: exit(3))
        os.getpgid(0)
        b.ring_buffer_poll(1000)
        """)
    assert (result.returncode, result.stderr) == (3, "")


def test_callback_may_use_tables_but_not_poll_or_reopen(load):
    bpf = load("BPF_HASH(counts);" + PERF)
    refused = []

    def on_event(cpu, data, size):
        bpf["counts"][1] = 5
        for call in (lambda: bpf.perf_buffer_poll(0), lambda: bpf["events"].open_perf_buffer(on_event),
                     bpf["events"].close_events):
            try:
                call()
            except ebcc.StateError as error:
                refused.append(error)

    bpf["events"].open_perf_buffer(on_event)
    getpgid(4000001)
    poll_perf(bpf)
    assert len(refused) == 3
    assert bpf["counts"][1].value == 5


def test_close_in_a_callback_takes_effect_after_it(load):
    bpf = load(RING)
    seen = []

    def on_event(ctx, data, size):
        bpf.close()
        seen.append(size)

    bpf["events"].open_ring_buffer(on_event)
    getpgid(4000001)
    bpf.ring_buffer_poll(timeout=1000)
    assert seen == [48]
    assert bpf.module.closed
    with pytest.raises(ebcc.StateError):
        bpf.ring_buffer_poll(timeout=0)


def test_reopening_replaces_the_callback(load):
    bpf = load(RING)
    first, second = [], []
    bpf["events"].open_ring_buffer(lambda ctx, data, size: first.append(size))
    bpf["events"].open_ring_buffer(lambda ctx, data, size: second.append(size))
    getpgid(4000001)
    bpf.ring_buffer_poll(timeout=1000)
    assert (first, len(second)) == ([], 1)


def test_lost_events_are_reported_once_and_exactly(load):
    bpf = load(PERF)
    seen, lost = [], []
    bpf["events"].open_perf_buffer(lambda cpu, data, size: seen.append(size), page_cnt=1,
                                   lost_cb=lost.append)
    sent = 2000
    getpgid(*[4000001] * sent)
    poll_perf(bpf)
    assert sum(lost) > 0
    assert len(seen) + sum(lost) == sent
    assert bpf["events"].lost() == sum(lost)
    poll_perf(bpf, 2)
    assert bpf["events"].lost() == sum(lost)


def test_losses_without_a_callback_are_logged(load, caplog):
    bpf = load(RING)
    bpf["events"].open_ring_buffer(lambda ctx, data, size: None)
    getpgid(*[4000001] * 3000)
    bpf.ring_buffer_poll(timeout=100)
    lost = bpf["events"].lost()
    assert lost > 0
    assert "events: %d events were lost" % lost in caplog.text


def test_page_count_must_be_a_power_of_two(load):
    with pytest.raises(ValueError, match="power of two"):
        load(PERF)["events"].open_perf_buffer(print, page_cnt=3)


def test_poll_timeout(load):
    bpf = load(RING)
    bpf["events"].open_ring_buffer(lambda ctx, data, size: None)
    start = time.monotonic()
    bpf.ring_buffer_poll(timeout=120)
    assert 0.11 <= time.monotonic() - start


def test_poll_lets_other_threads_run(load):
    """Another thread makes the event that the poll waits for."""
    bpf = load(RING)
    seen = []
    bpf["events"].open_ring_buffer(lambda ctx, data, size: seen.append(bpf["events"].event(data).pid))
    main = threading.get_native_id()

    def act():
        wait_until_asleep(os.getpid(), main)
        getpgid(4000001)

    thread = threading.Thread(target=act)
    thread.start()
    bpf.ring_buffer_poll(timeout=LIMIT * 1000)
    assert seen == [4000001]
    thread.join()


def test_two_threads_poll_two_modules(load):
    modules = [load(RING), load(RING)]
    seen = {0: [], 1: []}
    expected = list(range(4000000, 4000020))

    def follow(index):
        bpf = modules[index]
        bpf["events"].open_ring_buffer(
            lambda ctx, data, size: seen[index].append(bpf["events"].event(data).pid))
        deadline = time.monotonic() + LIMIT
        while len(seen[index]) < len(expected) and time.monotonic() < deadline:
            bpf.ring_buffer_poll(timeout=1000)

    threads = [threading.Thread(target=follow, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        wait_until_asleep(os.getpid(), thread.native_id)
    getpgid(*expected)
    for thread in threads:
        thread.join()
    assert seen == {0: expected, 1: expected}


def test_close_ends_the_poll_of_another_thread(load):
    bpf = load(RING)
    bpf["events"].open_ring_buffer(lambda ctx, data, size: None)
    thread = threading.Thread(target=bpf.ring_buffer_poll)
    thread.start()
    wait_until_asleep(os.getpid(), thread.native_id)
    bpf.close()
    assert bpf.module.closed and programs_of() == set()
    thread.join(LIMIT)
    assert not thread.is_alive()


def test_one_thread_polls_at_a_time(load):
    bpf = load(RING)
    bpf["events"].open_ring_buffer(lambda ctx, data, size: None)
    thread = threading.Thread(target=bpf.ring_buffer_poll, args=(LIMIT * 1000,))
    thread.start()
    wait_until_asleep(os.getpid(), thread.native_id)
    with pytest.raises(ebcc.StateError, match="another thread"):
        bpf.ring_buffer_poll(0)
    getpgid(4000001)
    thread.join()


def test_exit_while_a_daemon_thread_polls():
    script = textwrap.dedent("""
        import threading
        from ebcc import BPF
        b = BPF(text='BPF_RINGBUF_OUTPUT(events, 1); int f(void *ctx) { return 0; }')
        b["events"].open_ring_buffer(print)
        thread = threading.Thread(target=b.ring_buffer_poll, daemon=True)
        thread.start()
        print(thread.native_id, flush=True)
        input()
        """)
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        wait_until_asleep(process.pid, int(process.stdout.readline()))
        assert process.communicate("\n", timeout=LIMIT) == ("", "")
    assert process.returncode == 0


def test_harmless_signal_does_not_end_a_poll(load):
    bpf = load(RING)
    bpf["events"].open_ring_buffer(lambda ctx, data, size: None)
    heard = []
    previous = signal.signal(signal.SIGALRM, lambda number, frame: heard.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        start = time.monotonic()
        bpf.ring_buffer_poll(timeout=200)
        assert heard == [signal.SIGALRM]
        assert time.monotonic() - start >= 0.19
    finally:
        signal.signal(signal.SIGALRM, previous)


def test_callback_is_released_with_the_module(load):
    class Callback:
        def __call__(self, ctx, data, size):
            pass

    import gc
    import weakref
    callback = Callback()
    alive = weakref.ref(callback)
    bpf = load(RING)
    bpf["events"].open_ring_buffer(callback)
    del callback
    assert alive() is not None
    bpf.close()
    gc.collect()
    assert alive() is None


def test_callback_references_are_balanced(load):
    bpf = load(RING)
    marker = object()

    def on_event(ctx, data, size):
        bpf["events"].event(data)

    bpf["events"].open_ring_buffer(on_event, marker)
    getpgid(4000001)
    bpf.ring_buffer_poll(timeout=100)
    before = sys.getrefcount(marker), sys.getrefcount(on_event)
    getpgid(*[4000001] * 200)
    bpf.ring_buffer_poll(timeout=100)
    assert (sys.getrefcount(marker), sys.getrefcount(on_event)) == before


# Events with a number and a time, both set by the program.
NUMBERED = """
struct event_t { u64 number; u64 time; char padding[112]; };
BPF_ARRAY(sent, u64, 1);
BPF_ARRAY(refused, u64, 1);
OUTPUT
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    struct event_t event = {};
    int first = 0;
    u64 *number;
    if (args->pid != MARK)
        return 0;
    number = sent.lookup(&first);
    if (!number)
        return 0;
    event.number = __sync_fetch_and_add(number, 1);
    event.time = bpf_ktime_get_ns();
    SUBMIT
    return 0;
}
"""
RESERVING = """
    struct event_t *record = events.ringbuf_reserve(sizeof(event));
    if (!record)
        return 0;
    *record = event;
    events.ringbuf_submit(record, 0);
"""
KINDS = {
    "perf": ("BPF_PERF_OUTPUT(events);", "events.perf_submit(args, &event, sizeof(event));"),
    "ring": ("BPF_RINGBUF_OUTPUT(events, 4);", "events.ringbuf_output(&event, sizeof(event), 0);"),
    "reserve": ("BPF_RINGBUF_OUTPUT(events, 4);", RESERVING),
}

# Makes events. Arguments: the mark, the number of events, and the pause after each.
WRITER = """
import os, sys, time
mark, count, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
for _ in range(count):
    try:
        os.getpgid(mark)
    except ProcessLookupError:
        pass
    if pause:
        time.sleep(pause)
"""


class NumberedReader:
    """A reader of numbered events that other processes make."""

    def __init__(self, load, kind, **options):
        self.mark = 3000000 + os.getpid() % 1000000
        output, submit = KINDS[kind]
        self.bpf = load(NUMBERED.replace("OUTPUT", output).replace("SUBMIT", submit).replace(
            "MARK", str(self.mark)))
        self.table = self.bpf["events"]
        self.numbers, self.lost, self.delays = [], [], []
        options.setdefault("lost_cb", self.lost.append)
        if kind == "perf":
            self.table.open_perf_buffer(self.take, page_cnt=4, **options)
            self.poll = self.bpf.perf_buffer_poll
        else:
            self.table.open_ring_buffer(self.take, **options)
            self.poll = self.bpf.ring_buffer_poll

    def take(self, _first, data, _size):
        event = self.table.event(data)
        self.numbers.append(event.number)
        self.delays.append(time.monotonic_ns() - event.time)

    def writers(self, processes, count, pause=0):
        return [subprocess.Popen([sys.executable, "-c", WRITER, str(self.mark), str(count),
                                  str(pause)]) for _ in range(processes)]

    def sent(self):
        return self.bpf["sent"][0].value

    def check_totals(self):
        """Asserts that each event was received once or reported as lost, by the callback and by lost()."""
        assert len(set(self.numbers)) == len(self.numbers)
        assert len(self.numbers) + sum(self.lost) == self.sent()
        assert self.table.lost() == sum(self.lost)


@pytest.mark.parametrize("kind", KINDS)
def test_burst_then_silence(load, kind):
    """No one reads during the burst, and no later event comes with which its losses could be reported."""
    reader = NumberedReader(load, kind)
    for writer in reader.writers(2, 3000):
        assert writer.wait() == 0
    assert reader.sent() == 6000
    reader.poll(100)
    assert sum(reader.lost) > 1000
    reader.check_totals()
    for _ in range(3):
        reader.poll(20)
    reader.check_totals()


@pytest.mark.parametrize("kind", KINDS)
def test_sustained_overload(load, kind):
    """Two processes write without a pause, and the reader is too slow for them."""
    reader = NumberedReader(load, kind)
    writers = reader.writers(2, 40000)
    reports = 0
    while any(writer.poll() is None for writer in writers):
        reader.poll(10)
        assert len(reader.lost) >= reports
        reports = len(reader.lost)
        time.sleep(0.01)
    while reader.poll(50) or len(reader.numbers) + sum(reader.lost) < reader.sent():
        pass
    assert reader.sent() == 80000
    assert len(reader.lost) > 2 and len(reader.numbers) > 100
    reader.check_totals()


@pytest.mark.parametrize("kind", KINDS)
def test_losses_without_a_callback_are_counted(load, kind, caplog):
    reader = NumberedReader(load, kind, lost_cb=None)
    for writer in reader.writers(1, 3000):
        assert writer.wait() == 0
    reader.poll(100)
    assert reader.table.lost() == 3000 - len(reader.numbers) > 0
    # Losses of a perf buffer are reported per CPU.
    reported = re.findall(r"events: (\d+) events were lost", caplog.text)
    assert sum(map(int, reported)) == reader.table.lost()


@pytest.mark.parametrize("kind", KINDS)
def test_wakeups_come_in_batches_with_a_bound_on_the_delay(load, kind):
    reader = NumberedReader(load, kind)
    writer, = reader.writers(1, 400, 0.001)
    start = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    while len(reader.numbers) < 400:
        reader.poll(1000)
    sleeps = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before
    assert writer.wait() == 0
    # One per 30 ms, however long a busy machine takes.
    assert sleeps < 50 + (time.monotonic() - start) / 0.025
    # Without a bound, half of the events would wait for most of the time that the writer takes.
    assert sorted(reader.delays)[200] < 100e6
    reader.check_totals()


def check_wakes_at_once(reader):
    """Asserts that an event after a pause reaches a waiting reader long before the 30 ms of a batch. On
    a busy machine it only sometimes does; without a wakeup for each event, it never does."""
    for round_number in range(100):
        thread = threading.Timer(0.1, getpgid, [reader.mark])
        thread.start()
        while len(reader.numbers) == round_number:
            reader.poll(1000)
        thread.join()
        if round_number >= 4 and min(reader.delays) < 20e6:
            return
    raise AssertionError(sorted(reader.delays))


def test_one_wakeup_event_wakes_at_once(load):
    check_wakes_at_once(NumberedReader(load, "perf", wakeup_events=1))


def test_many_wakeup_events_keep_a_reader_waiting(load):
    bpf = load(PERF)
    seen = []
    bpf["events"].open_perf_buffer(lambda cpu, data, size: seen.append(size), wakeup_events=1000)
    getpgid(4000001, 4000002)
    bpf.perf_buffer_poll(timeout=100)
    assert seen == []
    bpf.perf_buffer_consume()
    assert len(seen) == 2


@pytest.mark.parametrize("kind", ["ring", "reserve"])
def test_ring_wakes_its_reader_at_once_after_a_pause(load, kind):
    check_wakes_at_once(NumberedReader(load, kind))


def test_polling_without_an_open_ring_buffer(load):
    bpf = load("BPF_PERF_OUTPUT(perf); BPF_RINGBUF_OUTPUT(ring, 8);")
    bpf["perf"].open_perf_buffer(lambda cpu, data, size: None)
    for call in bpf.ring_buffer_poll, bpf.ring_buffer_consume:
        with pytest.raises(ebcc.StateError, match="no ring buffer of this module is open"):
            call()


def test_poll_and_consume_handle_only_their_kind(load):
    both = STRUCT.replace("OUTPUT", "BPF_PERF_OUTPUT(perf); BPF_RINGBUF_OUTPUT(ring, 8);").replace(
        "SUBMIT", "perf.perf_submit(args, &event, sizeof(event));"
                  "ring.ringbuf_output(&event, sizeof(event), 0);")
    bpf = load(both)
    seen = []
    bpf["perf"].open_perf_buffer(lambda cpu, data, size: seen.append("perf"))
    bpf["ring"].open_ring_buffer(lambda ctx, data, size: seen.append("ring"))
    for call, kind in ((lambda: bpf.perf_buffer_poll(100), "perf"),
                       (lambda: bpf.ring_buffer_poll(100), "ring"),
                       (lambda: bpf.kprobe_poll(100), "perf")):
        seen.clear()
        getpgid(1)
        call()
        assert set(seen) == {kind}
    bpf.perf_buffer_consume()
    bpf.ring_buffer_consume()
    seen.clear()
    getpgid(1)
    bpf.perf_buffer_consume()
    assert seen == ["perf"]
    bpf.ring_buffer_consume()
    assert seen == ["perf", "ring"]


def test_traceback_includes_the_callback(load):
    bpf = load(RING)

    def inner(data):
        return bpf["events"].event(data).no_such_field

    def on_event(ctx, data, size):
        inner(data)

    bpf["events"].open_ring_buffer(on_event)
    getpgid(1)
    with pytest.raises(AttributeError, match="no_such_field") as raised:
        bpf.ring_buffer_poll(1000)
    assert [entry.name for entry in raised.traceback][-2:] == ["on_event", "inner"]


def test_exception_in_a_lost_callback_is_raised_by_the_poll(load):
    def on_lost(count):
        raise LookupError(count)

    reader = NumberedReader(load, "ring", lost_cb=on_lost)
    for writer in reader.writers(1, 3000):
        assert writer.wait() == 0
    with pytest.raises(LookupError) as raised:
        reader.poll(100)
    assert raised.value.args[0] == reader.table.lost() > 0


@pytest.mark.parametrize("kind", ["perf", "ring"])
def test_ctrl_c_in_a_callback(load, kind):
    """It ends the callback and the poll; the next poll continues after that event."""
    reader = NumberedReader(load, kind)
    take = reader.take

    def interrupted(first, data, size):
        take(first, data, size)
        if len(reader.numbers) == 2:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(LIMIT)

    getattr(reader.table, "open_%s_buffer" % kind)(interrupted)
    getpgid(*[reader.mark] * 4)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        while True:
            reader.poll(1000)
    assert time.monotonic() - start < LIMIT / 2
    while len(reader.numbers) < 4:
        reader.poll(1000)
    assert sorted(reader.numbers) == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", ["perf", "ring"])
def test_ctrl_c_while_events_pour_in(load, kind):
    reader = NumberedReader(load, kind)
    writer, = reader.writers(1, 10000000)
    killer = threading.Thread(target=lambda: (
        wait_until(lambda: len(reader.numbers) > 100), os.kill(os.getpid(), signal.SIGINT)))
    killer.start()
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            while time.monotonic() - start < LIMIT:
                reader.poll()
    finally:
        killer.join()
        writer.kill()
        writer.wait()


DISCARDING = """
BPF_RINGBUF_OUTPUT(events, 8);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    FILTER
    u32 *number = events.ringbuf_reserve(sizeof(*number));
    if (!number)
        return 0;
    *number = args->pid;
    if (args->pid == 1)
        events.ringbuf_discard(number, 0);
    else
        events.ringbuf_submit(number, 0);
    return 0;
}
"""


@pytest.mark.parametrize("busy", [False, True], ids=["after a pause", "while batches are read"])
def test_poll_ends_if_all_events_were_discarded(load, busy):
    """Otherwise it would wait forever, as there is no event for the callback, and no timeout."""
    bpf = load(DISCARDING)
    got = []
    bpf["events"].open_ring_buffer(lambda ctx, data, size: got.append(bpf["events"].event(data)))
    if busy:
        getpgid(2)
        bpf.ring_buffer_poll()
    poll = threading.Thread(target=bpf.ring_buffer_poll, daemon=True)
    poll.start()
    wait_until_asleep(os.getpid(), poll.native_id)
    getpgid(1)
    poll.join(LIMIT)
    assert not poll.is_alive()
    assert got == [2] * busy


def test_opening_a_buffer_is_not_traced(load):
    """The library opens its own files before the program can send events anywhere."""
    bpf = load("""
        BPF_PERF_OUTPUT(events);
        TRACEPOINT_PROBE(syscalls, sys_enter_openat) {
            FILTER
            u64 flags = args->flags;
            events.perf_submit(args, &flags, sizeof(flags));
            return 0;
        }""")
    got = []
    bpf["events"].open_perf_buffer(lambda cpu, data, size: got.append(bpf["events"].event(data)))
    os.close(os.open("/dev/null", os.O_RDONLY | os.O_NOFOLLOW))
    wait_until(lambda: bpf.perf_buffer_consume() or got)
    assert [flags & os.O_NOFOLLOW for flags in got] == [os.O_NOFOLLOW]
