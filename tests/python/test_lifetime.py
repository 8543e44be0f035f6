"""Nothing stays attached after an exception, exit(), Ctrl-C or a kill, or once the last reference is gone."""

import gc
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

import ebcc
from ebcc import BPF
from conftest import LIMIT, getpgid, gone, programs_of, wait_until, wait_until_asleep

SCRIPT = """
import os, sys, time
from ebcc import BPF
b = BPF(text='''
BPF_HASH(counts);
BPF_RINGBUF_OUTPUT(events, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    u64 key = 1;
    if (bpf_get_current_pid_tgid() >> 32 != %d)
        return 0;
    counts.increment(key);
    events.ringbuf_output(&key, sizeof(key), 0);
    return 0;
}
int on_call(struct pt_regs *ctx) { return 0; }
''' % os.getpid())
b.attach_uprobe(name="c", sym="labs", fn_name="on_call", pid=os.getpid())
b["events"].open_ring_buffer(lambda ctx, data, size: None)
print("ready", flush=True)
"""

ENDS = {
    "end": ("", 0),
    "exception": ("raise LookupError('end')", 1),
    "exit": ("sys.exit(7)", 7),
    "exception in a function": ("def f():\n    held = b\n    raise LookupError('end')\nf()", 1),
    "attach error": ("b.attach_tracepoint(tp='no:such', fn_name='on_call')", 1),
    "closed twice": ("b.cleanup(); b.close()", 0),
    "held by a cycle": ("b.self = b; del b", 0),
}


def start_script(code):
    """Starts a process that runs the script and then the code. Returns it and the programs that it holds."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT + code], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    programs = programs_of(process.pid)
    assert len(programs) == 2
    return process, programs


@pytest.mark.parametrize("name", ENDS)
def test_nothing_stays_after_the_end(name):
    ending, status = ENDS[name]
    process, programs = start_script("sys.stdin.read()\n" + ending)
    out, errors = process.communicate(timeout=LIMIT)
    assert (out, process.returncode) == ("", status), errors
    assert "Exception ignored" not in errors
    if status == 0:
        assert errors == ""
    assert gone(programs)


def interrupt(code, signal_number):
    """Runs the code in a process, and sends the signal once it waits. Returns its status and its stderr."""
    process, programs = start_script(code)
    wait_until_asleep(process.pid)
    process.send_signal(signal_number)
    _, errors = process.communicate(timeout=LIMIT)
    assert gone(programs)
    return process.returncode, errors


@pytest.mark.parametrize("waiting", [
    "b.ring_buffer_poll()", "b.perf_buffer_poll()", "b.kprobe_poll()",
    "while True: b.ring_buffer_poll(100)", "while True: b.trace_readline()", "time.sleep(1000)"])
def test_ctrl_c_ends_a_wait(waiting):
    status, errors = interrupt(waiting, signal.SIGINT)
    assert (status, errors.strip().splitlines()[-1]) == (-signal.SIGINT, "KeyboardInterrupt")


def test_ctrl_c_can_be_caught():
    code = "try:\n    b.ring_buffer_poll()\nexcept KeyboardInterrupt:\n    sys.exit(9)\n"
    assert interrupt(code, signal.SIGINT) == (9, "")


def test_nothing_stays_after_a_kill():
    assert interrupt("b.ring_buffer_poll()", signal.SIGKILL)[0] == -signal.SIGKILL


# Each macro expands to twice what the one before does: a short source, which clang needs very long to evaluate.
SLOW = "#define M0 1+\n" + "".join("#define M%d M%d M%d\n" % (i, i - 1, i - 1) for i in range(1, 27)) + \
    "#if M26 1\nint f(void *ctx) { return 0; }\n#endif\n"


def children(pid):
    """The ids of a process's children."""
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def processor_seconds(pid):
    """The processor time that a running process has used."""
    return time.clock_gettime(~pid << 3 | 2)


def test_ctrl_c_ends_a_compile():
    """It ends the compiler, which would go on for many seconds."""
    code = "from ebcc import BPF\nBPF(text=%r)\n" % SLOW
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    [compiler] = wait_until(lambda: children(process.pid))
    wait_until(lambda: processor_seconds(compiler) > 0.2)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LIMIT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (process.returncode, errors.strip().splitlines()[-1]) == \
        (-signal.SIGINT, "KeyboardInterrupt")
    assert after.ru_utime - before.ru_utime < 3
    wait_until(lambda: not os.path.exists("/proc/%d" % compiler))


def test_dropping_the_last_reference_detaches():
    before = programs_of()
    bpf = BPF(text="TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { return 0; }")
    programs = programs_of() - before
    assert len(programs) == 1
    del bpf
    gc.collect()
    assert gone(programs)


def test_failed_creation_leaves_nothing():
    before = programs_of()
    with pytest.raises(ebcc.AttachError):
        BPF(text="TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { return 0; }"
                 "int tracepoint__nosuch__event(void *ctx) { return 0; }")
    assert programs_of() == before


def test_a_forked_child_detaches_nothing(load):
    bpf = load("""
        BPF_HASH(counts);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            u64 key = 1;
            FILTER
            counts.increment(key);
            return 0;
        }""")
    child = os.fork()
    if child == 0:
        bpf.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    getpgid(1)
    assert bpf["counts"][1].value == 1


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_repeated_use_leaks_nothing():
    text = """
        struct event_t { u32 a; char b[16]; };
        BPF_HASH(counts);
        BPF_PERCPU_ARRAY(percpu, u64, 4);
        BPF_PERF_OUTPUT(events);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            struct event_t event = {};
            if (bpf_get_current_pid_tgid() >> 32 != %d)
                return 0;
            events.perf_submit(args, &event, sizeof(event));
            return 0;
        }""" % os.getpid()

    def cycle():
        with BPF(text=text) as bpf:
            bpf["counts"][1] = 2
            bpf["counts"].items()
            bpf["percpu"].values()
            bpf["events"].open_perf_buffer(lambda cpu, data, size: bpf["events"].event(data))
            getpgid(1)
            bpf.perf_buffer_poll(timeout=0)
            try:
                bpf.attach_tracepoint(tp="no:such", fn_name="no")
            except ebcc.Error:
                pass

    for _ in range(10):
        cycle()
    gc.collect()
    before = descriptors(), resident()
    for _ in range(40):
        cycle()
    gc.collect()
    assert descriptors() == before[0]
    assert resident() - before[1] < 1 << 20


FORKED = """
import os, sys
from ebcc import BPF, StateError
KINDS = {
    "perf": ("BPF_PERF_OUTPUT(events);", "events.perf_submit(args, &n, sizeof(n));"),
    "ring": ("BPF_RINGBUF_OUTPUT(events, 8);", "events.ringbuf_output(&n, sizeof(n), 0);")}
output, submit = KINDS[sys.argv[1]]
TEXT = output + '''
BPF_HASH(counts);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    u64 n = args->pid, *count;
    if (n != %d)
        return 0;
    counts.increment(n);
    SUBMIT
    return 0;
}'''.replace("SUBMIT", submit) % os.getpid()
b = BPF(text=TEXT)
got = []
def opened(bpf):
    take = lambda first, data, size: got.append(bpf["events"].event(data))
    if sys.argv[1] == "perf":
        bpf["events"].open_perf_buffer(take)
        return bpf.perf_buffer_poll
    bpf["events"].open_ring_buffer(take)
    return bpf.ring_buffer_poll
mark = os.getpid()
poll = opened(b)
def child(code):
    pid = os.fork()
    if pid == 0:
        code()
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""


def output_of(script, kind):
    """Runs a script with a buffer of that kind. Returns its stdout and its stderr."""
    done = subprocess.run([sys.executable, "-c", script, kind], capture_output=True, text=True,
                          timeout=LIMIT)
    return done.stdout, done.stderr


# {name: (what the child does, how many events the parent has seen in the end)}
FORKS = {
    # It ends like any Python process, which closes what it has.
    "an end": ("def code(): pass", 2),
    "a close": ("def code(): b.close()", 2),
    "a table": ("def code(): b['counts'][99] = 3", 2),
    "its own module": ("""
def code():
    with BPF(text=TEXT) as own:
        own_poll = opened(own)
        os.getpgid(mark)
        own_poll(1000)
        assert got == [mark], got
""", 3),
}


@pytest.mark.parametrize("kind", ["perf", "ring"])
@pytest.mark.parametrize("name", FORKS)
def test_a_forked_child_does_not_disturb_its_parent(kind, name):
    code, calls = FORKS[name]
    script = FORKED + code + """
child(code)
for _ in range(2):
    os.getpgid(mark)
    poll(1000)
print(got == [mark] * CALLS, b["counts"][mark].value == CALLS, 99 in b["counts"])
""".replace("CALLS", str(calls))
    assert output_of(script, kind) == ("True True %s\n" % (name == "a table"), "")


def test_polling_perf_buffers_in_a_forked_child_is_an_error():
    """The kernel doesn't map their memory into the child."""
    script = FORKED + """
def code():
    try:
        poll(100)
    except StateError as error:
        assert "fork" in str(error), error
    else:
        raise AssertionError("it could poll")
child(code)
os.getpgid(mark)
poll(1000)
print(got == [mark])
"""
    assert output_of(script, "perf") == ("True\n", "")


def test_a_forked_child_does_not_take_the_parents_events():
    """A table has one set of rings: if the child opened them again, the parent would get no more events."""
    script = FORKED + """
def code():
    for prepare in (lambda: None, b["events"].close_events):
        prepare()
        try:
            opened(b)
        except StateError as error:
            assert "process %d has" % os.getppid() in str(error), error
        else:
            raise AssertionError("it could open the buffer")
child(code)
os.getpgid(mark)
poll(1000)
print(got == [mark])
"""
    assert output_of(script, "perf") == ("True\n", "")


def test_a_forked_child_opens_buffers_after_its_parent_has_ended():
    """As a daemon does, after the process that opened the buffer has ended."""
    script = FORKED + """
parent = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    os.sched_yield()
poll = opened(b)
os.getpgid(mark)
poll(1000)
print(got == [mark])
"""
    assert output_of(script, "perf") == ("True\n", "")


def test_a_forked_child_may_read_a_ring_buffer():
    """As a daemon does, if its parent opened the buffer."""
    script = FORKED + """
def code():
    os.getpgid(mark)
    poll(1000)
    assert got == [mark], got
child(code)
print("read")
"""
    assert output_of(script, "ring") == ("read\n", "")
