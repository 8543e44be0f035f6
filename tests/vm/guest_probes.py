"""kprobes and kretprobes with arguments and return values of calls that the test makes.

Each text selects the test's own process, and is compiled inside the guest, where the cache is empty at the start.
"""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from ebcc import BPF, AttachError, LoadError, UnsupportedError

OPENED = b"/etc/hostname"
PID = os.getpid()
HERE = os.path.dirname(os.path.abspath(__file__))


def program(text):
    """The text for a module, in which OWN_PROCESS selects this process."""
    return textwrap.dedent(text).replace("OWN_PROCESS", f"(bpf_get_current_pid_tgid() >> 32 == {PID})")


def events_of(bpf, act, name="events"):
    """The events that an action causes, in order: each processor has a buffer of its own, so this process stays on one."""
    seen, allowed = [], os.sched_getaffinity(0)

    def on_event(_cpu, data, _size):
        event = bpf[name].event(data)
        seen.append({field: getattr(event, field) for field, *_ in event._fields_})

    def on_loss(count):
        pytest.fail(f"{count} events were lost")

    bpf[name].open_perf_buffer(on_event, lost_cb=on_loss)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        act()
    finally:
        os.sched_setaffinity(0, allowed)
    bpf.perf_buffer_poll(timeout=1000)
    return seen


def open_and_close(flags=os.O_RDWR | os.O_CLOEXEC):
    """Opens a known file once; returns the descriptor."""
    descriptor = os.open(OPENED, flags)
    os.close(descriptor)
    return descriptor


OPEN_ARGUMENTS = """
    struct event_t { s32 dfd; u32 flags; char name[64]; };
    BPF_PERF_OUTPUT(events);

    int FUNCTION(struct pt_regs *ctx, int dfd, const char __user *filename, struct open_how *how)
    {
        struct event_t event = {};

        if (!OWN_PROCESS)
            return 0;
        event.dfd = dfd;
        event.flags = how->flags;
        bpf_probe_read_user_str(event.name, sizeof(event.name), filename);
        events.perf_submit(ctx, &event, sizeof(event));
        return 0;
    }
"""
ARGUMENTS_SEEN = [{"dfd": -100, "flags": os.O_RDWR | os.O_CLOEXEC | 0o100000, "name": OPENED}]


def test_kprobe_by_name_prefix():
    """kprobe__FUNCTION attaches itself, and its further parameters are the function's arguments."""
    with BPF(text=program(OPEN_ARGUMENTS.replace("FUNCTION", "kprobe__do_sys_openat2"))) as bpf:
        assert events_of(bpf, open_and_close) == ARGUMENTS_SEEN


def test_kprobe_attached_by_call():
    with BPF(text=program(OPEN_ARGUMENTS.replace("FUNCTION", "on_open"))) as bpf:
        assert events_of(bpf, open_and_close) == []
        bpf.attach_kprobe(event="do_sys_openat2", fn_name="on_open")
        assert bpf.num_open_kprobes() == 1
        assert events_of(bpf, open_and_close) == ARGUMENTS_SEEN
        bpf.detach_kprobe("do_sys_openat2")
        assert bpf.num_open_kprobes() == 0
        assert events_of(bpf, open_and_close) == []


RETURN_VALUE = """
    struct event_t { s32 value; };
    BPF_PERF_OUTPUT(events);

    int FUNCTION(struct pt_regs *ctx)
    {
        struct event_t event = { .value = PT_REGS_RC(ctx) };

        if (OWN_PROCESS)
            events.perf_submit(ctx, &event, sizeof(event));
        return 0;
    }
"""


def test_kretprobe_by_name_prefix():
    """The return value is the descriptor that the call returned, or the error: an int on newer kernels, a long on older ones."""
    numbers = []

    def act():
        numbers.append(open_and_close())
        with pytest.raises(FileNotFoundError):
            os.open("/no/such/file", os.O_RDONLY)

    with BPF(text=program(RETURN_VALUE.replace("FUNCTION", "kretprobe__do_sys_openat2"))) as bpf:
        assert events_of(bpf, act) == [{"value": numbers[0]}, {"value": -2}]


def test_kretprobe_attached_by_call():
    numbers = []
    with BPF(text=program(RETURN_VALUE.replace("FUNCTION", "on_return"))) as bpf:
        bpf.attach_kretprobe(event="do_sys_openat2", fn_name="on_return")
        seen = events_of(bpf, lambda: numbers.append(open_and_close()))
        assert seen == [{"value": numbers[0]}]


def test_syscall_arguments():
    """The parameters of syscall__NAME are the arguments of the system call, inside the kernel's wrapper."""
    text = program("""
        struct event_t { s32 dfd; s32 flags; u32 mode; char name[64]; };
        BPF_PERF_OUTPUT(events);

        int syscall__openat(struct pt_regs *ctx, int dfd, const char __user *filename, int flags, int mode)
        {
            struct event_t event = { .dfd = dfd, .flags = flags, .mode = mode };

            if (!OWN_PROCESS)
                return 0;
            bpf_probe_read_user_str(event.name, sizeof(event.name), filename);
            events.perf_submit(ctx, &event, sizeof(event));
            return 0;
        }
    """)
    with BPF(text=text) as bpf:
        bpf.attach_kprobe(event=bpf.get_syscall_fnname("openat"), fn_name="syscall__openat")

        def act():
            os.close(os.open(OPENED, os.O_RDWR | os.O_CLOEXEC | os.O_CREAT, 0o612))

        assert events_of(bpf, act) == [
            {"dfd": -100, "flags": os.O_RDWR | os.O_CLOEXEC | os.O_CREAT, "mode": 0o612, "name": OPENED}
        ]


def test_entry_and_return_joined_by_a_map():
    """The usual pair: an argument is stored by thread at the entry, and read at the return."""
    text = program("""
        struct event_t { s64 value; u64 requested; };
        BPF_HASH(requests, u32, u64);
        BPF_PERF_OUTPUT(events);

        int kprobe__vfs_read(struct pt_regs *ctx, struct file *file, char __user *buf, size_t count)
        {
            u32 tid = bpf_get_current_pid_tgid();
            u64 requested = count;

            if (OWN_PROCESS)
                requests.update(&tid, &requested);
            return 0;
        }

        int kretprobe__vfs_read(struct pt_regs *ctx)
        {
            u32 tid = bpf_get_current_pid_tgid();
            u64 *requested = requests.lookup(&tid);

            if (!requested)
                return 0;
            struct event_t event = { .value = PT_REGS_RC(ctx), .requested = *requested };
            requests.delete(&tid);
            events.perf_submit(ctx, &event, sizeof(event));
            return 0;
        }
    """)
    size = os.stat(OPENED).st_size
    with BPF(text=text) as bpf:

        def act():
            descriptor = os.open(OPENED, os.O_RDONLY)
            os.read(descriptor, 4001)
            os.close(descriptor)

        assert {"value": size, "requested": 4001} in events_of(bpf, act)
        assert len(bpf["requests"]) == 0


def test_kernel_pointers_are_followed():
    """Chains of kernel pointers, followed in plain C, give what the process knows about itself by other means."""
    text = program("""
        struct event_t { u32 parent; u32 owner; u32 threads; char name[32]; char parent_comm[16]; };
        BPF_PERF_OUTPUT(events);

        int kprobe__vfs_open(struct pt_regs *ctx, const struct path *path, struct file *file)
        {
            struct task_struct *task = (struct task_struct *)bpf_get_current_task();
            struct event_t event = {};

            if (!OWN_PROCESS)
                return 0;
            event.parent = task->real_parent->tgid;
            event.owner = task->mm->owner->tgid;
            event.threads = task->signal->nr_threads;
            bpf_probe_read_kernel_str(event.name, sizeof(event.name), path->dentry->d_name.name);
            __builtin_memcpy(event.parent_comm, task->real_parent->comm, sizeof(event.parent_comm));
            events.perf_submit(ctx, &event, sizeof(event));
            return 0;
        }
    """)
    with open(f"/proc/{os.getppid()}/comm", "rb") as comm:
        parent_comm = comm.read().strip()
    with BPF(text=text) as bpf:
        # The overlay also opens the file below it, with the same function on newer kernels.
        assert events_of(bpf, open_and_close)[0] == {
            "parent": os.getppid(), "owner": PID, "threads": 1, "name": b"hostname", "parent_comm": parent_comm
        }  # fmt: skip


def test_regular_expression():
    """event_re attaches to all functions that it matches, and to no others."""
    text = "BPF_HASH(calls, u64, u64); int on_call(struct pt_regs *ctx) { calls.increment(PT_REGS_IP(ctx)); return 0; }"
    with BPF(text=text) as bpf:
        assert sorted(BPF.get_kprobe_functions(b"^vfs_(read|write)$")) == [b"vfs_read", b"vfs_write"]
        bpf.attach_kprobe(event_re="^vfs_(read|write)$", fn_name="on_call")
        assert bpf.num_open_kprobes() == 2
        os.close(os.open("/dev/null", os.O_RDONLY))
        with open("/dev/null", "wb", buffering=0) as null:
            null.write(b"x")
        with open(OPENED, "rb", buffering=0) as file:
            file.read(1)
        assert {BPF.ksym(address.value) for address in bpf["calls"].keys()} == {b"vfs_read", b"vfs_write"}


def test_kernel_stack():
    text = program("""
        struct event_t { s32 stack; };
        BPF_STACK_TRACE(stacks, 16384);  // with fewer slots, two stacks of this process may want the same
        BPF_PERF_OUTPUT(events);

        int kprobe__vfs_open(struct pt_regs *ctx)
        {
            struct event_t event = {};

            if (!OWN_PROCESS)
                return 0;
            event.stack = stacks.get_stackid(ctx, 0);
            events.perf_submit(ctx, &event, sizeof(event));
            return 0;
        }
    """)
    with BPF(text=text) as bpf:
        event = events_of(bpf, open_and_close)[0]
        names = [BPF.ksym(address) for address in bpf["stacks"].walk(event["stack"])]
        assert names[0] == b"vfs_open"
        assert b"do_sys_openat2" in names
        assert names.index(b"do_sys_openat2") < names.index(b"do_syscall_64")


TRACED = program("""
    BPF_HASH(calls, u64, u64);

    KFUNC_PROBE(vfs_open)
    {
        u64 cookie = COOKIE;

        if (OWN_PROCESS)
            calls.increment(cookie);
        return 0;
    }

    KRETFUNC_PROBE(vfs_open)
    {
        u64 cookie = COOKIE;

        if (OWN_PROCESS)
            calls.increment(cookie);
        return 0;
    }
""")


def called(bpf):
    """The cookies of the programs that one call of vfs_open() runs. The overlay may open a file below, too."""
    bpf["calls"].clear()
    open_and_close()
    return {key.value for key in bpf["calls"].keys()}


def kernel():
    """The kernel's version."""
    return tuple(int(part) for part in os.uname().release.split(".")[:2])


def test_cookies_of_traced_functions():
    """bpf_get_attach_cookie() gives each program its own; attached by their names, they have none."""
    if kernel() < (6, 0):
        with BPF(text=TRACED.replace("COOKIE", "0")) as bpf:
            bpf.detach_kfunc("vfs_open")
            with pytest.raises(UnsupportedError, match="no attach cookies for kfunc .Linux 6.0"):
                bpf.attach_kfunc("vfs_open", cookie=5)
        return
    with BPF(text=TRACED.replace("COOKIE", "bpf_get_attach_cookie(ctx)")) as bpf:
        assert called(bpf) == {0}
        with pytest.raises(AttachError, match="already attached"):
            bpf.attach_kfunc("vfs_open", cookie=5)
        bpf.detach_kfunc("vfs_open")
        bpf.detach_kretfunc("vfs_open")
        with bpf.attach_kfunc("vfs_open", cookie=5), bpf.attach_kretfunc("vfs_open", cookie=0x8877665544332211):
            assert called(bpf) == {5, 0x8877665544332211}
        assert called(bpf) == set()
        bpf.attach_kfunc("vfs_open", cookie=6)
        assert called(bpf) == {6}


def test_cookies_of_security_hooks():
    text = program("""
        BPF_HASH(calls, u64, u64);

        LSM_PROBE(file_open, struct file *file)
        {
            u64 cookie = COOKIE;

            if (OWN_PROCESS)
                calls.increment(cookie);
            return 0;
        }
    """)
    has_cookies = kernel() >= (6, 0)
    with BPF(text=text.replace("COOKIE", "bpf_get_attach_cookie(ctx)" if has_cookies else "0")) as bpf:
        bpf.detach_lsm("file_open")
        if not has_cookies:
            with pytest.raises(UnsupportedError, match="no attach cookies for lsm"):
                bpf.attach_lsm("file_open", cookie=5)
            return
        bpf.attach_lsm("file_open", cookie=(1 << 64) - 3)
        assert called(bpf) == {(1 << 64) - 3}


def test_cookies_of_kprobes():
    text = program("""
        BPF_HASH(calls, u64, u64);

        int on_call(struct pt_regs *ctx)
        {
            u64 cookie = bpf_get_attach_cookie(ctx);

            if (OWN_PROCESS)
                calls.increment(cookie);
            return 0;
        }
    """)
    if kernel() < (5, 15):
        with pytest.raises(LoadError):
            BPF(text=text).load_func("on_call", BPF.KPROBE)
        return
    with BPF(text=text) as bpf:
        bpf.attach_kprobe(event="vfs_open", fn_name="on_call", cookie=0x1122334455667788)
        bpf.attach_kretprobe(event="vfs_open", fn_name="on_call", cookie=9)
        assert called(bpf) == {0x1122334455667788, 9}
        bpf.detach_kretprobe("vfs_open")
        bpf.attach_kretprobe(event="vfs_open", fn_name="on_call", maxactive=11, cookie=10)
        assert called(bpf) == {0x1122334455667788, 10}


def test_missing_function_names_its_neighbours():
    with BPF(text="int on_call(struct pt_regs *ctx) { return 0; }") as bpf:
        with pytest.raises(Exception, match="do_sys_openat3") as error:
            bpf.attach_kprobe(event="do_sys_openat3", fn_name="on_call")
        assert "do_sys_openat2" in str(error.value)
        assert bpf.num_open_kprobes() == 0


def test_function_behind_a_macro():
    """Since Linux 6.10, functions that allocate memory are macros around others: the names that sources use still work."""
    text = program("""
        BPF_HASH(calls, u32, u64);
        int on_call(struct pt_regs *ctx) { u32 key = 1; if (OWN_PROCESS) calls.increment(key); return 0; }
        int kprobe__kmem_cache_alloc(struct pt_regs *ctx) { u32 key = 2; if (OWN_PROCESS) calls.increment(key); return 0; }
        KFUNC_PROBE(kmem_cache_alloc, struct kmem_cache *cache)
        {
            u32 key = 3;

            if (OWN_PROCESS && cache->size)
                calls.increment(key);
            return 0;
        }
    """)
    with BPF(text=text) as bpf:
        bpf.attach_kretprobe(event="kmem_cache_alloc", fn_name="on_call")
        open_and_close()
        assert sorted(key.value for key in bpf["calls"].keys()) == [1, 2, 3]
        bpf.detach_kretprobe(event="kmem_cache_alloc")
        assert bpf.num_open_kprobes() == 1


def attached():
    """What programs leave in the kernel: legacy events, programs and links."""
    with open("/sys/kernel/tracing/kprobe_events", encoding="ascii") as file:
        events = file.read().splitlines()
    programs = subprocess.run(["bpftool", "prog", "list"], capture_output=True, text=True, check=True).stdout
    return events, programs


@pytest.fixture
def nothing_attached(wait_for):
    """Checks before and after. The kernel frees programs shortly after their last user is gone."""
    wait_for(lambda: attached() == ([], ""))
    yield
    wait_for(lambda: attached() == ([], ""))


CHILD = """
import os, signal, sys
from ebcc import BPF
bpf = BPF(text="int on_call(struct pt_regs *ctx) { return 0; }")
bpf.attach_kprobe(event="vfs_open", fn_name="on_call")
bpf.attach_kretprobe(event="vfs_read", fn_name="on_call", maxactive=MAXACTIVE)
print("attached", flush=True)
END
"""


def child(end, maxactive=0):
    """A process that attaches probes, reports that, and ends in the given way."""
    text = CHILD.replace("END", end).replace("MAXACTIVE", str(maxactive))
    process = subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "attached\n", process.stderr.read()
    return process


@pytest.mark.usefixtures("nothing_attached")
@pytest.mark.parametrize(
    ("end", "status"),
    [("pass", 0), ("sys.exit(3)", 3), ("raise KeyError('x')", 1), ("os._exit(4)", 4), ("os.kill(os.getpid(), signal.SIGINT)", -2)],
    ids=["end", "exit", "exception", "_exit", "interrupt"],
)
def test_nothing_is_left_attached(end, status):
    process = child(end)
    assert process.wait(timeout=60) == status


@pytest.mark.usefixtures("nothing_attached")
def test_legacy_events_end_with_the_module():
    """maxactive needs an event in tracefs, which exists while the probe is attached."""
    with BPF(text="int on_call(struct pt_regs *ctx) { return 0; }") as bpf:
        bpf.attach_kretprobe(event="vfs_read", fn_name="on_call", maxactive=17)
        events, _programs = attached()
        assert len(events) == 1
        assert events[0].startswith("r17:") and events[0].endswith(" vfs_read")
        assert str(PID) in events[0]


def test_legacy_events_of_killed_processes_are_swept():
    """After kill -9 and one more start, none is left; those of running processes stay."""
    assert attached()[0] == []
    killed, alive = child("sys.stdin.read()", maxactive=17), child("sys.stdin.read()", maxactive=18)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(timeout=60) == -signal.SIGKILL
    assert sorted(event.split(":")[0] for event in attached()[0]) == ["r17", "r18"]
    next_start = child("sys.stdin.read()", maxactive=19)
    assert sorted(event.split(":")[0] for event in attached()[0]) == ["r18", "r19"]
    for process in (alive, next_start):
        process.stdin.close()
        assert process.wait(timeout=60) == 0
    assert attached()[0] == []


def own_line(bpf):
    """The fields of this process's next line in the trace pipe, which may still have lines of others."""
    while (fields := bpf.trace_fields())[1] != PID:
        pass
    return fields


def test_trace_printk():
    """trace_fields returns what bpf_trace_printk prints."""
    text = program("""
        int kprobe__vfs_open(struct pt_regs *ctx)
        {
            if (OWN_PROCESS)
                bpf_trace_printk("opened %d %s\\n", 4711, "twice");
            return 0;
        }
    """)
    with BPF(text=text) as bpf:
        open_and_close()
        assert own_line(bpf)[5] == b"opened 4711 twice"


def test_trace_printk_of_many_values():
    """More than three values need a helper that older kernels don't have, as the message says."""
    text = program("""
        int kprobe__vfs_open(struct pt_regs *ctx)
        {
            if (OWN_PROCESS)
                bpf_trace_printk("%d %d %d %d %s\\n", 1, 2, 3, 4, "five");
            return 0;
        }
    """)
    if tuple(int(part) for part in os.uname().release.split(".")[:2]) < (5, 16):
        with pytest.raises(LoadError, match="bpf_trace_printk.. with more than three values needs Linux 5.16"):
            BPF(text=text)
        return
    with BPF(text=text) as bpf:
        open_and_close()
        assert own_line(bpf)[5] == b"1 2 3 4 five"


def test_lost_events_are_counted():
    """All events that found no room are reported: those received and those lost add up to what was sent."""
    text = program("""
        struct event_t { u64 number; char filler[200]; };
        BPF_ARRAY(count, u64, 1);
        BPF_PERF_OUTPUT(events);

        int on_call(struct pt_regs *ctx)
        {
            struct event_t event = {};
            int zero = 0;
            u64 *number = count.lookup(&zero);

            if (!number || !OWN_PROCESS)
                return 0;
            event.number = (*number)++;
            events.perf_submit(ctx, &event, sizeof(event));
            return 0;
        }
    """)
    seen, lost = [], []
    with BPF(text=text) as bpf:
        bpf["events"].open_perf_buffer(
            lambda _cpu, data, _size: seen.append(bpf["events"].event(data).number), page_cnt=1, lost_cb=lost.append
        )
        bpf.attach_kprobe(event=bpf.get_syscall_fnname("getpgid"), fn_name="on_call")
        for _ in range(200):
            os.getpgid(0)
        bpf.perf_buffer_poll(timeout=1000)
        sent = bpf["count"][ctypes.c_int(0)].value
    assert sent == 200
    assert len(seen) + sum(lost) == 200
    assert 0 < len(seen) < 200


def test_second_pipeline(caplog):
    """A program that the verifier rejects after instcombine, as it doesn't see the lower bound of the index, still loads."""
    text = """
        struct slots_t { u64 slot[16]; };
        BPF_ARRAY(input, u64, 1);
        BPF_ARRAY(values, struct slots_t, 1);

        int on_call(struct pt_regs *ctx)
        {
            u32 zero = 0;
            u64 *number = input.lookup(&zero);
            struct slots_t *value = values.lookup(&zero);
            int high;

            if (!number || !value)
                return 0;
            high = *number >> 32;
            if (high >= 16)
                return 0;
            if (high < 0)
                return 0;
            value->slot[high]++;
            return 0;
        }
    """
    with caplog.at_level(logging.INFO, logger="ebcc"), BPF(text=text) as bpf:
        bpf["input"][ctypes.c_int(0)] = ctypes.c_uint64(7 << 32 | 99)
        bpf.attach_kprobe(event=bpf.get_syscall_fnname("getpgid"), fn_name="on_call")
        os.getpgid(0)
        slots = list(bpf["values"][ctypes.c_int(0)].slot)
    assert slots[7] >= 1 and sum(slots) == slots[7]
    assert "second pipeline" in caplog.text
