# SPDX-License-Identifier: Apache-2.0
"""Creating and destroying 1,000 objects leaks no descriptors, maps, programs or memory. This runs in
a separate process, in which all compiles except the first are served from the cache. Few of the
objects attach to a tracepoint, as the kernel takes 50 ms to detach from it."""

import os

from conftest import LIMIT

SCRIPT = """
import gc, os, sys
sys.path.insert(0, FOLDER)
import kernel_calls
from ebcc import BPF, PerfSWConfig, PerfType

TEXT = '''
struct event { u32 a; char b[16]; };
BPF_HASH(counts, u32, struct event);
BPF_PERCPU_ARRAY(per_cpu, u64, 4);
BPF_STACK_TRACE(stacks, 64);
BPF_PERF_OUTPUT(events);
BPF_RINGBUF_OUTPUT(ring, 1);
BPF_PROG_ARRAY(programs, 2);
int packet(struct __sk_buff *skb) {
    struct event event = {};
    events.perf_submit(skb, &event, sizeof(event));
    ring.ringbuf_output(&event, sizeof(event), 0);
    programs.call(skb, 0);
    return 0;
}
int other(struct __sk_buff *skb) { return 0; }
int hit(struct bpf_perf_event_data *ctx) { return 0; }
int traced(struct tracepoint__syscalls__sys_enter_getpgid *ctx) { return 0; }
'''

def owned(kind):
    count = 0
    for name in os.listdir("/proc/self/fdinfo"):
        try:
            with open("/proc/self/fdinfo/" + name) as file:
                count += any(line.startswith(kind) for line in file)
        except OSError:
            pass
    return count

def facts():
    gc.collect()
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    with open("/proc/self/maps") as file:
        mappings = len(file.readlines())
    return (len(os.listdir("/proc/self/fd")), owned("map_id:"), owned("prog_id:")), mappings, resident

def cycle(number):
    bpf = BPF(text=TEXT)
    counts = bpf["counts"]
    counts[1] = (number, b"x")
    counts.items(); counts.items_lookup_batch(); counts.key_sprintf(counts.Key(1))
    bpf["per_cpu"].values()
    got = []
    bpf["events"].open_perf_buffer(lambda cpu, data, size: got.append(bpf["events"].event(data)))
    bpf["ring"].open_ring_buffer(lambda ctx, data, size: got.append(bpf["ring"].event(data)))
    bpf.attach_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK, fn_name="hit",
                          sample_freq=1, pid=os.getpid())
    if number % 20 == 0:
        bpf.attach_tracepoint(tp="syscalls:sys_enter_getpgid", fn_name="traced")
    try:
        bpf.attach_tracepoint(tp="no:such", fn_name="traced")
    except Exception:
        pass
    bpf["programs"][0] = bpf.load_func("other", BPF.SCHED_CLS)
    kernel_calls.run(bpf.load_func("packet", BPF.SCHED_CLS))
    bpf.perf_buffer_consume()
    bpf.ring_buffer_consume()
    assert len(got) == 2, got
    if number % 2:
        bpf.close()
    # The others are destroyed with their last reference.

for number in range(100):
    cycle(number)
before = facts()
for number in range(1000):
    cycle(number)
after = facts()
# The allocator may map a part of memory at any time.
print(before[0] == after[0], after[1] - before[1] < 10, after[2] - before[2] < 2 << 20)
print(before, after, file=sys.stderr)
"""


def test_a_thousand_objects_leak_nothing(python):
    folder = os.path.dirname(os.path.abspath(__file__))
    done = python("FOLDER = %r" % folder + SCRIPT, timeout=LIMIT * 4)
    assert done.stdout == "True True True\n", done.stderr
