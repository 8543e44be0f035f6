"""Events of a processor that goes offline and comes back while a perf buffer is open."""

import contextlib
import os
import time
from pathlib import Path

import pytest

from ebcc import BPF

ONLINE = Path("/sys/devices/system/cpu/cpu1/online")

SOURCE = """
BPF_ARRAY(sent, u64, 1);
BPF_PERF_OUTPUT(events);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    u64 cpu = bpf_get_smp_processor_id();
    if (bpf_get_current_pid_tgid() >> 32 != OWN_PID)
        return 0;
    sent.atomic_increment(0);
    events.perf_submit(args, &cpu, sizeof(cpu));
    return 0;
}
"""


@contextlib.contextmanager
def running_on(cpu):
    """Runs this process on one processor for a while."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.fixture
def second_cpu():
    """switch(online) of the second processor of the guest, which is online before and after."""
    yield lambda online: ONLINE.write_text(str(int(online)))
    ONLINE.write_text("1")


class Reader:
    """An open buffer, and what it reported."""

    def __init__(self, **options):
        self.bpf = BPF(text=SOURCE.replace("OWN_PID", str(os.getpid())))
        self.seen, self.lost = [], []
        self.bpf["events"].open_perf_buffer(lambda cpu, data, size: self.seen.append(cpu), lost_cb=self.lost.append, **options)

    def close(self):
        """Leaves nothing attached for later tests."""
        self.bpf.close()

    def send(self, cpu):
        """Sends one event on that processor, and reads what has arrived."""
        with running_on(cpu):
            os.getpgid(0)
        self.bpf.perf_buffer_consume()
        sent = self.bpf["sent"][0].value
        assert sent == len(self.seen) + sum(self.lost)
        assert self.bpf["events"].lost() == sum(self.lost)

    def send_until_seen(self, cpu):
        """Returns how many events that took."""
        before, deadline = len(self.seen), time.monotonic() + 60
        while len(self.seen) == before:
            assert time.monotonic() < deadline
            self.send(cpu)
        assert self.seen[before:] == [cpu]


@pytest.fixture
def open_reader():
    """open_reader(**options): a Reader that is closed when the test ends."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(contextlib.closing(Reader(**options)))


def test_cpu_that_comes_online_after_opening(second_cpu, open_reader):
    second_cpu(False)
    reader = open_reader()
    reader.send(0)
    second_cpu(True)
    # The first event finds no ring: it is lost, is reported as lost, and makes the reader open a ring.
    reader.send_until_seen(1)
    assert sum(reader.lost) == 1
    reader.send(1)
    reader.send(0)
    assert reader.seen == [0, 1, 1, 0] and sum(reader.lost) == 1


def test_cpu_that_goes_offline_and_comes_back(second_cpu, open_reader):
    reader = open_reader()
    reader.send(1)
    for times in (1, 2, 3):
        second_cpu(False)
        reader.send(0)
        second_cpu(True)
        reader.send_until_seen(1)
        assert sum(reader.lost) <= times
    reader.send(1)
    assert reader.seen == [1, 0, 1, 0, 1, 0, 1, 1]


def test_a_reader_that_waits_for_wakeups(second_cpu, open_reader):
    """The kernel can't wake the reader for a CPU that has no ring, so the reader must notice by itself."""
    second_cpu(False)
    reader = open_reader(wakeup_events=1)
    second_cpu(True)
    with running_on(1):
        os.getpgid(0)
    deadline = time.monotonic() + 60
    while not reader.lost:
        assert time.monotonic() < deadline
        reader.bpf.perf_buffer_poll(timeout=100)
    with running_on(1):
        os.getpgid(0)
    while not reader.seen:
        assert time.monotonic() < deadline
        reader.bpf.perf_buffer_poll(timeout=100)
    assert reader.seen == [1] and sum(reader.lost) == 1


def test_losses_without_a_reader_are_not_reported(second_cpu, open_reader):
    reader = open_reader()
    reader.bpf["events"].close_events()
    second_cpu(False)
    second_cpu(True)
    with running_on(1):
        os.getpgid(0)
    assert reader.bpf["events"].lost() == 0
