"""ebcc run: events, the trace pipe, tables, constants, iterators, and how it ends. Programs trace calls of getpgid() with
numbers that nothing else uses, in this process."""
import os
import pty
import re
import signal
import subprocess

import pytest
from clirun import EBCC, LIMIT, Running, environment, records, run, run_json

OWN = os.getpid()
FILTER = f"if (bpf_get_current_pid_tgid() >> 32 != {OWN}) return 0;"

SOURCE = """
struct event {
    u32 number;
    char name[16];
    struct { s16 a; u8 b[3]; } inner;
    enum { RED = 1, BLUE } color, unknown;
    s64 negative;
    u64 large;
    bool yes;
    int bits : 3;
    void *pointer;
    union { u32 whole; u8 first; };
};
%s(events%s);
BPF_HASH(counts, u32, u64);
BPF_HISTOGRAM(sizes);
BPF_ARRAY(slots, u64, 4);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    struct event event = {};

    FILTER
    event.number = args->pid;
    __builtin_memcpy(event.name, "a\\tb", 4);
    event.inner.a = -5;
    event.inner.b[1] = 7;
    event.color = BLUE;
    event.unknown = 9;
    event.negative = -1;
    event.large = ~0ull;
    event.yes = true;
    event.bits = -2;
    event.pointer = (void *)0x1234;
    event.whole = 0x105;
    counts.increment(event.number);
    sizes.increment(bpf_log2l(event.number));
    slots.increment(2);
    events.%s;
    return 0;
}
""".replace("FILTER", FILTER)
BUFFERS = {
    "perf": SOURCE % ("BPF_PERF_OUTPUT", "", "perf_submit(args, &event, sizeof(event))"),
    "ring": SOURCE % ("BPF_RINGBUF_OUTPUT", ", 8", "ringbuf_output(&event, sizeof(event), 0)"),
}
DATA = {"number": 4000001, "name": "a\tb", "inner": {"a": -5, "b": [0, 7, 0]}, "color": "BLUE", "unknown": 9, "negative": -1,
        "large": "18446744073709551615", "yes": True, "bits": -2, "pointer": "0x0000000000001234", "whole": 0x105, "first": 5}


def call(*numbers):
    """Calls getpgid() with each number; no process has it."""
    for number in numbers:
        try:
            os.getpgid(number)
        except ProcessLookupError:
            pass


@pytest.fixture
def source(tmp_path):
    """A function that writes a source and returns its path."""
    def write(text):
        path = tmp_path / "trace.c"
        path.write_text(text)
        return path
    return write


@pytest.mark.parametrize("buffer", BUFFERS)
def test_json(source, buffer):
    """All members with their values; after Ctrl-C, the tables, sorted by key."""
    with Running("run", source(BUFFERS[buffer]), "--json") as running:
        running.wait_for(lambda output: b'"event"' in output, lambda: call(4000001))
        seen = running.output.count(b'"event"')
        running.wait_for(lambda output: output.count(b'"event"') > seen, lambda: call(70, 9, 4000001, 1000))
        status, output, errors = running.interrupt()
    assert (status, errors) == (0, b"")
    lines = records(output)
    events = [line for line in lines if "event" in line]
    first = events[0]
    assert first["event"] == "events" and first["data"] == DATA
    assert first["cpu"] in range(os.cpu_count()) if buffer == "perf" else first["cpu"] is None
    tables = {line["table"]: line for line in lines if "table" in line}
    assert list(tables) == ["counts", "sizes", "slots"]
    numbers = [event["data"]["number"] for event in events]
    counts = {entry["key"]: entry["value"] for entry in tables["counts"]["entries"]}
    assert counts == {number: numbers.count(number) for number in set(numbers)}
    assert list(counts) == sorted(counts) == [9, 70, 1000, 4000001]
    assert tables["slots"]["entries"] == [{"key": 2, "value": len(events)}]
    assert tables["sizes"]["histogram"] is True and tables["counts"]["histogram"] is False
    assert {entry["key"]: entry["value"] for entry in tables["sizes"]["entries"]} == {
        4: counts[9], 7: counts[70], 10: counts[1000], 22: counts[4000001]}


@pytest.mark.parametrize("buffer", BUFFERS)
def test_text(source, buffer):
    """The same for people: one line for each event, bars for a histogram."""
    with Running("run", source(BUFFERS[buffer])) as running:
        running.wait_for(lambda output: b"events: " in output, lambda: call(4000001))
        status, output, errors = running.interrupt()
    assert (status, errors) == (0, b"")
    lines = output.decode().splitlines()
    count = sum(line.startswith("events: ") for line in lines)
    assert lines[0] == ('events: number=4000001 name="a\\x09b" inner={a=-5 b=[0 7 0]} color=BLUE unknown=9 negative=-1 '
                        "large=18446744073709551615 yes=true bits=-2 pointer=0x0000000000001234 whole=261 first=5")
    assert lines[count:count + 3] == ["counts: 1 entry", f"    4000001: {count}", "sizes: 1 entry"]
    assert re.fullmatch(rf" +22 +2097152 -> 4194303 +: {count} +\|\*{{40}}\|", lines[count + 4])
    assert lines[count + 5:] == ["slots: 1 entry", f"    2: {count}"]


def test_object_and_duration(source, tmp_path):
    """An object runs as its source does. It ends by itself, with status 0, and prints the tables."""
    run("build", source(BUFFERS["perf"]), "-o", tmp_path / "trace.o")
    with Running("run", tmp_path / "trace.o", "--duration", "1.5", "--json") as running:
        running.wait_for(lambda output: b'"event"' in output, lambda: call(4000001))
        status, output, _ = running.end()
    assert status == 0
    assert records(output)[0]["data"] == DATA
    assert [line["table"] for line in records(output) if "table" in line] == ["counts", "sizes", "slots"]


def test_standard_input():
    text = BUFFERS["ring"].encode()
    with Running("run", "-", "--json", stdin=subprocess.PIPE) as running:
        running.process.stdin.write(text)
        running.process.stdin.close()
        running.wait_for(lambda output: b'"event"' in output, lambda: call(4000001))
        assert running.interrupt()[0] == 0


@pytest.mark.parametrize("json", [False, True])
def test_trace_pipe(source, json):
    """Lines of bpf_trace_printk(), with the fields of the trace pipe."""
    text = f'TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {{ {FILTER} bpf_trace_printk("called %d\\n", (int)args->pid); return 0; }}'
    with Running("run", source(text), *["--json"] * json) as running:
        running.wait_for(lambda output: b"called 4000002" in output, lambda: call(4000002))
        status, output, errors = running.interrupt()
    assert (status, errors) == (0, b"")
    if json:
        line = records(output)[0]["trace"]
        assert line["pid"] == OWN and line["text"] == "called 4000002" and line["comm"]
        assert line["cpu"] in range(os.cpu_count()) and line["time_us"] > 0
    else:
        assert re.fullmatch(rf" *\S.*-{OWN} +\[\d+\] \S+ +[\d.]+: bpf_trace_printk: called 4000002", output.decode().splitlines()[0])


def test_settings(source):
    """--set gives constants, variables and text their values."""
    text = f"""
const volatile u32 target = 1;
const volatile char word[8] = "none";
int other = 3;
struct event {{ u32 target; char word[8]; int other; }};
BPF_RINGBUF_OUTPUT(events, 8);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {{
    struct event event = {{}};
    {FILTER}
    if (args->pid != target) return 0;
    event.target = target;
    event.other = other;
    for (int i = 0; i < 8; i++) event.word[i] = word[i];
    events.ringbuf_output(&event, sizeof(event), 0);
    return 0;
}}
"""
    path = source(text)
    settings = ["--set", "target=4000003", "--set", "word=a b", "--set", "other=-8"]
    with Running("run", path, *settings, "--json") as running:
        running.wait_for(lambda output: b'"event"' in output, lambda: call(1, 4000003))
        _, output, _ = running.interrupt()
    assert records(output)[0]["data"] == {"target": 4000003, "word": "a b", "other": -8}
    assert b"'targe'" in run("run", path, "--set", "targe=1", status=1)[1]
    assert b"target" in run("run", path, "--set", "targe=1", status=1)[1].split(b"'targe'")[1]
    assert b"--set target: " in run("run", path, "--set", "target=x", status=1)[1]
    assert b"room for 8 bytes" in run("run", path, "--set", "word=123456789", status=1)[1]


def test_flags(source):
    """Flags for the compiler are as for ebcc build."""
    path = source(f"""
BPF_RINGBUF_OUTPUT(events, 8);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {{
    u32 value = VALUE;
    {FILTER}
    events.ringbuf_output(&value, sizeof(value), 0);
    return 0;
}}""")
    with Running("run", path, "-DVALUE=77", "--json") as running:
        running.wait_for(lambda output: b'"event"' in output, lambda: call(4000004))
        assert records(running.interrupt()[1])[0]["data"] == 77
    assert b"undeclared identifier 'VALUE'" in run("run", path, status=1)[1]


@pytest.mark.parametrize("pointer", ["void *", "struct event *"])
def test_source_for_libbpf(source, pointer):
    """Sections say where programs belong; --event says what a pointer without a type doesn't."""
    path = source(r"""
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct event { int number; char name[8]; };
struct event *unused;
const volatile int target = 0;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 32768); } events SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getpgid")
int on_call(struct trace_event_raw_sys_enter *ctx)
{
    POINTER event;

    if (bpf_get_current_pid_tgid() >> 32 != OWN || ctx->args[0] != target) return 0;
    event = bpf_ringbuf_reserve(&events, sizeof(struct event), 0);
    if (!event) return 0;
    ((struct event *)event)->number = target;
    __builtin_memcpy(((struct event *)event)->name, "libbpf\0", 8);
    bpf_ringbuf_submit(event, 0);
    return 0;
}
char LICENSE[] SEC("license") = "GPL";
""".replace("OWN", str(OWN)).replace("POINTER", pointer))
    decoded = {"number": 4000006, "name": "libbpf"}
    plain = decoded if "event" in pointer else (4000006).to_bytes(4, "little").hex() + b"libbpf\0\0".hex()
    for options, expected in ((["--event", "events=event"], decoded), (["--event", "events=struct event"], decoded), ([], plain)):
        with Running("run", path, "--set", "target=4000006", "--json", *options) as running:
            running.wait_for(lambda output: b'"event"' in output, lambda: call(4000006))
            status, output, errors = running.interrupt()
        assert (status, errors) == (0, b"")
        assert records(output)[0]["data"] == expected
    assert b"no perf or ring buffer 'other'" in run("run", path, "--event", "other=event", status=1)[1]
    assert b"does not describe a type 'other'" in run("run", path, "--event", "events=other", status=1)[1]
    assert b"'events' is not BUFFER=TYPE" in run("run", path, "--event", "events", status=2)[1]


def test_notice_on_a_terminal(source):
    """Somebody who waits is told that tracing has begun."""
    path = source(f"TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {{ {FILTER} return 0; }}")
    ours, theirs = pty.openpty()
    process = subprocess.Popen([EBCC, "run", path], stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    text = os.read(ours, 1000)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LIMIT)
    os.close(ours)
    assert process.returncode == 0 and text.startswith(b"attached 1 program, Ctrl-C ends")


def test_losses(source):
    """What does not fit while nobody reads is counted; events and losses together are all calls."""
    path = source(f"""
struct event {{ char bytes[4096]; }};
BPF_PERCPU_ARRAY(scratch, struct event, 1);
BPF_PERF_OUTPUT(events);
BPF_ARRAY(calls, u64, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {{
    int zero = 0;
    struct event *event = scratch.lookup(&zero);
    {FILTER}
    if (!event) return 0;
    calls.increment(0);
    events.perf_submit(args, event, sizeof(*event));
    return 0;
}}""")
    with Running("run", path, "--json") as running:
        running.wait_for(lambda output: b'"event"' in output, lambda: call(4000005))
        running.process.send_signal(signal.SIGSTOP)
        call(*[4000005] * 1000)
        running.process.send_signal(signal.SIGCONT)
        running.wait_for(lambda output: b'"lost"' in output, lambda: call(4000005))
        status, output, errors = running.interrupt()
    assert status == 0
    lines = records(output)
    lost = sum(line["count"] for line in lines if "lost" in line)
    assert lost > 0 and f"{lost} events of events were lost".encode() in errors
    (calls,) = [line["entries"][0]["value"] for line in lines if line.get("table") == "calls"]
    assert sum("event" in line for line in lines) + lost == calls


def test_tables(source):
    """Values per CPU, structs as keys, queues, histograms with buckets."""
    path = source(f"""
struct key {{ s32 number; char name[8]; }};
struct slot {{ u64 bucket; u64 slot; }};
BPF_HASH(keys, struct key, struct key);
BPF_PERCPU_ARRAY(cpus, u32, 2);
BPF_QUEUE(queue, u32, 8);
BPF_HISTOGRAM(buckets, struct slot);
BPF_STACK_TRACE(stacks, 64);
BPF_RINGBUF_OUTPUT(events, 8);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {{
    struct key key = {{.number = args->pid, .name = "x"}};
    struct slot slot = {{.bucket = args->pid % 2, .slot = 3}};
    u32 number = args->pid;
    {FILTER}
    keys.update(&key, &key);
    cpus.increment(1);
    queue.push(&number, 0);
    buckets.increment(slot);
    events.ringbuf_output(&number, sizeof(number), 0);
    return 0;
}}""")
    with Running("run", path, "--json") as running:
        running.wait_for(lambda output: output.count(b'"event"') >= 3, lambda: call(4000010, -4000009, 4000011))
        _, output, _ = running.interrupt()
    numbers = [line["data"] for line in records(output) if "event" in line]
    tables = {line["table"]: line["entries"] for line in records(output) if "table" in line}
    assert list(tables) == ["keys", "cpus", "queue", "buckets"]  # and no stacks
    assert [entry["key"]["number"] for entry in tables["keys"]] == [-4000009, 4000010, 4000011]
    assert tables["keys"][0]["key"] == tables["keys"][0]["value"] == {"number": -4000009, "name": "x"}
    (cpus,) = tables["cpus"]
    assert cpus["key"] == 1 and sum(cpus["value"]) == len(numbers)
    assert {4000010, 2**32 - 4000009, 4000011} == set(numbers)
    assert [entry["value"] for entry in tables["queue"]] == numbers[:8]
    with Running("run", path) as running:
        running.wait_for(lambda output: b"events" in output, lambda: call(4000010))
        _, output, _ = running.interrupt()
    assert b"  bucket = 0\n" in output and re.search(rb"\n +3 +4 -> 7 +: \d+ +\|\*{40}\|\n", output)


def test_iterator(source):
    """An iterator runs once, and then it ends; this process is in its output."""
    path = source("""
BPF_ITER(task) {
    struct task_struct *task = ctx->task;
    if (task) BPF_SEQ_PRINTF(ctx->meta->seq, "%d %d\\n", task->tgid, task->pid);
    return 0;
}""")
    output, errors = run("run", path)
    assert f"{OWN} {OWN}\n".encode() in output and errors == b""
    report = run_json("run", path)
    assert report["iterator"] == "bpf_iter__task" and f"{OWN} {OWN}\n" in report["text"]


@pytest.mark.parametrize("text", ["int run(void *ctx) { return 0; }", "BPF_HASH(counts);", "int run(struct pt_regs *ctx) { return 0; }"])
def test_nothing_attached(source, text):
    """An error that says so, at once."""
    output, errors = run("run", source(text), status=1)
    assert output == b""
    assert b"nothing is attached" in errors or b"has no programs" in errors


def test_missing_tracepoint(source):
    """Nothing stays attached, and near names are in the message."""
    _, errors = run("run", source("TRACEPOINT_PROBE(syscalls, sys_enter_getpgi) { return 0; }"), status=1)
    assert b"sys_enter_getpgid" in errors


def test_rejected_program(source):
    _, errors = run("run", source("BPF_HASH(h); TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { u64 k = 0; return *h.lookup(&k); }"), status=1)
    assert b"rejected" in errors and b"invalid mem access" in errors


def test_without_privilege(source, tmp_path):
    """A user who may not trace gets one line that says so."""
    os.chmod(tmp_path, 0o755)
    for directory in tmp_path.parents:
        if directory.is_relative_to("/tmp/pytest-of-root") and directory != "/tmp":
            os.chmod(directory, 0o755)
    path = source("TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { return 0; }")
    _, errors = run("run", path, status=1, user=65534, group=65534, extra_groups=[], env=environment(EBCC_CACHE="off"))
    assert b"root" in errors or b"CAP_" in errors
